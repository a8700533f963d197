"""What was typed into a box or an address, before it is looked for (``registry.search``)."""

from __future__ import annotations

LONGEST = 100
"""So much of what was typed is looked at; nothing in the registry has a longer name or code."""


def cleaned(text: str) -> str:
    """Return what was typed without what no name can hold."""
    return text.replace("\x00", "").strip()[:LONGEST]
