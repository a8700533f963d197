"""Refuse files before they are read: no workbook, carrying code, or unpacking too large.

A file's name and its own statement of its size are not trusted. Every refusal is an ``Unreadable`` whose
message says in Chinese what to do.
"""

from __future__ import annotations

import mmap
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path, PurePath
from typing import IO, Literal
from xml.parsers import expat

MAX_UPLOAD = 50 * 1024 * 1024
"""Bytes of the uploaded file."""
MAX_UNPACKED = 400 * 1024 * 1024
"""Bytes of all parts of a workbook together: 200,000 rows of twenty columns are about 200 MB."""
MAX_RATIO = 250
"""How many times a part larger than ``RATIO_FROM`` may grow when unpacked. Sheets grow 9 to 14 times,
also with nothing but styled empty rows; a zip bomb about 1000 times."""
RATIO_FROM = 5 * 1024 * 1024
MAX_PARTS = 5_000
MAX_SHEETS = 60
MAX_ROWS = 200_000
"""Rows that are not empty, over all sheets of a file."""
MAX_CELLS = 12_000_000
"""Cells over all sheets of a file, empty ones (styled, without a value) included."""
MAX_TEXTS, MAX_SHARED = 96 * 1024 * 1024, 3_000_000
"""Bytes of the part with the texts that the sheets of a workbook share, and how many these are."""
MAX_SMALL_PART = 16 * 1024 * 1024
"""Bytes of a part that only describes the workbook: its list of sheets, its styles."""
MAX_TEXT = 32_767
"""Characters in one cell: Excel's own limit."""
MAX_HELD, MAX_CHARACTERS = 8_000_000, 300_000_000
"""Characters of the rows in memory, and of everything read from a sheet."""
CHUNK = 64 * 1024
_MAX_TOKEN = 4 * 1024 * 1024
_MAX_DEPTH, _MAX_NAMES = 100, 10_000
"""Elements within each other, and different names of elements and attributes: the parser keeps them all."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_PROGRAMS = (b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"#!")
_OTHERS = {
    b"%PDF": "PDF 文件",
    b"{\\rtf": "RTF 文档",
    b"Rar!": "RAR 压缩包",
    b"7z\xbc\xaf": "7z 压缩包",
    b"\x1f\x8b": "gzip 压缩包",
    b"\x89PNG": "图片",
    b"\xff\xd8\xff": "图片",
    b"GIF8": "图片",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SAVE_AS = "请在 Excel 或 WPS 中打开,用“另存为”存成“Excel 工作簿 (.xlsx)”后再上传。"


class Unreadable(Exception):
    """The file cannot be read as a whole; ``message`` says in Chinese why, and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TooSlow(Exception):
    """Reading the file takes longer than it was given (``given``)."""


_until: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def given(seconds: float) -> Iterator[None]:
    """Give what is read within the block so many seconds of the processor; then raise ``TooSlow``.

    Not of the clock: how much there is to do does not hang on what else the machine does.
    """
    before = _until.set(time.thread_time() + seconds)
    try:
        yield
    finally:
        _until.reset(before)


def go_on() -> None:
    """Raise ``TooSlow`` when the time that was given is over; asked wherever a file can be long."""
    until = _until.get()
    if until is not None and time.thread_time() > until:
        raise TooSlow


def unpacked_bytes(path: Path) -> int:
    """Return how many bytes reading the file takes at most; quick, whatever the file is.

    A part of a workbook is never read further than the file says that it is long.
    """
    try:
        with zipfile.ZipFile(path) as package:
            return sum(part.file_size for part in package.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return path.stat().st_size


def too_many_rows() -> Unreadable:
    """Return the refusal of more than ``MAX_ROWS`` rows."""
    return Unreadable(f"表中有内容的行超过 {MAX_ROWS:,} 行,请分成几个文件上传。")


def kind_of(path: Path, filename: str) -> Literal["xlsx", "csv"]:
    """Return the kind of the file at ``path`` by its content; ``filename`` is the user's name for it.

    Raises ``Unreadable`` for every other kind, and where name and content disagree.
    """
    size = path.stat().st_size
    if size == 0:
        raise Unreadable("文件是空的,请检查后重新上传。")
    if size > MAX_UPLOAD:
        raise Unreadable(f"文件超过 {MAX_UPLOAD // 1024 // 1024} MB,请分成几个文件上传。")
    suffix = PurePath(filename).suffix.lower()
    with path.open("rb") as file:
        start = file.read(CHUNK)
    if start.startswith(_OLE):
        raise _old(path, suffix)
    if suffix in (".xlsm", ".xltm", ".xlam"):
        raise macros()
    if start.startswith(_ZIP):
        _refuse_other_packages(suffix)
        return "xlsx"
    _refuse_other_contents(start)
    _refuse_other_names(suffix)
    if b"\0" in start and not start.startswith(_UTF16):
        raise Unreadable("文件名是 .csv,内容却不是文本。请重新导出为 .csv,或另存为 .xlsx 后上传。")
    return "csv"


def _refuse_other_packages(suffix: str) -> None:
    """Refuse a zip file that is not called .xlsx."""
    if suffix in (".xlsb", ".xls", ".et", ".ods"):
        raise Unreadable(f"不支持 {suffix} 格式。{_SAVE_AS}")
    if suffix != ".xlsx":
        raise Unreadable(
            f"文件名以“{suffix or '无扩展名'}”结尾,内容却是压缩包或 Excel 工作簿。"
            "如果是 Excel 工作簿,请把扩展名改为 .xlsx 后再上传。"
        )


def _refuse_other_contents(start: bytes) -> None:
    """Refuse programs, pictures, archives and web pages by their first bytes."""
    if start.startswith(_PROGRAMS):
        raise Unreadable("这是一个程序文件,不是表格,已拒绝。请不要打开它,并联系发送人核实。")
    for magic, name in _OTHERS.items():
        if start.startswith(magic):
            raise Unreadable(f"这是{name},不是表格。请上传 .xlsx 或 .csv 文件。")
    head = start[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<?xml", b"<html", b"<!doctype", b"<table")):
        raise Unreadable(f"这是网页或 XML 文件,不是表格。{_SAVE_AS}")


def _refuse_other_names(suffix: str) -> None:
    """Refuse text that is not called .csv or .txt."""
    if suffix == ".xlsx":
        raise Unreadable(f"文件名是 .xlsx,内容却不是 Excel 工作簿,可能已损坏或改过扩展名。{_SAVE_AS}")
    if suffix not in (".csv", ".txt"):
        raise Unreadable(f"不支持“{suffix or '无扩展名'}”文件。请上传 .xlsx 或 .csv 文件,或下载模板填写。")


def _old(path: Path, suffix: str) -> Unreadable:
    """Return the refusal of an OLE file: the old format, or a workbook with a password."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as inside:
        is_locked = inside.find("EncryptedPackage".encode("utf-16-le")) >= 0
        is_excel = inside.find("Workbook".encode("utf-16-le")) >= 0
    if is_locked:
        return Unreadable("工作簿设有打开密码,无法读取。请在 Excel 或 WPS 中取消密码,另存后再上传。")
    if suffix == ".xls" or is_excel:
        return Unreadable(f"这是旧版 Excel 文件 (.xls),请另存为 .xlsx。{_SAVE_AS}")
    return Unreadable(f"这不是 .xlsx 工作簿。{_SAVE_AS}")


def macros() -> Unreadable:
    """Return the refusal of a workbook that carries code."""
    return Unreadable("工作簿带有宏(程序代码),已拒绝。请另存为不带宏的“Excel 工作簿 (.xlsx)”后再上传。")


def damaged() -> Unreadable:
    """Return the refusal of a workbook that is broken or not made by a spreadsheet program."""
    return Unreadable(f"工作簿已损坏,无法读取。{_SAVE_AS}")


def unpacked_too_large() -> Unreadable:
    """Return the refusal of a zip bomb, or of a file that looks like one."""
    return Unreadable("文件解压后异常巨大,已拒绝。请删去空白行列和图片,只留要导入的表,另存为 .xlsx 后上传。")


class Package:
    """The parts of an .xlsx file, opened for reading within the limits; closes with ``close``."""

    def __init__(self, path: Path) -> None:
        """Raises ``Unreadable`` for a broken zip, a bomb, macros, encryption."""
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise damaged() from error
        try:
            self._check()
        except BaseException:
            self._zip.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def _check(self) -> None:
        parts = self._zip.infolist()
        if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
            raise unpacked_too_large()
        self._parts: dict[str, zipfile.ZipInfo] = {}
        for part in parts:
            if part.file_size > RATIO_FROM and part.file_size > MAX_RATIO * part.compress_size:
                raise unpacked_too_large()
            if part.flag_bits & 0x1:
                raise Unreadable("压缩包设有密码,无法读取。请取消密码后再上传。")
            name = part.filename.replace("\\", "/").lstrip("/").lower()
            if name in self._parts:
                raise damaged()  # readers disagree which of the two counts
            self._parts[name] = part
            if name.rsplit("/", 1)[-1].startswith("vbaproject") or "/macrosheets/" in f"/{name}":
                raise macros()

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._parts

    def names(self) -> list[str]:
        """The names of all parts, in lower case."""
        return list(self._parts)

    def chunks(self, name: str, limit: int = MAX_UNPACKED) -> Iterator[bytes]:
        """Yield the bytes of a part, at most ``limit``. Raises ``Unreadable``."""
        part = self._parts.get(name.lower())
        if part is None or part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise damaged()
        if part.file_size > limit:
            raise unpacked_too_large()
        try:
            with self._zip.open(part) as file:
                yield from _limited(file, limit)
        except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError) as error:
            raise damaged() from error
        except Exception as error:
            if type(error).__module__ == "zlib":
                raise damaged() from error
            raise


def _limited(file: IO[bytes], limit: int) -> Iterator[bytes]:
    read = 0
    while chunk := file.read(CHUNK):
        go_on()
        read += len(chunk)
        if read > limit:
            raise unpacked_too_large()
        yield chunk


class Markup:
    """An XML parser that refuses DTDs (so entities), endless tokens, nesting and new names."""

    def __init__(
        self,
        start: Callable[[str, dict[str, str]], object],
        end: Callable[[str], object],
        data: Callable[[str], object] | None = None,
    ) -> None:
        depth = 0

        def opened(name: str, attributes: dict[str, str]) -> None:
            nonlocal depth
            depth += 1
            if depth > _MAX_DEPTH:
                raise damaged()
            start(name, attributes)

        def closed(name: str) -> None:
            nonlocal depth
            depth -= 1
            end(name)

        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = opened
        self.parser.EndElementHandler = closed
        self.parser.CharacterDataHandler = data
        self._given = 0

    @staticmethod
    def _refuse(*args: object) -> None:
        raise Unreadable("工作簿里含有不应有的声明 (DTD),可能是恶意文件,已拒绝。")

    def feed(self, chunk: bytes, *, last: bool = False) -> None:
        """Parse another piece. Raises ``Unreadable`` when it is no XML."""
        try:
            self.parser.Parse(chunk, last)
        except expat.ExpatError as error:
            raise damaged() from error
        self._given += len(chunk)
        is_endless = self._given - max(self.parser.CurrentByteIndex, 0) > _MAX_TOKEN
        if is_endless or len(self.parser.intern) > _MAX_NAMES:
            raise damaged()
