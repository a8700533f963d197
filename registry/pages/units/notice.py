"""What stands on top of a unit's page: why it stands on its day, and that nothing happened on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from registry.counting.series import change_days
from registry.models import Unit
from registry.pages.units.events import Day
from registry.web.address import Address
from registry.web.charts import day_words


class Notice(NamedTuple):
    """A line of the banner: the bold words, and the sentence after them."""

    title: str
    words: SafeString


def notices(address: Address, unit: Unit, recent: Sequence[Day]) -> list[Notice]:
    """Return the lines of the banner; ``recent`` is what happened in the last thirty days."""
    found = (_opened(address, unit), _quiet(address, unit, recent))
    return [each for each in found if each]


def in_words(day: date, beside: date) -> str:
    """Return a day as sentences say it: with its year only where the day beside it has another."""
    return day_words(day, with_year=day.year != beside.year)


def _link(address: Address, unit: Unit, day: date, words: str = "") -> SafeString:
    url = address.url(reverse("unit", args=[unit.code]), as_of=address.said(day))
    return format_html('<a href="{}">{}</a>', url, words or in_words(day, address.as_of))


def _opened(address: Address, unit: Unit) -> Notice | None:
    """Say that the campaign is over, or why the page opens on an earlier day than today."""
    campaign, today = address.question.campaign, _link(address, unit, address.today, "查看今天")
    last = campaign.last_day if campaign else None
    if campaign is not None and last is not None and last < address.as_of:
        words = format_html(
            "“{}”自 {} 起结束,最后一日是 {}。", campaign.name, campaign.ended_on, _link(address, unit, last)
        )
        return Notice("任务已结束", words)
    if address.names_day or address.as_of == address.today:
        return None
    if campaign is not None and last == address.as_of:
        words = format_html("“{}”自 {} 起结束,以下是最后一日。{}", campaign.name, campaign.ended_on, today)
        return Notice("任务已结束", words)
    if address.opening is None:
        return None
    title = f"从{in_words(address.as_of, address.today)}打开"
    return Notice(title, format_html("{}{}", address.opening.why, today))


def _quiet(address: Address, unit: Unit, recent: Sequence[Day]) -> Notice | None:
    """Say that nothing happened on the day, with the way to the last day on which it did, and the next."""
    day = address.as_of
    if address.question.is_period or (recent and recent[0].day == day):
        return None
    known = change_days(unit, address.question)
    if known is not None and day in known:
        return None
    said = {each.day: each.said for each in recent}
    last = max([each for each in (*(known or ()), *said) if each < day], default=None)
    after = min([each for each in known or () if day < each <= address.today], default=None)
    if last is None and after is None:
        return None
    next_day = _link(address, unit, after) if after else ""
    if last is None:
        words = format_html("此前也没有;第一次有变动:{}。", next_day)
    else:
        numbers = f"({said[last]})" if last in said else ""
        following = format_html(";下一次:{}", next_day) if after else ""
        words = format_html("上一次有变动:{}{}{}。", _link(address, unit, last), numbers, following)
    return Notice(f"{in_words(day, address.today)}没有变动", words)
