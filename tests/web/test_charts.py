"""Charts: their geometry, the words beside them, nothing inline."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from registry.web.charts import MARKS, TONES, Line, Mark, apart, day_chart, spark_of, thinned
from registry.web.templatetags.parts import spark

# --- Sparklines -----------------------------------------------------------------------------------


def test_a_sparkline_runs_from_its_least_number_to_its_largest() -> None:
    drawn = spark_of([2, 4, 3])
    assert drawn.path == "M3 19L38 3L73 11"
    assert drawn.end == (73, 11)
    assert drawn.words == "由 2 到 3"


@pytest.mark.parametrize("numbers", [[], [7], [7, 7, 7]])
def test_where_nothing_moves_there_is_no_line_and_the_words_say_so(numbers: list[int]) -> None:
    assert spark_of(numbers).path == ""
    drawn = spark(numbers)
    assert "<svg" not in drawn
    assert '<span class="sr-only">没有变动</span>' in drawn


def test_a_sparkline_is_hidden_from_a_screen_reader_and_styles_nothing_itself() -> None:
    drawn = spark([(date(2020, 2, 1), 999), (date(2020, 2, 2), 1258)])
    assert '<svg class="spark" width="76" height="22" viewBox="0 0 76 22" aria-hidden="true">' in drawn
    assert drawn.endswith('</svg><span class="sr-only">由 999 到 1,258</span>')
    assert "style" not in drawn


# --- Charts ---------------------------------------------------------------------------------------

FIRST = date(2020, 2, 1)


def course(*numbers: int) -> list[tuple[date, int]]:
    return [(FIRST + timedelta(days=at), number) for at, number in enumerate(numbers)]


def test_a_number_holds_until_the_next_day_and_the_plot_is_as_wide_as_its_days() -> None:
    chart = day_chart([Line("现有", course(0, 2, 2, 4), filled=True)], title="逐日数", head="日期")
    assert (chart.width, chart.height) == (30, 208)
    assert chart.axis == [(208, "0"), (156, "1"), (104, "2"), (52, "3"), (0, "4")]
    assert chart.lines == [
        {"path": "M0 208H10V104H30V0H30", "area": "M0 208H10V104H30V0H30V208H0Z", "tone": "red"}
    ]
    assert [(day["x"], day["label"]) for day in chart.days] == [
        ("0%", "02-01"), ("33.33%", "02-02"), ("66.67%", "02-03"), ("100%", "02-04")
    ]  # fmt: skip
    assert chart.text == "逐日数:2020-02-01 至 2020-02-04,现有由 0 到 4。"
    assert chart.rows[0] == ["2020-02-04", 4]


def test_each_day_says_its_numbers_and_what_was_reported() -> None:
    lines = [Line("现有", course(999, 1258)), Line("累计", course(1000, 1300))]
    reported = Mark(FIRST, 1000, "报道 1000", "累计报道 1000:来源")
    chart = day_chart(lines, [reported], title="逐日数")
    assert [(hit.at, hit.x, hit.width, hit.title) for hit in chart.hits] == [
        (0, 0, 5, "2月1日 现有 999,累计 1,000,累计报道 1000:来源"),
        (10, 5, 5, "2月2日 现有 1,258,累计 1,300"),
    ]
    assert chart.marks[0]["x"] == "0%"


def test_one_day_alone_is_a_flat_line() -> None:
    chart = day_chart([Line("现有", course(3))], title="逐日数")
    assert chart.lines[0]["path"] == "M0 0H10"
    assert [hit.title for hit in chart.hits] == ["2月1日 现有 3"]


@pytest.mark.parametrize(
    ("wanted", "placed"),
    [
        ([10, 100], [10, 100]),
        ([100, 100], [92, 108]),
        ([42, 57, 62, 104], [38, 54, 70, 104]),
        ([0, 0, 0], [0, 16, 32]),
        ([208, 206], [208, 192]),
    ],
)
def test_labels_that_would_touch_are_moved_apart_and_stay_inside(
    wanted: list[int], placed: list[int]
) -> None:
    assert apart(wanted) == placed


def test_a_label_that_was_moved_has_a_leader_to_its_line() -> None:
    chart = day_chart([Line("甲", course(1, 4)), Line("乙", course(2, 4), "ink")], title="对比")
    assert [(end["name"], end["value"], end["y"], end["leader"]) for end in chart.ends] == [
        ("甲", "4", 0, ""),
        ("乙", "4", 16, "M0 0L5 16"),
    ]
    assert chart.rows == []


def test_six_lines_differ_in_tone_and_mark_or_filling() -> None:
    assert len(set(TONES)) == 6
    assert len({(MARKS[tone], "dotted" in tone) for tone in TONES}) == 6


def test_a_long_course_has_a_point_a_week_with_its_first_and_last_day() -> None:
    days = [FIRST + timedelta(days=at) for at in range(800)]
    drawn = thinned(days)
    assert (drawn[0], drawn[-1], len(drawn)) == (days[0], days[-1], 116)
    assert {(later - earlier).days for earlier, later in pairwise(drawn[1:])} == {7}
    assert thinned(days[:370]) == days[:370]
