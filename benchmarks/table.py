"""Tables of results: on the screen, in Markdown, and across sizes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Line:
    """One way to do a thing and its cost; None was not measured, and ``note`` says why."""

    way: str
    numbers: dict[str, float | None] = field(default_factory=dict)
    note: str = ""


@dataclass
class Table:
    """Ways to do the same thing side by side on the same data.

    ``ratio`` names the column by which the ways are compared with the first one; ``columns`` maps the keys of
    the numbers to their headings.
    """

    part: str
    title: str
    columns: dict[str, str]
    lines: list[Line] = field(default_factory=list)
    ratio: str = ""
    note: str = ""

    def add(self, way: str, note: str = "", **numbers: float | None) -> Line:
        """Add a line and return it."""
        line = Line(way, dict(numbers), note)
        self.lines.append(line)
        return line

    def cells(self) -> list[list[str]]:
        """Return heading and lines as text."""
        noted = any(line.note for line in self.lines)
        head = ["way", *self.columns.values()]
        if self.ratio:
            head.append("× the first")
        if noted:
            head.append("")
        lines = [head]
        first = self.lines[0].numbers.get(self.ratio) if self.lines else None
        for line in self.lines:
            cells = [line.way, *(shown(line.numbers.get(key)) for key in self.columns)]
            if self.ratio:
                mine = line.numbers.get(self.ratio)
                cells.append(shown(mine / first) if mine is not None and first else "")
            if noted:
                cells.append(line.note)
            lines.append(cells)
        return lines

    def markdown(self) -> str:
        """Return the table with its title and note."""
        said = f"\n{self.note}\n" if self.note else ""
        return f"#### {self.title}\n{said}\n{markdown(self.cells())}\n"

    def plain(self) -> str:
        """Return the table for a screen."""
        return f"{self.title}\n{aligned(self.cells())}\n"


def shown(value: float | None) -> str:
    """Return a number with two or three significant figures: 0.0041, 0.84, 12.3, 1,240."""
    if value is None:
        return ""
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    if value == 0:
        return "0"
    if abs(value) < 0.1:
        return f"{value:.2g}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def markdown(cells: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, right-aligned but for the first column and notes."""
    head, *lines = cells
    rule = ["---" if place == 0 or not name else "---:" for place, name in enumerate(head)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, rule, *lines])


def aligned(cells: Sequence[Sequence[str]]) -> str:
    """Return the cells in columns."""
    widths = [max(_width(line[place]) for line in cells) for place in range(len(cells[0]))]
    said = []
    for line in cells:
        padded = [
            cell + " " * (width - _width(cell)) if place == 0 else " " * (width - _width(cell)) + cell
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        said.append("  " + "  ".join(padded).rstrip())
    return "\n".join(said)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def by_size(tables: Iterable[tuple[str, Table]]) -> list[Table]:
    """Turn the tables of several scales into one for each title, with a column for each scale.

    Compared is the whole call, or else the column by which the ways are compared.
    """
    merged_by_title: dict[str, Table] = {}
    for scale, table in tables:
        if not table.ratio:
            continue
        column = "whole" if "whole" in table.columns else table.ratio
        merged = merged_by_title.setdefault(
            table.title, Table(table.part, f"{table.title}: {table.columns[column]}", {})
        )
        merged.columns[scale] = scale
        for line in table.lines:
            mine = next((each for each in merged.lines if each.way == line.way), None)
            if mine is None:
                mine = merged.add(line.way)
            mine.numbers[scale] = line.numbers.get(column)
    return [table for table in merged_by_title.values() if len(table.columns) > 1]


def to_json(tables: Iterable[Table]) -> list[dict[str, Any]]:
    """Return the tables as JSON can hold them."""
    return [asdict(table) for table in tables]


def from_json(tables: Iterable[dict[str, Any]]) -> list[Table]:
    """Return what ``to_json`` made, as tables again."""
    return [Table(**{**each, "lines": [Line(**line) for line in each["lines"]]}) for each in tables]
