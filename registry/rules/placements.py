"""Rules of assignments (编入): placing people, changing a role, ending."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice

from django.db.models import prefetch_related_objects
from django.utils import timezone

from registry import access
from registry.access import AnyUser
from registry.models import (
    Assignment,
    Organization,
    OrganizationKind,
    Person,
    PoliticalStatus,
    Role,
    StatusPeriod,
    WorkflowState,
)
from registry.models.kinds import MEMBER_STATUSES, PARTY_BODIES
from registry.rules import campaigns
from registry.rules.checks.check import with_citation
from registry.rules.checks.planned import Planned, PlannedMember
from registry.rules.checks.speaking import Proposed, cited, planned_findings
from registry.rules.findings import (
    Finding,
    Offer,
    Wrong,
    for_each,
    in_future,
    refusal,
    unblamed,
    warning,
    without_reason,
)

_ROLES = frozenset(Role.values)
_MEMBERS: tuple[str, ...] = (*MEMBER_STATUSES, PoliticalStatus.UNKNOWN.value)
_GROUP = OrganizationKind.GROUP
_SECRETARIES: tuple[str, ...] = (PoliticalStatus.FULL_MEMBER.value,)
RELIEVE, AS_MEMBER, DAY_AFTER = "relieve-", "member-", "day-after"
"""Keys of offers: the secretary with that assignment becomes a member; that person is placed as a member."""
MOST_NAMED = 3
"""So many other secretaries are named: a whole list pasted with that role must not grow without bounds."""


@dataclass(frozen=True, eq=False, slots=True)
class Placement:
    """A person in an organization as it would be; either may be planned only (without a key).

    ``replaces``: the assignment that this one changes or continues, which then is not in its way.
    """

    person: Person
    organization: Organization
    role: str
    started_on: date
    ended_on: date | None = None
    replaces: Assignment | None = None


@dataclass(frozen=True, eq=False, slots=True)
class RoleChange:
    """Another role from a day on."""

    assignment: Assignment
    role: str
    on: date

    @property
    def placement(self) -> Placement:
        """The assignment as it would be from that day."""
        now = self.assignment
        return Placement(now.person, now.organization, self.role, self.on, now.ended_on, replaces=now)


@dataclass(frozen=True, eq=False, slots=True)
class Correction:
    """An assignment as it would be with other days or another document, and as it is now."""

    candidate: Assignment
    now: Assignment
    reason: str = ""

    @property
    def placement(self) -> Placement:
        """The assignment as it would be."""
        row = self.candidate
        return Placement(row.person, row.organization, row.role, row.started_on, row.ended_on, self.now)

    @property
    def is_dated(self) -> bool:
        """Whether a day changes, and with it the counts."""
        candidate, now = self.candidate, self.now
        return (candidate.started_on, candidate.ended_on) != (now.started_on, now.ended_on)


@dataclass(frozen=True, eq=False, slots=True)
class Ending:
    """An assignment that would end on a day; to end it earlier than registered needs a reason."""

    assignment: Assignment
    on: date
    reason: str = ""


def findings(proposals: Sequence[Placement], asker: AnyUser) -> list[Finding]:
    """Return refusals and warnings; nothing outside the scope of ``asker`` is named."""
    refused = refusals(proposals)
    return [*refused, *placement_warnings(unblamed(proposals, refused), asker)]


def refusals(proposals: Sequence[Placement]) -> list[Finding]:
    """Return what must be refused: all that an operation needs to ask."""
    prefetch_related_objects([each.organization for each in proposals if each.organization.pk], "campaign")
    refused = life_refusals(proposals)
    return [*refused, *_twice(unblamed(proposals, refused))]


def role_findings(proposals: Sequence[RoleChange], asker: AnyUser) -> list[Finding]:
    """Return refusals and the warnings that a new placement with the role would meet."""
    refused = role_refusals(proposals)
    placed = [proposal.placement for proposal in unblamed(proposals, refused)]
    return [*refused, *placement_warnings(placed, asker)]


def end_findings(proposals: Sequence[Ending]) -> list[Finding]:
    """Return refusals, and a warning where an assignment would never have counted as current."""
    refused = end_refusals(proposals)
    fine = unblamed(proposals, refused)
    return [*refused, *(_never(each, each.assignment, each.on) for each in fine if _is_never(each))]


def correction_refusals(proposals: Sequence[Correction]) -> list[Finding]:
    """Return what is wrong with corrected days: all that a new placement with them would meet."""
    refused = _check_corrections(proposals)
    about = {each.placement: each for each in unblamed(proposals, refused)}
    found = refusals(list(about)) if about else []
    return [*refused, *(replace(each, subject=about[each.subject]) for each in found)]  # type: ignore[index]


@for_each
def _check_corrections(proposal: Correction) -> Wrong:
    candidate, now = proposal.candidate, proposal.now
    if now.is_withdrawn:
        yield "placement_valid", "", "该编入已撤回。"
    if now.ended_on is None and candidate.ended_on is not None:
        message = f"{now.person.name} 的编入尚未结束,请用“结束编入”办理。"
        yield "ended_by_ending", "ended_on", message
    yield from in_future("ended_on", candidate.ended_on)
    if proposal.is_dated:
        what = "更正原因:编入的日期已计入统计"
        yield from without_reason("correction_needs_reason", proposal.reason, what)


@for_each
def withdrawal_refusals(assignment: Assignment) -> Wrong:
    """Check that an assignment can be taken back."""
    if assignment.is_withdrawn:
        yield "placement_valid", "", "该编入已撤回。"


@for_each
def life_refusals(proposal: Placement) -> Wrong:
    """Check a placement by itself, without asking the database."""
    organization, start, end = proposal.organization, proposal.started_on, proposal.ended_on
    rule = "placement_within_life"
    if organization.state == WorkflowState.WITHDRAWN:
        yield "placement_not_withdrawn", "", f"“{organization.name}”已撤回,不能编入人员。"
    yield from in_future("started_on", start)
    if end is not None and end < start:
        yield "ends_after_start", "ended_on", "结束日期不能早于编入日期。"
    if start < organization.established_on:
        message = f"编入日期不能早于组织成立日期 {organization.established_on:%Y-%m-%d}。"
        yield rule, "started_on", message
    if proposal.replaces is None:
        how = "不再编入人员;组织继续工作的,请先在“编辑”里改换专项任务。"
        yield from campaigns.over(organization.campaign, start, "started_on", how)
    gone = organization.dissolved_on
    if gone is not None and (end is None or end > gone):
        message = f"“{organization.name}”已于 {gone:%Y-%m-%d} 撤销,编入须在该日前结束。"
        yield rule, "started_on", message
    yield from _after_service(proposal.person, end)
    if proposal.role not in _ROLES:
        yield "role_known", "role", f"{proposal.person.name} 的职责“{proposal.role}”不存在。"


def _after_service(person: Person, end: date | None) -> Wrong:
    """Refuse to place somebody after the end of the service, or an entry that was joined to another."""
    left = person.left_on
    if person.merged_into_id is not None:
        yield "placed_merged", "person", f"{_named(person)} 的这个条目已并入另一条目,请选择该条目。"
    if left is not None and (end is None or end > left):
        how = person.get_leaving_display()
        message = f"{_named(person)} 已于 {left:%Y-%m-%d} {how},编入须在该日前结束;如系误登请先恢复在职。"
        yield "placed_in_service", "started_on", message


def _twice(proposals: Sequence[Placement]) -> Iterator[Finding]:
    """Nobody is in one organization twice on a day."""
    seen: dict[object, list[Placement]] = defaultdict(list)
    there = _registered(proposals)
    for proposal in proposals:
        key = _key(proposal.organization), _key(proposal.person)
        others = seen[key]
        if any(
            (other.started_on, other.ended_on) == (proposal.started_on, proposal.ended_on) for other in others
        ):
            yield refusal("placed_once", proposal, "person", f"{_named(proposal.person)}重复出现。")
        elif any(
            overlap(proposal.started_on, proposal.ended_on, other.started_on, other.ended_on)
            for other in (*others, *there.get(key, ()))
        ):
            yield twice(proposal)
        others.append(proposal)


def twice(proposal: Placement) -> Finding:
    """Return the refusal of a placement of somebody who is in the organization at that time."""
    message = f"{_named(proposal.person)} 同一时间已在“{proposal.organization.name}”。"
    return refusal("placed_once", proposal, "person", message)


def _registered(proposals: Sequence[Placement]) -> dict[object, list[Assignment]]:
    """Return the assignments of the same people in the same organizations, but for those replaced."""
    organizations = {proposal.organization.pk for proposal in proposals} - {None}
    people = {proposal.person.pk for proposal in proposals} - {None}
    there: dict[object, list[Assignment]] = defaultdict(list)
    if organizations and people:
        rows = Assignment.objects.valid().filter(organization__in=organizations, person__in=people)
        for row in rows.exclude(pk__in=_replaced(proposals)):
            there[row.organization_id, row.person_id].append(row)
    return there


@for_each
def role_refusals(proposal: RoleChange) -> Wrong:
    """Check a change of role."""
    assignment, on = proposal.assignment, proposal.on
    yield from in_future("on", on)
    if proposal.role not in _ROLES:
        yield "role_known", "role", "请选择职责。"
    if proposal.role == assignment.role:
        yield "role_changes", "role", "职责没有变化。"
    if assignment.is_withdrawn:
        yield "placement_valid", "", "该编入已撤回。"
    if on < assignment.started_on or (assignment.ended_on is not None and on >= assignment.ended_on):
        yield "role_within_placement", "on", "日期须在编入期间之内。"


@for_each
def end_refusals(proposal: Ending) -> Wrong:
    """Check the day on which an assignment would end."""
    assignment, on = proposal.assignment, proposal.on
    before = assignment.ended_on
    yield from in_future("on", on)
    if assignment.is_withdrawn:
        yield "placement_valid", "", "该编入已撤回。"
    if before is not None and before <= on:
        yield "not_ended", "", f"{assignment.person.name} 的编入已于 {before:%Y-%m-%d} 结束。"
    if on < assignment.started_on:
        yield "ends_after_start", "on", f"结束日期不能早于编入日期 {assignment.started_on:%Y-%m-%d}。"
    if before is not None:
        what = f"更正原因:该编入已登记于 {before:%Y-%m-%d} 结束"
        yield from without_reason("correction_needs_reason", proposal.reason, what)


def placement_warnings(proposals: Sequence[Placement], asker: AnyUser) -> list[Finding]:
    """Return what to look at before people are placed, or get another role.

    A Party organization consists of Party members, its secretary is a full member, and the only one.
    """
    placed = [
        each
        for each in proposals
        if each.organization.is_party_organization
        and (each.replaces is None or each.role not in (each.replaces.role, Role.MEMBER))
    ]
    found = [_never(each, each, each.started_on) for each in proposals if each.ended_on == each.started_on]
    if not placed:
        return found
    statuses = statuses_on(placed)
    prefetch_related_objects([each.person for each in placed if each.person.pk], "home_unit")
    heads = [each for each in placed if each.role == Role.SECRETARY]
    found += _party_members(statuses, asker)
    found += _checked(placed, statuses)
    if heads:
        found += _only_secretaries(heads, proposals)
        found += _secretaries_elsewhere(heads, asker)
    return found


def _is_never(proposal: Ending) -> bool:
    return proposal.on == proposal.assignment.started_on


def _never(subject: object, row: Placement | Assignment, day: date) -> Finding:
    """Warn when the first day is also the end: mostly the last day is meant."""
    after, gone = day + timedelta(days=1), row.organization.dissolved_on
    message = (
        f"编入和结束是同一天,这次编入哪一天都不计:结束日期当天已不在组织。"
        f"花名册写的是最后一天的,请填次日 {after:%Y-%m-%d}。"
    )
    is_possible = after <= timezone.localdate() and (gone is None or after <= gone)
    offer = Offer(f"结束日期改为次日 {after:%Y-%m-%d}", DAY_AFTER) if is_possible else None
    return warning("counts_on_no_day", subject, "ended_on", message, offer)


def statuses_on(placed: Iterable[Placement]) -> dict[Placement, str]:
    """Return each person's political status on the first day of the placement."""
    placed = list(placed)
    periods: dict[int, list[StatusPeriod]] = defaultdict(list)
    for period in StatusPeriod.objects.filter(person__in={each.person.pk for each in placed} - {None}):
        periods[period.person_id].append(period)
    statuses = {}
    for each in placed:
        day = each.started_on
        statuses[each] = next(
            (period.status for period in periods.get(each.person.pk or 0, ()) if _holds_on(period, day)),
            PoliticalStatus.UNKNOWN.value if each.person.pk else each.person.political_status,
        )
    return statuses


def _party_members(statuses: dict[Placement, str], asker: AnyUser) -> Iterator[Finding]:
    """Warn of a secretary who is no full member, and of others who are not in the Party.

    Activists may be members of the organization; a status that is not registered is not judged.
    """
    citations = _citations(statuses)
    for placed, status in statuses.items():
        rule, role, allowed = "party_members", Role(placed.role).label, _MEMBERS
        said = "不是党员。党组织由党员组成,其他人员可编入突击队、先锋队等队伍。"
        if placed.role == Role.SECRETARY:
            citation = citations.get(placed.started_on, "") if _is_checked(placed) else ""
            if citation is None:
                continue
            rule, allowed = "secretary_full_member", _SECRETARIES
            said = with_citation("不是正式党员。", citation)
        elif placed.role == Role.MEMBER:
            role, allowed = "", (*_MEMBERS, PoliticalStatus.ACTIVIST.value)
        if status not in allowed:
            person = placed.person
            number = access.shown_number(asker, person) if person.pk else person.number
            who = f"{role} {person.name}({number})".strip()
            status_then = f"在 {placed.started_on:%Y-%m-%d} 的政治面貌是“{PoliticalStatus(status).label}”"
            yield warning(rule, placed, "role", f"{who}{status_then},{said}")


def _checked(placed: Sequence[Placement], statuses: Mapping[Placement, str]) -> Iterator[Finding]:
    """Say what the checks find once the people are in organizations that are there, and did not find before.

    Each organization once, on the first day of its placements. What is wrong already is on its own page.
    """
    joining: dict[int, list[Placement]] = defaultdict(list)
    for each in placed:
        if each.organization.pk and (each.organization.is_temporary or each.organization.kind == _GROUP):
            joining[each.organization.pk].append(each)
    if not joining:
        return
    there: dict[int, list[Placement]] = defaultdict(list)
    rows, replaced = Assignment.objects.valid().filter(organization__in=joining), _replaced(placed)
    first = {pk: min(each.started_on for each in some) for pk, some in joining.items()}
    for row in rows.select_related("person", "organization").order_by("pk"):
        pk = row.organization_id
        if _holds_on(row, first[pk]):
            held = row if row.pk in replaced else None
            there[pk].append(Placement(row.person, row.organization, row.role, first[pk], replaces=held))
    known = {**statuses, **statuses_on(each for some in there.values() for each in some)}
    proposed: dict[object, Proposed] = {}
    for pk, some in joining.items():
        organization = some[0].organization
        before, after = (
            Planned(
                organization.kind,
                organization.is_temporary,
                [PlannedMember(each.role, known[each]) for each in members],
            )
            for members in (there[pk], [*(each for each in there[pk] if each.replaces is None), *some])
        )
        proposed[some[0]] = Proposed(after, first[pk], before)
    yield from planned_findings(proposed)


def _is_checked(placed: Placement) -> bool:
    """Whether the check of secretaries speaks of this organization."""
    return placed.organization.is_temporary and placed.organization.kind in PARTY_BODIES


def _citations(statuses: Iterable[Placement]) -> dict[date, str | None]:
    """Return what the check of secretaries cites on the day of each; None where it is switched off."""
    days = {each.started_on for each in statuses if each.role == Role.SECRETARY and _is_checked(each)}
    return cited("temp_secretary_full_member", days) if days else {}


def appoints_secretary(organization: Organization, role: str) -> bool:
    """Whether the role makes somebody secretary of a Party organization: its superior appoints that one.

    支部工作条例(试行) 第八条, for temporary branches.
    """
    return role == Role.SECRETARY and organization.is_party_organization


def _only_secretaries(heads: Sequence[Placement], proposals: Sequence[Placement]) -> Iterator[Finding]:
    """Warn of those who are secretary already on the day; an assignment in the set counts as it would be."""
    there: dict[object, list[Assignment | Placement]] = defaultdict(list)
    rows = (
        Assignment.objects.valid()
        .filter(organization__in={head.organization.pk for head in heads} - {None}, role=Role.SECRETARY)
        .exclude(pk__in=_replaced(proposals))
        .select_related("person")
        .order_by("pk")
    )
    for row in rows:
        there[row.organization_id].append(row)
    becoming = set(heads)
    for each in proposals:
        if each.role == Role.SECRETARY and each.replaces is not None and each not in becoming:
            there[_key(each.organization)].append(each)
    together: dict[object, list[Placement]] = defaultdict(list)
    for head in heads:
        key, day = _key(head.organization), head.started_on
        before = (
            spell for spell in there[key] if _holds_on(spell, day) and spell.person.pk != head.person.pk
        )
        for spell in islice(before, MOST_NAMED):
            message = f"“{head.organization.name}”已有书记 {spell.person.name}。"
            words = f"原书记 {spell.person.name} 自 {day:%Y-%m-%d} 起改任成员"
            offer = Offer(words, f"{RELIEVE}{spell.pk}") if isinstance(spell, Assignment) else None
            yield warning("one_secretary", head, "role", message, offer)
        others = (
            other.person.name
            for other in together[key]
            if overlap(day, head.ended_on, other.started_on, other.ended_on)
            and _key(other.person) != _key(head.person)
        )
        if names := list(islice(others, MOST_NAMED)):
            said = "、".join([*names, head.person.name])
            message = f"“{head.organization.name}”同时编入了多名书记:{said}。"
            offer = Offer(f"{head.person.name} 作为成员编入", f"{AS_MEMBER}{_key(head.person)}")
            yield warning("one_secretary", head, "role", message, None if head.replaces else offer)
        together[key].append(head)


def _secretaries_elsewhere(heads: Sequence[Placement], asker: AnyUser) -> Iterator[Finding]:
    """Warn of who is secretary of another temporary organization; a guest's only when it is in scope."""
    scope = access.spans(asker)
    elsewhere: dict[int, list[Assignment]] = defaultdict(list)
    rows = (
        Assignment.objects.valid()
        .filter(
            person__in={head.person.pk for head in heads} - {None},
            role=Role.SECRETARY,
            organization__is_temporary=True,
        )
        .exclude(organization__state=WorkflowState.WITHDRAWN)
        .select_related("organization__unit")
        .order_by("pk")
    )
    for row in rows:
        elsewhere[row.person_id].append(row)
    for head in heads:
        for row in elsewhere.get(head.person.pk or 0, ()):
            other, day = row.organization, head.started_on
            is_seen = access.inside(head.person.home_unit, scope) or access.inside(other.unit, scope)
            if _holds_on(row, day) and is_seen and other.pk != head.organization.pk:
                message = f"{head.person.name} 当日已任“{other.name}”书记。"
                yield warning("secretary_elsewhere", head, "person", message)


def _replaced(proposals: Sequence[Placement]) -> set[int]:
    return {proposal.replaces.pk for proposal in proposals if proposal.replaces is not None}


def _key(row: Organization | Person) -> object:
    """Return what a row is known by: the key, or while it is only planned its code or number, or itself."""
    return row.pk or (row.code if isinstance(row, Organization) else row.number) or id(row)


def _holds_on(spell: Assignment | Placement | StatusPeriod, day: date) -> bool:
    return spell.started_on <= day and (spell.ended_on is None or spell.ended_on > day)


def overlap(start: date, end: date | None, other: date, other_end: date | None) -> bool:
    """Whether two half-open spells share a day."""
    return (other_end is None or other_end > start) and (end is None or other < end)


def _named(person: Person) -> str:
    """Tell namesakes apart without saying the number: refusals do not know who reads them."""
    return f"{person.name}({access.masked(person.number)})"
