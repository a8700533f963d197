"""Reconciliation (核对): a reported figure beside the registered count on the same basis and date.

Judged by the figure's qualifier (DESIGN section 5): exact equals; at_least is a floor; nearly is a
ceiling that must be close; about is within five percent. A metric that the registry does not count,
and a figure of unclear scope, are listed as reported only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from django.db.models import QuerySet

from registry.counting.basis import Question
from registry.counting.metric import Metric
from registry.counting.metrics import METRICS
from registry.counting.rollup import count_units
from registry.models import Figure, Qualifier, Unit
from registry.models.hierarchy import Span

CLOSE = 5
"""How far "about" may lie off, and "nearly" below, in percent of the reported value."""


class Verdict(StrEnum):
    """What the comparison says."""

    AGREES = "agrees"
    DIFFERS = "differs"
    REPORTED_ONLY = "reported_only"


@dataclass(frozen=True)
class Comparison:
    """One reported figure and what the registry counts."""

    figure: Figure
    metric: Metric | None
    day: date | None
    registered: int | None
    verdict: Verdict
    explanation: str

    @property
    def difference(self) -> int | None:
        """Registered less reported."""
        if self.registered is None or self.figure.number is None:
            return None
        return self.registered - self.figure.number


def judge(qualifier: str, reported: int, registered: int) -> bool:
    """Say whether a registered count agrees with a reported value under its qualifier."""
    if qualifier == Qualifier.AT_LEAST:
        return registered >= reported
    if qualifier == Qualifier.NEARLY:
        return reported * (100 - CLOSE) <= registered * 100 <= reported * 100
    if qualifier == Qualifier.ABOUT:
        return abs(registered - reported) * 100 <= reported * CLOSE
    return registered == reported


def figures_within(unit: Unit) -> QuerySet[Figure]:
    """Return the valid figures reported of ``unit`` or of a unit below it today."""
    return (
        Figure.objects.valid()
        .filter(unit__tree_id=unit.tree_id, unit__lft__range=(unit.lft, unit.rght))
        .select_related("source", "unit", "organization")
        .order_by("source__number", "code")
    )


def reconcile(figures: Iterable[Figure], scope: tuple[Span, ...] | None = None) -> list[Comparison]:
    """Compare each figure with the registered count of its unit on its basis and day.

    ``scope`` as in ``Question``. Figures of one basis and day are counted together, so the queries
    grow with the number of different days, not with the number of figures.
    """
    rows = list(figures)
    asked: dict[tuple[str, date], dict[int, Unit]] = {}
    for figure in rows:
        day = figure.day
        if _countable(figure) and day is not None and figure.unit is not None:
            asked.setdefault((figure.basis, day), {})[figure.unit.pk] = figure.unit
    made = {figure.metric for figure in rows if "." in figure.metric and figure.metric in METRICS}
    metrics = [*METRICS.values(), *(METRICS[slug] for slug in sorted(made))]
    counted: dict[tuple[str, date, int], dict[str, int]] = {}
    for (basis, day), units in asked.items():
        question = Question(day, basis, scope=scope)
        for pk, line in count_units(units.values(), question, metrics=metrics).items():
            counted[basis, day, pk] = line.counts
    return [_compare(figure, counted) for figure in rows]


def _countable(figure: Figure) -> bool:
    return (
        figure.metric in METRICS
        and figure.is_comparable
        and figure.number is not None
        and figure.organization_id is None
    )


def _compare(figure: Figure, counted: dict[tuple[str, date, int], dict[str, int]]) -> Comparison:
    metric, day = METRICS.get(figure.metric), figure.day
    key = (figure.basis, day, figure.unit_id)
    if metric is None or day is None or figure.number is None or key not in counted or not _countable(figure):
        if figure.number is None:
            why = "报道的是日期、时刻或文字,不是数,只列不算。"
        elif metric is None:
            why = "系统不统计该指标,只列报道数。"
        elif not figure.is_comparable:
            why = "报道口径不清,只列不算。"
        elif figure.organization_id is not None:
            why = "报道的是一个组织的数,系统按单位核对,只列报道数。"
        else:
            why = "报道没有可核对的单位或日期,只列报道数。"
        return Comparison(figure, metric, day, None, Verdict.REPORTED_ONLY, why)
    registered = counted[figure.basis, day, figure.unit_id or 0][figure.metric]
    if judge(figure.qualifier, figure.number, registered):
        return Comparison(figure, metric, day, registered, Verdict.AGREES, "")
    return Comparison(
        figure,
        metric,
        day,
        registered,
        Verdict.DIFFERS,
        f"登记数与报道数相差 {abs(registered - figure.number)}。",
    )
