"""Files that are no photos: a few types, known by their content, kept as they are and only handed out.

What can run by itself or in a browser is not among them: no web page, no drawing with scripts, no program, no
archive, nothing with macros.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass

from registry.files.disk import FULL
from registry.files.pictures import BadFile, Taken

_OFFICE = "application/vnd.openxmlformats-officedocument."


@dataclass(frozen=True)
class Paper:
    """A type of file: how it is called outside, and what part it must have, where it is made of parts."""

    content_type: str
    part: str = ""


PAPERS = {
    "pdf": Paper("application/pdf"),
    "ofd": Paper("application/ofd", "OFD.xml"),
    "docx": Paper(f"{_OFFICE}wordprocessingml.document", "word/document.xml"),
    "xlsx": Paper(f"{_OFFICE}spreadsheetml.sheet", "xl/workbook.xml"),
    "pptx": Paper(f"{_OFFICE}presentationml.presentation", "ppt/presentation.xml"),
    "txt": Paper("text/plain"),
    "csv": Paper("text/csv"),
}
"""By the ending of the name."""
OLD = {"doc": "docx", "wps": "docx", "xls": "xlsx", "et": "xlsx", "ppt": "pptx", "dps": "pptx"}
"""Formats that may hold macros which nobody sees, and in what the program saves them otherwise."""
ONLY = "只收 PDF、OFD、DOCX、XLSX、PPTX、TXT、CSV 文件和照片"
_MOST_PARTS = 5_000
_MARKUP = re.compile(r"\s*<(!doctype|html|svg|script|\?xml|\?php)", re.IGNORECASE)


def take(name: str, content: bytes) -> Taken:
    """Return a file as it will be kept, which is as it came. Raises ``BadFile``."""
    ending = name.rpartition(".")[2].lower()
    if ending in OLD:
        raise BadFile(f"是旧格式,里面可能有宏。请另存为 {OLD[ending].upper()} 再传")
    paper = PAPERS.get(ending)
    if paper is None:
        raise BadFile(f"不是可以上传的类型。{ONLY}")
    if not _is_what_it_says(ending, paper, content):
        raise BadFile(f"内容与扩展名 {ending.upper()} 不符,或文件已损坏。请用原来的程序打开,另存后再传")
    return Taken(paper.content_type, {FULL: content})


def _is_what_it_says(ending: str, paper: Paper, content: bytes) -> bool:
    if ending == "pdf":
        return content.startswith(b"%PDF-")
    if paper.part:
        return content.startswith(b"PK\x03\x04") and _has_part(paper.part, content)
    return _is_text(content)


def _has_part(part: str, content: bytes) -> bool:
    """Whether an archive names the part and no macros. Only its table of contents is read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    if len(names) > _MOST_PARTS:
        return False
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise BadFile("带有宏。请另存为不带宏的文件再传")
    return part in names


def _is_text(content: bytes) -> bool:
    if b"\x00" in content:
        return False
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return _MARKUP.match(content.decode(encoding)) is None
        except UnicodeDecodeError:
            continue
    return False
