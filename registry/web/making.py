"""What an export is while it is made: at once, within half a second, or by the worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import HttpRequest

from registry.models import Unit
from registry.spreadsheets.sheets import Cell, Sheet

SMALL_ROWS = 1_000
"""So many rows are handed on at once; more are made by the worker (decision 0036 has the measurement)."""
SECONDS = 0.4
"""So many seconds of the processor a page takes for a file; then the worker makes it."""
MOST_ROWS_OF_A_FILE = 500_000


class TooLong(Exception):
    """There are more rows than are allowed here, or they take longer."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


@dataclass(frozen=True)
class Made:
    """An export that was made, and what the record will say of it when it is handed out."""

    verb: str
    subject: str
    unit: Unit | None
    after: Mapping[str, Any]
    rows: int
    file_name: str
    content_type: str
    is_print: bool = False

    def told(self) -> dict[str, Any]:
        """Return what the record will say, to be kept until then."""
        unit = self.unit.pk if self.unit is not None else None
        return {"verb": self.verb, "subject": self.subject, "unit": unit, "after": dict(self.after)}


@dataclass
class Making:
    """The worker's making of one export."""

    progress: Callable[[int], None]
    """Progress callback (rows written)."""
    made: Made | None = field(default=None)


def making_of(request: HttpRequest) -> Making | None:
    """Return the worker's making, if it is the worker that asks."""
    making: Making | None = getattr(request, "making", None)
    return making


def is_long(request: HttpRequest, rows: int) -> bool:
    """Whether so many rows are left to the worker."""
    return rows > SMALL_ROWS and making_of(request) is None


def limited(request: HttpRequest, sheets: Sequence[Sheet]) -> list[Sheet]:
    """Return the sheets with rows that raise ``TooLong`` where they are too many for who asks."""
    making, until, written = making_of(request), time.thread_time() + SECONDS, 0

    def counted(rows: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
        nonlocal written
        for row in rows:
            written += 1
            if making is not None:
                if written > MOST_ROWS_OF_A_FILE:
                    raise TooLong(MOST_ROWS_OF_A_FILE)
                making.progress(written)
            elif written > SMALL_ROWS or time.thread_time() > until:
                raise TooLong(SMALL_ROWS)
            yield row

    return [replace(sheet, rows=counted(sheet.rows)) for sheet in sheets]
