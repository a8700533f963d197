"""Open a workbook or .csv file as tables of the nouns: ``open_book``.

The rows are read one by one, and each cell as its column says; a cell that cannot be read is a problem with
its address. Only the current row is in memory.
"""

from __future__ import annotations

import pickle
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path, PurePath

from registry import nouns
from registry.nouns.columns import NOTES_TITLE, Column, Layout, Value
from registry.spreadsheets import cells, csvs, hostile, xlsx
from registry.spreadsheets.grid import Merge, Raw, Row, letters_of
from registry.spreadsheets.headers import HEADER_WITHIN, Header, NoHeader, Rows, find_header, first_rows
from registry.spreadsheets.hostile import Unreadable
from registry.spreadsheets.no_data import NoData
from registry.spreadsheets.sheet_xml import Budget

__all__ = ["Book", "Ignored", "Line", "Problem", "Table", "Unreadable", "open_book"]

_MOST, _LONGEST = 500, 100
"""How many texts of a column are kept with what they mean, and how many characters they may have."""


@dataclass(frozen=True)
class Problem:
    """Why a cell (or, without a slug, its row) cannot be read."""

    address: str
    slug: str
    message: str


@dataclass(frozen=True)
class Line:
    """One row of data: its number as Excel shows it, the values of the columns that the sheet has.

    ``values`` leaves out columns that the sheet does not have; an empty cell, or one with a problem, is None.
    """

    number: int
    values: dict[str, Value]
    problems: list[Problem]
    notes: list[Problem] = field(default_factory=list)
    """Notices about cells that could be read."""
    _cells: Mapping[str, Raw | None] = field(repr=False, compare=False, default_factory=dict)

    @cached_property
    def raw(self) -> dict[str, str]:
        """The texts of the cells as the user sees them."""
        return {slug: cells.shown(raw) for slug, raw in self._cells.items()}


@dataclass(frozen=True)
class Ignored:
    """A sheet that is not read, and why."""

    title: str
    reason: str


class Table:
    """A sheet of one noun.

    ``headers`` maps its columns to their headers as written; ``total`` is how many rows below the header
    are not empty (with examples and foot lines: for a progress bar).
    """

    def __init__(
        self,
        noun: Layout,
        title: str,
        header: Header,
        rows: Rows,
        total: int,
        merges: list[Merge],
        *,
        is_1904: bool = False,
    ) -> None:
        self.noun, self.title, self.total, self.is_1904 = noun, title, total, is_1904
        self.header = header
        self.headers: dict[str, str] = {slug: place.text for slug, place in header.places.items()}
        self.rows = rows
        self.merges = merges
        self._merges = [merge for merge in merges if merge.bottom > header.last]
        self._columns = [(noun.by_slug[slug], place.column) for slug, place in header.places.items()]
        self._known: dict[str, dict[str, Value]] = {slug: {} for slug in header.places}
        """By column: what texts mean that were read without a problem or a note; many stand in every row."""
        self._kept: Path | None = None

    @property
    def lines(self) -> Iterable[Line]:
        """The rows of data; each iteration reads the file again."""
        return _Lines(self) if self._kept is None else _KeptLines(self._kept)

    def keep(self, path: Path) -> None:
        """Read all rows now and keep them in a file, from which they come a hundred times faster.

        For who reads them once more while others wait for him.
        """
        with path.open("wb") as file:
            for line in _Lines(self):
                pickle.dump(line, file, pickle.HIGHEST_PROTOCOL)
        self._kept = path

    def address(self, slug: str, number: int) -> str:
        """Return the address of a cell, such as ``人员!C5``; of the row when the sheet has no such column."""
        place = self.header.places.get(slug)
        return f"{self.title}!{letters_of(place.column)}{number}" if place else f"{self.title}!{number}"

    def data_rows(self) -> Iterator[Row]:
        """Yield the rows below the header, merged cells filled down, without examples and foot lines."""
        self.is_no_data.skipped.clear()
        for row in _filled_down(self.rows(), self._merges):
            hostile.go_on()
            if row.number > self.header.last and not self.is_no_data(row):
                yield row

    def examples(self, among: int) -> list[int]:
        """Return the numbers of the example rows among the first rows of data."""
        numbers: list[int] = []
        for row in self.rows():
            if row.number <= self.header.last:
                continue
            if self.is_no_data.is_example(row):
                numbers.append(row.number)
            among -= 1
            if among <= 0:
                break
        return numbers

    @cached_property
    def is_no_data(self) -> NoData:
        """Decides which rows are not data; once the lines were read, it knows which were skipped."""
        key = [there[0] for there in self._needed]
        return NoData(self.header, self._columns, key, self._merges)

    def line(self, row: Row) -> Line | None:
        """Read a row; None when it is empty in the columns of the table."""
        values: dict[str, Value] = {}
        raws: dict[str, Raw | None] = {}
        problems: list[Problem] = []
        notes: list[Problem] = []
        reading = cells.Reading(self.is_1904)
        for column, place in self._columns:
            raw = row.cells.get(place)
            raws[column.slug] = raw
            known = self._known[column.slug]
            if isinstance(raw, str) and raw in known:
                values[column.slug] = known[raw]
                continue
            try:
                values[column.slug] = cells.value_of(column, raw, reading)
            except cells.Unclear as unclear:
                values[column.slug] = cells.shown(raw) or None if column.is_info else None
                if not column.is_info:
                    problems.append(self._problem(column, row.number, str(unclear)))
            else:
                if isinstance(raw, str) and not reading.notes and len(raw) <= _LONGEST and len(known) < _MOST:
                    known[raw] = values[column.slug]
            if reading.notes:
                notes += [self._problem(column, row.number, note) for note in reading.notes]
                reading.notes.clear()
        if not any(raw is not None and raw != "" for raw in raws.values()) or (
            not problems and all(value is None for value in values.values())
        ):
            return None
        if self.noun.mend is not None:
            settled, wrong = self.noun.mend(values, raws)
            values |= settled
            problems = [problem for problem in problems if problem.slug not in settled]
            problems += [
                self._problem(self.noun.by_slug[slug], row.number, message) for slug, message in wrong.items()
            ]
        self._refuse_merged(row.number, problems)
        with_problem = {problem.slug for problem in problems}
        for there in self._needed:
            if all(values[each.slug] is None and each.slug not in with_problem for each in there):
                column = there[0]
                problems.append(self._problem(column, row.number, f"“{column.header}”没有填写"))
        return Line(row.number, values, problems, notes, raws)

    @cached_property
    def _needed(self) -> list[list[Column]]:
        """The columns of the sheet that give each needed value: that of codes, that of names."""
        both = [(self.noun.by_slug[slug], self.noun.named_by.get(slug)) for slug in self.noun.needed]
        return [[each for each in some if each and each.slug in self.header.places] for some in both]

    def _problem(self, column: Column, number: int, message: str) -> Problem:
        return Problem(self.address(column.slug, number), column.slug, message)

    @cached_property
    def _wide(self) -> list[tuple[int, int, Column, Column]]:
        """Merges over two or more columns of the table: first row, last row, first and last column."""
        wide = []
        for merge in self._merges:
            if merge.bottom > self.header.last and merge.right > merge.left:
                inside = [
                    (place, column) for column, place in self._columns if merge.left <= place <= merge.right
                ]
                if len(inside) > 1:
                    inside.sort(key=lambda pair: pair[0])
                    wide.append((merge.top, merge.bottom, inside[0][1], inside[1][1]))
        wide.sort(key=lambda merged: merged[0])
        return wide

    @cached_property
    def _wide_from(self) -> list[int]:
        """The first rows of ``_wide_runs``."""
        return [top for top, _bottom, _columns in self._wide_runs]

    @cached_property
    def _wide_runs(self) -> list[tuple[int, int, tuple[Column, Column]]]:
        """Runs of rows, apart from each other, each with the first merge over it; a merge may be long."""
        runs: list[tuple[int, int, tuple[Column, Column]]] = []
        covered = 0
        for top, bottom, first, second in self._wide:  # by their first rows, so what is covered has no gaps
            if bottom > covered:
                runs.append((max(top, covered + 1), bottom, (first, second)))
                covered = bottom
        return runs

    def _refuse_merged(self, number: int, problems: list[Problem]) -> None:
        at = bisect_right(self._wide_from, number) - 1
        if at >= 0 and number <= self._wide_runs[at][1]:
            first, second = self._wide_runs[at][2]
            problems.append(
                self._problem(
                    first, number, f"“{first.header}”和“{second.header}”的单元格合并了,请取消合并后分别填写"
                )
            )


class _Lines:
    """Iterates the lines of a table, from the file each time."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __iter__(self) -> Iterator[Line]:
        for row in self._table.data_rows():
            line = self._table.line(row)
            if line is not None:
                yield line


class _KeptLines:
    """Iterates the lines of a table that were kept in a file, which nobody else writes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[Line]:
        with self._path.open("rb") as file:
            while file.peek(1):
                yield pickle.load(file)


@dataclass(frozen=True)
class Book:
    """An opened file: its tables, the sheets that are not read, and notices for the user."""

    filename: str
    tables: list[Table]
    ignored: list[Ignored]
    notices: list[str]


def open_book(path: Path, filename: str, layouts: Collection[Layout] | None = None) -> Book:
    """Open the file at ``path``, which the user calls ``filename``. Raises ``Unreadable`` (in Chinese).

    ``layouts`` are those that its sheets may have; those of the nouns when left out.

    The limits of ``hostile`` hold for ``Table.lines`` too; the file must stay in place while lines are read.
    """
    name = PurePath(filename.replace("\\", "/")).name
    known = tuple(nouns.layouts().values()) if layouts is None else layouts
    if hostile.kind_of(path, name) == "csv":
        return _open_csv(path, name, known)
    return _open_xlsx(path, name, known)


def _open_xlsx(path: Path, filename: str, layouts: Collection[Layout]) -> Book:
    workbook = xlsx.Workbook(path)
    book = Book(filename, [], [], [])
    if workbook.has_links:
        book.notices.append("工作簿链接了其他文件:没有打开那些文件,只读取了表中保存的结果。")
    budget = Budget()
    for sheet in workbook.sheets:
        if sheet.title == NOTES_TITLE:
            continue
        if sheet.is_hidden:
            book.ignored.append(Ignored(sheet.title, "工作表已隐藏;需要导入请先取消隐藏"))
            continue
        survey = workbook.survey(sheet, budget)
        rows = partial(workbook.rows, sheet, survey.last)
        try:
            noun, header = find_header(sheet.title, rows, survey.merges, layouts)
        except NoHeader as missing:
            book.ignored.append(Ignored(sheet.title, str(missing)))
            continue
        _add(book, noun, sheet.title, header, rows, survey.rows, survey.merges, is_1904=workbook.is_1904)
        if survey.hidden:
            book.notices.append(f"“{sheet.title}”有 {survey.hidden} 行是隐藏的(例如被筛选掉的),也一并读取。")
    return _with_tables(book)


def _open_csv(path: Path, filename: str, layouts: Collection[Layout]) -> Book:
    encoding = csvs.encoding_of(path)
    book = Book(filename, [], [], [])
    title = PurePath(filename).stem
    why = ""
    for delimiter in csvs.DELIMITERS:
        separated = csvs.Separated(path, encoding, delimiter)
        try:
            noun, header = find_header(title, separated.rows, [], layouts)
        except NoHeader as missing:
            why = why or str(missing)
            continue
        _add(book, noun, title, header, separated.rows, separated.count(), [])
        return _with_tables(book)
    book.ignored.append(Ignored(title, why))
    return _with_tables(book)


def _add(
    book: Book,
    noun: Layout,
    title: str,
    header: Header,
    rows: Rows,
    number: int,
    merges: list[Merge],
    *,
    is_1904: bool = False,
) -> None:
    """Add the table of a sheet with ``number`` rows that are not empty, and the notices about it."""
    before = sum(1 for row in first_rows(rows) if row.number <= header.last)
    table = Table(noun, title, header, rows, max(number - before, 0), merges, is_1904=is_1904)
    book.tables.append(table)
    if table.total > hostile.MAX_ROWS:
        raise hostile.too_many_rows()
    if table.header.unknown:
        book.notices.append(
            f"“{table.title}”里不认识这些列,没有读取:{'、'.join(table.header.unknown[:20])}。"
        )
    for spare, read in table.header.spare:
        book.notices.append(
            f"“{table.title}”的“{spare}”与“{read}”是同一项,读取了“{read}”,没有读取“{spare}”。"
        )
    if examples := table.examples(HEADER_WITHIN):
        book.notices.append(f"“{table.title}”第 {'、'.join(map(str, examples))} 行是示例,没有读取。")


def _with_tables(book: Book) -> Book:
    if book.tables:
        return book
    reasons = ";".join(f"“{ignored.title}”{ignored.reason}" for ignored in book.ignored[:5])
    raise Unreadable(f"没有找到可以导入的表:{reasons}。请下载模板,按模板的表头填写。")


# --- Merged cells ---------------------------------------------------------------------------------


def _filled_down(rows: Iterator[Row], merges: list[Merge]) -> Iterator[Row]:
    """Repeat the value of cells merged over several rows in each of those rows that is not empty."""
    tall = sorted((merge for merge in merges if merge.bottom > merge.top), key=lambda merge: merge.top)
    if not tall:
        yield from rows
        return
    following = 0
    values: dict[int, tuple[Merge, Raw | None]] = {}
    for row in rows:
        while following < len(tall) and tall[following].top <= row.number:
            merge = tall[following]
            values[merge.left] = (merge, row.cells.get(merge.left) if merge.top == row.number else None)
            following += 1
        for column, (merge, value) in list(values.items()):
            if merge.bottom < row.number:
                del values[column]
            elif value is not None:
                row.cells.setdefault(column, value)
        yield row
