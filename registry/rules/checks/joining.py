"""Checks of the probation, by the dated political status; people are judged at the home branch of the day."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import ExtractDay, ExtractMonth, ExtractYear

from registry.models import BEGINNING, PoliticalStatus, StatusPeriod
from registry.models.base import on_day
from registry.rules.checks import editions
from registry.rules.checks.check import Check, Found, Level
from registry.rules.checks.members import Rows
from registry.rules.checks.months import last_day_over

FULL, PROBATIONARY = PoliticalStatus.FULL_MEMBER, PoliticalStatus.PROBATIONARY_MEMBER
_STATUS = "homes__person__statuses__"


def _probationary(rows: Rows, day: date, months: int, **also: Any) -> Rows:
    """Return who is a probationary member on the day, since more than so many months, as ``about``."""
    joined = rows.filter(
        on_day(day, prefix="homes__"),
        on_day(day, prefix=_STATUS),
        homes__person__merged_into__isnull=True,
        **{
            f"{_STATUS}status": PROBATIONARY,
            f"{_STATUS}started_on__gt": BEGINNING,
            f"{_STATUS}started_on__lte": last_day_over(day, months),
            **also,
        },
    )
    return joined.annotate(about=F("homes__person"), since=F(f"{_STATUS}started_on"))


def _too_long(rows: Rows, day: date, *, months: int, extension: int) -> Found:
    rows = _probationary(rows, day, months + extension)
    return Found(rows, {"since": F("since")}, person="about")


def _due(rows: Rows, day: date, *, months: int, extension: int) -> Found:
    """Leave out who is over the extension too: that is said by the violation."""
    too_long = {f"{_STATUS}started_on__gt": last_day_over(day, months + extension)}
    rows = _probationary(rows, day, months, **too_long)
    return Found(rows, {"since": F("since")}, person="about")


def _too_short(rows: Rows, day: date, *, months: int) -> Found:
    before = "person__statuses__"
    early = StatusPeriod.objects.filter(
        status=FULL,
        started_on__lte=day,
        person__homes__branch__in=rows.values("pk"),
        person__statuses__status=PROBATIONARY,
        person__statuses__started_on__gt=BEGINNING,
        person__statuses__ended_on=F("started_on"),
    ).annotate(end=_counted("started_on"), due=_counted(f"{before}started_on") + 100 * months)
    leap = Q(**{f"{before}started_on__month": 2, f"{before}started_on__day": 29}) & Q(
        started_on__month=2, started_on__day=28
    )
    rows = rows.filter(
        on_day(day, prefix="homes__"),
        homes__person__merged_into__isnull=True,
        homes__person__statuses__in=early.filter(~leap, end__lt=F("due")).values("pk"),
    )
    rows = rows.annotate(about=F("homes__person"), happened_on=F(f"{_STATUS}started_on"))
    begun = StatusPeriod.objects.filter(person=OuterRef("about"), ended_on=OuterRef("happened_on"))
    facts = {"full_on": F("happened_on"), "since": Subquery(begun.values("started_on")[:1])}
    return Found(rows, facts, "about", "happened_on")


def _counted(path: str) -> Any:
    """Return a day as a number to which a month adds 100: the databases add months in different ways."""
    return (ExtractYear(path) * 12 + ExtractMonth(path)) * 100 + ExtractDay(path)


CHECKS = (
    Check(
        "join_probation",
        "预备期超过规定",
        Level.VIOLATION,
        "预备期 1 年;需要延长的延长一次,不少于 6 个月、不超过 1 年。",
        editions.joining("第三十一至三十三条"),
        thresholds={"months": 12, "extension": 12},
        find=_too_long,
        message="{since:%Y-%m-%d} 起为预备党员,预备期连同延长已超过 {months}+{extension} 个月。",
    ),
    Check(
        "join_probation_short",
        "预备期不满规定",
        Level.VIOLATION,
        "预备期 1 年,期满才能转正。",
        editions.joining("第三十一至三十三条"),
        thresholds={"months": 12},
        find=_too_short,
        message="{since:%Y-%m-%d} 起为预备党员,{full_on:%Y-%m-%d} 转正,预备期不满 {months} 个月。",
        row="join_probation",
    ),
    Check(
        "join_probation_due",
        "预备期已满",
        Level.HINT,
        "预备期满应及时讨论转正,需要延长的作出决定。",
        editions.joining("第三十一至三十三条"),
        thresholds={"months": 12, "extension": 12},
        find=_due,
        message="{since:%Y-%m-%d} 起为预备党员,已满 {months} 个月,没有登记转正;延长预备期的无需办理。",
        row="join_probation",
    ),
)
