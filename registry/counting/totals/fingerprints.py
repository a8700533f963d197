"""Find the metrics whose totals cannot be right, without working every total out again.

What a unit has is what stands at it and what the units directly below it have, less what is too much of the
owners who have rows below several of them. So each total is held against those directly below it and against
the rows at the unit itself: if this holds of every unit, all totals are right, from the lowest up. The two
sides are not compared day by day and line by line: each change is multiplied by a weight of its day and one
of its line, and all are summed up by metric. What makes up a sum can so be worked out in any order, by two
connections.

The weights are drawn by chance for each check. A single wrong day is always found; wrong days that cancel
out under these weights have a chance of one in a billion, and another one at the next check.
"""

from __future__ import annotations

import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Model

from registry.counting.metric import Metric
from registry.counting.totals import tables
from registry.counting.totals.points import TABLE
from registry.counting.totals.statement import Statement
from registry.counting.totals.tables import BY_LINE, CHANGE, KEYS
from registry.counting.totals.whole import (
    WAYS_UP,
    carried_up,
    make_ways_up,
    marks_at_hosts,
    marks_of_overlaps,
    marks_of_weeks,
)
from registry.models import UnitPlacement

Pieces = Callable[[type[Model]], Iterable[str]]
"""Gives for a model the conditions that cut its owners into parts of a bounded size."""
PARTS = 4
"""In so many parts the totals are read, so that both connections have enough to do until the end."""


def wrong_lines(metrics: tuple[Metric, ...], pieces: Pieces, *, alone: bool) -> set[str]:
    """Return the names of the lines of which a total is wrong. On PostgreSQL only, in a transaction.

    If the transaction is ``alone``, a second connection does half of the work, in the same snapshot.
    """
    waiting = deque(_statements(metrics, pieces, _Weights(secrets.randbits(62))))
    with ThreadPoolExecutor(max_workers=1) as pool:
        beside = pool.submit(_beside, waiting, _exported()) if alone else None
        try:
            sums = _summed_up(waiting)
        finally:
            waiting.clear()
        if beside:
            for line, number in beside.result().items():
                sums[line] += number
    return {line for line, number in sums.items() if number}


def _exported() -> str:
    """Return the name of this transaction's snapshot, for another one to see the same."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        return str(cursor.fetchone()[0])


def _beside(waiting: deque[Statement], snapshot: str) -> Counter[str]:
    """Sum up on a connection of its own, for another thread."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SET TRANSACTION SNAPSHOT %s", [snapshot])
            return _summed_up(waiting)
    finally:
        connection.close()


def _summed_up(waiting: deque[Statement]) -> Counter[str]:
    """Return the sums by line of the statements that this connection takes from those that wait."""
    sums: Counter[str] = Counter()
    with connection.cursor() as cursor:
        tables.plan_for_many(cursor)
        make_ways_up(cursor)
        while waiting:
            try:
                statement, params = waiting.popleft()
            except IndexError:  # the other connection took the last one
                break
            cursor.execute(statement, params or None)
            for line, number in cursor.fetchall():
                sums[line] += number
        tables.drop(cursor, WAYS_UP)
    return sums


@dataclass(frozen=True)
class _Weights:
    """Says in SQL what days and lines weigh: thirty bits, never 0."""

    seed: int

    def of_day(self, day: str) -> str:
        return _hashed(f"({day} - DATE '2000-01-01')::bigint", str(self.seed))

    def of_line(self, unit: str) -> str:
        """Say what the line of a unit weighs, for the campaign and basis of the row."""
        return _hashed(unit, f"hashint8extended(campaign_key * 2 + is_cumulative::int, {self.seed})")

    def summed(self, rows: str) -> str:
        """Return the SELECT of (metric, sum) of SELECTed (line, mark, is_carried).

        ``is_carried``: the mark counts with the other sign at the unit directly above, too, where that
        was the only one ever.
        """
        above = f"CASE WHEN place.superior_id IS NULL THEN 0 ELSE {self.of_line('place.superior_id')} END"
        return (
            f"SELECT metric, COALESCE(SUM(mark * ({self.of_line('said.unit_id')} - {above})), 0) "
            f"FROM ({rows}) said LEFT JOIN {_PLACEMENT} place "
            f"ON is_carried AND place.unit_id = said.unit_id AND {_UNDATED} "
            "GROUP BY metric"
        )


def _hashed(key: str, seed: str) -> str:
    return f"((hashint8extended({key}, {seed}) & 1073741823) + 1)"


_PLACEMENT = UnitPlacement._meta.db_table
_IS_WEEK = "(POSITION(':' IN metric) > 0)"
_UNDATED = "place.started_on IS NULL AND place.ended_on IS NULL"
_NEVER_MOVED = f"EXISTS (SELECT 1 FROM {_PLACEMENT} place WHERE place.unit_id = total.unit_id AND {_UNDATED})"


def _statements(metrics: tuple[Metric, ...], pieces: Pieces, weights: _Weights) -> Iterator[Statement]:
    """Yield what is to be summed up, each the SELECT of (metric, sum); what takes longest first."""
    for counted, asked in (
        (marks_of_weeks, metrics),
        (marks_of_overlaps, tuple(metric for metric in metrics if metric.distinct)),
        (marks_at_hosts, metrics),
    ):
        for model in dict.fromkeys(metric.source.owners for metric in asked):
            for piece in pieces(model):
                statement, params = counted(asked, {model: piece}, weights.of_day)
                rows = f"SELECT {BY_LINE}, -mark AS mark, is_carried FROM ({statement}) rows_say"
                yield weights.summed(rows), params
    # What began or ended in a week is said of each unit by itself.
    for part in range(PARTS):
        yield (
            weights.summed(
                f"SELECT {BY_LINE}, {_mark_of_total(weights)} AS mark, NOT {_IS_WEEK} AS is_carried "
                f"FROM {TABLE} total WHERE ({_IS_WEEK} OR {_NEVER_MOVED}) AND unit_id % {PARTS} = {part}"
            ),
            (),
        )
    # By their days: changes not folded yet, and the totals of units that had another superior.
    yield f"WITH apart AS ({_apart()}) {weights.summed(_marks_apart(weights))}", ()


def _apart() -> str:
    stored = tables.stored_changes(f"NOT ({_NEVER_MOVED} OR {_IS_WEEK})")
    return f"SELECT {KEYS}, change FROM {CHANGE} UNION ALL {stored}"


def _marks_apart(weights: _Weights) -> str:
    mark = f"{weights.of_day('day')}::numeric AS mark, FALSE AS is_carried"
    return (
        f"SELECT {BY_LINE}, change * {mark} FROM apart "
        f"UNION ALL SELECT {BY_LINE}, -change * {mark} FROM ({carried_up('apart')}) above "
        f"WHERE NOT {_IS_WEEK}"
    )


def _mark_of_total(weights: _Weights) -> str:
    """Return the sum of a total's changes, each multiplied by the weight of its day."""
    small, large = (
        f"(SELECT SUM((number - before){cast} * {weights.of_day('day')}) FROM ("
        "SELECT unnest(total.days) AS day, "
        f"unnest(total.{numbers}) AS number, unnest(0 || total.{numbers}) AS before OFFSET 0) point)"
        for numbers, cast in (("numbers", ""), ("large", "::numeric"))
    )
    return f"CASE WHEN total.numbers IS NULL THEN {large} ELSE {small} END"
