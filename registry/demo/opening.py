"""The day on which the demo's pages open: one on which something happened at most of its units."""

from __future__ import annotations

from datetime import date

from registry.demo import facts
from registry.models import Campaign, Unit
from registry.web.address import Opening

OPENING = Opening(
    date(2020, 2, 28),
    "演示数据取自 2020 年的报道,从 2020-02-28 打开:当日内蒙古、山东都有组织成立或撤销。",
)


def opening(campaigns: list[Campaign]) -> Opening | None:
    """Return the demo's opening in a registry that holds the demo: its campaign, with invented units."""
    is_there = any(each.code == facts.CAMPAIGN for each in campaigns)
    return OPENING if is_there and Unit.objects.filter(is_sample=True).exists() else None
