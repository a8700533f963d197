"""The list of assignments: what stands behind a number of person-times (人次)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.views.decorators.http import require_safe

from registry import access
from registry.counting.basis import assignment_rows
from registry.counting.metrics import METRICS, PLACED, PeopleMetric
from registry.counting.rollup import kept
from registry.models import Assignment, PersonCategory, Role, Unit, WorkflowState
from registry.models.kinds import rank_of_role
from registry.models.prepared import read_by_keys
from registry.nouns.assignment import ASSIGNMENT
from registry.pages.people.columns import ASSIGNMENT_ACTS, assignments_named
from registry.web.columns import Column, noun_column, read_back, tick_column
from registry.web.drill import PendingFilter, PlacedTable
from registry.web.filters import ChoiceFilter, PersonFilter, UnitFilter
from registry.web.lists import Length, Shown
from registry.web.people import person_columns
from registry.web.tables import Empty, show


@dataclass(frozen=True)
class ListedAssignment:
    """One assignment of the list, with the unit where its organization stood on the day."""

    table: AssignmentTable
    assignment: Assignment
    unit: Unit
    is_unit_seen: bool
    is_seen: bool
    """Whether the organization is in scope today."""

    @property
    def unit_url(self) -> str:
        """The unit's page, nothing where it is out of scope."""
        return self.table.address.url(self.unit.get_absolute_url()) if self.is_unit_seen else ""

    @property
    def organization_url(self) -> str:
        """The organization's page, nothing where it is out of scope."""
        organization = self.assignment.organization
        return self.table.address.url(organization.get_absolute_url()) if self.is_seen else ""


def _joined(rows: QuerySet[Any]) -> QuerySet[Any]:
    joined: QuerySet[Any] = rows.annotate(
        rank=rank_of_role(),
        host_unit=F("host__unit_id"),
        host_tree_id=F("host__unit__tree_id"),
        host_lft=F("host__unit__lft"),
    ).select_related("person__home_unit", "organization__unit")
    return joined


def _on_day(day: date) -> QuerySet[Any]:
    return _joined(PLACED.on(day, tuple(WorkflowState.values)))


class AssignmentTable(PlacedTable[ListedAssignment]):
    """The assignments behind a number: every frontline assignment when the address names no metric."""

    tab = "编入"
    file = "assignments_export"
    heading = "人次"
    counted_word = "编入"
    unit_word = "人次"
    can_be_samples = True
    default_sort = "unit"
    unit_chip = "编入单位"
    is_kept = True
    noun = ASSIGNMENT
    acts = ASSIGNMENT_ACTS
    columns: Sequence[Column[ListedAssignment]] = (
        tick_column("assignment.pk"),
        *person_columns(
            ASSIGNMENT,
            lambda row: row.assignment.person,
            "person",
            ("person__name", "person__order_key"),
            "person__",
        ),
        noun_column(
            ASSIGNMENT,
            "organization_name",
            "组织",
            "assignment.organization.name",
            key="organization",
            sort=("organization__order_key", "rank", "person__order_key"),
            url="organization_url",
            is_sample="assignment.organization.is_sample",
            css="text",
        ),
        Column(
            "组织当日所在单位",
            "unit.name",
            key="unit",
            sort=("host_tree_id", "host_lft", "organization__order_key", "rank", "person__order_key"),
            url="unit_url",
            text="unit.label",
        ),
        noun_column(ASSIGNMENT, "role", key="role", sort=("rank", "person__order_key")),
        noun_column(ASSIGNMENT, "started_on", key="started", sort=("started_on", "person__order_key")),
        noun_column(ASSIGNMENT, "ended_on", key="ended", sort=("ended_on", "person__order_key")),
        noun_column(ASSIGNMENT, "document_number", "任命文号", rank=3),
        read_back(
            ASSIGNMENT,
            "organization",
            lambda row: row.assignment.organization.code if row.is_seen else None,
        ),
    )
    filters = (
        UnitFilter(),
        ChoiceFilter("role", "职责", "role", choices=Role.choices, is_plain=True),
        ChoiceFilter(
            "category", "人员类别", "person__category", choices=PersonCategory.choices, is_plain=True
        ),
        PersonFilter("q", "姓名、警号或组织", assignments_named),
        PendingFilter(),
    )

    @cached_property
    def counted(self) -> PeopleMetric:
        """The metric whose assignments are listed."""
        every = METRICS["frontline_assignments"]
        assert isinstance(every, PeopleMetric)
        return self.metric or every

    @property
    def title(self) -> str:
        """The metric that is listed."""
        return str(self.counted.label)

    @property
    def file_name(self) -> str:
        """The metric, told from the list of people of the same one."""
        return f"{self.title}(人次)"

    def every(self) -> QuerySet[Assignment]:
        """Return the assignments that the metric counts."""
        return self.in_states(self.states)

    def in_states(self, states: tuple[str, ...]) -> QuerySet[Assignment]:
        """Return the assignments that the metric counts in organizations of these states."""
        return assignment_rows(self.counted, self.question, self.at.rows, states)

    @property
    def has_workflow(self) -> bool:
        """Whether the organizations may be not approved."""
        return bool(self.counted.source.state)

    def sortable(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Join the rank and where the organization stood, which lines show too."""
        return _joined(rows)

    def page_rows(self) -> Shown:
        """Read the assignments of a page by their keys."""
        return Shown(_on_day, [self.question.as_of])

    @cached_property
    def numbers(self) -> tuple[int, int]:
        """How many assignments, and of how many people; from the ledger where it knows."""
        if self.at.whole is not None and not self.counted.on_day and not self.is_filtered:
            counts = kept(self.at.whole, self.question)
            if counts is not None:
                return counts["frontline_assignments"], counts["frontline_people"]
        each = self.rows.order_by().values("person_id").annotate(number=Count("pk"))
        found = each.aggregate(people=Count("person_id"), times=Coalesce(Sum("number"), 0))
        return found["times"], found["people"]

    @cached_property
    def length(self) -> Length:
        """How many assignments there are."""
        return Length(self.numbers[0])

    def lines(self, found: list[Any]) -> list[ListedAssignment]:
        """Return these assignments with their units: one query, whatever their number."""
        scope = access.spans(self.user)
        units = read_by_keys(Unit.objects.all, (), sorted({row.host_unit for row in found}))
        hosts = {unit.pk: unit for unit in units}
        return [
            ListedAssignment(
                self,
                row,
                hosts[row.host_unit],
                access.inside(hosts[row.host_unit], scope),
                access.inside(row.organization.unit, scope),
            )
            for row in found
        ]

    @property
    def empty(self) -> Empty:
        """The same words with and without filters: day and basis are in them."""
        sentence = "这一天、这个口径下没有编入记录。"
        return Empty(sentence, self.clear_url, "清除筛选") if self.shown else Empty(sentence)


@require_safe
def assignments(request: HttpRequest) -> HttpResponse:
    """The assignments behind a number."""
    table = AssignmentTable(request)
    return show(table, "pages/assignments/list.html", metric=table.counted, people=table.numbers[1])
