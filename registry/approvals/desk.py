"""What waits for a user among the changes, for the desk: to be decided, and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from registry import access, nouns
from registry.approvals import submissions as operations
from registry.approvals.models import Submission
from registry.approvals.tables import ListedSubmission, SubmissionTable
from registry.models import User, WorkflowState
from registry.rules import workflow
from registry.web.desk import Deciding, Said, Waiting

MOST = 50
Card = tuple[str, dict[str, Any]]


def _to_decide(user: int) -> QuerySet[Submission]:
    return workflow.decidable(Submission.objects.all(), User(pk=user))


def _returned(user: int) -> QuerySet[Submission]:
    return Submission.objects.filter(state=WorkflowState.RETURNED, submitted_by=user)


TO_DECIDE = Waiting("approve_submission", _to_decide)
RETURNED = Waiting("submit_submission", _returned)
NUMBERS = (TO_DECIDE, RETURNED)


def _checks(submissions: Sequence[Submission], day: date) -> dict[int, list[Said]]:
    """Return which of them cannot be carried out any more: all else was asked when they were submitted."""
    stale = operations.stale(submissions)
    return {key: [Said("bad", "不能批准", "内容已变动", message)] for key, message in stale.items()}


CHANGES = Deciding(
    TO_DECIDE,
    operations.approve_submissions,
    operations.return_submissions,
    word=lambda submission: nouns.label_of(submission.verb),
    checks=_checks,
    differences=operations.differences,
    note="批准前仍按现行的内容统计。",
    consequence="变更批准后立即按提交的内容办理,统计数随之改变。",
    related=("unit", "organization__parent__unit", "submitted_by"),
)
"""What the desk lists of changes."""


def returned(request: HttpRequest) -> Card | None:
    """Return the card of the user's changes that came back, and why."""
    if not access.may_somewhere(request.user, RETURNED.verb):
        return None
    rows = RETURNED.of(request.user).select_related("unit", "submitted_by", "decided_by")
    table = SubmissionTable(request)
    lines = [ListedSubmission(table, row) for row in rows.order_by("submitted_at", "pk")[:MOST]]
    return ("approvals/_desk_returned.html", {"lines": lines}) if lines else None
