"""The same reason said once, with the rows behind it."""

from __future__ import annotations

import pytest

from registry.web.reasons import grouped, ranges


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([], ""),
        ([7], "7"),
        ([*range(3, 53), 60], "3–52、60"),
        ([9, 4, 5, 4], "4–5、9"),
    ],
)
def test_rows_are_said_as_ranges(numbers: list[int], said: str) -> None:
    assert ranges(numbers) == said


def test_messages_that_differ_only_in_their_values_are_one_reason() -> None:
    said = [(f"没有代码为“X{at % 7}”的单位。", at) for at in range(500)]
    most, least = grouped([("缺少姓名。", 900), *said])
    assert (most.text, most.number, most.places) == ("没有代码为“…”的单位。", 500, list(range(500)))
    assert (most.values, most.values_left) == (["“X0”", "“X1”", "“X2”", "“X3”", "“X4”"], 7)
    assert (least.text, least.number, least.values, least.values_left) == ("缺少姓名。", 1, [], 0)
    assert most.mark == grouped(said[:1])[0].mark != least.mark  # an address that was kept still finds it


def test_a_value_that_is_the_same_everywhere_stays_in_the_words() -> None:
    (reason,) = grouped([("“甲”在 2020-02-01 已撤销。", 1), ("“甲”在 2020-03-01 已撤销。", 2)])
    assert (reason.text, reason.values) == ("“甲”在 … 已撤销。", ["2020-02-01", "2020-03-01"])
