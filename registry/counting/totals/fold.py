"""Fold appended changes into the totals, one process at a time."""

from __future__ import annotations

from django.db import connection, transaction

from registry import locks
from registry.counting.totals import tables
from registry.counting.totals.points import COLUMNS, LINE, TABLE, merged
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
    is_postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        tables.make_empty(cursor, "folding")
        summed = f"INSERT INTO folding ({ROW}) SELECT {KEYS}, SUM(change) FROM {{}} GROUP BY {KEYS}"
        if is_postgres:
            cursor.execute(f"WITH gone AS (DELETE FROM {CHANGE} RETURNING {ROW}) {summed.format('gone')}")
        else:
            cursor.execute(summed.format(CHANGE))
            cursor.execute(f"DELETE FROM {CHANGE}")
        cursor.execute("SELECT COUNT(*) FROM folding")
        folded: int = cursor.fetchone()[0]
        if folded:
            same = " AND ".join(f"folding.{name} = {{0}}.{name}" for name in LINE)
            is_touched = f"EXISTS (SELECT 1 FROM folding WHERE {same})"
            if is_postgres:
                cursor.execute("ANALYZE folding")
                lines = merged("folding")
            else:  # without the index all of the changes would be gone through for each total
                cursor.execute(f"CREATE INDEX temp.folding_line ON folding ({BY_LINE})")
                stored = tables.stored_changes(is_touched.format("total"))
                lines = tables.lines_of(f"(SELECT {ROW} FROM folding UNION ALL {stored}) every_change")
            cursor.execute(f"CREATE TEMPORARY TABLE folded AS {lines}")
            cursor.execute(f"DELETE FROM {TABLE} WHERE {is_touched.format(TABLE)}")
            cursor.execute(f"INSERT INTO {TABLE} ({BY_LINE}, {COLUMNS}) SELECT * FROM folded")
            tables.drop(cursor, "folded")
        tables.drop(cursor, "folding")
    return folded
