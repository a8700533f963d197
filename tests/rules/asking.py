"""Findings in short, for the tests of rules."""

from __future__ import annotations

from collections.abc import Iterable

from registry.rules.findings import Finding


def short(findings: Iterable[Finding]) -> list[tuple[str, str, str, str]]:
    """(rule, severity, field, message) of each finding."""
    return [(each.rule, each.severity.value, each.field, each.message) for each in findings]
