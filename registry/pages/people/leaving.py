"""The end of somebody's service, and joining two entries of one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html

from registry import access
from registry.models import Leaving, Person
from registry.models.kinds import LEADING_ROLES
from registry.operations import leaving, merging
from registry.pages.people.changes import PERSON, person_around, person_at_hand
from registry.web.address import actor_of, address_of
from registry.web.changes import Job, change, changes_something, posted
from registry.web.columns import Column, Grid
from registry.web.fields import DayField, PickerField, ReasonForm, ScopedForm, reason_field, typed_day_or
from registry.web.links import person_url


class LeavingForm(ScopedForm):
    """How and when somebody's service ended, with what was shown of its extent (``planned``)."""

    planned = forms.CharField(required=False, widget=forms.HiddenInput)
    leaving = forms.ChoiceField(label="离职类别", choices=Leaving.choices)
    on = DayField(label="离职日期", help_text="自该日起不再在职,编入也到该日为止。")
    reason = reason_field("离职原因", required=True)

    held = ("leaving",)


def _leaving(job: Job) -> list[str]:
    """Say what would end on the day that was typed, else on that of the page."""
    person: Person = job.row
    day = typed_day_or(job.request.POST.get("on", ""), person.left_on or job.address.as_of)
    plan = leaving.plan_leaving(person=person, on=day)
    said = []
    if person.left_on is not None:
        said.append(f"{person.name}已登记于 {person.left_on} {person.get_leaving_display()};再次登记即更正。")
    number = sum(row.started_on <= day for row in plan.assignments)
    said.append(f"自 {day} 起{person.name}不再在职,结束编入 {number} 人次;此前各日的统计不变。")
    scope = access.spans(job.user)
    for row in plan.assignments:
        is_seen = access.inside(person.home_unit, scope) or access.inside(row.organization.unit, scope)
        name = row.organization.name if is_seen else "其他单位的组织"
        mark = f",{row.get_role_display()}将空缺" if row.role in LEADING_ROLES else ""
        if row.started_on > day:
            mark = ",在离职日期之后,请先撤回或改离职日期"
        said.append(f"“{name}”{row.get_role_display()}({row.started_on} 编入){mark}。")
    said += [f"关联的用户“{user}”({user.username})不会自动停用,请另行处理。" for user in plan.users]
    return said


def _left(job: Job, person: Person) -> str:
    return (
        f"{person.name} 已于 {person.left_on} {person.get_leaving_display()},所编入的组织自该日起不再计入。"
    )


leave = PERSON.change(
    leaving.end_service,
    LeavingForm,
    "登记离职",
    sentences=_leaving,
    initial=lambda job: {
        "on": job.row.left_on or job.address.as_of,
        "reason": job.row.left_why,
    },
    done=_left,
)
restore = PERSON.change(
    leaving.restore_service,
    ReasonForm,
    "恢复在职",
    sentences=lambda job: [
        f"{job.row.name}登记于 {job.row.left_on} {job.row.get_leaving_display()}({job.row.left_why})。",
        "恢复后所属单位和随离职结束的编入照旧延续,如同没有登记离职。",
    ],
    done=lambda job, person: f"{person.name} 已恢复在职。",
)


# --- Two entries of one person --------------------------------------------------------------------


class OtherForm(ScopedForm):
    """The other entry of the same person."""

    other = PickerField(
        "person", label="另一个条目", verb="merge_person", help_text="按姓名或警号查找;核对后在下一步合并。"
    )


@dataclass(frozen=True)
class _Fact:
    """One fact of both entries; ``name`` is what is taken together with it."""

    name: str
    label: str
    mine: str
    theirs: str


def _theirs(fact: _Fact) -> str:
    return fact.theirs if fact.mine == fact.theirs else format_html("<b>{}</b>", fact.theirs or "–")


_FACTS: Sequence[Column[_Fact]] = (
    Column("项目", "label", is_heading=True),
    Column("留下的条目", "mine", css="text"),
    Column("并入的条目", "theirs", text=_theirs, css="text"),
)


class MergeForm(ScopedForm):
    """Which facts of the other entry stay, and why; it cannot be undone, which must be ticked."""

    reason = reason_field("合并原因", required=True)
    is_certain = forms.BooleanField(label="已核对确系同一人,知道合并后不能撤销")

    unsent = ("is_certain",)

    def __init__(self, *args: Any, facts: list[_Fact], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.facts = [fact for fact in facts if fact.mine != fact.theirs and fact.name]
        for fact in self.facts:
            choices = [("", f"{fact.mine or '(空)'}"), ("other", f"{fact.theirs or '(空)'}(取自并入的条目)")]
            field = forms.ChoiceField(
                label=fact.label, choices=choices, required=False, widget=forms.RadioSelect, initial=""
            )
            self.fields[f"take_{fact.name}"] = field
        self.order_fields([*(f"take_{fact.name}" for fact in self.facts), "reason", "is_certain"])

    def arguments(self) -> dict[str, Any]:
        """Return what is taken from the other entry, and the reason."""
        chosen = [fact.name for fact in self.facts if self.cleaned_data.get(f"take_{fact.name}")]
        return {"take": chosen, "reason": self.cleaned_data["reason"]}


def _facts(request: HttpRequest, person: Person, other: Person) -> list[_Fact]:
    """Return the facts of both entries side by side."""

    def shown(name: str, label: str, value: Any) -> _Fact:
        return _Fact(name, label, *(str(value(each) or "") for each in (person, other)))

    def status(each: Person) -> str:
        days = ((each.joined_on, "入党"), (each.confirmed_on, "转正"))
        said = [each.get_political_status_display(), *(f"{day} {word}" for day, word in days if day)]
        return ",".join(map(str, said))

    def home(each: Person) -> str:
        return " · ".join(str(row.name) for row in (each.home_unit, each.home_branch) if row is not None)

    def left(each: Person) -> str:
        return f"{each.left_on} {each.get_leaving_display()}" if each.left_on else "在职"

    user = request.user
    return [
        shown("", "警号", lambda each: access.shown_number(user, each)),
        shown("name", "姓名", lambda each: each.name),
        shown("category", "人员类别", lambda each: each.get_category_display()),
        shown("political_status", "政治面貌(连同各日)", status),
        shown("home_unit", "所属单位和组织关系(连同各日)", home),
        shown("title", "职务", lambda each: each.title),
        shown("phone", "联系电话", lambda each: access.shown(user, each, "phone")),
        shown("note", "备注", lambda each: each.note),
        shown("", "在职情况", left),
    ]


@changes_something
def merge(request: HttpRequest, number: str) -> HttpResponse:
    """Choose the other entry, then see both side by side and join it to this one."""
    person, address = person_at_hand(request, number, "merge_person"), address_of(request)
    job = Job(request, person, "合并重复人员")
    around = person_around(job) | {"person": person}
    chosen = OtherForm(request.GET if "other" in request.GET else posted(request), user=request.user)
    if "other" not in request.GET or not chosen.is_valid():
        return change(
            request,
            chosen,
            lambda: chosen.cleaned_data["other"],
            back=lambda other: HttpResponseRedirect(address.url(request.path, other=other.key)),
            template="pages/people/merge.html",
            context=around | {"submit_label": "下一步:核对两个条目"},
        )
    other: Person = chosen.cleaned_data["other"]
    facts = _facts(request, person, other)
    form = MergeForm(posted(request), user=request.user, row=person, facts=facts)
    return change(
        request,
        form,
        lambda: merging.merge_person(actor=actor_of(request), person=person, other=other, **form.arguments()),
        done=lambda row: f"已合并:{other.name} 的另一个条目并入 {row.name},其警号现在指向这里。",
        back=lambda row: person_url(request.user, row, address),
        template="pages/people/merge.html",
        context=around
        | {
            "other": other,
            "grid": Grid(_FACTS, facts),
            "moved": [each.said for each in merging.plan_merging(person=person, other=other)],
            "submit_label": "合并,不能撤销",
        },
        on=[person, other],
    )
