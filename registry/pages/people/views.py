"""People: the list with its drill-down, and a person's page."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access, audit
from registry.models import BEGINNING, Assignment, Person, PoliticalStatus, StatusPeriod, WorkflowState
from registry.pages.panels import panels_of
from registry.pages.people.tables import PeopleTable, Placed, placed_in_order
from registry.web import history
from registry.web.address import Address, actor_of, address_of
from registry.web.changes import changes_something
from registry.web.links import buttons, person_url
from registry.web.tables import show
from registry.web.text import cleaned


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """The people behind a number (``metric``), or those whose home unit is in the subtree."""
    table = PeopleTable(request)
    return show(table, "pages/people/list.html", totals=table.totals())


@require_safe
def person(request: HttpRequest, number: str) -> HttpResponse:
    """Formal membership beside temporary placements, political status by date, and the record.

    Of a guest (seen only through a placement in scope): who it is, and the placements in scope.
    """
    return _shown(request, access.get_person(request.user, cleaned(number)))


@changes_something
def reveal(request: HttpRequest, number: str) -> HttpResponse:
    """Answer with the person's page that shows the telephone number in full, and record who looked."""
    found = access.get_person(request.user, cleaned(number), access.PERSONAL)
    access.need(request.user, access.PERSONAL, found, f"没有警号为“{number}”的人员。")
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
    rows = list(
        Assignment.objects.filter(person=found)
        .select_related("organization__unit")
        .order_by("-started_on", "-pk")
    )
    seen = {row.organization_id for row in rows if access.inside(row.organization.unit, scope)}
    is_guest = not access.inside(found.home_unit, scope)
    if is_guest:
        rows = [row for row in rows if row.organization_id in seen]
    may_change = {row.pk for row in rows if access.may(request.user, "change_role", row)}
    now = [row for row in rows if _holds(row, day)]
    statuses = list(StatusPeriod.objects.filter(person=found).order_by("started_on"))
    standing = next((period for period in reversed(statuses) if period.started_on <= day), None)
    request.current_unit = "" if is_guest else found.home_unit.code  # type: ignore[attr-defined]
    homes = list(found.homes.select_related("unit", "branch__unit").order_by("started_on"))
    home = next((each for each in reversed(homes) if each.started_on <= day), homes[0])
    branch = home.branch
    number = access.shown_number(request.user, found)
    sees_numbers = access.sees_private(request.user, found)
    may_reveal = bool(found.phone) and not is_revealed and sees_numbers
    return render(
        request,
        "pages/people/person.html",
        {
            "person": found,
            "is_guest": is_guest,
            "number": number,
            "phone": found.phone if is_revealed else access.shown(request.user, found, "phone"),
            "is_revealed": is_revealed,
            "reveal_url": person_url(request.user, found, address, "person_reveal") if may_reveal else "",
            "status": standing.get_status_display() if standing else found.get_political_status_display(),
            "unit_url": address.url(home.unit.get_absolute_url())
            if not is_guest and access.inside(home.unit, scope)
            else "",
            "branch_url": address.url(branch.get_absolute_url())
            if branch and access.may(request.user, access.SEE, branch)
            else "",
            "now": placed_in_order(now, seen, address),
            "other": [Placed(address, row, row.organization_id in seen) for row in rows if row not in now],
            "may_change": may_change,
            "statuses": statuses,
            "homes": homes,
            "home": home,
            "merged": list(found.merged.order_by("pk")) if not is_guest else [],
            "is_assumed": any(period.status == PoliticalStatus.FULL_MEMBER for period in statuses[1:])
            and found.joined_on is not None
            and found.confirmed_on is None,
            "logins": _logins(request, found),
            "beginning": BEGINNING,
            **({} if is_guest else history.of_page(request.user, found, address, sees_numbers=sees_numbers)),
            "actions": _actions(request, found),
            "panels": panels_of(request, found),
            "subtitle": f"{number} · {found.get_category_display()} · {found.home_unit.name}",
            "crumbs": _crumbs(found, address, not is_guest),
            "day": day,
        },
    )


def _logins(request: HttpRequest, found: Person) -> list[dict[str, str]]:
    """Return the logins of a person that the user manages, with their pages."""
    if not access.may_somewhere(request.user, "add_user"):
        return []
    rows = access.users_seen(request.user).filter(person=found).order_by("username")
    url = address_of(request).url
    return [{"name": row.username, "url": url(reverse("user", args=[row.pk]))} for row in rows]


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


def _actions(request: HttpRequest, found: Person) -> list[dict[str, Any]]:
    """Return the buttons of a person's page, by rights: at the home unit, and anywhere at all."""
    user, address = request.user, address_of(request)
    has_left = found.left_on is not None
    menu = buttons(
        user,
        found,
        address,
        *(
            [("restore_service", "person_restore", "恢复在职"), ("end_service", "person_leave", "更正离职")]
            if has_left
            else [("end_service", "person_leave", "登记离职")]
        ),
        ("merge_person", "person_merge", "合并重复人员"),
    )
    made: list[dict[str, Any]] = [{"label": "办理", "menu": menu}] if menu else []
    made += buttons(
        user,
        found,
        address,
        ("edit_person", "person_edit", "修改资料"),
        ("change_political_status", "person_status", "变更政治面貌"),
        *([] if has_left else [("transfer_person", "person_transfer", "调整组织关系")]),
    )
    if not has_left and access.may_somewhere(user, "assign_person"):
        url = person_url(user, found, address, "person_assign")
        made.append({"label": "编入组织", "url": url, "tone": "main"})
    return made
