"""The geometry of charts (templates/parts/line_chart.html); colours and type are the stylesheet's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 624, 30, 165

Points = Sequence[tuple[date, int]]


@dataclass(frozen=True)
class Line:
    """A line with one number for each day; ``filled`` colours the area below it."""

    label: str
    points: Points
    tone: str = "red"
    filled: bool = False


@dataclass(frozen=True)
class Mark:
    """A reported number for one of the days."""

    day: date
    value: int
    label: str
    title: str


@dataclass(frozen=True)
class Chart:
    """The data of the template; whole numbers only, which no locale changes."""

    text: str
    y_ticks: list[tuple[int, str]]
    x_ticks: list[tuple[int, str]]
    lines: list[dict[str, str]]
    marks: list[dict[str, Any]]
    head: list[str]
    rows: list[list[Any]]
    width: int = field(default=WIDTH)
    height: int = field(default=HEIGHT)


SPARK_WIDTH, SPARK_HEIGHT, _SPARK_EDGE = 76, 22, 3


@dataclass(frozen=True)
class Spark:
    """The way of a number in the space of a word; ``path`` is empty where it did not move."""

    path: str
    end: tuple[int, int]
    words: str


def spark_of(numbers: Sequence[int]) -> Spark:
    """Lay out a sparkline: from the least of the numbers to the largest of them."""
    low, high = min(numbers, default=0), max(numbers, default=0)
    if low == high:
        return Spark("", (0, 0), "没有变动")
    wide, tall = SPARK_WIDTH - 2 * _SPARK_EDGE, SPARK_HEIGHT - 2 * _SPARK_EDGE
    points = [
        (
            _SPARK_EDGE + round(wide * at / (len(numbers) - 1)),
            _SPARK_EDGE + round(tall * (high - number) / (high - low)),
        )
        for at, number in enumerate(numbers)
    ]
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    return Spark(path, points[-1], f"由 {numbers[0]:,} 到 {numbers[-1]:,}")


def steps(largest: int, wanted: int = 4) -> list[int]:
    """Return round numbers from 0 to at least ``largest``, about ``wanted`` steps apart."""
    if largest <= 0:
        return [0, 1]
    step, size = 1, 1
    while True:
        for step in (size, 2 * size, 5 * size):
            if step * wanted >= largest:
                return list(range(0, step * -(-largest // step) + 1, step))
        size *= 10


def day_chart(lines: Sequence[Line], marks: Sequence[Mark], *, title: str, head: str) -> Chart:
    """Lay out a chart of lines by day. All lines have the same days, two at least.

    ``title`` begins the text alternative; ``head`` is the heading of the days in the table behind the chart.
    """
    days = [day for day, _ in lines[0].points]
    values = [value for line in lines for _, value in line.points]
    ticks = steps(max([*values, *(mark.value for mark in marks)]))
    place = {day: LEFT + round((RIGHT - LEFT) * at / (len(days) - 1)) for at, day in enumerate(days)}

    def height(value: int) -> int:
        return BOTTOM - round((BOTTOM - TOP) * value / ticks[-1])

    summary = ";".join(f"{line.label}由 {line.points[0][1]} 到 {line.points[-1][1]}" for line in lines)
    last = len(days) - 1
    return Chart(
        text=f"{title}:{days[0]:%Y-%m-%d} 至 {days[-1]:%Y-%m-%d},{summary}。",
        y_ticks=[(height(tick), f"{tick}") for tick in ticks],
        x_ticks=[
            (place[days[at]], f"{days[at]:%m-%d}")
            for at in sorted({round(last * part / 4) for part in range(5)})
        ],
        lines=[_drawn(line, place, height) for line in lines],
        marks=[_marked(mark, place[mark.day], height(mark.value)) for mark in marks if mark.day in place],
        head=[head, *(line.label for line in lines)],
        rows=[
            [f"{day:%Y-%m-%d}", *(line.points[at][1] for line in lines)]
            for at, day in reversed([*enumerate(days)])
        ],
    )


def _drawn(line: Line, place: dict[date, int], height: Any) -> dict[str, str]:
    """A number holds until the next day's: right, then up or down."""
    first, *others = line.points
    path = f"M{LEFT} {height(first[1])}" + "".join(f"H{place[day]}V{height(value)}" for day, value in others)
    area = f"{path}V{BOTTOM}H{LEFT}Z" if line.filled else ""
    return {"path": path, "area": area, "tone": line.tone, "label": line.label}


def _marked(mark: Mark, x: int, y: int) -> dict[str, Any]:
    """Return a mark at its place; near the right edge its label stands to the left."""
    left = x > RIGHT - 84
    anchor = {"dx": -8, "anchor": "end"} if left else {"dx": 8, "anchor": "start"}
    return {"x": x, "y": y, "label": mark.label, "title": mark.title, **anchor}
