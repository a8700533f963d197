"""Reported figures beside registered counts, and the articles that report them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.paginator import Page
from django.db.models import Count, Q
from django.urls import reverse
from django.utils.functional import cached_property

from registry import access
from registry.counting.metrics import measured
from registry.counting.reconciliation import Comparison, Verdict, reconcile
from registry.models import Figure, FigureCategory, Qualifier, Source, Unit
from registry.models.base import in_spans
from registry.spreadsheets.sheets import Head, Kind
from registry.web.address import Address
from registry.web.columns import Column, Grid, tag_cell
from registry.web.drill import rows_url, unit_of
from registry.web.filters import ChoiceFilter, TextFilter, UnitFilter
from registry.web.lists import paged, with_query
from registry.web.tables import Empty, Table
from registry.web.templatetags.parts import thousands

FOLDED_SHOWN = 100
VERDICTS = {Verdict.AGREES: "一致", Verdict.DIFFERS: "不一致", Verdict.REPORTED_ONLY: "仅报道"}
TONES = {Verdict.AGREES: "ok", Verdict.DIFFERS: "warn", Verdict.REPORTED_ONLY: "plain"}


# --- Figures --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ListedFigure:
    """One figure as the pages show it, beside its count."""

    address: Address
    comparison: Comparison
    may_edit: bool = False
    """Whether the user may correct and withdraw it: the page of its source then says so."""

    @property
    def figure(self) -> Figure:
        """The figure itself."""
        return self.comparison.figure

    @property
    def value(self) -> str:
        """The value as the source puts it."""
        return reported_value(self.figure)

    @property
    def shown(self) -> str:
        """The value as a page shows it: a count with commas."""
        number = self.figure.number
        return self.value if number is None else self.value.replace(str(number), thousands(number))

    @property
    def days(self) -> str:
        """The day, or what bounds it."""
        return reported_days(self.figure)

    @property
    def verdict(self) -> str:
        """Whether both agree, in words."""
        row, difference = self.comparison, self.comparison.difference
        if row.verdict == Verdict.DIFFERS and difference is not None:
            return f"不一致 {'多' if difference > 0 else '少'} {thousands(abs(difference))}"
        return VERDICTS[row.verdict]

    @property
    def tone(self) -> str:
        """The tone of the verdict."""
        return TONES[self.comparison.verdict]

    @property
    def measure(self) -> str:
        """The measure word of the count."""
        return measured(self.comparison.metric) if self.comparison.metric else ""

    @property
    def rows_url(self) -> str:
        """The rows behind the registered count: on the figure's day and basis, of every campaign."""
        row, figure = self.comparison, self.figure
        if row.registered is None or row.metric is None or row.day is None or figure.unit is None:
            return ""
        return rows_url(row.metric, figure.unit, self.address, day=row.day, basis=figure.basis)

    @property
    def unit_url(self) -> str:
        """The page of the unit that the figure is about."""
        return self.address.url(self.figure.unit.get_absolute_url()) if self.figure.unit else ""


def _by_unit(row: Comparison) -> tuple[int, int]:
    unit = row.figure.unit
    return (unit.tree_id, unit.lft) if unit else (0, 0)


def _by_verdict(row: Comparison) -> tuple[int, int]:
    return list(VERDICTS).index(row.verdict), abs(row.difference or 0)


def _sources(table: FigureTable) -> list[tuple[str, str]]:
    known = {row.figure.source.number: row.figure.source for row in table.compared}
    return [(str(number), f"{number} {source.title[:18]}") for number, source in sorted(known.items())]


def _categories(table: FigureTable) -> list[tuple[str, str]]:
    there = {row.figure.category for row in table.compared}
    return [(key, word) for key, word in FigureCategory.choices if key in there]


class FigureTable(Table[ListedFigure]):
    """Every figure reported of a unit's subtree, beside the registered count on its own basis and day."""

    title = "来源核对"
    file_title = "报道数与登记数核对"
    file = "reconciliation_export"
    heading = "报道数与登记数"
    unit_word = "项"
    nothing_found = "没有符合筛选条件的报道数。"
    is_dated = False
    default_sort = "source"
    columns: Sequence[Column[ListedFigure]] = (
        Column(
            "指标",
            "figure.label",
            key="label",
            sort=lambda row: row.figure.label,
            cell="reports/reconciliation/cells/label.html",
            css="text",
            is_heading=True,
        ),
        Column("报道数编号", "figure.code", Kind.CODE, only="file"),
        Column("文中的组织", "figure.organization.name", only="file"),
        Column(
            "来源",
            "figure.source.number",
            key="source",
            sort=lambda row: (row.figure.source.number, row.figure.code),
            cell="reports/reconciliation/cells/source.html",
            head=Head("来源", Kind.NUMBER),
        ),
        Column("来源标题", "figure.source.title", only="file"),
        Column(
            "单位", "figure.unit.name", key="unit", sort=_by_unit, url="unit_url", text="figure.unit.label"
        ),
        Column(
            "日期",
            "days",
            key="day",
            sort=lambda row: row.day.toordinal() if row.day else 0,
            css="num",
            rank=2,
            head=Head("报道日期"),
        ),
        Column("口径", "figure.get_basis_display", rank=2),
        Column(
            "报道",
            "value",
            key="reported",
            sort=lambda row: -1 if row.figure.number is None else row.figure.number,
            text="shown",
            cell="reports/reconciliation/cells/reported.html",
            kind=Kind.NUMBER,
            head=Head("报道"),
        ),
        Column("报道计量", "figure.measure", only="file"),
        Column(
            "登记",
            "comparison.registered",
            Kind.NUMBER,
            key="registered",
            sort=lambda row: -1 if row.registered is None else row.registered,
            cell="reports/reconciliation/cells/registered.html",
        ),
        Column("登记计量", "measure", only="file"),
        Column(
            "核对日期",
            lambda row: row.comparison.day if row.comparison.registered is not None else None,
            Kind.DATE,
            only="file",
        ),
        Column("结论", "verdict", key="verdict", sort=_by_verdict, cell=tag_cell),
        Column("说明", "comparison.explanation", only="file"),
    )
    filters = (
        UnitFilter(),
        ChoiceFilter(
            "verdict",
            "结论",
            lambda table, rows, value: [row for row in rows if row.verdict == value],
            choices=[(key.value, word) for key, word in VERDICTS.items()],
        ),
        ChoiceFilter(
            "source",
            "来源",
            lambda table, rows, value: [row for row in rows if str(row.figure.source.number) == value],
            chip=lambda table, value: f"来源:{value}",
            choices=_sources,
            is_open=True,
        ),
        ChoiceFilter(
            "category",
            "类别",
            lambda table, rows, value: [row for row in rows if row.figure.category == value],
            choices=_categories,
            is_open=True,
        ),
        ChoiceFilter(
            "countable",
            "范围",
            lambda table, rows, value: [row for row in rows if row.verdict != Verdict.REPORTED_ONLY],
            chip="{}",
            choices=[("1", "只看可核对的")],
        ),
    )

    @cached_property
    def unit(self) -> Unit | None:
        """The unit of the address, or the user's top unit when there is one only."""
        unit = unit_of(self.request) or access.only_unit(self.user)
        if unit is not None:
            self.request.current_unit = unit.code  # type: ignore[attr-defined]
        return unit

    @property
    def place_chips(self) -> dict[str, str]:
        """The unit, if the address itself names one."""
        is_named = self.unit and (self.request.GET.get("unit") or self.request.GET.get("unit_text"))
        return self.chip_of_unit(self.place) if is_named else {}

    @cached_property
    def compared(self) -> list[Comparison]:
        """Every figure of the unit, whatever the filters."""
        unit = self.unit
        rows = Figure.objects.valid().select_related("source", "unit", "organization")
        rows = rows.order_by("source__number", "code")
        if unit is None:
            rows = rows.filter(in_spans(access.spans(self.user), "unit__"))
        else:
            rows = rows.filter(unit__tree_id=unit.tree_id, unit__lft__range=(unit.lft, unit.rght))
        return list(reconcile(rows, self.question.scope))

    def every(self) -> list[Comparison]:
        """Return every figure of the unit."""
        return self.compared

    @cached_property
    def ordered(self) -> list[Comparison]:
        """The figures in order: in any, those that can be compared come first."""
        return sorted(super().ordered, key=lambda row: row.verdict == Verdict.REPORTED_ONLY)

    @cached_property
    def number_compared(self) -> int:
        """How many of the listed figures stand beside a count."""
        return sum(row.verdict != Verdict.REPORTED_ONLY for row in self.ordered)

    @cached_property
    def page_obj(self) -> Page[Comparison]:
        """The page of the address: of what can be compared, if anything can."""
        return paged(self.request, self.ordered[: self.number_compared or None])

    @cached_property
    def folded(self) -> Grid[ListedFigure] | None:
        """The first of those that are reported only, which stand folded below what can be compared."""
        rest = self.ordered[self.number_compared :] if self.number_compared else []
        shown = self.lines(rest[:FOLDED_SHOWN])
        return Grid(self.visible, shown, css=self.css) if shown else None

    @property
    def number_folded(self) -> int:
        """How many they are."""
        return len(self.ordered) - self.number_compared

    def lines(self, found: list[Comparison]) -> list[ListedFigure]:
        """Return these figures in the words of the pages."""
        return [ListedFigure(self.address, row) for row in found]

    def summary(self) -> list[dict[str, Any]]:
        """Count the figures by verdict; each number leads to its lines."""
        made = summed_up(self.rows)
        for verdict, each in zip(VERDICTS, made, strict=True):
            each["url"] = self.url_of(verdict)
        return made

    def url_of(self, verdict: Verdict) -> str:
        """Return the address of the listed figures with this verdict."""
        return with_query(self.request, verdict=verdict.value)

    @property
    def folded_url(self) -> str:
        """The list of those that are reported only."""
        return self.url_of(Verdict.REPORTED_ONLY)

    @property
    def empty(self) -> Empty:
        """Without filters, the sources may help."""
        if self.is_filtered:
            return Empty(self.nothing_found, self.clear_url, "清除筛选")
        url = self.address.url(reverse("sources"))
        return Empty("没有关于这个单位及其下级的报道数。", url, "查看全部来源")

    def file_notes(self) -> list[str]:
        """Return what the counts are asked by."""
        return ["登记数按每条报道自己的口径和日期统计,不分专项任务。"]


def summed_up(rows: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Count figures by verdict."""
    numbers = Counter(row.verdict for row in rows)
    return [
        {"word": word, "number": numbers[verdict], "tone": TONES[verdict], "url": ""}
        for verdict, word in VERDICTS.items()
    ]


def reported_value(figure: Figure) -> str:
    """Return the value with the word the source puts to it: 13, 约100000, 3000余 or 40以上, 近80000."""
    value = figure.value
    if figure.qualifier == Qualifier.ABOUT:
        return value if "约" in value else f"约{value}"
    if figure.qualifier == Qualifier.NEARLY:
        return value if "近" in value else f"近{value}"
    if figure.qualifier == Qualifier.AT_LEAST:
        return value if any(word in value for word in ("余", "多", "以上")) else f"{value}以上"
    return value


def reported_days(figure: Figure) -> str:
    """Return the figure's day, or the bounds that its article's date allows."""
    return _days(figure.as_of, figure.earliest, figure.latest)


def _days(day: date | None, earliest: date | None, latest: date | None) -> str:
    """Return a day, or what bounds it, in words."""
    if day is not None or (earliest is not None and earliest == latest):
        return f"{day or earliest:%Y-%m-%d}"
    if earliest is not None and latest is not None:
        return f"{earliest:%Y-%m-%d} 至 {latest:%Y-%m-%d} 之间"
    if earliest is not None:
        return f"{earliest:%Y-%m-%d} 以后"
    return f"{latest:%Y-%m-%d} 以前" if latest is not None else "未注明"


# --- Sources --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ListedSource:
    """One article, with the number of its figures in the user's scope."""

    address: Address
    source: Any

    @property
    def url(self) -> str:
        """The article's page."""
        return self.address.url(reverse("source", args=[self.source.number]))

    @property
    def days(self) -> str:
        """When it was published, or what bounds it."""
        return published_days(self.source)

    @property
    def state(self) -> str:
        """Whether it was withdrawn."""
        return "已撤回" if self.source.is_withdrawn else "有效"

    @property
    def tone(self) -> str:
        """The tone of the state."""
        return "plain" if self.source.is_withdrawn else "ok"


def published_days(source: Source) -> str:
    """Return when an article was published, or what bounds it."""
    return _days(source.published_on, source.earliest, source.latest)


def _named(table: SourceTable, rows: Any, text: str) -> Any:
    return rows.filter(Q(title__icontains=text) | Q(publisher__icontains=text))


class SourceTable(Table[ListedSource]):
    """The published articles."""

    title = "来源"
    file_title = "来源目录"
    file = "sources_export"
    unit_word = "篇"
    nothing = "还没有来源,由管理员登记。"
    nothing_found = "没有符合筛选条件的来源。"
    is_dated = False
    default_sort = "number"
    columns: Sequence[Column[ListedSource]] = (
        Column("标题", "source.title", key="title", sort=("title",), url="url", css="text", is_heading=True),
        Column("编号", "source.number", Kind.NUMBER, key="number", sort=("number",)),
        Column("发布单位", "source.publisher", css="text", rank=3),
        Column(
            "发布日期",
            "source.published_on",
            key="published",
            sort=("published_on", "latest", "number"),
            text="days",
            css="num text",
            head=Head("发布日期", Kind.DATE),
        ),
        Column(
            "最早",
            lambda row: None if row.source.published_on else row.source.earliest,
            Kind.DATE,
            only="file",
        ),
        Column(
            "最晚", lambda row: None if row.source.published_on else row.source.latest, Kind.DATE, only="file"
        ),
        Column("地区", "source.region", rank=3),
        Column("报送单位", "source.reporting_organ", css="text", rank=3),
        Column("可查看的报道数", "source.seen", Kind.NUMBER, key="figures", sort=("seen",), url="url"),
        Column("状态", "state", cell=tag_cell, seen_by=lambda table: table.wanted["state"]),
    )
    filters = (
        ChoiceFilter("state", "状态", choices=[("withdrawn", "已撤回"), ("all", "全部")], anything="有效"),
        TextFilter("q", "标题、发布单位", _named),
    )

    def every(self) -> Any:
        """Return the articles that the user sees with the number of their figures in scope."""
        seen = in_spans(access.spans(self.user), "figures__unit__")
        seen |= Q(figures__unit__isnull=True, figures__isnull=False)
        number = Count("figures", filter=seen & Q(figures__is_withdrawn=False))
        rows = access.visible(self.user, Source.objects.order_by())
        state = self.wanted["state"]
        if state != "all":
            rows = rows.filter(is_withdrawn=state == "withdrawn")
        return rows.annotate(seen=number)

    @property
    def actions(self) -> list[dict[str, str]]:
        """The button that enters a source."""
        if not access.may_somewhere(self.user, "add_source"):
            return []
        return [{"label": "登记来源", "url": self.address.url(reverse("source_add")), "tone": "main"}]

    def lines(self, found: list[Any]) -> list[ListedSource]:
        """Return these articles."""
        return [ListedSource(self.address, source) for source in found]
