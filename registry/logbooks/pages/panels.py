"""What the pages of units, organizations and people say of logbooks: the menu 登记, and what was entered."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest
from django.urls import reverse

from registry import access
from registry.counting.basis import rows_of
from registry.logbooks.design import About
from registry.logbooks.models import EntryPerson, Logbook
from registry.logbooks.pages.books import in_order, menu, used_at
from registry.logbooks.pages.tables import ENTRIES
from registry.models import Organization, Person, Unit
from registry.models.hierarchy import Span, UnitHierarchy
from registry.web.address import address_of

Panel = tuple[str, dict[str, Any]] | None


def of_unit(request: HttpRequest, unit: Unit) -> Panel:
    """Return the way to the logbooks of a unit, and the menu of what can be entered there: one query."""
    address = address_of(request)
    books = used_at(unit, address.as_of)
    if not books:
        return None
    may = access.may(request.user, "add_entry", unit) and unit.closed_on is None
    return "logbooks/_unit.html", {
        "menu": menu(address, books, unit=unit.code) if may else [],
        "url": address.url(reverse("logbooks"), unit=unit.code),
        "number": len(books),
    }


def of_organization(request: HttpRequest, organization: Organization) -> Panel:
    """Return how often what was entered of an organization, and the menu of what can be entered of it."""
    return _of_row(request, organization, organization.unit, About.ORGANIZATION, Q(organization=organization))


def of_person(request: HttpRequest, person: Person) -> Panel:
    """Return how often somebody is named in which logbook, and the menu of what can be entered."""
    named = EntryPerson.objects.filter(entry=OuterRef("pk"), person=person)
    found = (Q(person=person) | Exists(named)) & Q(logbook__is_walled=False)
    return _of_row(request, person, person.home_unit, About.PERSON, found)


def _of_row(request: HttpRequest, row: Any, unit: Unit, about: About, condition: Q) -> Panel:
    address, handle = address_of(request), access.handle(request.user, row)
    rows = rows_of(ENTRIES, address.question, _everywhere(request)).filter(condition)
    counted = dict(rows.order_by().values("logbook").annotate(n=Count("pk")).values_list("logbook", "n"))
    books = in_order(Logbook.objects.filter(pk__in=counted)) if counted else []
    lines = [
        (each.name, counted[each.pk], address.url(each.get_absolute_url(), **{about.value: handle}))
        for each in books
    ]
    may = access.may(request.user, "add_entry", unit) and unit.closed_on is None
    used = used_at(unit, address.as_of, about.value) if may else []
    if not lines and not used:
        return None
    return "logbooks/_row.html", {
        "lines": lines,
        "menu": menu(address, used, **{about.value: handle, "unit": unit.code}),
    }


def _everywhere(request: HttpRequest) -> list[Span]:
    """Return where a list looks that names no unit: the user's scope on the day of the address."""
    shape = UnitHierarchy.on(address_of(request).as_of)
    return [span for top in access.top_units(request.user) for span in shape.spans(top)]
