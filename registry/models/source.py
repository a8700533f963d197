"""Published articles and the figures that they report."""

from __future__ import annotations

from datetime import date

from django.db import models

from registry.models.addresses import page_address
from registry.models.base import Link, Registered
from registry.models.kinds import Basis, DateBasis, FigureCategory, Qualifier
from registry.models.organization import Organization
from registry.models.unit import Unit

REPORTED_ONLY = "reported_only"
"""The metric of a figure that the registry does not count."""


class Source(Registered):
    """A published article or bulletin.

    ``unit`` is where it was entered: seen there, below and above; without one, by everybody.
    """

    number = models.PositiveIntegerField("编号", unique=True)
    title = models.CharField("标题", max_length=200)
    publisher = models.CharField("发布单位", max_length=80, blank=True)
    published_on = models.DateField("发布日期", null=True, blank=True)
    date_basis = models.CharField("日期依据", max_length=80, choices=DateBasis.choices, blank=True)
    earliest = models.DateField("最早", null=True, blank=True)
    latest = models.DateField("最晚", null=True, blank=True)
    region = models.CharField("地区", max_length=80, blank=True)
    reporting_organ = models.CharField("报送单位", max_length=120, blank=True)
    note = models.TextField("说明", blank=True)
    unit = Link(Unit, "登记单位", null=True, related_name="+")
    is_withdrawn = models.BooleanField("已撤回", default=False)

    class Meta:
        verbose_name = "来源"
        ordering = ["number"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return page_address("source", self.number)

    @property
    def name(self) -> str:
        """The title, as pages name it."""
        return self.title


class FigureQuerySet(models.QuerySet["Figure"]):
    """Queries of figures."""

    def valid(self) -> FigureQuerySet:
        """Figures that were not withdrawn, nor their sources: only these are set beside the counts."""
        return self.filter(is_withdrawn=False, source__is_withdrawn=False)


class Figure(Registered):
    """One figure, as a source reports it."""

    code = models.CharField("编号", max_length=20, unique=True)
    source = Link(Source, "来源", related_name="figures")
    metric = models.CharField("指标", max_length=100, db_index=True)
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
    category = models.CharField("类别", max_length=20, choices=FigureCategory.choices, blank=True)
    is_comparable = models.BooleanField("范围清楚,可以核对", default=True)
    note = models.TextField("说明", blank=True)
    tension = models.TextField("各来源之间的出入", blank=True)
    is_withdrawn = models.BooleanField("已撤回", default=False)

    objects = models.Manager.from_queryset(FigureQuerySet)()

    class Meta:
        verbose_name = "报道数"
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.label}"

    @property
    def name(self) -> str:
        """The label, as pages name it."""
        return self.label

    @property
    def day(self) -> date | None:
        """The day on which the registry is counted for it: its own, or the last that its bounds allow."""
        return self.as_of or self.latest or self.earliest
