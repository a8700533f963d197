"""Roll-ups: every metric for a unit's subtree and for each of its children, in a handful of queries.

If the totals have the answer, a unit and all its children are read from them at once. Otherwise the rows of
``basis`` are joined with the intervals of the unit and its children in one statement with one GROUP BY. So
the number of queries does not grow with the number of children or metrics (see docs/architecture.md).
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import F

from registry.counting.basis import Place, Question, inside, read, rows_of, statement
from registry.counting.metric import APPROVED, CountSource, Metric, is_approved
from registry.counting.metrics import METRICS
from registry.counting.totals import read as totals
from registry.models import Unit
from registry.models.hierarchy import Span, UnitHierarchy, remembering
from registry.models.kinds import PENDING_STATES

TOTAL, OWN = 0, -1
"""Buckets beside the children's ids: the whole subtree, and the place itself alone."""

_FEW = 64

Counts = dict[str, int]
Metrics = Collection[Metric]
_BOTH = (*APPROVED, *PENDING_STATES)


def declared() -> Metrics:
    """Return the metrics that are counted by default: every one declared in the code."""
    return tuple(METRICS.values())


def no_counts(metrics: Metrics | None = None) -> Counts:
    """Return zero for each metric, in the order of display."""
    return {metric.slug: 0 for metric in metrics or declared()}


@dataclass(frozen=True)
class Line:
    """The counts of one place; ``pending`` are rows not approved (of sources that have a workflow)."""

    counts: Counts = field(default_factory=no_counts)
    pending: Counts = field(default_factory=no_counts)

    @classmethod
    def of(cls, metrics: Metrics) -> Line:
        """Return a line of zeros."""
        return cls(no_counts(metrics), no_counts(metrics))

    @property
    def is_zero(self) -> bool:
        """Whether nothing at all is counted here, approved or not."""
        return not any(self.counts.values()) and not any(self.pending.values())


@dataclass(frozen=True)
class ChildLine(Line):
    """The counts of one child unit's subtree."""

    unit: Unit = field(kw_only=True)


@dataclass(frozen=True)
class Rollup:
    """What a unit and its children count."""

    unit: Unit
    question: Question
    total: Line
    own: Line
    children: tuple[ChildLine, ...]


@remembering()
def rollup(
    unit: Unit, question: Question, *, children: bool = True, metrics: Metrics | None = None
) -> Rollup:
    """Count the metrics for ``unit`` with all below it, for itself alone, and for each child.

    The hierarchy is that of ``question.as_of``. Children stand in the official order. Closed ones where
    nothing is counted are left out, and so are those outside the question's scope.
    """
    metrics = metrics or declared()
    shape = UnitHierarchy.on(question.as_of)
    alone = [Span(unit.tree_id, unit.lft, unit.lft)]
    buckets = {TOTAL: shape.spans(unit)}
    found = list(shape.children(unit)) if children else []
    below = sorted(
        (child for child in found if question.sees(child)), key=lambda child: (child.order_key, child.pk)
    )
    for child in below:
        buckets[child.pk] = shape.spans(child)
    units = {TOTAL: unit} | {child.pk: child for child in below}
    if (
        children
        and len(below) == len(found)
        and totals.answers(question, buckets.values(), list(units.values()))
    ):
        lines = _kept(question, units, metrics)
        lines[OWN] = _own(alone, question, lines, [child.pk for child in below], metrics)
        _count_pending(question, {**buckets, OWN: alone}, lines, metrics)
    else:
        lines = _lines(question, buckets, units, metrics)
        lines[OWN] = count_place(alone, question, metrics)
    shown = tuple(
        ChildLine(lines[child.pk].counts, lines[child.pk].pending, unit=child)
        for child in below
        if child.is_open_on(question.as_of) or not lines[child.pk].is_zero
    )
    return Rollup(unit, question, lines[TOTAL], lines[OWN], shown)


def _own(
    alone: list[Span], question: Question, lines: Mapping[int, Line], children: list[int], metrics: Metrics
) -> Line:
    """Return the approved counts of the unit itself: its total less those of its children.

    Distinct owners may be in both, so they are counted from the rows.
    """
    line = Line.of(metrics)
    for source, mine in by_source(metrics).items():
        rest = [metric for metric in mine if not metric.distinct]
        for slug in (metric.slug for metric in rest):
            parts = sum(lines[child].counts[slug] for child in children)
            line.counts[slug] = lines[TOTAL].counts[slug] - parts
        every = [line.counts[metric.slug] for metric in rest if not (metric.on_day or metric.amount)]
        if len(rest) < len(mine) and (not every or every[0]):
            counts, _pending = _counted(source, mine, alone, question)
            line.counts.update(counts)
    return line


def count_units(units: Iterable[Unit], question: Question, *, pending: bool = True) -> dict[int, Line]:
    """Count the declared metrics for each unit's subtree, by unit id; without ``pending`` one query less."""
    shape = UnitHierarchy.on(question.as_of)
    units = list(units)
    buckets = {unit.pk: shape.spans(unit) for unit in units}
    return _lines(question, buckets, {unit.pk: unit for unit in units}, declared(), pending=pending)


def kept(unit: Unit, question: Question, metrics: Metrics | None = None) -> Counts | None:
    """Return metrics (else every declared one) of the unit's subtree from the totals; None: they cannot."""
    if not totals.answers(question, [UnitHierarchy.on(question.as_of).spans(unit)], [unit]):
        return None
    return totals.read({unit.pk}, question, metrics or declared())[unit.pk]


def by_source(metrics: Metrics) -> dict[CountSource, list[Metric]]:
    """Group the metrics by their source."""
    found: dict[CountSource, list[Metric]] = defaultdict(list)
    for metric in metrics:
        found[metric.source].append(metric)
    return found


def _lines(
    question: Question,
    buckets: Mapping[int, list[Span]],
    units: Mapping[int, Unit],
    metrics: Metrics,
    *,
    pending: bool = True,
) -> dict[int, Line]:
    """Count each bucket: from the totals where they can answer, else from the rows.

    ``units`` maps each bucket to the unit whose subtree it is. What is not approved is never much: it is
    counted from the rows.
    """
    if not totals.answers(question, buckets.values(), list(units.values())):
        return count_buckets(question, buckets, metrics)
    lines = _kept(question, units, metrics)
    if pending:
        _count_pending(question, buckets, lines, metrics)
    return lines


def _kept(question: Question, units: Mapping[int, Unit], metrics: Metrics) -> dict[int, Line]:
    found = totals.read({unit.pk for unit in units.values()}, question, metrics)
    return {bucket: Line(found[unit.pk], no_counts(metrics)) for bucket, unit in units.items()}


def _count_pending(
    question: Question, buckets: Mapping[int, list[Span]], lines: Mapping[int, Line], metrics: Metrics
) -> None:
    """Add the rows that are not approved: they are read once and distributed over the buckets."""
    for source, mine in by_source(metrics).items():
        if not source.state:
            continue
        pending = sorted(
            read(_marked, question, _hull(buckets), source, tuple(mine)), key=lambda row: row[:2]
        )
        for bucket, spans in buckets.items() if pending else ():
            here = [row[2:] for row in inside(pending, spans)]
            for metric, column in zip(mine, zip(*here, strict=True), strict=bool(here)):
                lines[bucket].pending[metric.slug] = _added(metric, column)


def _marked(
    question: Question, place: list[Span] | None, source: CountSource, metrics: tuple[Metric, ...]
) -> Any:
    """Return the rows that are not approved: (tree, place, what each metric counts)."""
    marks = {f"mark_{number}": metric.marked() for number, metric in enumerate(metrics)}
    at = (F(f"{source.at}tree_id"), F(f"{source.at}lft"))
    return rows_of(source, question, place, PENDING_STATES).annotate(**marks).values_list(*at, *marks)


def _added(metric: Metric, marks: Iterable[Any]) -> int:
    """Add up marks in Python, as ``Metric.added`` does in SQL."""
    given = [mark for mark in marks if mark is not None]
    return sum(given) if metric.amount else len(set(given) if metric.distinct else given)


def _hull(buckets: Mapping[int, list[Span]]) -> list[Span]:
    """Return for each tree one interval that covers all those of the buckets."""
    ends: dict[int, tuple[int, int]] = {}
    for spans in buckets.values():
        for span in spans:
            lo, hi = ends.get(span.tree_id, (span.lo, span.hi))
            ends[span.tree_id] = min(lo, span.lo), max(hi, span.hi)
    return [Span(tree_id, lo, hi) for tree_id, (lo, hi) in sorted(ends.items())]


def count_place(place: Place, question: Question, metrics: Metrics | None = None) -> Line:
    """Count the metrics at one place from the rows: one query for each source."""
    metrics = metrics or declared()
    line = Line.of(metrics)
    for source, mine in by_source(metrics).items():
        counts, pending = _counted(source, mine, place, question)
        line.counts.update(counts)
        line.pending.update(pending)
    return line


def _counted(
    source: CountSource, metrics: list[Metric], place: Place, question: Question
) -> tuple[Counts, Counts]:
    """Count the metrics of one source at one place from the rows: approved, and not. One query."""
    found = {True: no_counts(metrics), False: no_counts(metrics)}
    rows: Iterable[tuple[Any, ...]]
    if isinstance(place, list):
        rows = read(_summed, question, place, source, tuple(metrics))
    else:
        rows = _summed(question, place, source, tuple(metrics))
    for approved, *numbers in rows:
        found[bool(approved)] = dict(zip(found[True], numbers, strict=True))
    return found[True], found[False]


def _summed(question: Question, place: Place | None, source: CountSource, metrics: tuple[Metric, ...]) -> Any:
    """Return whether approved, and each metric's number: a row of each."""
    rows = rows_of(source, question, place, _BOTH).annotate(is_approved=is_approved(source))
    added = {f"number_{number}": metric.added(metric.marked()) for number, metric in enumerate(metrics)}
    return rows.values("is_approved").annotate(**added).values_list("is_approved", *added)


def count_buckets(
    question: Question, buckets: Mapping[int, list[Span]], metrics: Metrics | None = None
) -> dict[int, Line]:
    """Count the metrics for each bucket of intervals from the rows: a query a source. They may overlap."""
    metrics = metrics or declared()
    lines = {bucket: Line.of(metrics) for bucket in buckets}
    values = _values(buckets)
    if not values:
        return lines
    few = sum(len(spans) for spans in buckets.values()) <= _FEW
    for source, mine in by_source(metrics).items():
        inner = statement(_each_marked, question, _hull(buckets), source, tuple(mine), few)
        if inner is None:  # the question can have no rows: what never ends has not ended
            continue
        for bucket, approved, *numbers in _bucketed(values, inner, mine, few):
            line = lines[bucket].counts if approved else lines[bucket].pending
            line.update((metric.slug, int(number)) for metric, number in zip(mine, numbers, strict=True))
    return lines


def _values(buckets: Mapping[int, list[Span]]) -> str:
    """Return the intervals of the buckets as rows of a SQL VALUES list."""
    return ", ".join(
        f"({int(bucket)}, {int(span.tree_id)}, {int(span.lo)}, {int(span.hi)})"
        for bucket, spans in buckets.items()
        for span in spans
    )


_WAYS = {True: ("tree_id", "lft"), False: ("id",)}
"""By what rows meet the intervals: a few, or many."""


def _each_marked(
    question: Question, place: list[Span] | None, source: CountSource, metrics: tuple[Metric, ...], few: bool
) -> Any:
    """Return the rows: (where, whether approved, what each metric counts)."""
    marks = {f"mark_{number}": metric.marked() for number, metric in enumerate(metrics)}
    ways = {f"at_{name}": F(f"{source.at}{name}") for name in _WAYS[few]}
    rows = rows_of(source, question, place, _BOTH).annotate(is_approved=is_approved(source), **marks, **ways)
    return rows.values_list(*ways, "is_approved", *marks)


def _bucketed(
    values: str, inner: tuple[str, tuple[Any, ...]], metrics: list[Metric], few: bool
) -> list[tuple[Any, ...]]:
    """Join rows to the intervals and run one aggregate.

    With a few intervals each row is held against them. With many the intervals meet the units first, by
    the index on (tree_id, lft): a thousand children then cost a thousand look-ups and not a thousand
    passes over the rows.
    """
    marks = [f"mark_{number}" for number, _metric in enumerate(metrics)]
    columns = ", ".join([*(f"at_{name}" for name in _WAYS[few]), "is_approved", *marks])
    added = ", ".join(metric.added_sql(mark) for metric, mark in zip(metrics, marks, strict=True))
    rows, params = inner
    if few:
        tables = (
            f"r({columns}) AS {_once()} ({rows}) SELECT bucket, is_approved, {added} FROM span "
            "JOIN r ON r.at_tree_id = span.tree_id AND r.at_lft BETWEEN span.lo AND span.hi"
        )
    else:
        tables = (
            f"place(bucket, id) AS {_once()} (SELECT span.bucket, node.id "
            f"FROM span JOIN {Unit._meta.db_table} node "
            "ON node.tree_id = span.tree_id AND node.lft BETWEEN span.lo AND span.hi), "
            f"r({columns}) AS ({rows}) "
            f"SELECT bucket, is_approved, {added} FROM place JOIN r ON r.at_id = place.id"
        )
    statement = (
        f"WITH span(bucket, tree_id, lo, hi) AS (VALUES {values}), {tables} GROUP BY bucket, is_approved"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def _once() -> str:
    """Return the hint that a subquery is to be worked out once; SQLite knows it from 3.35 on."""
    is_old = connection.vendor == "sqlite" and sqlite3.sqlite_version_info < (3, 35)
    return "" if is_old else "MATERIALIZED"
