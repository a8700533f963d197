"""An .xlsx workbook as a stream of rows: one row in memory at a time, whatever the sheet says it holds.

openpyxl takes up to twice as long and calamine builds the whole rectangle that a sheet spans (one cell at
XFD1048576 ends the process); neither tells a formula without a result from an empty cell. So the sheets'
XML is read here with expat; docs/decisions/0014-workbooks.md has the measurements.
"""

from __future__ import annotations

import posixpath
import re
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from registry.spreadsheets import hostile
from registry.spreadsheets.hostile import MAX_SMALL_PART, Markup, Package, Unreadable, damaged

MAX_LINE, MAX_COLUMN = 1_048_576, 16_384
_MAX_MERGES = 100_000


class Dated(NamedTuple):
    """A number that is shown as a day: Excel's serial, counted from 1899-12-30."""

    serial: float


class Fault(NamedTuple):
    """A cell whose value cannot be known; the message says why."""

    message: str


Raw = str | float | bool | Dated | Fault
"""What stands in a cell. Numbers that are shown with leading zeros are texts already."""


class Row(NamedTuple):
    """A row that holds something: its number from 1, whether it is hidden, and its cells by column from 1."""

    number: int
    is_hidden: bool
    cells: dict[int, Raw]


class Merge(NamedTuple):
    """Cells that are one, all bounds included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass
class Survey:
    """What a first pass over a sheet finds."""

    rows: int = 0
    hidden: int = 0
    last: int = 0
    merges: list[Merge] = field(default_factory=list)


@dataclass
class Budget:
    """What all sheets of a workbook may hold together."""

    rows: int = 0
    cells: int = 0

    def spend(self, rows: int, cells: int) -> None:
        """Raises ``Unreadable`` when it is used up."""
        self.rows += rows
        self.cells += cells
        if self.rows > hostile.MAX_ROWS + 1_000:  # titles and headers are no rows of data
            raise hostile.too_many_rows()
        if self.cells > hostile.MAX_CELLS:
            raise hostile.unpacked_too_large()


class _Texts:
    """The workbook's shared texts, kept as bytes: a Python string for each would take four times as much."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("L", [0])

    def add(self, text: str) -> None:
        self._bytes += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._bytes))

    def __getitem__(self, place: int) -> str:
        if not 0 <= place < len(self._ends) - 1:
            raise damaged()
        return self._bytes[self._ends[place] : self._ends[place + 1]].decode("utf-8", "surrogatepass")


_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What no text may hold, and no database takes."""


def cleaned(text: str) -> str:
    """Return ``text`` without control characters (but tabs and line ends) and halves of characters."""
    return text if text.isprintable() else _NO_TEXT.sub("", text)


def _unescaped(text: str) -> str:
    """``_x000D_`` as the character that it stands for (ECMA-376, ST_Xstring); no control characters."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return cleaned(text)


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


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _elements(package: Package, name: str) -> list[tuple[str, dict[str, str]]]:
    """Every element of a small part as (path of local names, attributes by local name)."""
    found: list[tuple[str, dict[str, str]]] = []
    path: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        path.append(_local(tag))
        if len(path) < 8:
            found.append(("/".join(path), {_local(key): value for key, value in attributes.items()}))
        if len(found) > 400_000:
            raise damaged()

    markup = Markup()
    markup.parser.StartElementHandler = start
    markup.parser.EndElementHandler = lambda tag: path.pop()
    for chunk in package.chunks(name, MAX_SMALL_PART):
        markup.feed(chunk)
    markup.feed(b"", last=True)
    return found


# Day formats without a code of their own: Excel's, and those of a Chinese system.
_BUILTIN_DAYS = {*range(14, 18), 22, *range(27, 32), 36, *range(50, 55), 57, 58}
_NOT_CODE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h|m|s)[^\]]*\]', re.IGNORECASE)
_ZEROS = re.compile(r"0{2,}")


def _format_of(number: int, codes: Mapping[int, str]) -> str | int | None:
    """``"date"``, how many digits a whole number is shown with at least, or None."""
    code = codes.get(number)
    if code is None:
        return "date" if number in _BUILTIN_DAYS else None
    plain = _NOT_CODE.sub("", code.split(";")[0]).strip().lower()
    if "general" in plain:
        return None
    if "d" in plain or "y" in plain or ("e" in plain and "m" in plain):
        return "date"
    return len(plain) if _ZEROS.fullmatch(plain) else None


@dataclass(frozen=True)
class Sheet:
    """A sheet as the workbook lists it."""

    title: str
    part: str
    is_hidden: bool


class Workbook:
    """An opened .xlsx file. Raises ``Unreadable`` for what is broken or hostile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        package = Package(path)
        try:
            main = _main_part(package)
            self.sheets, self._is_1904 = _sheets(package, main)
            self._formats = _formats(package, main)
            self._texts = _shared_texts(package, main)
            self.has_links = any("/externallinks/" in f"/{name}" for name in package.names())
        finally:
            package.close()

    def survey(self, sheet: Sheet, budget: Budget) -> Survey:
        """Go over a sheet once: how many rows hold something, what is hidden, what is merged."""
        found = Survey()
        package = Package(self._path)
        try:
            _survey(package, sheet.part, found, budget)
        finally:
            package.close()
        return found

    def rows(self, sheet: Sheet, last: int = MAX_LINE) -> Iterator[Row]:
        """The rows of a sheet that hold something, as they stand in the file, up to the row ``last``."""
        package = Package(self._path)
        try:
            yield from _rows(package, sheet.part, last, self._value)
        finally:
            package.close()

    def _value(self, kind: str, style: str, text: str) -> Raw | None:
        """What the cell of this type and style holds, from the text of its value."""
        if kind == "s":
            try:
                return self._texts[int(text)]
            except ValueError as error:
                raise damaged() from error
        if kind == "b":
            return text.strip() == "1"
        if kind == "e":
            return Fault(f"单元格是错误值 {text[:20]},请改正公式或直接填写")
        if kind in ("str", "inlineStr", "d"):
            return _unescaped(text)
        try:
            number = float(text)
            shown = self._formats[int(style)] if style else None
        except (ValueError, IndexError):
            return Fault(f"“{text[:20]}”不是数字")
        if number != number or number in (float("inf"), float("-inf")):
            return Fault(f"“{text[:20]}”不是数字")
        if shown == "date":
            return Dated(number + 1462 if self._is_1904 else number)
        if shown is not None and number >= 0 and number == int(number) and number < 1e15:
            return f"{int(number):0{shown}d}"
        return number


def _relations(package: Package, part: str) -> list[tuple[str, str, str]]:
    """(id, last word of the type, target part) of what ``part`` refers to inside the file."""
    folder, name = posixpath.split(part)
    listed = posixpath.join(folder, "_rels", f"{name}.rels")
    if listed not in package:
        return []
    return [
        (
            attributes.get("Id", ""),
            attributes.get("Type", "").rsplit("/", 1)[-1],
            posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", ""))).lstrip("/"),
        )
        for path, attributes in _elements(package, listed)
        if path == "Relationships/Relationship" and attributes.get("TargetMode") != "External"
    ]


def _main_part(package: Package) -> str:
    for _, kind, target in _relations(package, ""):
        if kind == "officeDocument":
            if target.endswith(".bin"):
                raise Unreadable("不支持 .xlsb 格式,请另存为“Excel 工作簿 (.xlsx)”后再上传。")
            if target in package:
                return target
    if "xl/workbook.xml" in package:
        return "xl/workbook.xml"
    if "word/document.xml" in package or "ppt/presentation.xml" in package:
        raise Unreadable("这是 Word 或 PowerPoint 文件,不是 Excel 工作簿。请上传 .xlsx 或 .csv 文件。")
    raise Unreadable("这是压缩包,不是 Excel 工作簿。请解压后上传里面的 .xlsx 或 .csv 文件。")


def _sheets(package: Package, main: str) -> tuple[list[Sheet], bool]:
    for path, attributes in _elements(package, "[Content_Types].xml"):
        if path == "Types/Override" and "macroEnabled" in attributes.get("ContentType", ""):
            raise hostile.macros()
    targets = {key: (kind, target) for key, kind, target in _relations(package, main)}
    sheets: list[Sheet] = []
    is_1904 = False
    for path, attributes in _elements(package, main):
        if path == "workbook/workbookPr":
            is_1904 = attributes.get("date1904") in ("1", "true", "on")
        elif path == "workbook/sheets/sheet":
            kind, target = targets.get(attributes.get("id", ""), ("", ""))
            if kind == "worksheet" and target in package:
                sheets.append(
                    Sheet(attributes.get("name", ""), target, attributes.get("state", "visible") != "visible")
                )
    if len(sheets) > hostile.MAX_SHEETS:
        raise Unreadable(f"工作簿的工作表超过 {hostile.MAX_SHEETS} 个,请只留要导入的几个。")
    if not sheets:
        raise damaged()
    return sheets, is_1904


def _formats(package: Package, main: str) -> list[str | int | None]:
    parts = [target for _, kind, target in _relations(package, main) if kind == "styles"]
    if not parts or parts[0] not in package:
        return []
    codes: dict[int, str] = {}
    styles: list[int] = []
    for path, attributes in _elements(package, parts[0]):
        try:
            if path == "styleSheet/numFmts/numFmt":
                codes[int(attributes["numFmtId"])] = attributes.get("formatCode", "")[:255]
            elif path == "styleSheet/cellXfs/xf":
                styles.append(int(attributes.get("numFmtId", "0")))
        except (KeyError, ValueError) as error:
            raise damaged() from error
    known = {number: _format_of(number, codes) for number in set(styles)}
    return [known[number] for number in styles]


def _shared_texts(package: Package, main: str) -> _Texts:
    texts = _Texts()
    parts = [target for _, kind, target in _relations(package, main) if kind == "sharedStrings"]
    if not parts or parts[0] not in package:
        return texts
    collected: list[str] = []
    taking = False
    length = 0
    spoken = 0  # inside <rPh>: how a text is pronounced, which is no part of it

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal taking, spoken, length
        tag = _local(tag)
        if tag == "si":
            collected.clear()
            length = 0
        elif tag == "rPh":
            spoken += 1
        elif tag == "t":
            taking = not spoken

    def end(tag: str) -> None:
        nonlocal taking, spoken
        tag = _local(tag)
        if tag == "t":
            taking = False
        elif tag == "rPh":
            spoken -= 1
        elif tag == "si":
            texts.add(_unescaped("".join(collected)))

    def data(text: str) -> None:
        nonlocal length
        if taking:
            length += len(text)
            if length > hostile.MAX_TEXT:
                raise Unreadable(f"工作簿里有一格的文字超过 {hostile.MAX_TEXT:,} 字,请删减后再上传。")
            collected.append(text)

    markup = Markup()
    markup.parser.StartElementHandler = start
    markup.parser.EndElementHandler = end
    markup.parser.CharacterDataHandler = data
    for chunk in package.chunks(parts[0], hostile.MAX_TEXTS):
        markup.feed(chunk)
    markup.feed(b"", last=True)
    return texts


def _survey(package: Package, part: str, found: Survey, budget: Budget) -> None:
    row_cells = number = 0
    has_value = is_hidden = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row_cells, number, has_value, is_hidden
        if tag == "c":
            row_cells += 1
        elif tag == "v" or tag == "t" or tag == "f":
            has_value = True
        elif tag == "row":
            row_cells, has_value = 0, False
            before, number = number, _row_number(attributes.get("r"), number)
            if number <= before:
                raise damaged()  # a row that stands there twice has no one value
            is_hidden = attributes.get("hidden") in ("1", "true")
        elif tag == "mergeCell":
            if len(found.merges) >= _MAX_MERGES:
                raise Unreadable(f"工作表合并的单元格超过 {_MAX_MERGES:,} 处,请取消合并后再上传。")
            if merge := _merge(attributes.get("ref", "")):
                found.merges.append(merge)
        elif ":" in tag and not tag.startswith(("x14", "xm:", "mc:", "xr")):
            start(_local(tag), attributes)

    def end(tag: str) -> None:
        if tag == "row" or tag.endswith(":row"):
            budget.spend(has_value, row_cells)
            if has_value:
                found.rows += 1
                found.hidden += is_hidden
                found.last = max(found.last, number)

    markup = Markup()
    markup.parser.StartElementHandler = start
    markup.parser.EndElementHandler = end
    for chunk in package.chunks(part):
        markup.feed(chunk)
        if row_cells > MAX_COLUMN:
            raise damaged()
    markup.feed(b"", last=True)


def _row_number(given: str | None, before: int) -> int:
    if given is None:
        return before + 1
    if not given.isascii() or not given.isdigit() or not 0 < int(given[:9]) <= MAX_LINE:
        raise damaged()
    return int(given[:9])


_MERGE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7}):\$?([A-Z]{1,3})\$?([0-9]{1,7})")


def _merge(reference: str) -> Merge | None:
    found = _MERGE.fullmatch(reference)
    if found is None:
        return None
    return Merge(int(found[2]), column_of(found[1]), int(found[4]), column_of(found[3]))


def _rows(
    package: Package, part: str, last: int, value_of: Callable[[str, str, str], Raw | None]
) -> Iterator[Row]:
    done: list[Row] = []
    cells: dict[int, Raw] = {}
    number = column = 0
    is_hidden = False
    inside = taking = has_formula = has_value = False
    kind = style = ""
    spoken = 0
    text = ""
    in_row = held = total = 0  # characters: a small file can name one long text very often

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal cells, number, column, is_hidden, inside, taking, has_formula, has_value, kind, style
        nonlocal spoken, text, in_row
        if tag == "c":
            reference = attributes.get("r")
            column = column_of(reference) if reference else column + 1
            if not 0 < column <= MAX_COLUMN:
                raise damaged()
            kind = attributes.get("t", "n")
            style = attributes.get("s", "")
            text = ""
            has_formula = has_value = False
            inside = True
        elif tag == "v" or tag == "t":
            if inside and not spoken:
                taking = has_value = True
        elif tag == "f":
            has_formula = True
        elif tag == "row":
            number = _row_number(attributes.get("r"), number)
            is_hidden = attributes.get("hidden") in ("1", "true")
            cells, column, in_row = {}, 0, 0
        elif tag == "rPh":
            spoken += 1
        elif ":" in tag and not tag.startswith(("x14", "xm:", "mc:", "xr")):
            start(_local(tag), attributes)

    def end(tag: str) -> None:
        nonlocal inside, taking, spoken, in_row, held, total
        if tag == "v" or tag == "t":
            taking = False
        elif tag == "c":
            inside = False
            if has_formula and not (text or (has_value and kind == "str")):
                cells[column] = Fault("公式没有保存结果,请在 Excel 中打开并保存,或改填数值")
            elif text:
                found = value_of(kind, style, text)
                if found is not None and found != "":
                    cells[column] = found
                    if isinstance(found, str):
                        in_row += len(found)
                        held += len(found)
                        total += len(found)
                        if held > hostile.MAX_HELD or total > hostile.MAX_CHARACTERS:
                            raise Unreadable("工作簿里的文字异常地多,已拒绝。请只留要导入的表。")
        elif tag == "row":
            if cells:
                done.append(Row(number, is_hidden, cells))
        elif tag == "rPh":
            spoken -= 1
        elif ":" in tag and not tag.startswith(("x14", "xm:", "mc:", "xr")):
            end(_local(tag))

    def data(piece: str) -> None:
        nonlocal text
        if taking:
            text += piece
            if len(text) > hostile.MAX_TEXT:
                raise Unreadable(
                    f"{letters_of(column)}{number} 的文字超过 {hostile.MAX_TEXT:,} 字,请删减后再上传。"
                )

    markup = Markup()
    markup.parser.StartElementHandler = start
    markup.parser.EndElementHandler = end
    markup.parser.CharacterDataHandler = data
    for chunk in package.chunks(part):
        markup.feed(chunk)
        if done:
            yield from done
            done.clear()
        held = in_row
        if number > last:
            return
    markup.feed(b"", last=True)
    yield from done
