"""Fold appended changes into the totals, one process at a time."""

from __future__ import annotations

from django.db import connection, transaction

from registry import locks
from registry.counting.totals import tables
from registry.counting.totals.points import LINE, TABLE
from registry.counting.totals.tables import BY_LINE, CHANGE, KEYS, ROW

FOLD_AT = 5000
"""From so many appended changes on they are folded; until then they are added up on reading."""


def fold_counts() -> int:
    """Fold the appended changes into the totals in one transaction; return how many.

    Does nothing while another process folds. Readers see each change exactly once.
    """
    with transaction.atomic():
        return _fold() if locks.try_lock_folding() else 0


def _fold() -> int:
    with connection.cursor() as cursor:
        tables.make_empty(cursor, "folding")
        summed = f"SELECT {KEYS}, SUM(change) FROM {{}} GROUP BY {KEYS}"
        if connection.vendor == "postgresql":
            cursor.execute(
                f"WITH gone AS (DELETE FROM {CHANGE} RETURNING {ROW}) "
                f"INSERT INTO folding ({ROW}) {summed.format('gone')}"
            )
        else:
            cursor.execute(f"INSERT INTO folding ({ROW}) {summed.format(CHANGE)}")
            cursor.execute(f"DELETE FROM {CHANGE}")
        cursor.execute("SELECT COUNT(*) FROM folding")
        folded: int = cursor.fetchone()[0]
        if folded:
            cursor.execute(f"CREATE TEMPORARY TABLE folded AS SELECT DISTINCT {BY_LINE} FROM folding")
            if connection.vendor == "postgresql":
                cursor.execute("ANALYZE folded")
            else:  # which would go through all of it for each total
                cursor.execute(f"CREATE INDEX temp.folded_line ON folded ({BY_LINE})")
            same = " AND ".join(f"folded.{name} = {{0}}.{name}" for name in LINE)
            touched = f"EXISTS (SELECT 1 FROM folded WHERE {same})"
            tables.insert(cursor, "folding", (tables.stored_changes(touched.format("total")), ()))
            cursor.execute(f"DELETE FROM {TABLE} WHERE {touched.format(TABLE)}")
            tables.write_totals(cursor, "folding")
            tables.drop(cursor, "folded")
        tables.drop(cursor, "folding")
    return folded
