"""A campaign's closing: who asked for it, how far it is, and what it ended."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from registry.models import Assignment, Campaign, Organization, User
from registry.models.base import Link
from registry.work.queue import Standing, standing


class ClosingState(models.TextChoices):
    """How far a closing is."""

    WAITING = "waiting", "等待办理"
    WORKING = "working", "正在办理"
    CLOSED = "closed", "已结束"
    FAILED = "failed", "没有办成"
    CANCELLED = "cancelled", "已取消"
    UNDO_ASKED = "undo_asked", "等待恢复"
    UNDOING = "undoing", "正在恢复"
    REOPENED = "reopened", "已恢复"


UNDO_STATES: tuple[str, ...] = (ClosingState.UNDO_ASKED.value, ClosingState.UNDOING.value)
UNDER_WAY: tuple[str, ...] = (ClosingState.WAITING.value, ClosingState.WORKING.value, *UNDO_STATES)


class Closing(models.Model):
    """One closing of a campaign. Of one campaign only one is under way."""

    campaign = Link(Campaign, "专项任务", related_name="closings")
    user = Link(User, "办理人", null=True, related_name="+")
    actor = models.CharField("办理人姓名", max_length=80)
    on = models.DateField("结束日期")
    document_number = models.CharField("撤销文号", max_length=80, blank=True)
    reason = models.CharField("结束原因", max_length=200)
    mark = models.CharField(max_length=64, editable=False)
    """What it was to end when it was asked for: it ends that, or nothing."""
    state = models.CharField(
        "状态", max_length=10, choices=ClosingState.choices, default=ClosingState.WAITING
    )
    attempt = models.CharField(max_length=32, blank=True, editable=False)
    """Who works on it now: nobody else may finish what they began."""
    job = models.UUIDField(null=True, editable=False)
    """The key of the task under which it waits; none: it is small, and done in its request."""
    done = models.PositiveIntegerField("已处理组织数", default=0)
    organizations = models.PositiveIntegerField("组织数", default=0)
    assignments = models.PositiveIntegerField("编入(人次)", default=0)
    message = models.CharField("说明", max_length=1000, blank=True)
    entry_id = models.BigIntegerField("写入的记录", null=True, editable=False)
    """The key of the entry with which the record of the act begins."""
    address = models.CharField("地址", max_length=45, blank=True)
    request_number = models.CharField("请求编号", max_length=40, blank=True)
    asked_at = models.DateTimeField("提交时间", default=timezone.now)
    closed_at = models.DateTimeField("办结时间", null=True, blank=True)
    undo_user = Link(User, "恢复人", null=True, related_name="+")
    undo_actor = models.CharField("恢复人姓名", max_length=80, blank=True)
    undo_reason = models.CharField("恢复原因", max_length=200, blank=True)
    reopened_at = models.DateTimeField("恢复时间", null=True, blank=True)

    class Meta:
        verbose_name = "专项任务的结束"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign"], condition=Q(state__in=UNDER_WAY), name="closing_one_under_way"
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.on} {self.state}"

    def get_absolute_url(self) -> str:
        """The page on which it is closed, and reopened."""
        return reverse("campaign_close", args=[self.campaign.code])

    @property
    def is_under_way(self) -> bool:
        """Whether it waits for a worker or has one: the page asks again."""
        return self.state in UNDER_WAY and not self.is_lost

    @property
    def has_closed(self) -> bool:
        """Whether the campaign is closed by it, and not reopened yet."""
        return self.state == ClosingState.CLOSED or self.is_undo

    @property
    def numbers(self) -> dict[str, int]:
        """How many organizations and assignments it ends, as the record says it."""
        return {"organizations": self.organizations, "assignments": self.assignments}

    @property
    def is_undo(self) -> bool:
        """Whether what is under way is the reopening."""
        return self.state in UNDO_STATES

    @cached_property
    def standing(self) -> Standing:
        """How it stands with the task under which it waits."""
        return standing(self.job)

    @cached_property
    def is_lost(self) -> bool:
        """Whether no worker does it or will: it can be asked for again."""
        if self.state not in UNDER_WAY or not self.standing.is_lost:
            return False
        # A worker may have ended it since it was read here.
        return Closing.objects.filter(pk=self.pk, state=self.state).exists()

    @property
    def share(self) -> float:
        """How far it is, 0 to 1."""
        return min(1.0, self.done / self.organizations) if self.organizations else 0.0

    @property
    def last_day(self) -> date | None:
        """The last day on which it can be reopened as a whole: the one after it was closed."""
        return timezone.localdate(self.closed_at) + timedelta(days=1) if self.closed_at else None

    @property
    def may_be_reopened(self) -> bool:
        """Whether it is closed, and the next day has not ended."""
        last = self.last_day
        is_closed = self.state == ClosingState.CLOSED or (self.is_undo and self.is_lost)
        return is_closed and last is not None and timezone.localdate() <= last


class ClosedOrganization(models.Model):
    """An organization that a closing dissolved, and what it held before."""

    of = models.ForeignKey(Closing, on_delete=models.CASCADE, related_name="closed_organizations")
    organization = Link(Organization, related_name="+")
    dissolved_on = models.DateField("原撤销日期", null=True, blank=True)
    dissolution_number = models.CharField("原撤销文号", max_length=80, blank=True)

    class Meta:
        verbose_name = "结束任务时撤销的组织"
        constraints = [
            models.UniqueConstraint(fields=["of", "organization"], name="closed_organization_once")
        ]

    def __str__(self) -> str:
        return f"{self.of_id}:{self.organization_id}"


class ClosedAssignment(models.Model):
    """An assignment that a closing ended, and when it was to end before."""

    of = models.ForeignKey(Closing, on_delete=models.CASCADE, related_name="closed_assignments")
    assignment = Link(Assignment, related_name="+")
    organization = Link(Organization, related_name="+")
    """Where it is: what is set back goes organization by organization."""
    ended_on = models.DateField("原结束日期", null=True, blank=True)

    class Meta:
        verbose_name = "结束任务时结束的编入"
        indexes = [models.Index(fields=["of", "organization"], name="closed_assignment_where")]
        constraints = [models.UniqueConstraint(fields=["of", "assignment"], name="closed_assignment_once")]

    def __str__(self) -> str:
        return f"{self.of_id}:{self.assignment_id}"
