"""The report of a run: goals, cost against size, then everything for each scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.table import Table, by_size, from_json, markdown, shown


@dataclass(frozen=True)
class Scale:
    """What one scale's run found."""

    name: str
    database: str
    data: Mapping[str, int]
    tables: list[Table]

    @classmethod
    def of(cls, name: str, found: dict[str, Any]) -> Scale:
        """Read what ``benchmarks.run`` printed."""
        return cls(name, found["database"], found["data"], from_json(found["tables"]))

    def numbers(self, title: str, way: str, column: str) -> list[float]:
        """Return the column's numbers on every line whose table and way begin so."""
        return [
            number
            for table in self.tables
            if table.title.startswith(title)
            for line in table.lines
            if line.way.startswith(way) and (number := line.numbers.get(column)) is not None
        ]


READING = "All metrics of the root"
TOTALS, RELATED, FLOOR = "registry: totals.read", "django-mptt add_related_count", "floor: one GROUP BY"


def _ratio(scale: Scale, way: str) -> list[float]:
    """Return how many times slower than the totals a way is, for each question."""
    found = []
    for table in scale.tables:
        if table.title.startswith(READING):
            lines = {line.way: line.numbers[table.ratio] for line in table.lines}
            mine, other = lines.get(TOTALS), next((n for w, n in lines.items() if w.startswith(way)), None)
            if mine and other:
                found.append(other / mine)
    return found


Goal = tuple[str, str, Callable[[Scale], list[float]]]

GOALS: tuple[Goal, ...] = (
    (
        "all metrics for the root and each child, any date: database, ms (the slowest question)",
        "at most 10",
        lambda s: [max(found)] if (found := s.numbers(READING, TOTALS, "database")) else [],
    ),
    (
        "times faster than `add_related_count` (each question)",
        "at least 1,000",
        lambda s: _ratio(s, RELATED),
    ),
    ("times faster than one bare GROUP BY (each question)", "at least 10", lambda s: _ratio(s, FLOOR)),
    (
        "unit page of the root: median, ms (each day)",
        "at most 50",
        lambda s: s.numbers("Whole pages", "unit page of the root", "whole"),
    ),
    (
        "unit page of the root: 95th percentile, ms (each day)",
        "at most 100",
        lambda s: s.numbers("Whole pages", "unit page of the root", "p95"),
    ),
    (
        "two-year daily trend of the root, ms (each metric)",
        "at most 20",
        lambda s: s.numbers("Daily trend", "registry: series", "whole"),
    ),
    (
        "founding with 10 members, totals included: median, ms",
        "at most 20",
        lambda s: s.numbers("Founding", "registry", "whole"),
    ),
    (
        "8 concurrent writers: foundings a second",
        "at least 50",
        lambda s: s.numbers("8 concurrent", "registry", "rate"),
    ),
    ("deadlocks among them", "0", lambda s: s.numbers("8 concurrent", "registry", "deadlocks")),
    (
        "faults of checktree and checkcounts after",
        "0",
        lambda s: s.numbers("After the writing", "", "faults"),
    ),
    ("errors under load", "0", lambda s: s.numbers("Under load", "", "errors")),
    ("memory of a worker: MB more after the pages", "flat", lambda s: s.numbers("Memory", "worker", "more")),
)


def goals(scales: list[Scale]) -> str:
    """Return what was aimed at (for the nation) and what was measured at each scale."""
    lines = [["what", "goal", *(scale.name for scale in scales)]]
    for what, goal, read in GOALS:
        cells = [" / ".join(map(shown, read(scale))) for scale in scales]
        if any(cells):
            lines.append([what, goal, *cells])
    return markdown(lines)


def report(machine: Mapping[str, str], scales: list[Scale]) -> str:
    """Return the whole report as Markdown."""
    said = [
        "# What it costs",
        "Written by `make bench`; benchmarks/README.md says what is compared and why. A number is the median "
        "of several runs, in milliseconds, unless its column says something else. Noise on a shared machine "
        "is about 30 percent, on writes up to twice: ratios say more than times.",
        "## Measured on",
        markdown([["", ""], *([name, value] for name, value in machine.items())]),
        markdown(
            [
                ["scale", *scales[0].data, "database"],
                *([s.name, *(f"{n:,}" for n in s.data.values()), s.database] for s in scales),
            ]
        ),
        "## Goals",
        "The goals are for the nation.",
        goals(scales),
    ]
    grown = by_size((scale.name, table) for scale in scales for table in scale.tables)
    if grown:
        said += ["## Cost against size", *(table.markdown() for table in grown)]
    for scale in scales:
        said += [f"## {scale.name.capitalize()}", *(table.markdown() for table in scale.tables)]
    return "\n\n".join(part.strip("\n") for part in said) + "\n"
