"""What is approved: its state, who submitted, changed and decided it, and the approval itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models

from registry.models.base import Link, Registered
from registry.models.kinds import WorkflowState


class Approvable(Registered):
    """A row that counts, or is carried out, once another person has approved it.

    ``registry.rules.workflow`` has the acts that lead from one state to another. The approval is a decision
    of a Party organization: ``approving_organization``, with the number and day of its document. The users
    are those of the registry: who submitted it, who wrote to it last (``changed_by``; None: a command), and
    who entered the decision.
    """

    state = models.CharField(
        "状态", max_length=12, choices=WorkflowState.choices, default=WorkflowState.DRAFT
    )
    approving_organization = Link(
        "registry.Organization", "批准的党组织", null=True, related_name="approved_%(class)ss"
    )
    approval_number = models.CharField("批复文号", max_length=80, blank=True)
    approved_on = models.DateField("批复日期", null=True, blank=True)
    # The lists of what waits go by the state; nobody looks a user's rows up by these alone.
    submitted_by = Link("registry.User", "提交人", null=True, related_name="+", db_index=False)
    submitted_at = models.DateTimeField("提交时间", null=True, editable=False)
    changed_by = Link("registry.User", "最后修改人", null=True, related_name="+", db_index=False)
    decided_by = Link("registry.User", "审批人", null=True, related_name="+", db_index=False)
    decided_at = models.DateTimeField("审批时间", null=True, editable=False)
    return_reason = models.CharField("退回原因", max_length=300, blank=True)

    class Meta:
        abstract = True

    @classmethod
    def changed_by_two(cls, rows: Iterable[Any]) -> list[Any]:
        """Return those of ``rows`` that only two people change once they are approved."""
        return []
