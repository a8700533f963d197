"""What the registry itself keeps for a while only: ended sessions, and forms that were sent."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from registry.housekeeping import Cleaner
from registry.models import SentForm, Session

FORMS_KEPT_FOR = timedelta(days=1)
"""For so long a second press of a form leads to what the first one did."""


def forget_forms() -> int:
    """Remove the keys of forms that were sent long ago."""
    return SentForm.objects.filter(at__lt=timezone.now() - FORMS_KEPT_FOR).delete()[0]


def forget_sessions() -> int:
    """Remove sessions that have ended."""
    return Session.objects.filter(expire_date__lt=timezone.now()).delete()[0]


CLEANERS = (Cleaner("已办理的表单", forget_forms), Cleaner("已结束的会话", forget_sessions))
