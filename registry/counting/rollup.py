"""Roll-ups: every metric for a unit's subtree and for each of its children, in a handful of queries.

The intervals of the page's unit and of each child go into one statement as constants, the rows of
``basis`` are joined to the nodes inside them, and one GROUP BY answers for all: the number of queries
does not grow with the number of children or metrics (see docs/architecture.md).
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Case, F, Model, QuerySet, When

from registry.counting import ledger
from registry.counting.basis import APPROVED, Question, assignments, organizations
from registry.counting.metrics import METRICS, ORGANIZATION_METRICS, PEOPLE_METRICS
from registry.models import Organization, Unit
from registry.models.kinds import PENDING_STATES
from registry.models.shape import Span, UnitShape

TOTAL, OWN = 0, -1
"""Buckets beside the children's ids: the whole subtree, and the place itself alone."""

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
    shape = UnitShape.on(question.as_of)
    buckets: dict[int, list[Span]] = {
        TOTAL: shape.spans(unit),
        OWN: [Span(unit.tree_id, unit.lft, unit.lft)],
    }
    found = (child for child in shape.children(unit) if question.sees(child)) if children else ()
    below = sorted(found, key=lambda child: child.code)
    for child in below:
        buckets[child.pk] = shape.spans(child)
    lines = _lines(question, buckets, {TOTAL: unit.pk, **{child.pk: child.pk for child in below}})
    shown = tuple(
        ChildLine(lines[child.pk].counts, lines[child.pk].pending, unit=child)
        for child in below
        if child.is_open_on(question.as_of) or not lines[child.pk].is_zero
    )
    return Rollup(unit, question, lines[TOTAL], lines[OWN], shown)


def count_units(units: Iterable[Unit], question: Question) -> dict[int, Line]:
    """Count every metric for the subtree of each of ``units``, by unit id."""
    shape = UnitShape.on(question.as_of)
    buckets = {unit.pk: shape.spans(unit) for unit in units}
    return _lines(question, buckets, {pk: pk for pk in buckets})


def _lines(
    question: Question, buckets: Mapping[int, list[Span]], units: Mapping[int, int]
) -> dict[int, Line]:
    """Count each bucket: from the ledger where it can answer, else from the rows.

    ``units`` says which buckets are a unit with all below it. What is not approved is always few and
    counted from the rows.
    """
    if not ledger.answers(question, (buckets[bucket] for bucket in units)):
        return count_buckets(question, buckets)
    lines = count_buckets(question, {key: spans for key, spans in buckets.items() if key not in units})
    kept = ledger.read(set(units.values()), question)
    for bucket, unit in units.items():
        lines[bucket] = Line(kept[unit])
    values = _values({bucket: buckets[bucket] for bucket in units})
    if values:
        _count_organizations(question, values, lines, False, PENDING_STATES)
    return lines


def count_party_line(organization: Organization, question: Question) -> Line:
    """Count every metric for an organization with all below it on today's Party line."""
    spans = [Span(organization.tree_id, organization.lft, organization.rght)]
    return count_buckets(question, {TOTAL: spans}, party_line=True)[TOTAL]


def count_spans(spans: list[Span], question: Question) -> Line:
    """Count every metric inside the intervals of the unit tree taken together."""
    return count_buckets(question, {TOTAL: spans})[TOTAL]


def count_buckets(
    question: Question, buckets: Mapping[int, list[Span]], *, party_line: bool = False
) -> dict[int, Line]:
    """Count every metric for each bucket of intervals; buckets may overlap. Two queries."""
    lines: dict[int, Line] = defaultdict(Line)
    for bucket in buckets:
        lines[bucket] = Line()
    values = _values(buckets)
    if not values:
        return lines
    _count_organizations(question, values, lines, party_line)
    _count_people(question, values, lines, party_line)
    return lines


def _values(buckets: Mapping[int, list[Span]]) -> str:
    """Return the intervals of the buckets as rows of a SQL VALUES list."""
    return ", ".join(
        f"({int(bucket)}, {int(span.tree_id)}, {int(span.lo)}, {int(span.hi)})"
        for bucket, spans in buckets.items()
        for span in spans
    )


def _count_organizations(
    question: Question,
    values: str,
    lines: dict[int, Line],
    party_line: bool,
    states: tuple[str, ...] = (*APPROVED, *PENDING_STATES),
) -> None:
    place = F("pk") if party_line else F("host__unit_id")
    rows = organizations(question, states).values_list(place, "kind", "is_temporary", "state")
    found = _bucketed(
        values,
        Organization if party_line else Unit,
        rows,
        ("kind", "is_temporary", "state"),
        "place.bucket, r.kind, r.is_temporary, r.state, COUNT(*)",
        "GROUP BY place.bucket, r.kind, r.is_temporary, r.state",
    )
    for bucket, kind, is_temporary, state, number in found:
        line = lines[bucket]
        counts = line.counts if state in APPROVED else line.pending
        for metric in ORGANIZATION_METRICS:
            if metric.holds(kind, bool(is_temporary)):
                counts[metric.slug] += number


def _count_people(question: Question, values: str, lines: dict[int, Line], party_line: bool) -> None:
    place = F("organization_id") if party_line else F("host__unit_id")
    distinct = [metric for metric in PEOPLE_METRICS if metric.distinct]
    times = [metric for metric in PEOPLE_METRICS if not metric.distinct]
    marks = {
        f"is_{metric.slug}": Case(When(metric.condition, then=F("person_id")), default=None)
        if metric.condition
        else F("person_id")
        for metric in (*distinct, *times)
    }
    rows = assignments(question).annotate(**marks).values_list(place, *marks)
    counted = [f"COUNT(DISTINCT r.is_{metric.slug})" for metric in distinct]
    counted += [f"COUNT(r.is_{metric.slug})" for metric in times]
    found = _bucketed(
        values,
        Organization if party_line else Unit,
        rows,
        tuple(marks),
        f"place.bucket, {', '.join(counted)}",
        "GROUP BY place.bucket",
    )
    for bucket, *numbers in found:
        for metric, number in zip((*distinct, *times), numbers, strict=True):
            lines[bucket].counts[metric.slug] = number


def _bucketed(
    values: str,
    tree: type[Model],
    rows: QuerySet[Any, Any],
    columns: tuple[str, ...],
    select: str,
    group: str,
) -> list[tuple[Any, ...]]:
    """Join ``rows`` (id of a node of ``tree``, then ``columns``) to the intervals and run one aggregate.

    The intervals meet the nodes first, by the index on (tree_id, lft): a thousand children then cost a
    thousand look-ups and not a thousand passes over the rows.
    """
    inner, params = rows.query.get_compiler(connection=connection).as_sql()
    statement = (
        f"WITH span(bucket, tree_id, lo, hi) AS (VALUES {values}), "
        f"place(bucket, id) AS {_once()} (SELECT span.bucket, node.id "
        f"FROM span JOIN {tree._meta.db_table} node "
        "ON node.tree_id = span.tree_id AND node.lft BETWEEN span.lo AND span.hi), "
        f"r({', '.join(('place_id', *columns))}) AS ({inner}) "
        f"SELECT {select} FROM place JOIN r ON r.place_id = place.id {group}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def _once() -> str:
    """Return the hint that a subquery is to be worked out once; SQLite knows it from 3.35 on."""
    is_old = connection.vendor == "sqlite" and sqlite3.sqlite_version_info < (3, 35)
    return "" if is_old else "MATERIALIZED"
