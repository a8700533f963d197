""".csv files as a stream of rows: UTF-8 with or without BOM, GB18030 (GBK, GB2312), UTF-16 with BOM."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from pathlib import Path

from registry.spreadsheets import hostile
from registry.spreadsheets.grid import MAX_COLUMN, Fault, Raw, Row, cleaned, letters_of
from registry.spreadsheets.guarding import unguarded
from registry.spreadsheets.hostile import CHUNK, Unreadable

DELIMITERS = (",", "\t", ";", "|", "\uff0c", "\uff1b")
_AS_TEXT = re.compile(r'=\(?"((?:[^"]|"")*)"\)?')
_FORMULA = re.compile(r"=[A-Za-z0-9(+\-\"'$]")


def encoding_of(path: Path) -> str:
    """Return the name of the encoding of the file's text. Raises ``Unreadable`` where there is none."""
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(codecs.BOM_UTF8):
        tried = ["utf-8-sig"]
    elif start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        tried = ["utf-16"]
    else:
        tried = ["utf-8", "gb18030"]
    for encoding in tried:
        if _decodes(path, encoding):
            return encoding
    raise Unreadable("文件的文字编码无法识别。请在 Excel 或 WPS 中另存为 .xlsx,或“CSV UTF-8”后再上传。")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", True)
    except UnicodeError:
        return False
    return True


class Separated:
    """An opened .csv file with a known delimiter."""

    def __init__(self, path: Path, encoding: str, delimiter: str) -> None:
        self._path, self._encoding, self._delimiter = path, encoding, delimiter

    def count(self) -> int:
        """Return how many rows are not empty. Raises ``Unreadable`` for too many."""
        number = 0
        for record in self._records():
            number += any(record)
            if number > hostile.MAX_ROWS + 1_000:
                raise hostile.too_many_rows()
        return number

    def rows(self) -> Iterator[Row]:
        """Yield the rows that are not empty; a row's number is the one that Excel shows."""
        for number, record in enumerate(self._records(), start=1):
            if len(record) > MAX_COLUMN:
                raise Unreadable(f"第 {number} 行的列太多,请检查分隔符和引号。")
            cells = {place: _cell(text) for place, text in enumerate(record, start=1) if text}
            if cells:
                yield Row(number, False, cells)

    def _records(self) -> Iterator[list[str]]:
        with self._path.open(encoding=self._encoding, newline="") as file:
            reader = csv.reader(file, delimiter=self._delimiter)
            number = 0
            while True:
                number += 1
                hostile.go_on()
                try:
                    record = next(reader, None)
                except csv.Error as error:
                    raise Unreadable(
                        f"第 {number} 行附近的引号不成对或文字过长,请改正,或另存为 .xlsx 后上传。"
                    ) from error
                if record is None:
                    return
                for place, text in enumerate(record, start=1):
                    if len(text) > hostile.MAX_TEXT:
                        raise Unreadable(
                            f"第 {number} 行 {letters_of(place)} 列的文字超过 {hostile.MAX_TEXT:,} 字,"
                            "请检查引号是否成对。"
                        )
                yield record


def _cell(text: str) -> Raw:
    if text[0] == "=":
        if match := _AS_TEXT.fullmatch(text):  # ="001": so a code does not become a number
            return cleaned(match[1]).replace('""', '"')
        if _FORMULA.match(text):
            return Fault("这里是公式,.csv 文件不保存公式的结果,请改填数值")
    return cleaned(unguarded(text))
