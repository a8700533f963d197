"""The list of people: those of a unit, or those behind a number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.functional import cached_property

from registry import access
from registry.counting.basis import assignments, people_rows
from registry.counting.metrics import FORMAL, FRONTLINE
from registry.counting.rollup import kept
from registry.models import (
    Assignment,
    Organization,
    Person,
    PersonCategory,
    PersonPlacement,
    PoliticalStatus,
    StatusPeriod,
    WorkflowState,
)
from registry.models.base import on_day
from registry.models.hierarchy import Span, placed_in
from registry.models.kinds import ROLE_ORDER
from registry.models.person import PersonQuerySet
from registry.models.prepared import read_by_keys
from registry.nouns.person import PERSON
from registry.web.address import Address
from registry.web.columns import Column, noun_column, read_back
from registry.web.drill import PendingFilter, PlacedTable
from registry.web.filters import ChoiceFilter, PersonFilter, RowFilter, UnitFilter
from registry.web.lists import LONGEST_SORTED, Length, Shown, length_of
from registry.web.people import person_columns
from registry.web.tables import Empty

FEW_HITS = 2_000
QUICK = ("name", "number")
"""What the list of a whole country can be sorted by."""


@dataclass(frozen=True)
class Placed:
    """An assignment as the lists show it; ``is_seen``: its organization is in scope."""

    address: Address
    assignment: Assignment
    is_seen: bool

    @property
    def organization(self) -> Organization:
        """Where the person is placed."""
        return self.assignment.organization

    @property
    def role(self) -> str:
        """The role there."""
        return self.assignment.get_role_display()

    @property
    def url(self) -> str:
        """The organization's page, nothing where it is out of scope."""
        return self.address.url(self.organization.get_absolute_url()) if self.is_seen else ""

    @property
    def is_pending(self) -> bool:
        """Whether the organization is not approved, so not counted."""
        return self.organization.state != WorkflowState.APPROVED

    def __str__(self) -> str:
        return f"{self.organization.name} {self.role}{'(待审批)' if self.is_pending else ''}"


@dataclass(frozen=True)
class ListedPerson:
    """One person of the list."""

    table: PeopleTable
    person: Any
    placed: list[Placed]
    is_guest: bool = False
    """Seen only through a placement: the formal membership elsewhere is not shown."""

    @property
    def status(self) -> str:
        """The political status of the day."""
        return str(PoliticalStatus(self.person.status_then or PoliticalStatus.UNKNOWN).label)

    @property
    def branch(self) -> Organization | None:
        """The branch of the formal membership."""
        return None if self.is_guest else self.person.home_branch


def _with_status(rows: QuerySet[Any], day: date) -> QuerySet[Any]:
    """Join each person's political status of the day."""
    joined: QuerySet[Any] = rows.with_status_on(day).annotate(  # type: ignore[attr-defined]
        status_then=F("standing__status")
    )
    return joined


def _detailed(rows: QuerySet[Any], day: date) -> QuerySet[Any]:
    return _with_status(rows.select_related("home_unit", "home_branch"), day)


def _on_day(day: date) -> QuerySet[Any]:
    return _detailed(Person.objects.all(), day)


def _frontline(day: date) -> QuerySet[Assignment]:
    held = Assignment.objects.as_of(day).filter(FRONTLINE)
    return held.exclude(organization__state=WorkflowState.WITHDRAWN).select_related("organization")


def _had_status(table: PeopleTable, rows: Any, status: str) -> Any:
    """Return those who had the status on the day: the newest, unless it changed after the day."""
    day = table.question.as_of
    later = StatusPeriod.objects.filter(started_on__gt=day).values("person_id")
    then = StatusPeriod.objects.filter(on_day(day), status=status, person__in=later)
    newest = Q(political_status=status) & ~Q(pk__in=later)
    return rows.filter(newest | Q(pk__in=then.values("person_id")))


LEFT = "left"
_SERVICE = ((LEFT, "已离职"), ("all", "在职和已离职"))


def _in_branch(table: PeopleTable, rows: Any, branch: Organization) -> Any:
    """Return those whose formal membership was at the branch on the day."""
    then = PersonPlacement.objects.filter(on_day(table.question.as_of), branch=branch)
    return rows.filter(pk__in=then.values("person_id"))


def _placed_or_not(table: PeopleTable, rows: Any, wanted: str) -> Any:
    # One's own people also where they are placed elsewhere, which their page shows; guests only here.
    question = table.question
    here = question.current()
    anywhere = assignments(replace(here, scope=None)).values("person_id")
    placed = Q(pk__in=anywhere)
    if question.scope is not None:
        placed = Q(pk__in=assignments(here).values("person_id")) | question.seen("home_unit__") & placed
    return rows.filter(placed) if wanted == "yes" else rows.exclude(placed)


def _named(table: PeopleTable, rows: Any, text: str) -> Any:
    """Return those whom the text finds: by their keys if they are few, so that it is looked for only once."""
    rows = access.matching_people(table.user, rows, text)
    keys = list(rows.order_by().values_list("pk", flat=True)[: FEW_HITS + 1])
    return rows if len(keys) > FEW_HITS else Person.objects.filter(pk__in=keys)


class PeopleTable(PlacedTable[ListedPerson]):
    """The people behind a number (``metric``), or those whose home unit is in the subtree."""

    name = "人员"
    tab = "人员"
    file = "people_export"
    unit_word = "人"
    nothing = "管理范围内还没有登记人员。"
    nothing_found = "没有符合筛选条件的人员。"
    can_be_samples = True
    default_sort = "name"
    noun = PERSON
    columns: Sequence[Column[ListedPerson]] = (
        *person_columns(PERSON, lambda row: row.person, "name", ("order_key",)),
        noun_column(PERSON, "category", "人员类别", key="category", sort=("category", "order_key")),
        noun_column(
            PERSON,
            "political_status",
            "",
            "status",
            key="status",
            sort=("status_then", "order_key"),
            css="nowrap",
            is_of_the_day=True,
        ),
        noun_column(PERSON, "title", value=lambda row: "" if row.is_guest else row.person.title, rank=3),
        noun_column(
            PERSON,
            "home_unit_name",
            "",
            "person.home_unit.name",
            key="unit",
            sort=("home_unit__tree_id", "home_unit__lft", "order_key"),
            text="person.home_unit.label",
        ),
        noun_column(
            PERSON,
            "home_branch_name",
            "组织关系所在支部",
            "branch.name",
            key="branch",
            sort=("home_branch__order_key", "order_key"),
            css="text",
        ),
        Column(
            "一线编入",
            lambda row: ";".join(map(str, row.placed)),
            cell="pages/people/cells/placed.html",
            css="text",
            says_day=True,
        ),
        read_back(PERSON, "home_unit", lambda row: None if row.is_guest else row.person.home_unit.code),
        read_back(PERSON, "home_branch", "branch.code"),
    )
    filters = (
        UnitFilter(),
        ChoiceFilter("category", "人员类别", "category", choices=PersonCategory.choices),
        ChoiceFilter("status", "政治面貌", _had_status, choices=PoliticalStatus.choices),
        RowFilter("branch", "组织关系所在支部", _in_branch, noun="organization"),
        ChoiceFilter("service", "在职情况", choices=_SERVICE, anything="在职"),
        ChoiceFilter("assigned", "一线编入", _placed_or_not, choices=[("yes", "有"), ("no", "无")]),
        PersonFilter("q", "姓名或警号", _named),
        PendingFilter(),
    )

    @property
    def heading(self) -> str:
        """The number of people stands over those that are counted."""
        return "人数" if self.metric or self.at.organization else ""

    @property
    def unit_chip(self) -> str:
        """What the unit is to those people."""
        return "编入单位" if self.is_placed else "所属单位"

    @property
    def is_placed(self) -> bool:
        """Whether the unit is where the people are placed, not their home."""
        if self.metric is not None:
            return self.metric.source is not FORMAL
        return self.at.organization is not None

    @cached_property
    def actions(self) -> list[dict[str, str]]:
        """Who is lent, borrowing, and adding a person at the unit of the list, or at the user's only one."""
        tops = [self.unit] if self.unit else access.top_units(self.user, "add_person")
        lent = {"label": "被借调人员", "url": self.address.url(reverse("lent")), "tone": ""}
        made = [lent]
        if access.may_somewhere(self.user, "assign_person"):
            made.append({"label": "借调编入", "url": self.address.url(reverse("person_borrow")), "tone": ""})
        if len(tops) == 1 and access.may(self.user, "add_person", tops[0]):
            url = self.address.url(reverse("person_add", args=[tops[0].code]))
            made.append({"label": f"在{tops[0].label}添加人员", "url": url, "tone": "main"})
        return made

    @property
    def empty(self) -> Empty:
        """Where nobody is registered yet, somebody can be added."""
        offered = self.actions[-1]
        if self.shown or offered["tone"] != "main":
            return super().empty if self.shown else Empty(self.nothing)
        return Empty(self.nothing, offered["url"], offered["label"])

    def every(self) -> QuerySet[Person]:
        """Return the people behind the metric, on the Party line, or at home at the place."""
        place, rows = self.at, Person.objects.order_by()
        if self.metric is not None:
            return self.in_states(self.states)
        if place.organization is not None:
            placed = assignments(self.question).filter(
                organization__tree_id=place.organization.tree_id,
                organization__lft__range=(place.organization.lft, place.organization.rght),
            )
            return Person.objects.filter(pk__in=placed.values("person_id"))
        serving = self.serving(rows)
        if place.unit is None:
            return access.visible(self.user, serving)
        if place.own:
            return serving.filter(home_unit=place.unit)
        return placed_in(serving, [Span(place.unit.tree_id, place.unit.lft, place.unit.rght)], "home_unit__")

    def in_states(self, states: tuple[str, ...]) -> QuerySet[Person]:
        """Return the people behind the metric in organizations of these states."""
        return people_rows(self.metric, self.question, self.at.rows, states)

    def serving(self, rows: PersonQuerySet) -> PersonQuerySet:
        """Return those who serve on the day, unless the address asks for others."""
        wanted, day = self.wanted["service"], self.question.as_of
        if wanted == LEFT:
            return rows.unmerged().filter(left_on__lte=day)
        return rows.unmerged() if wanted else rows.serving_on(day)

    @cached_property
    def length(self) -> Length:
        """How long the list is; the number of a metric is the ledger's where it knows."""
        metric, whole = self.metric, self.at.whole
        if metric is not None and whole is not None and metric.distinct and not self.is_filtered:
            counts = kept(whole, self.question)
            if counts is not None:
                return Length(counts[metric.slug])
        return length_of(self.rows)

    @cached_property
    def sorts(self) -> Mapping[str, Any]:
        """A long list is sorted only by what an index holds."""
        sorts = super().sorts
        if self.length.number <= LONGEST_SORTED:
            return sorts
        return {key: fields for key, fields in sorts.items() if key in QUICK}

    def sortable(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Join the status only where it is sorted by."""
        by_status = self.request.GET.get("sort", "").removeprefix("-") == "status"
        return _with_status(rows, self.question.as_of) if by_status else rows

    def detailed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Join all that a line shows."""
        return _detailed(rows, self.question.as_of)

    def page_rows(self) -> Shown:
        """Read the people of a page by their keys."""
        return Shown(_on_day, [self.question.as_of])

    def lines(self, found: list[Any]) -> list[ListedPerson]:
        """Return these people with where they are placed: two queries, whatever their number."""
        placements: dict[int, list[Assignment]] = defaultdict(list)
        keys = [each.pk for each in found]
        for assignment in read_by_keys(_frontline, [self.question.as_of], keys, "person"):
            placements[assignment.person_id].append(assignment)
        wanted = {row.organization_id for rows in placements.values() for row in rows}
        visible = access.visible(self.user, Organization.objects.filter(pk__in=wanted)).order_by()
        seen = set(visible.values_list("pk", flat=True))
        scope = access.spans(self.user)
        lines = []
        for person in found:
            is_guest = not access.inside(person.home_unit, scope)
            placed = [row for row in placements[person.pk] if not is_guest or row.organization_id in seen]
            lines.append(ListedPerson(self, person, placed_in_order(placed, seen, self.address), is_guest))
        return lines

    def totals(self) -> dict[str, Any] | None:
        """Count the whole list, not only the page, by category and by political status of the day.

        A person holds the newest status; only those whose status changed after the day are looked up.
        Nothing where that takes too long.
        """
        rows, length, day = self.rows, self.length, self.question.as_of
        if length.number > LONGEST_SORTED and (not length.is_exact or self.is_filtered):
            return None
        category: dict[str, int] = defaultdict(int)
        status: dict[str, int] = defaultdict(int)
        newest = rows.order_by().values_list("category", "political_status").annotate(number=Count("pk"))
        for of_category, of_status, number in newest:
            category[of_category] += number
            status[of_status] += number
        later = StatusPeriod.objects.filter(started_on__gt=day)
        if length.number <= LONGEST_SORTED:  # each person is looked up; of a long list, each change
            changed = rows.filter(Exists(later.filter(person=OuterRef("pk"))))
        else:
            changed = rows.filter(pk__in=later.values("person_id"))
        changed = _with_status(changed.order_by(), day)
        for of_status, then, number in changed.values_list("political_status", "status_then").annotate(
            number=Count("pk")
        ):
            status[of_status] -= number
            status[then or PoliticalStatus.UNKNOWN.value] += number
        return {
            "category": [(key, word, category[key]) for key, word in PersonCategory.choices if category[key]],
            "status": [(key, word, status[key]) for key, word in PoliticalStatus.choices if status[key]],
        }


def placed_in_order(rows: Iterable[Assignment], seen: set[int], address: Address) -> list[Placed]:
    """Return assignments ready to be shown, leaders first, then by date."""
    ordered = sorted(rows, key=lambda row: (ROLE_ORDER[row.role], row.started_on, row.pk))
    return [Placed(address, row, row.organization_id in seen) for row in ordered]
