"""Read the arguments that several commands take. Raises ``CommandError``, which names the argument."""

from __future__ import annotations

from datetime import date, datetime

from django.core.management.base import CommandError

from registry.models import Unit


def find_unit(argument: str, code: str) -> Unit:
    """Return the unit with ``code``."""
    unit = Unit.objects.filter(code=code).first()
    if unit is None:
        raise CommandError(f"{argument}:没有代码为“{code}”的单位。")
    return unit


def read_day(argument: str, text: str | None) -> date | None:
    """Return the day that ``text`` writes; None without text."""
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 (a day has no zone)
    except ValueError:
        raise CommandError(f"{argument}:“{text}”不是日期,请写成 YYYY-MM-DD,例如 2020-02-29。") from None
