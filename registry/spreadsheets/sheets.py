"""A table to be written to a file: title, facts, columns, rows, totals, signature."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

Cell = str | int | float | Decimal | date | datetime | None


class Kind(StrEnum):
    """How the cells of a column are written."""

    TEXT = "text"
    CODE = "code"
    """Text that stays text when somebody edits the cell: leading zeros and long numbers."""
    ORDER = "order"
    """The number of a line (序号)."""
    NUMBER = "number"
    SHARE = "share"
    """A part of one, shown in percent."""
    DATE = "date"
    TIME = "time"


NUMBERS = (Kind.ORDER, Kind.NUMBER, Kind.SHARE)
"""The kinds that stand at the right."""


@dataclass(frozen=True)
class Head:
    """One column; ``group`` is a heading over it and its neighbours with the same group."""

    header: str
    kind: Kind = Kind.TEXT
    group: str = ""


@dataclass(frozen=True)
class Sheet:
    """One table. ``rows`` are read once, while they are written."""

    name: str
    """The name of the tab and of the file."""
    title: str
    heads: Sequence[Head]
    rows: Iterable[Sequence[Cell]]
    facts: Sequence[str] = ()
    """The lines between title and table: unit, date, basis, who exported it and when."""
    totals: Sequence[Cell] = ()
    """The last row of the table; empty: none."""
    notes: Sequence[str] = ()
    """Lines under the table."""
    signature: str = ""
    """Who fills in and who checks, under the notes."""
    printed: int = 0
    """How many columns are printed (0: all); columns that only serve reading the file back are not."""
    sections: int = 0
    """How many of the first cells of a row are headings on paper, over the rows that share them."""
    for_filing: bool = False
    """A sheet that is reported upward as it is: the title over the whole width, no filter buttons."""
