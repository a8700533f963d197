"""Rules of people: their formal membership, the days of their facts, their political status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.validators import RegexValidator

from registry import access
from registry.access import AnyUser
from registry.models import Organization, Person, PoliticalStatus, StatusPeriod, Unit, WorkflowState
from registry.models.kinds import PARTY_KINDS
from registry.rules.findings import (
    Finding,
    Wrong,
    first_of,
    for_each,
    in_future,
    warning,
    without_reason,
)

_LONGEST = 12
"""Police numbers of figures have so many at most."""

number_validator = RegexValidator(
    r"^(?!p-[0-9a-f]{12}$)[\w.-]+$",  # which would be taken for somebody's key
    "警号只能用字母、数字、点、下划线和连字符。",
)


@dataclass(frozen=True, eq=False, slots=True)
class Membership:
    """Where a person would formally belong; None is left out of what is asked."""

    home_unit: Unit | None = None
    home_branch: Organization | None = None
    joined_on: date | None = None


@dataclass(frozen=True, eq=False, slots=True)
class StatusChange:
    """Another political status from a day on; on the first day of the present one it is a correction."""

    person: Person
    status: str
    on: date
    reason: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Identity:
    """Who somebody would be: number, name and home unit; ``person`` where it is an entry that is there."""

    number: str
    name: str
    home_unit: Unit | None
    person: Person | None = None


def identity_findings(proposals: Sequence[Identity], asker: AnyUser) -> list[Finding]:
    """Return who may be registered already: by a number like this one, or by name in the same unit."""
    scope = access.spans(asker)
    spelled = {each: _spellings(each.number) for each in proposals}
    numbers = set().union(*spelled.values()) if spelled else set()
    alike, namesakes = defaultdict(list), defaultdict(list)
    for person in _people(number__in=numbers) if numbers else ():
        alike[_bare(person.number)].append(person)
    units = {each.home_unit.pk for each in proposals if each.home_unit is not None} - {None}
    for person in _people(home_unit__in=units, name__in={each.name for each in proposals}) if units else ():
        namesakes[person.home_unit_id, person.name].append(person)

    def told(person: Person) -> str:
        if not access.inside(person.home_unit, scope):
            return "其他单位的一名人员"
        return f"{person.home_unit.label}的 {person.name}({access.shown_number(asker, person)})"

    found = []
    for each in proposals:
        own = each.person.pk if each.person is not None else None
        near = [row for row in alike[_bare(each.number)] if row.pk != own and row.number != each.number]
        for person in near[:1] if spelled[each] else []:
            message = (
                f"警号 {each.number} 与{told(person)}的警号只差前面的零,请核对:表格软件常会去掉前面的零。"
            )
            found.append(warning("number_new", each, "number", message))
        unit = each.home_unit.pk if each.home_unit is not None else None
        same = [row for row in namesakes[unit or 0, each.name] if row.pk != own and row not in near]
        for person in same[:1]:
            message = f"已登记有{told(person)},与 {each.name} 同名,请确认不是同一人。"
            found.append(warning("name_new_in_unit", each, "name", message))
    return found


def _people(**condition: Any) -> Iterable[Person]:
    return Person.objects.filter(**condition).select_related("home_unit").order_by("number")


def _bare(number: str) -> str:
    return number.lstrip("0")


def _spellings(number: str) -> set[str]:
    """Return a number of figures with fewer and more zeros before it."""
    bare = _bare(number)
    return {bare.zfill(length) for length in range(len(bare), _LONGEST + 1)} if bare.isdecimal() else set()


def status_refusals(proposals: Sequence[StatusChange]) -> list[Finding]:
    """Return what is wrong with new political statuses."""
    people = {proposal.person.pk for proposal in proposals}
    rows = StatusPeriod.objects.filter(person__in=people, ended_on__isnull=True).order_by()
    since = dict(rows.values_list("person_id", "started_on"))
    return first_of(lambda proposal: _check_status(proposal, since[proposal.person.pk]), proposals)


@for_each
def refusals(proposal: Membership) -> Wrong:
    """Check where a person would belong."""
    unit, branch = proposal.home_unit, proposal.home_branch
    yield from in_future("joined_on", proposal.joined_on)
    if unit is not None and unit.closed_on is not None:
        yield "home_open", "home_unit", f"“{unit.name}”已撤并,请选择现有单位。"
    if branch is None:
        return
    if branch.state == WorkflowState.WITHDRAWN or branch.dissolved_on is not None:
        yield "home_branch_stands", "home_branch", f"“{branch.name}”已撤销或撤回,请选择现有党组织。"
    if branch.kind not in PARTY_KINDS or branch.is_temporary:
        yield "home_branch_standing", "home_branch", "组织关系须在常设党组织,临时党组织不接转组织关系。"


def _check_status(proposal: StatusChange, since: date) -> Wrong:
    on = proposal.on
    yield from in_future("on", on)
    if proposal.status not in PoliticalStatus.values:
        yield "status_known", "political_status", "请选择政治面貌。"
    if proposal.status == proposal.person.political_status:
        yield "status_changes", "political_status", "政治面貌没有变化。"
    if on < since:
        yield "status_in_order", "on", f"现在的政治面貌始于 {since:%Y-%m-%d},变更日期不能早于该日。"
    if on == since:
        what = f"更正原因:现在的政治面貌也始于 {on:%Y-%m-%d},已计入统计"
        yield from without_reason("correction_needs_reason", proposal.reason, what)
