"""Checks of the regulations over the whole country, over a bureau, and of ten organizations."""

from __future__ import annotations

import time
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.reading import busiest_day, the_root
from benchmarks.table import Table
from registry.models import Organization, Unit
from registry.models.hierarchy import UnitHierarchy
from registry.rules.checks import CHECKS, breaches, count_breaches, organizations_at

_COLUMNS = {"seconds": "seconds", "breaches": "breaches", "queries": "queries"}


def measure() -> list[Table]:
    """Count every check at the root, all of them at the root and at a child, and list those of ten."""
    root, day = the_root(), busiest_day()
    child = max(UnitHierarchy.on(day).children(root), key=lambda unit: unit.rght - unit.lft)
    several = Table("rules", f"Each check over the country, on {day}", _COLUMNS)
    for check in CHECKS:
        _add(several, check.slug, lambda slug=check.slug: _counted(root, day, [slug]))
    together = Table("rules", f"All {len(CHECKS)} checks, on {day}", _COLUMNS)
    _add(together, "the root and its children", lambda: _counted(root, day, None))
    _add(together, "the largest child and its children", lambda: _counted(child, day, None))
    ten = list(organizations_at(root, day).filter(is_temporary=True).values_list("pk", flat=True)[:10])
    rows = Organization.objects.filter(pk__in=ten)
    _add(together, "ten organizations, as a desk asks", lambda: len(breaches(rows, day)))
    return [several, together]


def _counted(unit: Unit, day: Any, slugs: list[str] | None) -> int:
    return sum(number.breaches for number in count_breaches(unit, day, slugs=slugs).numbers.values())


def _add(table: Table, way: str, ask: Any) -> None:
    begin = time.perf_counter()
    with CaptureQueriesContext(connection) as queries:
        found = ask()
    table.add(way, seconds=time.perf_counter() - begin, breaches=found, queries=len(queries))
