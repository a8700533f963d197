"""Addresses of pages that end with a code: of each page Django is asked once, for hundreds of rows."""

from __future__ import annotations

import re
from functools import cache

from django.urls import get_script_prefix, reverse

_SLUG = re.compile(r"[-a-zA-Z0-9_]+")
_WORD, _NUMBER = "the-code-of-the-row", "987654321987654321"
"""What stands for the code while Django is asked."""


def list_address(name: str) -> str:
    """Return the address of the page called ``name`` that is of no row, as ``reverse`` does."""
    return _of(name, get_script_prefix())


@cache
def _of(name: str, _prefix: str) -> str:
    return reverse(name)


def page_address(name: str, key: object) -> str:
    """Return the address of the page called ``name`` of the row with a code, as ``reverse`` does."""
    code = str(key)
    if not _SLUG.fullmatch(code):
        return reverse(name, args=[code])
    before, after = _around(name, _NUMBER if code.isdecimal() else _WORD, get_script_prefix())
    return f"{before}{code}{after}"


@cache
def _around(name: str, mark: str, _prefix: str) -> tuple[str, str]:
    """Return what stands before and after the code; the prefix is where the registry is served."""
    before, _code, after = reverse(name, args=[mark]).partition(mark)
    return before, after
