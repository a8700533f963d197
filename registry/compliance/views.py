"""The pages of the lists: what breaks the rules, and what is excepted."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry.compliance.tables import BreachTable, ExceptionTable
from registry.web.address import address_of
from registry.web.tables import Table, show


@require_safe
def breaches(request: HttpRequest) -> HttpResponse:
    """The breaches behind a number, or all at a unit, on the day of the page."""
    return _shown(BreachTable(request), "清单")


@require_safe
def exceptions(request: HttpRequest) -> HttpResponse:
    """The exceptions at a unit: in force, lapsed, to come."""
    return _shown(ExceptionTable(request), "例外")


def _shown(table: Table, name: str) -> HttpResponse:  # type: ignore[type-arg]
    """Return the page of a list, with the way back to the numbers of its unit."""
    unit = table.unit
    if unit is not None:
        table.request.current_unit = unit.code  # type: ignore[attr-defined]
    code = unit.code if unit else None
    url = address_of(table.request).url(reverse("compliance"), unit=code)
    return show(table, crumbs=[{"name": "规范检查", "url": url}, {"name": name}])
