"""Roll-ups: every metric for a unit's subtree and for each of its children, in a handful of queries.

If the totals have the answer, a unit and all its children are read from them at once. Otherwise the rows of
``basis`` are joined with the intervals of the unit and its children in one statement with one GROUP BY. So
the number of queries does not grow with the number of children or metrics (see docs/architecture.md).
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet

from registry.counting.basis import Place, Question, read, read_at, rows_of, statement
from registry.counting.metric import APPROVED_OR_PENDING, CountSource, Metric, is_approved
from registry.counting.metrics import METRICS
from registry.counting.shown import counted_for, is_plain, shown_counts
from registry.counting.totals import read as totals
from registry.models import Basis, Unit
from registry.models.hierarchy import Span, UnitHierarchy, move_days, remembering

TOTAL, OWN = 0, -1
"""Buckets beside the children's ids: the whole subtree, and the place itself alone."""

_FEW = 64

Counts = dict[str, Any]
"""By slug: whole numbers, until amounts and averages are shown."""
Metrics = Collection[Metric]
_Asked = tuple[tuple[Metric, ...], tuple[str, ...]]
"""In which ways rows are counted, and of a named source the names that are asked for (none: any)."""


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
    asked = metrics or declared()
    metrics = counted_for(asked)
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
        lines[OWN] = _own(unit, question, lines, [child.pk for child in below], metrics)
    else:
        lines = _lines(question, buckets, units, metrics)
        lines[OWN] = _at_place(alone, question, metrics)
    lines = _shown(asked, lines)
    shown = tuple(
        ChildLine(lines[child.pk].counts, lines[child.pk].pending, unit=child)
        for child in below
        if child.is_open_on(question.as_of) or not lines[child.pk].is_zero
    )
    return Rollup(unit, question, lines[TOTAL], lines[OWN], shown)


def _shown(metrics: Metrics, lines: dict[int, Line]) -> dict[int, Line]:
    """Return the lines as they are shown: amounts in yuan, averages divided."""
    if is_plain(metrics):
        return lines
    return {
        bucket: Line(shown_counts(metrics, line.counts), shown_counts(metrics, line.pending))
        for bucket, line in lines.items()
    }


def _own(
    unit: Unit, question: Question, lines: Mapping[int, Line], children: list[int], metrics: Metrics
) -> Line:
    """Return the counts of the unit itself: its total less those of its children.

    Distinct owners may be in both, so they are counted from the rows.
    """
    line = Line.of(metrics)
    for share in shares_of(metrics):
        rest = [metric for metric in share.metrics if not metric.distinct]
        for slug in (metric.slug for metric in rest):
            for own, total, below in (
                (line.counts, lines[TOTAL].counts, [lines[child].counts for child in children]),
                (line.pending, lines[TOTAL].pending, [lines[child].pending for child in children]),
            ):
                own[slug] = total[slug] - sum(counts[slug] for counts in below)
        every = [metric.slug for metric in rest if not (metric.on_day or metric.amount)]
        is_empty = bool(every) and not (line.counts[every[0]] or line.pending[every[0]])
        if len(rest) < len(share.metrics) and not is_empty:
            counts, pending = _counted(share, unit.pk, question)
            line.counts.update(counts)
            line.pending.update(pending)
    return line


def count_units(
    units: Iterable[Unit], question: Question, *, metrics: Metrics | None = None
) -> dict[int, Line]:
    """Count metrics (else every declared one) for each unit's subtree, by unit id."""
    shape = UnitHierarchy.on(question.as_of)
    units = list(units)
    buckets = {unit.pk: shape.spans(unit) for unit in units}
    asked = metrics or declared()
    by_key = {unit.pk: unit for unit in units}
    return _shown(asked, _lines(question, buckets, by_key, counted_for(asked)))


def kept(unit: Unit, question: Question, metrics: Metrics | None = None) -> Counts | None:
    """Return metrics (else every declared one) of the unit's subtree from the totals; None: they cannot."""
    if not totals.answers(question, [UnitHierarchy.on(question.as_of).spans(unit)], [unit]):
        return None
    asked = metrics or declared()
    return shown_counts(asked, totals.read({unit.pk}, question, counted_for(asked))[unit.pk])


def kept_between(
    unit: Unit, question: Question, first: date | None, last: date, metrics: Metrics
) -> Counts | None:
    """Return how much was added from ``first`` to ``last`` to metrics of what never ends, from the totals.

    None: they cannot say it, for they have no answer, or units moved until the question's day.
    """
    since = last if first is None else first - timedelta(days=1)
    ends = [replace(question, as_of=day, basis=Basis.CUMULATIVE.value) for day in (since, last)]
    spans = [UnitHierarchy.on(question.as_of).spans(unit)]
    if move_days(since, question.as_of) or not totals.answers(ends[0], spans, [unit]):
        return None
    before, after = (totals.read({unit.pk}, each, counted_for(metrics))[unit.pk] for each in ends)
    added = {slug: number - (before[slug] if first else 0) for slug, number in after.items()}
    return shown_counts(metrics, added)


@dataclass(frozen=True)
class _Share:
    """The metrics that are asked of one source; of a named one its rows say which of them each is of."""

    source: CountSource
    metrics: list[Metric]

    @cached_property
    def asked(self) -> _Asked:
        """How the rows are marked, and which of them are read."""
        if not self.source.named:
            return tuple(self.metrics), ()
        slugs = tuple(metric.slug for metric in self.metrics)
        ways = dict.fromkeys(metric.family for metric in self.metrics if metric.family is not None)
        return tuple(ways), slugs if len(slugs) <= _FEW else ()

    @cached_property
    def _ways(self) -> dict[str, int]:
        """Of each metric that has a name the place of its numbers."""
        ways = self.asked[0]
        return {
            metric.slug: ways.index(metric.family) for metric in self.metrics if metric.family is not None
        }

    def numbers(self, row: Sequence[Any]) -> Iterator[tuple[str, Any]]:
        """Yield a row's metrics with their numbers; of a named source the row begins with the name."""
        if not self.source.named:
            yield from zip((metric.slug for metric in self.metrics), row, strict=True)
        elif row[0] in self._ways:
            yield row[0], row[1 + self._ways[row[0]]]


def shares_of(metrics: Metrics) -> list[_Share]:
    """Group the metrics by their source."""
    found: dict[CountSource, list[Metric]] = defaultdict(list)
    for metric in metrics:
        found[metric.source].append(metric)
    return [_Share(source, mine) for source, mine in found.items()]


def _lines(
    question: Question,
    buckets: Mapping[int, list[Span]],
    units: Mapping[int, Unit],
    metrics: Metrics,
) -> dict[int, Line]:
    """Count each bucket: from the totals where they can answer, else from the rows.

    ``units`` maps each bucket to the unit whose subtree it is.
    """
    if totals.answers(question, buckets.values(), list(units.values())):
        return _kept(question, units, metrics)
    return count_buckets(question, buckets, metrics)


def _kept(question: Question, units: Mapping[int, Unit], metrics: Metrics) -> dict[int, Line]:
    found = totals.read_with_pending({unit.pk for unit in units.values()}, question, metrics)
    return {bucket: Line(*found[unit.pk]) for bucket, unit in units.items()}


def _names(source: CountSource) -> tuple[str, ...]:
    """Return the column that says of which metric a row is, if there is one."""
    return ("row_named",) if source.named else ()


def _named(rows: QuerySet[Any], source: CountSource, slugs: tuple[str, ...]) -> QuerySet[Any]:
    """Return those of the rows that are of these metrics (none: of any), with that column."""
    if not source.named:
        return rows
    asked = {f"{source.named}__in": slugs} if slugs else {}
    found: QuerySet[Any] = rows.filter(**asked).annotate(row_named=F(source.named))
    return found


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
    asked = metrics or declared()
    return _shown(asked, {TOTAL: _at_place(place, question, counted_for(asked))})[TOTAL]


def _at_place(place: Place, question: Question, metrics: Metrics) -> Line:
    line = Line.of(metrics)
    for share in shares_of(metrics):
        counts, pending = _counted(share, place, question)
        line.counts.update(counts)
        line.pending.update(pending)
    return line


def _counted(share: _Share, place: Place | int, question: Question) -> tuple[Counts, Counts]:
    """Count the metrics of one source at one place from the rows: approved, and not. One query.

    A key is that of a unit, asked alone.
    """
    found = {True: no_counts(share.metrics), False: no_counts(share.metrics)}
    rows: Iterable[tuple[Any, ...]]
    if isinstance(place, list):
        rows = read(_summed, question, place, share.source, *share.asked)
    elif isinstance(place, int):
        rows = read_at(_summed, question, place, share.source, *share.asked)
    else:
        rows = _summed(question, place, share.source, *share.asked)
    for approved, *numbers in rows:
        found[bool(approved)].update(share.numbers(numbers))
    return found[True], found[False]


def _summed(
    question: Question,
    place: Place | int | None,
    source: CountSource,
    ways: tuple[Metric, ...],
    slugs: tuple[str, ...],
) -> Any:
    """Return whether approved, the name of the metric, and what each way counts: a row of each."""
    if isinstance(place, int):
        rows = rows_of(source, question, None, APPROVED_OR_PENDING)
        rows = rows.annotate(at_unit=F(f"{source.at}pk")).filter(at_unit=place)
    else:
        rows = rows_of(source, question, place, APPROVED_OR_PENDING)
    rows = _named(rows, source, slugs)
    added = {f"number_{number}": metric.added(metric.marked()) for number, metric in enumerate(ways)}
    by = ("is_approved", *_names(source))
    rows = rows.annotate(is_approved=is_approved(source))
    return rows.values(*by).annotate(**added).values_list(*by, *added)


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
    for share in shares_of(metrics):
        inner = statement(_each_marked, question, _hull(buckets), share.source, *share.asked, few)
        if inner is None:  # the question can have no rows: what never ends has not ended
            continue
        for bucket, approved, *numbers in _bucketed(values, inner, share, few):
            line = lines[bucket].counts if approved else lines[bucket].pending
            line.update((slug, int(number)) for slug, number in share.numbers(numbers))
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
    question: Question,
    place: list[Span] | None,
    source: CountSource,
    ways: tuple[Metric, ...],
    slugs: tuple[str, ...],
    few: bool,
) -> Any:
    """Return the rows: (where, whether approved, the name of the metric, what each way counts)."""
    rows = _named(rows_of(source, question, place, APPROVED_OR_PENDING), source, slugs)
    marks = {f"mark_{number}": metric.marked() for number, metric in enumerate(ways)}
    at = {f"at_{name}": F(f"{source.at}{name}") for name in _WAYS[few]}
    rows = rows.annotate(is_approved=is_approved(source), **marks, **at)
    return rows.values_list(*at, "is_approved", *_names(source), *marks)


def _bucketed(
    values: str, inner: tuple[str, tuple[Any, ...]], share: _Share, few: bool
) -> list[tuple[Any, ...]]:
    """Join rows to the intervals and run one aggregate.

    With a few intervals each row is held against them. With many the intervals meet the units first, by
    the index on (tree_id, lft): a thousand children then cost a thousand look-ups and not a thousand
    passes over the rows.
    """
    ways, by = share.asked[0], ("is_approved", *_names(share.source))
    marks = [f"mark_{number}" for number, _metric in enumerate(ways)]
    columns = ", ".join([*(f"at_{name}" for name in _WAYS[few]), *by, *marks])
    added = ", ".join([*by, *(metric.added_sql(mark) for metric, mark in zip(ways, marks, strict=True))])
    rows, params = inner
    if few:
        tables = (
            f"r({columns}) AS {_once()} ({rows}) SELECT bucket, {added} FROM span "
            "JOIN r ON r.at_tree_id = span.tree_id AND r.at_lft BETWEEN span.lo AND span.hi"
        )
    else:
        tables = (
            f"place(bucket, id) AS {_once()} (SELECT span.bucket, node.id "
            f"FROM span JOIN {Unit._meta.db_table} node "
            "ON node.tree_id = span.tree_id AND node.lft BETWEEN span.lo AND span.hi), "
            f"r({columns}) AS ({rows}) "
            f"SELECT bucket, {added} FROM place JOIN r ON r.at_id = place.id"
        )
    statement = (
        f"WITH span(bucket, tree_id, lo, hi) AS (VALUES {values}), {tables} GROUP BY bucket, {', '.join(by)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def _once() -> str:
    """Return the hint that a subquery is to be worked out once; SQLite knows it from 3.35 on."""
    is_old = connection.vendor == "sqlite" and sqlite3.sqlite_version_info < (3, 35)
    return "" if is_old else "MATERIALIZED"
