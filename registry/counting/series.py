"""Counts for each day of a period, each equal to the roll-up of that day.

The period is cut at the days when units moved, and the rows of each stretch are read once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import accumulate
from operator import itemgetter
from typing import Any

from django.db.models import Count, DateField, F, Q, Sum, Value

from registry.counting.basis import Question, inside, read
from registry.counting.metric import CountSource, Metric, prefixed
from registry.counting.metrics import METRICS, ORGANIZATIONS, PLACED
from registry.counting.shown import Number, counted_for, is_plain, shown
from registry.counting.totals import read as totals
from registry.models import Basis, Unit
from registry.models.base import in_spans
from registry.models.hierarchy import Span, UnitHierarchy, move_days, remembering, within

ONE = timedelta(days=1)
FOREVER = date.max
_NO_DAY = Value(None, output_field=DateField())


def days_between(since: date, until: date) -> list[date]:
    """Return every day from ``since`` to ``until``, both included."""
    return [since + ONE * offset for offset in range((until - since).days + 1)]


Course = list[tuple[date, Any]]
"""A number for each day of a period."""


def series(unit: Unit, metric: Metric, since: date, until: date, question: Question) -> Course:
    """Return ``metric`` at ``unit`` with all below it for each day of ``since..until``.

    Basis and campaign are those of ``question``; new and ended are those of the day.
    """
    return series_of([unit], metric, since, until, question)[unit.pk]


def series_of(
    units: Collection[Unit], metric: Metric, since: date, until: date, question: Question
) -> dict[int, Course]:
    """Return ``series`` of each unit, by its id: one query of the totals, however many units.

    So the children of a unit have their sparklines: ``{% spark %}`` takes each course as it is.
    """
    found = courses_of(units, [metric], since, until, question, [question.basis])
    return {unit.pk: found[unit.pk, question.basis, metric.slug] for unit in units}


def courses(
    unit: Unit,
    metrics: Collection[Metric],
    since: date,
    until: date,
    question: Question,
    bases: Collection[str],
) -> dict[tuple[str, str], Course]:
    """Return ``series`` of each metric on each basis, by (basis, slug): one query of the totals."""
    found = courses_of([unit], metrics, since, until, question, bases)
    return {(basis, slug): course for (_unit, basis, slug), course in found.items()}


@remembering()
def courses_of(
    units: Collection[Unit],
    metrics: Collection[Metric],
    since: date,
    until: date,
    question: Question,
    bases: Collection[str],
) -> dict[tuple[int, str, str], Course]:
    """Return ``series`` of each metric of each unit on each basis, by (unit id, basis, slug).

    One query of the totals for all that they can answer. The rest is counted from the rows: one query for
    each metric and basis, and for each stretch between the days on which units moved.
    """
    asked = {basis: replace(question, basis=basis, since=None) for basis in bases}
    rest = {
        basis: [unit for unit in units if not can_read(unit, each, since, until)]
        for basis, each in asked.items()
    }
    kept = [unit.pk for unit in units if any(unit not in left for left in rest.values())]
    read = [basis for basis, left in rest.items() if len(left) < len(units)]
    counted_ones = counted_for(metrics)
    numbers: dict[tuple[int, str, str], list[Any]]
    numbers = dict(totals.courses(kept, counted_ones, since, until, question, read))
    for basis, left in rest.items():
        for metric in counted_ones if left else ():
            counted = _counted(left, metric, since, until, asked[basis])
            numbers |= {(pk, basis, metric.slug): each for pk, each in counted.items()}
    if not is_plain(metrics):
        numbers = {
            (unit.pk, basis, metric.slug): _shown(metric, numbers, unit.pk, basis)
            for unit in units
            for basis in bases
            for metric in metrics
        }
    days = days_between(since, until)
    return {key: list(zip(days, each, strict=True)) for key, each in numbers.items()}


def _shown(
    metric: Metric, numbers: Mapping[tuple[int, str, str], list[Any]], unit: int, basis: str
) -> list[Number]:
    """Return the course of a metric of the courses of what is counted of it."""
    slugs = [part.slug for part in metric.ratio or (metric,)]
    each_day = zip(*(numbers[unit, basis, slug] for slug in slugs), strict=True)
    return [shown(metric, dict(zip(slugs, day, strict=True))) for day in each_day]


def _counted(
    units: Collection[Unit], metric: Metric, since: date, until: date, question: Question
) -> dict[int, list[int]]:
    """Count a metric of each unit from the rows for each day, by unit id."""
    found: dict[int, list[int]] = defaultdict(list)
    for first, last in _stretches(since, until):
        shape = UnitHierarchy.on(first)
        buckets = {unit.pk: shape.spans(unit) for unit in units}
        for pk, numbers in from_rows(metric, buckets, first, last, question).items():
            found[pk] += numbers
    return found


def can_read(unit: Unit, question: Question, since: date, until: date) -> bool:
    """Whether the totals can answer the question about ``unit`` on every day of ``since..until``."""
    stretches = _stretches(since, until) if question.scope is not None else ()
    return totals.answers(question, (UnitHierarchy.on(first).spans(unit) for first, _last in stretches))


def change_days(unit: Unit, question: Question) -> list[date] | None:
    """Return the days on which an organization or an assignment of the unit's subtree began or ended.

    One query of the totals, whatever the basis; None where these have no answer.
    """
    asked = question.current()
    if not can_read(unit, asked, asked.as_of, asked.as_of):
        return None
    metrics = [each for each in METRICS.values() if each.source in (ORGANIZATIONS, PLACED)]
    rows = [each for each in metrics if not (each.distinct or each.amount or each.parts or each.standing)]
    return totals.change_days(unit.pk, rows, asked)


def _stretches(since: date, until: date) -> Iterator[tuple[date, date]]:
    """Cut the period where units moved: within a stretch the hierarchy is the same."""
    start = since
    for day in move_days(since, until):
        yield start, day - ONE
        start = day
    yield start, until


def from_rows(
    metric: Metric, buckets: Mapping[int, list[Span]], first: date, last: date, question: Question
) -> dict[int, list[int]]:
    """Count from the rows inside the intervals of each bucket, for each day of a stretch without a move.

    One query: of several buckets the rows are read with their places, and then distributed.
    """
    seen = {bucket: within(spans, question.scope) for bucket, spans in buckets.items()}
    is_one = len(seen) == 1
    asked = replace(question, as_of=last, since=first)
    places = sorted({span for spans in seen.values() for span in spans})
    found = read(_days_of, asked, places, metric, is_one)
    placed = found if is_one else sorted(found, key=itemgetter(0, 1))
    return {
        bucket: _swept(metric, question.basis, placed if is_one else inside(placed, spans), first, last)
        for bucket, spans in seen.items()
    }


def _days_of(asked: Question, place: list[Span] | None, metric: Metric, is_one: bool) -> Any:
    """Return the rows that count in the period asked: (place, owner, days), or how many have these days."""
    source, first, last = metric.source, asked.first_day, asked.as_of
    rows = source.rows().filter(metric.condition, **{f"{source.starts}__lte": last})
    if asked.campaign:
        rows = rows.filter(**{source.campaign: asked.campaign}) if source.campaign else rows.none()
    # In one condition: the placement at the unit is the one that reaches into the stretch.
    path, asked_of = source.placed, metric.dated or ("", Q())
    at_place = in_spans(place, path) if place else Q()
    rows = rows.filter(at_place, prefixed(metric.hosted, path), _reaching(source, first, last))
    places = [Value(0), Value(0)] if is_one else [F(f"{path}tree_id"), F(f"{path}lft")]
    columns: list[Any] = [source.starts, F(source.ends) if source.ends else _NO_DAY]
    for dated in filter(None, (source.host, asked_of[0])):
        columns += [F(f"{dated}__started_on"), F(f"{dated}__ended_on")]
    if metric.dated:  # on the day counted, not on the day on which the row began
        rows = rows.filter(prefixed(asked_of[1], f"{asked_of[0]}__"))
    if metric.distinct:
        return rows.order_by().values_list(*places, source.owner, *columns)
    added = Sum(metric.amount) if metric.amount else Count("pk")
    return rows.order_by().values_list(*places, *columns).annotate(added)


def _swept(metric: Metric, basis: str, rows: Iterable[Any], first: date, last: date) -> list[int]:
    """Return how many of these rows (place, what was asked) count on each day."""
    change: dict[date, int] = defaultdict(int)
    if metric.distinct:
        spells: dict[int, list[tuple[date, date]]] = defaultdict(list)
        for _tree, _at, owner, *days in rows:
            spells[owner] += _presence(basis, *days)
        for each in spells.values():
            for begin, stop in _united(each):
                _add(change, begin, stop, 1, first, last)
    else:
        for _tree, _at, *days, number in rows:
            for begin, stop in _presence(basis, *days):
                _add(change, begin, stop, number or 0, first, last)
    return list(accumulate(change.get(day, 0) for day in days_between(first, last)))


def _reaching(source: CountSource, first: date, last: date) -> Q:
    """Return the condition that a row's placement reaches into a stretch of days."""
    host = source.host
    if not host:
        return Q()
    open_then = Q(**{f"{host}__ended_on__isnull": True}) | Q(**{f"{host}__ended_on__gt": first})
    return open_then & Q(**{f"{host}__started_on__lte": last})


def _presence(basis: str, start: date, end: date | None, *limits: date | None) -> Iterable[tuple[date, date]]:
    """Return the days (half-open) on which a row counts, on a basis.

    ``limits`` are the first day and the end of each period outside of which it counts nowhere: in which it
    was placed here, in which its owner's dated row is as wanted.
    """
    since = max((limit for limit in limits[::2] if limit), default=date.min)
    until = min((limit for limit in limits[1::2] if limit), default=FOREVER)
    if basis == Basis.CURRENT:
        begin, stop = max(start, since), min(end or FOREVER, until)
    elif basis == Basis.CUMULATIVE:
        begin, stop = max(start, since), until
    else:
        day = start if basis == Basis.NEW else end
        if day is None or not since <= day < until:
            return ()
        begin, stop = day, day + ONE
    return ((begin, stop),) if begin < stop else ()


def _united(spells: list[tuple[date, date]]) -> Iterator[tuple[date, date]]:
    """Merge overlapping and touching spells."""
    if not spells:
        return
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
