"""What waits for approval on the pages of organizations and units."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from registry import access, nouns
from registry.approvals import submissions as operations
from registry.models import Organization, Unit
from registry.models.base import in_spans
from registry.models.hierarchy import Span
from registry.web.address import address_of

Panel = tuple[str, dict[str, Any]]


def of_organization(request: HttpRequest, organization: Organization) -> Panel | None:
    """Return the changes of an organization that are open, with what they would change."""
    address = address_of(request)
    rows = [
        {
            "url": address.url(row.get_absolute_url()),
            "matter": nouns.label_of(row.verb),
            "state": row.get_state_display(),
            "differences": operations.differences(row),
        }
        for row in operations.open_about([organization])
    ]
    return ("approvals/_open.html", {"rows": rows}) if rows else None


def of_unit(request: HttpRequest, unit: Unit) -> Panel | None:
    """Return how many changes at the unit and below wait for this user."""
    if not access.may(request.user, "approve_submission", unit):
        return None
    inside = in_spans([Span(unit.tree_id, unit.lft, unit.rght)], "unit__")
    number = operations.waiting_for(request.user).filter(inside).count()
    if not number:
        return None
    return "approvals/_waiting.html", {
        "number": number,
        "url": address_of(request).url(reverse("submissions")),
    }
