"""Roll-ups: every metric for a unit's subtree and for each of its children, in a handful of queries.

What the ledger keeps is read from it, for a unit and all its children at once. Otherwise the intervals of
the unit and of each child go into one statement as constants beside the rows of ``basis``, and one GROUP
BY answers for all: the number of queries does not grow with the number of children or metrics (see
docs/architecture.md).
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Case, Count, F, QuerySet, When

from registry.counting.basis import APPROVED, Question, assignment_rows, organization_rows
from registry.counting.metrics import METRICS, ORGANIZATION_METRICS, PEOPLE_METRICS, PeopleMetric
from registry.counting.totals import read as ledger
from registry.models import Organization, Unit
from registry.models.kinds import PENDING_STATES
from registry.models.shape import Span, UnitShape, remembering

TOTAL, OWN = 0, -1
"""Buckets beside the children's ids: the whole subtree, and the place itself alone."""

_FEW = 64
_EVERY = next(metric for metric in PEOPLE_METRICS if metric.slug == "frontline_people")
_TIMES = "frontline_assignments"

Counts = dict[str, int]


def no_counts() -> Counts:
    """Return zero for every metric, in the order of display."""
    return dict.fromkeys(METRICS, 0)


@dataclass(frozen=True)
class Line:
    """The counts of one place; ``pending`` are organizations not approved (organization metrics only)."""

    counts: Counts = field(default_factory=no_counts)
    pending: Counts = field(default_factory=no_counts)

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


def rollup(unit: Unit, question: Question, *, children: bool = True) -> Rollup:
    """Count every metric for ``unit`` with all below it, for itself alone, and for each child.

    The hierarchy is that of ``question.as_of``. Children are ordered by name; closed ones are left
    out unless something is still counted there, and so are those outside the question's scope.
    """
    with remembering():
        return _rollup(unit, question, children)


def _rollup(unit: Unit, question: Question, with_children: bool) -> Rollup:
    shape = UnitShape.on(question.as_of)
    alone = [Span(unit.tree_id, unit.lft, unit.lft)]
    buckets = {TOTAL: shape.spans(unit)}
    found = list(shape.children(unit)) if with_children else []
    below = sorted((child for child in found if question.sees(child)), key=lambda child: child.code)
    for child in below:
        buckets[child.pk] = shape.spans(child)
    if with_children and len(below) == len(found) and ledger.answers(question, buckets.values()):
        lines = _kept(question, {pk: pk or unit.pk for pk in buckets})
        lines[OWN] = _own(alone, question, lines, [child.pk for child in below])
        _count_pending(question, {**buckets, OWN: alone}, lines)
    else:
        lines = _lines(question, buckets, {pk: pk or unit.pk for pk in buckets})
        lines[OWN] = count_spans(alone, question)
    shown = tuple(
        ChildLine(lines[child.pk].counts, lines[child.pk].pending, unit=child)
        for child in below
        if child.is_open_on(question.as_of) or not lines[child.pk].is_zero
    )
    return Rollup(unit, question, lines[TOTAL], lines[OWN], shown)


def _own(alone: list[Span], question: Question, lines: Mapping[int, Line], children: list[int]) -> Line:
    """Return what is approved at a unit itself: the whole less its parts, but people, who may be in both."""
    line = Line()
    for slug in line.counts:
        metric = METRICS[slug]
        if not isinstance(metric, PeopleMetric) or not metric.distinct:
            parts = sum(lines[child].counts[slug] for child in children)
            line.counts[slug] = lines[TOTAL].counts[slug] - parts
    if line.counts[_TIMES]:
        line.counts.update(_people_at(alone, question))
    return line


def count_units(units: Iterable[Unit], question: Question, *, pending: bool = True) -> dict[int, Line]:
    """Count every metric for the subtree of each of ``units``, by unit id; one query less without pending."""
    shape = UnitShape.on(question.as_of)
    buckets = {unit.pk: shape.spans(unit) for unit in units}
    return _lines(question, buckets, {pk: pk for pk in buckets}, pending=pending)


def kept(unit: Unit, question: Question) -> Counts | None:
    """Return every metric of the unit's subtree if the ledger holds it: at no cost that grows with rows."""
    if not ledger.answers(question, [UnitShape.on(question.as_of).spans(unit)]):
        return None
    return ledger.read({unit.pk}, question)[unit.pk]


def _lines(
    question: Question,
    buckets: Mapping[int, list[Span]],
    units: Mapping[int, int],
    *,
    pending: bool = True,
) -> dict[int, Line]:
    """Count each bucket: from the ledger where it can answer, else from the rows.

    ``units`` says of which unit with all below it a bucket holds the numbers. What is not approved is
    always little and counted from the rows.
    """
    if not ledger.answers(question, buckets.values()):
        return count_buckets(question, buckets)
    lines = _kept(question, units)
    if pending:
        _count_pending(question, buckets, lines)
    return lines


def _kept(question: Question, units: Mapping[int, int]) -> dict[int, Line]:
    found = ledger.read(set(units.values()), question)
    return {bucket: Line(found[unit]) for bucket, unit in units.items()}


def _count_pending(question: Question, buckets: Mapping[int, list[Span]], lines: Mapping[int, Line]) -> None:
    """Add what is not approved: it is read once, by host unit, and laid into the buckets here."""
    rows = organization_rows(None, question, _hull(buckets), PENDING_STATES)
    pending = sorted(rows.values_list(F("host__unit__tree_id"), F("host__unit__lft"), "kind", "is_temporary"))
    places = [row[:2] for row in pending]
    for bucket, spans in buckets.items():
        for span in spans:
            first = bisect_left(places, (span.tree_id, span.lo))
            last = bisect_right(places, (span.tree_id, span.hi))
            for _tree_id, _lft, kind, is_temporary in pending[first:last]:
                _add(lines[bucket].pending, kind, is_temporary, 1)


def _hull(buckets: Mapping[int, list[Span]]) -> list[Span]:
    """Return intervals that hold all those of the buckets, with nothing twice: at most one for each tree."""
    ends: dict[int, tuple[int, int]] = {}
    for spans in buckets.values():
        for span in spans:
            lo, hi = ends.get(span.tree_id, (span.lo, span.hi))
            ends[span.tree_id] = min(lo, span.lo), max(hi, span.hi)
    return [Span(tree_id, lo, hi) for tree_id, (lo, hi) in sorted(ends.items())]


def count_party_line(organization: Organization, question: Question) -> Line:
    """Count every metric for an organization with all below it on today's Party line. Two queries."""
    return _line(organization, question)


def count_spans(spans: list[Span], question: Question) -> Line:
    """Count every metric inside the intervals of the unit tree taken together. Two queries."""
    return _line(spans, question)


def _line(place: Organization | list[Span], question: Question) -> Line:
    """Count every metric at one place from the rows."""
    line = Line()
    states = (*APPROVED, *PENDING_STATES)
    counted = (
        organization_rows(None, question, place, states)
        .values_list("kind", "is_temporary", "state")
        .annotate(number=Count("pk"))
    )
    for kind, is_temporary, state, number in counted:
        _add(line.counts if state in APPROVED else line.pending, kind, is_temporary, number)
    line.counts.update(_people_at(place, question))
    return line


def _people_at(place: Organization | list[Span], question: Question) -> Counts:
    """Count every metric of people at one place from the rows. One query."""
    found: Counts = assignment_rows(_EVERY, question, place).aggregate(
        **{metric.slug: Count(_marked(metric), distinct=metric.distinct) for metric in PEOPLE_METRICS}
    )
    return found


def _add(counts: Counts, kind: str, is_temporary: bool, number: int) -> None:
    for slug in _slugs(kind, bool(is_temporary)):
        counts[slug] += number


@cache
def _slugs(kind: str, is_temporary: bool) -> tuple[str, ...]:
    return tuple(metric.slug for metric in ORGANIZATION_METRICS if metric.holds(kind, is_temporary))


def _marked(metric: PeopleMetric) -> Any:
    """Return the person of an assignment that the metric counts, nothing for others."""
    if not metric.condition:
        return F("person_id")
    return Case(When(metric.condition, then=F("person_id")), default=None)


def count_buckets(question: Question, buckets: Mapping[int, list[Span]]) -> dict[int, Line]:
    """Count every metric for each bucket of intervals from the rows; buckets may overlap. Two queries."""
    lines: dict[int, Line] = defaultdict(Line)
    for bucket in buckets:
        lines[bucket] = Line()
    values = _values(buckets)
    if not values:
        return lines
    hull = _hull(buckets)
    few = sum(len(spans) for spans in buckets.values()) <= _FEW
    _count_organizations(question, hull, values, lines, few)
    _count_people(question, hull, values, lines, few)
    return lines


def _values(buckets: Mapping[int, list[Span]]) -> str:
    """Return the intervals of the buckets as rows of a SQL VALUES list."""
    return ", ".join(
        f"({int(bucket)}, {int(span.tree_id)}, {int(span.lo)}, {int(span.hi)})"
        for bucket, spans in buckets.items()
        for span in spans
    )


def _count_organizations(
    question: Question, hull: list[Span], values: str, lines: dict[int, Line], few: bool
) -> None:
    rows = organization_rows(None, question, hull, (*APPROVED, *PENDING_STATES))
    columns = ("kind", "is_temporary", "state")
    for bucket, kind, is_temporary, state, number in _bucketed(
        values,
        rows,
        columns,
        "bucket, kind, is_temporary, state, COUNT(*)",
        "GROUP BY bucket, kind, is_temporary, state",
        few,
    ):
        line = lines[bucket]
        _add(line.counts if state in APPROVED else line.pending, kind, is_temporary, number)


def _count_people(
    question: Question, hull: list[Span], values: str, lines: dict[int, Line], few: bool
) -> None:
    marks = {f"is_{metric.slug}": _marked(metric) for metric in PEOPLE_METRICS}
    rows = assignment_rows(_EVERY, question, hull).annotate(**marks)
    counted = [
        f"COUNT({'DISTINCT ' if metric.distinct else ''}is_{metric.slug})" for metric in PEOPLE_METRICS
    ]
    for bucket, *numbers in _bucketed(
        values, rows, tuple(marks), f"bucket, {', '.join(counted)}", "GROUP BY bucket", few
    ):
        for metric, number in zip(PEOPLE_METRICS, numbers, strict=True):
            lines[bucket].counts[metric.slug] = number


def _bucketed(
    values: str,
    rows: QuerySet[Any, Any],
    columns: tuple[str, ...],
    select: str,
    group: str,
    few: bool,
) -> list[tuple[Any, ...]]:
    """Join ``rows`` to the intervals and run one aggregate.

    With a few intervals each row is held against them. With many the intervals meet the units first, by
    the index on (tree_id, lft): a thousand children then cost a thousand look-ups and not a thousand
    passes over the rows.
    """
    place = ("at_tree_id", "at_lft") if few else ("at_unit_id",)
    ways = {name: F(f"host__unit__{name.removeprefix('at_')}") for name in place[:2]}
    if not few:
        ways = {"at_unit_id": F("host__unit_id")}
    inner, params = (
        rows.annotate(**ways).values_list(*place, *columns).query.get_compiler(connection=connection).as_sql()
    )
    if few:
        tables = (
            f"r({', '.join((*place, *columns))}) AS {_once()} ({inner}) SELECT {select} FROM span "
            "JOIN r ON r.at_tree_id = span.tree_id AND r.at_lft BETWEEN span.lo AND span.hi"
        )
    else:
        tables = (
            f"place(bucket, id) AS {_once()} (SELECT span.bucket, node.id "
            f"FROM span JOIN {Unit._meta.db_table} node "
            "ON node.tree_id = span.tree_id AND node.lft BETWEEN span.lo AND span.hi), "
            f"r({', '.join((*place, *columns))}) AS ({inner}) "
            f"SELECT {select} FROM place JOIN r ON r.at_unit_id = place.id"
        )
    statement = f"WITH span(bucket, tree_id, lo, hi) AS (VALUES {values}), {tables} {group}"
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def _once() -> str:
    """Return the hint that a subquery is to be worked out once; SQLite knows it from 3.35 on."""
    is_old = connection.vendor == "sqlite" and sqlite3.sqlite_version_info < (3, 35)
    return "" if is_old else "MATERIALIZED"
