"""Reading: all metrics for the root and each of its children on a day, distinct people included.

All ways that answer the same question must give the same numbers, or the bench stops.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from benchmarks import plainsql
from benchmarks.measure import Timing, compared_by, timed
from benchmarks.plainsql import Counts
from benchmarks.table import Table
from registry.counting.basis import Question
from registry.counting.metrics import METRICS, ORGANIZATION_METRICS
from registry.counting.rollup import count_buckets, rollup
from registry.counting.totals import read as totals
from registry.models import Assignment, Basis, Organization, Unit
from registry.models.hierarchy import UnitHierarchy
from registry.models.kinds import FORMATION_KINDS, PARTY_KINDS

COLUMNS = {"database": "database, ms", "whole": "whole call, ms", "queries": "queries"}
BY_KIND = [metric.slug for metric in ORGANIZATION_METRICS]
SLOW = 15.0
"""So many seconds are given to a way that is slow, so that a run at a nation's size ends."""


class NotTheSame(AssertionError):
    """Two ways gave different numbers for one question."""


def the_root() -> Unit:
    """Return the root of the largest unit tree."""
    return max(Unit.objects.filter(parent=None), key=lambda unit: unit.rght - unit.lft)


def busiest_day() -> date:
    """Return the day on which most organizations stood."""
    ((day,),) = plainsql.rows(
        "WITH change(day, number) AS (SELECT established_on, 1 FROM registry_organization "
        "UNION ALL SELECT dissolved_on, -1 FROM registry_organization WHERE dissolved_on IS NOT NULL), "
        "level(day, number) AS (SELECT day, SUM(SUM(number)) OVER (ORDER BY day) FROM change GROUP BY day) "
        "SELECT day FROM level ORDER BY number DESC, day LIMIT 1"
    )
    return day if isinstance(day, date) else date.fromisoformat(day)


def places(root: Unit, day: date) -> list[Unit]:
    """Return the root and its children on the day."""
    return [root, *sorted(UnitHierarchy.on(day).children(root), key=lambda unit: unit.code)]


def by_totals(question: Question, units: list[Unit]) -> Counts:
    """The registry: the totals."""
    return totals.read([unit.pk for unit in units], question, tuple(METRICS.values()))


def by_rollup(question: Question, units: list[Unit]) -> Counts:
    """The registry: what a page asks, with what is not approved and the root's own beside it."""
    found = rollup(units[0], question)
    return {units[0].pk: found.total.counts} | {line.unit.pk: line.counts for line in found.children}


def by_rows(question: Question, units: list[Unit]) -> Counts:
    """The registry: from the rows, as it counts what no totals hold."""
    shape = UnitHierarchy.on(question.as_of)
    found = count_buckets(question, {unit.pk: shape.spans(unit) for unit in units})
    return {pk: line.counts for pk, line in found.items()}


def by_one_pass(question: Question, units: list[Unit]) -> Counts:
    """Plain SQL: an interval join with GROUP BY and COUNT(DISTINCT)."""
    return plainsql.counted(question, units, plainsql.by_interval(question, units))


def by_recursive_cte(question: Question, units: list[Unit]) -> Counts:
    """Plain SQL: a recursive CTE instead of the intervals."""
    return plainsql.counted(question, units, plainsql.by_recursion(question, units))


def by_related_count(question: Question, units: list[Unit]) -> Counts:
    """django-mptt by its documentation: ``add_related_count`` for each metric, all in one query.

    It counts rows, so distinct people are beyond it, and it knows today's tree and hosts only; the day must
    be one after everything that happened, so that an open end is no end.
    """
    held: dict[str, Any] = {"state": "approved", "established_on__lte": question.as_of}
    placed: dict[str, Any] = {
        "is_withdrawn": False,
        "organization__state": "approved",
        "started_on__lte": question.as_of,
    }
    if question.basis == Basis.CURRENT:
        held["dissolved_on__isnull"] = placed["ended_on__isnull"] = True
    rows: Any = Unit.objects.filter(Q(pk=units[0].pk) | Q(parent=units[0])).order_by()
    for metric in ORGANIZATION_METRICS:
        kinds: dict[str, Any] = {"kind__in": metric.kinds}
        if metric.is_temporary is not None:
            kinds["is_temporary"] = metric.is_temporary
        rows = _related(rows, Organization, "unit", metric.slug, held | kinds)
    for name, kinds in (
        ("in_formations", {"organization__kind__in": FORMATION_KINDS}),
        ("in_bodies", {"organization__kind__in": PARTY_KINDS, "organization__is_temporary": True}),
    ):
        rows = _related(rows, Assignment, "organization__unit", name, placed | kinds)
    return {
        unit.pk: {slug: getattr(unit, slug) for slug in BY_KIND}
        | {"frontline_assignments": unit.in_formations + unit.in_bodies}
        for unit in rows
    }


def _related(rows: Any, model: type[Any], path: str, name: str, filters: dict[str, Any]) -> Any:
    manager: Any = Unit._tree_manager
    return manager.add_related_count(rows, model, path, name, cumulative=True, extra_filters=filters)


Way = tuple[str, Callable[[Question, list[Unit]], Counts], str]

ANY_DAY: tuple[Way, ...] = (
    ("registry: totals.read", by_totals, ""),
    ("registry: rollup", by_rollup, "with what is not approved and the unit's own"),
    ("registry: from the rows", by_rows, "what no totals hold is counted so"),
    ("one-pass SQL", by_one_pass, "interval join, COUNT(DISTINCT)"),
    ("recursive CTE", by_recursive_cte, ""),
)
RELATED: Way = ("django-mptt add_related_count", by_related_count, "no distinct people, today's tree only")


def measure() -> list[Table]:
    """Measure what stands now, all there ever was, a day of another hierarchy, and the week up to it."""
    root, today = the_root(), timezone.localdate()
    past = busiest_day()
    week = past - timedelta(days=6)
    return [
        one_question("what stands today", root, Question(today), (*ANY_DAY, RELATED)),
        one_question(
            "all there ever was, up to today",
            root,
            Question(today, basis=Basis.CUMULATIVE.value),
            (*ANY_DAY, RELATED),
        ),
        one_question("what stood on the busiest day, in that day's hierarchy", root, Question(past), ANY_DAY),
        *(
            one_question(f"{said} in the week up to that day", root, Question(past, basis, week), ANY_DAY)
            for said, basis in (("new", Basis.NEW.value), ("ended", Basis.ENDED.value))
        ),
    ]


def one_question(said: str, root: Unit, question: Question, ways: tuple[Way, ...]) -> Table:
    """Answer one question in every way, hold the answers against each other, and return the times.

    Raises ``NotTheSame`` when they differ.
    """
    units = places(root, question.as_of)
    table = Table(
        "reading", f"All metrics of the root and its children: {said}", COLUMNS, ratio=compared_by()
    )
    table.note = f"{len(units)} places, {len(plainsql.METRICS)} metrics each, as of {question.as_of}."
    expected: Counts | None = None
    for way, count, note in ways:
        found, timing = timed(lambda count=count: count(question, units), seconds=SLOW)
        expected = found if expected is None else expected
        compare(way, found, expected)
        _add(table, way, timing, note)
    assert expected is not None
    total = expected[root.pk]
    kinds, timing = timed(lambda: plainsql.floor_of_organizations(question), seconds=SLOW)
    compare("the floor", {root.pk: kinds}, expected)
    _add(table, "floor: one GROUP BY kind, no tree", timing, "kinds at the root only")
    people, timing = timed(lambda: plainsql.floor_of_people(question), seconds=SLOW)
    compare("the floor", {root.pk: {"frontline_people": people}}, expected)
    _add(table, "floor: one COUNT(DISTINCT person), no tree", timing, "people at the root only")
    table.note += f" The root has {sum(total[s] for s in ONCE):,} organizations and {people:,} people."
    return table


ONCE = [slug for slug in BY_KIND if slug not in ("temporary_party_orgs", "pioneer_and_commando_teams")]
"""The metrics that count each organization once: the others are sums of these."""


def _add(table: Table, way: str, timing: Timing, note: str) -> None:
    table.add(
        way,
        note,
        database=timing.database_milliseconds,
        whole=timing.milliseconds,
        queries=timing.queries[-1],
    )


def compare(way: str, found: Counts, expected: Counts) -> None:
    """Raise ``NotTheSame`` when a number that ``way`` found is not the expected one; count none as zero."""
    for pk, numbers in found.items():
        for slug, number in numbers.items():
            if number != expected.get(pk, {}).get(slug, 0):
                wanted = expected.get(pk, {}).get(slug)
                raise NotTheSame(f"{way}: unit {pk}, {slug}: {number}, expected {wanted}")
    if len(found) > 1:  # a place that was left out must have nothing to count
        for pk in expected.keys() - found.keys():
            if any(expected[pk].values()):
                raise NotTheSame(f"{way}: unit {pk} is missing")
