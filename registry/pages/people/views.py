"""People: the list with its drill-down, and a person's page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from registry import access, audit
from registry.counting.basis import Question, assignments, people_rows
from registry.counting.metrics import FRONTLINE, PeopleMetric
from registry.counting.rollup import kept
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
from registry.models.base import in_spans, on_day
from registry.models.kinds import MEMBER_STATUSES, ROLE_ORDER
from registry.models.shape import Span, placed_in
from registry.pages.audit import history
from registry.pages.people.forms import PeopleFilter
from registry.web.address import Address, actor_of, address_of
from registry.web.drill import Place, people_metric, place_of
from registry.web.links import person_url
from registry.web.lists import (
    LONGEST_SORTED,
    Length,
    chips,
    export_url,
    length_of,
    others,
    paged_long,
    sorted_by,
    without_numbers,
)
from registry.web.typed import cleaned

COLUMNS = {
    "name": ("name",),
    "number": ("number",),
    "category": ("category", "number"),
    "status": ("status_then", "number"),
    "unit": ("home_unit__tree_id", "home_unit__lft", "number"),
    "branch": ("home_branch__code", "number"),
}
FEW_HITS = 2_000
QUICK = ("name", "number")
"""What the list of a whole country can be sorted by."""
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
    is_guest: bool = False
    """Seen only through a placement: the formal membership elsewhere is not shown."""


@dataclass(frozen=True)
class Asked:
    """What the address asks of the list: its rows in order, and each filter in words."""

    metric: PeopleMetric | None
    place: Place
    wanted: dict[str, str]
    rows: QuerySet[Any]
    """Without order and without what only the lines show."""
    ordered: QuerySet[Any]
    length: Length
    sort: str
    sorts: list[str]
    shown: dict[str, str]


def asked(request: HttpRequest) -> Asked:
    """Read the address; the page and its export list the same rows."""
    question = address_of(request).question
    metric, place = people_metric(request), place_of(request, question)
    wanted = {name: cleaned(request.GET.get(name, "")) for name in ("category", "status", "assigned", "q")}
    rows = _filtered(request.user, _listed(request, metric, question, place), wanted, question)
    if wanted["q"]:
        rows = _by_keys(rows)
    length = _length(rows, metric, question, place, is_filtered=any(wanted.values()))
    columns = without_numbers(request.user, COLUMNS)
    if length.number > LONGEST_SORTED:
        columns = {key: fields for key, fields in columns.items() if key in QUICK}
    default = "number" if "number" in columns else "name"
    by_status = request.GET.get("sort", "").removeprefix("-") == "status"
    sortable = _with_status(rows, question.as_of) if by_status else rows
    ordered, sort = sorted_by(request, sortable, columns, default)
    shown = _shown_filters(metric, place, wanted)
    return Asked(metric, place, wanted, rows, ordered, length, sort, list(columns), shown)


def full(rows: QuerySet[Any], day: date) -> QuerySet[Any]:
    """Return the same people with all that a line shows of them."""
    return _with_status(rows.select_related("home_unit", "home_branch"), day)


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """The people behind a number (``metric``), or those whose home unit is in the subtree."""
    address, found = address_of(request), asked(request)
    question, place, length = address.question, found.place, found.length
    page = paged_long(request, found.ordered, length, full(Person.objects.all(), question.as_of))
    is_filtered = any(found.wanted.values())
    has_totals = length.number <= LONGEST_SORTED or (length.is_exact and not is_filtered)
    form = PeopleFilter(
        user=request.user,
        initial={**found.wanted, "unit": place.unit},
        auto_id="filter_%s",
    )
    return render(
        request,
        "people/list.html",
        {
            "metric": found.metric,
            "place": place,
            "filters": form,
            "others": others(request, FILTERS),
            "chips": chips(request, found.shown),
            "clear_url": address.url(request.path),
            "page_obj": page,
            "rows": rows_of(request, list(page.object_list), address.as_of),
            "totals": _totals(found.rows, question.as_of, length) if has_totals else None,
            "sort": found.sort,
            "sorts": found.sorts,
            "sorts_by_number": "number" in found.sorts,
            "basis": Basis(question.basis).label,
            "question": question,
            "actions": _list_actions(request, place, address),
            "export_url": export_url(request, "people_export"),
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
    rows = Person.objects.order_by()
    if place.unit is None:
        return access.visible(request.user, rows)
    if place.own:
        return rows.filter(home_unit=place.unit)
    return placed_in(rows, [Span(place.unit.tree_id, place.unit.lft, place.unit.rght)], "home_unit__")


def _list_actions(request: HttpRequest, place: Place, address: Address) -> list[dict[str, str]]:
    """Offer adding a person at the unit of the list, or at the user's only one."""
    tops = [place.unit] if place.unit else access.top_units(request.user, access.ENTER_ROLES)
    if len(tops) != 1 or not access.may_enter(request.user, tops[0]):
        return []
    url = address.url(reverse("person_add", args=[tops[0].code]))
    return [{"label": f"在{tops[0].label}添加人员", "url": url, "tone": "main"}]


def _filtered(
    user: access.AnyUser, rows: QuerySet[Any], wanted: Mapping[str, str], question: Question
) -> QuerySet[Any]:
    if wanted["category"] in PersonCategory.values:
        rows = rows.filter(category=wanted["category"])
    if wanted["status"] in PoliticalStatus.values:
        rows = rows.filter(_had_status(wanted["status"], question.as_of))
    if wanted["assigned"] in ("yes", "no"):
        # One's own people also where they are placed elsewhere, which their page shows; guests only here.
        here = replace(question, basis=Basis.CURRENT.value, since=None)
        anywhere = assignments(replace(here, scope=None)).values("person_id")
        placed = Q(pk__in=anywhere)
        if question.scope is not None:
            placed = Q(pk__in=assignments(here).values("person_id")) | question.seen("home_unit__") & placed
        rows = rows.filter(placed) if wanted["assigned"] == "yes" else rows.exclude(placed)
    if wanted["q"]:
        rows = access.matching_people(user, rows, wanted["q"])
    return rows


def _had_status(status: str, day: date) -> Q:
    """Return the condition "had the status on the day": the newest, unless it changed after the day."""
    later = StatusPeriod.objects.filter(started_on__gt=day).values("person_id")
    then = StatusPeriod.objects.filter(on_day(day), status=status, person__in=later)
    return Q(political_status=status) & ~Q(pk__in=later) | Q(pk__in=then.values("person_id"))


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


def _by_keys(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return the same rows by their keys if they are few: a text is looked for once, not for each number."""
    keys = list(rows.order_by().values_list("pk", flat=True)[: FEW_HITS + 1])
    return rows if len(keys) > FEW_HITS else Person.objects.filter(pk__in=keys)


def _length(
    rows: QuerySet[Any],
    metric: PeopleMetric | None,
    question: Question,
    place: Place,
    *,
    is_filtered: bool,
) -> Length:
    """Return how long the list is; the number of a metric is the totals' where they hold it."""
    if metric is not None and place.whole is not None and metric.distinct and not is_filtered:
        counts = kept(place.whole, question)
        if counts is not None:
            return Length(counts[metric.slug])
    return length_of(rows)


def _with_status(rows: QuerySet[Any], day: date) -> QuerySet[Any]:
    """Join each person's political status of the day."""
    joined: QuerySet[Any] = rows.with_status_on(day).annotate(  # type: ignore[attr-defined]
        status_then=F("standing__status")
    )
    return joined


def _totals(rows: QuerySet[Any], day: date, length: Length) -> dict[str, Any]:
    """Count the whole list, not only the page, by category and by political status of the day.

    A person holds the newest status; only those whose status changed after the day are looked up.
    """
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
        "category": [(key, label, category[key]) for key, label in PersonCategory.choices if category[key]],
        "status": [(key, label, status[key]) for key, label in PoliticalStatus.choices if status[key]],
    }


def rows_of(request: HttpRequest, found: list[Any], day: date) -> list[Row]:
    """Return the rows of these people with what they show: two queries, whatever their number."""
    placements: dict[int, list[Assignment]] = defaultdict(list)
    held = Assignment.objects.as_of(day).filter(FRONTLINE, person__in=found)
    for assignment in held.exclude(organization__state=WorkflowState.WITHDRAWN).select_related(
        "organization"
    ):
        placements[assignment.person_id].append(assignment)
    seen = organizations_seen(request, (row for rows in placements.values() for row in rows))
    address, scope = address_of(request), access.spans(request.user)
    made = []
    for person in found:
        is_guest = not access.inside(person.home_unit, scope)
        placed = [row for row in placements[person.pk] if not is_guest or row.organization_id in seen]
        made.append(
            Row(
                person,
                str(PoliticalStatus(person.status_then or PoliticalStatus.UNKNOWN).label),
                person.status_then in MEMBER_STATUSES,
                placed_in_order(placed, seen, address),
                is_guest,
            )
        )
    return made


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
    """Formal membership beside temporary placements, political status by date, and the record.

    Of a guest (seen only through a placement in scope): who it is, and the placements in scope.
    """
    return _shown(request, access.get_person(request.user, cleaned(number)))


@require_http_methods(["GET", "HEAD", "POST"])
def reveal(request: HttpRequest, number: str) -> HttpResponse:
    """Answer with the person's page that shows the telephone number in full, and record who looked."""
    found = access.get_person(request.user, cleaned(number), access.PERSONAL_ROLES)
    if not access.sees_number(request.user, found):
        raise Http404(f"没有警号为“{number}”的人员,或您没有查看联系方式的权限。")
    if request.method != "POST":  # the top bar's form comes here from the revealed page
        return HttpResponseRedirect(person_url(request.user, found, address_of(request)))
    record_view(request, found)
    return _shown(request, found, is_revealed=True)


def record_view(request: HttpRequest, found: Person) -> None:
    """Put into the record that somebody opened a person's telephone number."""
    audit.record_event(actor_of(request), "view_personal_data", subject=str(found), unit=found.home_unit)


def _shown(request: HttpRequest, found: Person, *, is_revealed: bool = False) -> HttpResponse:
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
    is_guest = not access.inside(found.home_unit, scope)
    if is_guest:
        rows = [row for row in rows if row.organization_id in seen]
    may_change = {row.pk for row in rows if access.inside(row.organization.unit, enter)}
    now = [row for row in rows if _holds(row, day)]
    statuses = list(StatusPeriod.objects.filter(person=found).order_by("started_on"))
    standing = next((period for period in reversed(statuses) if period.started_on <= day), None)
    request.current_unit = "" if is_guest else found.home_unit.code  # type: ignore[attr-defined]
    branch = found.home_branch
    number = access.shown_number(request.user, found)
    may_reveal = bool(found.phone) and not is_revealed and access.sees_number(request.user, found)
    return render(
        request,
        "people/person.html",
        {
            "person": found,
            "is_guest": is_guest,
            "number": number,
            "phone": found.phone if is_revealed else access.masked(found.phone),
            "is_revealed": is_revealed,
            "reveal_url": person_url(request.user, found, address, "person_reveal") if may_reveal else "",
            "status": standing.get_status_display() if standing else found.get_political_status_display(),
            "unit_url": "" if is_guest else address.url(found.home_unit.get_absolute_url()),
            "branch_url": address.url(branch.get_absolute_url())
            if branch and access.may_view(request.user, branch.unit)
            else "",
            "now": placed_in_order(now, seen, address),
            "other": [_placed(row, seen, address) for row in rows if row not in now],
            "may_change": may_change,
            "statuses": statuses,
            "beginning": StatusPeriod.BEGINNING,
            **({} if is_guest else _history(request, found, may_edit=access.inside(found.home_unit, enter))),
            "actions": _actions(request, found, access.inside(found.home_unit, enter), bool(enter)),
            "subtitle": f"{number} · {found.get_category_display()} · {found.home_unit.name}",
            "crumbs": _crumbs(found, address, not is_guest),
            "day": day,
        },
    )


def _history(request: HttpRequest, found: Person, *, may_edit: bool) -> dict[str, Any]:
    address = address_of(request)
    return {
        "events": history.events(
            history.of_person(found),
            sees_numbers=access.sees_number(request.user, found),
            row=found,
            undo_at=address if may_edit else None,
        ),
        "record_url": history.record_url(request.user, found.home_unit, found, address),
    }


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


def _actions(request: HttpRequest, found: Person, may_edit: bool, may_enter: bool) -> list[dict[str, str]]:
    """Return the buttons of a person's page, by rights: at the home unit, and anywhere at all."""
    address = address_of(request)

    def button(label: str, name: str, tone: str = "") -> dict[str, str]:
        return {"label": label, "url": person_url(request.user, found, address, name), "tone": tone}

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
