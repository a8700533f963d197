"""Search over units, organizations and people in scope, by name, alias, code or number."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from registry.views.address import address_of
from registry.views.finding import cleaned, find_organizations, find_people, find_units
from registry.views.lists import export_url, paged

SHOWN = 20


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Show up to twenty of each; ``only=units`` pages through the units, which have no list of their own."""
    text = cleaned(request.GET.get("q", ""))
    context: dict[str, object] = {"q": text, "as_of": address_of(request).as_of}
    if text and request.GET.get("only") == "units":
        context["page_obj"] = paged(request, find_units(request.user, text).select_related("parent"))
        context["export_url"] = export_url(request, "units_export")
    elif text:
        units = list(find_units(request.user, text).select_related("parent")[: SHOWN + 1])
        organizations = list(find_organizations(request.user, text)[: SHOWN + 1])
        people = list(find_people(request.user, text)[: SHOWN + 1])
        context |= {
            "units": units[:SHOWN],
            "more_units": len(units) > SHOWN,
            "organizations": organizations[:SHOWN],
            "more_organizations": len(organizations) > SHOWN,
            "people": people[:SHOWN],
            "more_people": len(people) > SHOWN,
            "found": bool(units or organizations or people),
        }
    return render(request, "search/search.html", context)
