"""Campaigns (专项任务): the special operations that wartime organizations belong to."""

from django.db import models

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
