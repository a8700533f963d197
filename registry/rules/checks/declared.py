"""All checks, in order and by slug."""

from __future__ import annotations

from collections.abc import Mapping

from registry.rules.checks import joining, lives, officers, sizes
from registry.rules.checks.check import Check, Level
from registry.rules.checks.entries import ENTRY_CHECKS

_LEVELS = list(Level)
CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (*lives.CHECKS, *officers.CHECKS, *sizes.CHECKS, *joining.CHECKS),
        key=lambda check: _LEVELS.index(check.level),
    )
)
"""Every check of organizations: violations first, then warnings, then hints."""

EVERY: tuple[Check, ...] = (*CHECKS, *ENTRY_CHECKS)
"""The checks of organizations and those of entries; the latter are carried out where logbooks are."""
BY_SLUG: Mapping[str, Check] = {check.slug: check for check in EVERY}
