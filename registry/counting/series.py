"""Counts for each day of a period, each equal to the roll-up of that day.

The period is cut at the days when units moved, and the rows of each stretch are read once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

from django.db.models import Count, DateField, F, Q, Sum, Value

from registry.counting.basis import Question
from registry.counting.metric import CountSource, Metric, prefixed
from registry.counting.totals import read as totals
from registry.models import Basis, Unit
from registry.models.base import in_spans
from registry.models.hierarchy import Span, UnitHierarchy, everything, move_days, within

ONE = timedelta(days=1)
FOREVER = date.max
_NO_DAY = Value(None, output_field=DateField())


def days_between(since: date, until: date) -> list[date]:
    """Return every day from ``since`` to ``until``, both included."""
    return [since + ONE * offset for offset in range((until - since).days + 1)]


def series(
    unit: Unit, metric: Metric, since: date, until: date, question: Question
) -> list[tuple[date, int]]:
    """Return ``metric`` at ``unit`` with all below it for each day of ``since..until``.

    Basis and campaign are those of ``question``; new and ended are those of the day.
    """
    found: list[tuple[date, int]] = []
    if can_read(unit, question, since, until):
        numbers = totals.series(unit.pk, metric, since, until, question)
        return list(zip(days_between(since, until), numbers, strict=True))
    for first, last in _stretches(since, until):
        spans = UnitHierarchy.on(first).spans(unit)
        numbers = from_rows(metric, spans, first, last, question)
        found += zip(days_between(first, last), numbers, strict=True)
    return found


def can_read(unit: Unit, question: Question, since: date, until: date) -> bool:
    """Whether the totals can answer the question about ``unit`` on every day of ``since..until``."""
    stretches = _stretches(since, until) if question.scope is not None else ()
    return totals.answers(question, (UnitHierarchy.on(first).spans(unit) for first, _last in stretches))


def courses(
    unit: Unit,
    metrics: Collection[Metric],
    since: date,
    until: date,
    question: Question,
    bases: Collection[str],
) -> dict[tuple[str, str], list[tuple[date, int]]]:
    """Return ``series`` of each metric on each basis, by (basis, slug): one query of the totals."""
    asked = {basis: replace(question, basis=basis, since=None) for basis in bases}
    if all(can_read(unit, each, since, until) for each in asked.values()):
        days = days_between(since, until)
        found = totals.courses(unit.pk, metrics, since, until, question, bases)
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


def from_rows(metric: Metric, spans: list[Span], first: date, last: date, question: Question) -> list[int]:
    """Count from the rows inside the intervals, for each day of a stretch in which no unit moved."""
    source = metric.source
    rows = source.rows().filter(metric.condition, **{f"{source.starts}__lte": last})
    if question.campaign:
        rows = rows.filter(**{source.campaign: question.campaign}) if source.campaign else rows.none()
    columns: list[Any] = [source.starts, F(source.ends) if source.ends else _NO_DAY]
    # In one condition: the placement at the unit is the one that reaches into the stretch.
    rows = rows.filter(_inside(within(spans, question.scope), source), _reaching(source, first, last))
    for path, is_asked in ((source.host, bool(source.host)), (source.dated, bool(metric.standing))):
        if is_asked:
            columns += [F(f"{path}__started_on"), F(f"{path}__ended_on")]
    if metric.standing:  # on the day counted, not on the day on which the row began
        rows = rows.filter(prefixed(metric.standing, f"{source.dated}__"))
    change: dict[date, int] = defaultdict(int)
    if metric.distinct:
        spells: dict[int, list[tuple[date, date]]] = defaultdict(list)
        for owner, *days in rows.order_by().values_list(source.owner, *columns):
            spells[owner] += _presence(question.basis, *days)
        for each in spells.values():
            for begin, stop in _united(each):
                _add(change, begin, stop, 1, first, last)
        return _swept(change, first, last)
    added = Sum(metric.amount) if metric.amount else Count("pk")
    for *days, number in rows.order_by().values_list(*columns).annotate(added):
        for begin, stop in _presence(question.basis, *days):
            _add(change, begin, stop, number or 0, first, last)
    return _swept(change, first, last)


def _inside(spans: list[Span], source: CountSource) -> Q:
    """Return the condition that a row's unit is in the intervals."""
    path = f"{source.host}__unit__" if source.host else f"{source.unit}__"
    return Q() if everything(spans) else in_spans(spans, path)


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


def _swept(change: dict[date, int], first: date, last: date) -> list[int]:
    return list(accumulate(change.get(day, 0) for day in days_between(first, last)))
