"""What waits for a user among the changes, for the desk: to be decided, and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db.models import QuerySet

from registry import nouns
from registry.approvals import submissions as operations
from registry.approvals.models import Submission
from registry.models import User, WorkflowState
from registry.rules import workflow
from registry.web.desk import Deciding, Said, Waiting


def _to_decide(user: int) -> QuerySet[Submission]:
    return workflow.decidable(Submission.objects.all(), User(pk=user))


def _returned(user: int) -> QuerySet[Submission]:
    return Submission.objects.filter(state=WorkflowState.RETURNED, submitted_by=user)


TO_DECIDE = Waiting("approve_submission", _to_decide)
RETURNED = Waiting("submit_submission", _returned)


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
    returned=RETURNED,
    mending=lambda submission: (("办理", submission.get_absolute_url()),),
    note="批准前仍按现行的内容统计。",
    consequence="变更批准后立即按提交的内容办理,统计数随之改变。",
    related=("unit", "organization__parent__unit", "submitted_by"),
)
"""How waiting changes stand on the desk."""
