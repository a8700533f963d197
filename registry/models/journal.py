"""The changes of an operation, row by row, so that the whole of it can be taken back.

``registry.operations.base`` opens a journal for each operation. Whoever writes a row notes here what it held
before and holds now; the record keeps it with the operation's entries (``AuditEntry.rows``), and
``registry.operations.take_back`` reads it backwards. Outside an operation nothing is kept.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any

from django.db.models import Model, QuerySet

from registry.models.base import Registered

UNKEPT = frozenset(("changed_by_id",))
"""Who wrote to a row last is not taken back: whoever takes an act back has written, too."""
Noted = list[Any]
"""[place, model's label, key, values before (None: it was added), values after (None: it was removed)]."""


@dataclass
class _Journal:
    """The rows that one operation wrote; ``places`` and ``act`` are shared with the operations it calls."""

    places: Iterator[int]
    act: list[Any]
    rows: list[Noted] = field(default_factory=list)


_JOURNAL: ContextVar[_Journal | None] = ContextVar("registry_journal", default=None)


@contextmanager
def keeping() -> Iterator[None]:
    """Keep what is written within the block, until it is taken."""
    outer = _JOURNAL.get()
    token = _JOURNAL.set(_Journal(outer.places, outer.act) if outer else _Journal(count(1), []))
    try:
        yield
    finally:
        _JOURNAL.reset(token)


def take() -> list[Noted]:
    """Return what was noted since the last time, in order."""
    journal = _JOURNAL.get()
    if journal is None:
        return []
    rows, journal.rows = journal.rows, []
    return rows


def first_entry(entry: Any) -> Any | None:
    """Return the entry of the record with which the act began, None where ``entry`` begins it.

    All that an operation records, with the operations that it calls, is one act.
    """
    journal = _JOURNAL.get()
    if journal is None:
        return None
    if not journal.act:
        journal.act.append(entry)
    return journal.act[0] if journal.act[0] is not entry else None


def note_change(row: Model, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Note that ``row`` held ``before`` and holds ``after``, by field."""
    if (journal := _JOURNAL.get()) is not None:
        old, new = _stored(row, before), _stored(row, after)
        changed = [name for name in new if old[name] != new[name] and name not in UNKEPT]
        if changed:
            journal.rows.append(
                [
                    next(journal.places),
                    row._meta.label_lower,
                    row.pk,
                    {name: old[name] for name in changed},
                    {name: new[name] for name in changed},
                ]
            )


def note_new(rows: Iterable[Model]) -> None:
    """Note rows that were added; for those without a version also their values, to see later changes."""
    if (journal := _JOURNAL.get()) is not None:
        for row in rows:
            values = {} if isinstance(row, Registered) else values_of(row)
            journal.rows.append([next(journal.places), row._meta.label_lower, row.pk, None, values])


def rewrite(rows: QuerySet[Any], **values: Any) -> None:
    """Write the same values to rows by one statement, and note what they held."""
    for row in list(rows) if _JOURNAL.get() is not None else ():
        note_change(row, {name: getattr(row, name) for name in values}, values)
    rows.update(**values)


def remove(rows: QuerySet[Any]) -> None:
    """Remove dated rows, and note what they held."""
    if (journal := _JOURNAL.get()) is not None:
        for row in rows:
            journal.rows.append([next(journal.places), row._meta.label_lower, row.pk, values_of(row), None])
    rows.delete()


def values_of(row: Model, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Return the values of a row, or of these of its columns, as the journal holds them."""
    columns = names or [each.attname for each in row._meta.concrete_fields if not each.primary_key]
    return {name: _plain(getattr(row, name)) for name in columns}


def _stored(row: Model, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by column, a relation by its key."""
    meta: Any = row._meta
    return {meta.get_field(name).attname: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):  # as a field of bytes reads it
        return base64.b64encode(value).decode()
    return value if value is None or isinstance(value, str | int | bool | float | dict | list) else str(value)
