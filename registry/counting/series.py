"""A count for each day between two dates: equal, day by day, to the roll-up of that day.

Between two moves of units the hierarchy is constant, so each such stretch is read at once and
swept by date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, Q

from registry.counting.basis import APPROVED, Question
from registry.counting.metrics import FRONTLINE, Metric, OrganizationMetric, PeopleMetric
from registry.counting.totals import read as ledger
from registry.models import Assignment, Basis, Organization, Unit
from registry.models.base import in_spans
from registry.models.kinds import MEMBER_STATUSES
from registry.models.shape import Span, UnitShape, everything, move_days, within

ONE = timedelta(days=1)
FOREVER = date.max


def days_between(since: date, until: date) -> list[date]:
    """Return every day from ``since`` to ``until``, both included."""
    return [since + ONE * offset for offset in range((until - since).days + 1)]


def series(
    unit: Unit, metric: OrganizationMetric | PeopleMetric, since: date, until: date, question: Question
) -> list[tuple[date, int]]:
    """Return ``metric`` at ``unit`` with all below it for each day of ``since..until``.

    Basis and campaign are those of ``question``; new and ended are those of the day.
    """
    found: list[tuple[date, int]] = []
    if can_read(unit, question, since, until):
        numbers = ledger.series(unit.pk, metric, since, until, question)
        return list(zip(days_between(since, until), numbers, strict=True))
    for first, last in _stretches(since, until):
        spans = UnitShape.on(first).spans(unit)
        if isinstance(metric, OrganizationMetric):
            numbers = _organizations(metric, spans, first, last, question)
        else:
            numbers = _people(metric, spans, first, last, question)
        found += zip(days_between(first, last), numbers, strict=True)
    return found


def can_read(unit: Unit, question: Question, since: date, until: date) -> bool:
    """Whether the ledger holds what the question asks of ``unit`` on every day of ``since..until``."""
    stretches = _stretches(since, until) if question.scope is not None else ()
    return ledger.answers(question, (UnitShape.on(first).spans(unit) for first, _last in stretches))


def courses(
    unit: Unit,
    metrics: Collection[Metric],
    since: date,
    until: date,
    question: Question,
    bases: Collection[str],
) -> dict[tuple[str, str], list[tuple[date, int]]]:
    """Return ``series`` of each metric on each basis, by (basis, slug): one query of the ledger."""
    asked = {basis: replace(question, basis=basis, since=None) for basis in bases}
    if all(can_read(unit, each, since, until) for each in asked.values()):
        days = days_between(since, until)
        found = ledger.courses(unit.pk, metrics, since, until, question, bases)
        return {key: list(zip(days, numbers, strict=True)) for key, numbers in found.items()}
    return {
        (basis, metric.slug): series(unit, metric, since, until, each)
        for basis, each in asked.items()
        for metric in metrics
    }


def _stretches(since: date, until: date) -> Iterator[tuple[date, date]]:
    """Cut the period where units moved: within a stretch the hierarchy is the same."""
    start = since
    for day in move_days(since, until):
        yield start, day - ONE
        start = day
    yield start, until


def _organizations(
    metric: OrganizationMetric, spans: list[Span], first: date, last: date, question: Question
) -> list[int]:
    rows = Organization.objects.filter(metric.condition, state__in=APPROVED).filter(
        _held(within(spans, question.scope), "placements__unit__"),
        Q(placements__ended_on__isnull=True) | Q(placements__ended_on__gt=first),
        placements__started_on__lte=last,
    )
    if question.campaign:
        rows = rows.filter(campaign=question.campaign)
    grouped = (
        rows.order_by()
        .values_list("established_on", "dissolved_on", "placements__started_on", "placements__ended_on")
        .annotate(Count("pk"))
    )
    change: dict[date, int] = defaultdict(int)
    for start, end, placed_from, placed_to, number in grouped:
        for begin, stop in _presence(question.basis, start, end, placed_from, placed_to):
            _add(change, begin, stop, number, first, last)
    return _swept(change, first, last)


def _people(
    metric: PeopleMetric, spans: list[Span], first: date, last: date, question: Question
) -> list[int]:
    """Count distinct people (or assignments) per day from the union of each one's days."""
    condition = Q() if metric.of_members else metric.condition
    rows = Assignment.objects.valid().filter(
        FRONTLINE,
        condition,
        _held(within(spans, question.scope), "organization__placements__unit__"),
        Q(organization__placements__ended_on__isnull=True) | Q(organization__placements__ended_on__gt=first),
        organization__placements__started_on__lte=last,
        organization__state__in=APPROVED,
        started_on__lte=last,
    )
    if question.campaign:
        rows = rows.filter(organization__campaign=question.campaign)
    columns: list[Any] = [
        "pk",
        "person_id",
        "started_on",
        "ended_on",
        "organization__placements__started_on",
        "organization__placements__ended_on",
    ]
    if metric.of_members:
        # The status that holds on the day asked, not on the day of the assignment.
        rows = rows.filter(person__statuses__status__in=MEMBER_STATUSES)
        columns += [F("person__statuses__started_on"), F("person__statuses__ended_on")]
    days: dict[int, list[tuple[date, date]]] = defaultdict(list)
    for pk, person, start, end, placed_from, placed_to, *status in rows.order_by().values_list(*columns):
        key = person if metric.distinct else pk
        for begin, stop in _presence(question.basis, start, end, placed_from, placed_to):
            if status:
                begin, stop = max(begin, status[0]), min(stop, status[1] or FOREVER)
            if begin < stop:
                days[key].append((begin, stop))
    change: dict[date, int] = defaultdict(int)
    for spells in days.values():
        for begin, stop in _united(spells):
            _add(change, begin, stop, 1, first, last)
    return _swept(change, first, last)


def _held(spans: list[Span], path: str) -> Q:
    return Q() if everything(spans) else in_spans(spans, path)


def _presence(
    basis: str, start: date, end: date | None, placed_from: date, placed_to: date | None
) -> Iterable[tuple[date, date]]:
    """Return the days (half-open) on which a row counts at the placement, on a basis."""
    until = placed_to or FOREVER
    if basis == Basis.CURRENT:
        begin, stop = max(start, placed_from), min(end or FOREVER, until)
    elif basis == Basis.CUMULATIVE:
        begin, stop = max(start, placed_from), until
    else:
        day = start if basis == Basis.NEW else end
        if day is None or not placed_from <= day < until:
            return ()
        begin, stop = day, day + ONE
    return ((begin, stop),) if begin < stop else ()


def _united(spells: list[tuple[date, date]]) -> Iterator[tuple[date, date]]:
    """Merge overlapping and touching spells."""
    spells.sort()
    begin, stop = spells[0]
    for next_begin, next_stop in spells[1:]:
        if next_begin > stop:
            yield begin, stop
            begin, stop = next_begin, next_stop
        else:
            stop = max(stop, next_stop)
    yield begin, stop


def _add(change: dict[date, int], begin: date, stop: date, number: int, first: date, last: date) -> None:
    begin = max(begin, first)
    if begin > last or stop <= begin:
        return
    change[begin] += number
    if stop <= last:
        change[stop] -= number


def _swept(change: dict[date, int], first: date, last: date) -> list[int]:
    level, found = 0, []
    for day in days_between(first, last):
        level += change.get(day, 0)
        found.append(level)
    return found
