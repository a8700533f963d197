"""The people of an organization: who is in on the day, who came later, who was in before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page
from django.db.models import F, FilteredRelation, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property

from registry import access
from registry.models import Assignment, Organization, Person, PoliticalStatus, Unit
from registry.models.base import on_day
from registry.models.kinds import LEADING_ROLES, ROLE_ORDER
from registry.models.prepared import Values, read_objects
from registry.nouns.assignment import ASSIGNMENT
from registry.pages.people.columns import ASSIGNMENT_ACTS
from registry.web.columns import Column, Grid, noun_column, read_back, tick_column
from registry.web.filters import PersonFilter
from registry.web.links import Tab
from registry.web.lists import chips, others, paged, with_query
from registry.web.people import person_columns
from registry.web.tables import Table

PARTS = NOW, LATER, BEFORE = "在册", "此后编入", "以前"
PARTS_IN_ADDRESS = {"now": NOW, "later": LATER, "before": BEFORE}
MANY = 10
"""A list of more people than this has a search."""


@dataclass(frozen=True)
class ListedMember:
    """One assignment with the person's political status of the day."""

    table: MemberTable
    assignment: Assignment
    when: str
    is_guest: bool
    """From another bureau: the formal membership there is not shown."""

    @property
    def person(self) -> Person:
        """Who it is."""
        return self.assignment.person

    @property
    def role(self) -> str:
        """The role."""
        return self.assignment.get_role_display()

    @property
    def is_leading(self) -> bool:
        """Whether it is a leading role."""
        return self.assignment.role in LEADING_ROLES

    @property
    def status(self) -> str:
        """The political status of the day."""
        status = getattr(self.assignment, "status_then", None) or PoliticalStatus.UNKNOWN
        return str(PoliticalStatus(status).label)

    def home(self, unit: str) -> str:
        """Return the formal membership: the branch and the unit, under the name given."""
        branch = None if self.is_guest else self.person.home_branch
        return f"{branch.name} · {unit}" if branch else unit


def _named(table: MemberTable, rows: list[ListedMember], text: str) -> list[ListedMember]:
    """Return the members whom the text finds by name, pinyin or number, as everywhere."""
    matches = access.person_matches(table.user, text, "person__")
    hits = Assignment.objects.filter(matches, organization=table.organization).values_list("pk", flat=True)
    pks = set(hits)
    return [row for row in rows if row.assignment.pk in pks]


def _everybody(values: Values) -> QuerySet[Assignment]:
    day, organization = values
    standing = FilteredRelation("person__statuses", condition=on_day(day, prefix="person__statuses__"))
    rows = Assignment.objects.valid().filter(organization=organization).annotate(standing=standing)
    rows = rows.annotate(status_then=F("standing__status"))
    return rows.select_related("person__home_unit", "person__home_branch")


class MemberTable(Table[ListedMember]):
    """The people of an organization, leaders first."""

    organization: Organization
    tab = "编入"
    file_place = ""  # the title names it already
    can_be_samples = True
    section_levels = 1
    noun = ASSIGNMENT
    acts = ASSIGNMENT_ACTS
    filters = (PersonFilter("q", "姓名、拼音或警号", _named),)
    columns: Sequence[Column[ListedMember]] = (
        tick_column("assignment.pk"),
        *person_columns(ASSIGNMENT, lambda row: row.person),
        noun_column(ASSIGNMENT, "role", cell="pages/organizations/cells/role.html"),
        noun_column(ASSIGNMENT, "started_on", "编入"),
        noun_column(ASSIGNMENT, "ended_on", "结束", key="ended", rank=2),
        Column("在册情况", "when", only="file"),
        Column("当日政治面貌", "status", only="file"),
        Column("政治面貌", "status", only="page", rank=2),
        Column("人员类别", "person.get_category_display", rank=3),
        Column(
            "正式组织关系",
            lambda row: row.home(row.person.home_unit.name),
            text=lambda row: row.home(row.person.home_unit.label),
            css="text",
            rank=2,
        ),
        noun_column(ASSIGNMENT, "document_number", rank=3),
        Column(
            "办理",
            key="change",
            cell="pages/organizations/cells/change.html",
            css="no-print",
            only="page",
        ),
        read_back(ASSIGNMENT, "organization", "table.organization.code"),
        read_back(ASSIGNMENT, "organization_name", "table.organization.name"),
    )

    def __init__(self, request: HttpRequest, organization: Organization) -> None:
        super().__init__(request)
        self.organization = organization

    @classmethod
    def of(cls, request: HttpRequest, code: str) -> MemberTable:
        """Return the people of an organization in scope."""
        return cls(request, access.get_organization(request.user, code))

    @cached_property
    def bar(self) -> list[dict[str, str]]:
        """The buttons of what the user may do here; they lead back to the organization."""
        of = {"sort": None, "of": self.organization.code}
        return [
            {"label": each.label, "url": with_query(self.request, reverse(each.name), **of)}
            for each in self.acts
            if access.may(self.user, each.verb, self.organization)
        ]

    @property
    def title(self) -> str:
        """The organization's list of names."""
        return f"{self.organization.name}花名册"

    @property
    def place(self) -> str:
        """The organization's unit."""
        return self.organization.unit.name

    @property
    def file_unit(self) -> Unit:
        """The organization's unit."""
        return self.organization.unit

    @cached_property
    def everybody(self) -> list[ListedMember]:
        """All assignments, read once: those of the day, later ones, earlier ones; in each, leaders first."""
        day, scope = self.address.as_of, access.spans(self.user)
        rows = read_objects(_everybody, [day, self.organization.pk])
        parts: dict[str, list[ListedMember]] = {part: [] for part in PARTS}
        for row in sorted(
            rows, key=lambda row: (ROLE_ORDER[row.role], row.person.order_key, row.started_on, row.pk)
        ):
            when = NOW
            if row.started_on > day:
                when = LATER
            elif row.ended_on is not None and row.ended_on <= day:
                when = BEFORE
            is_guest = not access.inside(row.person.home_unit, scope)
            parts[when].append(ListedMember(self, row, when, is_guest))
        return [row for part in parts.values() for row in part]

    def every(self) -> list[ListedMember]:
        """Return everybody: on the day, later, before."""
        return self.everybody

    def sections(self, line: ListedMember) -> tuple[str]:
        """Return the part, the heading over its people on paper."""
        return (line.when,)

    def of_part(self, part: str) -> list[ListedMember]:
        """Return the members of a part that the filter leaves."""
        return [row for row in self.rows if row.when == part]

    @cached_property
    def part(self) -> str:
        """The part that the page shows: that of the address, else the first in which anybody is."""
        asked = PARTS_IN_ADDRESS.get(self.request.GET.get("part", ""))
        return asked or next((part for part in PARTS if self.of_part(part)), NOW)

    @property
    def tabs(self) -> list[Tab]:
        """A tab for each part with anybody in it, with the number of its members."""
        there = {row.when for row in self.everybody} | {NOW, self.part}
        return [
            Tab(
                part,
                f"{with_query(self.request, part=name)}#members",
                part == self.part,
                len(self.of_part(part)),
            )
            for name, part in PARTS_IN_ADDRESS.items()
            if part in there
        ]

    @cached_property
    def page_obj(self) -> Page[Any]:
        """A page of the part."""
        return paged(self.request, self.of_part(self.part))

    @cached_property
    def grid(self) -> Grid[ListedMember]:
        """The rows of the page: present members with what may be done, others with their end."""
        left_out = {"ended"} if self.part == NOW else {"change"}
        if not access.may(self.user, "change_role", self.organization):
            left_out.add("change")
        columns = [each for each in self.visible if each.key not in left_out]
        return Grid(columns, list(self.page_obj.object_list), folds=True)

    @property
    def kept_as(self) -> str:
        """The name of the choice of columns, which is one for all organizations."""
        return "members_export"

    def context(self) -> dict[str, Any]:
        """Return the context of the members' card, with the search where there are many."""
        is_long = self.is_filtered or len(self.everybody) > MANY
        return {
            "members": self,
            "page_obj": self.page_obj,
            "filters": self.form() if is_long else None,
            "others": others(self.request, ["q"]),
            "chips": chips(self.request, self.shown),
        }

    def has_samples(self) -> bool:
        """Whether an assignment is an invented one."""
        return any(row.assignment.is_sample for row in self.rows)
