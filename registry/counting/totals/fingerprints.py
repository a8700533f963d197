"""Find the metrics whose totals cannot be right, without working every total out again.

What a unit has is what stands at it and what the units directly below it have, less what is too much of the
owners who have rows below several of them. So each total is held against those directly below it and against
the rows at the unit itself: if this holds of every unit, all totals are right, from the lowest up. Both
sides are not compared day by day: each change is multiplied by a weight of its day and summed up by line.

The weights are drawn by chance for each check. A single wrong day is always found; wrong days of one line
that cancel out under these weights have a chance of one in a billion, and another one at the next check.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Model

from registry.counting.metric import Metric
from registry.counting.totals import tables
from registry.counting.totals.points import LINE, TABLE
from registry.counting.totals.statement import Statement
from registry.counting.totals.tables import BY_LINE, CHANGE, KEYS, ROW
from registry.counting.totals.whole import (
    WAYS_UP,
    Weight,
    carried_up,
    make_ways_up,
    marks_at_hosts,
    marks_of_overlaps,
    marks_of_weeks,
)
from registry.models import UnitPlacement


def wrong_metrics(
    cursor: Any,
    metrics: tuple[Metric, ...],
    weekly: tuple[Metric, ...],
    where: str,
    pieces: Callable[[type[Model]], Iterable[str]],
) -> set[str]:
    """Return the metrics, as the totals name them, of which a total is wrong.

    ``metrics`` are those whose current and cumulative numbers are looked at, ``weekly`` those of which what
    began and ended in a week is; ``where`` is the condition for all of these totals. ``pieces`` gives for a
    model the conditions that cut its owners into parts of a bounded size. On PostgreSQL only.
    """
    weight = _weights(secrets.randbits(62))
    tables.plan_for_many(cursor)
    tables.make_empty(cursor, "apart")
    tables.drop(cursor, "marks")
    make_ways_up(cursor)
    cursor.execute(
        f"CREATE TEMPORARY TABLE marks AS SELECT {BY_LINE}, 0::numeric AS mark, TRUE AS is_carried "
        f"FROM {TABLE} WHERE 1 = 0"
    )
    distinct = tuple(metric for metric in metrics if metric.distinct)
    for counted, asked in (
        (marks_at_hosts, metrics),
        (marks_of_overlaps, distinct),
        (marks_of_weeks, weekly),
    ):
        for model in dict.fromkeys(metric.source.owners for metric in asked):
            for piece in pieces(model):
                _take_off(cursor, counted(asked, {model: piece}, weight))
    cursor.execute(
        f"INSERT INTO marks ({BY_LINE}, mark, is_carried) SELECT {BY_LINE}, {_mark_of_total(weight)}, "
        f"NOT {_IS_WEEK} FROM {TABLE} total WHERE {where} AND ({_NEVER_MOVED} OR {_IS_WEEK})"
    )
    # What began or ended in a week is said of each unit by itself.
    cursor.execute(
        f"INSERT INTO marks ({BY_LINE}, mark, is_carried) SELECT {BY_LINE}, "
        f"change * {weight('day')}::numeric, FALSE FROM {CHANGE} WHERE {where} AND {_IS_WEEK}"
    )
    # By their days: changes not folded yet, and the totals of units that had another superior.
    cursor.execute(
        f"INSERT INTO apart ({ROW}) SELECT {KEYS}, change FROM {CHANGE} WHERE {where} AND NOT {_IS_WEEK}"
    )
    tables.add_stored(cursor, "apart", f"{where} AND NOT ({_NEVER_MOVED} OR {_IS_WEEK})")
    for table in ("marks", "apart"):
        cursor.execute(f"ANALYZE {table}")
    rest = ", ".join(LINE[1:])
    cursor.execute(
        f"SELECT DISTINCT metric FROM (SELECT {BY_LINE} FROM (SELECT {BY_LINE}, mark FROM marks UNION ALL "
        f"SELECT place.superior_id, {rest}, -mark FROM marks JOIN {_PLACEMENT} place "
        f"ON place.unit_id = marks.unit_id AND {_UNDATED} WHERE is_carried AND place.superior_id IS NOT NULL "
        f"UNION ALL SELECT {BY_LINE}, change * {weight('day')}::numeric FROM apart "
        f"UNION ALL SELECT {BY_LINE}, change * -{weight('day')}::numeric FROM ({carried_up('apart')}) above"
        f") side GROUP BY {BY_LINE} HAVING SUM(mark) <> 0) unlike"
    )
    found = {slug for (slug,) in cursor.fetchall()}
    tables.drop(cursor, WAYS_UP, "apart", "marks")
    return found


_PLACEMENT = UnitPlacement._meta.db_table
_IS_WEEK = "POSITION(':' IN metric) > 0"
_UNDATED = "place.started_on IS NULL AND place.ended_on IS NULL"
_NEVER_MOVED = f"EXISTS (SELECT 1 FROM {_PLACEMENT} place WHERE place.unit_id = total.unit_id AND {_UNDATED})"


def _take_off(cursor: Any, statement: Statement) -> None:
    """Note what the rows say, with the other sign than what the totals say."""
    cursor.execute(
        f"INSERT INTO marks ({BY_LINE}, mark, is_carried) SELECT {BY_LINE}, -mark, is_carried "
        f"FROM ({statement[0]}) said",
        statement[1] or None,
    )


def _weights(seed: int) -> Weight:
    """Return what says in SQL what a day weighs: thirty bits, never 0."""
    return lambda day: f"((hashint8extended(({day} - DATE '2000-01-01')::bigint, {seed}) & 1073741823) + 1)"


def _mark_of_total(weight: Weight) -> str:
    """Return the sum of a total's changes, each multiplied by the weight of its day."""
    small, large = (
        f"(SELECT SUM((number - before){cast} * {weight('day')}) FROM (SELECT unnest(total.days) AS day, "
        f"unnest(total.{numbers}) AS number, unnest(0 || total.{numbers}) AS before OFFSET 0) point)"
        for numbers, cast in (("numbers", ""), ("large", "::numeric"))
    )
    return f"CASE WHEN total.numbers IS NULL THEN {large} ELSE {small} END"
