"""What must be sound after all that writing: both trees, the guards, and every total."""

from __future__ import annotations

import time

from benchmarks.table import Table
from registry.counting.totals.check import differences
from registry.trees.check import check_all


def measure() -> list[Table]:
    """Run what ``checktree`` and ``checkcounts`` run; raises ``AssertionError`` when something is wrong."""
    table = Table("checks", "After the writing", {"faults": "faults", "seconds": "seconds"})
    for said, check in (("checktree", check_all), ("checkcounts", differences)):
        begin = time.perf_counter()
        found = [str(each) for each in check()]
        if found:
            raise AssertionError(f"{said}: {'; '.join(found[:5])}")
        table.add(said, faults=0, seconds=time.perf_counter() - begin)
    return [table]
