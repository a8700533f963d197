"""Placing people through the pages: pasted lines, the roster, who is of another unit, and who sees it."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry import access
from registry.models import Assignment, Person
from registry.pages.people.pasting import UNCLEAR, read
from registry.rules.borrowing import ELSEWHERE, NOBODY, UNNAMED, WRONG
from registry.web.lists import Length
from tests.factories import assign, make_person, make_user
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

ADD = "/organizations/branch/members/add/"
REGISTER = "/units/left/register/"
CHECK = {"check": "1"}


def build_world() -> World:
    """The world of all tests, with 周五 of the right bureau, of whom the left one knows nothing."""
    made = World()
    made.stranger = make_person("周五", made.right, number="001005", title="教导员", phone="13800000005")
    made.own = make_person("吴六", made.station, number="001006")
    return made


@pytest.fixture
def clerk(world: World, client: Client) -> Client:
    client.force_login(make_user("clerk", world.left, "clerk"))
    return client


def chips(response) -> list[tuple[str, str, str]]:
    """Name, note and role of each row of the people chosen."""
    page = response.content.decode()
    box = page[page.index('id="placing"') :].partition("<template>")[0]
    found = re.findall(
        r'pick-label">(.*?)</span>\s*<small>(.*?)</small>.*?<option value="(\w+)" selected', box, re.S
    )
    return [(name.strip(), note.strip(), role) for name, note, role in found]


def left(response) -> str:
    """What stays in the box of pasted lines."""
    return str(response.context["form"]["numbers"].value())


# --- Pasted lines ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    ["001006", "吴六", "001006 吴六", "吴六\t001006", "吴六,001006", "1\t吴六\t001006", "吴 六 001006"],
)
def test_a_line_is_a_number_or_a_name_or_both_in_any_order(world: World, line: str) -> None:
    pasted = read(make_user(unit=world.left, role="clerk"), line, {})
    assert [person.name for person in pasted.people.values()] == ["吴六"]
    assert pasted.text == ""


def test_several_on_a_line_and_headers_as_they_come_from_a_sheet(world: World) -> None:
    text = "序号\t警号\t姓名\n001006 001002,001006\n赵一 001001 钱二 001002\n\n"
    pasted = read(make_user(unit=world.left, role="clerk"), text, {})
    assert sorted(person.name for person in pasted.people.values()) == ["吴六", "赵一", "钱二"]


def test_why_nobody_is_found(world: World) -> None:
    text = "001005\n周五\n周六 001005\n001006 周五\n001006 吴六 左派出所\n999999 无名"
    assert read(make_user(unit=world.left, role="clerk"), text, {}).left == {
        "001005": UNNAMED,
        "周五": NOBODY,
        "周六 001005": WRONG,
        "001006 周五": "该警号登记的姓名是“吴六”,请核对警号和姓名。",
        "001006 吴六 左派出所": UNCLEAR,
        "999999 无名": WRONG,
    }


def test_a_reason_that_several_lines_have_is_said_once(world: World, clerk: Client) -> None:
    text = "001005\n001009\n周五\n001006 周五\n001001 钱二"
    response = clerk.post(ADD, {**CHECK, "numbers": text, "started_on": "2020-02-10"})
    assert sorted(response.context["form"].errors["numbers"]) == [
        f"2 行:{UNNAMED}(001005、001009)",
        "2 行:该警号登记的姓名是“…”,请核对警号和姓名。(001006 周五、001001 钱二)",
        f"周五:{NOBODY}",
    ]
    assert left(response).splitlines() == text.splitlines()  # no line is lost


def test_reading_many_lines_asks_as_much_as_reading_one(world: World) -> None:
    user = make_user(unit=world.left, role="clerk")
    access.top_units(user)
    numbers = []
    for text in (
        "001006 吴六\n001005 周五\n钱二",
        "001006 吴六\n001005 周五\n钱二\n001001\n赵一\n李四 001004\n孙三",
    ):
        with CaptureQueriesContext(connection) as queries:
            read(user, text, {})
        numbers.append(len(queries))
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize(("url", "starts"), [(ADD, "started_on"), (REGISTER, "established_on")])
def test_pasted_lines_become_rows_before_saving(world: World, clerk: Client, url: str, starts: str) -> None:
    sent = {
        **CHECK,
        "numbers": "吴六 001006\n周五,001005\n001009 无名",
        starts: "2020-02-10",
        "name": "我写的",
    }
    response = clerk.post(url, sent)
    assert chips(response) == [
        ("吴六", "001006 · 正式党员 · 左派出所", "member"),
        ("周五", "借调 · •••• · 正式党员 · 右局", "member"),
    ]
    assert left(response) == "001009 无名"
    assert response.context["form"].errors == {"numbers": [f"001009 无名:{WRONG}"]}
    page = response.content.decode()
    assert "教导员" not in page
    assert "13800000005" not in page
    assert not Assignment.objects.filter(person__name="吴六").exists()
    # What is chosen stays chosen, with its role, when more is pasted.
    rows = re.findall(r'name="members" value="(.+?)"', page)
    again = clerk.post(
        url,
        {
            **sent,
            "members": rows,
            "members_role": ["secretary", "member"],
            "numbers": "001006\n钱二\n周五 001005",
        },
    )
    assert [(name, role) for name, _, role in chips(again)] == [
        ("吴六", "secretary"),
        ("周五", "member"),
        ("钱二", "member"),
    ]
    assert left(again) == ""


def test_namesakes_pasted_by_name_are_asked_which(world: World, clerk: Client) -> None:
    other = make_person("吴六", world.left, number="001007", political_status="masses")
    response = clerk.post(ADD, {**CHECK, "numbers": "吴六"})
    assert response.context["form"].errors == {"numbers": ["吴六:有 2 人同名,请选一人。"]}
    assert response.context["form"].namesakes() == [
        (
            "吴六",
            [
                (world.own.key, "001006 · 正式党员 · 左派出所"),
                (other.key, "001007 · 群众 · 左局"),
            ],
        )
    ]
    assert f'name="which:吴六" value="{other.key}"' in " ".join(response.content.decode().split())
    chosen = clerk.post(ADD, {**CHECK, "numbers": "吴六", "which:吴六": other.key})
    assert [note for _, note, _ in chips(chosen)] == ["001007 · 群众 · 左局"]
    forged = clerk.post(ADD, {**CHECK, "numbers": "吴六", "which:吴六": world.stranger.key})
    assert chips(forged) == []


def test_saving_places_own_and_borrowed_people_alike(world: World, clerk: Client) -> None:
    sent = {"numbers": "吴六\n周五 001005", "started_on": "2020-02-10", "ended_on": ""}
    assert clerk.post(ADD, sent).status_code == 302
    placed = Assignment.objects.filter(organization=world.branch, started_on="2020-02-10")
    assert sorted(placed.values_list("person__name", "role")) == [("吴六", "member"), ("周五", "member")]
    founding = {
        "kind": "commando_team", "name": "新突击队", "established_on": "2020-02-10", "parent": "branch",
        "secretary": world.own.key, "members": ["001005 周五"], "members_role": ["deputy_leader"],
    }  # fmt: skip
    answer = clerk.post(REGISTER, founding)
    assert answer.status_code == 302, answer.context["form"].errors
    rows = Assignment.objects.filter(organization__name="新突击队").values_list("person__name", "role")
    assert sorted(rows) == [("吴六", "leader"), ("周五", "deputy_leader")]


@pytest.mark.parametrize("key", ["001005", "001005 周六", "999999 周六", "周五", "001005 "])
def test_a_forged_row_of_somebody_elsewhere_needs_number_and_name(
    world: World, clerk: Client, key: str
) -> None:
    for forged in (key, world.stranger.key):
        response = clerk.post(ADD, {"members": [forged], "started_on": "2020-02-10"})
        assert list(response.context["form"].errors) == ["members"]
        assert "右局" not in response.content.decode()
    assert not world.stranger.assignments.exists()


def test_the_borrower_sees_of_a_borrowed_person_what_the_member_table_shows(
    world: World, clerk: Client
) -> None:
    assert "周五" not in clerk.get("/people/", {"q": "001005"}).content.decode()
    assert "周五" not in clerk.get("/search/", {"q": "001005"}).content.decode()
    assert "周五" not in clerk.get("/pick/people/", {"q": "001005"}).content.decode()
    clerk.post(ADD, {"numbers": "周五 001005", "started_on": "2020-02-10"})
    page = clerk.get("/organizations/branch/").content.decode()
    assert "周五" in page
    assert access.masked("001005") in page
    assert "001005" not in page
    assert (
        "周五" not in clerk.get("/people/?q=001005").content.decode()
    )  # who knows it, knows it from elsewhere
    for address in (f"/people/{world.stranger.key}/", "/people/?assigned=yes", "/people/?q=周五"):
        page = clerk.get(address).content.decode()
        assert "周五" in page
        assert "13800000005" not in page
        assert "教导员" not in page


# --- The roster -----------------------------------------------------------------------------------


def test_the_roster_shows_the_own_unit_to_tick_from(world: World, clerk: Client) -> None:
    form = clerk.get(ADD).context["form"]
    assert [(row.person.name, row.number, row.placed, row.is_chosen) for row in form.roster] == [
        ("赵一", "001001", ["左局临时党支部 书记", "=先锋岗 成员", "左突击队 成员"], False),
        ("钱二", "001002", ["左局临时党支部 成员", "临时小组 成员"], False),
        ("吴六", "001006", [], False),
    ]
    response = clerk.post(ADD, {**CHECK, "ticked": [world.own.key], "started_on": "2020-02-10"})
    assert [name for name, _, _ in chips(response)] == ["吴六"]
    assert [row.is_chosen for row in response.context["form"].roster] == [False, False, True]
    clerk.post(ADD, {"ticked": [world.own.key], "started_on": "2020-02-10"})  # without looking first
    assert world.own.assignments.count() == 1


def test_the_roster_is_filtered_and_paged(world: World, clerk: Client, monkeypatch) -> None:
    form = clerk.post(ADD, {**CHECK, "roster_q": "wuliu"}).context["form"]
    assert [row.person.name for row in form.roster] == ["吴六"]
    monkeypatch.setattr("registry.pages.people.placing.ROSTER_SHOWN", 2)
    response = clerk.post(ADD, {"roster_page": "2", "numbers": "钱二"})  # a page turned saves nothing
    assert [row.person.name for row in response.context["form"].roster] == ["吴六"]
    assert [name for name, _, _ in chips(response)] == ["钱二"]


def test_a_long_roster_asks_as_much_as_a_short_one(world: World, clerk: Client) -> None:
    numbers = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            clerk.get(ADD)
        numbers.append(len(queries))
        for name in ("甲", "乙", "丙"):
            assign(world.general, make_person(name, world.station))
    assert numbers[0] == numbers[1]


# --- One person, by number and name ---------------------------------------------------------------


def test_a_person_is_borrowed_on_a_page_of_its_own(world: World, clerk: Client) -> None:
    sent = {
        "number": "001005", "name": "周五", "organization": "branch", "role": "member",
        "started_on": "2020-02-10", "document_number": "借1号",
    }  # fmt: skip
    for wrong in ({"name": "周六"}, {"number": "999999"}):
        response = clerk.post(reverse("person_borrow"), {**sent, **wrong})
        assert response.context["form"].errors == {"number": [WRONG]}
    response = clerk.post(reverse("person_borrow"), sent, follow=True)
    assert "已将 周五 借调编入 左局临时党支部,任成员。" in response.content.decode()
    assert world.stranger.assignments.get().document_number == "借1号"


def test_somebody_registered_elsewhere_is_not_entered_again(world: World, clerk: Client) -> None:
    facts = {"name": "周五", "number": "001005", "category": "officer", "political_status": "masses"}
    response = clerk.post("/units/left/people/add/", facts)
    assert ELSEWHERE in response.context["form"].errors["number"][0]
    page = response.content.decode()
    assert f'<a href="/borrow/?number=001005&amp;name={"%E5%91%A8%E4%BA%94"}">借调编入</a>' in page
    assert "右局" not in page
    form = clerk.get("/borrow/?number=001005&name=周五").context["form"]
    assert (form["number"].value(), form["name"].value()) == ("001005", "周五")
    assert Person.objects.filter(number="001005").count() == 1


# --- What the home unit sees ----------------------------------------------------------------------


def test_the_home_unit_sees_who_is_placed_elsewhere_the_newest_first(
    world: World, clerk: Client, client: Client
) -> None:
    clerk.post(ADD, {"numbers": "周五 001005", "started_on": "2020-02-10"})
    client.force_login(make_user(unit=world.right))
    page = " ".join(client.get("/units/right/").content.decode().split())
    assert "被借调人员" in page
    card = page[page.index('id="lent"') : page.index("单位信息")]
    assert re.findall(r"(\S+) → (\S+)", card) == [("右局", "左局临时党支部"), ("右局", "左突击队")]
    assert "左公安局 · 成员 · clerk登记" in card
    assert 'href="/organizations/branch/' not in card  # named, but not open
    rows = client.get("/lent/").context["rows"]
    assert [(row.assignment.person.name, row.by, row.is_new) for row in rows] == [
        ("周五", "clerk", True),
        ("孙三", "测试", True),
    ]
    assert "001005" in client.get("/lent/", {"q": "001005"}).content.decode()
    assert len(client.get("/lent/", {"q": "左突击队"}).context["rows"]) == 1
    # Only who is placed outside, on the day; at the top nothing is outside.
    assert [row.assignment.person.name for row in client.get("/lent/?as_of=2020-02-05").context["rows"]] == [
        "李四",
        "孙三",
    ]
    client.force_login(make_user(unit=world.top))
    assert list(client.get("/lent/").context["rows"]) == []
    assert 'id="lent"' not in client.get("/units/top/").content.decode()


@pytest.mark.both
def test_the_card_shows_the_newest_of_all_who_are_lent_and_says_how_many(
    world: World, client: Client
) -> None:
    for name in ("甲", "乙", "丙", "丁", "戊"):
        assign(world.branch, make_person(name, world.right))
    assign(world.branch, make_person("己", world.right), ended_on=date(2020, 2, 10))  # until before the day
    client.force_login(make_user(unit=world.right))
    context = client.get("/units/right/").context
    assert [row.assignment.person.name for row in context["lent"]] == ["戊", "丁", "丙", "乙", "甲"]
    assert context["lent_number"] == Length(6)  # with 孙三 of the left commando team
    assert len(client.get("/lent/?unit=right").context["rows"]) == 6


def test_the_list_asks_as_much_for_three_as_for_one(world: World, client: Client) -> None:
    client.force_login(make_user(unit=world.right))
    numbers = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get("/lent/")
        numbers.append(len(queries))
        for name in ("甲", "乙"):
            assign(world.branch, make_person(name, world.right))
    assert numbers[0] == numbers[1]
