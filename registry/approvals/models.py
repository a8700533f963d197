"""What somebody submitted to change in approved rows, and what these rows were then."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from registry.models.approvable import Approvable
from registry.models.base import Link
from registry.models.kinds import WorkflowState
from registry.models.organization import Organization
from registry.models.unit import Unit


class Submission(Approvable):
    """A change of what is approved: the operation with its facts, and what it would change.

    It is carried out when another person approves it; until then the old holds and counts.
    """

    verb = models.CharField("事项", max_length=60)
    act = models.CharField("办理方式", max_length=60)
    """The operation that is run; it may do the verb to many rows."""
    facts = models.JSONField("内容", default=dict)
    """The arguments of the operation (``registry.operations.packing``)."""
    told = models.JSONField("变更对照", default=list)
    """The fields that would change: [label, value now, new value]."""
    subject = models.CharField("变更对象", max_length=200)
    reason = models.CharField("变更原因", max_length=300, blank=True)
    unit = Link(Unit, "单位", related_name="submissions")
    organization = Link(Organization, "组织", null=True, related_name="submissions")

    class Meta:
        verbose_name = "变更申请"
        indexes = [
            models.Index(
                fields=["unit", "submitted_at"],
                name="submission_waiting",
                condition=models.Q(state=WorkflowState.SUBMITTED),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=WorkflowState.values), name="submission_state_known"
            )
        ]

    def __str__(self) -> str:
        return self.subject

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("submission", args=[self.pk])


class SubmittedRow(models.Model):
    """A row that a submission would change, with the mark of what it was then (``operations.seen``)."""

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="rows")
    model = models.CharField("类型", max_length=60)
    object_id = models.BigIntegerField("对象")
    mark = models.TextField("提交时的标记")

    class Meta:
        verbose_name = "变更涉及的记录"
        indexes = [models.Index(fields=["model", "object_id"], name="submittedrow_object")]

    def __str__(self) -> str:
        return f"{self.model} {self.object_id}"
