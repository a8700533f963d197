"""What waits for approval on the page of an organization."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from registry import nouns
from registry.approvals import submissions as operations
from registry.models import Organization
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
