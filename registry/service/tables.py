"""The lists: service records by person, opinions that are owed, and both by branch and by organization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from registry import access
from registry.models import Organization, Person, Unit
from registry.nouns.person import PERSON
from registry.service import served
from registry.service.place import campaign_of, crumbs, spans_of
from registry.service.records import Record, records_of
from registry.spreadsheets.sheets import Kind
from registry.web.columns import Column, tag_cell, tick_column
from registry.web.drill import unit_of
from registry.web.filters import ChoiceFilter, PersonFilter, RowFilter, UnitFilter
from registry.web.links import Tab
from registry.web.lists import with_query
from registry.web.people import person_columns
from registry.web.tables import Act, Table

LISTS = (
    ("service_people", "服务记录"),
    ("service_branches", "按支部"),
    ("service_opinions", "表现鉴定"),
    ("service_organizations", "按组织"),
)
"""The lists of a campaign, each with its word in the switch between them."""
RECORD = "person_service"
"""The page of a service record."""


class ServiceTable(Table[Any]):
    """A list of a campaign's service records at a unit with all below it, or in the user's scope."""

    is_dated = False
    page = ""
    """The name of its page's address."""
    word = ""
    """What is listed."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.campaign = campaign_of(request)
        self.day = self.question.as_of

    @cached_property
    def unit(self) -> Unit | None:
        """The unit of the address, today's."""
        return unit_of(self.request)

    @cached_property
    def spans(self) -> list[Any]:
        """The intervals in which it looks."""
        return spans_of(self.user, self.unit)

    @cached_property
    def writable(self) -> list[Any]:
        """The intervals in which the user may write opinions."""
        return access.spans(self.user, "write_opinion")

    def writing_url(self, organization: Organization, person: str | None = None) -> str:
        """Return where an organization's opinions are written, for who may; ``person``: the key of one."""
        if not access.inside(organization.unit, self.writable):
            return ""
        path = reverse("organization_opinions", args=[organization.code])
        return self.address.url(path, person=person)

    @property
    def place_chips(self) -> dict[str, str]:
        """The unit."""
        return self.chip_of_unit(f"{self.unit.name}及下级单位") if self.unit else {}

    @property
    def title(self) -> str:
        """What is listed, of which campaign."""
        return f"{self.campaign.name}{self.word}"

    def file_notes(self) -> list[str]:
        """Return the campaign and the day up to which days are counted."""
        return [f"专项任务:{self.campaign.label}  天数算到:{self.day.isoformat()}"]

    def context(self) -> dict[str, Any]:
        """Add the way here and the switch between the lists."""
        kept = {"unit": self.unit.code if self.unit else None}
        tabs = [
            Tab(label, self.address.url(reverse(name), **kept), name == self.page) for name, label in LISTS
        ]
        return super().context() | {
            "is_dated": True,  # campaign and day can be chosen, though nothing of a basis is said
            "crumbs": crumbs(self.address, (dict(LISTS)[self.page], "")),
            "head_tabs": tabs,
            "head_tabs_label": "服务记录的名单",
        }


# --- By person ------------------------------------------------------------------------------------

STATES = {
    "waiting": ("待签收", served.NOT_SIGNED),
    "serving": ("服务中", Q(is_signed=False, is_serving=True)),
    "signed": ("已签收", Q(is_signed=True)),
}


@dataclass(frozen=True)
class ListedRecord:
    """The record of one person in the list."""

    table: RecordTable
    record: Record
    can_be_ticked: bool

    @property
    def person(self) -> Person:
        """Whose it is."""
        return self.record.person

    @property
    def key(self) -> int | None:
        """The key by which it is ticked; none where only the home branch, and not the home unit, is seen."""
        return self.person.pk if self.can_be_ticked else None

    @property
    def branch(self) -> str:
        """The home branch."""
        return self.person.home_branch.name if self.person.home_branch and self.record.is_whole else ""

    @property
    def organizations(self) -> str:
        """The organizations by name."""
        return "、".join(organization.name for organization in self.record.organizations)

    @property
    def state(self) -> str:
        """How it stands with the receipt."""
        return self.record.state[1]

    @property
    def tone(self) -> str:
        """The tone of that."""
        return self.record.state[0]

    @property
    def spells(self) -> str:
        """Each stay in words."""
        return ";".join(
            f"{spell.organization.name} {spell.role} {spell.started_on} 至 {spell.ended_on or '今'}"
            f"({spell.days} 天)"
            for spell in self.record.spells
        )

    @property
    def opinions(self) -> str:
        """The opinions in full."""
        return "\n".join(f"{opinion.organization.name}:{opinion.text}" for opinion in self.record.opinions)


class RecordTable(ServiceTable):
    """The service records of people whose home, or whose service, is at the place."""

    page = "service_people"
    word = tab = "服务记录"
    file = "service_people_export"
    unit_word = "人"
    default_sort = "unit"
    nothing = "本任务还没有这里的人服务。"
    acts = (
        Act("sign_receipt", "service_sign", "签收"),
        Act("return_receipt", "service_return", "退回签收"),
    )
    columns: Sequence[Column[ListedRecord]] = (
        tick_column("key"),
        *person_columns(PERSON, lambda row: row.person, "person", ("name", "order_key"), page=RECORD),
        Column(
            "所属单位",
            "person.home_unit.name",
            key="unit",
            sort=("home_unit__tree_id", "home_unit__lft", "order_key"),
            text="person.home_unit.label",
        ),
        Column(
            "组织关系所在支部",
            "branch",
            key="branch",
            sort=("home_branch__order_key", "order_key"),
            css="text",
            rank=2,
        ),
        Column("编入组织", "organizations", css="text", rank=2, only="page"),
        Column("编入组织、职责、起止日", "spells", only="file"),
        Column("起", "record.first_day", Kind.DATE, rank=3),
        Column("止", "record.last_day", Kind.DATE, rank=3),
        Column("天数", "record.days", Kind.NUMBER),
        Column("鉴定", lambda row: len(row.record.opinions), Kind.NUMBER, only="page"),
        Column("表现鉴定", "opinions", only="file"),
        Column("状态", "state", cell=tag_cell),
        Column("签收日期", "record.receipt.signed_on", Kind.DATE, only="file"),
        Column("签收人", "record.receipt.signed_by", only="file"),
    )
    filters = (
        UnitFilter(),
        ChoiceFilter("at", "按", "", "{}", choices=[("served", "在这里服务的")], anything="组织关系在这里的"),
        ChoiceFilter(
            "state",
            "签收",
            lambda table, rows, value: rows.filter(STATES[value][1]),
            "{}",
            choices=[(name, label) for name, (label, _) in STATES.items()],
        ),
        RowFilter("branch", "支部", "home_branch", noun="organization"),
        ChoiceFilter(
            "branchless",
            "支部登记",
            lambda table, rows, value: rows.filter(home_branch__isnull=True),
            "{}",
            choices=[("1", "未登记支部")],
        ),
        PersonFilter(
            "q", "姓名或警号", lambda table, rows, value: access.matching_people(table.user, rows, value)
        ),
    )

    def every(self) -> Any:
        """Return everybody of the place who served, or everybody who served there."""
        where = served.at_home(self.spans)
        if self.wanted["at"] == "served":
            there = served.served(self.campaign, self.day).filter(served.at(self.spans))
            where = Q(pk__in=there.order_by().values("person_id"))
        rows = served.people(self.campaign, self.day, where)
        return rows.filter(home_unit=self.unit) if self.is_own else rows

    @property
    def is_own(self) -> bool:
        """Whether only people of the unit itself are meant."""
        return self.unit is not None and self.request.GET.get("own") == "1"

    @property
    def place_chips(self) -> dict[str, str]:
        """The unit, with all below it or alone."""
        return super().place_chips | ({"own": "仅本单位"} if self.is_own else {})

    def _papers_url(self, kind: str) -> str:
        return with_query(self.request, reverse("service_papers"), kind=kind)

    @property
    def bar(self) -> list[dict[str, str]]:
        """The receipts, for people of one's own; and the prints of those who are ticked."""
        prints = [
            {"label": label, "url": self._papers_url(kind)}
            for kind, label in (("records", "打印服务记录"), ("certificates", "打印纪念证书"))
        ]
        return [*(super().bar if self.wanted["at"] != "served" else []), *prints]

    @property
    def prints(self) -> list[dict[str, Any]]:
        """The list, and the papers of everybody in it."""
        return [
            {"label": "名单", "url": self.file_url},
            {"label": "服务记录(一人一页)", "url": self._papers_url("records"), "send": {"all": "1"}},
            {"label": "纪念证书(一人一页)", "url": self._papers_url("certificates"), "send": {"all": "1"}},
            {"label": "Excel 工作簿", "url": self.file_url, "is_file": True},
        ]

    def sortable(self, rows: Any) -> Any:
        """Join the home."""
        return rows.select_related("home_unit", "home_branch__unit")

    def has_samples(self) -> bool:
        """Whether somebody is an invented one."""
        return bool(self.rows.order_by().filter(is_sample=True).exists())

    def lines(self, found: list[Any]) -> list[ListedRecord]:
        """Return the records of these people."""
        scope, is_theirs = access.spans(self.user), self.wanted["at"] == "served"
        return [
            ListedRecord(self, record, is_theirs or access.inside(record.person.home_unit, scope))
            for record in records_of(self.user, self.campaign, found, self.day)
        ]


# --- By member of a temporary Party organization --------------------------------------------------

WRITTEN = {
    "missing": ("待写", served.NOT_WRITTEN),
    "ended": ("待写,已结束编入", served.NOT_WRITTEN & Q(ended_on__isnull=False)),
    "written": ("已写", Q(is_written=True)),
    "closed": ("未写,支部已签收", Q(is_written=False, is_signed=True)),
}


@dataclass(frozen=True)
class ListedOpinion:
    """One member of a temporary Party organization."""

    table: OpinionTable
    assignment: Any

    @property
    def person(self) -> Person:
        """Who it is."""
        person: Person = self.assignment.person
        return person

    @property
    def writing_url(self) -> str:
        """Where the opinion is written, for who may."""
        return self.table.writing_url(self.assignment.organization, self.person.key)

    @property
    def state(self) -> str:
        """Whether it is written."""
        if self.assignment.is_written:
            return "已写"
        return "未写,支部已签收" if self.assignment.is_signed else "待写"

    @property
    def tone(self) -> str:
        """The tone of that."""
        return {"已写": "ok", "待写": "warn"}.get(self.state, "plain")


class OpinionTable(ServiceTable):
    """The members of temporary Party organizations, with the opinions that are written and that wait."""

    page = "service_opinions"
    word = "表现鉴定"
    file = "service_opinions_export"
    unit_word = "人次"
    default_sort = "organization"
    nothing = "本任务在这里没有临时党组织的成员。"
    columns: Sequence[Column[ListedOpinion]] = (
        *person_columns(
            PERSON,
            lambda row: row.person,
            "person",
            ("person__name", "person__order_key"),
            "person__",
            page=RECORD,
        ),
        Column(
            "组织",
            "assignment.organization.name",
            key="organization",
            sort=(
                "organization__unit__tree_id",
                "organization__unit__lft",
                "organization__order_key",
                "person__order_key",
            ),
            url="writing_url",
            css="text",
        ),
        Column(
            "组织所在单位", "assignment.organization.unit.name", text="assignment.organization.unit.label"
        ),
        Column("职责", "assignment.get_role_display", rank=2),
        Column("编入日期", "assignment.started_on", Kind.DATE, rank=2),
        Column("结束日期", "assignment.ended_on", Kind.DATE, rank=2),
        Column("鉴定", "state", cell=tag_cell),
    )
    filters = (
        UnitFilter(),
        ChoiceFilter(
            "state",
            "鉴定",
            lambda table, rows, value: rows.filter(WRITTEN[value][1]),
            "{}",
            choices=[(name, label) for name, (label, _) in WRITTEN.items()],
        ),
        RowFilter("organization", "组织", "organization", noun="organization"),
        PersonFilter(
            "q",
            "姓名或警号",
            lambda table, rows, value: rows.filter(access.person_matches(table.user, value, "person__")),
        ),
    )

    def every(self) -> Any:
        """Return the newest assignment of each member."""
        return served.owed(self.campaign, self.day, served.at(self.spans))

    def sortable(self, rows: Any) -> Any:
        """Join what a line shows."""
        return rows.select_related("organization__unit", "person__home_unit")

    def lines(self, found: list[Any]) -> list[ListedOpinion]:
        """Return these members."""
        return [ListedOpinion(self, row) for row in found]
