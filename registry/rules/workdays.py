"""Working days (工作日): Monday to Friday, but for public holidays and the weekends worked instead (调休).

Every rule that counts working days asks here. The holidays are rows (``Holiday``), which a bureau edits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from registry.models import Holiday

_ONE = timedelta(days=1)


@dataclass(frozen=True)
class Calendar:
    """The days that differ from their day of the week: whether each is a working day."""

    differing: Mapping[date, bool]

    @classmethod
    def read(cls, since: date | None = None, until: date | None = None) -> Calendar:
        """Read the calendar from a day until before another (None: all): one query."""
        rows = Holiday.objects.order_by()
        rows = rows.filter(day__gte=since) if since else rows
        rows = rows.filter(day__lt=until) if until else rows
        return cls(dict(rows.values_list("day", "is_workday")))

    def is_workday(self, day: date) -> bool:
        """Whether people work on the day."""
        return self.differing.get(day, day.weekday() < 5)

    def workdays_between(self, start: date, end: date) -> int:
        """Return the number of working days in ``start <= day < end``; 0 when the end is not later."""
        length = (end - start).days
        if length <= 0:
            return 0
        weeks, rest = divmod(length, 7)
        number = 5 * weeks + sum((start + _ONE * at).weekday() < 5 for at in range(rest))
        changed = (
            is_workday - (day.weekday() < 5)
            for day, is_workday in self.differing.items()
            if start <= day < end
        )
        return number + sum(changed)

    def add_workdays(self, day: date, number: int) -> date:
        """Return the ``number``th working day after ``day``; before it, where the number is negative."""
        step = _ONE if number > 0 else -_ONE
        left = abs(number)
        while left:
            day += step
            left -= self.is_workday(day)
        return day


def workdays_between(start: date, end: date) -> int:
    """Return the number of working days in ``start <= day < end`` by the bureau's calendar."""
    return Calendar.read(start, end).workdays_between(start, end)


def add_workdays(day: date, number: int) -> date:
    """Return the ``number``th working day after ``day`` (before it, if negative) by the bureau's calendar."""
    return Calendar.read().add_workdays(day, number)
