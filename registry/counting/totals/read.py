"""Read counts from the totals: the same numbers as from the rows, but always fast.

The totals hold 现有 and 累计 for each unit with all below it, for all campaigns together and for each, of
what is approved and of what is not; of the units at the top also what is new and what has ended in the week
up to each day. Other periods, Party lines, and scopes that cut through a unit's subtree are counted from the
rows (``rollup``).
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, timedelta
from itertools import accumulate, pairwise
from typing import Any

from django.db import connection

from registry.counting.basis import Question
from registry.counting.metric import Metric
from registry.counting.totals.points import TABLE, lists, lists_within, number_on, single
from registry.counting.totals.statement import ENDED, NEW, PENDING, WEEK
from registry.models import Basis, TotalChange, Unit
from registry.models.hierarchy import Span, within
from registry.models.totals import ALL_CAMPAIGNS

_CHANGE = TotalChange._meta.db_table


def answers(
    question: Question, spans: Iterable[list[Span]] = (), units: Collection[Unit] | None = None
) -> bool:
    """Whether the totals can answer: they keep the basis, and the scope covers each whole subtree.

    ``units`` are those asked on the question's day (None: on other days, too). What is new or ended they keep
    of the units at the top, for the week up to the day.
    """
    if question.is_period:
        is_week = question.first_day == question.as_of - timedelta(days=WEEK - 1)
        if not is_week or units is None or any(unit.level > 1 for unit in units):
            return False
    return question.scope is None or all(within(each, question.scope) == each for each in spans)


def read(
    units: Collection[int], question: Question, metrics: Collection[Metric]
) -> dict[int, dict[str, int]]:
    """Return the metrics of each unit's subtree on the question's day. One query."""
    return {unit: approved for unit, (approved,) in _read(units, question, metrics, "").items()}


def read_with_pending(
    units: Collection[int], question: Question, metrics: Collection[Metric]
) -> dict[int, tuple[dict[str, int], dict[str, int]]]:
    """Return the same, and beside it what is not approved. One query."""
    found = _read(units, question, metrics, "", PENDING)
    return {unit: (approved, pending) for unit, (approved, pending) in found.items()}


def _read(
    units: Collection[int], question: Question, metrics: Collection[Metric], *states: str
) -> dict[int, list[dict[str, int]]]:
    """Return the metrics of each unit's subtree in each of the states."""
    if not units:
        return {}
    week = f":{question.basis}" if question.is_period else ""
    where = _where(units, metrics, question, (question.basis,), [f"{state}{week}" for state in states])
    kept: dict[tuple[int, str], int] = defaultdict(int)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT unit_id, metric, {number_on()} FROM {TABLE} WHERE {where} "
            f"UNION ALL SELECT unit_id, metric, change FROM {_CHANGE} WHERE {where} AND day <= %(day)s",
            {"day": question.as_of},
        )
        for unit, slug, number in cursor.fetchall():
            kept[unit, slug] += number or 0
    return {
        unit: [
            {
                metric.slug: sum(kept.get((unit, f"{part}{state}{week}"), 0) for part in parts_of(metric))
                for metric in metrics
            }
            for state in states
        ]
        for unit in units
    }


def courses(
    units: Collection[int],
    metrics: Collection[Metric],
    since: date,
    until: date,
    question: Question,
    bases: Collection[str],
) -> dict[tuple[int, str, str], list[int]]:
    """Return each metric of each unit's subtree for each day of ``since..until`` on each basis. One query.

    The keys are (unit, basis, slug). Of ``question`` only the campaign is asked.
    """
    if not units:
        return {}
    where = _where(units, metrics, question, bases)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT unit_id, is_cumulative, metric, {lists_within()} FROM {TABLE} WHERE {where} "
            f"UNION ALL SELECT unit_id, is_cumulative, metric, {single('day')}, {single('SUM(change)')} "
            f"FROM {_CHANGE} WHERE {where} GROUP BY unit_id, is_cumulative, metric, day",
            {"since": since, "until": until},
        )
        rows = cursor.fetchall()
    kept: dict[tuple[int, str, str], list[tuple[list[str], list[int]]]] = defaultdict(list)
    for unit, is_cumulative, slug, on, given in rows:
        basis = Basis.CUMULATIVE.value if is_cumulative else Basis.CURRENT.value
        kept[unit, basis, slug].append((_list(on), _list(given)))
    wanted = [(since + timedelta(days=offset)).isoformat() for offset in range((until - since).days + 1)]
    return {
        (unit, basis, metric.slug): _course(
            [course for part in parts_of(metric) for course in kept.get((unit, str(basis), part), ())], wanted
        )
        for unit in units
        for basis in bases
        for metric in metrics
    }


def begun_and_ended(
    roots: Collection[int], metrics: Collection[Metric], question: Question
) -> tuple[dict[str, dict[date, int]], dict[str, dict[date, int]]]:
    """Return how many of all rows began and ended on each day of the period, by slug. One query.

    A day without any is left out. ``roots`` are all there are, or one unit to which nothing came and which
    nothing left meanwhile by a transfer or a move. ``metrics`` count rows, not distinct owners.
    """
    day, bases = question.first_day - timedelta(days=1), (Basis.CUMULATIVE.value, Basis.CURRENT.value)
    found = courses(roots, metrics, day, question.as_of, question, bases)
    begun: dict[str, dict[date, int]] = {}
    ended: dict[str, dict[date, int]] = {}
    for metric in metrics:
        ever, now = (
            [
                sum(numbers)
                for numbers in zip(*(found[root, basis, metric.slug] for root in roots), strict=True)
            ]
            for basis in bases
        )
        more = [after - before for before, after in pairwise(ever)]
        less = [each - (after - before) for each, (before, after) in zip(more, pairwise(now), strict=True)]
        for days, numbers in ((begun, more), (ended, less)):
            days[metric.slug] = {
                question.first_day + timedelta(days=at): each for at, each in enumerate(numbers) if each
            }
    return begun, ended


def _course(parts: list[tuple[list[str], list[int]]], wanted: list[str]) -> list[int]:
    """Return the sum of several courses on each wanted day."""
    changes: dict[str, int] = defaultdict(int)
    level = 0
    for days, numbers in parts:
        first = bisect_right(days, wanted[0])
        before = numbers[first - 1] if first else 0
        level += before
        for day, number in zip(days[first:], numbers[first:], strict=True):
            changes[day] += number - before
            before = number
    return list(accumulate((changes.get(day, 0) for day in wanted), initial=level))[1:]


def change_days(unit: int, metrics: Collection[Metric], question: Question) -> list[date]:
    """Return the days on which a metric of the unit's subtree changed, now or ever, in order. One query."""
    where = _where((unit,), metrics, question, (Basis.CURRENT.value, Basis.CUMULATIVE.value))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {lists()} FROM {TABLE} WHERE {where} UNION ALL "
            f"SELECT {single('day')}, {single('SUM(change)')} FROM {_CHANGE} WHERE {where} "
            "GROUP BY is_cumulative, metric, day HAVING SUM(change) <> 0"
        )
        rows = cursor.fetchall()
    found = set()
    for on, given in rows:
        days, numbers = _list(on), _list(given)
        found |= {
            day for day, before, now in zip(days, [0, *numbers], numbers, strict=False) if now != before
        }
    return [date.fromisoformat(day) for day in sorted(found)]


def parts_of(metric: Metric) -> tuple[str, ...]:
    """Return the metrics whose sum it is: itself where totals are kept of it."""
    return metric.parts or (metric.slug,)


def _where(
    units: Collection[int],
    metrics: Collection[Metric],
    question: Question,
    bases: Collection[str],
    endings: Collection[str] = ("",),
) -> str:
    """Return the condition for the lines of these metrics at these units, with what follows the metric."""
    parts = {part for metric in metrics for part in parts_of(metric)}
    slugs = {f"{part}{ending}" for part in parts for ending in endings}
    campaign = question.campaign.pk if question.campaign else ALL_CAMPAIGNS
    kinds = {"TRUE" if basis == Basis.CUMULATIVE else "FALSE" for basis in bases}
    return (
        f"unit_id IN ({', '.join(str(int(unit)) for unit in sorted(units))}) AND campaign_key = {campaign} "
        f"AND is_cumulative IN ({', '.join(sorted(kinds))}) AND metric IN ({quoted(slugs)})"
    )


def every_line(slugs: Iterable[str]) -> set[str]:
    """Return under which names the totals of metrics are kept."""
    return {f"{name}{week}" for name in lines_of_days(slugs) for week in ("", NEW, ENDED)}


def lines_of_days(slugs: Iterable[str]) -> set[str]:
    """Return those of them that are not of a week."""
    return {f"{slug}{state}" for slug in slugs for state in ("", PENDING)}


def slug_of_line(name: str) -> str:
    """Return the slug of the metric whose total is kept under this name."""
    return name.partition(":")[0].removesuffix(PENDING)


def quoted(slugs: Iterable[str]) -> str:
    """Return slugs as a SQL list of texts."""
    return ", ".join(f"'{slug}'" for slug in sorted(slugs))


def _list(value: Any) -> list[Any]:
    found: list[Any] = json.loads(value) if isinstance(value, str) else value
    return found
