"""The geometry of charts (templates/parts/line_chart.html); colours and type are the stylesheet's.

Axis, plot and labels are pictures of their own: only the plot stretches to the width of its card, so that no
text is ever scaled (docs/decisions/0027-charts.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from math import ceil
from typing import Any

from registry.counting.shown import Number

HEIGHT, LOW = 208, 132
"""How high a plot is; low where what stands below it should be on the first screen too."""
DAY = 10
"""The width of a day in the plot, before it stretches."""
LABEL_GAP = 16
LONGEST_LABEL = 10
MOST_POINTS = 370
"""A longer course is drawn with one point a week."""

TONES = ("red", "ink", "gold", "grey", "red dotted", "ink dotted")
"""The lines of a comparison in their order. Each has its colour, its dash and its end mark (``MARKS``)."""
MARKS = {
    "red": "M5 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z",
    "ink": "M5-4h8v8h-8Z",
    "gold": "M9-5l5 9h-10Z",
    "grey": "M9-5l5 5-5 5-5-5Z",
    "red dotted": "M5 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z",
    "ink dotted": "M5-4h8v8h-8Z",
}

Points = Sequence[tuple[date, Number]]


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
    value: Number
    label: str
    title: str


@dataclass(frozen=True)
class Hit:
    """A day of the plot: where it is, the strip in which the pointer finds it, what is said of it."""

    at: int
    x: int
    width: int
    title: str


@dataclass(frozen=True)
class Chart:
    """The data of the template. Numbers of the geometry are whole or text, which no locale changes."""

    text: str
    width: int
    height: int
    axis: list[tuple[int, str]]
    grid: str
    """The lines across the plot at the height of each."""
    days: list[dict[str, str]]
    lines: list[dict[str, str]]
    hits: list[Hit]
    ends: list[dict[str, Any]]
    """The name and the last number of each line, beside its end."""
    ends_width: int
    marks: list[dict[str, Any]]
    head: list[str]
    rows: list[list[Any]]

    @property
    def is_low(self) -> bool:
        """Whether its plot is a low one."""
        return self.height < HEIGHT


SPARK_WIDTH, SPARK_HEIGHT, _SPARK_EDGE = 76, 22, 3


@dataclass(frozen=True)
class Spark:
    """The way of a number in the space of a word; ``path`` is empty where it did not move."""

    path: str
    end: tuple[int, int]
    words: str


def spark_of(numbers: Sequence[Number]) -> Spark:
    """Lay out a sparkline: from the least of the numbers to the largest of them."""
    low, high = min(numbers, default=0), max(numbers, default=0)
    if low == high:
        return Spark("", (0, 0), "没有变动")
    tall, range_of = SPARK_HEIGHT - 2 * _SPARK_EDGE, high - low
    at = {number: _SPARK_EDGE + round(tall * (high - number) / range_of) for number in set(numbers)}
    across = _across(len(numbers))
    path = "M" + "L".join([f"{x} {at[number]}" for x, number in zip(across, numbers, strict=True)])
    return Spark(path, (across[-1], at[numbers[-1]]), f"由 {numbers[0]:,} 到 {numbers[-1]:,}")


@cache
def _across(number: int) -> list[int]:
    """Return how far to the right each of so many points stands."""
    wide = SPARK_WIDTH - 2 * _SPARK_EDGE
    return [_SPARK_EDGE + round(wide * at / (number - 1)) for at in range(number)]


def steps(largest: Number, wanted: int = 4) -> list[int]:
    """Return round numbers from 0 to at least ``largest``, about ``wanted`` steps apart."""
    largest = ceil(largest)
    if largest <= 0:
        return [0, 1]
    step, size = 1, 1
    while True:
        for step in (size, 2 * size, 5 * size):
            if step * wanted >= largest:
                return list(range(0, step * -(-largest // step) + 1, step))
        size *= 10


def day_chart(
    lines: Sequence[Line],
    marks: Sequence[Mark] = (),
    *,
    title: str,
    head: str = "",
    height: int = HEIGHT,
) -> Chart:
    """Lay out a chart of lines by day. All lines have the same days.

    ``title`` begins the text alternative. ``head`` is the heading of the days in the table behind the chart;
    without it there is no such table.
    """
    days = [day for day, _ in lines[0].points]
    first, last = days[0], days[-1]
    values = [value for line in lines for _, value in line.points]
    top = steps(max([*values, *(mark.value for mark in marks)]))
    width = max(1, (last - first).days) * DAY
    plot = _Plot(first, width, top[-1], height)
    drawn = thinned(days)
    numbers = [dict(line.points) for line in lines]
    summary = ";".join(f"{line.label}由 {line.points[0][1]} 到 {line.points[-1][1]}" for line in lines)
    return Chart(
        text=f"{title}:{first:%Y-%m-%d} 至 {last:%Y-%m-%d},{summary}。",
        width=width,
        height=height,
        axis=[(plot.y(tick), f"{tick:,}") for tick in top],
        grid="".join(f"M0 {plot.y(tick)}H{width}" for tick in top),
        days=_ticks(days, plot),
        lines=[
            plot.drawn(line, [(day, of[day]) for day in drawn])
            for line, of in zip(lines, numbers, strict=True)
        ],
        hits=_hits(drawn, plot, [_said(day, lines, numbers, marks, first.year < last.year) for day in drawn]),
        ends=_ends(lines, plot),
        ends_width=20 + max(_width_of(f"{shortened(line.label)} {line.points[-1][1]:,}") for line in lines),
        marks=[_marked(mark, plot) for mark in marks if first <= mark.day <= last],
        head=[head, *(line.label for line in lines)],
        rows=[[f"{day:%Y-%m-%d}", *(of[day] for of in numbers)] for day in reversed(drawn)] if head else [],
    )


@dataclass(frozen=True)
class _Plot:
    """Where days and numbers are in the plot."""

    first: date
    width: int
    highest: int
    height: int

    def x(self, day: date) -> int:
        """Return where a day is."""
        return (day - self.first).days * DAY

    def share(self, day: date) -> str:
        """Return the same as a share of the width, for what does not stretch."""
        return f"{100 * self.x(day) / self.width:.4g}%"

    def y(self, value: Number) -> int:
        """Return how far from the top a number is."""
        return self.height - round(self.height * value / self.highest)

    def drawn(self, line: Line, points: Points) -> dict[str, str]:
        """Draw a line: a number holds until the next day's, so right, then up or down."""
        at = points[0][1]
        path = f"M0 {self.y(at)}"
        for day, value in points[1:]:
            if value != at:
                path, at = f"{path}H{self.x(day)}V{self.y(value)}", value
        path += f"H{self.width}"
        return {"path": path, "area": f"{path}V{self.height}H0Z" if line.filled else "", "tone": line.tone}


def thinned(days: Sequence[date]) -> list[date]:
    """Return the days that are drawn: all, or of very many the first and one a week up to the last."""
    if len(days) <= MOST_POINTS:
        return list(days)
    weekly = list(days[::-1][::7])[::-1]
    return weekly if weekly[0] == days[0] else [days[0], *weekly]


def _ticks(days: Sequence[date], plot: _Plot) -> list[dict[str, str]]:
    """Return the words of up to five days; every other one is left out where there is little room."""
    last = len(days) - 1
    form = "%Y-%m" if last > 300 else "%m-%d"
    parts = next((parts for parts in (4, 3, 2) if last % parts == 0), 4)
    places = sorted({round(last * part / parts) for part in range(parts + 1)})
    anchors = {0: "start", last: "end"}
    return [
        {
            "x": plot.share(days[at]),
            "anchor": anchors.get(at, "middle"),
            "label": f"{days[at]:{form}}",
            "css": "minor" if number % 2 else "",
        }
        for number, at in enumerate(places)
    ]


def day_words(day: date, with_year: bool = False) -> str:
    """Return a day as sentences say it."""
    return f"{day.year}年" * with_year + f"{day.month}月{day.day}日"


def _said(
    day: date,
    lines: Sequence[Line],
    numbers: Sequence[dict[date, Number]],
    marks: Sequence[Mark],
    with_year: bool,
) -> str:
    """Return what is said of a day: the number of each line, and what was reported."""
    said = [f"{line.label} {of[day]:,}" for line, of in zip(lines, numbers, strict=True)]
    return ",".join(
        [
            f"{day_words(day, with_year)} {said[0]}",
            *said[1:],
            *(mark.title for mark in marks if mark.day == day),
        ]
    )


def _hits(days: Sequence[date], plot: _Plot, said: Sequence[str]) -> list[Hit]:
    """Return for each day the strip that reaches half-way to its neighbours."""
    at = [plot.x(day) for day in days]
    edges = [0, *((one + other) // 2 for one, other in pairwise(at)), plot.width]
    return [
        Hit(x, left, right - left, words)
        for x, (left, right), words in zip(at, pairwise(edges), said, strict=True)
    ]


def shortened(label: str) -> str:
    """Return a name as there is room for it beside the end of a line."""
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def _width_of(text: str) -> int:
    """Return about how wide a text of 12 px is."""
    return sum(12 if ord(char) > 0x2E7F or char == "…" else 8 for char in text)


def _ends(lines: Sequence[Line], plot: _Plot) -> list[dict[str, Any]]:
    """Return the labels at the ends of the lines, moved apart with a thin leader where they would touch."""
    ends = [plot.y(line.points[-1][1]) for line in lines]
    return [
        {
            "tone": line.tone,
            "name": shortened(line.label),
            "value": f"{line.points[-1][1]:,}",
            "mark": MARKS.get(line.tone, ""),
            "y": y,
            "leader": f"M0 {end}L5 {y}" if y != end else "",
        }
        for line, end, y in zip(lines, ends, apart(ends, room=plot.height), strict=True)
    ]


def apart(wanted: Sequence[int], room: int = HEIGHT) -> list[int]:
    """Return heights at least ``LABEL_GAP`` apart, each as near as can be to where it is wanted."""
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    groups: list[list[int]] = []

    def start(group: list[int]) -> int:
        middle = round(sum(wanted[at] for at in group) / len(group))
        length = LABEL_GAP * (len(group) - 1)
        return max(0, min(middle - length // 2, room - length))

    for at in order:
        groups.append([at])
        while len(groups) > 1 and start(groups[-1]) < start(groups[-2]) + LABEL_GAP * len(groups[-2]):
            groups[-2:] = [groups[-2] + groups[-1]]
    placed = {at: start(group) + LABEL_GAP * place for group in groups for place, at in enumerate(group)}
    return [placed[at] for at in range(len(wanted))]


def _marked(mark: Mark, plot: _Plot) -> dict[str, Any]:
    """Return a mark at its place; near the right edge its label stands to the left."""
    left = plot.x(mark.day) * 8 > plot.width * 7
    anchor = {"dx": -8, "anchor": "end"} if left else {"dx": 8, "anchor": "start"}
    return {"x": plot.share(mark.day), "y": plot.y(mark.value), "label": mark.label, **anchor}
