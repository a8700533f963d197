"""Two to six units, or several metrics of one unit, over the days of a period."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from registry.models import AuditEntry
from registry.operations import organizations
from registry.pages.comparison.tables import ComparisonTable
from tests.asking import queries_again
from tests.factories import ACTOR, make_campaign, make_organization, make_unit, make_user
from tests.paper import print_of

pytestmark = [pytest.mark.look, pytest.mark.django_db]

LAST = date(2020, 2, 20)


class Leagues:
    """A department with two leagues that grow, and one in which nothing happens."""

    def __init__(self) -> None:
        self.top = make_unit("top", name="省公安厅", kind="department")
        self.east = make_unit("east", self.top, name="东盟公安局")
        self.west = make_unit("west", self.top, name="西盟公安局")
        self.quiet = make_unit("quiet", self.top, name="南盟公安局")
        for unit, days in ((self.east, (1, 5, 12, 19)), (self.west, (1, 2))):
            for day in days:
                made = make_organization(unit, established_on=date(2020, 2, day))
        organizations.dissolve_organization(
            actor=ACTOR, organization=made, on=date(2020, 2, 15), reason="测试"
        )
        make_organization(self.east, "pioneer_post", established_on=date(2020, 2, 10))
        self.user = make_user(unit=self.top, role="viewer")


def build_world() -> Leagues:
    """The country of this file."""
    return Leagues()


def query_of(query: dict[str, Any]) -> dict[str, Any]:
    return {"as_of": LAST.isoformat(), **query}


def table_of(world: Leagues, **query: Any) -> ComparisonTable:
    """The comparison of an address, without its page."""
    request = RequestFactory().get("/", query_of(query))
    request.user = world.user
    return ComparisonTable(request)


def read(client: Client, world: Leagues, **query: Any) -> str:
    client.force_login(world.user)
    answer = client.get(reverse("comparison"), query_of(query))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def steps(table: ComparisonTable) -> list[tuple[str, list[int]]]:
    return [(f"{step.day:%m-%d}", step.numbers) for step in table.every()]


TWO = {"unit": ["east", "west"]}


# --- The lines and their numbers ------------------------------------------------------------------


def test_two_units_by_weeks_with_first_last_and_growth(world: Leagues) -> None:
    table = table_of(world, **TWO)
    assert table.title == "临时党组织:2 个单位对比"
    assert steps(table) == [
        ("02-20", [4, 1]),
        ("02-13", [3, 2]),
        ("02-06", [2, 2]),
        ("01-30", [0, 0]),
        ("01-23", [0, 0]),
        ("01-22", [0, 0]),  # the first day, though no week ends on it
    ]
    assert [step.change(1) for step in table.every()] == [-1, 0, 2, 0, 0, None]
    assert [(line.label, line.first, line.last, line.growth, line.peak) for line in table.compared] == [
        ("东盟公安局", 0, 4, 4, (4, "2020-02-19")),
        ("西盟公安局", 0, 1, 1, (2, "2020-02-02")),
    ]
    assert table.most_grown == "30 日内增加最多:东盟公安局(增加 4)。"


def test_the_metrics_of_one_unit_by_days(world: Leagues) -> None:
    metrics = ["temporary_branches", "pioneer_posts"]
    table = table_of(
        world, unit="top", metric=metrics, range="own", **{"from": "2020-02-10", "to": "2020-02-12"}
    )
    assert table.title == "省公安厅:2 个指标对比"
    assert steps(table) == [("02-12", [5, 1]), ("02-11", [4, 1]), ("02-10", [4, 1])]
    assert [line.label for line in table.compared] == ["临时党支部", "党员先锋岗"]


def test_six_lines_have_six_ways_to_be_told_apart(world: Leagues) -> None:
    more = [make_unit(f"more{number}", world.top).code for number in range(4)]
    table = table_of(world, unit=["east", "west", *more])
    assert [line.tone for line in table.compared] == [
        "red",
        "ink",
        "gold",
        "grey",
        "red dotted",
        "ink dotted",
    ]
    assert table.problems == []


@pytest.mark.parametrize(
    ("query", "steps_number"),
    [({"range": "7"}, 7), ({"range": "90"}, 14), ({"by": "day"}, 30), ({"range": "7", "by": "week"}, 2)],
)
def test_a_short_period_is_shown_by_days_a_long_one_by_weeks_or_as_asked(
    world: Leagues, query: dict[str, str], steps_number: int
) -> None:
    assert len(table_of(world, **TWO, **query).every()) == steps_number


@pytest.mark.parametrize("basis", ["current", "cumulative"])
def test_every_number_opens_as_many_rows_as_it_says(client: Client, world: Leagues, basis: str) -> None:
    table = table_of(
        world, **TWO, basis=basis, range="own", by="day", **{"from": "2020-02-14", "to": "2020-02-15"}
    )
    client.force_login(world.user)
    numbers = []
    for step in table.every():
        for number, line in zip(step.numbers, table.compared, strict=True):
            url = table.rows_url(line, step.day)
            assert client.get(url).context["page_obj"].paginator.count == number, url
            numbers.append(number)
    assert numbers == ([3, 1, 3, 2] if basis == "current" else [3, 2, 3, 2])


def test_the_rows_of_today_are_opened_on_today_though_the_campaign_is_over(
    client: Client, world: Leagues
) -> None:
    campaign = make_campaign(ended_on=date(2020, 2, 18))
    today = timezone.localdate().isoformat()
    table = table_of(world, **TWO, campaign=campaign.code, as_of=today, range="7", by="day")
    client.force_login(world.user)
    urls = [table.rows_url(line, timezone.localdate()) for line in table.compared]
    assert [str(client.get(url).context["question"].as_of) for url in urls] == [today, today]


def test_two_units_with_three_metrics_cost_no_more_queries(client: Client, world: Leagues) -> None:
    def cost(*units: str) -> int:
        return queries_again(lambda: read(client, world, unit=list(units), metric="temporary_branches"))

    assert cost("east", "west") == cost("east", "west", "quiet")


# --- The page -------------------------------------------------------------------------------------


def test_the_chart_names_its_lines_at_their_ends_and_says_itself_in_words(
    client: Client, world: Leagues
) -> None:
    page = read(client, world, **TWO)
    said = "临时党组织:2 个单位对比:2020-01-22 至 2020-02-20,东盟公安局由 0 到 4;西盟公安局由 0 到 1。"
    assert f'aria-label="{said}"' in page
    assert "<title>2月15日 东盟公安局 3,西盟公安局 1</title>" in page
    assert page.count('class="dot ') == 2 + 2  # at the ends and before the names
    assert '<span class="sr-only">减少</span> 1' in page  # no sign is read aloud


def test_where_nothing_moves_the_page_says_so_and_draws_nothing(client: Client, world: Leagues) -> None:
    query = {"unit": ["quiet", "west"], "range": "own", "from": "2020-02-16"}
    page = read(client, world, **query)
    assert "2020-02-16 至 2020-02-20 没有变动,各线都是平的。" in page
    assert "data-chart" not in page
    assert [line.last for line in table_of(world, **query).compared] == [0, 1]


def test_units_are_added_by_name_and_the_address_keeps_everything(client: Client, world: Leagues) -> None:
    query = {"unit": "east", "unit_text": "西盟公安局", "range": "7", "by": "week", "basis": "cumulative"}
    table = table_of(world, **query)
    assert [unit.code for unit in table.asked.units] == ["east", "west"]
    assert table.others == [
        ("as_of", "2020-02-20"), ("basis", "cumulative"), ("by", "week"), ("range", "7")
    ]  # fmt: skip
    page = read(client, world, **query)
    for code in ("east", "west"):
        assert f'<input type="hidden" name="unit" value="{code}">' in page


def test_a_metric_of_one_unit_is_taken_out_and_another_added(world: Leagues) -> None:
    table = table_of(world, unit="east", metric=["temporary_branches", "pioneer_posts"])
    assert table.others[1:] == [("metric", "temporary_branches"), ("metric", "pioneer_posts")]
    first = table.metric_chips[0]
    assert first["label"] == "临时党支部"
    assert first["remove_url"].endswith("unit=east&metric=pioneer_posts")


def test_two_units_ticked_on_the_page_of_their_superior_are_compared(client: Client, world: Leagues) -> None:
    """The form of the unit's page keeps its day, its metric and its period."""
    client.force_login(world.user)
    page = client.get("/units/top/", {"as_of": "2020-02-20", "chart": "pioneer_posts", "range": "7"})
    said = page.content.decode()
    for code in ("east", "west", "quiet"):
        assert f'<input type="checkbox" name="unit" value="{code}" form="compare"' in said
    assert page.context["compared_by"] == [
        ("as_of", "2020-02-20"), ("range", "7"), ("metric", "pioneer_posts")
    ]  # fmt: skip
    asked = [*page.context["compared_by"], ("unit", "east"), ("unit", "west")]
    table = client.get(f"{reverse('comparison')}?{urlencode(asked)}").context["table"]
    assert table.title == "党员先锋岗:2 个单位对比"
    assert [line.points[-1] for line in table.compared] == [(LAST, 1), (LAST, 0)]


def test_the_metrics_of_a_unit_are_one_click_from_its_page(client: Client, world: Leagues) -> None:
    client.force_login(world.user)
    page = client.get("/units/east/", {"as_of": "2020-02-20", "basis": "new", "since": "2020-02-14"})
    table = client.get(page.context["charts"][-1].url).context["table"]
    assert table.title == "东盟公安局:5 个指标对比"
    assert table.problems == []


# --- Addresses that cannot be used ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"unit": "east"}, "只有一条线。请再添加一个单位,或者给这个单位添加一个指标。"),
        ({**TWO, "metric": "nonsense"}, "没有名为“nonsense”的统计指标,没有使用。"),
        (
            {**TWO, "metric": ["pioneer_posts", "temporary_branches"]},
            "几个单位只能对比一个指标,已显示“党员先锋岗”。",
        ),
        ({**TWO, "unit_text": "北盟"}, "单位“北盟”没有找到,请检查名称或代码。"),
        ({**TWO, "by": "hour"}, "没有名为“hour”的间隔,没有使用。"),
        ({**TWO, "basis": "new"}, "对比的是每日的现有数或累计数,没有新增、撤销;已显示现有数。"),
        (
            {**TWO, "range": "own", "from": "2020-02-10", "to": "2020-02-09"},
            "起始日期 2020-02-10 晚于结束日期 2020-02-09,请改正。已显示近 30 日。",
        ),
    ],
)
def test_what_cannot_be_used_is_said(world: Leagues, query: dict[str, Any], said: str) -> None:
    table = table_of(world, **query)
    assert [*table.problems, *table.period.problems] == [said]


def test_the_page_says_it_and_writes_nothing(client: Client, world: Leagues) -> None:
    before = AuditEntry.objects.count()
    page = read(client, world, unit="east", range="own", **{"from": "2020-02-10", "to": "2020-02-09"})
    assert page.count("只有一条线。") == 1
    assert page.count("起始日期 2020-02-10 晚于结束日期 2020-02-09,请改正。") == 1
    assert AuditEntry.objects.count() == before


def test_a_seventh_unit_is_named_and_left_out(world: Leagues) -> None:
    more = [make_unit(f"more{number}", world.top, name=f"{number} 号局").code for number in range(5)]
    table = table_of(world, unit=["east", "west", *more])
    assert table.problems == ["一次最多对比 6 个单位,没有显示:4 号局。"]
    assert len(table.compared) == 6


def test_without_a_unit_the_page_asks_for_some(client: Client, world: Leagues) -> None:
    assert "请在上面查找并添加要对比的单位" in read(client, world)


def test_a_unit_out_of_scope_does_not_exist(client: Client, world: Leagues) -> None:
    client.force_login(make_user(unit=world.east))
    assert client.get(reverse("comparison"), TWO).status_code == 404
    assert client.post(f"{reverse('comparison_export')}?unit=east&unit=west").status_code == 404


# --- The file -------------------------------------------------------------------------------------


def test_the_file_has_the_steps_and_what_they_are(client: Client, world: Leagues) -> None:
    query = "unit=east&unit=west&as_of=2020-02-20&range=7&by=week"
    client.force_login(world.user)
    answer = client.post(f"{reverse('comparison_export')}?{query}", {"format": "csv"})
    content = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert rows[-4:] == [
        ["每周截至", "东盟公安局", "东盟公安局增减", "西盟公安局", "西盟公安局增减"],
        ["2020-02-20", "4", "1", "1", "-1"],
        ["2020-02-14", "3", "", "2", ""],
        ["期末与增减", "4", "1", "1", "-1"],
    ]
    assert "区间:2020-02-14 至 2020-02-20" in rows[2][0]
    entry = AuditEntry.objects.filter(verb="export").latest("pk")
    assert (entry.unit, entry.after["filters"][-1]) == (world.east, "东盟公安局、西盟公安局")


def test_paper_has_the_chart_the_lines_and_the_steps(client: Client, world: Leagues) -> None:
    client.force_login(world.user)
    asked = {"unit": ["east", "west"], "as_of": "2020-02-20", "range": "7", "by": "week"}
    printed = print_of(client, "comparison_export", **asked)
    assert "<svg" in printed.html
    assert printed.tables == [
        [
            ["单位", "期初", "期末", "增减", "最高", "最高日"],
            ["东盟公安局", "3", "4", "▲ 1", "4", "2020-02-19"],
            ["西盟公安局", "2", "1", "▼ 1", "2", "2020-02-14"],
        ],
        [
            ["每周截至", "东盟公安局", "增减", "西盟公安局", "增减"],
            ["2020-02-20", "4", "▲ 1", "1", "▼ 1"],
            ["2020-02-14", "3", "–", "2", "–"],
            ["期末与增减", "4", "1", "1", "-1"],
        ],
    ]
