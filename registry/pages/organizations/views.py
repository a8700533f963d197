"""Organizations: the ledger with its drill-down, and an organization's page."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, F, IntegerField, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access
from registry.counting.basis import Question, organization_rows
from registry.counting.metric import APPROVED
from registry.counting.metrics import METRICS, OrganizationMetric
from registry.models import (
    Assignment,
    Basis,
    Organization,
    OrganizationKind,
    OrganizationPlacement,
    Role,
    WorkflowState,
)
from registry.models.kinds import FORMATION_KINDS, PARTY_KINDS, PENDING_STATES
from registry.models.shape import Span
from registry.pages.audit import history
from registry.pages.organizations import page as organization_page
from registry.pages.organizations import party_line
from registry.pages.organizations.forms import LedgerFilter, kind_words
from registry.web.address import Address, address_of
from registry.web.drill import Place, place_of
from registry.web.lists import Length, chips, export_url, others, paged_long, sorted_by
from registry.web.typed import cleaned

COLUMNS = {
    "name": ("code",),
    "kind": ("kind_place", "is_temporary", "code"),
    "unit": ("host_tree_id", "host_lft", "kind_place", "code"),
    "established": ("established_on", "code"),
    "dissolved": ("gone_on", "code"),
    "members": ("members", "code"),
    "state": ("state", "code"),
}
FILTERS = ("unit", "unit_text", "kind", "nature", "state", "basis", "since", "q")
HEADS = (Role.SECRETARY.value, Role.LEADER.value)
_NEVER = date(9999, 12, 31)


@dataclass(frozen=True)
class Row:
    """One organization of the ledger; addresses are empty where something is out of scope."""

    organization: Any
    url: str
    unit_url: str
    parent_url: str
    heads: list[Assignment]
    tone: str
    state: str


@dataclass(frozen=True)
class KindTotal:
    """How many of the listed organizations are of one kind."""

    label: str
    number: int
    url: str


@dataclass(frozen=True)
class Asked:
    """What the address asks of the ledger: its rows in order, and each filter in words."""

    metric: OrganizationMetric | None
    place: Place
    wanted: dict[str, str]
    rows: QuerySet[Organization]
    """Without order and without what only the lines show: for counting."""
    ordered: QuerySet[Any]
    sort: str
    shown: dict[str, str]
    problems: list[str]


def asked(request: HttpRequest) -> Asked:
    """Read the address; the page and its export list the same rows."""
    address = address_of(request)
    question = address.question
    metric, place = organization_metric(request), place_of(request, question)
    wanted, problems = _wanted(request)
    rows = _filtered(organization_rows(metric, question, place.rows, _states(wanted["state"])), wanted)
    ordered, sort = sorted_by(request, _shown(rows, address.as_of), COLUMNS, "unit")
    shown = _shown_filters(request, metric, place, wanted, question)
    return Asked(metric, place, wanted, rows, ordered, sort, shown, problems)


@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    """The organizations behind a number (``metric``), or all in scope, by the question of the address."""
    address, found = address_of(request), asked(request)
    question, metric, place, wanted = address.question, found.metric, found.place, found.wanted
    rows, totals = found.rows, _totals(request, found.rows)
    shown = _shown(Organization.objects.hosted_on(address.as_of), address.as_of)
    page = paged_long(request, found.ordered, Length(sum(total.number for total in totals)), shown)
    pending = None
    if not wanted["state"]:
        pending = _filtered(organization_rows(metric, question, place.rows, PENDING_STATES), wanted).count()
    form = LedgerFilter(
        user=request.user,
        is_period=question.is_period,
        auto_id="filter_%s",
        initial={**wanted, "unit": place.unit, "basis": question.basis, "since": question.since},
    )
    return render(
        request,
        "organizations/ledger.html",
        {
            "metric": metric,
            "place": place,
            "filters": form,
            "others": others(request, FILTERS),
            "chips": chips(request, found.shown),
            "clear_url": address.url(request.path, basis=None, since=None),
            "page_obj": page,
            "rows": rows_of(request, list(page.object_list), address),
            "totals": totals,
            "people": _people(rows, address.as_of),
            "pending": pending,
            "pending_url": _with(request, state="pending"),
            "sort": found.sort,
            "basis": Basis(question.basis).label,
            "question": question,
            "filter_problems": found.problems,
            "register_url": _register_url(request, place, address),
            "export_url": export_url(request, "organizations_export"),
        },
    )


def organization_metric(request: HttpRequest) -> OrganizationMetric | None:
    """Return the metric of the address, None when it asks for none."""
    slug = request.GET.get("metric", "").strip()
    if not slug:
        return None
    metric = METRICS.get(slug)
    if not isinstance(metric, OrganizationMetric):
        raise Http404(f"没有名为“{slug}”的组织统计指标。")
    return metric


def _wanted(request: HttpRequest) -> tuple[dict[str, str], list[str]]:
    """Read the plain filters; what does not exist is named and left out."""
    known = {
        "kind": list(OrganizationKind.values),
        "nature": [nature for nature, _label in LedgerFilter.NATURES],
        "state": [str(state) for state, _label in LedgerFilter.STATES if state != ""],
    }
    wanted = {"q": cleaned(request.GET.get("q", ""))}
    problems = []
    for name, values in known.items():
        value = request.GET.get(name, "").strip()
        if value and value not in values and not (name == "state" and value == WorkflowState.APPROVED):
            problems.append(f"筛选条件 {name}={value} 不存在,没有使用。")
            value = ""
        wanted[name] = "" if name == "state" and value == WorkflowState.APPROVED else value
    return wanted, problems


def _states(state: str) -> tuple[str, ...]:
    if state == "pending":
        return PENDING_STATES
    if state == "all":
        return tuple(WorkflowState.values)
    return (state,) if state else APPROVED


def _filtered(rows: QuerySet[Organization], wanted: dict[str, str]) -> QuerySet[Organization]:
    if wanted["kind"]:
        rows = rows.filter(kind=wanted["kind"])
    if wanted["nature"] == "formation":
        rows = rows.filter(kind__in=FORMATION_KINDS)
    elif wanted["nature"]:
        rows = rows.filter(kind__in=PARTY_KINDS, is_temporary=wanted["nature"] == "temporary")
    if wanted["q"]:
        rows = rows.matching(wanted["q"])  # type: ignore[attr-defined]
    return rows


def _shown(rows: QuerySet[Organization], day: date) -> QuerySet[Any, Any]:
    """Join what a line of the ledger shows and sorts by."""
    placed = (
        Assignment.objects.as_of(day)
        .filter(organization=OuterRef("pk"))
        .order_by()
        .values("organization")
        .annotate(number=Count("pk"))
        .values("number")
    )
    return rows.select_related("parent__unit", "unit").annotate(
        kind_place=party_line.by_kind(),
        gone_on=Coalesce("dissolved_on", Value(_NEVER)),
        members=Coalesce(Subquery(placed, output_field=IntegerField()), Value(0)),
        host_code=F("host__unit__code"),
        host_name=F("host__unit__name"),
        host_short_name=F("host__unit__short_name"),
        host_tree_id=F("host__unit__tree_id"),
        host_lft=F("host__unit__lft"),
    )


def rows_of(request: HttpRequest, found: list[Any], address: Address) -> list[Row]:
    """Return the lines of these organizations: one query, whatever their number."""
    scope = access.spans(request.user)
    heads: dict[int, list[Assignment]] = defaultdict(list)
    held = Assignment.objects.as_of(address.as_of).filter(organization__in=found, role__in=HEADS)
    for assignment in held.select_related("person__home_unit").order_by("started_on", "pk"):
        heads[assignment.organization_id].append(assignment)

    def seen(tree_id: int, lft: int) -> bool:
        return any(span.tree_id == tree_id and span.lo <= lft <= span.hi for span in scope)

    made = []
    for each in found:
        is_seen, parent = access.inside(each.unit, scope), each.parent
        tone, state = organization_page.state_tag(each, address.as_of)
        unit_url = reverse("unit", args=[each.host_code]) if seen(each.host_tree_id, each.host_lft) else ""
        made.append(
            Row(
                each,
                address.url(each.get_absolute_url()) if is_seen else "",
                address.url(unit_url) if unit_url else "",
                address.url(parent.get_absolute_url())
                if parent and access.inside(parent.unit, scope)
                else "",
                heads[each.pk] if is_seen else [],
                tone,
                state,
            )
        )
    return made


def _totals(request: HttpRequest, rows: QuerySet[Organization]) -> list[KindTotal]:
    """Count the whole list, not only the page, by kind, in the order of display."""
    counted = rows.order_by().values_list("kind", "is_temporary").annotate(number=Count("pk"))
    order = {kind: place for place, kind in enumerate(OrganizationKind.values)}
    found = sorted(counted, key=lambda row: (not row[1] and row[0] in PARTY_KINDS, order[row[0]]))
    return [
        KindTotal(
            kind_words(kind, is_temporary)
            if is_temporary or kind in FORMATION_KINDS
            else f"常设{kind_words(kind, is_temporary)}",
            number,
            _with(request, kind=kind, nature=_nature(kind, is_temporary)),
        )
        for kind, is_temporary, number in found
    ]


def _nature(kind: str, is_temporary: bool) -> str:
    if kind in FORMATION_KINDS:
        return "formation"
    return "temporary" if is_temporary else "standing"


def _people(rows: QuerySet[Organization], day: date) -> dict[str, int]:
    """How many people are in the listed organizations on the day: distinct, and person-times."""
    held = Assignment.objects.as_of(day).filter(organization__in=rows.order_by().values("pk"))
    each = held.order_by().values("person_id").annotate(number=Count("pk"))
    found: dict[str, int] = each.aggregate(people=Count("person_id"), times=Coalesce(Sum("number"), 0))
    return found


def _with(request: HttpRequest, **changes: str) -> str:
    query = request.GET.copy()
    query.pop("page", None)
    for name, value in changes.items():
        query[name] = value
    return f"{request.path}?{query.urlencode()}"


def _shown_filters(
    request: HttpRequest,
    metric: OrganizationMetric | None,
    place: Place,
    wanted: dict[str, str],
    question: Question,
) -> dict[str, str]:
    """Return the words of each filter that is on, by its parameter."""
    shown = {}
    if metric is not None:
        shown["metric"] = f"指标:{metric.label}"
    if place.organization is not None:
        shown["party_line"] = f"党组织线:{place.organization.name}"
    elif place.unit is not None:
        key = "unit" if request.GET.get("unit", "").strip() else "unit_text"
        shown[key] = f"单位:{place.unit.name}"
        if place.own:
            shown["own"] = "仅本单位"
    if wanted["kind"]:
        shown["kind"] = "类型:{label}".format(label=OrganizationKind(wanted["kind"]).label)
    if wanted["nature"]:
        shown["nature"] = "性质:{label}".format(label=dict(LedgerFilter.NATURES)[wanted["nature"]])
    if wanted["state"]:
        label = dict(LedgerFilter.STATES)[wanted["state"]]
        shown["state"] = f"状态:{label}"
    if question.basis != Basis.CURRENT:
        words = str(Basis(question.basis).label)
        if question.is_period:
            words += f" {question.first_day.isoformat()} 至 {question.as_of.isoformat()}"
        shown["basis"] = f"口径:{words}"
    if wanted["q"]:
        shown["q"] = "含“{text}”".format(text=wanted["q"])
    return shown


def _register_url(request: HttpRequest, place: Place, address: Address) -> str:
    unit = place.unit
    if unit is None or unit.closed_on is not None or not access.may_enter(request.user, unit):
        return ""
    return address.url(reverse("organization_register", args=[unit.code]))


@require_safe
def organization(request: HttpRequest, code: str) -> HttpResponse:
    """An organization: facts, Party line, members now and before, what happened and who did it."""
    found = access.get_organization(request.user, code)
    request.current_unit = found.unit.code  # type: ignore[attr-defined]
    address = address_of(request)
    scope: list[Span] = access.spans(request.user)
    placements = list(
        OrganizationPlacement.objects.filter(organization=found).select_related("unit").order_by("started_on")
    )
    members = organization_page.members(found, address.as_of, scope)
    may_enter = access.may_enter(request.user, found.unit)
    tone, state = organization_page.state_tag(found, address.as_of)
    return render(
        request,
        "organizations/organization.html",
        {
            "organization": found,
            "tone": tone,
            "state": state,
            "notice": organization_page.notice(found),
            "facts": organization_page.facts(found, placements, scope, address),
            "picture": party_line.picture(found, address, scope),
            "line_counts": organization_page.line_counts(found, address),
            "basis": Basis(address.question.basis).label,
            "members": members,
            "members_export_url": export_url(request, "members_export", found.code),
            "may_enter": may_enter,
            "timeline": organization_page.timeline(found, placements, members),
            "events": history.events(
                history.of_organization(found),
                names="person",
                row=found,
                undo_at=address if may_enter else None,
            ),
            "record_url": history.record_url(request.user, found.unit, found, address),
            "actions": organization_page.actions(
                found,
                may_enter=may_enter,
                may_approve=access.may_approve(request.user, found.unit),
                address=address,
            ),
            "crumbs": [
                {"name": "组织台账", "url": address.url(reverse("organizations"))},
                {"name": found.unit.label, "url": address.url(found.unit.get_absolute_url())},
                {"name": found.name},
            ],
            "day": address.as_of,
        },
    )
