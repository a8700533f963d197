"""The pages of a closing: its consequences with their lists, the act, what the campaign's page says then."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from registry.audit import Actor
from registry.closings import background, operations
from registry.closings.models import Closing
from registry.models import Campaign, Organization
from registry.operations import organizations
from registry.operations.submitting import or_submit
from registry.rules.campaigns import Due
from tests.factories import logged_in, make_organization, make_user
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.look]
CLOSE = "/campaigns/yiqing/close/"
ON = {"on": "2020-03-01"}
SENT = {**ON, "document_number": "厅党〔2020〕31号", "reason": "响应终止"}


UNHEADED = Due(
    slug="unheaded",
    label="没有书记",
    measure="个",
    blocks=True,
    how="请先任命。",
    rows=lambda campaign, organizations: organizations.exclude(assignments__role="secretary"),
    unit_path="unit",
    url=lambda campaign: "/organizations/",
)
"""What another capability may hand up."""


def build_world() -> World:
    """The small country, whose campaign the department leads."""
    world = World()
    Campaign.objects.update(lead_unit=world.top)
    return world


def send(client: Client) -> Any:
    """Look at the consequences, and do it."""
    planned = client.get(CLOSE, ON).context["form"]["planned"].value()
    return client.post(CLOSE, {**SENT, "planned": planned}, follow=True)


def listed(client: Client, url: str) -> int:
    return client.get(url).context["page_obj"].paginator.count


def test_each_number_of_the_preview_is_the_length_of_its_list(world: World) -> None:
    make_organization(world.left, name="草稿支部", campaign=world.campaign, state="draft")
    client = logged_in(world.top)
    page = client.get(CLOSE, ON).context
    figures = {each.label: (each.number, each.url) for each in page["figures"]}
    assert {label: number for label, (number, _url) in figures.items()} == {
        "撤销党组织": 2,
        "撤销先锋岗、先锋队、突击队、专班等": 1,
        "结束编入": 4,
        "在本任务中服务过的人员": 3,
        "他们的组织关系所在支部": 1,
        "待审批的组织": 1,
    }
    for label, (number, url) in figures.items():
        assert not url or listed(client, url) == number, label
    (line,) = page["lines"]
    said = [number for number, *_ in line.numbers[:4]]  # then come those of other capabilities
    assert (line.name, said, line.pending) == ("左局", [2, 1, 4, 2], 1)
    for number, url, _css in line.numbers[:3]:
        assert listed(client, url) == number
    assert listed(client, line.pending_url) == 1


def test_what_is_pending_is_returned_in_one_act_then_it_is_closed(world: World) -> None:
    for state in ("draft", "submitted"):
        make_organization(world.left, code=state, name=f"{state}号", campaign=world.campaign, state=state)
    client = logged_in(world.top)
    page = client.get(CLOSE, ON)
    assert page.context["obstacles"] == ["待审批的组织还有 2 个,请先批准或退回。"]
    assert 'id="act"' not in page.content.decode()
    back = page.context["return_url"]
    sent = {**ON, "reason": "任务结束", "planned": client.get(back).context["form"]["planned"].value()}
    answer = client.post(back, sent, follow=True)
    assert "已退回 1 件待审批的事项,撤回 1 件" in answer.content.decode()
    states = dict(Organization.objects.filter(code__in=("draft", "submitted")).values_list("code", "state"))
    assert states == {"draft": "withdrawn", "submitted": "returned"}
    done = send(client).content.decode()
    assert "“疫情防控”自 2020-03-01 起结束:撤销组织 3 个,结束编入 4 人次" in done
    assert "厅党〔2020〕31号" in done


def test_the_changes_that_wait_have_their_list_and_their_way_back(world: World) -> None:
    clerk = Actor(make_user("clerk", world.top, "clerk"), "录入员")
    given = {"organization": world.branch, "on": date(2020, 2, 20), "reason": "提前撤销"}
    or_submit(organizations.dissolve_organization, actor=clerk, **given)
    client = logged_in(world.top)
    page = client.get(CLOSE, ON)
    (waits,) = page.context["waiting"]
    assert (waits.label, waits.number, listed(client, waits.url)) == ("待审批的变更", 1, 1)
    assert "先办 1 项待审批的变更" in " ".join(page.content.decode().split())
    at = [head for head, _css in page.context["heads"]].index("待审批的变更")
    assert [line.numbers[at][0] for line in page.context["lines"]] == [1]
    assert listed(client, waits.url.replace("of=yiqing", "of=")) == 1
    said = client.get(page.context["return_url"]).context["sentences"][0]
    assert said.startswith("“疫情防控”中待审批的变更 1 项全部退回")


def test_the_campaigns_page_says_what_was_ended_and_the_way_back(world: World) -> None:
    client = logged_in(world.top)
    send(client)
    page = client.get("/campaigns/yiqing/")
    panel = page.context["closing_panel"]
    assert [(each.label, each.number) for each in panel.figures[:3]] == [
        ("已撤销党组织", 2),
        ("已撤销先锋岗、先锋队、突击队、专班等", 1),
        ("已结束编入", 4),
    ]
    for figure in panel.figures:
        assert not figure.url or listed(client, figure.url) == figure.number, figure.label
    assert "24:00 前可以整体恢复" in page.content.decode()
    # Who works at the station sees what was ended there, and no way back.
    station = logged_in(world.station).get("/campaigns/yiqing/").context["closing_panel"]
    assert ([each.number for each in station.figures[:3]], station.reopen_url) == ([1, 1, 2], "")
    url = panel.reopen_url
    assert "和结束之前一样" in client.get(url).context["sentences"][0]
    planned = client.get(url).context["form"]
    assert planned is not None
    back = client.post(url, {"reason": "误结束"}, follow=True).content.decode()
    assert "已恢复“疫情防控”:组织 3 个、编入 4 人次都和结束之前一样" in back
    assert not Organization.objects.filter(dissolved_on="2020-03-01").exists()
    assert "整体恢复:误结束" in client.get("/campaigns/yiqing/").content.decode()


def test_after_the_next_day_the_page_says_the_ordinary_ways(world: World) -> None:
    client = logged_in(world.top)
    send(client)
    Closing.objects.update(closed_at="2020-03-01T00:00:00Z")
    page = client.get("/campaigns/yiqing/")
    assert "整体恢复的期限(3月2日 24:00)已过" in page.content.decode()
    assert [each["label"] for each in page.context["actions"]] == ["打印", "修改", "恢复任务…"]
    assert page.context["actions"][2]["url"].startswith("/campaigns/yiqing/reopen/")
    refused = client.post("/campaigns/yiqing/close/reopen/", {"reason": "误结束"})
    assert "整体恢复的期限已过" in refused.content.decode()


def test_a_large_one_shows_how_far_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "LARGE", 0)
    client = logged_in(world.top)
    answer = send(client).content.decode()
    assert "由后台办理" in answer
    assert 'hx-get="/campaigns/yiqing/close/progress/"' in answer
    assert client.get(CLOSE).url == "/campaigns/yiqing/"
    waits = client.get("/campaigns/yiqing/close/progress/")
    assert ("HX-Refresh" in waits.headers, "0 / 3 个组织" in waits.content.decode()) == (False, True)
    background.carry(Closing.objects.get().pk)
    assert client.get("/campaigns/yiqing/close/progress/").headers["HX-Refresh"] == "true"
    assert "任务收尾" in client.get("/campaigns/yiqing/").content.decode()


def test_what_another_capability_says_is_owed_stands_in_the_table_and_blocks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    closings = apps.get_app_config("closings")
    monkeypatch.setattr(closings, "campaign_dues", ("tests.closings.test_pages.UNHEADED",), raising=False)
    page = logged_in(world.top).get(CLOSE, ON).context
    at = [head for head, _css in page["heads"]].index("没有书记")
    assert page["lines"][0].numbers[at][:2] == (2, "/organizations/")
    assert "没有书记 2 个,请先任命。" in page["obstacles"]


def test_a_day_before_what_was_founded_is_refused_with_the_reason(world: World) -> None:
    client = logged_in(world.top)
    page = client.get(CLOSE, {"on": "2020-02-01"}).context
    assert page["obstacles"][0].startswith("本任务的组织最晚在 2020-02-01 成立")
    answer = client.post(CLOSE, {**SENT, "on": "2020-02-01", "planned": "x"})
    assert (answer.status_code, Closing.objects.count()) == (200, 0)
    assert "厅党〔2020〕31号" in answer.content.decode()  # what was filled in is there
