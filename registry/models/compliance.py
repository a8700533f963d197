"""What a bureau decides about the checks of the regulations, and its days of work.

The checks themselves are in ``registry.rules.checks``. A ``slug`` here is that of a check.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from registry.models.base import Link, Registered
from registry.models.organization import Organization

THRESHOLDS = {
    "least": "最少",
    "most": "最多",
    "full": "正式党员",
    "months": "月数",
    "extension": "延长月数",
}
"""What the numbers of the checks are called on pages and in the record."""


class RuleSetting(Registered):
    """Whether a check speaks, and with which numbers, from a day on until the next setting of that check.

    ``thresholds`` holds only those numbers that differ from the declared ones.
    """

    slug = models.CharField("规则", max_length=60)
    is_on = models.BooleanField("启用", default=True)
    thresholds = models.JSONField("数值", default=dict, blank=True)
    since = models.DateField("起用日期")
    set_by = Link(settings.AUTH_USER_MODEL, "设置人", null=True, related_name="+")
    reason = models.CharField("原因", max_length=300, blank=True)

    class Meta:
        verbose_name = "规则设置"
        ordering = ["slug", "since"]
        constraints = [models.UniqueConstraint(fields=["slug", "since"], name="rulesetting_one_each_day")]

    def __str__(self) -> str:
        return f"{self.slug} {self.since}"


class RuleException(Registered):
    """A breach that an approver allows an organization, by a document, from a day until another."""

    slug = models.CharField("规则", max_length=60)
    organization = Link(Organization, "组织", related_name="rule_exceptions")
    document_number = models.CharField("批准文号", max_length=80)
    reason = models.CharField("理由", max_length=300)
    granted_by = Link(settings.AUTH_USER_MODEL, "批准人", null=True, related_name="+")
    started_on = models.DateField("开始日期")
    ended_on = models.DateField("结束日期", help_text="自该日起不再例外")

    class Meta:
        verbose_name = "规则例外"
        ordering = ["-started_on", "pk"]
        indexes = [models.Index(fields=["slug", "organization"], name="ruleexception_slug")]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_on__gte=F("started_on")),
                name="ruleexception_ends_after_start",
                violation_error_message="结束日期不能早于开始日期。",
            )
        ]

    def __str__(self) -> str:
        return f"{self.slug} {self.document_number}"


class Holiday(Registered):
    """A day that is not as its day of the week: a public holiday, or a Saturday or Sunday of work (调休)."""

    day = models.DateField("日期", unique=True)
    is_workday = models.BooleanField("上班", default=False)
    name = models.CharField("名称", max_length=40)

    class Meta:
        verbose_name = "节假日"
        ordering = ["day"]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"
