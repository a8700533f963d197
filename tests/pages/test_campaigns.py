"""Pages of campaigns: the list, one with what belongs to it, start, edit, end, take back the end."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.models import AuditEntry, Campaign
from registry.operations import campaigns
from tests.factories import (
    ACTOR,
    assign,
    logged_in,
    make_campaign,
    make_organization,
    make_person,
    make_unit,
    make_user,
)
from tests.world import World

pytestmark = pytest.mark.look
LIST, START = "/campaigns/", "/start-campaign/"
FEBRUARY = {"as_of": "2020-02-20"}


def build_world() -> World:
    """The small country, whose campaign the department leads."""
    world = World()
    Campaign.objects.update(lead_unit=world.top)
    world.campaign.refresh_from_db()
    return world


def page(client: Client, code: str = "yiqing", **query: str) -> Any:
    response = client.get(f"/campaigns/{code}/", {**FEBRUARY, **query})
    assert response.status_code == 200
    return response


def names(client: Client, **query: str) -> list[str]:
    return [row.campaign.name for row in client.get(LIST, query).context["rows"]]


def end(campaign: Campaign, on: date = date(2020, 3, 1)) -> Campaign:
    return campaigns.end_campaign(actor=ACTOR, campaign=campaign, on=on, reason="响应终止")


# The list


def test_the_list_holds_what_units_above_and_below_lead(world: World) -> None:
    make_campaign("left", name="左局专项", lead_unit=world.left, started_on=date(2020, 2, 2))
    make_campaign("right", name="右局专项", lead_unit=world.right, started_on=date(2020, 2, 3))
    make_campaign("anyone", name="无牵头", started_on=date(2020, 2, 4))
    assert names(logged_in(world.top)) == ["无牵头", "右局专项", "左局专项", "疫情防控"]
    assert names(logged_in(world.left)) == ["无牵头", "左局专项", "疫情防控"]
    assert names(logged_in(world.station, "viewer")) == ["无牵头", "左局专项", "疫情防控"]
    client = logged_in(world.left)
    assert client.get("/campaigns/right/").status_code == 404
    # So does the bar, and what the address asks for.
    bar = client.get(LIST, {"campaign": "right"})
    assert "右局专项" not in bar.content.decode()
    assert "没有代码为“right”的专项任务" in bar.content.decode()


def test_the_list_says_what_stands_and_what_is_over(world: World) -> None:
    client = logged_in(world.top)
    end(make_campaign("over", name="旧专项", lead_unit=world.left))
    rows = {row.campaign.code: row for row in client.get(LIST, FEBRUARY).context["rows"]}
    assert [(row.state, row.number) for row in (rows["yiqing"], rows["over"])] == [
        ("进行中", 1),
        ("进行中", 0),
    ]
    assert rows["yiqing"].organizations_url == "/organizations/?campaign=yiqing&as_of=2020-02-20"
    rows = {row.campaign.code: row for row in client.get(LIST).context["rows"]}
    assert [(row.state, row.tone) for row in (rows["yiqing"], rows["over"])] == [
        ("进行中", "ok"),
        ("已结束", "plain"),
    ]
    assert names(client, state="over") == ["旧专项"]
    assert names(client, state="open", q="疫情") == ["疫情防控"]
    assert names(client, sort="name") == ["旧专项", "疫情防控"]


def test_an_empty_list_says_what_to_do(world: World) -> None:
    for unit in (world.branch, world.commando):
        type(unit).objects.update(campaign=None)
    Campaign.objects.all().delete()
    assert (
        "还没有专项任务,由管理员在牵头单位启动" in logged_in(world.left, "viewer").get(LIST).content.decode()
    )
    said = logged_in(world.left).get(LIST).content.decode()
    assert "启动以后,登记组织时可以选用它" in said
    assert f'href="{START}"' in said


def test_it_asks_as_much_for_three_as_for_one(world: World) -> None:
    client = logged_in(world.top)
    for url in (LIST, "/campaigns/yiqing/"):
        client.get(url, FEBRUARY)
        with CaptureQueriesContext(connection) as one:
            client.get(url, FEBRUARY)
        for code in (f"a{len(url)}", f"b{len(url)}"):
            other = make_campaign(code, lead_unit=make_unit(superior=world.top))
            make_organization(world.right, campaign=other)
            branch = make_organization(make_unit(superior=world.top), campaign=world.campaign)
            assign(branch, make_person(unit=world.left))
        with CaptureQueriesContext(connection) as three:
            client.get(url, FEBRUARY)
        assert len(three) == len(one), url


# A campaign's page


def test_the_page_counts_by_unit_and_by_kind_and_leads_to_the_rows(world: World) -> None:
    make_organization(world.right, "commando_team", name="右突击队", campaign=world.campaign)
    make_organization(world.left, name="待批支部", campaign=world.campaign, state="submitted")
    client = logged_in(world.top)
    context = page(client).context
    kinds = {line.label: line for line in context["standing"].kinds}
    assert {label: (line.now, line.ever, line.pending) for label, line in kinds.items()} == {
        "临时党支部": (1, 1, 1),
        "临时党组织": (1, 1, 1),
        "突击队": (1, 1, 0),
        "先锋队和突击队": (1, 1, 0),
        "一线人员": (2, 3, 0),
        "一线编入": (2, 3, 0),
        "一线党员": (1, 2, 0),
        "一线辅警": (1, 1, 0),
    }
    units = {line.name: line for line in context["standing"].units}
    assert [number for number, *_ in units["左局"].numbers] == [1, 0, 0, 0, 0, 2]
    assert [number for number, *_ in units["右局"].numbers] == [0, 0, 0, 1, 0, 0]
    assert [units["左局"].pending, units["右局"].pending] == [1, 0]
    for url, number in (
        (kinds["临时党支部"].now_url, 1),
        (kinds["临时党支部"].pending_url, 1),
        (kinds["一线人员"].now_url, 2),
        (kinds["一线人员"].ever_url, 3),
        (units["右局"].numbers[3][1], 1),
        (units["左局"].pending_url, 1),
        (context["organizations_url"], 2),
    ):
        assert client.get(url).context["page_obj"].paginator.count == number, url
    assert [(row.name, state) for row, _url, _tone, state in context["organizations"]] == [
        ("待批支部", "待审批"),
        ("右突击队", "现有"),
        ("左局临时党支部", "现有"),
    ]
    assert context["subtitle"] == "2020-01-20 启动,第 32 日"


def test_only_what_is_in_scope_is_counted_and_named(world: World) -> None:
    make_organization(world.right, "commando_team", name="右突击队", campaign=world.campaign)
    response = page(logged_in(world.right, "viewer"))
    assert [row.name for row, *_ in response.context["organizations"]] == ["右突击队"]
    assert [line.label for line in response.context["standing"].kinds] == ["突击队", "先锋队和突击队"]
    said = response.content.decode()
    assert "左局临时党支部" not in said
    assert "省公安厅" in said  # who leads it is said, without a way there
    assert 'href="/units/top/' not in said
    assert "变动记录" not in said  # who did what at a unit out of scope is not


def test_several_units_of_a_user_are_lines_of_their_own(world: World) -> None:
    user = make_user(unit=world.station)
    user.grants.create(unit=world.right, role="viewer", started_on=date(2020, 1, 1))
    make_organization(world.right, "commando_team", campaign=world.campaign)
    client = Client()
    client.force_login(user)
    # Where something is at one of them only, its own are told from those below it.
    assert [line.name for line in page(client).context["standing"].units] == ["右局本级"]
    make_organization(world.station, "commando_team", campaign=world.campaign)
    context = page(client).context
    assert sorted(line.name for line in context["standing"].units) == ["右局", "左派出所"]
    assert next((line.label, line.now) for line in context["standing"].kinds) == ("突击队", 2)


# Start


def test_a_manager_starts_one_at_the_lead_unit(world: World) -> None:
    client = logged_in(world.left)
    form = client.get(START, FEBRUARY).context["form"]
    assert (form["lead_unit"].value(), form["started_on"].value()) == (world.left, date(2020, 2, 20))
    sent = {"name": "防汛救灾", "started_on": "2020-02-20", "lead_unit": "left"}
    response = client.post(START, sent, follow=True)
    made = Campaign.objects.get(name="防汛救灾")
    assert (made.code, made.lead_unit) == ("fangxunjiuzai", world.left)
    assert response.redirect_chain == [("/campaigns/fangxunjiuzai/", 302)]
    assert "已启动“防汛救灾”" in response.content.decode()
    # The same name again is asked about once.
    again = client.post(START, sent)
    assert again.context["warnings"] == ["已有同名的专项任务“防汛救灾”,2020-02-20 启动。"]
    client.post(START, {**sent, "confirmed": again.context["confirmed"]})
    assert Campaign.objects.filter(name="防汛救灾").count() == 2
    refused = client.post(START, {**sent, "lead_unit": "right"})
    assert "没有找到单位" in str(refused.context["form"].errors["lead_unit"])
    assert logged_in(world.left, "clerk").get(START).status_code == 403


# Edit, with its record and the way back


def test_it_is_edited_and_the_edit_set_back(world: World) -> None:
    client = logged_in(world.top)
    sent = {"name": "抗疫", "started_on": "2020-01-22", "lead_unit": "top", "version": "1"}
    response = client.post("/campaigns/yiqing/edit/", sent, follow=True)
    assert "已保存“抗疫”的修改" in response.content.decode()
    said = response.content.decode()
    for words in ("任务名称:疫情防控 → 抗疫", "启动日期:2020-01-20 → 2020-01-22", "还原"):
        assert words in said
    entry = AuditEntry.objects.get(verb="edit_campaign")
    client.post(reverse("record_undo", args=[entry.pk]), {"reason": "改错了"})
    world.campaign.refresh_from_db()
    assert (world.campaign.name, world.campaign.started_on) == ("疫情防控", date(2020, 1, 20))
    stale = client.post("/campaigns/yiqing/edit/", sent)
    assert "他人已修改本记录" in stale.content.decode()
    assert stale.context["form"]["name"].value() == "抗疫"
    assert logged_in(world.left).get("/campaigns/yiqing/edit/").status_code == 403


# Taking the end back (closing it with all that stands in it: tests/closings)


def test_an_end_without_a_closing_is_taken_back(world: World) -> None:
    end(world.campaign)
    client = logged_in(world.top)
    assert "仍有 <a" in page(client, as_of="2020-03-01").content.decode()
    back = client.post("/campaigns/yiqing/reopen/", {"reason": "误结束"}, follow=True)
    assert "已恢复“疫情防控”,任务继续进行" in back.content.decode()
    world.campaign.refresh_from_db()
    assert world.campaign.ended_on is None


# Everywhere else


def test_an_ended_one_is_marked_wherever_it_is_shown_or_picked(world: World) -> None:
    end(world.campaign)
    make_campaign("next", name="防汛", lead_unit=world.top)
    client = logged_in(world.top)
    marked = "疫情防控(2020-03-01 结束)"
    bar = client.get("/people/", {"campaign": "yiqing"}).content.decode()
    assert bar.index("防汛") < bar.index(marked)  # those that go on come first
    register = client.get("/units/left/register/").context["form"]["campaign"]
    assert [label for _value, label in register.field.choices] == ["无(日常)", "防汛", marked]
    assert register.value() == "next"
    organization = client.get("/organizations/branch/").content.decode()
    assert (
        '<a href="/campaigns/yiqing/">疫情防控</a> <span class="tag plain">2020-03-01 结束</span>'
        in organization
    )
    assert f"启动{marked}" in client.get("/units/left/", {"campaign": "yiqing"}).content.decode()


def test_the_register_form_refuses_it_beside_the_field(world: World) -> None:
    end(world.campaign)
    client = logged_in(world.top)
    sent = {"kind": "branch", "name": "新支部", "code": "new", "campaign": "yiqing"}
    for day, is_refused in (("2020-02-29", False), ("2020-03-01", True)):
        url = "/units/left/register/"
        asked = client.post(url, {**sent, "established_on": day})
        confirmed = asked.context["confirmed"] if asked.context and "confirmed" in asked.context else ""
        response = client.post(url, {**sent, "established_on": day, "confirmed": confirmed})
        if is_refused:
            assert "已于 2020-03-01 结束" in str(response.context["form"].errors["campaign"])
        else:
            assert response.status_code == 302


def test_the_edit_form_of_an_organization_keeps_one_that_is_out_of_sight(world: World) -> None:
    hidden = make_campaign("hidden", name="右局专项", lead_unit=world.right)
    type(world.branch).objects.filter(pk=world.branch.pk).update(campaign=hidden)
    field = logged_in(world.left).get("/organizations/branch/edit/").context["form"]["campaign"]
    assert [label for _value, label in field.field.choices] == ["无(日常)", "右局专项", "疫情防控"]
    assert field.value() == "hidden"
