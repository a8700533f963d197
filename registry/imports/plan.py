"""What each row of a workbook would do: add, change, nothing, or why it cannot be.

Units come first, then organizations, people, assignments: each names only what stands before it, in the
registry or in the workbook. The writing judges again with the same code under the locks, and each batch is
written before the next is judged, so what was shown is what is done.

An empty cell leaves what is registered as it is. A row is matched by its code or police number; an
assignment by organization, number and first day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from django.utils.module_loading import import_string

from registry import nouns
from registry.importers.cases import Case
from registry.importers.session import Importer, Session
from registry.spreadsheets.reading import Table


def judged(session: Session, tables: Sequence[Table]) -> Iterator[tuple[Importer, list[Case]]]:
    """Yield the judged rows batch by batch with their importer, in the order in which they are written."""
    for slug, layout in (nouns.layouts() | {table.noun.slug: table.noun for table in tables}).items():
        if some := [table for table in tables if table.noun.slug == slug]:
            importer: Importer = import_string(layout.importer)(session)
            for batch in importer.batches(some):
                yield importer, batch


class Mark:
    """The mark of everything that was judged: two plans with one mark do the same."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, case: Case) -> None:
        """Add what one row would do."""
        said = (case.noun.slug, case.table.title, case.number, case.verdict, case.key, case.summary)
        new = sorted(case.given.items()) if case.new is not None else None
        self._hash.update(repr((said, case.changes, new)).encode())

    def text(self) -> str:
        """Return the mark."""
        return self._hash.hexdigest()
