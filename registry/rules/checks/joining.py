"""Checks of the probation, by the dated political status; people are judged at the home branch of the day."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import ExtractDay, ExtractMonth, ExtractYear

from registry.models import BEGINNING, PoliticalStatus, StatusPeriod
from registry.models.base import on_day
from registry.rules.checks import editions
from registry.rules.checks.check import Check, Find, Found, Level
from registry.rules.checks.members import Rows, is_merged
from registry.rules.checks.months import last_day_over

FULL, PROBATIONARY = PoliticalStatus.FULL_MEMBER, PoliticalStatus.PROBATIONARY_MEMBER
_MANY = 1_000_000_000
"""A limit that is never met. With it PostgreSQL works a set of people out once and for itself; without, it
joins it to the organizations, which is quick for a few of them and takes a minute for a country's."""


def _probationary(day: date, months: int) -> QuerySet[Any]:
    """Return the periods of who is a probationary member on the day, since more than so many months."""
    since = {"started_on__gt": BEGINNING, "started_on__lte": last_day_over(day, months)}
    return StatusPeriod.objects.filter(on_day(day), status=PROBATIONARY, **since).order_by()


def _at_home(rows: Rows, day: date, periods: QuerySet[Any] | None, *, is_few: bool, **also: Any) -> Rows:
    """Join to the organizations whom of these periods (None: of all) they are the home of, as ``about``."""
    if periods is not None:
        also["homes__person__in"] = periods.values("person")[: None if is_few else _MANY]
    rows = rows.filter(on_day(day, prefix="homes__"), **also)
    return rows.annotate(about=F("homes__person")).exclude(is_merged("about"))


def _since(rows: Rows, day: date, periods: QuerySet[Any], *, is_few: bool) -> Found:
    since = periods.filter(person=OuterRef("about")).values("started_on")[:1]
    return Found(_at_home(rows, day, periods, is_few=is_few), {"since": Subquery(since)}, person="about")


def _too_long(is_few: bool) -> Find:
    def find(rows: Rows, day: date, *, months: int, extension: int) -> Found:
        return _since(rows, day, _probationary(day, months + extension), is_few=is_few)

    return find


def _due(is_few: bool) -> Find:
    def find(rows: Rows, day: date, *, months: int, extension: int) -> Found:
        """Leave out who is over the extension too: that is said by the violation."""
        periods = _probationary(day, months)
        periods = periods.filter(started_on__gt=last_day_over(day, months + extension))
        return _since(rows, day, periods, is_few=is_few)

    return find


def _too_short(is_few: bool) -> Find:
    def find(rows: Rows, day: date, *, months: int) -> Found:
        leap = Q(started_on__month=2, started_on__day=29, ended_on__month=2, ended_on__day=28)
        short = (
            StatusPeriod.objects.filter(status=PROBATIONARY, started_on__gt=BEGINNING, ended_on__lte=day)
            .annotate(end=_counted("ended_on"), due=_counted("started_on") + 100 * months)
            .filter(~leap, end__lt=F("due"))
            .order_by()
        )
        became = {"homes__person__statuses__status": FULL}
        # Those of a few organizations are looked at one by one; the calendar of all others would take longer.
        rows = _at_home(rows, day, None if is_few else short, is_few=is_few, **became)
        rows = rows.annotate(happened_on=F("homes__person__statuses__started_on"))
        before = short.filter(person=OuterRef("about"), ended_on=OuterRef("happened_on"))
        facts = {"full_on": F("happened_on"), "since": Subquery(before.values("started_on")[:1])}
        return Found(rows.filter(Exists(before)), facts, "about", "happened_on")

    return find


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
        find=_too_long(is_few=False),
        find_few=_too_long(is_few=True),
        message="{since:%Y-%m-%d} 起为预备党员,预备期连同延长已超过 {months}+{extension} 个月。",
    ),
    Check(
        "join_probation_short",
        "预备期不满规定",
        Level.VIOLATION,
        "预备期 1 年,期满才能转正。",
        editions.joining("第三十一至三十三条"),
        thresholds={"months": 12},
        find=_too_short(is_few=False),
        find_few=_too_short(is_few=True),
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
        find=_due(is_few=False),
        find_few=_due(is_few=True),
        message="{since:%Y-%m-%d} 起为预备党员,已满 {months} 个月,没有登记转正;延长预备期的无需办理。",
        row="join_probation",
    ),
)
