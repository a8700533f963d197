"""Reminders (催办): whom they reach, and what a list, a desk and a campaign's page say of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from registry.models import Campaign, Unit
from registry.models.hierarchy import Span, everything
from registry.service.models import Reminder

USUAL = timedelta(days=7)
"""So long a branch has unless another day is given."""


def reaching(spans: Sequence[Span]) -> QuerySet[Reminder]:
    """Return the reminders of units in the intervals, or above them, the newest first."""
    rows = Reminder.objects.select_related("unit", "campaign")
    if everything(spans):
        return rows
    condition = Q(pk__in=[])
    for span in spans:
        condition |= Q(unit__tree_id=span.tree_id, unit__lft__lte=span.hi, unit__rght__gte=span.lo)
    return rows.filter(condition)


def by_campaign(reminders: Iterable[Reminder]) -> dict[int, list[Reminder]]:
    """Return them by the key of their campaign."""
    found: dict[int, list[Reminder]] = {}
    for each in reminders:
        found.setdefault(each.campaign_id, []).append(each)
    return found


def of_campaign(campaign: Campaign) -> list[Reminder]:
    """Return the reminders of a campaign."""
    return list(Reminder.objects.filter(campaign=campaign).select_related("unit"))


def times(reminders: Sequence[Reminder], unit: Unit) -> int:
    """Return how many of them reach the unit: those of itself and of the units above."""
    return sum(
        each.unit.tree_id == unit.tree_id and each.unit.lft <= unit.lft <= each.unit.rght
        for each in reminders
    )


def said(reminders: Sequence[Reminder]) -> str:
    """Say how often was reminded, when last and with which words; nothing where nobody was."""
    if not reminders:
        return ""
    last = reminders[0]
    on = timezone.localdate(last.created_at)
    note = f":{last.note}" if last.note else ""
    return f"已催 {len(reminders):,} 次,最近 {on.month}月{on.day}日{note}"
