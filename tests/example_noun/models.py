"""The table of vehicles, and that of their search terms."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models

from registry.models import Unit
from registry.models.base import Registered, ends_not_before_start
from registry.models.term import Term

plate_validator = RegexValidator(
    r"^[\u4e00-\u9fff][A-Z][A-Z0-9]{4,5}[A-Z0-9警]$", "号牌写成“鲁N1234警”这样。"
)


class Vehicle(Registered):
    """A vehicle at a unit, from the day when it is put in service to the day when it is retired."""

    code = models.CharField("号牌", max_length=10, unique=True, validators=[plate_validator])
    name = models.CharField("名称", max_length=60)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="vehicles", verbose_name="单位")
    started_on = models.DateField("启用日期")
    ended_on = models.DateField("停用日期", null=True, blank=True)
    note = models.CharField("备注", max_length=300, blank=True)

    class Meta:
        verbose_name = "车辆"
        ordering = ["code"]
        constraints = [ends_not_before_start("vehicle_dates_in_order")]

    def __str__(self) -> str:
        return self.name


class VehicleTerm(Term):
    """A search term of a vehicle."""

    pk = models.CompositePrimaryKey("rank", "term", "spread", "vehicle")
    spread = models.SmallIntegerField()
    vehicle = models.ForeignKey(Vehicle, on_delete=models.CASCADE, related_name="terms", db_constraint=False)

    def __str__(self) -> str:
        return f"{self.term}"
