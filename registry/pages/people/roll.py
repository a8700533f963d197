"""The roll (花名册): who is placed in the organizations of a unit or of a Party line, by branch and group.

A branch stands with its groups, posts and teams (班组): somebody who is in the branch and in one of them is
listed there once, with the role that leads. Every other organization stands by itself. It is a print and a
file; no page lists it, for the organizations' pages do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.functional import cached_property

from registry import access
from registry.counting.basis import assignment_rows, organization_rows
from registry.counting.metrics import METRICS
from registry.models import Assignment, Organization, Person, PersonCategory, PoliticalStatus
from registry.models.kinds import (
    BRANCH_KINDS,
    LEADING_ROLES,
    MEMBER_STATUSES,
    PENDING_STATES,
    ROLE_ORDER,
    place_of_kind,
)
from registry.pages.organizations.forms import numeral
from registry.spreadsheets.sheets import Kind
from registry.web.address import Address
from registry.web.columns import Column
from registry.web.drill import PlacedTable
from registry.web.lists import Length
from registry.web.paper import too_long

LONGEST = 20_000
"""The most placements of one roll, which is made in memory; the units below have rolls of their own."""
_UNGROUPED = "未编入班组"


@dataclass(frozen=True)
class ListedPerson:
    """One line: somebody in a branch or in one of its groups."""

    table: RollTable
    branch: Branch
    group: str
    """The name of the group; empty where the branch has none."""
    heading: str
    """The heading over the group on paper."""
    number: int
    held: Sequence[Assignment]
    """The placements in the branch and in the group, the leading ones first."""

    @property
    def person(self) -> Person:
        """Who it is."""
        return self.held[0].person

    @property
    def role(self) -> str:
        """The leading roles, or that of a member."""
        leading = [each for each in self.held if each.role in LEADING_ROLES] or self.held[:1]
        return "、".join(dict.fromkeys(each.get_role_display() for each in leading))

    @property
    def status(self) -> str:
        """The political status of the day."""
        return str(PoliticalStatus(_status(self.held[0])).label)

    @property
    def unit(self) -> str:
        """The home unit, with the category of anybody who is not an officer."""
        is_officer = self.person.category == PersonCategory.OFFICER
        label = self.person.home_unit.label
        return label if is_officer else f"{label}({self.person.get_category_display()})"

    @property
    def started_on(self) -> date:
        """The first day of the placements."""
        return min(each.started_on for each in self.held)

    @property
    def phone(self) -> str | None:
        """The telephone, if the user may open it."""
        return self.person.phone if access.sees_private(self.table.user, self.person) else None


@dataclass
class Branch:
    """A branch with its groups, or another organization by itself."""

    organization: Organization
    groups: list[Organization] = field(default_factory=list)
    held: dict[int, list[Assignment]] = field(default_factory=lambda: defaultdict(list))
    """The placements of each organization."""
    heading: str = ""

    def runs(self) -> Iterator[tuple[str, list[list[Assignment]]]]:
        """Yield the name of each group with the placements of each of its people; those in no group first."""
        own = _by_person(self.held[self.organization.pk])
        grouped = {each.person_id for group in self.groups for each in self.held[group.pk]}
        rest = [held for person, held in own.items() if person not in grouped]
        if rest:
            yield _UNGROUPED if grouped else "", _in_order(rest)
        for group in self.groups:
            if there := _by_person(self.held[group.pk]):
                yield group.name, _in_order([*held, *own[person]] for person, held in there.items())

    @property
    def everybody(self) -> list[Assignment]:
        """Every placement."""
        return [each for held in self.held.values() for each in held]


def _by_person(assignments: Iterable[Assignment]) -> defaultdict[int, list[Assignment]]:
    found: defaultdict[int, list[Assignment]] = defaultdict(list)
    for each in assignments:
        found[each.person_id].append(each)
    return found


def _in_order(people: Iterable[list[Assignment]]) -> list[list[Assignment]]:
    ranked = [sorted(held, key=lambda each: ROLE_ORDER[each.role]) for held in people]
    return sorted(ranked, key=lambda held: (ROLE_ORDER[held[0].role], held[0].person.order_key, held[0].pk))


def _status(assignment: Any) -> str:
    return assignment.status_then or PoliticalStatus.UNKNOWN.value


def _count(assignments: Iterable[Assignment]) -> str:
    """Return how many people there are, each counted once, and how many are members of the Party."""
    statuses = {each.person_id: _status(each) for each in assignments}
    members = sum(status in MEMBER_STATUSES for status in statuses.values())
    return f"{len(statuses):,} 人,党员 {members} 人"


def roll_prints(user: access.AnyUser, address: Address, **place: str | None) -> list[dict[str, Any]]:
    """Return the roll of a place (parameters of the address) for the menu 打印: on paper and as a file."""
    url = address.url(reverse("roll_export"), basis=None, since=None, **place)
    phones = {"label": "花名册(含联系电话)", "url": url, "send": {"phones": "1"}}
    return [
        {"label": "花名册(按支部、班组)", "url": url},
        *([phones] if access.may_somewhere(user, access.PERSONAL) else []),
        {"label": "花名册 Excel 工作簿", "url": url, "is_file": True},
    ]


class RollTable(PlacedTable[ListedPerson]):
    """The people placed at the place of the address on its day, by branch and group."""

    tab = "花名册"
    file_place = ""  # the title names it already
    section_levels = 2
    columns: Sequence[Column[ListedPerson]] = (
        Column("组织", "branch.organization.name", only="file"),
        Column("班组", "group", only="file"),
        Column("序号", "number", Kind.ORDER),
        Column("姓名", "person.name"),
        Column("警号", lambda row: access.shown_number(row.table.user, row.person), Kind.CODE),
        Column("单位", "person.home_unit.name", text="unit"),
        Column("人员类别", "person.get_category_display", only="file"),
        Column("职责", "role"),
        Column("政治面貌", "status"),
        Column("编入", "started_on", Kind.DATE),
        Column("联系电话", "phone", Kind.CODE, seen_by=lambda table: table.with_phones),
        Column("签到", lambda row: "　" * 5, only="page"),
    )

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.question = self.question.current()

    @cached_property
    def with_phones(self) -> bool:
        """Whether telephones were asked for by somebody who may open them."""
        return self.request.POST.get("phones") == "1" and access.may_somewhere(self.user, access.PERSONAL)

    @property
    def title(self) -> str:
        """The roll of the unit or of the organization."""
        at = self.at.organization or self.at.unit
        return f"{at.name if at else self.place}花名册"

    @cached_property
    def shown(self) -> dict[str, str]:
        """No filters: the title and the place are said already."""
        return {}

    def asked_along(self) -> list[str]:
        """Return the place, and whether telephones are in it."""
        return [self.place, *(["含联系电话"] if self.with_phones else [])]

    @cached_property
    def _placed(self) -> Any:
        return assignment_rows(METRICS["frontline_assignments"], self.question, self.at.rows)

    @cached_property
    def length(self) -> Length:
        """How many placements there are: at least as many as lines."""
        return Length(self._placed.count())

    @cached_property
    def branches(self) -> list[Branch]:
        """The branches and other organizations in which somebody is, in official order: two queries."""
        scope = access.spans(self.user)
        held: dict[int, list[Assignment]] = defaultdict(list)
        rows = self._placed.annotate(status_then=F("standing__status")).select_related("person__home_unit")
        for each in rows.order_by("started_on", "pk"):
            held[each.organization_id].append(each)
        found: Any = organization_rows(None, self.question, self.at.rows).select_related("unit")
        found = found.annotate(kind_place=place_of_kind()).order_by(
            "host__unit__tree_id", "host__unit__lft", "kind_place", "order_key", "pk"
        )
        seen = [each for each in found if access.inside(each.unit, scope)]  # of others nobody is named
        branch_of = dict(_under_branches(seen))
        heads = set(branch_of.values())
        branches = {each: Branch(each) for each in seen if each in heads}
        for each in seen:
            branch = branches[branch_of[each]]
            if each != branch.organization:
                branch.groups.append(each)
            if each.pk in held:
                branch.held[each.pk] = held[each.pk]
        made = [each for each in branches.values() if each.held]
        for number, branch in enumerate(made, start=1):
            branch.heading = f"{numeral(number)}、{_about(branch)}"
        return made

    def every(self) -> list[ListedPerson]:
        """Return everybody, by branch and group; the lines of a branch are numbered."""
        lines: list[ListedPerson] = []
        for branch in self.branches:
            number = 0
            for group, people in branch.runs():
                said = f"{group}　{_count(held[0] for held in people)}" if group else ""
                for held in people:
                    number += 1
                    lines.append(ListedPerson(self, branch, group, said, number, held))
        return lines

    def sections(self, line: ListedPerson) -> tuple[str, str]:
        """Return the headings of the branch and of the group."""
        return line.branch.heading, line.heading

    def has_samples(self) -> bool:
        """Whether a placement is an invented one."""
        return any(each.is_sample for branch in self.branches for each in branch.everybody)

    def file_notes(self) -> list[str]:
        """Return how many organizations and people there are."""
        everybody = [each for branch in self.branches for each in branch.everybody]
        return [f"按支部、班组:{len(self.branches):,} 个组织,{_count(everybody)}"]

    def file_footnotes(self) -> list[str]:
        """Return how people are counted and listed."""
        return ["人数为不重复的人;同时编入几个组织或班组的,各列一行。"]

    def waiting(self) -> list[tuple[str, int]]:
        """Return how many organizations are not approved."""
        pending = organization_rows(None, self.question, self.at.rows, PENDING_STATES)
        return [("组织", pending.count())]

    def as_file(self) -> HttpResponseBase:
        """Answer with the roll as a file or as it will be printed."""
        if self.length.number > LONGEST:
            return too_long(self.request, self.title, self.length.number, most=LONGEST, has_file=False)
        return super().as_file()


def _under_branches(organizations: Iterable[Organization]) -> Iterator[tuple[Organization, Organization]]:
    """Yield each organization with the branch that it is a part of on the Party line, or with itself."""
    above: list[Organization] = []
    for each in sorted(organizations, key=lambda each: (each.tree_id, each.lft)):
        while above and (above[-1].tree_id != each.tree_id or above[-1].rght < each.lft):
            above.pop()
        yield each, above[-1] if above else each
        if each.kind in BRANCH_KINDS:
            above.append(each)


def _about(branch: Branch) -> str:
    """Return the heading of a branch: its name, numbers, head and document of approval."""
    organization = branch.organization
    heads = sorted(branch.held[organization.pk], key=lambda each: ROLE_ORDER[each.role])
    head = next((each for each in heads if each.role in LEADING_ROLES), None)
    said = [
        organization.name,
        _count(branch.everybody),
        f"{head.get_role_display()} {head.person.name}" if head else "",
        organization.approval_number,
    ]
    return "　".join(part for part in said if part)
