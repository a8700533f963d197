"""Every check by its slug."""

from __future__ import annotations

from registry.rules.checks import joining, lives, officers, sizes
from registry.rules.checks.check import Check, Level

_LEVELS = list(Level)
CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (*lives.CHECKS, *officers.CHECKS, *sizes.CHECKS, *joining.CHECKS),
        key=lambda check: _LEVELS.index(check.level),
    )
)
"""Every check: violations first, then warnings, then hints."""

_BY_SLUG = {check.slug: check for check in CHECKS}


def by_slug(slug: str) -> Check:
    """Return the check with this slug. Raises ``LookupError``."""
    return _BY_SLUG[slug]
