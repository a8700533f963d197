"""Campaigns (专项任务): the special operations that wartime organizations belong to."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import models

from registry.models.addresses import page_address
from registry.models.base import Link, Registered, ends_not_before_start
from registry.models.text import NameField
from registry.models.unit import code_validator


class Campaign(Registered):
    """A special operation, from its start to its end (empty while it goes on)."""

    code = models.CharField("任务代码", max_length=80, unique=True, validators=[code_validator])
    name = NameField("任务名称", max_length=100)
    started_on = models.DateField("启动日期")
    ended_on = models.DateField("结束日期", null=True, blank=True)
    lead_unit = Link("registry.Unit", "牵头单位", null=True, related_name="+")

    class Meta:
        verbose_name = "专项任务"
        ordering = ["-started_on", "code"]
        constraints = [ends_not_before_start("campaign_ends_after_start")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return page_address("campaign", self.code)

    @property
    def label(self) -> str:
        """The name, with the day of the end once it has ended: wherever it is shown or picked."""
        return f"{self.name}({self.ended_on:%Y-%m-%d} 结束)" if self.ended_on else self.name

    @property
    def last_day(self) -> date | None:
        """The last day on which it goes on; None: no end is set."""
        return max(self.started_on, self.ended_on - timedelta(days=1)) if self.ended_on else None

    def is_over_on(self, day: date) -> bool:
        """Whether it has ended by the day, so that nothing new begins in it."""
        return self.ended_on is not None and day >= self.ended_on
