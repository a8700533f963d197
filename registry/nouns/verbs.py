"""Verbs: what users do, with its Chinese label and the roles that may do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NOBODY: tuple[str, ...] = ()
"""For commands, and for what users do to their own account."""
EVERYBODY = ("viewer", "clerk", "approver", "manager", "auditor")
ENTER = ("clerk", "manager")
APPROVE = ("approver", "manager")
MANAGE = ("manager",)
AUDIT = ("auditor", "manager")
PERSONAL = ("clerk", "approver", "manager")
"""Who works with police numbers and may open telephone numbers; viewers and auditors see them masked."""


@dataclass(frozen=True)
class Verb:
    """Something that users do: an operation, by its name, or reading what not everybody may read.

    ``label`` is its Chinese name on pages and in the record. ``roles`` may do it at the unit of their grant
    and below. Not ``is_recorded``: the record never holds it, so its page does not offer it. ``final`` says
    why what was done cannot be taken back, where it wrote rows (``registry.operations.take_back``).
    ``is_routine``: the page of the record leaves it out until it is asked for, as logging in.
    """

    slug: str
    label: str
    roles: tuple[str, ...] = NOBODY
    is_recorded: bool = True
    final: str = ""
    is_routine: bool = False


@dataclass(frozen=True)
class RecordWord:
    """What the record holds beside the fields of a row: what it is called, and what its values mean."""

    label: str
    values: Mapping[str, str] = field(default_factory=dict)
