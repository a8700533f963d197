"""What waits for a user among the organizations: to be decided, mended or submitted; what is overdue."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from registry import access
from registry.models import Organization, User, WorkflowState
from registry.rules import waiting as rules
from registry.rules import workflow
from registry.web.desk import Waiting
from registry.web.links import PanelLine

ENTERED = "submit_organization"
"""Who may do this at a unit enters there, and mends what came back."""


def _to_decide(user: int) -> QuerySet[Organization]:
    return workflow.decidable(Organization.objects.all(), User(pk=user))


def _returned(user: int) -> QuerySet[Organization]:
    return Organization.objects.filter(state=WorkflowState.RETURNED)


TO_DECIDE = Waiting("approve_organization", _to_decide)
RETURNED = Waiting(ENTERED, _returned)


def drafts(user: access.AnyUser) -> QuerySet[Organization]:
    """Return the drafts that the user wrote to last."""
    rows = Organization.objects.filter(state=WorkflowState.DRAFT, changed_by=user.pk or 0)
    return access.visible(user, rows, ENTERED)


def owed(user: access.AnyUser) -> list[PanelLine]:
    """Return the line of what is not approved for too long, where the user enters."""
    if not access.may_somewhere(user, ENTERED):
        return []
    day = timezone.localdate()
    rows: Any = Organization.objects.as_of(day).filter(rules.overdue(day))
    number = access.visible(user, rows, ENTERED).count()
    url = f"{reverse('organizations')}?state=overdue&as_of={day.isoformat()}"
    said = f"成立超过 {settings.APPROVAL_DAYS} 日未批准的组织"
    return [PanelLine(said, number, url)] * bool(number)
