"""How the days and numbers of a total are read, taken apart and put together: arrays here, JSON there."""

from __future__ import annotations

from django.db import connection

from registry.models import Total

LINE = ("unit_id", "campaign_key", "is_cumulative", "metric")
"""What one total is about: a unit, a campaign (0: all), a basis, a metric."""
TABLE = Total._meta.db_table


def number_on() -> str:
    """Return what gives a total's number on the day that is its parameter (NULL before the first)."""
    if connection.vendor == "postgresql":
        return "numbers[width_bucket(%s, days)]"
    return (
        "json_extract(numbers, '$[' || "
        "(SELECT MAX(point.key) FROM json_each(days) point WHERE point.value <= %s) || ']')"
    )


def points(where: str) -> str:
    """Return the SELECT of every day on which a total changes: its line, day, number."""
    line = ", ".join(f"total.{name} AS {name}" for name in LINE)
    if connection.vendor == "postgresql":
        return (
            f"SELECT {line}, point.day AS day, point.number AS number FROM {TABLE} total "
            f"CROSS JOIN LATERAL unnest(total.days, total.numbers) AS point(day, number) WHERE {where}"
        )
    return (
        f"SELECT {line}, point.value AS day, numbered.value AS number FROM {TABLE} total "
        "JOIN json_each(total.days) point JOIN json_each(total.numbers) numbered "
        f"ON numbered.key = point.key WHERE {where}"
    )


def listed(days: str) -> str:
    """Return a total's days as a list of texts."""
    return f"{days}::text[]" if connection.vendor == "postgresql" else days


def single(value: str) -> str:
    """Return a list of one day or number, like those of a total."""
    if connection.vendor == "postgresql":
        return f"ARRAY[{value}]::{'text' if value == 'day' else 'bigint'}[]"
    return f"json_array({value})"


def packed(column: str) -> str:
    """Return the aggregate that puts a column together in the order of the days."""
    if connection.vendor == "postgresql":
        return f"array_agg({column} ORDER BY day)"
    return f"json_group_array({column})"  # SQLite takes the rows in the order in which they come
