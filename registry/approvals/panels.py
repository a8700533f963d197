"""What waits for approval: on the page of an organization, and before a campaign is closed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from registry import nouns
from registry.approvals import submissions as operations
from registry.models import WorkflowState
from registry.models.approvable import Approvable
from registry.models.prepared import read_objects
from registry.rules.campaigns import Due
from registry.web.address import address_of

Panel = tuple[str, dict[str, Any]]


def of_row(request: HttpRequest, about: Approvable) -> Panel | None:
    """Return the changes of what is approved that are open, with what they would change."""
    address = address_of(request)
    rows = [
        {
            "url": address.url(row.get_absolute_url()),
            "matter": nouns.label_of(row.verb),
            "state": row.get_state_display(),
            "differences": operations.differences(row),
        }
        for row in read_objects(operations.open_about, [about.pk], about._meta.label_lower)
    ]
    return ("approvals/_open.html", {"rows": rows}) if rows else None


WAITING = Due(
    slug="changes",
    label="待审批的变更",
    measure="项",
    blocks=True,
    how="请先批准或退回。",
    rows=lambda campaign, ending: operations.of_campaign(campaign).filter(state=WorkflowState.SUBMITTED),
    unit_path="unit",
    url=lambda campaign: (
        f"{reverse('submissions')}?{urlencode({'state': WorkflowState.SUBMITTED.value, 'of': campaign.code})}"
    ),
    settle=operations.settle_submissions,
)
"""The closing of a campaign waits until its changes are decided: they would be stale afterwards."""
