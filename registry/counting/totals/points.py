"""SQL for the days and numbers of a total: arrays on PostgreSQL, JSON on SQLite."""

from __future__ import annotations

from django.db import connection

from registry.models import Total

LINE = ("unit_id", "campaign_key", "is_cumulative", "metric")
"""What one total is about: a unit, a campaign (0: all), a basis, a metric."""
COLUMNS = "days, numbers, large"
"""The days on which a total changes, its numbers from these days on, and those that need eight bytes."""
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
            f"SELECT {line}, point.day AS day, point.number AS number "
            # OFFSET: first the totals are chosen; else the days of all are unpacked and then chosen from.
            f"FROM (SELECT * FROM {TABLE} total WHERE {where} OFFSET 0) total "
            f"CROSS JOIN LATERAL unnest(total.days, {numbers}) AS point(day, number)"
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


def _sized(days: str, numbers: str, is_large: str) -> str:
    """Return the values of ``COLUMNS``."""
    return (
        f"{days} AS days, CASE WHEN NOT {is_large} THEN {numbers}::integer[] END AS numbers, "
        f"CASE WHEN {is_large} THEN {numbers} END AS large"
    )


def merged(changes: str) -> str:
    """Return the SELECT of the totals that the changes in a table touch, with these: (line, ``COLUMNS``).

    On PostgreSQL only. What stood before a line's first change stays as it is; the days from there on are
    added up again. Nothing is returned of lines in which nothing is left.
    """
    same = " AND ".join(f"total.{name} = line.{name}" for name in LINE)
    by_line = ", ".join(LINE)
    lines = (
        f"SELECT {by_line}, MIN(day) AS first, array_agg(day) AS days, array_agg(change) AS changes "
        f"FROM {changes} GROUP BY {by_line}"
    )
    # OFFSET: each list is made once, not anew for each of its days.
    stored = (
        "SELECT COALESCE(total.days, '{}') AS days, "
        f"COALESCE({_NUMBERS.format('total.')}, '{{}}') AS numbers OFFSET 0"
    )
    place = "width_bucket(line.first - 1, stored.days)"
    parted = (
        "SELECT stored.days[:place] AS days, stored.numbers[:place] AS numbers, "
        "COALESCE(stored.numbers[place], 0) AS number, stored.days[place + 1:] AS later_days, "
        f"stored.numbers[place + 1:] AS later_numbers FROM (SELECT {place} AS place) place OFFSET 0"
    )
    added = (
        "SELECT day, number - LAG(number, 1, before.number) OVER (ORDER BY day) AS change "
        "FROM unnest(before.later_days, before.later_numbers) AS point(day, number) "
        "UNION ALL SELECT * FROM unnest(line.days, line.changes)"
    )
    summed = f"SELECT day, SUM(change) AS change FROM ({added}) point GROUP BY day HAVING SUM(change) <> 0"
    after = (
        "SELECT array_agg(day ORDER BY day) AS days, array_agg(number ORDER BY day) AS numbers FROM ("
        "SELECT day, (before.number + SUM(change) OVER (ORDER BY day))::bigint AS number "
        f"FROM ({summed}) summed) running"
    )
    largest = "(SELECT MAX(ABS(number)) FROM unnest(numbers) number)"
    return (
        f"SELECT {by_line}, {_sized('days', 'numbers', f'{largest} > 2147483647')} FROM ("
        f"SELECT {', '.join(f'line.{name}' for name in LINE)}, before.days || after.days AS days, "
        f"before.numbers || after.numbers AS numbers FROM ({lines}) line LEFT JOIN {TABLE} total ON {same} "
        f"CROSS JOIN LATERAL ({stored}) stored CROSS JOIN LATERAL ({parted}) before "
        f"CROSS JOIN LATERAL ({after}) after OFFSET 0) merged WHERE cardinality(days) > 0"
    )


def packed() -> str:
    """Return what puts rows of (day, number) together: the values of ``COLUMNS``."""
    if connection.vendor == "postgresql":
        numbers, is_large = "array_agg(number ORDER BY day)", "MAX(ABS(number)) > 2147483647"
        return _sized("array_agg(day ORDER BY day)", numbers, is_large)
    # SQLite takes the rows in the order in which they come.
    return "json_group_array(day), json_group_array(number), NULL"
