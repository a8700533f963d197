"""Forms about organizations: register, edit, move, transfer, dissolve, withdraw, approve, return."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.urls import reverse

from registry import access
from registry.models import (
    Organization,
    OrganizationKind,
    Person,
    Unit,
    WorkflowState,
)
from registry.models.hierarchy import UnitHierarchy
from registry.models.kinds import ALLOWED_PARENTS, BRANCH_KINDS, PARTY_KINDS
from registry.operations.organizations import EDITABLE, Member
from registry.pages.people.forms import as_members, with_members
from registry.pages.people.placing import PlacedField, PlacingForm
from registry.rules import covering, registrations
from registry.rules import organizations as rules
from registry.rules.findings import Finding, warnings
from registry.rules.foundings import WITH_BELOW, WITH_MEMBERS, beginning_of, beginning_warnings
from registry.web import fields
from registry.web.campaigns import CampaignField
from registry.web.fields import (
    DayField,
    PickerField,
    ScopedForm,
    code_field,
    document_field,
    note_field,
    reason_field,
    text_of,
    wide,
)

_NUMERALS = "零一二三四五六七八九"
KIND_GROUPS = [
    ("党组织", [(kind, OrganizationKind(kind).label) for kind in PARTY_KINDS]),
    ("队伍", [(kind.value, kind.label) for kind in OrganizationKind if kind.value not in PARTY_KINDS]),
]
REGISTERED_KINDS = [
    ("临时党组织", [(kind, f"临时{OrganizationKind(kind).label}") for kind in PARTY_KINDS]),
    KIND_GROUPS[1],
]
"""What is registered in wartime is temporary unless the box for standing ones is ticked."""


def numeral(number: int) -> str:
    """Return a number up to 99 in Chinese: 第二, 第十一."""
    if number >= 100:
        return str(number)
    tens, ones = divmod(number, 10)
    ten = "" if tens == 0 else "十" if tens == 1 else f"{_NUMERALS[tens]}十"
    return ten + (_NUMERALS[ones] if ones or not tens else "")


def kind_words(kind: str, is_temporary: bool) -> str:
    """Return the kind as names use it: 临时党支部, 突击队."""
    label = str(OrganizationKind(kind).label)
    return f"临时{label}" if is_temporary else label


def suggest_name(unit: Unit, kind: str, is_temporary: bool) -> str:
    """Return a name that no organization at the unit has: 德城分局临时党支部, 德城分局第二临时党支部."""
    return free_name(unit, kind_words(kind, is_temporary))


def free_name(unit: Unit, words: str) -> str:
    """Return the unit's name with these words, with the next number where the unit has that name already."""
    plain = f"{unit.label}{words}"
    taken = set(
        Organization.objects.filter(unit=unit, name__startswith=unit.label)
        .exclude(state=WorkflowState.WITHDRAWN)
        .values_list("name", flat=True)
    )
    number, name = 1, plain
    while name in taken:
        number += 1
        name = f"{unit.label}第{numeral(number)}{words}"
    return name


def suggest_parent(
    user: access.AnyUser, unit: Unit, kind: str, is_temporary: bool, day: date
) -> Organization | None:
    """Return the nearest organization, at the unit or above it, under which the kind may stand.

    At one unit a temporary superior goes before a standing one (never above a standing organization),
    a lower level before a higher. Of several equals none is suggested: the user knows which.
    """
    path = [above.pk for above in UnitHierarchy.on(day).path(unit)]
    standing = (
        Organization.objects.approved()
        .as_of(day)
        .filter(unit__in=path, kind__in=ALLOWED_PARENTS[kind], dissolved_on__isnull=True)
        .filter(kind__in=PARTY_KINDS)
    )
    above_scope = access.superiors(user, unit).order_by().values("pk")
    candidates = (access.visible(user, standing) | standing.filter(pk__in=above_scope)).order_by(
        "order_key", "pk"
    )
    levels = {value: level for level, value in enumerate(reversed(PARTY_KINDS))}
    prefers_temporary = is_temporary or kind not in PARTY_KINDS
    ranked: dict[tuple[int, bool, int], list[Organization]] = {}
    for candidate in candidates:
        distance = len(path) - path.index(candidate.unit_id)
        if prefers_temporary and not candidate.is_temporary and candidate.kind in BRANCH_KINDS:
            continue  # a home branch is no superior of what is founded for a campaign
        if candidate.is_temporary and not prefers_temporary:
            continue  # nor a temporary organization of a standing one
        rank = (distance, not candidate.is_temporary, levels[candidate.kind])
        ranked.setdefault(rank, []).append(candidate)
    return next((found[0] for _rank, found in sorted(ranked.items()) if len(found) == 1), None)


def superior_at(field: PickerField, user: access.AnyUser, unit: Unit, kind: str) -> None:
    """Let the picker of a superior also find those above the user's scope (``access.superiors``)."""
    field.widget.query = urlencode({"kind": kind, "below": unit.code})
    field.beyond = cache(lambda: access.superiors(user, unit))


def suggestion(user: access.AnyUser, unit: Unit, kind: str, is_temporary: bool, day: date) -> dict[str, Any]:
    """Return name and Party superior for a new organization."""
    return {
        "name": suggest_name(unit, kind, is_temporary),
        "parent": suggest_parent(user, unit, kind, is_temporary, day),
    }


def covered_field(verb: str) -> PickerField:
    """The units that a joint branch covers beside its host unit."""
    return PickerField(
        "unit",
        label="覆盖单位",
        multiple=True,
        required=False,
        verb=verb,
        help_text="所在单位以外的邻近单位,连所在单位一般不超过 5 个。组织只计入所在单位,不重复统计。",
    )


class RegisterForm(PlacingForm):
    """Register an organization at a unit with its first members."""

    kind = forms.ChoiceField(label="组织类型", choices=REGISTERED_KINDS)
    established_on = DayField(label="成立日期")
    approval_number = document_field("批复文号", help_text="例如 德公党〔2020〕5 号")
    campaign = CampaignField()
    name = text_of(Organization, "name", widget=wide())
    parent = PickerField(
        "organization",
        label="上级组织",
        required=False,
        help_text="党组织线上的上级;没有就留空。",
    )
    covered = covered_field("establish_organization")
    secretary = PlacedField(
        label="书记(负责人)",
        required=False,
        help_text="书记是其他单位的人员时,粘贴在下面,再把职责改为书记。",
    )
    is_standing = forms.BooleanField(
        label="常设党组织(不是临时党组织)", required=False, help_text="队伍不分临时和常设。"
    )
    honour_title = text_of(Organization, "honour_title", help_text="例如 以“何建华”命名")
    aliases = text_of(Organization, "aliases", help_text="多个别名用分号隔开。")
    task_body = PickerField("organization", label="依托的专班或工作组", required=False)
    note = note_field()
    code = code_field("组织代码", 120)

    folded = ("is_standing", "honour_title", "aliases", "task_body", "note", "code")
    facts = ("kind", "established_on", "approval_number", "campaign")
    suggested = ("name", "parent")
    unsent = ("is_standing", "secretary", "numbers", "people")
    sent_to_suggest = (
        *("kind", "is_standing", "established_on", "covered", *suggested),
        *("suggested_name", "suggested_parent"),
    )
    renames = {"is_temporary": "is_standing"}

    starts = "established_on"

    def __init__(self, *args: Any, unit: Unit, **kwargs: Any) -> None:
        self.unit = unit
        super().__init__(*args, **kwargs)
        cast(CampaignField, self.fields["campaign"]).offer(self.user)
        asks = {
            "hx-get": reverse("organization_suggest", args=[unit.code]),
            "hx-trigger": "change",
            "hx-target": "#suggested",
            "hx-include": "closest form",
            "hx-params": ",".join(self.sent_to_suggest),
        }
        for name in ("kind", "is_standing"):
            self.fields[name].widget.attrs.update(asks)
        kind = self.data.get("kind") or self.initial.get("kind") or ""
        superior_at(cast(PickerField, self.fields["parent"]), self.user, unit, kind)
        cast(PickerField, self.fields["task_body"]).rows = lambda rows: rows.filter(
            kind__in=("task_force", "work_group", "leading_group")
        )

    @property
    def roster_unit(self) -> Unit:
        """Where it will stand."""
        return self.unit

    def parts(self) -> dict[str, list[forms.BoundField]]:
        """The fields of each part of the page that is always shown."""
        suggested = self.suggested + ("covered",) * self.asks_covered
        parts = {"facts": self.facts, "suggested": suggested}
        return {part: [self[name] for name in names] for part, names in parts.items()}

    @property
    def asks_covered(self) -> bool:
        """Whether the units that it covers are asked for: a joint branch has some."""
        kind = self.data.get("kind") if self.is_bound else self.initial.get("kind")
        return kind == covering.JOINT or bool(self.data.get("covered")) or "covered" in self.errors

    def is_unfolded(self) -> bool:
        """Whether something in the folded part was filled in or is wrong."""
        return any(name in self.errors or self.data.get(name) for name in self.folded)

    def clean(self) -> dict[str, Any]:
        """Bring secretary and members together: each person once."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind = cleaned.get("kind", "")
        if cleaned.get("is_standing") and kind and kind not in PARTY_KINDS:
            self.add_error("is_standing", "只有党组织分临时和常设。")
        head: Person | None = cleaned.get("secretary")
        placed: list[tuple[Person, str]] = [(head, rules.head_role(kind))] if head else []
        placed += cleaned.get("members") or []
        cleaned["people"] = [Member(person, role) for person, role in with_members(placed)]
        return cleaned

    @property
    def is_temporary(self) -> bool:
        """Temporary is implied by the kind, unless said to be standing."""
        return self.cleaned_data["kind"] in PARTY_KINDS and not self.cleaned_data["is_standing"]

    def arguments(self) -> dict[str, Any]:
        """Return the arguments for ``establish_organization``."""
        placed = as_members(self, [(each.person, each.role) for each in self.cleaned_data["people"]])
        members = [Member(person, role) for person, role in placed]
        found = {"unit": self.unit, "is_temporary": self.is_temporary, "members": members}
        return super().arguments() | found

    def warnings(self) -> list[str]:
        """What should be looked at before saving; asked of a valid form."""
        data = self.cleaned_data
        proposal = rules.Establishment(
            data["kind"],
            self.unit,
            data["established_on"],
            self.is_temporary,
            data["parent"],
            campaign=data["campaign"],
            name=data["name"],
            members=[(member.person, member.role) for member in data["people"]],
        )
        covers = covering.Covering(data["kind"], [self.unit], data["covered"], data["established_on"])
        found = [*rules.findings([proposal], self.user), *covering.warnings_of([covers])]
        return warnings(found)


class _FoundingForm(fields.EditForm):
    """Correct a founding, and with its day what began on that day."""

    def arguments(self) -> dict[str, Any]:
        """Return the edit, and what moves to a new day of founding: everything until the user was asked."""
        is_asked = "confirmed" in self.data
        taken = {
            "with_members": not is_asked or bool(self.accepted(WITH_MEMBERS)),
            "with_below": not is_asked or bool(self.accepted(WITH_BELOW)),
        }
        return {**super().arguments(), **taken}

    def warnings(self) -> list[str]:
        """Say what began on the old day of founding, and what is odd about a new superior."""
        data, row = self.cleaned_data, self.row
        before, after = row.established_on, data["established_on"]
        kind, parent = data.get("kind", row.kind), data.get("parent", row.parent)
        found: list[Finding] = []
        if before != after:
            began = beginning_of(row, lambda each: access.may(self.user, "edit_organization", each))
            found += beginning_warnings(self, began, before, after)
        if (kind, parent) != (row.kind, row.parent):
            found += rules.superior_warnings([rules.Establishment(kind, row.unit, after, parent=parent)])
        return warnings(found)


class EditForm(_FoundingForm):
    """Change plain facts of an organization."""

    name = text_of(Organization, "name", widget=wide())
    established_on = DayField(label="成立日期")
    approval_number = document_field("批复文号")
    dissolved_on = DayField(label="撤销日期")
    dissolution_number = document_field("撤销文号")
    campaign = CampaignField()
    honour_title = text_of(Organization, "honour_title")
    task_body = PickerField("organization", label="依托的专班或工作组", required=False)
    aliases = text_of(Organization, "aliases", help_text="多个别名用分号隔开。")
    note = note_field()
    reason = reason_field(
        "修改原因", help_text="记入操作记录。更正已批准组织的成立日期、撤销日期或专项任务时必须填写。"
    )

    kind = forms.ChoiceField(label="组织类型", choices=KIND_GROUPS)
    is_temporary = forms.BooleanField(
        label="临时党组织", required=False, help_text="队伍不分临时和常设,不勾选。"
    )
    unit = PickerField(
        "unit", label="所在单位", verb="edit_organization", help_text="从成立之日起就在的单位。"
    )
    parent = PickerField("organization", label="上级组织", required=False, help_text="没有就留空。")

    held = EDITABLE
    field_order = ("version", "kind", "is_temporary", "name", "unit", "parent")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.row.state in (WorkflowState.DRAFT, WorkflowState.RETURNED):
            offer_registered(self)
        else:  # corrected by an act of its own, with a reason
            for name in registrations.FIXED:
                del self.fields[name]
        cast(PickerField, self.fields["task_body"]).keep(self.row.task_body)
        cast(CampaignField, self.fields["campaign"]).offer(self.user, self.row.campaign)
        if self.row.dissolved_on is None:  # dissolving is an operation of its own
            del self.fields["dissolved_on"], self.fields["dissolution_number"]


class CorrectForm(_FoundingForm):
    """Correct what was registered wrong from the beginning: kind, host, superior, founding day."""

    kind = EditForm.base_fields["kind"]
    is_temporary = EditForm.base_fields["is_temporary"]
    unit = EditForm.base_fields["unit"]
    parent = EditForm.base_fields["parent"]
    established_on = DayField(label="成立日期")
    reason = reason_field("更正原因", required=True)

    held = (*registrations.FIXED, "established_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_registered(self)


def offer_registered(form: ScopedForm) -> None:
    """Let the pickers of host and superior offer what they hold, and superiors above the scope."""
    unit, parent = cast(PickerField, form.fields["unit"]), cast(PickerField, form.fields["parent"])
    unit.keep(form.row.unit)
    superior_at(parent, form.user, form.row.unit, form.data.get("kind") or form.row.kind)
    parent.keep(form.row.parent)


class MoveForm(ScopedForm):
    """Another superior on the Party line."""

    parent = PickerField("organization", label="新的上级组织", required=False)
    no_parent = forms.BooleanField(label="不设上级组织", required=False)
    reason = reason_field(required=True)

    unsent = ("no_parent",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        superior_at(cast(PickerField, self.fields["parent"]), self.user, self.row.unit, self.row.kind)

    def clean(self) -> dict[str, Any]:
        """Either a superior or none, said explicitly."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "parent" in cleaned and bool(cleaned["parent"]) == bool(cleaned.get("no_parent")):
            self.add_error("parent", "请选择新的上级组织,或勾选“不设上级组织”,二者取一。")
        return cleaned


class TransferForm(ScopedForm):
    """Another host unit from a day on."""

    unit = PickerField("unit", label="转到单位", verb="transfer_organization")
    on = DayField(label="转隶日期", help_text="自该日起计入新单位,之前的日期仍计入原单位。")
    reason = reason_field(required=True)


class CoverForm(ScopedForm):
    """Which units a joint branch covers beside its host unit, from a day on."""

    units = covered_field("cover_units")
    on = DayField(
        label="变更日期", help_text="自该日起覆盖以上单位,之前的日期不变;登记时就错了的,填成立日期。"
    )
    reason = reason_field("变更原因", required=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for unit in self.initial["units"]:
            cast(PickerField, self.fields["units"]).keep(unit)


class DissolveForm(ScopedForm):
    """Dissolve from a day on, with what was shown of its extent (``planned``)."""

    planned = forms.CharField(required=False, widget=forms.HiddenInput)
    on = DayField(label="撤销日期", help_text="自该日起不再计入现有数。")
    document_number = document_field("撤销文号")
    reason = reason_field(required=True)

    renames = {"dissolved_on": "on"}
