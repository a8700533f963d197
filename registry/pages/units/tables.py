"""Lists of units: those that a search finds or that stand below one, and the table of a unit's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.functional import cached_property

from registry import access
from registry.counting.metrics import METRICS, OrganizationMetric
from registry.counting.rollup import Rollup, rollup
from registry.models import Unit
from registry.models.hierarchy import Span, UnitHierarchy
from registry.nouns.unit import UNIT
from registry.pages.units.page import (
    COLUMNS,
    SHARE_AFTER,
    SHARE_AFTER_COLUMN,
    Row,
    UnitsBelow,
    below,
    short_label,
)
from registry.spreadsheets.sheets import Cell, Head, Kind
from registry.web.columns import Column, Grid, Rank, noun_column
from registry.web.drill import unit_of
from registry.web.filters import TextFilter
from registry.web.statement import waiting
from registry.web.tables import Table


@dataclass(frozen=True)
class ListedUnit:
    """One unit; the code of a superior outside the scope is left out."""

    unit: Unit
    is_superior_seen: bool


class UnitTable(Table[ListedUnit]):
    """The units that a search finds (``q``), or a unit with all below it (``unit``), on the day."""

    title = "单位名录"
    tab = UNIT.layout.title
    file = "units_export"
    unit_word = "个单位"
    can_be_samples = True
    noun = UNIT
    columns: Sequence[Column[ListedUnit]] = (
        noun_column(UNIT, "name", "名称", cell="pages/search/cells/unit.html", css="text", is_heading=True),
        noun_column(UNIT, "kind", "类型"),
        noun_column(UNIT, "superior_name", "", "unit.parent.name", text="unit.parent.label"),
        noun_column(UNIT, "code", "代码", rank=3),
        *(
            noun_column(UNIT, slug, only="file")
            for slug in ("short_name", "aliases", "region_code", "sequence")
        ),
        noun_column(
            UNIT,
            "superior",
            value=lambda row: row.unit.parent.code if row.is_superior_seen else None,
            only="file",
        ),
        *(noun_column(UNIT, slug, only="file") for slug in ("opened_on", "closed_on", "note")),
    )
    filters = (TextFilter("q", "名称"),)

    @property
    def text(self) -> str:
        """What is looked for."""
        return str(self.wanted["q"])

    @cached_property
    def unit(self) -> Unit | None:
        """The unit whose whole subtree is listed."""
        return None if self.text else unit_of(self.request)

    @property
    def file_place(self) -> str:
        """The unit, or what is looked for."""
        return self.unit.label if self.unit else self.text

    @property
    def then(self) -> list[Span]:
        """The intervals of the unit with all below it."""
        return UnitHierarchy.on(self.question.as_of).spans(self.unit) if self.unit else []

    def every(self) -> QuerySet[Unit]:
        """Return the units in scope."""
        if self.text:
            return access.visible(self.user, Unit.objects.matching(self.text))
        if self.unit is None:
            raise Http404("请先选择单位,或输入要查找的名称。")
        day = self.address.as_of
        return access.visible(self.user, Unit.objects.in_subtree(self.unit, day).as_of(day))

    def sortable(self, rows: QuerySet[Unit]) -> QuerySet[Unit]:
        """Order them officially: as they stand in the tree."""
        return rows.order_by("tree_id", "lft")

    def detailed(self, rows: QuerySet[Unit]) -> QuerySet[Unit]:
        """Join the superior."""
        return rows.select_related("parent")

    def page_rows(self) -> QuerySet[Unit]:
        """Read the units of a page by their keys."""
        return self.detailed(Unit.objects.all())

    def lines(self, found: Sequence[Unit]) -> list[ListedUnit]:
        """Return these units; their superiors are read already."""
        scope = access.spans(self.user)
        return [
            ListedUnit(each, each.parent is not None and access.inside(each.parent, scope)) for each in found
        ]

    def drawn(self, found: Sequence[Unit]) -> Grid[ListedUnit]:
        """Return some units as the page shows them."""
        return Grid(self.visible, self.lines(found))


# --- The table of a unit's page -------------------------------------------------------------------


def _count(at: int, slug: str) -> Column[Row]:
    return Column(
        short_label(slug),
        lambda row: row.counts[at].value,
        Kind.NUMBER,
        key=slug,
        rank=_RANKS.get(slug, 1),
        head=Head(str(METRICS[slug].label), Kind.NUMBER),
    )


_RANKS: dict[str, Rank] = {
    "temporary_groups": 3,
    "pioneer_posts": 2,
    "team_members": 3,
    "frontline_auxiliaries": 3,
}
_COUNTS = [_count(at, slug) for at, slug in enumerate(COLUMNS)]
_SHARE: Column[Row] = Column(
    "党员占比", lambda row: row.share if row.share >= 0 else None, Kind.SHARE, key="share", rank=2
)


def _is_of_a_day(table: UnitsBelowTable) -> bool:
    return not table.question.is_period


_WEEK: tuple[Column[Row], ...] = (
    Column(
        "7 日", "week", Kind.NUMBER, key="week", head=Head("比 7 日前增减", Kind.NUMBER), seen_by=_is_of_a_day
    ),
    Column("近 30 日", only="page", css="no-print", seen_by=_is_of_a_day),
)
_PENDING: Column[Row] = Column("待审批", lambda row: row.counts[0].pending, Kind.NUMBER, key="pending")


class UnitsBelowTable(Table[Row]):
    """The units below a unit, with the unit itself and the total."""

    tab = "下级单位汇总"
    file_place = ""  # the title names it already
    columns: Sequence[Column[Row]] = (
        Column("单位", lambda row: row.name or row.unit.name, key="name"),
        _COUNTS[0],
        *_WEEK,
        _PENDING,
        *_COUNTS[1 : SHARE_AFTER_COLUMN + 1],
        _SHARE,
        *_COUNTS[SHARE_AFTER_COLUMN + 1 :],
    )

    def __init__(self, request: HttpRequest, top: Unit) -> None:
        super().__init__(request)
        self.top = top

    @classmethod
    def of(cls, request: HttpRequest, code: str) -> UnitsBelowTable:
        """Return the table of a unit in scope."""
        return cls(request, access.get_unit(request.user, code))

    @cached_property
    def counts(self) -> Rollup:
        """The counts of the unit and of those below it."""
        return rollup(self.top, self.question)

    @cached_property
    def below(self) -> UnitsBelow:
        """The lines in order."""
        return below(self.address, self.counts, access.spans(self.user), self.request.GET.get("sort", ""))

    @property
    def sort(self) -> str:
        """What the lines are sorted by."""
        return self.below.sort

    @cached_property
    def grid(self) -> Grid[Row]:
        """The header of the page's table; the page draws the lines itself."""
        return Grid(self.visible, self.below.rows, self.sort, [each.key for each in self.visible])

    @property
    def title(self) -> str:
        """The unit's table."""
        return f"{self.top.name}下级单位汇总"

    @property
    def place(self) -> str:
        """The unit."""
        return self.top.name

    @property
    def file_unit(self) -> Unit:
        """The unit."""
        return self.top

    def every(self) -> list[Row]:
        """Return the lines of the file: those below and the unit itself."""
        return [*self.below.rows, self.below.own]

    def file_totals(self) -> list[Cell]:
        """Return the total of the unit and all below it."""
        return [each.of(self.below.total) for each in self.visible if each.only != "page"]

    def file_footnotes(self) -> list[str]:
        """Return how people are counted."""
        return ["人数按人去重:同一人编入多个单位的组织时各单位分别计入,合计只计一次。"]

    @property
    def then(self) -> list[Span]:
        """The intervals of the unit with all below it."""
        return UnitHierarchy.on(self.question.as_of).spans(self.top)

    def waiting(self) -> list[tuple[str, int]]:
        """Return which organizations are not approved, and how many people are in them."""
        slugs = [slug for slug in COLUMNS if isinstance(METRICS[slug], OrganizationMetric)]
        return waiting(self.counts.total, [*slugs, SHARE_AFTER])
