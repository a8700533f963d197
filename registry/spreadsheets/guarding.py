"""Text that a spreadsheet would take for a formula, made harmless in a .csv file and read back unchanged.

In a workbook a cell says itself that it is text. In a .csv file nothing does, so an apostrophe is put
before what begins like a formula, and before what already looks as if that had been done: taking one away
again gives every text back as it was.
"""

from __future__ import annotations

import re

_BEGINS = r"(?:[ \t\r\n\x00\u3000\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r])"
_FORMULA = re.compile(_BEGINS)
_TO_GUARD = re.compile(rf"'*{_BEGINS}")
_GUARDED = re.compile(rf"'+{_BEGINS}")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take ``text`` for a formula: it begins like one, after blanks or not."""
    return _FORMULA.match(text) is not None


def guarded(text: str) -> str:
    """Return ``text`` for a .csv cell: with a leading apostrophe if it begins like a formula."""
    return f"'{text}" if _TO_GUARD.match(text) else text


def unguarded(text: str) -> str:
    """Return what ``guarded`` was given."""
    return text[1:] if _GUARDED.match(text) else text
