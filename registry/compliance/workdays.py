"""The page of the workday calendar: the days of a year, and which of them are set apart."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access
from registry.models import Holiday
from registry.models.hierarchy import roots
from registry.operations.compliance import published_years, read_holidays
from registry.rules.workdays import Calendar
from registry.web.address import EARLIEST, Address, address_of
from registry.web.links import Tab

WEEK = "一二三四五六日"
LATER = 2
"""So many years after this one can be looked at."""


@dataclass(frozen=True)
class Day:
    """One day of the calendar; ``holiday`` is what was entered of it."""

    day: date
    is_work: bool
    holiday: Holiday | None
    edit_url: str

    @property
    def mark(self) -> str:
        """The sign beside the number: of what is not as its day of the week."""
        return ("班" if self.is_work else "休") if self.holiday else ""

    @property
    def css(self) -> str:
        """The class of the cell."""
        if self.holiday:
            return "work" if self.is_work else "free"
        return "" if self.is_work else "weekend"

    @property
    def title(self) -> str:
        """The day in words."""
        kind = "上班" if self.is_work else "休息"
        name = self.holiday.name if self.holiday else ""
        return f"{self.day.isoformat()} 周{WEEK[self.day.weekday()]} {kind} {name}".strip()


@dataclass(frozen=True)
class Month:
    """One month: its weeks of seven places each."""

    number: int
    weeks: list[list[Day | None]]

    @property
    def workdays(self) -> int:
        """How many days of work it has."""
        return sum(day.is_work for week in self.weeks for day in week if day)


def months_of(year: int, holidays: Iterable[Holiday], edit_url: str) -> list[Month]:
    """Return the twelve months of a year; ``edit_url`` ends where a day is to follow, or is empty."""
    known = {each.day: each for each in holidays}
    works = Calendar({day: each.is_workday for day, each in known.items()})

    def place(day: date, month: int) -> Day | None:
        if day.month != month:
            return None
        return Day(day, works.is_workday(day), known.get(day), f"{edit_url}{day}" if edit_url else "")

    def weeks(month: int) -> list[list[Day | None]]:
        every = calendar.Calendar().monthdatescalendar(year, month)
        return [[place(day, month) for day in week] for week in every]

    return [Month(number, weeks(number)) for number in range(1, 13)]


@dataclass(frozen=True)
class Stretch:
    """Days in a row of one name and kind."""

    name: str
    is_workday: bool
    first: date
    last: date

    @property
    def days(self) -> int:
        """How many they are."""
        return (self.last - self.first).days + 1


def stretches(holidays: Iterable[Holiday]) -> list[Stretch]:
    """Return days in their order, those in a row of one name and kind together."""

    def row(placed: tuple[int, Holiday]) -> tuple[str, bool, int]:
        place, each = placed
        return each.name, each.is_workday, each.day.toordinal() - place  # the same while no day is left out

    made = []
    for (name, is_workday, _), placed in groupby(enumerate(holidays), row):
        days = [each.day for _, each in placed]
        made.append(Stretch(name, is_workday, days[0], days[-1]))
    return made


def days_said(days: Iterable[date]) -> str:
    """Return days in words, those in a row as a stretch."""
    found = stretches(Holiday(day=day) for day in sorted(days))
    return "、".join(f"{each.first} 至 {each.last}" if each.days > 1 else f"{each.first}" for each in found)


def year_of(request: HttpRequest, address: Address) -> int:
    """Return the year that the address names; else that of the page's day."""
    asked = request.GET.get("year", "")
    year = int(asked) if asked.isascii() and asked.isdigit() and len(asked) == 4 else address.as_of.year
    return min(max(year, EARLIEST.year), address.today.year + LATER)


@require_safe
def workdays(request: HttpRequest) -> HttpResponse:
    """The calendar of a year, for everybody; a manager at the top of the unit tree enters days."""
    address = address_of(request)
    year = year_of(request, address)
    holidays = list(Holiday.objects.filter(day__year=year).order_by("day"))
    may_edit = access.may(request.user, "set_holidays", *roots())
    edit_url = address.url(reverse("workdays_set"), year=str(year)) if may_edit else ""
    months = months_of(year, holidays, f"{edit_url}&days=" if may_edit else "")
    return render(
        request,
        "compliance/workdays.html",
        {
            "year": year,
            "years": _years(address, year),
            "months": months,
            "workdays": sum(month.workdays for month in months),
            "week": WEEK,
            "stretches": stretches(holidays),
            "edit_url": edit_url,
            "actions": _actions(address, year, holidays, edit_url) if may_edit else [],
            "crumbs": [
                {"name": "规范检查", "url": address.url(reverse("compliance"))},
                {"name": "工作日历"},
            ],
        },
    )


def _actions(address: Address, year: int, known: list[Holiday], edit_url: str) -> list[dict[str, str]]:
    """Return the buttons: to enter days, and the published ones that are not there yet."""
    made = []
    if year in published_years():
        there = {(each.day, each.is_workday) for each in known}
        if any((day, works) not in there for day, works, _name in read_holidays(year)):
            url = address.url(reverse("workdays_load"), year=str(year))
            made.append({"label": "载入公布的放假安排", "url": url, "tone": ""})
    return [*made, {"label": "登记节假日和调休", "url": edit_url, "tone": "main"}]


def _years(address: Address, year: int) -> list[Tab]:
    """Return the tabs of the years around this one."""
    last = address.today.year + LATER
    return [
        Tab(f"{each} 年", address.url(reverse("workdays"), year=str(each)), each == year)
        for each in range(max(year - 2, EARLIEST.year), min(year + 2, last) + 1)
    ]
