"""Temporary tables of changes and keys, to compute the totals in the database."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import connection

from registry.counting.totals.points import COLUMNS, LINE, TABLE, packed, points
from registry.counting.totals.statement import KEY, Statement, among
from registry.models import TotalChange, UnitPlacement

FEW = 1000
"""Up to so many keys are written into a statement; more go into a temporary table."""
CHANGE = TotalChange._meta.db_table
KEYS = ", ".join(KEY)
ROW = f"{KEYS}, change"
BY_LINE = ", ".join(LINE)


def plan_for_many(cursor: Any) -> None:
    """Let the rest of the transaction work on much at once."""
    if connection.vendor == "postgresql":
        cursor.execute("SET LOCAL work_mem = '128MB'")  # a piece is sorted in memory; else on disk
        # How many rows a step has cannot be guessed after so many; a loop over two of them may never end.
        cursor.execute("SET LOCAL enable_nestloop = off")


def make_empty(cursor: Any, table: str) -> None:
    """Make an empty temporary table of changes."""
    drop(cursor, table)
    cursor.execute(f"CREATE TEMPORARY TABLE {table} AS SELECT {ROW} FROM {CHANGE} WHERE 1 = 0")


def drop(cursor: Any, *tables: str) -> None:
    """Drop temporary tables, where there are any."""
    schema = "temp." if connection.vendor == "sqlite" else "pg_temp."
    for table in tables:
        cursor.execute(f"DROP TABLE IF EXISTS {schema}{table}")


def insert(cursor: Any, table: str, statement: Statement) -> None:
    """Write what a statement says into a table of changes."""
    cursor.execute(f"INSERT INTO {table} ({ROW}) {statement[0]}", statement[1] or None)


def difference(after: str, before: str) -> str:
    """Return the SELECT of (``KEY``, change) of what the changes in one table are more than those in another.

    Each is a table, perhaps with a condition.
    """
    return (
        f"SELECT {KEYS}, SUM(change) AS change FROM (SELECT {ROW} FROM {after} "
        f"UNION ALL SELECT {KEYS}, -change FROM {before}) both_of_them "
        f"GROUP BY {KEYS} HAVING SUM(change) <> 0"
    )


def stored_changes(where: str, sign: str = "") -> str:
    """Return the SELECT of (``KEY``, change) of the totals: how much each day differs from the one before."""
    before = f"LAG(number, 1, 0) OVER (PARTITION BY {BY_LINE} ORDER BY day)"
    return f"SELECT {KEYS}, {sign}(number - {before}) AS change FROM ({points(where)}) stored"


def lines_of(table: str) -> str:
    """Return the SELECT of the totals that all the changes in a table make: (line, ``COLUMNS``).

    Instead of a table, a SELECT in brackets with a name.
    """
    return (
        f"SELECT {BY_LINE}, {packed()} FROM ("
        f"SELECT {KEYS}, CAST(SUM(change) OVER (PARTITION BY {BY_LINE} ORDER BY day) AS bigint) AS number "
        f"FROM (SELECT {KEYS}, SUM(change) AS change FROM {table} GROUP BY {KEYS} HAVING SUM(change) <> 0) "
        f"summed ORDER BY {KEYS}) running GROUP BY {BY_LINE}"
    )


def write_totals(cursor: Any, table: str) -> int:
    """Turn all the changes of lines that have no total into totals; return how many there are."""
    cursor.execute(f"INSERT INTO {TABLE} ({BY_LINE}, {COLUMNS}) {lines_of(table)} ORDER BY {BY_LINE}")
    written: int = cursor.rowcount
    return written


def among_keys(cursor: Any, column: str, keys: Collection[int], name: str) -> str:
    """Return the condition that ``column`` is one of ``keys``; many go into a temporary table."""
    if len(keys) <= FEW:
        return among(column, keys)
    table = f"keys_of_{name}"
    drop(cursor, table)
    cursor.execute(f"CREATE TEMPORARY TABLE {table} (id bigint PRIMARY KEY)")
    ordered = sorted(keys)
    for start in range(0, len(ordered), FEW):
        rows = ", ".join(f"({int(key)})" for key in ordered[start : start + FEW])
        cursor.execute(f"INSERT INTO {table} VALUES {rows}")
    if connection.vendor == "postgresql":
        cursor.execute(f"ANALYZE {table}")
    return f"{column} IN (SELECT id FROM {table})"


def units_below(units: Collection[int]) -> set[int]:
    """Return every unit that ever stood below ``units``, and themselves."""
    found = set(units)
    edge = set(units)
    while edge:
        below = UnitPlacement.objects.filter(superior_id__in=edge).values_list("unit_id", flat=True)
        edge = set(below) - found
        found |= edge
    return found
