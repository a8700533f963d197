"""What waits for approval on the page of an organization and on the desk."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from registry import nouns
from registry.approvals import submissions as operations
from registry.approvals.models import Submission
from registry.models import Organization
from registry.web.address import address_of

Panel = tuple[str, dict[str, Any]]
SHOWN = 20
"""So many of those that wait are shown on the desk; the list has all."""


def _line(request: HttpRequest, row: Submission) -> dict[str, Any]:
    address = address_of(request)
    return {
        "row": row,
        "url": address.url(row.get_absolute_url()),
        "approve_url": address.url(reverse("submission_approve", args=[row.pk])),
        "return_url": address.url(reverse("submission_return", args=[row.pk])),
        "submit_url": address.url(reverse("submission_submit", args=[row.pk])),
        "withdraw_url": address.url(reverse("submission_withdraw", args=[row.pk])),
        "matter": nouns.label_of(row.verb),
        "state": row.get_state_display(),
        "differences": operations.differences(row),
    }


def of_organization(request: HttpRequest, organization: Organization) -> Panel | None:
    """Return the changes of an organization that are open, with what they would change."""
    rows = [_line(request, row) for row in operations.open_about([organization])]
    return ("approvals/_open.html", {"rows": rows}) if rows else None


def to_decide(request: HttpRequest) -> Panel | None:
    """Return the changes that wait for this user's decision, the oldest first."""
    rows = operations.waiting_for(request.user).select_related("unit", "submitted_by")
    lines = [_line(request, row) for row in rows[:SHOWN]]
    if not lines:
        return None
    number = len(lines) if len(lines) < SHOWN else rows.count()
    url = address_of(request).url(reverse("submissions"))
    return "approvals/_desk.html", {"lines": lines, "number": number, "url": url}


def returned(request: HttpRequest) -> Panel | None:
    """Return this user's changes that came back, and why."""
    rows = operations.RETURNED.of(request.user).select_related("unit", "decided_by").order_by("pk")
    lines = [_line(request, row) for row in rows]
    return ("approvals/_returned.html", {"lines": lines}) if lines else None
