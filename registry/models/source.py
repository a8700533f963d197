"""Published articles and the figures that they report."""

from __future__ import annotations

from django.db import models

from registry.models.base import Link
from registry.models.kinds import Basis, Qualifier
from registry.models.organization import Organization
from registry.models.unit import Unit


class Source(models.Model):
    """A published article or bulletin."""

    number = models.PositiveSmallIntegerField("编号", unique=True)
    title = models.CharField("标题", max_length=200)
    publisher = models.CharField("发布单位", max_length=80, blank=True)
    published_on = models.DateField("发布日期", null=True, blank=True)
    date_basis = models.CharField("日期依据", max_length=80, blank=True)
    earliest = models.DateField("最早", null=True, blank=True)
    latest = models.DateField("最晚", null=True, blank=True)
    region = models.CharField("地区", max_length=80, blank=True)
    reporting_organ = models.CharField("报送单位", max_length=120, blank=True)
    note = models.TextField("说明", blank=True)

    class Meta:
        verbose_name = "来源"
        ordering = ["number"]

    def __str__(self) -> str:
        return self.title


class Figure(models.Model):
    """One figure, as a source reports it."""

    code = models.CharField("编号", max_length=20, unique=True)
    source = Link(Source, "来源", related_name="figures")
    metric = models.CharField("指标", max_length=60, db_index=True)
    label = models.CharField("指标名称", max_length=80)
    value = models.CharField("报道值", max_length=40)
    number = models.BigIntegerField("数值", null=True, blank=True)
    measure = models.CharField("计量单位", max_length=20, blank=True)
    qualifier = models.CharField("表述", max_length=12, choices=Qualifier.choices)
    basis = models.CharField("口径", max_length=12, choices=Basis.choices, default=Basis.CURRENT)
    unit = Link(Unit, "单位", null=True, related_name="figures")
    organization = Link(Organization, "组织", null=True, related_name="figures")
    as_of = models.DateField("截至", null=True, blank=True)
    earliest = models.DateField("最早", null=True, blank=True)
    latest = models.DateField("最晚", null=True, blank=True)
    category = models.CharField("类别", max_length=20, blank=True)
    is_comparable = models.BooleanField("范围清楚,可以核对", default=True)
    note = models.TextField("说明", blank=True)
    tension = models.TextField("各来源之间的出入", blank=True)

    class Meta:
        verbose_name = "报道数"
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.label}"
