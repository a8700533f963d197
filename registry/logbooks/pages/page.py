"""The page of one entry: what it says, its steps, what may be done with it, its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from registry import access, nouns
from registry.files import album
from registry.logbooks import walls
from registry.logbooks.design import Design, Field, Step
from registry.logbooks.models import Entry, EntryPerson, EntryStep
from registry.logbooks.operations.kept import people_of
from registry.logbooks.operations.parts import whole_design
from registry.logbooks.pages.books import enter_url
from registry.logbooks.pages.entering import draft_key
from registry.logbooks.pages.listed import ListedEntry
from registry.logbooks.values import hours_between, rows_named
from registry.models import WorkflowState
from registry.models.kinds import PENDING_STATES
from registry.rules import workflow
from registry.web import history
from registry.web.address import Address, address_of
from registry.web.links import buttons, linked, person_url

_WALLED = "限阅:内容只有经办人和审批人能看,这里只说有这件事。"


@require_safe
def entry(request: HttpRequest, code: str) -> HttpResponse:
    """Show one entry; of a walled logbook its content only to who may read it."""
    found: Entry = access.get_row(request.user, "entry", code)
    request.current_unit = found.unit.code  # type: ignore[attr-defined]
    user, address, book = request.user, address_of(request), found.logbook
    design, may_read = whole_design(book), walls.may_read(user, found)
    people = people_of(user, found) if may_read else []
    listed = listed_of(request, found, design, people)
    steps = list(found.steps.all())
    return render(
        request,
        "logbooks/entry.html",
        {
            "entry": found,
            "title": str(found),
            "subtitle": f"{book.name} · {found.unit.name}",
            "state": listed.state,
            "tone": listed.tone,
            "notice": notice(found, user),
            "walled": _WALLED if book.is_walled and not may_read else "",
            "facts": facts(request, listed),
            "values": values(request, listed) if may_read else [],
            "photos": album.files_of(found) if may_read else [],
            "steps": told_steps(design, steps),
            "following": following(request, found, design, steps),
            "panels": [made for make in nouns.handed_up("entry_panels") if (made := make(request, found))],
            "actions": actions(request, found),
            "draft_done": draft_key(request, found),
            **history.of_page(user, found, address),
            "crumbs": [
                {"name": "工作台账", "url": address.url(reverse("logbooks"))},
                {"name": book.name, "url": address.url(book.get_absolute_url())},
                {"name": str(found)},
            ],
        },
    )


def listed_of(request: HttpRequest, row: Entry, design: Design, people: Sequence[EntryPerson]) -> ListedEntry:
    """Return an entry as a list shows it."""
    named = rows_named(
        (design.by_key[key], value) for key, value in row.values.items() if key in design.by_key
    )
    by_field: dict[str, list[EntryPerson]] = {}
    for each in people:
        by_field.setdefault(each.field, []).append(each)
    personal = access.spans(request.user, access.PERSONAL)
    return ListedEntry(request.user, address_of(request), row, design, by_field, named, personal)


Facts = list[tuple[str, str | SafeString]]


def facts(request: HttpRequest, listed: ListedEntry) -> Facts:
    """Return label and value of what every entry has, and of its approval."""
    row, address = listed.entry, address_of(request)
    scope = access.spans(request.user)
    campaign = row.campaign
    found: list[tuple[str, Any]] = [
        ("日期", row.happened_on.isoformat()),
        ("单位", linked(address, row.unit, scope)),
        ("组织", linked(address, row.organization, scope) if row.organization else ""),
        ("人员", _person(request, row.person) if row.person else ""),
        (
            "专项任务",
            format_html('<a href="{}">{}</a>', address.url(campaign.get_absolute_url()), campaign.name)
            if campaign
            else "",
        ),
        ("来源", _source(request, row)),
        ("经办人", str(row.helper or "")),
        ("批准的党组织", str(row.approving_organization or "")),
        ("批复文号", row.approval_number),
        ("批复日期", row.approved_on.isoformat() if row.approved_on else ""),
        ("条目编号", row.code),
    ]
    return [(label, value) for label, value in found if value]


def _source(request: HttpRequest, row: Entry) -> str | SafeString:
    """Return the article that reports it, as a link where the user sees it."""
    source = row.source
    if source is None or not access.may(request.user, access.SEE, source):
        return source.title if source is not None else ""
    return format_html(
        '<a href="{}">{}</a>', address_of(request).url(source.get_absolute_url()), source.title
    )


def values(request: HttpRequest, listed: ListedEntry) -> Facts:
    """Return label and value of each field that says something, in the order of the design."""
    found: Facts = []
    for each in listed.design.fields:
        value = listed.value(each)
        if value is None:
            continue
        if each.is_of_people and value and not isinstance(value, int) and _is_open(listed, each):
            value = _people(request, listed.people[each.key])
        elif url := listed.value_url(each):
            value = format_html('<a href="{}">{}</a>', url, value)
        elif isinstance(value, int | Decimal):  # that of an amount in yuan
            value = f"{value:,} {each.measure}".strip()
        found.append((each.label, value if isinstance(value, SafeString) else str(value)))
    return found


def _is_open(listed: ListedEntry, field: Field) -> bool:
    return not field.personal or access.inside(listed.entry.unit, listed.personal)


def _people(request: HttpRequest, named: Sequence[EntryPerson]) -> SafeString:
    words = [
        format_html("{}({})", _person(request, each.person), each.role)
        if each.role
        else _person(request, each.person)
        for each in named
    ]
    return SafeString("、".join(words))


def _person(request: HttpRequest, person: Any) -> SafeString:
    if not access.may(request.user, access.SEE, person):
        return format_html("{}", person.name)
    return format_html(
        '<a href="{}">{}</a>', person_url(request.user, person, address_of(request)), person.name
    )


# --- Steps ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ToldStep:
    """A step that was reached: when, how long it took, by whose decision."""

    label: str
    when: str
    said: str
    is_late: bool


def told_steps(design: Design, steps: Sequence[EntryStep]) -> list[ToldStep]:
    """Return the steps that an entry has come to."""
    found = []
    for place, each in enumerate(steps):
        step = design.step_by_key.get(each.step)
        when = f"{each.reached_on:%Y-%m-%d}" + (f" {each.reached_at:%H:%M}" if each.reached_at else "")
        hours = None
        if place and step is not None and step.hours is not None:
            before = steps[place - 1]
            hours = hours_between((before.reached_on, before.reached_at), (each.reached_on, each.reached_at))
        said = [each.decided_by, each.document_number, each.note]
        if hours is not None and step is not None:
            said.append(f"用时 {hours:,} 小时(应在 {step.hours} 小时内)")
        is_late = hours is not None and step is not None and hours > (step.hours or 0)
        found.append(ToldStep(step.label if step else each.step, when, ",".join(filter(None, said)), is_late))
    return found


def following(
    request: HttpRequest, row: Entry, design: Design, steps: Sequence[EntryStep]
) -> list[dict[str, str]]:
    """Return the buttons of the steps that may come next, for who may take them."""
    if row.state == WorkflowState.WITHDRAWN or not access.may(request.user, "step_entry", row):
        return []
    reached, placing = {each.step for each in steps}, design.placing
    found = []
    for each in design.following(row.step):
        if each.key in reached:
            continue
        label, url = each.label, step_url(address_of(request), row, each)
        if placing is not None and each.key == placing.step:  # reached by placing them
            label, url = f"编入并{label}", address_of(request).url(reverse("entry_place", args=[row.code]))
        found.append({"label": label, "url": url, "hours": _hours(each)})
    return found


def _hours(step: Step) -> str:
    return f"应在上一步后 {step.hours} 小时内" if step.hours is not None else ""


def step_url(address: Address, row: Entry, step: Step) -> str:
    """Return the address of the form that takes an entry to a step."""
    return address.url(reverse("entry_step", args=[row.code]), step=step.key)


# --- What may be done -------------------------------------------------------------------------------


def actions(request: HttpRequest, row: Entry) -> list[dict[str, Any]]:
    """Return the buttons by rights and state, the main one last."""
    user, address, state = request.user, address_of(request), row.state
    made: list[dict[str, Any]] = []

    def button(verb: str, name: str, label: str, tone: str = "") -> None:
        made.extend(buttons(user, row, address, (verb, name, label, tone)))

    if access.may(user, "add_entry", row.unit) and row.logbook.ended_on is None:
        made.append({"label": "再记一条", "url": enter_url(address, row.logbook, after=row.code), "tone": ""})
    if state == WorkflowState.WITHDRAWN:
        return made
    if walls.may_read(user, row):
        button("edit_entry", "entry_edit", "修改")
    button("withdraw_entry", "entry_withdraw", "撤回")
    if state in workflow.SUBMIT.origins:
        button("submit_entry", "entry_submit", "提交", "main")
    if may_return(user, row):
        button("return_entry", "entry_return", "退回")
    if workflow.may_start(workflow.APPROVE, row, user):
        button("approve_entry", "entry_approve", "批准", "main")
    return made


def return_act(row: Entry) -> workflow.Act:
    """Return the act by which an entry of this logbook is sent back."""
    return workflow.RETURN if row.logbook.needs_approval else workflow.SEND_BACK


def submit_act(row: Entry) -> workflow.Act:
    """Return the act by which a draft or what came back of this logbook is handed in."""
    return workflow.SUBMIT if row.logbook.needs_approval else workflow.COMPLETE


def may_return(user: access.AnyUser, row: Entry) -> bool:
    """Whether the entry is where it can be sent back, and not the user's own."""
    return workflow.may_start(return_act(row), row, user)


def notice(row: Entry, user: access.AnyUser) -> str:
    """Return the sentence above an entry that does not count."""
    if row.state == WorkflowState.WITHDRAWN:
        return "这一条已撤回,不计入任何日期的统计。"
    if row.state not in PENDING_STATES:
        return ""
    until = "批准前" if row.logbook.needs_approval else "提交前"
    said = f"状态为“{WorkflowState(row.state).label}”,{until}不计入统计。"
    if row.state == WorkflowState.RETURNED and row.return_reason:
        said += f"退回原因:{row.return_reason}"
    is_own = row.state == WorkflowState.SUBMITTED and workflow.is_own(user, row)
    return said + (workflow.OWN if is_own else "")
