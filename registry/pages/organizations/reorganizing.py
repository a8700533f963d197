"""What reorganizes a temporary Party organization: into another one, split, followed by another kind."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from registry import access
from registry.models import Assignment, Organization, OrganizationKind
from registry.models.kinds import BRANCH_KINDS, PARTY_BODIES
from registry.operations import reorganizing, seen
from registry.pages.organizations.changes import ORGANIZATION, approved_first
from registry.pages.organizations.forms import free_name, kind_words, superior_at
from registry.rules import reorganizing as rules
from registry.web.changes import Job
from registry.web.fields import (
    DayField,
    PickerField,
    ScopedForm,
    document_field,
    reason_field,
    text_of,
    typed_day_or,
    wide,
)

# --- Into another branch --------------------------------------------------------------------------


class MergeForm(ScopedForm):
    """Into another temporary branch from a day on, with what was shown of its extent (``planned``)."""

    planned = forms.CharField(required=False, widget=forms.HiddenInput)
    into = PickerField(
        "organization",
        label="并入支部",
        verb="merge_organization",
        rows=lambda rows: rows.filter(kind__in=BRANCH_KINDS, is_temporary=True),
    )
    on = DayField(label="合并日期", help_text="自该日起人员和下级组织归入所选支部,之前的日期不变。")
    document_number = document_field("批准文号")
    reason = reason_field(required=True)


def _merger(job: Job) -> list[str]:
    """Say who and what would go over."""
    day = typed_day_or(job.request.POST.get("on", ""), job.address.as_of)
    people = rules.staying_on(job.row, day).count()
    groups = rules.groups_of(job.row, day).count()
    return [
        f"自 {day.isoformat()} 起撤销“{job.row.name}”,"
        f"在编 {people:,} 人次、下级组织 {groups:,} 个归入所选支部。",
        "已在所选支部的人员不重复编入;书记归入后为成员,职责可再调整。",
        *approved_first(job),
    ]


merge = ORGANIZATION.change(
    reorganizing.merge_organization,
    MergeForm,
    "并入其他支部",
    submit_label="并入",
    sentences=_merger,
    done=lambda job, made: (
        f"“{job.row.name}”自 {job.sent['on']} 起并入“{made.into.name}”,"
        f"归入 {made.people:,} 人、下级组织 {made.organizations:,} 个。"
    ),
    beside=(seen.MEMBERS,),
)

# --- Split ----------------------------------------------------------------------------------------


_GONE = "所选人员在拆分日期不在本支部,请重新选择。"


class _Members(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Members of the branch, to be ticked."""

    user: access.AnyUser

    def label_from_instance(self, obj: Any) -> str:
        """Say who it is, as the user may see it, and in which role."""
        return member_label(self.user, obj)


class _Secretary(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the members."""

    user: access.AnyUser

    def label_from_instance(self, obj: Any) -> str:
        """Say who it is, as the user may see it, and in which role."""
        return member_label(self.user, obj)


def member_label(user: access.AnyUser, row: Assignment) -> str:
    """Return a member's name, number as ``user`` may see it, and role."""
    return f"{row.person.name}({access.shown_number(user, row.person)}) · {row.get_role_display()}"


class SplitForm(ScopedForm):
    """A new branch of some of the members and groups from a day on."""

    name = text_of(Organization, "name", label="新支部名称", widget=wide())
    on = DayField(label="拆分日期", help_text="自该日起新支部成立,所选人员编入新支部,之前的日期不变。")
    document_number = document_field("批复文号", help_text="批准时填写的文号优先。")
    members = _Members(
        queryset=Assignment.objects.none(),
        label="转入新支部的人员",
        widget=forms.CheckboxSelectMultiple(attrs={"data-wide": ""}),
        error_messages={"invalid_choice": _GONE, "required": "请选择转入新支部的人员。"},
        help_text="没有勾选的留在原支部。职责不变;原书记转入后为成员,除非选为新支部书记。",
    )
    secretary = _Secretary(
        queryset=Assignment.objects.none(),
        label="新支部书记",
        required=False,
        empty_label="不指定",
        error_messages={"invalid_choice": _GONE},
        help_text="没有勾选的,一并转入新支部。",
    )
    groups = forms.ModelMultipleChoiceField(
        queryset=Organization.objects.none(),
        label="转入新支部的下级组织",
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"data-wide": ""}),
        error_messages={"invalid_choice": "所选组织在拆分日期不是本支部的下级,请重新选择。"},
    )
    reason = reason_field(required=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        begin = self.initial["on"]
        day = typed_day_or(self.data.get("on", ""), begin)
        members = rules.in_order(rules.staying_on(self.row, day))
        for name in ("members", "secretary"):
            field = cast(Any, self.fields[name])
            field.user, field.queryset = self.user, members
        groups = rules.groups_of(self.row, day)
        if groups:
            cast(Any, self.fields["groups"]).queryset = groups
        else:
            del self.fields["groups"]

    def clean(self) -> dict[str, Any]:
        """Let the new secretary go over, too."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        head, chosen = cleaned.get("secretary"), list(cleaned.get("members") or [])
        cleaned["members"] = [*chosen, *([head] if head is not None and head not in chosen else [])]
        cleaned["groups"] = list(cleaned.get("groups") or [])
        return cleaned


def _division(job: Job) -> rules.Division:
    sent = job.sent
    return rules.Division(
        job.row, sent["name"], sent["on"], sent["members"], sent["secretary"], sent["groups"]
    )


def _split_preview(job: Job) -> list[str]:
    """Say who would go and who would stay, and what is odd about it."""
    proposal = _division(job)
    told = rules.told_division(proposal, in_full=True)
    said = [f"{label}:{new}" for label, _, new in told if label != rules.LOOK]
    return [*said, *rules.division_warnings(proposal, job.user)]


split = ORGANIZATION.change(
    reorganizing.split_organization,
    SplitForm,
    "拆分支部",
    submit_label="拆分",
    sentences=lambda job: [
        f"从“{job.row.name}”分出一部分人员和下级组织,另成立一个{job.row.kind_label}:"
        "与原支部同类型、同单位、同上级,原支部保留。",
        *approved_first(job),
    ],
    initial=lambda job: {"name": free_name(job.row.unit, kind_words(job.row.kind, job.row.is_temporary))},
    warn=_split_preview,
    done=lambda job, made: f"“{made.name}”自 {job.sent['on']} 起从“{job.row.name}”分出。",
    beside=(seen.MEMBERS,),
)

# --- Another kind ---------------------------------------------------------------------------------

_NEXT = {
    OrganizationKind.BRANCH: OrganizationKind.GENERAL_BRANCH,
    OrganizationKind.JOINT_BRANCH: OrganizationKind.GENERAL_BRANCH,
    OrganizationKind.GENERAL_BRANCH: OrganizationKind.COMMITTEE,
    OrganizationKind.COMMITTEE: OrganizationKind.GENERAL_BRANCH,
}
"""The kind that mostly follows when an organization grows."""


class ReconstituteForm(ScopedForm):
    """A successor of another kind from a day on."""

    kind = forms.ChoiceField(label="改设为")
    name = text_of(Organization, "name", label="改设后的名称", widget=wide())
    parent = PickerField(
        "organization",
        label="改设后的上级组织",
        required=False,
        help_text="没有就留空。党总支只能设在党委之下,党委只能设在上级党委之下。",
    )
    on = DayField(label="改设日期", help_text="自该日起按改设后的类型统计,之前的日期不变。")
    document_number = document_field("批复文号", help_text="批准时填写的文号优先。")
    reason = reason_field(required=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.row
        kinds = [(kind, kind_words(kind, is_temporary=True)) for kind in PARTY_BODIES if kind != row.kind]
        cast(forms.ChoiceField, self.fields["kind"]).choices = kinds
        parent = cast(PickerField, self.fields["parent"])
        superior_at(parent, self.user, row.unit, self.data.get("kind") or self.initial["kind"])
        parent.keep(row.parent)


def _first_values(job: Job) -> dict[str, Any]:
    """Return the next larger kind, and the name with it in the place of the present one."""
    row = job.row
    if row.kind not in _NEXT:  # refused when it is sent
        return {"kind": OrganizationKind.GENERAL_BRANCH.value}
    kind = _NEXT[OrganizationKind(row.kind)]
    words = OrganizationKind(row.kind).label
    return {"kind": kind.value, "name": row.name.replace(str(words), str(kind.label)), "parent": row.parent}


def _succession_preview(job: Job) -> list[str]:
    """Say what would follow, who goes over, and what is odd about it."""
    sent = job.sent
    proposal = rules.Succession(job.row, sent["kind"], sent["name"], sent["on"], sent["parent"])
    told = rules.told_succession(proposal)
    return [f"{label}:{f'{old} → ' if old else ''}{new}" for label, old, new in told]


reconstitute = ORGANIZATION.change(
    reorganizing.reconstitute_organization,
    ReconstituteForm,
    "改设为其他类型",
    submit_label="改设",
    sentences=lambda job: [
        f"“{job.row.name}”({job.row.kind_label})自改设日期起撤销,由另一类型的组织接替:"
        "人员按原职责转入,下级组织一并转入。",
        "类型从成立之日起就登记错了的,请用“更正登记”。",
        *approved_first(job),
    ],
    initial=_first_values,
    warn=_succession_preview,
    done=lambda job, made: f"“{job.row.name}”自 {job.sent['on']} 起改设为“{made.name}”({made.kind_label})。",
    beside=(seen.MEMBERS,),
)
