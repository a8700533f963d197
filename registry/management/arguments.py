"""What commands share: reading arguments (a ``CommandError`` names the argument), lines of a table."""

from __future__ import annotations

import getpass
import unicodedata
from datetime import date
from typing import Any

from django.core.management.base import CommandError

from registry import nouns
from registry.audit import Actor
from registry.models import Campaign, Unit, days
from registry.search.named import find_by_code_or_name, not_unique


def command_actor(name: str) -> Actor:
    """Return the actor of a command, with the machine's user who ran it."""
    try:
        return Actor.system(f"{name}({getpass.getuser()})")
    except (KeyError, OSError):  # a container without a name for its user
        return Actor.system(name)


def find_unit(argument: str, word: str) -> Unit:
    """Return the unit with this code, or the only one with this name."""
    unit: Unit = _find(argument, "unit", word)
    return unit


def find_campaign(argument: str, word: str) -> Campaign:
    """Return the campaign with this code, or the only one with this name."""
    campaign: Campaign = _find(argument, "campaign", word)
    return campaign


def _find(argument: str, key: str, word: str) -> Any:
    found, noun = find_by_code_or_name(None, key, [word])[word], nouns.by_key(key)
    if len(found) > 1:
        raise CommandError(f"{argument}:{not_unique(noun, word, found)}")
    if not found:
        raise CommandError(f"{argument}:没有代码或名称为“{word}”的{noun.label}。")
    return found[0]


def read_day(argument: str, text: str | None) -> date | None:
    """Return the day that ``text`` writes; None without text."""
    if not text:
        return None
    try:
        return days.from_text(text)
    except days.NoDay as error:
        raise CommandError(f"{argument}:{error}。") from None


def aligned(rows: list[list[str]], right: set[int]) -> list[str]:
    """Pad the cells to columns; a Chinese character is two places wide."""
    widths = [max(_width(row[i]) for row in rows) for i in range(len(rows[0]))]

    def cell(i: int, text: str) -> str:
        space = " " * (widths[i] - _width(text))
        return space + text if i in right else text + space

    return ["  ".join(cell(i, text) for i, text in enumerate(row)).rstrip() for row in rows]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
