"""Where somebody lands after logging in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access
from registry.pages.start import is_beginning
from registry.web.address import address_of


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Go to the user's own unit: the first of several, a superuser's largest tree; at first to the steps."""
    if is_beginning(request.user):
        return HttpResponseRedirect(address_of(request).url(reverse("start")))
    tops = access.top_units(request.user)
    if not tops:
        return render(request, "pages/home.html")
    top = max(tops, key=lambda unit: unit.rght - unit.lft) if request.user.is_superuser else tops[0]
    url, query = reverse("unit", args=[top.code]), request.GET.urlencode()
    return HttpResponseRedirect(f"{url}?{query}" if query else url)
