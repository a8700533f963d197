"""Reading counts from the ledger: the same numbers as from the rows, at a cost that does not grow.

A count on day D is the last running total up to D plus what was appended since the last folding. The
ledger holds 现有 and 累计 for each unit with all below it, for all campaigns together and for each;
new and ended in a period, Party lines, and scopes that cut through a unit's subtree are counted from
the rows (``rollup``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from django.db import connection

from registry.counting.basis import Question
from registry.counting.metrics import METRICS, ORGANIZATION_METRICS, Metric
from registry.models import Basis
from registry.models.shape import Span, within
from registry.models.tally import ALL_CAMPAIGNS, COLUMNS, CountChange, CountDay

_SUMS: dict[str, tuple[str, ...]] = {
    metric.slug: tuple(
        part.slug
        for part in ORGANIZATION_METRICS
        if part.slug in COLUMNS
        and set(part.kinds) <= set(metric.kinds)
        and metric.is_temporary in (None, part.is_temporary)
    )
    for metric in ORGANIZATION_METRICS
    if metric.slug not in COLUMNS
}
"""The metrics that are sums of kept ones: temporary_party_orgs, pioneer_and_commando_teams."""


def answers(question: Question, spans: Iterable[list[Span]] = ()) -> bool:
    """Whether the ledger can answer: a basis that it keeps, and a scope that holds all of each subtree."""
    if question.basis not in (Basis.CURRENT, Basis.CUMULATIVE):
        return False
    return question.scope is None or all(within(each, question.scope) == each for each in spans)


def parts_of(metric: Metric) -> tuple[str, ...]:
    """Return the columns whose sum is the metric."""
    return _SUMS.get(metric.slug, (metric.slug,))


def read(units: Collection[int], question: Question) -> dict[int, dict[str, int]]:
    """Return every metric of each unit's subtree on the question's day. One query."""
    if not units:
        return {}
    ids = ", ".join(str(int(unit)) for unit in units)
    columns = ", ".join(COLUMNS)
    sums = ", ".join(f"SUM({column})" for column in COLUMNS)
    change, day = CountChange._meta.db_table, CountDay._meta.db_table
    key, params = _key(question)
    dkey = " AND ".join(f"d.{part}" for part in key)
    xkey = " AND ".join(f"x.{part}" for part in key)
    picked = ", ".join(f"d.{column}" for column in COLUMNS)
    statement = (
        f"SELECT unit_id, {sums} FROM ("
        f"SELECT d.unit_id AS unit_id, {picked} FROM registry_unit u JOIN {day} d ON d.unit_id = u.id "
        f"AND {dkey} AND d.day = (SELECT MAX(x.day) FROM {day} x WHERE x.unit_id = u.id AND {xkey} "
        f"AND x.day <= %s) WHERE u.id IN ({ids}) "
        f"UNION ALL SELECT unit_id, {columns} FROM {change} "
        f"WHERE unit_id IN ({ids}) AND {' AND '.join(key)} AND day <= %s) AS found GROUP BY unit_id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*params, *params, question.as_of, *params, question.as_of])
        found = {row[0]: _metrics(dict(zip(COLUMNS, row[1:], strict=True))) for row in cursor.fetchall()}
    return {unit: found.get(unit) or dict.fromkeys(METRICS, 0) for unit in units}


def series(unit: int, metric: Metric, since: date, until: date, question: Question) -> list[int]:
    """Return the metric of the unit's subtree for each day of ``since..until``. One query."""
    return courses(unit, (metric,), since, until, question, (question.basis,))[question.basis, metric.slug]


def courses(
    unit: int,
    metrics: Collection[Metric],
    since: date,
    until: date,
    question: Question,
    bases: Collection[str],
) -> dict[tuple[str, str], list[int]]:
    """Return each metric of the unit's subtree for each day of ``since..until`` on each basis. One query.

    The keys are (basis, slug). Of ``question`` only the campaign is asked.
    """
    parts = sorted({part for metric in metrics for part in parts_of(metric)})
    columns, sums = ", ".join(parts), ", ".join(f"SUM({part})" for part in parts)
    change, day = CountChange._meta.db_table, CountDay._meta.db_table
    branches, given = [], list[Any]()
    for basis in bases:
        key, params = _key(replace(question, basis=basis))
        where, asked = f"unit_id = %s AND {' AND '.join(key)}", [unit, *params]
        branches += [
            f"SELECT 0 AS is_change, is_cumulative, day, {columns} FROM {day} WHERE {where} AND day <= %s "
            f"AND day >= COALESCE((SELECT MAX(day) FROM {day} WHERE {where} AND day <= %s), %s)",
            f"SELECT 1, is_cumulative, day, {sums} FROM {change} WHERE {where} AND day <= %s "
            "GROUP BY is_cumulative, day",
        ]
        given += [*asked, until, *asked, since, since, *asked, until]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(branches), given)
        rows = [
            (bool(is_change), bool(is_cumulative), _date(on), [int(number) for number in numbers])
            for is_change, is_cumulative, on, *numbers in cursor.fetchall()
        ]
    found = {}
    for basis in bases:
        mine = [row for row in rows if row[1] == (basis == Basis.CUMULATIVE)]
        totals = {row[2]: row[3] for row in mine if not row[0]}
        changes = {row[2]: row[3] for row in mine if row[0]}
        for metric in metrics:
            places = [parts.index(part) for part in parts_of(metric)]
            found[basis, metric.slug] = _course(totals, changes, places, since, until)
    return found


def _course(
    totals: dict[date, list[int]], changes: dict[date, list[int]], places: list[int], since: date, until: date
) -> list[int]:
    """Return the sum of some columns for each day: the last total, and the changes that are not folded."""
    before = max((day for day in totals if day < since), default=None)
    kept = sum(totals[before][place] for place in places) if before else 0
    open_ones = sum(numbers[place] for day, numbers in changes.items() if day < since for place in places)
    found = []
    for offset in range((until - since).days + 1):
        day = since + timedelta(days=offset)
        if day in totals:
            kept = sum(totals[day][place] for place in places)
        if day in changes:
            open_ones += sum(changes[day][place] for place in places)
        found.append(kept + open_ones)
    return found


def _key(question: Question) -> tuple[tuple[str, ...], list[Any]]:
    campaign = question.campaign.pk if question.campaign else ALL_CAMPAIGNS
    return ("campaign_key = %s", "is_cumulative = %s"), [campaign, question.basis == Basis.CUMULATIVE]


def _metrics(kept: dict[str, int]) -> dict[str, int]:
    return {slug: sum(int(kept[part]) for part in parts_of(metric)) for slug, metric in METRICS.items()}


def _date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
