"""What was founded, dissolved and transferred at a unit and below it in a period: one line for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.views.decorators.http import require_safe

from registry import access
from registry.counting.basis import Question
from registry.counting.metrics import METRICS, ORGANIZATION_METRICS
from registry.counting.rollup import rollup
from registry.models import Basis, Unit
from registry.models.hierarchy import Span, UnitHierarchy, move_days, within
from registry.pages.units.events import ACTS, MOVED, WEEK_DAYS, Event, every_event, period
from registry.spreadsheets.sheets import Kind
from registry.web.columns import Column
from registry.web.filters import ChoiceFilter, SinceFilter
from registry.web.lists import export_url, others, with_query
from registry.web.statement import Statement, units_left_out
from registry.web.tables import Table, show

WORDS = (*(act.word for act in ACTS), "转入", "转出", MOVED)
_METRICS = {each.slug: each for each in ORGANIZATION_METRICS}


def _of_metric(table: ChangeTable, rows: list[Event], slug: str) -> list[Event]:
    return [row for row in rows if _METRICS[slug].includes(row.kind, row.is_temporary)]


class _OfPeriod(Statement):
    """What is said of a list of all that happened: its days, without the basis that asks for one of them."""

    @property
    def facts(self) -> list[str]:
        """Days and campaign in words."""
        _day, _basis, campaign = super().facts
        return [f"期间:{self.question.first_day} 至 {self.question.as_of}", campaign]


class ChangeTable(Table[Event]):
    """What happened at a unit and below it (``own``: at itself) in the period of the address."""

    title = "变动明细"
    file_title = "组织成立、撤销和转隶"
    heading = "变动"
    unit_word = "件"
    nothing = "这段时间没有组织成立、撤销或转隶。"
    nothing_found = "没有符合筛选条件的变动。"
    default_sort = "-day"
    columns: Sequence[Column[Event]] = (
        Column("日期", "day", Kind.DATE, key="day", sort=lambda row: row.day.toordinal()),
        Column("变动", "word", key="word", sort=lambda row: WORDS.index(row.word)),
        Column(
            "组织",
            "organization.name",
            cell="pages/units/cells/organization.html",
            css="text",
            is_heading=True,
        ),
        Column("类型", "kind_label", key="kind", sort=lambda row: row.kind_label),
        Column("单位", "place", key="place", sort=lambda row: row.place),
    )
    filters = (
        SinceFilter(label="自"),
        ChoiceFilter(
            "act",
            "变动",
            lambda table, rows, word: [row for row in rows if row.word == word],
            choices=[(word, word) for word in WORDS],
        ),
        ChoiceFilter(
            "metric",
            "指标",
            _of_metric,
            choices=[(each.slug, each.label) for each in ORGANIZATION_METRICS],
        ),
    )

    def __init__(self, request: HttpRequest, top: Unit) -> None:
        self.top = top
        super().__init__(request)
        if not self.question.is_period:
            self.question = period(self.question, WEEK_DAYS)

    @classmethod
    def of(cls, request: HttpRequest, code: str) -> ChangeTable:
        """Return the table of a unit in scope."""
        return cls(request, access.get_unit(request.user, code))

    @property
    def unit(self) -> Unit:
        """The unit."""
        return self.top

    @property
    def is_own(self) -> bool:
        """Whether only the unit itself is asked about, without what is below it."""
        return self.request.GET.get("own") == "1"

    @property
    def place(self) -> str:
        """The unit, alone or with all below it."""
        return f"{self.top.name}本级" if self.is_own else super().place

    @property
    def then(self) -> list[Span]:
        """The intervals of the unit, with all below it, on the day."""
        if self.is_own:
            return [Span(self.top.tree_id, self.top.lft, self.top.lft)]
        return UnitHierarchy.on(self.question.as_of).spans(self.top)

    def every(self) -> list[Event]:
        """Return everything that happened there."""
        return every_event(self.question, within(self.then, self.question.scope))

    @cached_property
    def steps(self) -> Counter[str]:
        """How many of the listed ones, by what happened."""
        return Counter(row.word for row in self.rows)

    @cached_property
    def net(self) -> int:
        """By how much more or fewer organizations stand there since."""
        return sum(row.step for row in self.rows)

    @cached_property
    def moved_with_units(self) -> int | None:
        """By how much a metric changed beside the listed ones, because units moved; None: not asked for."""
        slug, question = self.wanted["metric"], self.question
        if not slug or self.wanted["act"] or self.is_own or not move_days(self._before.as_of, question.as_of):
            return None
        then, now = (
            rollup(self.top, each, children=False, metrics=[METRICS[slug]]).total.counts[slug]
            for each in (self._before, question.current())
        )
        return now - then - self.net or None

    @property
    def growth(self) -> int:
        """By how much more or fewer of the metric stand there at the end of the period than before it."""
        return self.net + (self.moved_with_units or 0)

    @property
    def _before(self) -> Question:
        """The question about what stood on the day before the period."""
        return self.question.current().on(self.question.first_day - timedelta(days=1))

    def context(self) -> dict[str, Any]:
        """Add the numbers of the whole list, and what the form of the filters must keep."""
        url = self.address.url(self.top.get_absolute_url(), basis=None, since=None)
        numbers = [
            (word, self.steps[word], with_query(self.request, act=word)) for word in WORDS if self.steps[word]
        ]
        said = f"{self.place},{self.question.first_day} 至 {self.question.as_of}"
        return super().context() | {
            "subtitle": said,
            "crumbs": [{"name": self.top.label, "url": url}, {"name": self.title}],
            "export_url": export_url(self.request, "unit_changes_export", self.top.code),
            "others": [
                *others(self.request, ("basis", "since", "act", "metric")),
                ("basis", Basis.NEW.value),
            ],
            "numbers": numbers,
        }

    @cached_property
    def statement(self) -> Statement:
        """What is said of the list."""
        left_out = units_left_out(self.question, self.then)
        return _OfPeriod(self.question, self.place, left_out)

    def has_samples(self) -> bool:
        """Whether a row is an invented one."""
        return any(row.organization.is_sample for row in self.rows)


@require_safe
def happened(request: HttpRequest, code: str) -> HttpResponse:
    """Show what was founded, dissolved and transferred at a unit and below it in a period."""
    table = ChangeTable.of(request, code)
    request.current_unit = table.top.code  # type: ignore[attr-defined]
    return show(table, "pages/units/happened.html")
