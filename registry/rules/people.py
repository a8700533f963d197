"""Rules of people: their formal membership, the days of their facts, their political status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from django.db.models import Q

from registry import access
from registry.access import AnyUser
from registry.models import (
    Organization,
    Person,
    PersonPlacement,
    PoliticalStatus,
    StatusPeriod,
    Unit,
    WorkflowState,
)
from registry.models.kinds import PARTY_KINDS
from registry.models.term import folded
from registry.models.text import number_key
from registry.nouns.person import PERSON
from registry.rules import borrowing
from registry.rules.findings import (
    Finding,
    Wrong,
    first_of,
    for_each,
    in_future,
    refusal,
    warning,
    without_reason,
)


@dataclass(frozen=True, eq=False, slots=True)
class Membership:
    """Where a person would formally belong; no unit is left out of what is asked."""

    home_unit: Unit | None = None
    home_branch: Organization | None = None


@dataclass(frozen=True, eq=False, slots=True)
class HomeChange:
    """Another home from a day on; on the first day of the present one, or of the same home, a correction."""

    person: Person
    home_unit: Unit
    home_branch: Organization | None
    on: date
    reason: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class StatusChange:
    """Another political status from a day on; on the first day of the present one it is a correction."""

    person: Person
    status: str
    on: date
    reason: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Numbering:
    """The number that a person would have; ``pk`` is None for a new one."""

    number: str
    name: str
    pk: int | None = None


def number_findings(proposals: Sequence[Numbering], asker: AnyUser | None) -> list[Finding]:
    """Return which numbers differ from somebody's only in leading zeros or capitals.

    With the same name it is the same person, with another name probably a mistake. Equal numbers are not
    looked for here: the column is unique. Of people whose number ``asker`` does not see (None sees all) only
    is said that the person is registered (``borrowing.taken``, which forms and imports ask, counts that).
    """
    hidden = borrowing.hidden_owners(asker, [borrowing.Claim(each.number, each.name) for each in proposals])
    there = Person.objects.filter(Q() if asker is None else access.private_seen(asker, PERSON))
    keys = {id(proposal): number_key(proposal.number) for proposal in proposals}
    near: dict[str, list[tuple[int | None, str, str]]] = {}
    rows = there.filter(number_key__in={key for key in keys.values() if key}).order_by("number")
    for pk, number, name, key in rows.values_list("pk", "number", "name", "number_key"):
        near.setdefault(key, []).append((pk, number, name))
    findings = []
    for proposal in proposals:
        others = near.setdefault(keys[id(proposal)], [])
        if proposal.number in hidden:
            findings.append(refusal("number_once", proposal, "number", borrowing.ELSEWHERE))
        else:
            findings += list(islice(_near(proposal, others), 1))
        others.append((proposal.pk, proposal.number, proposal.name))
    return findings


def _near(proposal: Numbering, others: Sequence[tuple[int | None, str, str]]) -> Iterator[Finding]:
    for pk, number, name in sorted(others, key=lambda other: folded(other[2]) != folded(proposal.name)):
        if number == proposal.number or (pk is not None and pk == proposal.pk):
            continue
        if folded(name) == folded(proposal.name):
            said = f"{name} 的警号已登记为“{number}”,与“{proposal.number}”只差前面的零或大小写,是同一个警号。"
            yield refusal("number_once", proposal, "number", f"{said}请按登记的警号填写。")
        else:
            said = f"警号“{proposal.number}”与已有的一个警号只差前面的零或大小写,请核对是否写全。"
            yield warning("number_near", proposal, "number", said)


@dataclass(frozen=True, eq=False, slots=True)
class Naming:
    """The name and the number that a person would have in a home unit."""

    name: str
    home_unit: Unit
    number: str


def namesake_warnings(proposals: Sequence[Naming], asker: AnyUser) -> list[Finding]:
    """Warn of a namesake in the same unit; the same number is the same person."""
    there: dict[tuple[int, str], list[tuple[str, str]]] = defaultdict(list)
    units, names = {each.home_unit.pk for each in proposals} - {None}, {each.name for each in proposals}
    rows = Person.objects.filter(home_unit__in=units, name__in=names) if units else Person.objects.none()
    for person in rows.select_related("home_unit").order_by("number"):
        told = person.number, access.shown_number(asker, person)
        there[person.home_unit_id, person.name].append(told)
    found = []
    for each in proposals:
        others = there[each.home_unit.pk or id(each.home_unit), each.name]
        for _number, told_number in [other for other in others if other[0] != each.number][:1]:
            message = f"{each.home_unit.label}已有同名的 {each.name}({told_number}),请确认不是同一人。"
            found.append(warning("name_new_in_unit", each, "name", message))
        others.append((each.number, each.number))
    return found


@dataclass(frozen=True, eq=False, slots=True)
class Renaming:
    """Another name and category of a person (None: as it is)."""

    person: Person
    name: str | None
    category: str | None
    reason: str = ""

    @property
    def is_of_another(self) -> bool:
        """Whether both change, as when the number was given to somebody else."""
        person = self.person
        return self.name not in (None, person.name) and self.category not in (None, person.category)


ANOTHER_PERSON = (
    "姓名和人员类别同时改变,像是警号给了另一个人。确是同一人的请说明原因;"
    "换了人的,请先在“{name}”的页面改掉旧警号,再登记新的人。"
)


@for_each
def renaming_refusals(proposal: Renaming) -> Wrong:
    """Ask for a reason where a number seems to be given to another person."""
    if proposal.is_of_another and not proposal.reason.strip():
        message = ANOTHER_PERSON.format(name=proposal.person.name)
        yield "number_of_one_person", "reason", message


def status_refusals(proposals: Sequence[StatusChange]) -> list[Finding]:
    """Return what is wrong with new political statuses."""
    people = {proposal.person.pk for proposal in proposals}
    rows = StatusPeriod.objects.filter(person__in=people, ended_on__isnull=True).order_by()
    since = dict(rows.values_list("person_id", "started_on"))
    return first_of(lambda proposal: _check_status(proposal, since[proposal.person.pk]), proposals)


def home_refusals(proposals: Sequence[HomeChange]) -> list[Finding]:
    """Return what is wrong with new homes."""
    people = {proposal.person.pk for proposal in proposals}
    starts: dict[int, list[date]] = defaultdict(list)
    rows = PersonPlacement.objects.filter(person__in=people).order_by("started_on")
    for person, start in rows.values_list("person_id", "started_on"):
        starts[person].append(start)
    return first_of(lambda proposal: _check_home(proposal, starts[proposal.person.pk]), proposals)


@for_each
def refusals(proposal: Membership) -> Wrong:
    """Check where a person would belong."""
    unit, branch = proposal.home_unit, proposal.home_branch
    if unit is not None and unit.closed_on is not None:
        yield "home_open", "home_unit", f"“{unit.name}”已撤并,请选择现有单位。"
    if branch is None:
        return
    if branch.state == WorkflowState.WITHDRAWN or branch.dissolved_on is not None:
        yield "home_branch_stands", "home_branch", f"“{branch.name}”已撤销或撤回,请选择现有党组织。"
    if branch.kind not in PARTY_KINDS or branch.is_temporary:
        yield "home_branch_standing", "home_branch", "组织关系须在常设党组织,临时党组织不接转组织关系。"


def _check_home(proposal: HomeChange, starts: Sequence[date]) -> Wrong:
    person, on, since = proposal.person, proposal.on, starts[-1]
    yield from in_future("on", on)
    yield from in_service(person, "")
    branch = proposal.home_branch.pk if proposal.home_branch else None
    is_same = (person.home_unit_id, person.home_branch_id) == (proposal.home_unit.pk, branch)
    if is_same and (on == since or len(starts) == 1):
        yield "home_changes", "home_unit", "所属单位和组织关系都没有变化。"
    earliest = starts[-2] if is_same else since
    if (on < since and not is_same) or (on <= earliest and is_same):
        yield "home_in_order", "on", f"此前的所属单位和组织关系始于 {earliest:%Y-%m-%d},日期须晚于该日。"
    if is_same or on == since:
        what = f"更正原因:现在的所属单位和组织关系始于 {since:%Y-%m-%d},已计入统计"
        yield from without_reason("correction_needs_reason", proposal.reason, what)


def in_service(person: Person, field: str) -> Wrong:
    """Refuse to change a person who has left, or an entry that was joined to another."""
    if person.merged_into_id is not None:
        yield "person_merged", field, f"“{person.name}”的这个条目已并入另一条目,请到该条目办理。"
    if person.left_on is not None:
        left = f"{person.left_on:%Y-%m-%d} {person.get_leaving_display()}"
        yield "person_serves", field, f"“{person.name}”已于 {left},如系误登请先恢复在职。"


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
