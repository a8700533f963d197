"""Working days: public holidays, the weekends worked instead, and counting over them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.operations.compliance import load_holidays, published_years, read_holidays
from registry.rules import workdays
from registry.rules.workdays import Calendar
from tests.factories import ACTOR, make_unit

SPRING = Calendar({day: works for year in published_years() for day, works, _ in read_holidays(year)})


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2020, 1, 19), True),  # a Sunday worked for the Spring Festival
        (date(2020, 1, 23), True),
        (date(2020, 1, 24), False),
        (date(2020, 1, 31), False),  # the festival was made longer until 2 February
        (date(2020, 2, 1), False),
        (date(2020, 2, 3), True),
        (date(2020, 6, 28), True),
        (date(2022, 12, 31), False),
        (date(2026, 2, 14), True),
        (date(2026, 2, 23), False),
        (date(2026, 2, 24), True),
    ],
)
def test_published_days(day: date, works: bool) -> None:
    assert SPRING.is_workday(day) == works


def test_each_year_has_its_holidays_and_works_on_weekends_only() -> None:
    for year in published_years():
        days = read_holidays(year)
        assert [day for day, _, _ in days] == sorted({day for day, _, _ in days if day.year == year})
        assert all(day.weekday() >= 5 for day, works, _ in days if works)
        assert {"元旦", "春节", "清明节", "劳动节", "端午节"} <= {name for _, _, name in days}
        assert len({day for day, works, _ in days if not works}) >= 26


@pytest.mark.parametrize(
    ("start", "end", "number"),
    [
        (date(2020, 1, 20), date(2020, 1, 20), 0),
        (date(2020, 1, 20), date(2020, 2, 4), 5),  # 20 to 23 January and 3 February
        (date(2020, 1, 18), date(2020, 1, 20), 1),  # the Sunday
        (date(2020, 2, 4), date(2020, 1, 20), 0),
    ],
)
def test_days_between_do_not_count_the_last(start: date, end: date, number: int) -> None:
    assert SPRING.workdays_between(start, end) == number


@pytest.mark.parametrize(
    ("day", "number", "due"),
    [
        (date(2020, 1, 22), 1, date(2020, 1, 23)),
        (date(2020, 1, 22), 2, date(2020, 2, 3)),
        (date(2020, 1, 22), 5, date(2020, 2, 6)),
        (date(2020, 1, 22), 0, date(2020, 1, 22)),
        (date(2020, 2, 3), -1, date(2020, 1, 23)),
    ],
)
def test_five_working_days_of_publicity(day: date, number: int, due: date) -> None:
    assert SPRING.add_workdays(day, number) == due


@given(st.dates(date(2020, 1, 1), date(2026, 11, 1)), st.integers(0, 60))
def test_counting_is_adding_one_by_one(start: date, length: int) -> None:
    days = [start + timedelta(days=at) for at in range(length)]
    assert SPRING.workdays_between(start, start + timedelta(days=length)) == sum(map(SPRING.is_workday, days))
    later = SPRING.add_workdays(start, length)
    assert SPRING.workdays_between(start + timedelta(days=1), later + timedelta(days=1)) == length


@pytest.mark.django_db
def test_the_calendar_is_read_from_the_registry() -> None:
    make_unit("top")
    assert workdays.add_workdays(date(2020, 1, 22), 2) == date(2020, 1, 24)
    load_holidays(actor=ACTOR, years=[2020])
    assert workdays.add_workdays(date(2020, 1, 22), 2) == date(2020, 2, 3)
    assert workdays.workdays_between(date(2020, 1, 20), date(2020, 2, 4)) == 5
