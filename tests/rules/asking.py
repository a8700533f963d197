"""What the tests of rules share: findings in short, and how many questions a rule asks the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.rules.findings import Finding


def short(findings: Iterable[Finding]) -> list[tuple[str, str, str, str]]:
    """(rule, severity, field, message) of each finding."""
    return [(each.rule, each.severity.value, each.field, each.message) for each in findings]


def queries(ask: Callable[[], Any]) -> int:
    """Return how many questions the database is asked."""
    with CaptureQueriesContext(connection) as asked:
        ask()
    return len(asked)
