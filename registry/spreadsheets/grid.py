"""What a sheet is made of, whether it comes from an .xlsx or a .csv file: rows, cells, merged cells."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_LINE, MAX_COLUMN = 1_048_576, 16_384


class Dated(NamedTuple):
    """A number that is shown as a day: Excel's serial, counted from 1899-12-30."""

    serial: float


class Fault(NamedTuple):
    """A cell whose value cannot be known; the message says why."""

    message: str


Raw = str | float | bool | Dated | Fault
"""The value of a cell. Numbers that are not shown as they are (00012, 12%) are texts already."""


class Row(NamedTuple):
    """A row that is not empty: its number from 1, whether it is hidden, and its cells by column from 1."""

    number: int
    is_hidden: bool
    cells: dict[int, Raw]


class Merge(NamedTuple):
    """Cells that are merged, all bounds included."""

    top: int
    left: int
    bottom: int
    right: int


_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Characters that no text may contain, and no database takes."""


def cleaned(text: str) -> str:
    """Return ``text`` without control characters (but tabs and line ends) and surrogates."""
    return text if text.isprintable() else _NO_TEXT.sub("", text)


def column_of(reference: str) -> int:
    """Return the column, from 1, of a reference such as ``AB12``."""
    column = 0
    for letter in reference:
        if not "A" <= letter <= "Z":
            break
        column = column * 26 + ord(letter) - 64
    return column


def letters_of(column: int) -> str:
    """Return the letters of a column from 1: 28 is ``AB``."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
