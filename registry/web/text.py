"""What was typed into a box or an address, before it is looked for; a day and a period in words."""

from __future__ import annotations

from datetime import date

LONGEST = 100
"""So much of what was typed is looked at; nothing in the registry has a longer name or code."""


def cleaned(text: str) -> str:
    """Return what was typed without what no name can hold."""
    return text.replace("\x00", "").strip()[:LONGEST]


def in_chinese(day: date) -> str:
    """Return a day as a sentence says it: 2020年2月3日."""
    return f"{day.year}年{day.month}月{day.day}日"


def period(start: date | None, end: date | None) -> str:
    """Return a half-open period in words."""
    if start is None:
        return f"({end} 之前)" if end else ""
    return f"({start} 至 {end} 之前)" if end else f"({start} 起)"
