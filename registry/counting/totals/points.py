"""SQL for the days and numbers of a total: arrays on PostgreSQL, JSON on SQLite."""

from __future__ import annotations

from django.db import connection

from registry.models import Total

LINE = ("unit_id", "campaign_key", "is_cumulative", "metric")
"""What one total is about: a unit, a campaign (0: all), a basis, a metric."""
TABLE = Total._meta.db_table


_NUMBERS = "COALESCE({0}numbers::bigint[], {0}large)"


def number_on() -> str:
    """Return what gives a total's number on the day of the parameter ``day`` (NULL before the first)."""
    if connection.vendor == "postgresql":
        return "CASE WHEN numbers IS NULL THEN large[{0}] ELSE numbers[{0}] END".format(
            "width_bucket(%(day)s, days)"
        )
    return (
        "json_extract(numbers, '$[' || "
        "(SELECT MAX(point.key) FROM json_each(days) point WHERE point.value <= %(day)s) || ']')"
    )


def points(where: str) -> str:
    """Return the SELECT of every day on which a total changes: its line, day, number."""
    line = ", ".join(f"total.{name} AS {name}" for name in LINE)
    numbers = _NUMBERS.format("total.")
    if connection.vendor == "postgresql":
        return (
            f"SELECT {line}, point.day AS day, point.number AS number FROM {TABLE} total "
            f"CROSS JOIN LATERAL unnest(total.days, {numbers}) AS point(day, number) WHERE {where}"
        )
    return (
        f"SELECT {line}, point.value AS day, numbered.value AS number FROM {TABLE} total "
        "JOIN json_each(total.days) point JOIN json_each(total.numbers) numbered "
        f"ON numbered.key = point.key WHERE {where}"
    )


def lists() -> str:
    """Return the columns of a total's days, as texts, and of its numbers."""
    return f"days::text[], {_NUMBERS.format('')}" if connection.vendor == "postgresql" else "days, numbers"


def lists_within() -> str:
    """Return the same of the days up to the parameter ``until``, from the last that is not after ``since``.

    SQLite returns all: its lists are short.
    """
    if connection.vendor != "postgresql":
        return lists()
    part = "[GREATEST(width_bucket(%(since)s, days), 1):width_bucket(%(until)s, days)]"
    numbers = f"CASE WHEN numbers IS NULL THEN large{part} ELSE numbers{part}::bigint[] END"
    return f"(days{part})::text[], {numbers}"


def single(value: str) -> str:
    """Return a list of one day or number, like those of a total."""
    if connection.vendor == "postgresql":
        return f"ARRAY[{value}]::{'text' if value == 'day' else 'bigint'}[]"
    return f"json_array({value})"


def packed() -> str:
    """Return what puts rows of (day, number) together: the days, the numbers, the large numbers."""
    if connection.vendor == "postgresql":
        numbers, is_large = "array_agg(number ORDER BY day)", "MAX(ABS(number)) > 2147483647"
        return (
            f"array_agg(day ORDER BY day), CASE WHEN NOT {is_large} THEN {numbers}::integer[] END, "
            f"CASE WHEN {is_large} THEN {numbers} END"
        )
    # SQLite takes the rows in the order in which they come.
    return "json_group_array(day), json_group_array(number), NULL"
