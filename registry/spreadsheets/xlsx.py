"""Read an .xlsx workbook as a stream of rows: one row in memory at a time, whatever size the sheet claims.

openpyxl takes up to twice as long and calamine builds the whole rectangle that a sheet spans (one cell at
XFD1048576 ends the process); neither tells a formula without a result from an empty cell. So the sheets'
XML is read here with expat; docs/decisions/0014-workbooks.md has the measurements.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from registry.models.days import LATER_IN_1904
from registry.spreadsheets import hostile, sheet_xml
from registry.spreadsheets.grid import MAX_LINE, Dated, Fault, Raw, Row
from registry.spreadsheets.hostile import MAX_SMALL_PART, Markup, Package, Unreadable, damaged
from registry.spreadsheets.number_formats import EXACT, Drawn, NotDrawn, format_of
from registry.spreadsheets.sheet_xml import Budget, Survey, Texts, local, unescaped

_MAX_ELEMENTS = 400_000
"""Elements of a part that only describes the workbook."""


def _elements(package: Package, name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield every element of a small part as (path of local names, attributes by local name)."""
    found: list[tuple[str, dict[str, str]]] = []
    path: list[str] = []
    number = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        path.append(local(tag))
        if len(path) < 8:
            found.append(("/".join(path), {local(key): value for key, value in attributes.items()}))

    markup = Markup(start, lambda tag: path.pop())
    for chunk in package.chunks(name, MAX_SMALL_PART):
        markup.feed(chunk)
        number += len(found)
        if number > _MAX_ELEMENTS:
            raise damaged()
        yield from found
        found.clear()
    markup.feed(b"", last=True)
    yield from found


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
        with closing(Package(path)) as package:
            main = _main_part(package)
            self.sheets, self.is_1904 = _sheets(package, main)
            self._formats = _formats(package, main)
            self._texts = _shared_texts(package, main)
            self.has_links = any("/externallinks/" in f"/{name}" for name in package.names())

    def survey(self, sheet: Sheet, budget: Budget) -> Survey:
        """Go over a sheet once: count the rows that are not empty, the hidden ones, and the merged cells."""
        with closing(Package(self._path)) as package:
            return sheet_xml.survey(package, sheet.part, budget)

    def rows(self, sheet: Sheet, last: int = MAX_LINE) -> Iterator[Row]:
        """Yield the rows of a sheet that are not empty, in the order of the file, up to the row ``last``."""
        with closing(Package(self._path)) as package:
            yield from sheet_xml.read_rows(package, sheet.part, last, self._value)

    def _value(self, kind: str, style: str, text: str) -> Raw | None:
        """Return the value of a cell from its type, its style and the text of its value."""
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
            return unescaped(text)
        try:
            number = float(text)
            shown = self._formats[int(style)] if style else None
        except (ValueError, IndexError):
            return Fault(f"“{text[:20]}”不是数字")
        if number != number or number in (float("inf"), float("-inf")):
            return Fault(f"“{text[:20]}”不是数字")
        if shown == "date":
            return Dated(number + LATER_IN_1904 if self.is_1904 else number)
        if shown is None or abs(number) >= EXACT:
            return number
        try:
            return shown(number) or None
        except NotDrawn:
            return Fault("这格的数字格式显示的内容无法识别,请设为文本格式后重新填写")


def _relations(package: Package, part: str) -> list[tuple[str, str, str]]:
    """Return (id, last word of the type, target part) of what ``part`` refers to inside the file."""
    folder, name = posixpath.split(part)
    listed = posixpath.join(folder, "_rels", f"{name}.rels")
    if listed not in package:
        return []
    found: list[tuple[str, str, str]] = []
    for path, attributes in _elements(package, listed):
        if path == "Relationships/Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", ""))).lstrip("/")
            found.append((attributes.get("Id", ""), attributes.get("Type", "").rsplit("/", 1)[-1], target))
        if len(found) > hostile.MAX_PARTS:
            raise damaged()
    return found


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


def _formats(package: Package, main: str) -> list[Drawn | Literal["date"] | None]:
    part = _part_of(package, main, "styles")
    if not part:
        return []
    codes: dict[int, str] = {}
    styles: list[int] = []
    for path, attributes in _elements(package, part):
        try:
            if path == "styleSheet/numFmts/numFmt":
                codes[int(attributes["numFmtId"])] = attributes.get("formatCode", "")[:255]
            elif path == "styleSheet/cellXfs/xf":
                styles.append(int(attributes.get("numFmtId", "0")))
        except (KeyError, ValueError) as error:
            raise damaged() from error
    known = {number: format_of(number, codes.get(number)) for number in set(styles)}
    return [known[number] for number in styles]


def _shared_texts(package: Package, main: str) -> Texts:
    part = _part_of(package, main, "sharedStrings")
    return sheet_xml.read_texts(package, part) if part else Texts()


def _part_of(package: Package, main: str, kind: str) -> str:
    """Return the first part of a kind that the workbook refers to, if it is there."""
    part = next((target for _, each, target in _relations(package, main) if each == kind), "")
    return part if part in package else ""
