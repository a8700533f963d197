"""People: the list with its drill-down, and a person's page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access
from registry.counting.basis import Question, assignments, people_rows
from registry.counting.metrics import FRONTLINE, PeopleMetric
from registry.forms.people import PeopleFilter
from registry.models import (
    Assignment,
    Basis,
    Organization,
    Person,
    PersonCategory,
    PoliticalStatus,
    StatusPeriod,
    WorkflowState,
)
from registry.models.base import in_spans
from registry.models.kinds import MEMBER_STATUSES, ROLE_ORDER
from registry.views import history
from registry.views.address import Address, address_of
from registry.views.drill import Place, people_metric, place_of
from registry.views.finding import cleaned
from registry.views.lists import chips, others, paged, sorted_by

COLUMNS = {
    "name": ("name",),
    "number": ("number",),
    "category": ("category", "number"),
    "status": ("status_then", "number"),
    "unit": ("home_unit__tree_id", "home_unit__lft", "number"),
    "branch": ("home_branch__code", "number"),
}
FILTERS = ("unit", "unit_text", "category", "status", "assigned", "q")


@dataclass(frozen=True)
class Placed:
    """An assignment as the lists show it; ``url`` is empty where the organization is out of scope."""

    assignment: Assignment
    organization: Organization
    role: str
    url: str
    is_pending: bool


@dataclass(frozen=True)
class Row:
    """One person of the list."""

    person: Person
    status: str
    is_member: bool
    placed: list[Placed]


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """The people behind a number (``metric``), or those whose home unit is in the subtree."""
    address = address_of(request)
    question = address.question
    metric, place = people_metric(request), place_of(request, question)
    wanted = {name: cleaned(request.GET.get(name, "")) for name in ("category", "status", "assigned", "q")}
    rows = _filtered(_listed(request, metric, question, place), wanted, question)
    ordered, sort = sorted_by(request, rows.select_related("home_unit", "home_branch"), COLUMNS, "number")
    page = paged(request, ordered)
    form = PeopleFilter(
        user=request.user,
        initial={**wanted, "unit": place.unit},
        auto_id="filter_%s",
    )
    shown = _shown_filters(metric, place, wanted)
    return render(
        request,
        "people/list.html",
        {
            "metric": metric,
            "place": place,
            "filters": form,
            "others": others(request, FILTERS),
            "chips": chips(request, shown),
            "clear_url": address.url(request.path),
            "page_obj": page,
            "rows": _rows(request, list(page.object_list), address.as_of),
            "totals": _totals(rows),
            "sort": sort,
            "basis": Basis(question.basis).label,
            "question": question,
            "actions": _list_actions(request, place, address),
        },
    )


def _listed(
    request: HttpRequest, metric: PeopleMetric | None, question: Question, place: Place
) -> QuerySet[Person]:
    if metric is not None:
        return people_rows(metric, question, place.rows)
    if place.organization is not None:
        placed = assignments(question).filter(
            organization__tree_id=place.organization.tree_id,
            organization__lft__range=(place.organization.lft, place.organization.rght),
        )
        return Person.objects.filter(pk__in=placed.values("person_id"))
    seen = access.visible(request.user, Person.objects.order_by())
    rows = Person.objects.filter(pk__in=seen.values("pk"))
    if place.unit is None:
        return rows
    if place.own:
        return rows.filter(home_unit=place.unit)
    return rows.filter(
        home_unit__tree_id=place.unit.tree_id, home_unit__lft__range=(place.unit.lft, place.unit.rght)
    )


def _list_actions(request: HttpRequest, place: Place, address: Address) -> list[dict[str, str]]:
    """Offer adding a person at the unit of the list, or at the user's only one."""
    tops = [place.unit] if place.unit else access.top_units(request.user, access.ENTER_ROLES)
    if len(tops) != 1 or not access.may_enter(request.user, tops[0]):
        return []
    url = address.url(reverse("person_add", args=[tops[0].code]))
    return [{"label": f"在{tops[0].label}添加人员", "url": url, "tone": "main"}]


def _filtered(rows: QuerySet[Any], wanted: Mapping[str, str], question: Question) -> QuerySet[Any]:
    rows = rows.with_status_on(question.as_of)  # type: ignore[attr-defined]
    rows = rows.annotate(status_then=F("standing__status"))
    if wanted["category"] in PersonCategory.values:
        rows = rows.filter(category=wanted["category"])
    if wanted["status"] in PoliticalStatus.values:
        rows = rows.filter(status_then=wanted["status"])
    if wanted["assigned"] in ("yes", "no"):
        now = assignments(Question(question.as_of, campaign=question.campaign)).values("person_id")
        rows = rows.filter(pk__in=now) if wanted["assigned"] == "yes" else rows.exclude(pk__in=now)
    if wanted["q"]:
        rows = rows.matching(wanted["q"])  # type: ignore[attr-defined]
    return rows


def _shown_filters(metric: PeopleMetric | None, place: Place, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the words of each filter that is on, by its parameter."""
    shown = {}
    if metric is not None:
        shown["metric"] = f"指标:{metric.label}"
    if place.organization is not None:
        shown["party_line"] = f"党组织线:{place.organization.name}"
    elif place.unit is not None:
        word = "编入单位" if metric else "所属单位"
        shown["unit"] = f"{word}:{place.unit.name}"
        if place.own:
            shown["own"] = "仅本单位"
    if wanted["category"] in PersonCategory.values:
        shown["category"] = f"类别:{PersonCategory(wanted['category']).label}"
    if wanted["status"] in PoliticalStatus.values:
        shown["status"] = f"政治面貌:{PoliticalStatus(wanted['status']).label}"
    if wanted["assigned"] in ("yes", "no"):
        shown["assigned"] = "一线编入:有" if wanted["assigned"] == "yes" else "一线编入:无"
    if wanted["q"]:
        shown["q"] = f"含“{wanted['q']}”"
    return shown


def _totals(rows: QuerySet[Any]) -> dict[str, Any]:
    """Count the whole list, not only the page, by category and by political status of the day."""
    category: dict[str, int] = defaultdict(int)
    status: dict[str, int] = defaultdict(int)
    counted = rows.order_by().values_list("category", "status_then").annotate(number=Count("pk"))
    for of_category, of_status, number in counted:
        category[of_category] += number
        status[of_status or PoliticalStatus.UNKNOWN.value] += number
    return {
        "category": [(key, label, category[key]) for key, label in PersonCategory.choices if category[key]],
        "status": [(key, label, status[key]) for key, label in PoliticalStatus.choices if status[key]],
    }


def _rows(request: HttpRequest, found: list[Any], day: date) -> list[Row]:
    placements: dict[int, list[Assignment]] = defaultdict(list)
    held = Assignment.objects.as_of(day).filter(FRONTLINE, person__in=found)
    for assignment in held.exclude(organization__state=WorkflowState.WITHDRAWN).select_related(
        "organization"
    ):
        placements[assignment.person_id].append(assignment)
    seen = organizations_seen(request, (row for rows in placements.values() for row in rows))
    address = address_of(request)
    return [
        Row(
            person,
            str(PoliticalStatus(person.status_then or PoliticalStatus.UNKNOWN).label),
            person.status_then in MEMBER_STATUSES,
            placed_in_order(placements[person.pk], seen, address),
        )
        for person in found
    ]


def organizations_seen(request: HttpRequest, rows: Iterable[Assignment]) -> set[int]:
    """Return which of the organizations of ``rows`` the user may open: two queries, whatever their number."""
    scope = access.spans(request.user)
    wanted = {row.organization_id for row in rows}
    return set(
        Organization.objects.filter(in_spans(scope, "unit__"), pk__in=wanted)
        .order_by()
        .values_list("pk", flat=True)
    )


def placed_in_order(rows: Iterable[Assignment], seen: set[int], address: Address) -> list[Placed]:
    """Return assignments ready to be shown, leaders first, then by date."""
    ordered = sorted(rows, key=lambda row: (ROLE_ORDER[row.role], row.started_on, row.pk))
    return [_placed(row, seen, address) for row in ordered]


def _placed(row: Assignment, seen: set[int], address: Address) -> Placed:
    organization = row.organization
    url = address.url(organization.get_absolute_url()) if organization.pk in seen else ""
    pending = organization.state != WorkflowState.APPROVED
    return Placed(row, organization, row.get_role_display(), url, pending)


@require_safe
def person(request: HttpRequest, number: str) -> HttpResponse:
    """Formal membership beside temporary placements, political status by date, and the record."""
    found = access.get_person(request.user, cleaned(number))
    address = address_of(request)
    day = address.as_of
    scope = access.spans(request.user)
    enter = access.spans(request.user, access.ENTER_ROLES)
    rows = list(
        Assignment.objects.filter(person=found)
        .select_related("organization__unit")
        .order_by("-started_on", "-pk")
    )
    seen = {row.organization_id for row in rows if access.inside(row.organization.unit, scope)}
    may_change = {row.pk for row in rows if access.inside(row.organization.unit, enter)}
    now = [row for row in rows if _holds(row, day)]
    statuses = list(StatusPeriod.objects.filter(person=found).order_by("started_on"))
    standing = next((period for period in reversed(statuses) if period.started_on <= day), None)
    request.current_unit = found.home_unit.code  # type: ignore[attr-defined]
    branch = found.home_branch
    unit_seen = access.inside(found.home_unit, scope)
    return render(
        request,
        "people/person.html",
        {
            "person": found,
            "status": standing.get_status_display() if standing else found.get_political_status_display(),
            "unit_url": address.url(found.home_unit.get_absolute_url()) if unit_seen else "",
            "branch_url": address.url(branch.get_absolute_url())
            if branch and access.may_view(request.user, branch.unit)
            else "",
            "now": placed_in_order(now, seen, address),
            "other": [_placed(row, seen, address) for row in rows if row not in now],
            "may_change": may_change,
            "statuses": statuses,
            "beginning": StatusPeriod.BEGINNING,
            "events": history.events(history.of_person(found)),
            "actions": _actions(found, address, access.inside(found.home_unit, enter), bool(enter)),
            "subtitle": f"{found.number} · {found.get_category_display()} · {found.home_unit.name}",
            "crumbs": _crumbs(found, address, unit_seen),
            "day": day,
        },
    )


def _holds(row: Assignment, day: date) -> bool:
    counts = not row.is_withdrawn and row.organization.state != WorkflowState.WITHDRAWN
    return counts and row.started_on <= day and (row.ended_on is None or row.ended_on > day)


def _crumbs(found: Person, address: Address, unit_seen: bool) -> list[dict[str, str]]:
    unit = found.home_unit
    people_url = reverse("people")
    crumbs = [{"name": "人员", "url": address.url(people_url)}]
    if unit_seen:
        crumbs.append({"name": unit.label, "url": address.url(people_url, unit=unit.code)})
    return [*crumbs, {"name": found.name, "url": ""}]


def _actions(found: Person, address: Address, may_edit: bool, may_enter: bool) -> list[dict[str, str]]:
    """Return the buttons of a person's page, by rights: at the home unit, and anywhere at all."""

    def button(label: str, name: str, tone: str = "") -> dict[str, str]:
        return {"label": label, "url": address.url(reverse(name, args=[found.number])), "tone": tone}

    actions = []
    if may_edit:
        actions += [
            button("修改资料", "person_edit"),
            button("变更政治面貌", "person_status"),
            button("调整组织关系", "person_transfer"),
        ]
    if may_enter:
        actions.append(button("编入组织", "person_assign", "main"))
    return actions
