"""Charts: their geometry, the words beside them, nothing inline."""

from __future__ import annotations

from datetime import date

import pytest

from registry.web.charts import spark_of
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
