"""The pages of service records: lists, the writing of opinions, receipts, papers, and the ways to them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from registry.operations.campaigns import end_campaign
from registry.service import operations
from registry.service.certificates import certificate_of
from registry.service.models import Opinion, Receipt
from registry.service.records import records_of
from registry.service.rules import Writing
from tests.asking import queries_again
from tests.factories import ACTOR, assign, logged_in, make_people, make_person
from tests.paper import print_of
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.look]
QUERY = {"campaign": "yiqing", "as_of": "2020-03-01"}
MANY = 3


def build_world() -> World:
    """The small country; the top unit leads its campaign."""
    world = World()
    world.campaign.lead_unit = world.top
    world.campaign.save()
    return world


@pytest.fixture
def clerk(world: World) -> Client:
    return logged_in(world.left, "clerk", display_name="文书")


def get(client: Client, path: str, **query: str) -> Any:
    response = client.get(path, {**QUERY, **query})
    assert response.status_code == 200, response.status_code
    return response


def texts(**of: tuple[Any, str]) -> dict[str, str]:
    """What the page sends of each person: the text, and the version that it shows (none)."""
    return {
        key: value
        for person, text in of.values()
        for key, value in ((f"text_{person.pk}", text), (f"version_{person.pk}", ""))
    }


def send(client: Client, path: str, **data: Any) -> Any:
    return client.post(path, data, query_params=QUERY)


def write(world: World, *people: Any) -> None:
    writings = [Writing(person, "表现突出。") for person in people]
    operations.write_opinions(actor=ACTOR, organization=world.branch, writings=writings)


def sign(world: World, *people: Any) -> None:
    operations.sign_receipts(actor=ACTOR, campaign=world.campaign, people=people, on=date(2020, 3, 1))


# The writing of opinions


def test_what_somebody_did_stands_beside_the_text(world: World, clerk: Client) -> None:
    page = get(clerk, "/organizations/branch/opinions/")
    assert [row.record.person.name for row in page.context["rows"]] == ["赵一", "李四", "钱二"]
    text = re.sub(r"\s+", " ", page.content.decode())
    assert "左局临时党支部 书记" in text
    assert "02-01 至 02-15,14 天" in text


def test_several_are_written_at_once_and_what_is_empty_stays(world: World, clerk: Client) -> None:
    url = "/organizations/branch/opinions/"
    sent = texts(a=(world.full, "带头值守。"), b=(world.idle, "服从安排。"), c=(world.auxiliary, ""))
    response = send(clerk, url, **sent, then="stay")
    assert response.status_code == 302
    written = Opinion.objects.order_by("pk").values_list("person__name", "text", "written_by")
    assert sorted(written) == [("李四", "服从安排。", "文书"), ("赵一", "带头值守。", "文书")]
    page = get(clerk, url)
    assert "已保存 2 份鉴定,本组织还有 1 人待写。" in page.content.decode()
    assert [row.record.person.name for row in page.context["rows"]] == ["钱二"]  # who waits comes by itself


def test_save_and_next_goes_on_to_the_next_one(world: World, clerk: Client) -> None:
    url = "/organizations/branch/opinions/"
    first = clerk.post(
        url,
        {**texts(a=(world.full, "好。")), "then": "next"},
        query_params={**QUERY, "size": "1", "show": "missing"},
    )
    page = clerk.get(first.url)
    assert [row.record.person.name for row in page.context["rows"]] == ["李四"]
    skipped = clerk.post(
        first.url, {**texts(a=(world.idle, "")), "then": "next"}
    )  # nothing written: the next one all the same
    page = clerk.get(skipped.url)
    assert [row.record.person.name for row in page.context["rows"]] == ["钱二"]


def test_a_text_that_another_wrote_meanwhile_is_shown_and_mine_is_kept(world: World, clerk: Client) -> None:
    write(world, world.full)
    name = f"text_{world.full.pk}"
    page = send(
        clerk, "/organizations/branch/opinions/", **{name: "我写的。", f"version_{world.full.pk}": ""}
    )
    said = page.content.decode()
    assert page.status_code == 200
    assert "测试已写成“表现突出。”。请核对后再次保存。" in said
    assert "我写的。" in said
    again = {name: "我写的。", f"version_{world.full.pk}": "1"}
    assert send(clerk, "/organizations/branch/opinions/", **again).status_code == 302
    assert Opinion.objects.get().text == "我写的。"


def test_what_is_written_is_not_emptied(world: World, clerk: Client) -> None:
    write(world, world.full)
    sent = {f"text_{world.full.pk}": " ", f"version_{world.full.pk}": "1"}
    page = send(clerk, "/organizations/branch/opinions/", **sent)
    assert page.status_code == 200
    assert "鉴定已经写了,不能清空,请改写。" in page.content.decode()
    assert Opinion.objects.get().text == "表现突出。"


def test_a_text_for_whom_is_signed_meanwhile_is_not_lost(world: World, clerk: Client) -> None:
    sign(world, world.idle)
    data = {f"text_{world.idle.pk}": "我写的。", f"version_{world.idle.pk}": ""}
    page = send(clerk, "/organizations/branch/opinions/", **data)
    assert page.status_code == 200
    assert "已被签收,或不再是本组织成员。原文:“我写的。”" in page.content.decode()


def test_what_is_signed_for_has_no_field(world: World, clerk: Client) -> None:
    sign(world, world.idle)
    page = get(clerk, "/organizations/branch/opinions/", show="all")
    assert [bool(row.field) for row in page.context["rows"]] == [True, False, True]
    assert "2020-03-01 已签收,要改须先退回" in page.content.decode()


# Lists and their numbers


def test_a_number_is_the_number_of_the_rows_behind_it(world: World) -> None:
    write(world, world.full)
    sign(world, world.idle)
    boss = logged_in(world.top)
    page = get(boss, "/service/")
    total = page.context["total"].numbers
    assert [count.number for count in total] == [3, 1, 3, 0, 1]
    for line in [*page.context["lines"], page.context["total"]]:
        for count in line.numbers:
            assert boss.get(count.url).context["page_obj"].paginator.count == count.number
    for path in ("/service/branches/", "/service/organizations/"):
        groups = get(boss, path).context["rows"]
        assert groups
        for group in groups:
            assert boss.get(group.url()).context["page_obj"].paginator.count == group.numbers["all"]


def test_a_unit_sees_its_people_and_by_another_choice_those_who_served_there(
    world: World, clerk: Client
) -> None:
    def names(**query: str) -> list[str]:
        return [row.person.name for row in get(clerk, "/service/people/", **query).context["rows"]]

    assert names() == ["赵一", "钱二"]
    assert sorted(names(at="served")) == ["李四", "赵一", "钱二"]
    assert names(state="serving") == ["赵一", "钱二"]
    assert names(branch="home") == ["赵一"]


@pytest.mark.parametrize("path", ["people", "branches", "opinions", "organizations"])
def test_a_list_asks_the_same_number_of_questions_with_one_row_and_with_three(
    world: World, path: str
) -> None:
    boss = logged_in(world.top)
    one = {"people": {"q": "赵一"}, "opinions": {"q": "赵一"}}.get(path, {})
    few = queries_again(lambda: get(boss, f"/service/{path}/", **one))
    for person in make_people(MANY, world.left):
        assign(world.branch, person)
    assert queries_again(lambda: get(boss, f"/service/{path}/")) == few


def test_the_file_holds_the_whole_record(world: World) -> None:
    write(world, world.idle)
    home = logged_in(world.right, "clerk")
    response = home.post("/export/service/people/", {"format": "csv"}, query_params=QUERY)
    text = b"".join(response).decode("utf-8-sig")
    for part in ("李四", "2020-02-01 至 2020-02-15(14 天)", "左局临时党支部:表现突出。"):
        assert part in text


# Receipts


def test_the_home_unit_signs_for_all_that_wait(world: World) -> None:
    home = logged_in(world.right, "clerk", display_name="右局文书")
    url = "/service/people/sign/"
    query = {**QUERY, "state": "waiting"}
    asked = home.post(url, {"all": "1"}, query_params=query)
    assert "其中 1 人还没有鉴定(李四),签收后不能再写。" in asked.content.decode()
    keys = re.search(r'name="rows" value="([^"]+)"', asked.content.decode())
    planned = re.search(r'name="planned" value="([^"]+)"', asked.content.decode())
    data = {"rows": keys[1] if keys else "", "on": "2020-03-01"} | (
        {"planned": planned[1]} if planned else {}
    )
    assert home.post(url, data, query_params=query).status_code == 302
    receipt = Receipt.objects.get()
    assert (receipt.person, receipt.unit, receipt.signed_by) == (world.idle, world.right, "右局文书")
    page = get(home, f"/people/{world.idle.number}/service/")
    assert (page.context["tag"], [each["label"] for each in page.context["actions"]]) == (
        "已签收",
        ["打印", "退回签收…"],
    )


def test_a_receipt_is_signed_and_given_back_on_the_page_of_the_record(world: World) -> None:
    home, at = logged_in(world.right, "clerk"), f"/people/{world.idle.number}/service/"
    assert send(home, f"{at}sign/", on="2020-03-01").status_code == 302
    assert send(home, f"{at}return/", reason="").status_code == 200
    assert send(home, f"{at}return/", reason="鉴定有误").status_code == 302
    assert get(home, at).context["tag"] == "待签收"


# Papers


def test_each_person_has_a_page_with_a_receipt_to_cut_off(world: World) -> None:
    write(world, world.full)
    sheet = print_of(logged_in(world.top), "service_papers", data={"all": "1"}, **QUERY, kind="records")
    pages = re.findall(r'<section class="each">.*?</section>', sheet.html, re.DOTALL)
    assert len(pages) == 3
    assert [len(re.findall("<h2>", page)) for page in pages] == [1, 1, 1]
    assert sheet.html.count('class="cut"') == 3
    first = next(page for page in pages if "赵一" in page)
    assert "表现突出。" in first
    assert "送:左局党支部" in first
    assert "<td>001001</td>" in re.sub(r"\s", "", first)


def test_a_number_is_masked_on_paper_for_who_does_not_work_with_it(world: World) -> None:
    viewer = logged_in(world.left, "viewer")
    sheet = print_of(viewer, "service_papers", data={"all": "1"}, **QUERY, kind="records")
    assert "001001" not in sheet.html
    assert "1380000" not in sheet.html


def test_those_who_are_ticked_are_printed_and_nobody_is_said(world: World, clerk: Client) -> None:
    data = {"row": str(world.auxiliary.pk)}
    sheet = print_of(clerk, "service_papers", data=data, **QUERY, kind="records")
    assert ("钱二" in sheet.text, "赵一" in sheet.text) == (True, False)
    nobody = clerk.post("/service/papers/", {}, query_params={**QUERY, "kind": "records"})
    assert nobody.status_code == 302


def test_a_long_print_is_left_to_the_worker(
    world: World, clerk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.service.papers.AT_ONCE", 1)
    response = clerk.post("/service/papers/", {"all": "1"}, query_params={**QUERY, "kind": "records"})
    assert (response.status_code, "/exports/" in response.url) == (302, True)


def test_only_the_certificate_of_an_officer_cites_the_article(world: World) -> None:
    officer, auxiliary = (
        certificate_of(record)
        for record in records_of(None, world.campaign, [world.full, world.auxiliary], date(2020, 3, 1))
    )
    assert officer.text == (
        "您于2020年2月1日至2020年3月1日参加“疫情防控”专项任务,编入“左局临时党支部”,共 30 天。"
        "根据《中华人民共和国公务员法》第五十五条,特发此证,以资纪念。"
    )
    assert "公务员法" not in auxiliary.text
    sheet = print_of(logged_in(world.top), "service_papers", data={"all": "1"}, **QUERY, kind="certificates")
    assert sheet.html.count('<section class="each">') == 3
    assert "辅警和其他人员的证书不引用该条" in sheet.text


# The ways to them


def test_the_pages_of_rows_lead_to_the_records(world: World, clerk: Client) -> None:
    person = get(clerk, f"/people/{world.full.number}/").content.decode()
    assert f"/people/{world.full.number}/service/?campaign=yiqing" in person
    branch = get(clerk, "/organizations/branch/").content.decode()
    assert "/organizations/branch/opinions/" in branch
    assert "/service/people/" in get(clerk, "/units/left/").content.decode()
    assert "/service/people/" in get(clerk, "/campaigns/yiqing/").content.decode()


def test_an_address_without_a_campaign_leads_to_the_newest(world: World, clerk: Client) -> None:
    response = clerk.get("/service/people/?state=waiting")
    assert response.url == "/service/people/?state=waiting&campaign=yiqing"
    assert clerk.get("/service/people/?campaign=nowhere").status_code == 404


def test_somebody_who_did_not_serve_has_no_record(world: World, clerk: Client) -> None:
    somebody = make_person("周五", world.left)
    assert clerk.get(f"/people/{somebody.number}/service/", QUERY).status_code == 404


# Reminders


def test_a_manager_reminds_the_branches_in_one_act(world: World, clerk: Client) -> None:
    end_campaign(actor=ACTOR, campaign=world.campaign, on=date(2020, 3, 1), reason="结束")
    manager = logged_in(world.top)
    page = get(manager, "/campaigns/yiqing/").content.decode()
    assert "/service/remind/top/?campaign=yiqing" in page
    assert "催办未签收的…" in page
    url = "/service/remind/top/"
    asked = get(manager, url)
    assert asked.context["sentences"][0].endswith("1 个支部、3 份服务记录待签收。")
    due = timezone.localdate() + timedelta(days=3)
    done = manager.get(send(manager, url, due_on=due.isoformat(), note="月底前").url)
    assert f"3 份待签收的服务记录,期限 {due}。" in done.content.decode()
    assert {row.table.times(row.unit) for row in done.context["grid"].rows} == {1}
    assert "已催 1 次" in get(manager, "/campaigns/yiqing/").content.decode()
    desk = clerk.get("/desk/").content.decode()
    assert "已催 1 次" in desk
    assert f"{due.month}月{due.day}日前" in desk
    assert "催办" not in get(logged_in(world.left, "viewer"), "/campaigns/yiqing/").content.decode()


def test_more_than_are_signed_at_once_are_signed_in_parts(
    world: World, clerk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.web.ticked.MOST", 1)
    end_campaign(actor=ACTOR, campaign=world.campaign, on=date(2020, 3, 1), reason="结束")
    url = "/service/people/sign/"
    asked = clerk.post(url, {"all": "1"}, query_params={**QUERY, "state": "waiting"})
    assert "一次办理 1 条,余下的办完这些后再办。" in asked.content.decode()
    form = asked.context["form"]
    sent = {"rows": form["rows"].value(), "planned": form.initial["planned"], "on": "2020-03-01"}
    assert clerk.post(url, sent, query_params=QUERY).status_code == 302
    assert Receipt.objects.count() == 1
