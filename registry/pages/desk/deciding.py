"""What waits for the user's decision, of all kinds: a line each with its checks, one with its difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from registry.operations import seen
from registry.web import desk
from registry.web.address import Address, address_of
from registry.web.deciding import DecideManyForm

MOST = 50
"""So many are on the desk at once, the oldest; the others follow when these are done."""
_PASSED = desk.Said("ok", "通过", "", "没有发现问题")


@dataclass(frozen=True)
class Item:
    """Something that waits for a decision."""

    of: desk.Deciding
    row: Any
    mark: str
    """Its key and the mark of what the page shows (``web.ticked``)."""
    url: str
    """The desk with this one opened."""
    page: str
    """Its own page."""
    now: datetime
    late: int
    """By how many days it is overdue."""
    checks: Sequence[desk.Said] = ()
    is_open: bool = False

    @property
    def word(self) -> str:
        """What would be done."""
        return self.of.word(self.row)

    @property
    def since(self) -> datetime:
        """When it was submitted."""
        return _since(self.row)

    @property
    def waited(self) -> str:
        """For how long it waits, in words."""
        hours = int((self.now - self.since).total_seconds() // 3600)
        return f"{hours // 24} 日" if hours >= 24 else f"{hours} 小时" if hours else "刚提交"

    @property
    def is_late(self) -> bool:
        """Whether it waits, or stands without an approval, for longer than the bureau's limit."""
        return self.late > 0 or (self.now - self.since).days > settings.APPROVAL_DAYS

    @property
    def worst(self) -> desk.Said:
        """What the worst check says."""
        return self.checks[0] if self.checks else _PASSED


def _since(row: Any) -> datetime:
    """Return when a row was submitted; what a command wrote was never submitted by anybody."""
    since: datetime = row.submitted_at or row.created_at
    return since


def panel(request: HttpRequest) -> dict[str, Any]:
    """Return what the desk shows of what waits for a decision; nothing for who decides nothing."""
    number, shown = 0, []
    for kind in desk.deciding():
        rows = kind.rows(request.user)
        found = list(rows[:MOST])
        number += len(found) if len(found) < MOST else rows.count()
        shown += [(kind, row) for row in found]
    if not shown:
        return {}
    shown = sorted(shown, key=lambda each: (_since(each[1]), each[1].pk))[:MOST]
    address = address_of(request)
    items = _items(request, address, shown)
    opened = next(item for item in items if item.is_open)
    place = items.index(opened)
    following = items[place + 1] if place + 1 < len(items) else items[place - 1] if place else None
    rows_shown = SimpleNamespace(rows=[row for _kind, row in shown])
    return {
        "items": items,
        "number": number,
        "more": number - len(items),
        "opened": opened,
        "place": place + 1,
        "following": following.of.key(following.row) if following else None,
        "differences": opened.of.differences(opened.row),
        "effect": opened.of.effect(opened.row, address),
        "form": DecideManyForm(user=request.user, row=rows_shown, auto_id="decide_%s"),
        "limit": settings.APPROVAL_DAYS,
    }


def _items(request: HttpRequest, address: Address, shown: Sequence[tuple[desk.Deciding, Any]]) -> list[Item]:
    now, asked = timezone.now(), request.GET.get("item", "")
    keys = [kind.key(row) for kind, row in shown]
    opened = asked if asked in keys else keys[0]
    # The next one is fetched by itself: of the others only the page says what the checks found.
    is_part = "HX-Request" in request.headers
    marks, checks = dict[str, str](), dict[str, Sequence[desk.Said]]()
    for kind in dict.fromkeys(kind for kind, _row in shown):
        rows = [row for other, row in shown if other is kind]
        named = list(map(kind.key, rows))
        marks |= dict(zip(named, seen.short_marks(rows, *kind.beside), strict=True))
        looked_at = [row for row in rows if not is_part or kind.key(row) == opened]
        found = kind.checks(looked_at, address.as_of) if looked_at else {}
        checks |= {key: found.get(row.pk, ()) for key, row in zip(named, rows, strict=True)}
    return [
        Item(
            kind,
            row,
            f"{key}:{marks[key]}",
            address.url(reverse("desk"), item=key),
            address.url(row.get_absolute_url()),
            now,
            kind.overdue(row, address.as_of),
            checks[key],
            key == opened,
        )
        for key, (kind, row) in zip(keys, shown, strict=True)
    ]
