"""Days as somebody types or pastes them: the year may be left out. Cells: spreadsheets/test_cells.py."""

from datetime import date

import pytest

from registry.models import days


@pytest.mark.parametrize(
    "text",
    [
        "2020-02-03",
        "2020/2/3",
        "2020.2.3",
        "20200203",
        "2020年2月3日",
        "２０２０年２月３日",
        "2.3",
        "2。3",
        "2-3",
        "02/03",
        "2月3日",
        " 2 月 3 号 ",
        "２．３",
        "二月三日",
        "二〇二〇年二月三日",
        "43864",
    ],
)
def test_every_usual_form_is_read(text: str) -> None:
    assert days.from_text(text, year=2020) == date(2020, 2, 3)


def test_the_year_that_is_written_goes_before_the_one_of_the_page() -> None:
    assert days.from_text("2020.2.3", year=2021) == date(2020, 2, 3)
    assert days.from_text("2.3", year=2021) == date(2021, 2, 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2020-13-45", "日期“2020-13-45”不存在,请写成 2020-02-03 或 2月3日"),
        ("2.30", "日期“2.30”(2020年)不存在,请写成 2020-02-03 或 2月3日"),
        ("2020.2", "“2020.2”没有写到日,请写成 2020-02-03 或 2月3日"),
        ("20.2.3", "“20.2.3”的年份要写四位,请写成 2020-02-03 或 2月3日"),
        ("3/2/2020", "“3/2/2020”分不清日和月,请写成 2020-02-03 或 2月3日"),
        ("上周", "“上周”不是日期,请写成 2020-02-03 或 2月3日"),
    ],
)
def test_what_is_no_day_is_named_with_the_way_to_write_one(text: str, said: str) -> None:
    with pytest.raises(days.NoDay) as refused:
        days.from_text(text, year=2020)
    assert str(refused.value) == said


def test_a_sheet_has_no_year_of_its_own() -> None:
    for text in ("2.3", "2月3日", "二月三日"):
        with pytest.raises(days.NoDay, match="没有写年份"):
            days.from_text(text)
