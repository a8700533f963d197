"""The list of assignments: what stands behind a number of person-times (人次)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from registry import access
from registry.counting.basis import Question, assignment_rows
from registry.counting.metrics import METRICS, PeopleMetric
from registry.counting.rollup import kept
from registry.models import Assignment, Basis, PersonCategory, Role, Unit
from registry.models.kinds import ROLE_ORDER
from registry.pages.people.forms import AssignmentsFilter
from registry.web.address import address_of
from registry.web.drill import Place, people_metric, place_of
from registry.web.lists import Length, chips, export_url, others, paged_long, sorted_by, without_numbers
from registry.web.typed import cleaned

COLUMNS = {
    "person": ("person__name", "person__number"),
    "number": ("person__number",),
    "organization": ("organization__code", "rank", "person__number"),
    "unit": ("host_tree_id", "host_lft", "organization__code", "rank", "person__number"),
    "role": ("rank", "person__number"),
    "started": ("started_on", "person__number"),
    "ended": ("ended_on", "person__number"),
}
FILTERS = ("unit", "unit_text", "role", "category", "q")
_HOST = {
    "host_unit": F("host__unit_id"),
    "host_tree_id": F("host__unit__tree_id"),
    "host_lft": F("host__unit__lft"),
}


@dataclass(frozen=True)
class Row:
    """One assignment of the list, with the unit where its organization stood on the day."""

    assignment: Assignment
    role: str
    unit: Unit
    unit_url: str
    organization_url: str


@dataclass(frozen=True)
class Asked:
    """What the address asks of the list: its rows in order, and each filter in words."""

    metric: PeopleMetric
    place: Place
    wanted: dict[str, str]
    rows: QuerySet[Assignment]
    """Without order and without what only the lines show: for counting."""
    ordered: QuerySet[Assignment]
    sort: str
    sorts_by_number: bool
    shown: dict[str, str]


def asked(request: HttpRequest) -> Asked:
    """Read the address; the page and its export list the same rows."""
    question = address_of(request).question
    named, place = people_metric(request), place_of(request, question)
    every = METRICS["frontline_assignments"]
    assert isinstance(every, PeopleMetric)
    metric = named or every
    wanted = {name: cleaned(request.GET.get(name, "")) for name in ("role", "category", "q")}
    rows = _filtered(request.user, assignment_rows(metric, question, place.rows), wanted)
    columns = without_numbers(request.user, COLUMNS)
    ordered, sort = sorted_by(
        request,
        rows.annotate(rank=_rank(), **_HOST).select_related("person__home_unit", "organization__unit"),
        columns,
        "unit",
    )
    return Asked(
        metric,
        place,
        wanted,
        rows,
        ordered.annotate(host_unit=F("host__unit_id")),
        sort,
        "number" in columns,
        _shown_filters(named, place, wanted),
    )


@require_safe
def assignments(request: HttpRequest) -> HttpResponse:
    """The assignments behind a number: of every frontline assignment when the address names no metric."""
    address, found = address_of(request), asked(request)
    question, place = address.question, found.place
    number, people = _numbers(
        found.rows, found.metric, question, place, is_filtered=any(found.wanted.values())
    )
    page = paged_long(request, found.ordered, Length(number))
    return render(
        request,
        "assignments/list.html",
        {
            "metric": found.metric,
            "place": place,
            "filters": AssignmentsFilter(
                user=request.user, initial={**found.wanted, "unit": place.unit}, auto_id="filter_%s"
            ),
            "others": others(request, FILTERS),
            "chips": chips(request, found.shown),
            "clear_url": address.url(request.path),
            "page_obj": page,
            "rows": rows_of(request, list(page.object_list)),
            "people": people,
            "sort": found.sort,
            "sorts_by_number": found.sorts_by_number,
            "export_url": export_url(request, "assignments_export"),
            "basis": Basis(question.basis).label,
            "question": question,
        },
    )


def _numbers(
    rows: QuerySet[Assignment], metric: PeopleMetric, question: Question, place: Place, *, is_filtered: bool
) -> tuple[int, int]:
    """Return the list's assignments and its people in numbers; from the totals where they hold it."""
    if place.whole is not None and not metric.on_day and not is_filtered:
        counts = kept(place.whole, question)
        if counts is not None:
            return counts["frontline_assignments"], counts["frontline_people"]
    each = rows.order_by().values("person_id").annotate(number=Count("pk"))
    found = each.aggregate(people=Count("person_id"), times=Coalesce(Sum("number"), 0))
    return found["times"], found["people"]


def _rank() -> Case:
    """Return the role's place in the order of rank, for sorting."""
    whens = [When(role=role, then=Value(place)) for role, place in ROLE_ORDER.items()]
    return Case(*whens, default=Value(len(whens)), output_field=IntegerField())


def _filtered(
    user: access.AnyUser, rows: QuerySet[Assignment], wanted: Mapping[str, str]
) -> QuerySet[Assignment]:
    if wanted["role"] in Role.values:
        rows = rows.filter(role=wanted["role"])
    if wanted["category"] in PersonCategory.values:
        rows = rows.filter(person__category=wanted["category"])
    text = wanted["q"]
    if text:
        rows = rows.filter(
            access.person_matches(user, text, "person__") | Q(organization__name__icontains=text)
        )
    return rows


def _shown_filters(metric: PeopleMetric | None, place: Place, wanted: Mapping[str, str]) -> dict[str, str]:
    shown = {}
    if metric is not None:
        shown["metric"] = f"指标:{metric.label}"
    if place.organization is not None:
        shown["party_line"] = f"党组织线:{place.organization.name}"
    elif place.unit is not None:
        shown["unit"] = f"编入单位:{place.unit.name}"
        if place.own:
            shown["own"] = "仅本单位"
    if wanted["role"] in Role.values:
        shown["role"] = f"职责:{Role(wanted['role']).label}"
    if wanted["category"] in PersonCategory.values:
        shown["category"] = f"类别:{PersonCategory(wanted['category']).label}"
    if wanted["q"]:
        shown["q"] = f"含“{wanted['q']}”"
    return shown


def rows_of(request: HttpRequest, found: list[Assignment]) -> list[Row]:
    """Return the lines of these assignments: one query, whatever their number."""
    address = address_of(request)
    scope = access.spans(request.user)
    hosts = Unit.objects.in_bulk({row.host_unit for row in found})  # type: ignore[attr-defined]
    shown = []
    for row in found:
        unit = hosts[row.host_unit]  # type: ignore[attr-defined]
        organization = row.organization
        shown.append(
            Row(
                row,
                row.get_role_display(),
                unit,
                address.url(unit.get_absolute_url()) if access.inside(unit, scope) else "",
                address.url(organization.get_absolute_url())
                if access.inside(organization.unit, scope)
                else "",
            )
        )
    return shown
