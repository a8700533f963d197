"""What capabilities add to the pages of units, organizations, people, campaigns: lines and cards.

A capability lists functions by dotted names on its ``AppConfig``, as ``unit_panels``,
``organization_panels``, ``person_panels`` or ``campaign_panels``. Each is called with the request and the
row, and returns the template that draws its part and what that shows as ``panel``; None where there is
nothing to say. A unit's page has no time for more than a cheap query: what takes longer is asked for by the
part itself, with htmx.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.http import HttpRequest

from registry import nouns

Panel = tuple[str, dict[str, Any]]
"""A template, and what it shows as ``panel``."""


def panels_of(request: HttpRequest, row: Model) -> list[Panel]:
    """Return the parts that capabilities add to the page of ``row``, in the order of the settings."""
    made = nouns.handed_up(f"{nouns.of(row).key}_panels")
    return [panel for make in made if (panel := make(request, row)) is not None]
