"""Which numbers stand on top of a unit's page."""

from __future__ import annotations

from django.db import models

from registry.models.base import Registered
from registry.models.unit import Unit


class KeyFigures(Registered):
    """The metrics on top of the page of a unit, and of those below it that have not chosen themselves."""

    unit = models.OneToOneField(Unit, on_delete=models.PROTECT, related_name="+", verbose_name="单位")
    metrics = models.JSONField("首页指标", default=list)

    class Meta:
        verbose_name = "首页指标"

    def __str__(self) -> str:
        return f"{self.unit}"
