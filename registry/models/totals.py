"""The totals: how each number of each unit runs over the days.

``Total`` holds one metric of one unit with all below it, in one campaign (or in all together) and on one
basis: the days on which the number changes, and what it is from each of them on. So a count on any day is
one row, and a metric more or less is rows more or less, never a column. ``TotalChange`` is appended by the
operations, so that writers never wait for one another's rows, and folded into ``Total`` now and then. A
count is ``the number of the last day up to D in Total + the TotalChanges up to D``.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.db import models

from registry.models.unit import Unit

ALL_CAMPAIGNS = 0
"""In ``campaign_key``: all campaigns together."""
SLUG = 100
"""The most characters of a metric's slug."""
_ENDING = len("~:ended")
"""What may follow it: not approved, began or ended in a week (``counting/totals/statement``)."""


class DaysField(models.Field[Any, Any]):
    """Days in their order: an array on PostgreSQL, JSON text on SQLite."""

    array = "date[]"

    def db_type(self, connection: Any) -> str:
        return self.array if connection.vendor == "postgresql" else "text"

    def from_db_value(self, value: Any, *_: Any) -> list[Any]:
        return [date.fromisoformat(day) for day in json.loads(value)] if isinstance(value, str) else value

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return value if connection.vendor == "postgresql" else json.dumps(value, default=str)


class NumbersField(DaysField):
    """One number for each of those days."""

    array = "integer[]"

    def from_db_value(self, value: Any, *_: Any) -> list[Any]:
        found: list[Any] = json.loads(value) if isinstance(value, str) else value
        return found


class LargeNumbersField(NumbersField):
    """Numbers beyond what four bytes hold, on PostgreSQL: sums of money."""

    array = "bigint[]"


class _OfUnit(models.Model):
    """What the numbers are about."""

    unit = models.ForeignKey(
        Unit, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    campaign_key = models.BigIntegerField("专项任务", default=ALL_CAMPAIGNS)
    is_cumulative = models.BooleanField("累计", default=False)
    metric = models.CharField("指标", max_length=SLUG + _ENDING)

    class Meta:
        abstract = True


class TotalChange(_OfUnit):
    """By how much a number changes on a day; not folded yet."""

    day = models.DateField("日期")
    change = models.BigIntegerField("变动")

    class Meta:
        verbose_name = "统计变动"
        indexes = [
            models.Index(
                fields=["unit", "campaign_key", "is_cumulative", "metric", "day"], name="totalchange_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.metric} {self.day}"


class Total(_OfUnit):
    """A number over all days: 0 before the first of ``days``, the last of ``numbers`` after the last."""

    days = DaysField("变动日期")
    numbers = NumbersField("累计数", null=True)
    large = LargeNumbersField("累计数(大数)", null=True)
    """Stands for ``numbers`` where they are too large for it: half the bytes are read twice as fast."""

    class Meta:
        verbose_name = "统计数"
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "campaign_key", "is_cumulative", "metric"], name="total_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.metric}"
