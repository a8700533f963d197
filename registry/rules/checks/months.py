"""Months on the calendar: what the documents count their periods in."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta


def add_months(day: date, months: int) -> date:
    """Return the same day of a later month, or the last of a month that is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def last_day_over(day: date, months: int) -> date:
    """Return the latest beginning from which more than so many months have passed by the day."""
    begun = add_months(day, -months)
    return begun if add_months(begun, months) < day else begun - timedelta(days=1)
