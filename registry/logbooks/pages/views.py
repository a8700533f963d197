"""The lists of entries: a logbook's, and what is behind a number."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_POST, require_safe

from registry.logbooks.pages.people import table_of
from registry.web.tables import show


@require_safe
def logbook(request: HttpRequest, code: str) -> HttpResponse:
    """The entries of a logbook."""
    return show(table_of(request, code), "logbooks/list.html")


@require_safe
def counted(request: HttpRequest) -> HttpResponse:
    """The entries, or the people, behind a number of a logbook (``metric``)."""
    return show(table_of(request), "logbooks/list.html")


@require_POST
def export(request: HttpRequest, code: str) -> HttpResponseBase:
    """Hand the list of a logbook, or of what is behind its number, on as a file."""
    return table_of(request, code).as_file()
