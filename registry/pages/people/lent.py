"""People of a unit or below who are placed outside it (被借调人员), newest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, QuerySet, Window
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from registry import access
from registry.models import Assignment, AuditEntry, Organization, Person, Role, Unit, WorkflowState
from registry.models.base import OneOf, in_spans
from registry.models.hierarchy import Span, as_values, everything, from_values
from registry.models.prepared import Values, read_objects, read_rows
from registry.nouns.assignment import ASSIGNMENT
from registry.pages.people.columns import assignments_named
from registry.spreadsheets.sheets import Kind
from registry.web.address import address_of
from registry.web.columns import Column, noun_column
from registry.web.drill import PlacedTable
from registry.web.filters import ChoiceFilter, PersonFilter, UnitFilter
from registry.web.lists import LONGEST_COUNTED, Length
from registry.web.people import person_columns
from registry.web.tables import show

NEWEST_SHOWN = 5
_SHOWN = ("person__home_unit", "organization__unit")
NEW_FOR = timedelta(days=7)
"""A placement is marked as new for this long after it was entered."""


@dataclass(frozen=True)
class Lent:
    """One placement outside: who, where, since when, who entered it and when."""

    table: Any
    assignment: Assignment
    by: str
    is_seen: bool
    """Whether the organization is in scope."""

    @property
    def is_new(self) -> bool:
        """Whether it was entered lately."""
        return timezone.now() - self.assignment.created_at < NEW_FOR

    @property
    def organization_url(self) -> str:
        """The organization's page, nothing where it is out of scope."""
        return self.table.address.url(self.assignment.organization.get_absolute_url()) if self.is_seen else ""


def lent_from(spans: Iterable[Span]) -> QuerySet[Assignment]:
    """Return the placements outside the intervals, of people whose home unit is inside them."""
    spans = list(spans)
    if everything(spans):
        return Assignment.objects.none()
    # Most are placed inside: what stands there is gathered once, not looked up for each of them.
    units = Unit.objects.filter(in_spans(spans)).values("pk")
    people = Person.objects.filter(OneOf(F("home_unit"), units)).values("pk")
    inside = Organization.objects.filter(OneOf(F("unit"), units))
    rows = Assignment.objects.valid().filter(OneOf(F("person"), people)).exclude(organization__in=inside)
    return rows.exclude(organization__state=WorkflowState.WITHDRAWN)


def _newest(values: Values, intervals: int) -> Any:
    """Return the keys of the newest, each with the number of all."""
    day, *ends = values
    held = lent_from(from_values(ends, intervals) or ()).as_of(day)  # type: ignore[attr-defined]
    return held.order_by("-pk").values_list("pk", Window(Count("pk")))[:NEWEST_SHOWN]


def _shown(values: Values) -> QuerySet[Assignment]:
    return Assignment.objects.filter(pk__in=values).select_related(*_SHOWN).order_by("-pk")


class LentTable(PlacedTable[Lent]):
    """People of the address's unit who are placed outside it on its day."""

    name = "被借调人员"
    tab = "被借调"
    file = "lent_export"
    unit_word = "人次"
    nothing = "当日没有人员被编入范围以外的组织。"
    nothing_found = "没有符合筛选条件的人员。"
    can_be_samples = True
    default_sort = "-entered"
    unit_chip = "所属单位"
    noun = ASSIGNMENT
    columns: Sequence[Column[Lent]] = (
        *person_columns(
            ASSIGNMENT,
            lambda row: row.assignment.person,
            "person",
            ("person__name", "person__number"),
            "person__",
        ),
        Column("所属单位", "assignment.person.home_unit.name", text="assignment.person.home_unit.label"),
        noun_column(
            ASSIGNMENT,
            "organization_name",
            "编入组织",
            "assignment.organization.name",
            url="organization_url",
            is_sample="assignment.organization.is_sample",
            css="text",
        ),
        Column("组织所在单位", "assignment.organization.unit.name", css="text"),
        noun_column(ASSIGNMENT, "role", value="assignment.get_role_display"),
        noun_column(ASSIGNMENT, "started_on", key="started", sort=("started_on", "pk")),
        noun_column(ASSIGNMENT, "document_number", "文号", rank=3),
        Column("登记人", "by", css="nowrap"),
        Column(
            "登记时间",
            "assignment.created_at",
            Kind.TIME,
            key="entered",
            sort=("pk",),  # in the order of entering
            cell="pages/people/cells/entered.html",
        ),
    )
    filters = (
        UnitFilter(label="所属单位"),
        ChoiceFilter("role", "职责", "role", choices=Role.choices),
        PersonFilter("q", "姓名、警号或组织", assignments_named),
    )

    def every(self) -> QuerySet[Assignment]:
        """Return the placements that hold on the day."""
        held: QuerySet[Assignment] = lent_from(self.at.spans).as_of(self.question.as_of)  # type: ignore[attr-defined]
        return held

    def sortable(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Join what lines show."""
        return rows.select_related(*_SHOWN)

    def lines(self, found: list[Any]) -> list[Lent]:
        """Return these placements with who entered them: one query, whatever their number."""
        scope, by = access.spans(self.user), entered_by(found)
        return [
            Lent(self, row, by.get(row.pk, ""), access.inside(row.organization.unit, scope)) for row in found
        ]


def entered_by(rows: Iterable[Assignment]) -> dict[int, str]:
    """Return who entered each placement, as the record says."""
    entries = AuditEntry.objects.filter(noun=ASSIGNMENT.key, object_id__in=[row.pk for row in rows])
    return {pk: actor for pk, actor in entries.order_by("-pk").values_list("object_id", "actor") if pk}


def card(request: HttpRequest, spans: list[Span]) -> dict[str, Any]:
    """Return the newest who are lent from the intervals on the page's day, and how many there are."""
    ends, intervals = as_values(spans)
    found = read_rows(_newest, [address_of(request).as_of, *ends], intervals) if intervals else []
    number = found[0][1] if found else 0
    rows = read_objects(_shown, [pk for pk, _number in found]) if found else []
    return {
        "lent": LentTable(request).lines(rows) if rows else [],
        "lent_number": Length(min(number, LONGEST_COUNTED), number <= LONGEST_COUNTED),
    }


@require_safe
def lent(request: HttpRequest) -> HttpResponse:
    """The people who are borrowed by others."""
    return show(LentTable(request))
