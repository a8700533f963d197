"""What a comparison is about, read from its address: the units, the metrics, the lines that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest
from django.urls import reverse

from registry import access
from registry.counting.basis import Question
from registry.counting.metric import Metric
from registry.counting.metrics import CHARTED, METRICS
from registry.counting.series import Course, courses_of
from registry.counting.shown import Number
from registry.models import Unit
from registry.search.named import find_by_code_or_name
from registry.web.address import Address
from registry.web.charts import TONES
from registry.web.fields import split_keys
from registry.web.metrics import MetricWidget, picked_metrics, seen_metrics
from registry.web.periods import Period
from registry.web.text import cleaned

Row = TypeVar("Row", Unit, Metric)

MOST = len(TONES)
"""At most so many lines are told apart."""


@dataclass(frozen=True)
class Compared:
    """One line: a metric of a unit with all below it, on each day of the period."""

    unit: Unit
    metric: Metric
    label: str
    tone: str
    points: Course

    @property
    def first(self) -> Number:
        """The number of the first day."""
        number: Number = self.points[0][1]
        return number

    @property
    def last(self) -> Number:
        """The number of the last day."""
        number: Number = self.points[-1][1]
        return number

    @property
    def growth(self) -> Number:
        """By how much it grew from the first day to the last."""
        return self.last - self.first

    @property
    def peak(self) -> tuple[Number, str]:
        """The largest number and the first day that had it."""
        day, number = max(self.points, key=lambda point: point[1])
        return number, day.isoformat()

    @property
    def moves(self) -> bool:
        """Whether the number is not the same on all days."""
        return len({number for _day, number in self.points}) > 1


@dataclass(frozen=True)
class Asked:
    """The units and the metrics of the address, and what of it could not be used."""

    units: list[Unit]
    metrics: list[Metric]
    problems: tuple[str, ...]

    @property
    def is_of_metrics(self) -> bool:
        """Whether one unit's metrics are compared, not units."""
        return len(self.units) == 1

    def lines(self, period: Period, question: Question) -> list[Compared]:
        """Count each line for each day: one query of the totals."""
        found = courses_of(self.units, self.metrics, period.since, period.until, question, [question.basis])
        pairs = [(unit, metric) for unit in self.units for metric in self.metrics]
        return [
            Compared(
                unit,
                metric,
                metric.title if self.is_of_metrics else unit.label,
                tone,
                found[unit.pk, question.basis, metric.slug],
            )
            for (unit, metric), tone in zip(pairs, TONES, strict=False)
        ]


def asked_of(request: HttpRequest) -> Asked:
    """Read ``unit`` (codes; ``unit_text``: names or codes as typed) and ``metric``. Out of scope is 404."""
    units, problems = _units(request)
    metrics, unknown = _metrics(request, len(units))
    problems += unknown
    if units and len(units) * len(metrics) < 2:
        problems.append("只有一条线。请再添加一个单位,或者给这个单位添加一个指标。")
    return Asked(units, metrics, tuple(problems))


def comparison_query(
    address: Address, units: Sequence[str], metrics: Sequence[str], period: Period
) -> list[tuple[str, str]]:
    """Return the parameters of a comparison of these units (codes) and metrics (slugs) over a period."""
    day_asked = {"basis": None, "since": None} if address.question.is_period else {}
    kept = [(name, value) for name, value in period.kept.items() if value]
    return [
        *parse_qsl(address.query(**day_asked)),
        *kept,
        *(("unit", code) for code in units),
        *(("metric", slug) for slug in metrics),
    ]


def comparison_url(address: Address, units: Sequence[str], metrics: Sequence[str], period: Period) -> str:
    """Return the address of the same comparison."""
    return f"{reverse('comparison')}?{urlencode(comparison_query(address, units, metrics, period))}"


def comparable(question: Question, until: date) -> tuple[Question, tuple[str, ...]]:
    """Return the question of the last day; new and ended are of a period, so no line shows them."""
    on_last = question.on(until)
    if not question.is_period:
        return on_last, ()
    return on_last.current(), ("对比的是每日的现有数或累计数,没有新增、撤销;已显示现有数。",)


def _units(request: HttpRequest) -> tuple[list[Unit], list[str]]:
    codes = list(dict.fromkeys(filter(None, map(cleaned, request.GET.getlist("unit")))))
    seen = access.visible(request.user, Unit.objects.filter(code__in=codes)) if codes else ()
    by_code = {unit.code: unit for unit in seen}
    # One that was not found so stands for another, or is refused with the words of every page.
    units = [by_code.get(code) or access.get_unit(request.user, code) for code in codes]
    problems = []
    typed = split_keys(request.GET.get("unit_text", ""))
    for word, found in find_by_code_or_name(request.user, "unit", typed, access.SEE).items() if typed else ():
        if len(found) == 1:
            units.append(found[0])
        else:
            why = "有多个,请填写单位代码" if found else "没有找到,请检查名称或代码"
            problems.append(f"单位“{word}”{why}。")
    units = list({unit.pk: unit for unit in units}.values())
    return _at_most(units, "单位", problems), problems


def _metrics(request: HttpRequest, units: int) -> tuple[list[Metric], list[str]]:
    """Return the metrics of the address; what was searched for (``made``) is one of several units' alone."""
    slugs = list(dict.fromkeys(filter(None, map(cleaned, request.GET.getlist("metric")))))
    searched = MetricWidget().value_from_datadict(request.GET, {}, "made")
    known = seen_metrics(request.user, slugs)
    problems = [f"没有名为“{slug}”的统计指标,没有使用。" for slug in slugs if slug not in known]
    found, unknown = picked_metrics(request.user, searched)
    asked = [*(found if units > 1 else ()), *known.values(), *(() if units > 1 else found)]
    metrics = list(dict.fromkeys(asked)) or [METRICS[CHARTED[0]]]
    problems += unknown
    if units > 1 and len(metrics) > 1:
        if not found:
            problems.append(f"几个单位只能对比一个指标,已显示“{metrics[0].title}”。")
        metrics = metrics[:1]
    return _at_most(metrics, "指标", problems), problems


def _at_most(rows: Sequence[Row], word: str, problems: list[str]) -> list[Row]:
    """Return the first rows, and say which are left out."""
    if len(rows) > MOST:
        left = "、".join(getattr(each, "title", each.label) for each in rows[MOST:])
        problems.append(f"一次最多对比 {MOST} 个{word},没有显示:{left}。")
    return list(rows[:MOST])
