"""What waits for a user among the changes, for the desk: to be decided, and what came back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from registry import access
from registry.approvals.models import Submission
from registry.approvals.tables import ListedSubmission, SubmissionTable
from registry.models import User, WorkflowState
from registry.operations import seen
from registry.rules import workflow
from registry.web.deciding import DecideManyForm
from registry.web.desk import Waiting

MOST = 50
Card = tuple[str, dict[str, Any]]


def _to_decide(user: int) -> QuerySet[Submission]:
    return workflow.decidable(Submission.objects.all(), User(pk=user))


def _returned(user: int) -> QuerySet[Submission]:
    return Submission.objects.filter(state=WorkflowState.RETURNED, submitted_by=user)


TO_DECIDE = Waiting("approve_submission", _to_decide)
RETURNED = Waiting("submit_submission", _returned)
NUMBERS = (TO_DECIDE, RETURNED)


def _rows(user: access.AnyUser, waiting: Waiting) -> list[Submission]:
    if not access.may_somewhere(user, waiting.verb):
        return []
    rows = waiting.of(user).select_related("unit", "submitted_by", "decided_by")
    return list(rows.order_by("submitted_at", "pk")[:MOST])


def deciding(request: HttpRequest) -> Card | None:
    """Return the card of the changes that wait for the user's decision, the oldest first."""
    rows = _rows(request.user, TO_DECIDE)
    if not rows:
        return None
    number = len(rows) if len(rows) < MOST else TO_DECIDE.of(request.user).count()
    table = SubmissionTable(request)
    marks = [f"{row.pk}:{mark}" for row, mark in zip(rows, seen.short_marks(rows), strict=True)]
    lines = [ListedSubmission(table, row) for row in rows]
    form = DecideManyForm(user=request.user, row=SimpleNamespace(rows=rows), auto_id="change_%s")
    return "approvals/_desk.html", {
        "lines": list(zip(lines, marks, strict=True)),
        "number": number,
        "form": form,
    }


def returned(request: HttpRequest) -> Card | None:
    """Return the card of the user's changes that came back, and why."""
    table = SubmissionTable(request)
    lines = [ListedSubmission(table, row) for row in _rows(request.user, RETURNED)]
    return ("approvals/_desk_returned.html", {"lines": lines}) if lines else None
