"""The tables of a comparison: the lines with their first and last numbers, and the days or weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import cached_property

from registry import access
from registry.counting.metrics import CHARTED, METRICS, made_metrics
from registry.counting.rollup import count_units
from registry.counting.shown import Number
from registry.models import Basis, Unit
from registry.models.hierarchy import Moves, Span, UnitHierarchy
from registry.pages.comparison.asked import MOST, Compared, asked_of, comparable
from registry.spreadsheets.sheets import Cell, Head, Kind
from registry.web import charts
from registry.web.columns import Column, Grid
from registry.web.fields import PickerField, ScopedForm
from registry.web.links import Tab, rows_behind
from registry.web.lists import with_query
from registry.web.metrics import MetricField, declared_choices
from registry.web.paper import table_of
from registry.web.periods import PARAMETERS, period_of
from registry.web.tables import Table
from registry.web.text import cleaned

STEPS = {"day": (1, "按日", "日期"), "week": (7, "按周", "每周截至")}
_UNASKED = {"made": None, "made_text": None}
"""What was searched for: once it is found it is a metric as any other."""
BY_DAY_UP_TO = 14
"""A longer period is shown by weeks, unless the address says otherwise."""


@dataclass(frozen=True)
class Step:
    """One row: what each line had on a day, and by how much more that is than a step before."""

    day: date
    numbers: list[Number]
    before: list[Number] | None

    def change(self, at: int) -> Number | None:
        """Return by how much a line grew; None on the first day."""
        return None if self.before is None else self.numbers[at] - self.before[at]


class ComparisonTable(Table[Step]):
    """The days or weeks of the period, the newest first."""

    tab = "对比"
    file = "comparison_export"
    unit_word = "行"
    kept_as = ""  # its columns are the lines

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.period = period_of(request, self.address)
        self.question, problems = comparable(self.question, self.period.until)
        self.asked = asked_of(request)
        self.problems += [*self.asked.problems, *problems]
        by = cleaned(request.GET.get("by", ""))
        if by and by not in STEPS:
            self.problems.append(f"没有名为“{by}”的间隔,没有使用。")
        usual = "day" if self.period.days <= BY_DAY_UP_TO else "week"
        self.by = by if by in STEPS else usual

    @cached_property
    def compared(self) -> list[Compared]:
        """The lines."""
        Moves.after(self.period.since)
        return self.asked.lines(self.period, self.question)

    @property
    def moves(self) -> bool:
        """Whether any number changes in the period."""
        return any(each.moves for each in self.compared)

    # --- What it says ---

    @property
    def title(self) -> str:
        """How many units or metrics there are."""
        if not self.asked.units:
            return "对比"
        if self.asked.is_of_metrics:
            return f"{self.asked.units[0].name}:{len(self.asked.metrics)} 个指标对比"
        return f"{self.asked.metrics[0].title}:{len(self.asked.units)} 个单位对比"

    @property
    def place(self) -> str:
        """The units."""
        return "、".join(unit.name for unit in self.asked.units)

    @property
    def basis_words(self) -> str:
        """The basis in words."""
        return f"{Basis(self.question.basis).label}数,含全部下级"

    @property
    def unit(self) -> Unit | None:
        """The first unit, whose record says that the comparison was taken out."""
        return self.asked.units[0] if self.asked.units else None

    @property
    def file_place(self) -> str:
        """The title names the unit or how many there are."""
        return ""

    @property
    def shown(self) -> dict[str, str]:
        """What the file says that it shows."""
        words = "、".join(metric.title for metric in self.asked.metrics)
        return {"metric": f"指标:{words}", "range": f"区间:{self.period.words}", "by": STEPS[self.by][1]}

    @property
    def then(self) -> list[Span]:
        """The intervals of all the units on the last day."""
        shape = UnitHierarchy.on(self.question.as_of)
        return sorted({span for unit in self.asked.units for span in shape.spans(unit)})

    def waiting(self) -> list[tuple[str, int]]:
        """Return what is not approved of each line on the last day."""
        if not self.asked.units:
            return []
        lines = count_units(self.asked.units, self.question, metrics=self.asked.metrics)
        return [(each.label, lines[each.unit.pk].pending[each.metric.slug]) for each in self.compared]

    # --- Rows and columns ---

    def every(self) -> list[Step]:
        """Return the steps back from the last day to the first, which is one even where none falls on it."""
        if not self.asked.units:
            return []
        length = timedelta(days=STEPS[self.by][0])
        days = [self.period.until]
        while days[-1] > self.period.since:
            days.append(max(days[-1] - length, self.period.since))
        numbers = [dict(each.points) for each in self.compared]
        at = {day: [of[day] for of in numbers] for day in days}
        olds = [*days[1:], None]
        return [Step(day, at[day], at[old] if old else None) for day, old in zip(days, olds, strict=True)]

    def rows_url(self, line: Compared, day: date) -> str:
        """Return the address of the rows behind the number of a line on a day."""
        return rows_behind(
            self.address,
            line.unit.code,
            line.metric.slug,
            as_of=self.address.said(day),
            basis=None if self.question.basis == Basis.CURRENT else self.question.basis,
            since=None,
        )

    @cached_property
    def allowed(self) -> list[Column[Any]]:
        """The day, and for each line its number and its change."""
        columns: list[Column[Any]] = [Column(STEPS[self.by][2], "day", Kind.DATE, is_heading=True)]
        for at, line in enumerate(self.compared):
            columns += [self._number(at, line), _change(at, line)]
        return columns

    def _number(self, at: int, line: Compared) -> Column[Step]:
        return Column(
            line.label,
            lambda step: step.numbers[at],
            Kind.NUMBER,
            url=lambda step: self.rows_url(line, step.day),
            head=Head(line.label, Kind.NUMBER),
        )

    @cached_property
    def grid(self) -> Grid[Step]:
        """The rows of the page."""
        return Grid(self.visible, list(self.page_obj.object_list), css="pairs")

    def file_totals(self) -> Sequence[Cell]:
        """Return the last number of each line and its growth over the period."""
        pairs = [(line.last, line.growth) for line in self.compared]
        return ["期末与增减", *(number for pair in pairs for number in pair)]

    def asked_along(self) -> list[str]:
        """Return all the units, where the record names only the first."""
        return [self.place] if len(self.asked.units) > 1 else []

    def as_file(self) -> HttpResponseBase:
        """Answer with the comparison as a file; without a unit there is none."""
        if not self.asked.units:
            raise Http404("请先选择要对比的单位。")
        return super().as_file()

    def paper_more(self) -> dict[str, Any]:
        """Add the chart and the summary."""
        summary = self.summary
        return {
            "paper_template": "pages/comparison/paper.html",
            "chart": self.chart,
            "summary": table_of(summary.columns, summary.rows),
            "most_grown": self.most_grown,
        }

    def context(self) -> dict[str, Any]:
        """Add the form, the metrics of one unit, the path."""
        found = super().context()
        return found | {
            "subtitle": f"{self.basis_words};最多 {MOST} 个单位,或一个单位的 {MOST} 个指标",
            "crumbs": self.crumbs,
            "export_url": found["export_url"] if self.asked.units else "",
            "filters": self.form(),
            "filters_label": "单位与指标",
            "others": self.others,
            "chips": self.metric_chips,
            "clear_url": "",
        }

    @property
    def summary(self) -> Grid[Compared]:
        """The lines with their first, last and largest numbers."""
        first, last = self.period.since, self.period.until
        return Grid(
            (
                Column(
                    "指标" if self.asked.is_of_metrics else "单位",
                    "label",
                    cell="pages/comparison/cells/line.html",
                    is_heading=True,
                ),
                Column("期初", "first", Kind.NUMBER, url=lambda line: self.rows_url(line, first)),
                Column("期末", "last", Kind.NUMBER, url=lambda line: self.rows_url(line, last)),
                Column("增减", "growth", Kind.NUMBER, is_change=True),
                Column("最高", lambda line: line.peak[0], Kind.NUMBER, rank=2),
                Column("最高日", lambda line: line.peak[1], Kind.DATE, rank=2),
            ),
            self.compared,
        )

    # --- The chart and what is chosen ---

    @property
    def chart(self) -> charts.Chart:
        """The lines in one picture."""
        lines = [charts.Line(each.label, each.points, each.tone) for each in self.compared]
        return charts.day_chart(lines, title=self.title)

    @property
    def most_grown(self) -> str:
        """Which line grew most, in a sentence."""
        best = max(self.compared, key=lambda each: each.growth)
        if best.growth <= 0 or len(self.compared) < 2:
            return ""
        return f"{self.period.days} 日内增加最多:{best.label}(增加 {best.growth:,})。"

    def form(self) -> ScopedForm:
        """Return the form that adds and removes units, and chooses the metric or adds one."""
        asked = self.asked
        slugs = [metric.slug for metric in asked.metrics]
        several = asked.is_of_metrics
        choices: list[Any] = [("", "选择指标"), *declared_choices(slugs if several else ())]
        if not several and slugs[0] in made_metrics():
            choices.append(("台账指标", [(slugs[0], asked.metrics[0].title)]))
        fields: dict[str, forms.Field] = {
            "unit": PickerField("unit", multiple=True, required=False, label=f"单位(最多 {MOST} 个)"),
            "metric": forms.ChoiceField(
                choices=choices,
                required=False,
                label="添加指标" if several else "指标",
                initial="" if several else slugs[0],
            ),
        }
        if made_metrics():
            fields["made"] = MetricField(required=False, label="台账指标")
        made = type("Compare", (ScopedForm,), fields)
        form: ScopedForm = made(user=self.user, initial={"unit": asked.units}, auto_id="compare_%s")
        return form

    @property
    def others(self) -> list[tuple[str, str]]:
        """What else the address holds; of one unit also its metrics, to which one is added."""
        kept = [*("campaign", "as_of", "basis", "by"), *PARAMETERS]
        held = [(name, self.request.GET[name]) for name in kept if self.request.GET.get(name)]
        metrics = self.asked.metrics if self.asked.is_of_metrics else []
        return [*held, *(("metric", metric.slug) for metric in metrics)]

    @property
    def metric_tabs(self) -> list[Tab]:
        """The usual metrics: label, address, whether it is the one compared. Of one unit there are none."""
        if self.asked.is_of_metrics or not self.asked.units:
            return []
        chosen = self.asked.metrics[0].slug
        return [
            Tab(str(METRICS[slug].label), with_query(self.request, metric=slug, **_UNASKED), slug == chosen)
            for slug in CHARTED
        ]

    @property
    def metric_chips(self) -> list[dict[str, str]]:
        """The metrics of one unit, each with the address of the page without it."""
        if not self.asked.is_of_metrics:
            return []
        chips = []
        for metric in self.asked.metrics:
            query = self.request.GET.copy()
            for name in _UNASKED:
                query.pop(name, None)
            query.setlist("metric", [each.slug for each in self.asked.metrics if each is not metric])
            chips.append({"label": metric.title, "remove_url": f"{self.request.path}?{query.urlencode()}"})
        return chips

    @property
    def step_tabs(self) -> list[Tab]:
        """Days or weeks."""
        return [
            Tab(label, f"{with_query(self.request, by=by)}#steps", by == self.by)
            for by, (_days, label, _head) in STEPS.items()
        ]

    @property
    def basis_tabs(self) -> list[Tab]:
        """Current or cumulative."""
        bases = (Basis.CURRENT, Basis.CUMULATIVE)
        return [
            Tab(
                str(basis.label),
                with_query(self.request, basis=None if basis == Basis.CURRENT else basis.value, since=None),
                basis == self.question.basis,
            )
            for basis in bases
        ]

    @cached_property
    def above(self) -> Unit | None:
        """The unit whose metrics are compared, or the superior that all the units have, if it is in scope."""
        units = self.asked.units
        if self.asked.is_of_metrics:
            return units[0]
        if len({unit.parent_id for unit in units}) != 1 or units[0].parent is None:
            return None
        return units[0].parent if access.inside(units[0].parent, access.spans(self.user)) else None

    @property
    def crumbs(self) -> list[dict[str, str]]:
        """The way here from the unit above."""
        here = {"name": "对比", "url": ""}
        if self.above is None:
            return [here]
        return [{"name": self.above.label, "url": self.address.url(self.above.get_absolute_url())}, here]


def _change(at: int, line: Compared) -> Column[Step]:
    return Column(
        "增减",
        lambda step: step.change(at),
        Kind.NUMBER,
        is_change=True,
        rank=2,
        head=Head(f"{line.label}增减", Kind.NUMBER),
    )
