"""Reading counts from the ledger: the same numbers as from the rows, at a cost that does not grow.

A count on day D is the last running total up to D plus what was appended since the last folding. The
ledger holds 现有 and 累计 for each unit with all below it, for all campaigns together and for each;
new and ended in a period, Party lines, and scopes that cut through a unit's subtree are counted from
the rows (``rollup``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
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
    """Return the metric of the unit's subtree for each day of ``since..until``. Two queries."""
    total = " + ".join(parts_of(metric))
    key, params = _key(question)
    where = f"unit_id = %s AND {' AND '.join(key)}"
    level, change_on = 0, dict[date, int]()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT day, {total} FROM {CountDay._meta.db_table} WHERE {where} AND day <= %s AND day >= "
            f"COALESCE((SELECT MAX(day) FROM {CountDay._meta.db_table} WHERE {where} AND day <= %s), %s) "
            "ORDER BY day",
            [unit, *params, until, unit, *params, since, since],
        )
        before = 0
        for day, number in cursor.fetchall():
            day = _date(day)
            change_on[day] = change_on.get(day, 0) + number - before
            before = number
        cursor.execute(
            f"SELECT day, SUM({total}) FROM {CountChange._meta.db_table} "
            f"WHERE {where} AND day <= %s GROUP BY day",
            [unit, *params, until],
        )
        for day, number in cursor.fetchall():
            day = _date(day)
            change_on[day] = change_on.get(day, 0) + number
    level = sum(number for day, number in change_on.items() if day < since)
    found = []
    for offset in range((until - since).days + 1):
        level += change_on.get(since + timedelta(days=offset), 0)
        found.append(level)
    return found


def _key(question: Question) -> tuple[tuple[str, ...], list[Any]]:
    campaign = question.campaign.pk if question.campaign else ALL_CAMPAIGNS
    return ("campaign_key = %s", "is_cumulative = %s"), [campaign, question.basis == Basis.CUMULATIVE]


def _metrics(kept: dict[str, int]) -> dict[str, int]:
    return {slug: sum(int(kept[part]) for part in parts_of(metric)) for slug, metric in METRICS.items()}


def _date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
