"""Keep text in a .csv file from being run as a formula, and read it back unchanged.

In a workbook a cell is marked as text. A .csv file has no such mark, so text that begins like a formula
gets an apostrophe in front, and so does text that already begins with an apostrophe and a formula: taking
one away gives every text back.
"""

from __future__ import annotations

import re

_BEGINS = r"(?:[ \t\r\n\x00\u3000\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r])"
_FORMULA = re.compile(_BEGINS)
_TO_GUARD = re.compile(rf"'*{_BEGINS}")
_GUARDED = re.compile(rf"'+{_BEGINS}")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take ``text`` for a formula: it begins like one, also after blanks."""
    return _FORMULA.match(text) is not None


def guarded(text: str) -> str:
    """Return ``text`` for a .csv cell: with a leading apostrophe if it begins like a formula."""
    return f"'{text}" if _TO_GUARD.match(text) else text


def unguarded(text: str) -> str:
    """Undo ``guarded``."""
    return text[1:] if _GUARDED.match(text) else text
