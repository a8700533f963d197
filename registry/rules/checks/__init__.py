"""What the regulations ask of organizations and their people, as checks on sets.

A check finds its breaches among any organizations, on any day, by one statement: of one organization while
its page is drawn, or of a country. ``CHECKS`` declares them all; docs/rules.md lists them.
"""

from __future__ import annotations

from registry.rules.checks.asking import (
    FEW,
    Counted,
    Number,
    Numbers,
    Settings,
    UnitNumbers,
    breaches,
    breaching,
    count_breaches,
    organizations_at,
    thresholds_of,
)
from registry.rules.checks.check import Breach, Check, Cites, Edition, Level
from registry.rules.checks.declared import BY_SLUG, CHECKS, EVERY
from registry.rules.checks.entries import ENTRY_CHECKS

__all__ = [
    "BY_SLUG",
    "CHECKS",
    "ENTRY_CHECKS",
    "EVERY",
    "FEW",
    "Breach",
    "Check",
    "Cites",
    "Counted",
    "Edition",
    "Level",
    "Number",
    "Numbers",
    "Settings",
    "UnitNumbers",
    "breaches",
    "breaching",
    "count_breaches",
    "organizations_at",
    "thresholds_of",
]
