"""The logbooks that ship with the product: one TOML file each, as ``registry.logbooks.design`` reads it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from registry.logbooks.design import AGREED, Design, Group, read

FACTS = ("code", "group", "about", "purpose", "is_walled", "needs_approval")
_PARTS = ("fields", "steps", "counters")


@dataclass(frozen=True)
class Shipped:
    """A logbook that ships with the product, and the mechanisms (docs/mechanisms.md) that it records."""

    code: str
    name: str
    facts: Mapping[str, Any]
    mechanisms: tuple[str, ...]
    design: Design


@cache
def shipped() -> dict[str, Shipped]:
    """Return every shipped logbook by code, in the order of the groups and then of the files."""
    order = {group: place for place, group in enumerate(Group.values)}
    found = [_read(path) for path in sorted(Path(__file__).parent.glob("*.toml"))]
    found.sort(key=lambda each: order[each.facts["group"]])
    return {each.code: each for each in found}


def _read(path: Path) -> Shipped:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return Shipped(
        data["code"],
        data["name"],
        {name: data[name] for name in FACTS if name in data},
        tuple(data.get("mechanisms", ())),
        read({name: data[name] for name in (*_PARTS, *AGREED) if name in data}),
    )
