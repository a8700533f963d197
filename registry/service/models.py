"""Written opinions (表现鉴定), receipts (签收) of home branches, and reminders of these (催办)."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from registry.models import Campaign, Organization, Person, Unit
from registry.models.base import Link, Registered

LONGEST_OPINION = 1000
"""Letters of an opinion: with more, the page of a record would not hold what belongs on it."""


class Opinion(Registered):
    """What a temporary Party organization writes of one of its members.

    Two entries of a person that are joined may bring two opinions of one organization: both stay.
    """

    organization = Link(Organization, "组织", related_name="opinions")
    person = Link(Person, "人员", related_name="opinions")
    text = models.TextField("表现鉴定", max_length=LONGEST_OPINION)
    written_by = models.CharField("撰写人", max_length=150, editable=False)
    written_at = models.DateTimeField("撰写时间", default=timezone.now, editable=False)

    class Meta:
        verbose_name = "表现鉴定"

    def __str__(self) -> str:
        return f"{self.person} · {self.organization}"


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    """Queries of receipts."""

    def valid(self) -> ReceiptQuerySet:
        """Those that were not given back."""
        return self.filter(is_returned=False)


class Receipt(Registered):
    """The home branch confirms that it has the record of what a member did in a campaign.

    ``days`` is what the record said then, so that it is seen when something was corrected since. One that is
    given back stays, so that it can be read who had signed.
    """

    campaign = Link(Campaign, "专项任务", related_name="receipts")
    person = Link(Person, "人员", related_name="receipts")
    unit = Link(Unit, "签收单位", related_name="+")
    branch = Link(Organization, "签收支部", null=True, related_name="+")
    signed_on = models.DateField("签收日期")
    signed_by = models.CharField("签收人", max_length=150)
    days = models.PositiveIntegerField("签收时天数")
    is_returned = models.BooleanField("已退回", default=False)

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        verbose_name = "签收"
        indexes = [models.Index(fields=["campaign", "person"], name="receipt_of_campaign")]

    def __str__(self) -> str:
        return f"{self.person} · {self.campaign}"


class Reminder(Registered):
    """A unit and all below it were reminded (催办) of the records that wait for a receipt there.

    One row for an act, whatever number of branches owes: who owes is worked out from the units.
    """

    campaign = Link(Campaign, "专项任务", related_name="reminders")
    unit = Link(Unit, "催办单位", related_name="+")
    due_on = models.DateField("签收期限")
    note = models.CharField("催办说明", max_length=300, blank=True)
    receipts = models.PositiveIntegerField("催办时未签收")
    reminded_by = models.CharField("催办人", max_length=150)

    class Meta:
        verbose_name = "催办"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.unit} · {self.campaign}"
