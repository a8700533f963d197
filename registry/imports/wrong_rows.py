"""What was wrong, as the user's own sheets again: their titles and headers, the wrong rows, and why.

The column 错误原因 is ignored when the mended file comes back.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import IO, Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from registry.imports.template import DAY_FORMAT, HEADER, OPTIONS, add_choices, print_on_a4, width_of
from registry.nouns.columns import ERROR_HEADER, Layout, key_of
from registry.spreadsheets import cells
from registry.spreadsheets.grid import MAX_COLUMN, Dated, Fault, Raw, Row
from registry.spreadsheets.guarding import guarded
from registry.spreadsheets.reading import Problem, Table, open_book

Problems = Mapping[str, Mapping[int, Sequence[Problem]]]
"""Title of the sheet -> number of the line -> what is wrong there."""

_LONGEST = 2_000
_WIDEST_REASON = 60
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]|^'|'$")


def error_filename(filename: str) -> str:
    """Return the name of what comes back: 名单.xlsx as 名单-错误行.xlsx."""
    path = PurePath(filename.replace("\\", "/"))
    stem = path.stem.removesuffix("-错误行")
    return f"{stem}-错误行{path.suffix.lower()}"


def with_errors(
    path: Path,
    filename: str,
    problems: Problems,
    target: IO[bytes],
    layouts: Collection[Layout] | None = None,
) -> int:
    """Write the wrong rows of the file at ``path`` to ``target`` and return how many there are.

    A workbook comes back as a workbook, a .csv file as a .csv file. Sheets without a wrong row are left
    out, formulas come back as their values. Takes no more memory for many rows than for few. Raises
    ``Unreadable`` when the file cannot be read any more, ``ValueError`` when no row is wrong.
    """
    book = open_book(path, filename, layouts)
    tables = [table for table in book.tables if problems.get(table.title)]
    if not tables:
        raise ValueError("no row of this file is wrong")
    if PurePath(filename).suffix.lower() == ".xlsx":
        return _workbook(tables, problems, target)
    return _separated(tables[0], problems[tables[0].title], target)


def _wrong_rows(
    table: Table, wrong: Mapping[int, Sequence[Problem]]
) -> Iterator[tuple[Row, Sequence[Problem]]]:
    for row in table.data_rows():
        if found := wrong.get(row.number):
            yield row, found


def _reason(number: int, problems: Sequence[Problem]) -> str:
    text = ";".join(dict.fromkeys(problem.message.rstrip("。;") for problem in problems))
    return f"原第 {number} 行:{text}"[:_LONGEST]


def _error_column(table: Table) -> int:
    """Where the reason goes, from 1: where it went before, or behind everything that has a header."""
    for column, text in table.header.texts.items():
        if key_of(text) == key_of(ERROR_HEADER):
            return column
    return min(max(table.header.texts) + 1, MAX_COLUMN)


def _before(table: Table) -> Iterator[Row]:
    """The rows above the header."""
    for row in table.rows():
        if row.number >= table.header.first:
            return
        yield row


# --- .xlsx ----------------------------------------------------------------------------------------


def _workbook(tables: list[Table], problems: Problems, target: IO[bytes]) -> int:
    book = xlsxwriter.Workbook(target, {**OPTIONS, "constant_memory": True})
    wrong = {"bg_color": "#fce4e4", "font_color": "#b3151b"}
    formats = {
        "title": book.add_format({"bold": True}),
        "header": book.add_format(HEADER),
        "text": book.add_format({"num_format": "@"}),
        "day": book.add_format({"num_format": DAY_FORMAT}),
        "number": book.add_format({}),
        "wrong_text": book.add_format({"num_format": "@", **wrong}),
        "wrong_day": book.add_format({"num_format": DAY_FORMAT, **wrong}),
        "wrong_number": book.add_format(wrong),
        "reason": book.add_format({"text_wrap": True, "font_color": "#b3151b"}),
    }
    number = 0
    taken: set[str] = set()
    for table in tables:
        sheet = book.add_worksheet(_tab_name(table, taken))
        number += _sheet(sheet, table, problems[table.title], formats)
    book.close()
    return number


def _tab_name(table: Table, taken: set[str]) -> str:
    name = stem = _FORBIDDEN.sub("", table.title)[:31] or table.noun.title
    again = 1
    while name.casefold() in taken or name.casefold() == "history":
        again += 1
        name = f"{stem[:27]}({again})"
    taken.add(name.casefold())
    return name


def _sheet(
    sheet: Worksheet, table: Table, wrong: Mapping[int, Sequence[Problem]], formats: dict[str, Format]
) -> int:
    error = _error_column(table)
    places = {place.column: table.noun.by_slug[slug] for slug, place in table.header.places.items()}
    # A book that lets go of each row takes what concerns columns first.
    for column, text in table.header.texts.items():
        known = places.get(column)
        width = width_of(known) if known else min(2 * len(text) + 2, 30)
        kind = "day" if known and known.kind == "date" else "text" if known else "number"
        sheet.set_column(column - 1, column - 1, width, formats[kind])
    sheet.set_column(error - 1, error - 1, _WIDEST_REASON)
    line = 0
    wide = {(merge.top, merge.left): merge.right for merge in table.merges if merge.top == merge.bottom}
    for row in _before(table):
        written = 0
        for column, raw in sorted(row.cells.items()):
            if column <= written:
                continue  # under a merged cell, where nothing shows
            right = min(wide.get((row.number, column), column), MAX_COLUMN)
            written = right
            if right > column:
                sheet.merge_range(line, column - 1, line, right - 1, cells.shown(raw), formats["title"])
            else:
                _write(sheet, line, column, raw, formats, is_wrong=False)
        line += 1
    header_line = line
    sheet.set_row(line, 18 * max(text.count("\n") + 1 for text in table.header.texts.values()))
    for column, text in sorted(table.header.texts.items()):
        sheet.write_string(line, column - 1, text, formats["header"])
    sheet.write_string(line, error - 1, ERROR_HEADER, formats["header"])
    sheet.freeze_panes(line + 1, 0)
    print_on_a4(sheet, line)
    number = 0
    for row, found in _wrong_rows(table, wrong):
        line += 1
        number += 1
        reason = _reason(row.number, found)
        sheet.set_row(line, 16 * -(-2 * len(reason) // (_WIDEST_REASON - 4)))
        marked = {
            place.column for problem in found if (place := table.header.places.get(problem.slug)) is not None
        }
        for column in sorted(marked | row.cells.keys()):
            if column != error and column <= max(error, max(table.header.texts)):
                _write(sheet, line, column, row.cells.get(column), formats, is_wrong=column in marked)
        sheet.write_string(line, error - 1, reason, formats["reason"])
    for column, known in places.items():
        add_choices(sheet, known, column - 1, header_line + 1, header_line + max(number, 1))
    return number


def _write(
    sheet: Worksheet, line: int, column: int, raw: Raw | None, formats: dict[str, Format], *, is_wrong: bool
) -> None:
    prefix = "wrong_" if is_wrong else ""
    place = column - 1
    if raw is None or isinstance(raw, Fault) or raw == "":
        sheet.write_blank(line, place, None, formats[f"{prefix}text"])
    elif isinstance(raw, bool):
        sheet.write_boolean(line, place, raw, formats[f"{prefix}number"])
    elif isinstance(raw, str):
        sheet.write_string(line, place, raw, formats[f"{prefix}text"])
    elif isinstance(raw, Dated):
        sheet.write_number(line, place, raw.serial, formats[f"{prefix}day"])
    else:
        sheet.write_number(line, place, raw, formats[f"{prefix}number"])


# --- .csv -----------------------------------------------------------------------------------------


def _separated(table: Table, wrong: Mapping[int, Sequence[Problem]], target: IO[bytes]) -> int:
    error = _error_column(table)
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=True)
    try:
        writer = csv.writer(text)
        for row in _before(table):
            writer.writerow(_record(row.cells, max(row.cells)))
        header: dict[int, Any] = {**table.header.texts, error: ERROR_HEADER}
        width = max(header)
        writer.writerow(_record(header, width))
        number = 0
        for row, found in _wrong_rows(table, wrong):
            number += 1
            writer.writerow(_record({**row.cells, error: _reason(row.number, found)}, width))
        return number
    finally:
        text.detach()


def _record(row: Mapping[int, Raw], width: int) -> list[str]:
    return [_text(row.get(column)) for column in range(1, min(width, MAX_COLUMN) + 1)]


def _text(raw: Raw | None) -> str:
    return guarded(raw) if isinstance(raw, str) else cells.shown(raw)
