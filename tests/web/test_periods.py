"""The period of a chart as the address asks for it."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import RequestFactory

from registry.models import Unit
from registry.web.address import address_of
from registry.web.periods import Period, period_of
from tests.factories import make_campaign, make_unit, make_user

pytestmark = [pytest.mark.look, pytest.mark.django_db]


@pytest.fixture
def top() -> Unit:
    return make_unit("top")


def asked(top: Unit, **query: str) -> Period:
    """The period of a page about 20 February, with these parameters."""
    request = RequestFactory().get("/", {"as_of": "2020-02-20", **query})
    request.user = make_user(unit=top)
    return period_of(request, address_of(request))


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ({}, (1, 22), (2, 20)),
        ({"range": "7"}, (2, 14), (2, 20)),
        ({"range": "90"}, (-1, 23), (2, 20)),
        ({"range": "own", "from": "2020-02-03", "to": "2020-03-01"}, (2, 3), (3, 1)),
        ({"range": "own", "from": "2.3"}, (2, 3), (2, 20)),
        ({"range": "own", "to": "2020-02-01"}, (1, 3), (2, 1)),
        ({"range": "own", "from": "2020-02-03", "to": "2020-02-03"}, (2, 3), (2, 3)),
    ],
)
def test_each_range(top: Unit, query: dict[str, str], since: tuple[int, int], until: tuple[int, int]) -> None:
    period = asked(top, **query)
    month, day = since
    assert period.since == (date(2019, 11, day) if month < 0 else date(2020, month, day))
    assert (period.until, period.problems) == (date(2020, *until), ())


def test_the_whole_campaign_begins_with_it_and_of_all_with_the_first(top: Unit) -> None:
    make_campaign(code="early", started_on=date(2020, 1, 23))
    make_campaign(code="late", started_on=date(2020, 2, 10))
    assert asked(top, range="all", campaign="late").since == date(2020, 2, 10)
    assert asked(top, range="all").since == date(2020, 1, 23)
    assert asked(top, range="all").until == date(2020, 2, 20)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"range": "8"}, "没有名为“8”的区间。"),
        ({"range": "all"}, "还没有专项任务,没有“全程”可看。"),
        (
            {"range": "own", "from": "2020-02-10", "to": "2020-02-09"},
            "起始日期 2020-02-10 晚于结束日期 2020-02-09,请改正。",
        ),
        ({"range": "own", "from": "昨天"}, "起始日期:“昨天”不是日期,请写成 2020-02-03 或 2月3日。"),
        ({"range": "own", "to": "2090-01-01"}, "结束日期 2090-01-01 晚于今天,请改正。"),
        ({"range": "own", "from": "1900-01-01"}, "起始日期 1900-01-01 太早,请改正。"),
        ({"range": "own", "from": "2010-01-01"}, "2010-01-01 至 2020-02-20 太长,最多 5 年。"),
    ],
)
def test_what_cannot_be_used_is_said_and_the_last_thirty_days_are_shown(
    top: Unit, query: dict[str, str], said: str
) -> None:
    period = asked(top, **query)
    assert period.problems == (f"{said}已显示近 30 日。",)
    assert (period.since, period.until) == (date(2020, 1, 22), date(2020, 2, 20))
    assert (period.form is not None) == (query["range"] == "own")  # what was typed can be mended
