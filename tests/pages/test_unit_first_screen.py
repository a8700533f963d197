"""The first screen of a unit: what changed in seven days, by day, and a day on which nothing did."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from registry.models import Organization, Unit
from registry.operations import assignments, organizations, units
from tests.asking import queries_again
from tests.factories import (
    ACTOR,
    assign,
    make_campaign,
    make_organization,
    make_person,
    make_unit,
    make_user,
)

pytestmark = [pytest.mark.look, pytest.mark.django_db]

DAY = "2020-02-20"
"""The day of the page; seven days before it is 13 February."""


class Bureau:
    """A bureau with two stations: 南站 has grown by one in seven days, 北站 has shrunk by one."""

    def __init__(self) -> None:
        self.top = make_unit("top", name="省公安厅", kind="department")
        self.bureau = make_unit("bureau", self.top, name="市公安局")
        self.south = make_unit("south", self.bureau, name="南站", kind="station", sequence=1)
        self.north = make_unit("north", self.bureau, name="北站", kind="station", sequence=2)
        self.founded = [
            make_organization(self.south, name=name, code=code, established_on=date(2020, 2, day))
            for name, code, day in (("支部甲", "jia", 14), ("支部乙", "yi", 20), ("支部丙", "bing", 20))
        ]
        self.old = make_organization(self.south, name="支部丁", code="ding", established_on=date(2020, 2, 13))
        make_organization(self.south, "pioneer_post", name="岗", established_on=date(2020, 2, 20))
        self.gone = make_organization(self.north, name="支部戊", code="wu", established_on=date(2020, 2, 1))
        self.dissolve(self.old, 14)
        self.dissolve(self.founded[0], 16)
        self.dissolve(self.gone, 20)

    def dissolve(self, organization: Organization, day: int) -> None:
        """Dissolve an organization on a day of February."""
        found = Organization.objects.get(pk=organization.pk)
        organizations.dissolve_organization(
            actor=ACTOR, organization=found, on=date(2020, 2, day), reason="测试"
        )

    def transfer(self, organization: Organization, unit: Unit, day: int) -> None:
        """Transfer an organization on a day of February."""
        found, to = Organization.objects.get(pk=organization.pk), Unit.objects.get(pk=unit.pk)
        organizations.transfer_organization(
            actor=ACTOR, organization=found, unit=to, on=date(2020, 2, day), reason="测试"
        )


def build_world() -> Bureau:
    """Make the bureau once for the whole file."""
    return Bureau()


@pytest.fixture
def here(client: Client, world: Bureau) -> Bureau:
    client.force_login(make_user(unit=world.top))
    return world


def page_of(client: Client, code: str = "bureau", **query: str) -> Any:
    answer = client.get(f"/units/{code}/", {"as_of": DAY, **query})
    assert answer.status_code == 200
    return answer


def weeks(page: Any) -> dict[str, int | None]:
    """The change over seven days of each line, in the order of the page."""
    table = page.context["table"]
    return {row.name or row.unit.name: row.week for row in (*table.rows, table.own, table.total)}


def changed(client: Client, url: str) -> tuple[int, list[tuple[str, str]]]:
    """The list behind a number: its growth, and each change with its organization."""
    listed = client.get(url)
    assert listed.status_code == 200
    table = listed.context["table"]
    return table.growth, [(row.word, row.organization.name) for row in listed.context["rows"]]


def banner(page: Any) -> str:
    found = re.search(r'<div class="banner[^"]*">(.*?)</div>', page.text, re.S)
    return "".join(re.sub(r"<[^>]+>", "", unescape(found[1])).split()) if found else ""


# --- Seven days -----------------------------------------------------------------------------------


def test_each_line_says_its_change_over_seven_days(client: Client, here: Bureau) -> None:
    page = page_of(client)
    # 南站: 乙 and 丙 founded, 丁 dissolved; 甲 came and went within the week.
    assert weeks(page) == {"南站": 1, "北站": -1, "本单位": 0, "合计": 0}
    assert '<span aria-hidden="true">▲</span><span class="sr-only">增加</span>\u00a01</a>' in page.text
    assert '<span aria-hidden="true">▼</span><span class="sr-only">减少</span>\u00a01</a>' in page.text


def test_the_change_is_since_the_end_of_the_same_day_a_week_before(client: Client, here: Bureau) -> None:
    """What was founded on the 13th stood then; what was founded on the 14th is new."""
    for day, change in ((13, -1), (14, 0)):
        make_organization(here.north, established_on=date(2020, 2, day))
        page = page_of(client)
        north, total = page.context["table"].rows[1], page.context["table"].total
        assert (north.week, changed(client, north.week_url)[0]) == (change, change)
        assert page.context["key_figures"][0].delta == total.week == 1 + change


def test_the_number_leads_to_exactly_what_makes_it(client: Client, here: Bureau) -> None:
    south, north = page_of(client).context["table"].rows
    assert changed(client, south.week_url) == (
        1,
        [("成立", "支部丙"), ("成立", "支部乙"), ("撤销", "支部甲"), ("撤销", "支部丁"), ("成立", "支部甲")],
    )
    assert changed(client, north.week_url) == (-1, [("撤销", "支部戊")])
    assert changed(client, page_of(client).context["table"].total.week_url)[0] == 0
    words = client.get(south.week_url).context["numbers"]
    assert [(word, number) for word, number, _url in words] == [("成立", 3), ("撤销", 2)]
    assert [len(client.get(url).context["rows"]) for _word, _number, url in words] == [3, 2]


def test_one_click_says_who_grew_most(client: Client, here: Bureau) -> None:
    assert list(weeks(page_of(client)))[:2] == ["南站", "北站"], "the official order"
    make_organization(here.north, established_on=date(2020, 2, 19))
    for _ in range(3):
        make_organization(here.north, established_on=date(2020, 2, 20))
    page = page_of(client)
    assert list(weeks(page))[:2] == ["南站", "北站"]
    ways = [
        unescape(way) for way in re.findall(r'<a class="sort"\s+href="([^"]*sort=-week[^"]*)"', page.text)
    ]
    assert len(ways) == 1, "the head of the column sorts the largest first"
    assert list(weeks(client.get(ways[0])).items())[:2] == [("北站", 3), ("南站", 1)]


def test_transfers_and_moves_of_units_are_part_of_the_change(client: Client, here: Bureau) -> None:
    here.transfer(make_organization(here.south, name="转", established_on=date(2020, 1, 20)), here.north, 18)
    new = make_organization(here.south, name="新", established_on=date(2020, 2, 15))
    here.transfer(new, here.north, 17)  # founded within the week: counted as founded where it stands
    south, north = page_of(client).context["table"].rows
    assert (south.week, north.week) == (0, 1)
    assert changed(client, south.week_url)[0] == 0
    growth, events = changed(client, north.week_url)
    assert growth == 1
    assert events == [("撤销", "支部戊"), ("转入", "转"), ("转入", "新"), ("成立", "新")]

    away = make_unit("away", here.top, name="县公安局")
    units.move_unit(
        actor=ACTOR,
        unit=Unit.objects.get(pk=here.north.pk),
        superior=Unit.objects.get(pk=away.pk),
        on=date(2020, 2, 19),
        reason="划转",
    )
    county = next(row for row in page_of(client, "top").context["table"].rows if row.unit.code == "away")
    assert county.week == 2, "what stands at 北站 came with it"
    table = client.get(county.week_url).context["table"]
    assert (table.growth, table.net, table.moved_with_units) == (2, 1, 1)


def test_a_period_has_no_change_over_seven_days(client: Client, here: Bureau) -> None:
    page = page_of(client, basis="new", since="2020-02-01")
    assert set(weeks(page).values()) == {None}
    assert "sort=-week" not in page.text
    cumulative = page_of(client, basis="cumulative")
    assert weeks(cumulative) == {"南站": 3, "北站": 0, "本单位": 0, "合计": 3}


def test_a_line_that_did_not_move_has_no_sparkline(client: Client, here: Bureau) -> None:
    make_unit("still", here.bureau, name="静站", kind="station")
    below = page_of(client).text.split('id="below"')[1].split("</table>")[0]
    assert below.count('<svg class="spark"') == 3, "南站, 北站 and the total"


# --- By day ---------------------------------------------------------------------------------------


def test_changes_are_said_by_day_and_by_what_happened(client: Client, here: Bureau) -> None:
    page = page_of(client)
    said = [
        (day.day.day, day.said, [(line.word, line.label, line.place) for line in lines])
        for day, _url, lines, _more in page.context["recent"]
    ]
    assert said == [
        (
            20,
            "成立 3 · 撤销 1",
            [("成立", "临时党支部 2 个", "南站"), ("成立", "岗", "南站"), ("撤销", "支部戊", "北站")],
        ),
        (16, "撤销 1", [("撤销", "支部甲", "南站")]),
        (14, "成立 1 · 撤销 1", [("成立", "支部甲", "南站")]),
    ]
    assert page.context["week"][0][:2] == ("成立", 3)
    assert page.context["week"][1][:2] == ("撤销", 3)


def test_each_of_them_opens_its_list(client: Client, here: Bureau) -> None:
    page = page_of(client)
    for _word, number, url in page.context["week"]:
        assert client.get(url).context["page_obj"].paginator.count == number
    for day, day_url, lines, _more in page.context["recent"]:
        assert len(client.get(day_url).context["rows"]) == sum(day.numbers.values())
        for line, change in zip(lines, day.changes, strict=False):  # the last day is cut
            opened = client.get(line.url)
            if change.number == 1:
                assert opened.context["organization"].name == line.label
            else:
                assert opened.context["page_obj"].paginator.count == change.number
    everything = client.get(page.context["recent_url"]).context["page_obj"].paginator.count
    assert everything == 9, "five days, of which the card shows the newest"


def test_a_day_with_too_much_says_how_much_more(client: Client, here: Bureau, monkeypatch: Any) -> None:
    monkeypatch.setattr("registry.pages.units.recent.LINES_SHOWN", 1)
    ((day, url, lines, more),) = page_of(client).context["recent"]
    assert (day.said, [line.label for line in lines], more) == ("成立 3 · 撤销 1", ["临时党支部 2 个"], 2)
    assert "另有 2 件" in page_of(client).text
    assert len(client.get(url).context["rows"]) == 4


def test_several_transfers_of_a_day_open_their_list(client: Client, here: Bureau) -> None:
    for name in ("转一", "转二"):
        made = make_organization(here.south, name=name, established_on=date(2020, 1, 20))
        here.transfer(made, here.bureau, 18)
    day, _url, lines, _more = page_of(client).context["recent"][1]
    assert (day.said, lines[0].label) == ("转隶 2", "2 个组织")
    assert [word for word, _name in changed(client, lines[0].url)[1]] == ["转隶", "转隶"]


# --- A quiet day ----------------------------------------------------------------------------------


def test_a_quiet_day_says_so_with_the_way_to_the_days_around_it(client: Client, here: Bureau) -> None:
    page = page_of(client, as_of="2020-02-15")
    assert banner(page) == "2020年2月15日没有变动上一次有变动:2月14日(成立1·撤销1);下一次:2月16日。"
    assert 'href="/units/bureau/?as_of=2020-02-14"' in page.text
    assert 'href="/units/bureau/?as_of=2020-02-16"' in page.text
    assert banner(page_of(client, as_of="2020-02-14")) == ""
    assert banner(page_of(client, as_of="2020-02-15", basis="new")) == "", "a period is no day"


def test_long_after_the_last_change_and_before_the_first(client: Client, here: Bureau) -> None:
    quiet = page_of(client, as_of="2020-07-10")
    assert banner(quiet) == "2020年7月10日没有变动上一次有变动:2月20日。"
    assert '<svg class="spark"' not in quiet.text
    assert "最近一次变动" not in quiet.text, "said once"
    early = page_of(client, as_of="2020-01-03")
    assert banner(early) == "2020年1月3日没有变动此前也没有;第一次有变动:2月1日。"
    assert 'href="/units/bureau/?as_of=2020-02-01"' in early.text
    today = timezone.localdate()
    last = banner(page_of(client, as_of=today.isoformat()))
    assert last == f"{today.month}月{today.day}日没有变动上一次有变动:2020年2月20日。"


def test_a_day_on_which_only_people_moved_is_not_quiet(client: Client, here: Bureau) -> None:
    person = make_person(unit=here.south)
    placed = assign(here.founded[1], person, started_on=date(2020, 2, 25))
    assert banner(page_of(client, as_of="2020-02-25")) == ""
    assert "没有变动" in banner(page_of(client, as_of="2020-02-26"))
    assignments.end_assignment(actor=ACTOR, assignment=placed, on=date(2020, 2, 27))
    assert banner(page_of(client, as_of="2020-02-27")) == ""


def test_the_page_of_a_campaign_that_is_over_says_on_which_day_it_stands(
    client: Client, here: Bureau
) -> None:
    make_campaign(ended_on=date(2020, 4, 9))
    page = client.get("/units/bureau/", {"campaign": "yiqing"})
    assert page.context["question"].as_of == date(2020, 4, 8)
    assert banner(page).startswith("任务已结束“疫情防控”自2020-04-09起结束,以下是最后一日。查看今天")
    later = client.get("/units/bureau/", {"campaign": "yiqing", "as_of": "2020-05-01"})
    assert "最后一日是4月8日。" in banner(later)
    assert 'href="/units/bureau/?campaign=yiqing"' in later.text


# --- The list of changes --------------------------------------------------------------------------


def test_the_list_without_a_period_is_of_seven_days(client: Client, here: Bureau) -> None:
    listed = client.get("/units/bureau/changes/", {"as_of": DAY})
    assert (listed.context["table"].question.first_day, len(listed.context["rows"])) == (
        date(2020, 2, 14),
        7,
    )
    assert ("basis", "new") in listed.context["others"], "a first day that is chosen is then kept"
    quiet = client.get("/units/bureau/changes/", {"as_of": "2020-05-01"})
    assert "这段时间没有组织成立、撤销或转隶。" in quiet.text


def test_it_asks_the_same_queries_for_one_change_and_for_many(client: Client, here: Bureau) -> None:
    def cost(day: str) -> int:
        asked = {"basis": "new", "since": day, "as_of": DAY}
        return queries_again(lambda: client.get("/units/bureau/changes/", asked))

    assert cost("2020-02-16") == cost("2020-02-01")


@pytest.mark.parametrize("code", ["top", "bureau", "south"])
@pytest.mark.parametrize("day", ["2020-02-14", "2020-02-20", "2020-02-21", "2020-02-25", "2020-03-10"])
def test_a_large_unit_shows_of_seven_days_what_others_show_of_thirty(
    here: Bureau, client: Client, monkeypatch: pytest.MonkeyPatch, day: str, code: str
) -> None:
    """Where the last seven days fill the card, nothing older is read, and nothing on the page is another.

    The numbers of the whole tree come from the totals, and those of a unit where nothing came to it or left
    it: on the 21st an organization leaves the station, on the 25th another station comes to the bureau. Only
    what is named is read.
    """
    here.transfer(here.founded[1], here.bureau, 21)
    other = make_unit("east", here.top, name="东站", kind="station")
    make_organization(other, name="支部己", established_on=date(2020, 2, 19))
    units.move_unit(actor=ACTOR, unit=other, superior=here.bureau, on=date(2020, 2, 25), reason="测试")

    def shown(large: int, enough: int) -> list[Any]:
        monkeypatch.setattr("registry.pages.units.events.LARGE", large)
        monkeypatch.setattr("registry.pages.units.recent.LINES_SHOWN", enough)
        monkeypatch.setattr("registry.pages.units.views.LINES_SHOWN", enough)
        context = client.get(f"/units/{code}/", {"as_of": day}).context
        said = [(day.day, day.numbers, *others) for day, *others in context["recent"]]
        return [said, context["week"], context["notices"]]

    for enough in (1, 2, 5):
        assert shown(0, enough) == shown(10**9, enough)
