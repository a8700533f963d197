"""Membership of the Party by its days: what a person was on each day follows from what is known of them.

A person is a member from the day of joining (入党日期) and on no day before it; what was before is what is
registered, else 未登记. A full member was probationary until 转正日期; where that is not known, for one year,
as the regulations say. See docs/decisions/0019-people-by-day.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from registry.models import BEGINNING, Person, PoliticalStatus, StatusPeriod
from registry.models.kinds import MEMBER_STATUSES
from registry.rules.findings import Finding, Wrong, first_of, in_future, warning, without_reason

Spell = tuple[str, date]
"""A political status and the day from which it holds."""
FULL, PROBATIONARY = PoliticalStatus.FULL_MEMBER.value, PoliticalStatus.PROBATIONARY_MEMBER.value
UNKNOWN = PoliticalStatus.UNKNOWN.value


@dataclass(frozen=True, eq=False, slots=True)
class Joining:
    """The days of somebody's membership as they would be; ``status`` is the newest political status.

    ``person`` is None for a new one. ``reason``: to correct the days of somebody who is registered needs one.
    """

    person: Person | None
    status: str
    joined_on: date | None
    confirmed_on: date | None
    reason: str = ""


def year_after(day: date) -> date:
    """Return the day on which one year is over: the end of the probation."""
    return day.replace(year=day.year + 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def status_by_days(joined_on: date, confirmed_on: date | None) -> str:
    """Return what a member is today by the days alone: full when confirmed, or a year after joining."""
    return FULL if confirmed_on or year_after(joined_on) <= timezone.localdate() else PROBATIONARY


def membership(spells: Sequence[Spell]) -> tuple[int, int] | None:
    """Return the first and last place of the newest membership among the spells; None where there is none."""
    places = [place for place, (status, _) in enumerate(spells) if status in MEMBER_STATUSES]
    if not places:
        return None
    first = last = places[-1]
    while first and spells[first - 1][0] in MEMBER_STATUSES:
        first -= 1
    return first, last


def dated(
    spells: Sequence[Spell],
    joined_on: date | None,
    confirmed_on: date | None,
    joined_before: date | None = None,
) -> list[Spell]:
    """Return the spells with the newest membership on its days; where a day is not known, as they are.

    ``joined_before`` is the day of joining by which they were made: without it they hold from the start.
    """
    newest = membership(spells)
    if newest is None:
        return list(spells)
    first, last = newest
    end = spells[last + 1][1] if last + 1 < len(spells) else date.max
    before = list(spells[:first])
    start = joined_on
    if start is None:
        start, were_unknown = spells[first][1], all(status == UNKNOWN for status, _ in before)
        start = BEGINNING if were_unknown and start == joined_before else start
    before = [spell for spell in before if spell[1] < start]
    if not before and start > BEGINNING:
        before = [(UNKNOWN, BEGINNING)]
    if spells[last][0] == PROBATIONARY:
        return [*before, (PROBATIONARY, start), *spells[last + 1 :]]
    full = confirmed_on or _end_of_probation(joined_on, end)
    member = [(FULL, start)] if full is None or full <= start else [(PROBATIONARY, start), (FULL, full)]
    return [*before, *member, *spells[last + 1 :]]


def _end_of_probation(joined_on: date | None, end: date) -> date | None:
    """Return the assumed day of a full member's confirmation: a year after joining."""
    if joined_on is None:
        return None
    assumed = year_after(joined_on)
    return assumed if assumed <= timezone.localdate() and assumed < end else None


def spells_of(people: Iterable[int]) -> dict[int, list[Spell]]:
    """Return the political statuses of these people, each from its day, the earliest first."""
    found: dict[int, list[Spell]] = defaultdict(list)
    wanted = list(people)
    if not wanted:  # an import asks for each of thousands of new people
        return found
    rows = StatusPeriod.objects.filter(person__in=wanted).order_by("started_on")
    for person, status, start in rows.values_list("person_id", "status", "started_on"):
        found[person].append((status, start))
    return found


def refusals(proposals: Sequence[Joining]) -> list[Finding]:
    """Return what is wrong with the days of memberships."""
    spells = _spells(proposals)
    return first_of(lambda proposal: _check(proposal, spells[id(proposal)]), proposals)


def warnings(proposals: Sequence[Joining]) -> list[Finding]:
    """Return what should be looked at: a probation of less than a year, or one that should be over."""
    found = []
    for proposal in proposals:
        joined, confirmed = proposal.joined_on, proposal.confirmed_on
        if joined is None or proposal.status not in MEMBER_STATUSES:
            continue
        over = year_after(joined)
        if proposal.status == FULL and (confirmed or timezone.localdate()) < over:
            message = f"入党日期是 {joined:%Y-%m-%d},预备期一年至 {over:%Y-%m-%d},请核对是否已经转正。"
            found.append(warning("probation_one_year", proposal, "confirmed_on", message))
    return found


def _spells(proposals: Sequence[Joining]) -> dict[int, list[Spell]]:
    known = spells_of({each.person.pk for each in proposals if each.person is not None})
    found = {}
    for each in proposals:
        spells = known.get(each.person.pk, []) if each.person is not None else []
        if not spells:
            spells = [(each.status, BEGINNING)]
        elif spells[-1][0] != each.status:  # a status that is changed together with the days
            spells = [*spells, (each.status, timezone.localdate())]
        found[id(each)] = spells
    return found


def _check(proposal: Joining, spells: Sequence[Spell]) -> Wrong:
    joined, confirmed = proposal.joined_on, proposal.confirmed_on
    yield from in_future("joined_on", joined)
    yield from in_future("confirmed_on", confirmed)
    if joined is not None and joined <= BEGINNING:
        yield "joined_since", "joined_on", f"入党日期 {joined:%Y-%m-%d} 过早,请核对。"
    newest = membership(spells)
    status = PoliticalStatus(proposal.status).label if proposal.status in PoliticalStatus.values else ""
    if newest is None:
        for field, day, word in (("joined_on", joined, "入党日期"), ("confirmed_on", confirmed, "转正日期")):
            if day is not None:
                message = f"政治面貌是“{status}”,不应有{word};请核对政治面貌,或去掉{word}。"
                yield "joined_member", field, message
        return
    last = newest[1]
    if confirmed is not None and spells[last][0] != FULL:
        yield "confirmed_full", "confirmed_on", "预备党员还没有转正日期;转正请变更政治面貌。"
    if joined is not None and confirmed is not None and confirmed <= joined:
        yield "confirmed_after", "confirmed_on", f"转正日期须晚于入党日期 {joined:%Y-%m-%d}。"
    end = spells[last + 1][1] if last + 1 < len(spells) else date.max
    for field, day, word in (("joined_on", joined, "入党日期"), ("confirmed_on", confirmed, "转正日期")):
        if day is not None and day >= end:
            yield "joined_before_end", field, f"{word}须早于 {end:%Y-%m-%d},该日起已不是党员。"
    person = proposal.person
    if person is not None and (person.joined_on, person.confirmed_on) != (joined, confirmed):
        what = "原因:入党和转正日期决定以往各日的党员数"
        yield from without_reason("joined_needs_reason", proposal.reason, what)
