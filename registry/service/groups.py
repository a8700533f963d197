"""The lists of which a line is many rows of another one: by home branch, and by organization."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Count, QuerySet
from django.urls import reverse

from registry.models import Organization, Unit
from registry.service import reminders, served
from registry.service.models import Reminder
from registry.service.tables import STATES, WRITTEN, ServiceTable
from registry.spreadsheets.sheets import Kind
from registry.web.columns import Column
from registry.web.filters import ChoiceFilter, UnitFilter


@dataclass(frozen=True)
class Group:
    """The records of one home branch, or the opinions of one organization."""

    table: GroupedTable
    unit: Unit
    organization: Organization | None
    numbers: dict[str, int]

    @property
    def name(self) -> str:
        """What it is called."""
        return self.organization.name if self.organization else "未登记支部"

    @property
    def done(self) -> str:
        """How much of it is done."""
        whole, waiting = self.numbers["all"], self.numbers["waiting"]
        return f"{(whole - waiting) / whole:.0%}" if whole else ""

    def url(self, state: str = "") -> str:
        """Return the address of the rows behind a number."""
        if self.organization is None:
            at = {"unit": self.unit.code, "own": "1", "branchless": "1"}
        else:
            at = {self.table.rows_filter: self.organization.code}
        return self.table.address.url(reverse(self.table.rows_page), **at, state=state or None)

    @property
    def writing_url(self) -> str:
        """The page of the organization's opinions, for who may write them."""
        return self.table.writing_url(self.organization) if self.organization else ""


def number_column(title: str, name: str, state: str = "", **more: Any) -> Column[Group]:
    """Return the column of a number that opens its rows."""
    return Column(
        title,
        lambda row: row.numbers[name],
        Kind.NUMBER,
        key=name,
        sort=lambda row: row.numbers[name],
        url=lambda row: row.url(state),
        **more,
    )


class GroupedTable(ServiceTable):
    """A list of which each line is many rows of another one: worked out for all lines at once."""

    rows_page = ""
    """The name of the address of the rows behind its numbers."""
    rows_filter = ""
    """The filter there that takes the rows of one organization."""
    default_sort = "unit"
    filters = (UnitFilter(), ChoiceFilter("waiting", "只看", "", "{}", choices=[("1", "还有待办的")]))

    def grouped(self) -> list[Group]:
        """Return the groups, in no order."""
        raise NotImplementedError

    def counted(
        self, rows: QuerySet[Any], path: str, among: QuerySet[Any], counts: dict[str, Count]
    ) -> list[tuple[Any, dict[str, int]]]:
        """Count ``rows`` for each row of ``among`` to which ``path`` leads: two queries."""
        found = list(rows.order_by().values(path).annotate(**counts))
        known = among.in_bulk([each[path] for each in found])
        return [(known[each.pop(path)], each) for each in found]

    @cached_property
    def _all(self) -> list[Group]:
        return self.grouped()

    def every(self) -> list[Group]:
        """Return the groups, those in which something waits if so asked."""
        return [each for each in self._all if each.numbers["waiting"] or self.wanted["waiting"] != "1"]


def _where(row: Group) -> tuple[int, int, str]:
    return row.unit.tree_id, row.unit.lft, row.organization.order_key if row.organization else "￿"


class BranchTable(GroupedTable):
    """The home branches that get records, and how many of them are signed."""

    page = "service_branches"
    word = "服务记录签收情况"
    rows_page = "service_people"
    rows_filter = "branch"
    file = "service_branches_export"
    unit_word = "个支部"
    nothing = "本任务还没有这里的人服务。"
    columns = (
        Column("支部", "name", url=lambda row: row.url(), css="text", is_heading=True),
        Column("单位", "unit.name", key="unit", sort=_where, text="unit.label"),
        number_column("服务记录", "all"),
        number_column("服务中", "serving", "serving", rank=2),
        number_column("待签收", "waiting", "waiting"),
        number_column("已签收", "signed", "signed"),
        Column("已催(次)", lambda row: row.table.times(row.unit), Kind.NUMBER, rank=2),
    )

    @cached_property
    def _reminders(self) -> list[Reminder]:
        return reminders.of_campaign(self.campaign)

    def times(self, unit: Unit) -> int:
        """Return how often the unit was reminded."""
        return reminders.times(self._reminders, unit)

    def grouped(self) -> list[Group]:
        """Count the people of the place by home branch; those without one by home unit."""
        rows = served.people(self.campaign, self.day, served.at_home(self.spans))
        counts = {name: Count("pk", filter=condition) for name, (_, condition) in STATES.items()}
        counts["all"] = Count("pk")
        organizations = Organization.objects.select_related("unit")
        branched = self.counted(rows.exclude(home_branch=None), "home_branch", organizations, counts)
        alone = self.counted(rows.filter(home_branch=None), "home_unit", Unit.objects.all(), counts)
        return [
            *(Group(self, branch.unit, branch, numbers) for branch, numbers in branched),
            *(Group(self, unit, None, numbers) for unit, numbers in alone),
        ]


class OrganizationTable(GroupedTable):
    """The temporary Party organizations, and how many opinions of each are written."""

    page = "service_organizations"
    word = "表现鉴定完成情况"
    rows_page = "service_opinions"
    rows_filter = "organization"
    file = "service_organizations_export"
    unit_word = "个组织"
    nothing = "本任务在这里没有临时党组织的成员。"
    columns = (
        Column("组织", "name", url="writing_url", css="text", is_heading=True),
        Column("单位", "unit.name", key="unit", sort=_where, text="unit.label"),
        number_column("成员", "all"),
        number_column("已写", "written", "written"),
        number_column("待写", "waiting", "missing"),
        Column("完成", "done", rank=2),
    )

    def grouped(self) -> list[Group]:
        """Count the members of each organization of the place."""
        rows = served.owed(self.campaign, self.day, served.at(self.spans))
        counts = {
            "all": Count("pk"),
            "written": Count("pk", filter=WRITTEN["written"][1]),
            "waiting": Count("pk", filter=WRITTEN["missing"][1]),
        }
        members = self.counted(rows, "organization", Organization.objects.select_related("unit"), counts)
        return [Group(self, organization.unit, organization, numbers) for organization, numbers in members]
