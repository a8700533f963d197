"""Write tables to ``.xlsx`` and ``.csv``: every export of the registry is written here.

Rows are written as they come: a hundred thousand of them take no more memory than ten.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import IO, Any

import xlsxwriter
from django.utils import timezone

from registry.spreadsheets.guarding import guarded, is_formula
from registry.spreadsheets.sheets import NUMBERS, Cell, Head, Kind, Sheet

ROWS_ON_A_TAB = 1_000_000
"""Excel shows 1,048,576 rows; the rest goes to another tab with the same header."""

LONGEST_CELL = 32_767
"""The most characters that a cell of Excel holds."""

_MEASURED = 500
"""How many rows are measured for the width of a column."""

_NARROWEST, _WIDEST, _WIDEST_FILED, _WIDEST_CODE = 6, 36, 24, 44
"""Widths of columns, in letters; longer text wraps, except codes."""

_ON_ONE_LINE = 10
_LINE, _HIGHEST = 15, 400
"""Height of a line of text and of the highest row, in points."""

_A4 = 9
_FORBIDDEN_IN_TABS = re.compile(r"[\[\]:*?/\\']")
_FORBIDDEN_IN_FILES = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")

_FIRST_SERIAL = date(1900, 3, 1)
"""Days before this one have no number, or a wrong one, in Excel: they are written as text."""


def file_name(name: str, suffix: str) -> str:
    """Return ``name`` as a file name, without characters that a disk refuses."""
    stem = _FORBIDDEN_IN_FILES.sub("-", name).strip(". ")[:100]
    return f"{stem}.{suffix}"


# --- Workbooks ------------------------------------------------------------------------------------


def write_xlsx(sheets: Sequence[Sheet], file: IO[bytes]) -> int:
    """Write ``sheets`` as a workbook to ``file`` and return how many rows their tables have."""
    grouped = any(head.group for sheet in sheets for head in sheet.heads)
    # A header of two rows is written out of order, which constant_memory does not allow.
    book = xlsxwriter.Workbook(
        file,
        {
            "constant_memory": not grouped,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        },
    )
    book.set_properties({"title": sheets[0].title, "author": "战时党建组织登记系统"})
    formats = _Formats(book)
    taken: set[str] = set()
    number = 0
    for sheet in sheets:
        rows = iter(sheet.rows)
        tab = _Tab(book, formats, sheet, _tab_name(sheet.name, taken))
        for row in rows:
            if tab.is_full:
                tab.finish()
                tab = _Tab(book, formats, sheet, _tab_name(sheet.name, taken))
            tab.row(row)
            number += 1
        tab.end()
        tab.finish()
    book.close()
    return number


class _Formats:
    """The formats of one workbook, each made at its first use."""

    LOOKS: dict[str, dict[str, Any]] = {
        "title": {"bold": True, "font_size": 16, "font_name": "黑体"},
        "filed_title": {
            "bold": True,
            "font_size": 18,
            "font_name": "黑体",
            "align": "center",
            "valign": "vcenter",
        },
        "fact": {"font_color": "#444444"},
        "filed_fact": {"valign": "vcenter"},
        "header": {
            "bold": True,
            "border": 1,
            "align": "center",
            "valign": "vcenter",
            "text_wrap": True,
            "bg_color": "#E7E6E6",
        },
        "note": {"font_color": "#444444"},
        "signature": {"valign": "vcenter"},
        Kind.TEXT: {"border": 1, "valign": "vcenter", "text_wrap": True},
        Kind.CODE: {"border": 1, "valign": "vcenter", "num_format": "@"},
        Kind.ORDER: {"border": 1, "valign": "vcenter", "align": "center", "num_format": "0"},
        Kind.NUMBER: {"border": 1, "valign": "vcenter", "num_format": "0"},
        "decimal": {"border": 1, "valign": "vcenter", "num_format": "0.00"},
        Kind.SHARE: {"border": 1, "valign": "vcenter", "num_format": "0.0%"},
        Kind.DATE: {"border": 1, "valign": "vcenter", "align": "left", "num_format": "yyyy-mm-dd"},
        Kind.TIME: {"border": 1, "valign": "vcenter", "align": "left", "num_format": "yyyy-mm-dd hh:mm:ss"},
    }

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[str, bool, bool], Any] = {}

    def get(self, look: str, *, quoted: bool = False, total: bool = False) -> Any:
        """Return the format of a look; ``quoted``: the cell is text although it begins like a formula."""
        key = (look, quoted, total)
        known = self._made.get(key)
        if known is None:
            facts = {"font_name": "宋体", "font_size": 11, **self.LOOKS[look]}
            if quoted:
                facts["quote_prefix"] = True
            if total:
                facts["bold"] = True
            known = self._made[key] = self._book.add_format(facts)
        return known


class _Tab:
    """One tab while it is written, from the title down.

    The first rows are held back to measure the columns; after them each row is written as it comes, as high
    as its longest text needs.
    """

    def __init__(self, book: Any, formats: _Formats, sheet: Sheet, name: str) -> None:
        self._sheet, self._formats = sheet, formats
        self._tab = book.add_worksheet(name)
        self._tab.set_default_row(_LINE + 3)
        self._at = 0
        self._rows = 0
        self._waiting: list[Sequence[Cell]] | None = []
        self._widths: list[float] = []
        self._last = len(sheet.heads) - 1
        self._line(sheet.title, "title", height=32)
        for fact in sheet.facts:
            self._line(fact, "fact", height=22 if sheet.for_filing else 0)
        self._header = self._first_row = self._at

    @property
    def is_full(self) -> bool:
        """Whether the next row belongs on another tab."""
        return self._rows >= ROWS_ON_A_TAB

    def row(self, cells: Sequence[Cell]) -> None:
        """Add one row of the table."""
        self._rows += 1
        if self._waiting is None:
            self._write(cells)
            return
        self._waiting.append(cells)
        if len(self._waiting) >= _MEASURED:
            self._settle()

    def end(self) -> None:
        """Write totals, notes and signature under the table."""
        self._settle()
        if self._sheet.totals:
            self._write(self._sheet.totals, total=True)
        for note in self._sheet.notes:
            self._line(note, "note")
        if self._sheet.signature:
            self._at += 1
            self._line(self._sheet.signature, "signature", height=24)

    def finish(self) -> None:
        """Freeze the header and set up printing."""
        self._settle()
        tab, sheet = self._tab, self._sheet
        tab.freeze_panes(self._first_row, 0)
        if not sheet.for_filing:
            tab.autofilter(self._first_row - 1, 0, self._first_row - 1 + self._rows, self._last)
        tab.ignore_errors({"number_stored_as_text": f"A1:XFD{self._at + 1}"})
        tab.set_paper(_A4)
        tab.set_landscape()
        tab.fit_to_pages(1, 0)
        tab.repeat_rows(self._header, self._first_row - 1)
        if sheet.printed:
            tab.print_area(0, 0, max(self._at - 1, self._first_row), sheet.printed - 1)
        tab.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        tab.center_horizontally()
        tab.set_footer("&L" + sheet.title.replace("&", "&&")[:80] + "&R第 &P 页 共 &N 页")

    def _settle(self) -> None:
        """Set the widths of the columns, then write the header and the rows that were held back."""
        if self._waiting is None:
            return
        waiting, self._waiting = self._waiting, None
        heads = self._sheet.heads
        widest = _WIDEST_FILED if self._sheet.for_filing else _WIDEST
        totals = [self._sheet.totals] if self._sheet.totals else []
        for column, head in enumerate(heads):
            width = width_of(head.header)
            width = width if width <= _ON_ONE_LINE else width / 2
            for row in (*waiting, *totals):
                width = max(width, _cell_width(head.kind, row[column]))
            most = _WIDEST_CODE if head.kind == Kind.CODE else widest
            self._widths.append(max(_NARROWEST, min(width + 2, most)))
            self._tab.set_column(column, column, self._widths[-1])
        self._write_header()
        self._first_row = self._at
        for row in waiting:
            self._write(row)

    def _write(self, cells: Sequence[Cell], *, total: bool = False) -> None:
        lines = 1
        for column, (head, cell) in enumerate(zip(self._sheet.heads, cells, strict=True)):
            if isinstance(cell, str) and head.kind != Kind.CODE and len(cell) * 2 > self._widths[column] - 2:
                lines = max(lines, _lines(cell, self._widths[column] - 1))
        if lines > 1:
            self._tab.set_row(self._at, min(_LINE * lines + 3, _HIGHEST))
        for column, (head, cell) in enumerate(zip(self._sheet.heads, cells, strict=True)):
            self._cell(column, head.kind, cell, total)
        if self._tab.constant_memory:  # the row above is written by now; its height would be kept to the end
            self._tab.row_info.pop(self._at - 1, None)
            self._tab.row_sizes.pop(self._at - 1, None)
        self._at += 1

    def _cell(self, column: int, kind: Kind, cell: Cell, total: bool) -> None:
        tab, at, formats = self._tab, self._at, self._formats
        if cell is None or cell == "":
            tab.write_blank(at, column, None, formats.get(kind, total=total))
        elif isinstance(cell, str):
            text = _clean(cell)
            written = Kind.CODE if kind == Kind.CODE else Kind.TEXT
            tab.write_string(at, column, text, formats.get(written, quoted=is_formula(text), total=total))
        elif isinstance(cell, int | float | Decimal):
            look: str = kind if kind in NUMBERS else Kind.NUMBER
            if look == Kind.NUMBER and cell % 1:
                look = "decimal"
            tab.write_number(at, column, cell, formats.get(look, total=total))
        else:
            _write_day(tab, at, column, cell, formats, total)

    def _line(self, text: str, look: str, height: int = 0) -> None:
        """Write a line outside the table: over the whole width when for filing, else in the first cell."""
        text, filed = _clean(text), f"filed_{look}"
        if height:
            self._tab.set_row(self._at, height)
        if self._sheet.for_filing and filed in _Formats.LOOKS:
            look = filed
        wanted = self._formats.get(look, quoted=is_formula(text))
        if self._sheet.for_filing and self._last:
            self._tab.merge_range(self._at, 0, self._at, self._last, "", wanted)
        self._tab.write_string(self._at, 0, text, wanted)
        self._at += 1

    def _write_header(self) -> None:
        heads, tab, look = self._sheet.heads, self._tab, self._formats.get("header")
        if not any(head.group for head in heads):
            lines = max(
                _lines(head.header, width - 1) for head, width in zip(heads, self._widths, strict=True)
            )
            tab.set_row(self._at, _LINE * lines + 6)
            for column, head in enumerate(heads):
                tab.write_string(self._at, column, _clean(head.header), look)
            self._at += 1
            return
        for group, run in groupby(enumerate(heads), key=lambda each: each[1].group):
            columns = list(run)
            first, last = columns[0][0], columns[-1][0]
            if group and first == last:
                tab.write_string(self._at, first, group, look)
            elif group:
                tab.merge_range(self._at, first, self._at, last, group, look)
            for column, head in columns:
                if group:
                    tab.write_string(self._at + 1, column, head.header, look)
                else:
                    tab.merge_range(self._at, column, self._at + 1, column, head.header, look)
        tab.set_row(self._at, _LINE + 6)
        tab.set_row(self._at + 1, _LINE * 2 + 4)
        self._at += 2


def _write_day(tab: Any, at: int, column: int, cell: date | datetime, formats: _Formats, total: bool) -> None:
    is_time = isinstance(cell, datetime)
    day = _local(cell)
    if (day.date() if isinstance(day, datetime) else day) < _FIRST_SERIAL:
        tab.write_string(at, column, day.isoformat(), formats.get(Kind.TEXT, total=total))
        return
    tab.write_datetime(at, column, day, formats.get(Kind.TIME if is_time else Kind.DATE, total=total))


def _local(cell: date | datetime) -> date | datetime:
    """Return a time in the office's time zone, to the second, without the zone."""
    if not isinstance(cell, datetime):
        return cell
    here = timezone.localtime(cell) if timezone.is_aware(cell) else cell
    return here.replace(microsecond=0, tzinfo=None)


def _clean(text: str) -> str:
    """Return ``text`` without characters that a workbook cannot hold, cut to the length of a cell."""
    text = _UNWRITABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"


def _tab_name(name: str, taken: set[str]) -> str:
    """Return a name that Excel allows and that no other tab has."""
    base = _FORBIDDEN_IN_TABS.sub("", name).strip()[:31] or "表"
    free, number = base, 1
    while free.lower() in taken:
        number += 1
        free = f"{base[: 31 - len(str(number)) - 2]}({number})"
    taken.add(free.lower())
    return free


def _cell_width(kind: Kind, cell: Cell) -> float:
    if cell is None:
        return 0
    if isinstance(cell, str):
        return width_of(cell)
    if isinstance(cell, datetime):
        return 19
    if isinstance(cell, date):
        return 10
    return 7 if kind == Kind.SHARE else len(str(cell))


def width_of(text: str) -> float:
    """Return the width of a text's longest line in letters; a Chinese character counts two."""
    if text.isascii() and "\n" not in text:
        return len(text)
    return max(len(line.replace("•", ".").encode("gb18030", "replace")) for line in text.split("\n"))


def _lines(text: str, width: float) -> int:
    """Return how many lines a text takes in a column of this width."""
    return sum(max(1, math.ceil(width_of(line) / max(width, 1))) for line in text.split("\n"))


# --- CSV ------------------------------------------------------------------------------------------


def write_csv(sheet: Sheet, file: IO[bytes]) -> int:
    """Write ``sheet`` to ``file`` as UTF-8 with a byte order mark, for Excel; return the number of rows."""
    text = io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline="")
    writer = csv.writer(text)

    def write_row(cells: Sequence[Cell]) -> None:
        writer.writerow(csv_cell(head.kind, cell) for head, cell in zip(sheet.heads, cells, strict=True))

    number = 0
    try:
        writer.writerows([guarded(line)] for line in (sheet.title, *sheet.facts))
        writer.writerow(map(_full_header, sheet.heads))
        for row in sheet.rows:
            write_row(row)
            number += 1
        if sheet.totals:
            write_row(sheet.totals)
        below = (*sheet.notes, sheet.signature) if sheet.signature else sheet.notes
        writer.writerows([guarded(line)] for line in below)
    finally:
        text.detach()
    return number


def _full_header(head: Head) -> str:
    return guarded(f"{head.group}·{head.header}" if head.group else head.header)


def csv_cell(kind: Kind, cell: Cell) -> str:
    """Return a cell as the CSV file holds it."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return guarded(cell.replace("\x00", ""))
    if isinstance(cell, datetime):
        return f"{_local(cell):%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, date):
        return cell.isoformat()
    return f"{cell:.1%}" if kind == Kind.SHARE else str(cell)
