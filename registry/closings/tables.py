"""What a closing ends or ended, as lists: organizations, assignments, and the home branches of who served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from registry import access
from registry.closings.extent import IS_PARTY, Ended, Extent
from registry.closings.models import Closing, ClosingState
from registry.models import Assignment, Campaign, Organization, Person
from registry.spreadsheets.sheets import Kind
from registry.web.address import Address, address_of
from registry.web.columns import Column
from registry.web.fields import typed_day_or
from registry.web.filters import ChoiceFilter, TextFilter
from registry.web.links import person_url
from registry.web.lists import export_url
from registry.web.tables import Table

KINDS = (
    ("party", "党组织"),
    ("formations", "先锋岗、先锋队、突击队、专班等"),
    ("pending", "待审批的"),
    ("staying", "不撤销的常设党组织"),
)


def last_closing(campaign: Campaign) -> Closing | None:
    """Return the newest closing of a campaign that was not given up."""
    return campaign.closings.exclude(state=ClosingState.CANCELLED).first()


def day_of(request: HttpRequest, address: Address) -> date:
    """Return the day of the closing that a page is about: that of its form, or of the address."""
    asked = request.POST.get("on", "") or request.GET.get("on", "")
    return typed_day_or(asked, address.as_of)


def extent_of(request: HttpRequest, code: str) -> Extent:
    """Return what the campaign's closing ended, for who sees the campaign; else what it would end.

    The latter is for who may close it; out of scope is 404.
    """
    campaign: Campaign = access.get_row(request.user, "campaign", code)
    closing = last_closing(campaign)
    if closing is not None and closing.has_closed:
        return Ended(closing, request.user)
    access.get_row(request.user, "campaign", code, "close_campaign")
    return Extent(campaign, day_of(request, address_of(request)), request.user)


def _places(table: _ClosingTable) -> list[tuple[str, str]]:
    return list(table.extent.places.values())


def _at(table: _ClosingTable, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    keys = {code: key for key, (code, _label) in table.extent.places.items()}
    return rows.filter(table.extent.at(table.unit_path, keys[value]))


class _ClosingTable(Table[Any]):
    """A list of what a closing is about."""

    is_dated = False
    can_be_samples = True
    unit_path = "unit"

    def __init__(self, request: HttpRequest, code: str) -> None:
        self.extent = extent_of(request, code)
        super().__init__(request)

    @property
    def is_done(self) -> bool:
        """Whether it was closed, so that the list says what was ended."""
        return isinstance(self.extent, Ended)

    @property
    def place(self) -> str:
        """The campaign, and the day of its end."""
        return f"{self.extent.campaign.name} · {self.extent.on.isoformat()}"

    def context(self) -> dict[str, Any]:
        """Add the way back: to the consequences, or to the campaign that was closed."""
        campaign, address = self.extent.campaign, self.address
        crumbs = [
            {"name": "专项任务", "url": address.url(reverse("campaigns"))},
            {"name": campaign.name, "url": address.url(campaign.get_absolute_url())},
        ]
        if not self.is_done:
            close = address.url(
                reverse("campaign_close", args=[campaign.code]), on=self.extent.on.isoformat()
            )
            crumbs.append({"name": "结束专项任务", "url": close})
        return super().context() | {"crumbs": [*crumbs, {"name": self.title}]}

    @property
    def file_unit(self) -> Any:
        """The lead unit."""
        return self.extent.campaign.lead_unit

    @cached_property
    def scope(self) -> Any:
        """The intervals that the user sees."""
        return access.spans(self.user)

    def url_of(self, organization: Organization) -> str:
        """Return the page of an organization, nothing where it is out of scope."""
        is_seen = access.inside(organization.unit, self.scope)
        return self.address.url(organization.get_absolute_url()) if is_seen else ""

    @property
    def file_url(self) -> str:
        """The address of the list as a file, for the same day."""
        return export_url(self.request, self.file, self.extent.campaign.code)

    @property
    def clear_url(self) -> str:
        """The address of the list without filters, for the same day."""
        on = None if self.is_done else self.extent.on.isoformat()
        return self.address.url(self.request.path, on=on)


@dataclass(frozen=True)
class _Listed:
    table: _ClosingTable
    row: Organization

    @property
    def url(self) -> str:
        """The organization's page."""
        return self.table.url_of(self.row)


@dataclass(frozen=True)
class _Placed:
    table: _ClosingTable
    row: Assignment

    @property
    def url(self) -> str:
        """The person's page."""
        return person_url(self.table.user, self.row.person, self.table.address)

    @property
    def organization_url(self) -> str:
        """The organization's page."""
        return self.table.url_of(self.row.organization)


@dataclass(frozen=True)
class _Home(_Listed):
    people: int


_UNIT: Column[Any] = Column(
    "所在单位",
    "row.unit.name",
    key="unit",
    sort=("unit__tree_id", "unit__lft", "pk"),
    text="row.unit.label",
)


class ClosingOrganizations(_ClosingTable):
    """The organizations that are dissolved, or those that are pending."""

    file = "closing_organizations_export"
    unit_word = "个"
    nothing = "没有组织。"
    default_sort = "unit"
    columns: Sequence[Column[_Listed]] = (
        Column(
            "组织",
            "row.name",
            key="name",
            sort=("order_key", "pk"),
            url="url",
            css="text",
            is_heading=True,
            is_sample="row.is_sample",
        ),
        Column("类型", "row.kind_label"),
        _UNIT,
        Column("成立", "row.established_on", Kind.DATE, key="established", sort=("established_on", "pk")),
        Column("状态", "row.get_state_display"),
        Column("撤销", "row.dissolved_on", Kind.DATE),
        Column("撤销文号", "row.dissolution_number", css="text", rank=2),
    )
    filters = (
        ChoiceFilter("what", "类别", choices=KINDS, chip="{}"),
        ChoiceFilter("at", "单位", _at, choices=_places, chip="{}"),
        TextFilter("q", "名称", lambda table, rows, text: rows.matching(text)),
    )

    @property
    def title(self) -> str:
        """What the list holds."""
        what = self.wanted["what"]
        if what in ("pending", "staying"):
            return dict(KINDS)[what]
        return "撤销的组织" if self.is_done else "将撤销的组织"

    def every(self) -> QuerySet[Organization]:
        """Return the organizations of the set that the address names."""
        extent, what = self.extent, self.wanted["what"]
        if what == "pending":
            return extent.pending()
        if what == "staying":
            return extent.staying()
        rows = extent.ending()
        return {"party": rows.filter(IS_PARTY), "formations": rows.exclude(IS_PARTY)}.get(what, rows)

    def sortable(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Join the unit."""
        return rows.select_related("unit")

    def lines(self, found: list[Any]) -> list[_Listed]:
        """Return these organizations."""
        return [_Listed(self, row) for row in found]


class ClosingAssignments(_ClosingTable):
    """The assignments that end."""

    file = "closing_assignments_export"
    unit_word = "人次"
    nothing = "没有编入。"
    default_sort = "unit"
    unit_path = "organization__unit"
    columns: Sequence[Column[_Placed]] = (
        Column(
            "姓名",
            "row.person.name",
            key="name",
            sort=("person__order_key", "pk"),
            url="url",
            is_heading=True,
            is_sample="row.person.is_sample",
        ),
        Column("所属单位", "row.person.home_unit.name", text="row.person.home_unit.label", rank=2),
        Column("编入组织", "row.organization.name", url="organization_url", css="text"),
        Column(
            "组织所在单位",
            "row.organization.unit.name",
            key="unit",
            text="row.organization.unit.label",
            sort=("organization__unit__tree_id", "organization__unit__lft", "organization", "pk"),
            rank=2,
        ),
        Column("职责", "row.get_role_display"),
        Column("编入日期", "row.started_on", Kind.DATE, key="started", sort=("started_on", "pk")),
    )
    filters = (
        ChoiceFilter("at", "单位", _at, choices=_places, chip="{}"),
        TextFilter("q", "姓名", "person__name__icontains"),
    )

    @property
    def title(self) -> str:
        """What the list holds."""
        return "结束的编入" if self.is_done else "将结束的编入"

    def every(self) -> QuerySet[Assignment]:
        """Return the assignments."""
        return self.extent.assignments()

    def sortable(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Join what lines show."""
        return rows.select_related("person__home_unit", "organization__unit")

    def lines(self, found: list[Any]) -> list[_Placed]:
        """Return these assignments."""
        return [_Placed(self, row) for row in found]


class ClosingHomes(_ClosingTable):
    """The home branches of who served, each with how many of its members did."""

    title = "服务人员的组织关系所在支部"
    file = "closing_homes_export"
    unit_word = "个"
    nothing = "没有登记组织关系所在支部的服务人员。"
    default_sort = "unit"
    columns: Sequence[Column[_Home]] = (
        Column(
            "支部", "row.name", key="name", sort=("order_key", "pk"), url="url", css="text", is_heading=True
        ),
        _UNIT,
        Column("服务人数", "people", Kind.NUMBER),
    )
    filters = (TextFilter("q", "名称", lambda table, rows, text: rows.matching(text)),)

    def every(self) -> QuerySet[Organization]:
        """Return the branches that the user sees."""
        return seen_homes(self.extent)

    def sortable(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Join the unit."""
        return rows.select_related("unit")

    def lines(self, found: list[Any]) -> list[_Home]:
        """Return these branches with how many of their members served: one query for all."""
        served = Person.objects.filter(
            home_branch__in=found, pk__in=self.extent.serving().order_by().values("pk")
        )
        numbers = dict(served.order_by().values_list("home_branch").annotate(number=Count("pk")))
        return [_Home(self, row, numbers.get(row.pk, 0)) for row in found]


def seen_homes(extent: Extent) -> QuerySet[Organization]:
    """Return the home branches of who served, as far as the user sees them."""
    homes = extent.serving().filter(home_branch__isnull=False).order_by().values("home_branch")
    branches = Organization.objects.filter(pk__in=homes)
    return branches if extent.user is None else access.visible(extent.user, branches)
