"""The XML of a sheet, read piece by piece with expat: a first pass over it, its rows, the shared texts.

The handlers run for every element of a workbook: the common ones are tested first, and they call little.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from registry.spreadsheets import hostile
from registry.spreadsheets.grid import (
    MAX_COLUMN,
    MAX_LINE,
    Fault,
    Merge,
    Raw,
    Row,
    cleaned,
    column_of,
    letters_of,
)
from registry.spreadsheets.hostile import Markup, Package, Unreadable, damaged

ValueOf = Callable[[str, str, str], Raw | None]
"""The value of a cell from its type, its style and the text of its value."""

_MAX_MERGES = 100_000
_EXTENSIONS = ("x14", "xm:", "mc:", "xr")
"""Prefixes of elements that later versions of Excel add; they are skipped."""


@dataclass
class Survey:
    """The result of a first pass over a sheet."""

    rows: int = 0
    hidden: int = 0
    last: int = 0
    merges: list[Merge] = field(default_factory=list)


@dataclass
class Budget:
    """The rows and cells that all sheets of a workbook may have together."""

    rows: int = 0
    cells: int = 0

    def spend(self, rows: int, cells: int) -> None:
        """Count more rows and cells. Raises ``Unreadable`` when there are too many."""
        self.rows += rows
        self.cells += cells
        if self.rows > hostile.MAX_ROWS + 1_000:  # titles and headers are no rows of data
            raise hostile.too_many_rows()
        if self.cells > hostile.MAX_CELLS:
            raise hostile.unpacked_too_large()


class Texts:
    """The workbook's shared texts, kept as bytes: as Python strings they would take four times the memory."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("L", [0])

    def add(self, text: str) -> None:
        """Add the next text."""
        self._bytes += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._bytes))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, place: int) -> str:
        if not 0 <= place < len(self):
            raise damaged()
        return self._bytes[self._ends[place] : self._ends[place + 1]].decode("utf-8", "surrogatepass")


def local(tag: str) -> str:
    """Return the name of an element or attribute without its prefix."""
    return tag.rpartition(":")[2]


def _is_prefixed(tag: str) -> bool:
    """Whether this is an element of the sheet itself, written with a prefix."""
    return ":" in tag and not tag.startswith(_EXTENSIONS)


_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def unescaped(text: str) -> str:
    """Decode ``_x000D_`` (ECMA-376, ST_Xstring) and drop control characters."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return cleaned(text)


def _row_number(given: str | None, before: int) -> int:
    if given is None:
        return before + 1
    if not given.isascii() or not given.isdigit() or not 0 < int(given[:9]) <= MAX_LINE:
        raise damaged()
    return int(given[:9])


def _is_hidden(attributes: dict[str, str]) -> bool:
    return attributes.get("hidden") in ("1", "true")


# --- Shared texts ---------------------------------------------------------------------------------


def read_texts(package: Package, part: str) -> Texts:
    """Read the texts that a workbook keeps in common for its sheets."""
    reader = _TextsReader()
    markup = Markup(reader.start, reader.end, reader.data)
    for chunk in package.chunks(part, hostile.MAX_TEXTS):
        markup.feed(chunk)
    markup.feed(b"", last=True)
    return reader.texts


class _TextsReader:
    def __init__(self) -> None:
        self.texts = Texts()
        self.pieces: list[str] = []
        self.taking = False
        self.length = 0
        self.spoken = 0  # inside <rPh>: the pronunciation, which is not part of the text

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = local(tag)
        if tag == "si":
            self.pieces.clear()
            self.length = 0
        elif tag == "rPh":
            self.spoken += 1
        elif tag == "t":
            self.taking = not self.spoken

    def end(self, tag: str) -> None:
        tag = local(tag)
        if tag == "t":
            self.taking = False
        elif tag == "rPh":
            self.spoken -= 1
        elif tag == "si":
            if len(self.texts) >= hostile.MAX_SHARED:
                raise hostile.unpacked_too_large()
            self.texts.add(unescaped("".join(self.pieces)))

    def data(self, text: str) -> None:
        if self.taking:
            self.length += len(text)
            if self.length > hostile.MAX_TEXT:
                raise Unreadable(f"工作簿里有一格的文字超过 {hostile.MAX_TEXT:,} 字,请删减后再上传。")
            self.pieces.append(text)


# --- The first pass -------------------------------------------------------------------------------


def survey(package: Package, part: str, budget: Budget) -> Survey:
    """Go over a sheet once: count the rows that are not empty, the hidden ones, and the merged cells."""
    surveyor = _Surveyor(budget)
    markup = Markup(surveyor.start, surveyor.end)
    for chunk in package.chunks(part):
        markup.feed(chunk)
        if surveyor.row_cells > MAX_COLUMN:
            raise damaged()
    markup.feed(b"", last=True)
    return surveyor.survey


class _Surveyor:
    def __init__(self, budget: Budget) -> None:
        self.survey, self.budget = Survey(), budget
        self.row_cells = self.number = 0
        self.has_value = self.is_hidden = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self.row_cells += 1
        elif tag == "v" or tag == "t" or tag == "f":
            self.has_value = True
        elif tag == "row":
            self._start_row(attributes)
        elif tag == "mergeCell":
            self._merge(attributes.get("ref", ""))
        elif _is_prefixed(tag):
            self.start(local(tag), attributes)

    def _start_row(self, attributes: dict[str, str]) -> None:
        self.row_cells, self.has_value = 0, False
        before, self.number = self.number, _row_number(attributes.get("r"), self.number)
        if self.number <= before:
            raise damaged()  # the same row twice
        self.is_hidden = _is_hidden(attributes)

    def _merge(self, reference: str) -> None:
        if len(self.survey.merges) >= _MAX_MERGES:
            raise Unreadable(f"工作表合并的单元格超过 {_MAX_MERGES:,} 处,请取消合并后再上传。")
        if merge := _merge_of(reference):
            self.survey.merges.append(merge)

    def end(self, tag: str) -> None:
        if tag == "row" or tag.endswith(":row"):
            self.budget.spend(self.has_value, self.row_cells)
            if self.has_value:
                self.survey.rows += 1
                self.survey.hidden += self.is_hidden
                self.survey.last = max(self.survey.last, self.number)


_MERGE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7}):\$?([A-Z]{1,3})\$?([0-9]{1,7})")


def _merge_of(reference: str) -> Merge | None:
    match = _MERGE.fullmatch(reference)
    if match is None:
        return None
    return Merge(int(match[2]), column_of(match[1]), int(match[4]), column_of(match[3]))


# --- The rows -------------------------------------------------------------------------------------


def read_rows(package: Package, part: str, last: int, value_of: ValueOf) -> Iterator[Row]:
    """Yield the rows of a sheet that are not empty, up to the row ``last``."""
    reader = _RowReader(value_of)
    markup = Markup(reader.start, reader.end, reader.data)
    for chunk in package.chunks(part):
        markup.feed(chunk)
        if reader.done:
            yield from reader.done
            reader.done.clear()
        reader.held = reader.in_row
        if reader.number > last:
            return
    markup.feed(b"", last=True)
    yield from reader.done


class _RowReader:
    """Collects the rows of a sheet in ``done`` as their elements end."""

    def __init__(self, value_of: ValueOf) -> None:
        self.value_of = value_of
        self.done: list[Row] = []
        self.cells: dict[int, Raw] = {}
        self.number = self.column = self.spoken = 0
        self.is_hidden = self.inside = self.taking = self.has_formula = self.has_value = False
        self.kind = self.style = self.text = ""
        # Characters: a small file can repeat one long text many times.
        self.in_row = self.held = self.total = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            reference = attributes.get("r")
            self.column = column_of(reference) if reference else self.column + 1
            if not 0 < self.column <= MAX_COLUMN:
                raise damaged()
            self.kind = attributes.get("t", "n")
            self.style = attributes.get("s", "")
            self.text = ""
            self.has_formula = self.has_value = False
            self.inside = True
        elif tag == "v" or tag == "t":
            if self.inside and not self.spoken:
                self.taking = self.has_value = True
        elif tag == "f":
            self.has_formula = True
        elif tag == "row":
            self.number = _row_number(attributes.get("r"), self.number)
            self.is_hidden = _is_hidden(attributes)
            self.cells, self.column, self.in_row = {}, 0, 0
        elif tag == "rPh":
            self.spoken += 1
        elif _is_prefixed(tag):
            self.start(local(tag), attributes)

    def end(self, tag: str) -> None:
        if tag == "v" or tag == "t":
            self.taking = False
        elif tag == "c":
            self.inside = False
            if self.has_formula and not (self.text or (self.has_value and self.kind == "str")):
                self.cells[self.column] = Fault("公式没有保存结果,请在 Excel 中打开并保存,或改填数值")
            elif self.text:
                self._keep(self.value_of(self.kind, self.style, self.text))
        elif tag == "row":
            if self.cells:
                self.done.append(Row(self.number, self.is_hidden, self.cells))
        elif tag == "rPh":
            self.spoken -= 1
        elif _is_prefixed(tag):
            self.end(local(tag))

    def _keep(self, value: Raw | None) -> None:
        if value is None or value == "":
            return
        self.cells[self.column] = value
        if isinstance(value, str):
            self.in_row += len(value)
            self.held += len(value)
            self.total += len(value)
            if self.held > hostile.MAX_HELD or self.total > hostile.MAX_CHARACTERS:
                raise Unreadable("工作簿里的文字异常地多,已拒绝。请只留要导入的表。")

    def data(self, piece: str) -> None:
        if self.taking:
            self.text += piece
            if len(self.text) > hostile.MAX_TEXT:
                raise Unreadable(
                    f"{letters_of(self.column)}{self.number} 的文字超过 {hostile.MAX_TEXT:,} 字,"
                    "请删减后再上传。"
                )
