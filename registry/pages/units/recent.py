"""The card of a unit's recent changes: by day and by what happened, each with the way to its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse

from registry.counting.metrics import METRICS
from registry.models import Basis, Unit
from registry.pages.units.events import ACTS, WEEK_DAYS, Change, Day, period, places_said
from registry.web.address import Address
from registry.web.links import rows_behind

LINES_SHOWN = 5
"""So many lines stand beside the trend."""
TOGETHER = "temporary_party_orgs"
"""What is counted over the week."""


@dataclass(frozen=True)
class Line:
    """One line of a day: what happened, to whom or to how many, where."""

    word: str
    label: str
    url: str
    is_sample: bool
    place: str
    is_one: bool = True
    """Whether it names an organization, whose name mostly says where it is."""


def happened_url(address: Address, unit: Unit, since: date, until: date | None = None, **filters: str) -> str:
    """Return the address of all that happened at the unit in a period that ends on the page's day."""
    asked = {
        "basis": Basis.NEW.value,
        "since": since.isoformat(),
        "as_of": address.said(until or address.as_of),
    }
    return address.url(reverse("unit_changes", args=[unit.code]), **asked, **filters)


def week_url(address: Address, unit: Unit, slug: str) -> str:
    """Return the address of what changed a number of organizations within seven days."""
    return happened_url(address, unit, period(address.question, WEEK_DAYS).first_day, metric=slug)


def card(address: Address, unit: Unit, children: Iterable[Unit], recent: list[Day]) -> dict[str, Any]:
    """Return what the card shows of the days on which something happened, the newest first."""
    shown, room = [], LINES_SHOWN
    for day in places_said(recent[:LINES_SHOWN], children):
        lines = day.changes[:room]
        if lines:
            more = sum(each.number for each in day.changes[room:])
            url = happened_url(address, unit, day.day, day.day)
            shown.append((day, url, [_line(address, unit, each) for each in lines], more))
        room -= len(lines)
    return {
        "recent": shown,
        "recent_url": happened_url(address, unit, period(address.question).first_day),
        "week": _week(address, unit, recent),
    }


def _week(address: Address, unit: Unit, recent: list[Day]) -> list[tuple[str, int, str]]:
    """Return how many temporary Party organizations were founded and dissolved within seven days."""
    since = period(address.question, WEEK_DAYS).first_day
    parts = METRICS[TOGETHER].parts
    numbers: Counter[str] = Counter()
    for change in (change for day in recent if day.day >= since for change in day.changes):
        if change.metric is not None and change.metric.slug in parts:
            numbers[change.word] += change.number
    return [
        (
            act.word,
            numbers[act.word],
            rows_behind(address, unit.code, TOGETHER, basis=act.basis, since=since.isoformat()),
        )
        for act in ACTS
    ]


def _line(address: Address, unit: Unit, change: Change) -> Line:
    """Return a line: an organization by its name, several by their number."""
    if change.number == 1:
        url = address.url(reverse("organization", args=[change.code]))
        return Line(change.word, change.name, url, change.is_sample, change.place)
    day = change.day.isoformat()
    if change.metric is None:
        label, url = (
            f"{change.number:,} 个组织",
            happened_url(address, unit, change.day, change.day, act=change.word),
        )
    else:
        label = f"{change.metric.label} {change.number:,} {change.metric.measure}"
        url = rows_behind(
            address,
            unit.code,
            change.metric.slug,
            basis=change.basis,
            since=day,
            as_of=address.said(change.day),
        )
    return Line(change.word, label, url, False, change.place, is_one=False)
