"""How long an organization may stand before it is approved: 先成立、后报批 is for the first hours.

In an emergency a branch is founded at once and approved afterwards. Until then it counts nowhere and is
shown as 待审批. After the bureau's limit (``APPROVAL_DAYS``) it is overdue, as its page, its unit and the
desk say.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.conf import settings
from django.db.models import Q

from registry.models import Organization
from registry.models.kinds import PENDING_STATES


def in_time_since(day: date) -> date:
    """Return the first day of which the organizations still have time to be approved on ``day``."""
    return day - timedelta(days=settings.APPROVAL_DAYS)


def overdue(day: date) -> Q:
    """Return the condition of organizations that are not approved, and were founded too long ago."""
    return founded_before(in_time_since(day))


def founded_before(day: date) -> Q:
    """Return the condition of organizations that are not approved, and were founded before ``day``."""
    return Q(state__in=PENDING_STATES, established_on__lt=day)


def overdue_by(organization: Organization, day: date) -> int:
    """Return by how many days an organization is overdue; 0 when it is approved or still has time."""
    if organization.state not in PENDING_STATES:
        return 0
    return max(0, (day - organization.established_on).days - settings.APPROVAL_DAYS)
