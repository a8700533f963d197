"""The desk: what waits for whom, decided one by one or many at once; its number is the number of its rows."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.audit import Actor
from registry.models import Organization, User
from registry.operations import approving, organizations
from registry.operations.submitting import or_submit
from registry.web import desk
from registry.web.approvers import who_approves
from tests.factories import assign, make_organization, make_person, make_user
from tests.world import World

pytestmark = pytest.mark.django_db

DESK = "/desk/"


def build_world() -> World:
    """The world of all tests; a clerk at the station, approvers at the left bureau and at the top."""
    made = World()
    made.clerk = make_user("clerk", made.station, "clerk", display_name="录入员")
    made.approver = make_user("approver", made.left, "approver", display_name="左审批")
    made.head = make_user("head", made.top, "approver", display_name="厅审批")
    return made


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def submit(world: World, name: str, **facts: Any) -> Organization:
    """A temporary branch that the clerk founded at the station and submitted."""
    made = make_organization(world.station, name=name, parent=world.general, state="draft", **facts)
    assign(made, make_person(f"{name}书记", world.station), role="secretary")
    return approving.submit_organization(actor=Actor(user=world.clerk), organization=made)


def shown(page: Any) -> list[str]:
    panel = page.context["deciding"]
    return [str(item.row) for item in panel["items"]] if panel else []


def test_the_number_is_that_of_the_rows_for_each_role(world: World) -> None:
    for name in ("甲", "乙", "丙"):
        submit(world, f"{name}临时党支部")
    approving.return_organization(
        actor=Actor(user=world.approver),
        organization=Organization.objects.get(name="丙临时党支部"),
        reason="缺",
    )
    manager = make_user("manager", world.station, "manager")
    for user, number in ((world.clerk, 1), (world.approver, 2), (world.head, 2), (manager, 3)):
        page = browser(user).get(DESK)
        assert len(shown(page)) + len(page.context["returned"]) == number == desk.number(user)
        assert f'<b class="waits">{number}<span' in page.content.decode()
    viewer = make_user("viewer", world.top, "viewer")
    page = browser(viewer).get(DESK).content.decode()
    assert "没有等您办理的事项。" in page
    assert 'class="waits"' not in page


def test_nobody_decides_on_their_own_submission(world: World) -> None:
    both = make_user("both", world.left, "manager", display_name="又录又批")
    made = submit(world, "甲临时党支部")
    Organization.objects.filter(pk=made.pk).update(submitted_by=both, changed_by=both)
    page = browser(both).get(DESK)
    assert (shown(page), desk.number(both)) == ([], 0)
    ((waiting, word, _url, who),) = page.context["submitted"]
    assert (waiting.pk, word, who) == (made.pk, "成立", "左审批(左局);上级的审批人也可以办理")


def test_who_approves_is_the_nearest_above_the_superior(world: World) -> None:
    made = submit(world, "甲临时党支部")
    nearest = make_user("nearest", world.station, "approver", display_name="所审批")
    assert nearest  # at the station: below the unit of the superior, so not asked first
    assert who_approves(world.clerk, [made]) == ["上级单位的审批人;上级的审批人也可以办理"]
    page = browser(world.approver).get(made.get_absolute_url()).content.decode()
    assert "等待审批:左审批(左局);上级的审批人也可以办理。" in page
    for user in (world.approver, world.head):
        user.grants.all().delete()
    assert who_approves(world.approver, [made])[0].startswith("还没有人")


def test_many_are_approved_at_once_by_one_document(world: World) -> None:
    client = browser(world.approver)
    for name in ("甲", "乙", "丙"):
        submit(world, f"{name}临时党支部")
    page = client.get(DESK)
    assert shown(page) == ["甲临时党支部", "乙临时党支部", "丙临时党支部"]
    marks = [item.mark for item in page.context["deciding"]["items"]]
    sent = {
        "at_once": "1",
        "row": marks[:2],
        "approval_number": "左党〔2020〕9号",
        "approved_on": "2020-02-03",
    }
    done = client.post("/desk/approve/", sent, follow=True)
    assert done.redirect_chain == [("/desk/", 302)]
    assert "已批准“甲临时党支部”等 2 件。" in done.content.decode()
    assert shown(done) == ["丙临时党支部"]
    approved = Organization.objects.filter(approval_number="左党〔2020〕9号", state="approved")
    assert sorted(approved.values_list("name", flat=True)) == ["乙临时党支部", "甲临时党支部"]


def test_what_is_missing_is_asked_for_on_the_page_that_asks_before(world: World) -> None:
    made, client = submit(world, "甲临时党支部"), browser(world.approver)
    (item,) = client.get(DESK).context["deciding"]["items"]
    page = client.post("/desk/approve/", {"at_once": "1", "only": item.mark})
    assert "请填写批复文号" in page.content.decode()
    made.refresh_from_db()
    assert made.state == "submitted"


def test_one_is_returned_and_the_next_is_opened(world: World) -> None:
    client, first, second = (
        browser(world.approver),
        submit(world, "甲临时党支部"),
        submit(world, "乙临时党支部"),
    )
    panel = client.get(DESK, {"item": f"organization-{first.pk}"}).context["deciding"]
    assert panel["following"] == f"organization-{second.pk}"
    url = re.search(r'formaction="([^"]*next=[^"]*)"', client.get(DESK).content.decode())
    assert url is not None
    address = html.unescape(url[1]).replace("/approve/", "/return/")
    sent = {"at_once": "1", "only": panel["opened"].mark, "reason": "没有批复"}
    done = client.post(address, sent, follow=True)
    assert done.redirect_chain == [(f"/desk/?item=organization-{second.pk}", 302)]
    back = browser(world.clerk).get(DESK)
    assert [(row.name, row.return_reason) for row, *_ in back.context["returned"]] == [
        ("甲临时党支部", "没有批复")
    ]
    assert "没有批复" in back.content.decode()


def test_what_others_changed_meanwhile_is_not_decided_on(world: World) -> None:
    made, client = submit(world, "甲临时党支部"), browser(world.approver)
    (item,) = client.get(DESK).context["deciding"]["items"]
    assign(made, make_person("后来", world.station))
    page = client.post("/desk/return/", {"at_once": "1", "only": item.mark, "reason": "缺"})
    assert "已被他人修改" in page.content.decode()
    made.refresh_from_db()
    assert made.state == "submitted"


def test_the_difference_says_what_it_does_to_the_counts(world: World) -> None:
    made = submit(world, "甲临时党支部")
    assign(made, world.full)  # who is counted in other organizations already
    panel = browser(world.approver).get(DESK, {"as_of": "2020-02-20"}).context["deciding"]
    assert (
        panel["effect"] == "临时党支部自 2020-02-01 起增加 1 个,一线人员增加 1 人(另有 1 人已在其他组织计入)"
    )
    assert {label: new for label, _old, new in panel["differences"]}["班子"] == "书记 甲临时党支部书记"
    assert [said.title for said in panel["opened"].checks if "批准" in said.title] == []


def test_what_the_clerk_owes_and_drafts(world: World) -> None:
    made = make_organization(
        world.station, name="草稿支部", state="draft", established_on=timezone.localdate() - timedelta(days=5)
    )
    Organization.objects.filter(pk=made.pk).update(changed_by=world.clerk)
    page = browser(world.clerk).get(DESK)
    assert [row.name for row in page.context["drafts"]] == ["草稿支部"]
    (line,) = page.context["owed"]
    listed = browser(world.clerk).get(line.url)
    assert (line.number, listed.context["page_obj"].paginator.count) == (1, 1)


def test_the_desk_is_the_first_page_when_something_waits(client: Client, world: World) -> None:
    sent = {"username": "approver", "password": "correct horse battery"}
    assert client.post("/login/", sent).headers["Location"] == "/"
    submit(world, "甲临时党支部")
    client.logout()
    assert client.post("/login/", sent).headers["Location"] == DESK
    client.logout()
    assert client.post("/login/", {**sent, "next": "/people/"}).headers["Location"] == "/people/"


def test_the_same_queries_with_one_and_with_three(world: World) -> None:
    client = browser(world.approver)

    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    submit(world, "甲临时党支部")
    one = [queries(DESK), queries("/account/")]
    for name in ("乙", "丙"):
        submit(world, f"{name}临时党支部")
    assert [queries(DESK), queries("/account/")] == one
    with CaptureQueriesContext(connection) as captured:
        assert desk.number(world.approver) == 3
    assert len(captured) <= 2  # the grants of a user who was not asked about yet, and the number


def test_changes_stand_in_the_same_list_and_are_decided_with_the_foundings(world: World) -> None:
    """By one document, the oldest first; what nobody may decide any more says why."""
    rows = [
        make_organization(world.station, name=f"{name}临时党支部", parent=world.general, code=code)
        for name, code in (("老", "old"), ("旧", "former"))
    ]
    for row in rows:
        given = {"organization": row, "on": date(2020, 3, 1), "reason": "任务结束"}
        or_submit(organizations.dissolve_organization, actor=Actor(user=world.clerk), **given)
    founded = submit(world, "甲临时党支部")
    client = browser(world.approver)
    page = client.get(DESK)
    assert shown(page) == ["老临时党支部", "旧临时党支部", "甲临时党支部"]
    panel = page.context["deciding"]
    assert [item.word for item in panel["items"]] == ["撤销组织", "撤销组织", "成立"]
    assert panel["differences"][0] == ("撤销日期", "", "2020-03-01")
    assert (panel["number"], desk.number(world.approver), desk.number(world.clerk)) == (3, 3, 0)
    first = browser(world.clerk).get(DESK).context["submitted"][0]
    assert (str(first[0]), first[1], first[3]) == (
        "老临时党支部",
        "撤销组织",
        "上级单位的审批人;上级的审批人也可以办理",
    )
    organizations.edit_organization(
        actor=Actor(), organization=rows[1], changes={"established_on": date(2020, 1, 30)}, reason="更正"
    )
    page = client.get(DESK)
    marks = {str(item.row): item.mark for item in page.context["deciding"]["items"]}
    assert [item.worst.title for item in page.context["deciding"]["items"]][1] == "内容已变动"
    sent = {"at_once": "1", "approval_number": "左党〔2020〕9号", "approved_on": "2020-03-02"}
    refused = client.post("/desk/approve/", {**sent, "row": list(marks.values())})
    assert "“旧临时党支部”的成立日期已变动" in refused.content.decode()
    assert desk.number(world.approver) == 3  # all or none: the founding was not approved either
    chosen = [marks["老临时党支部"], marks["甲临时党支部"]]
    done = client.post("/desk/approve/", {**sent, "row": chosen}, follow=True)
    assert "已批准“老临时党支部”等 2 件。" in done.content.decode()
    founded.refresh_from_db()
    rows[0].refresh_from_db()
    assert (founded.state, rows[0].dissolved_on) == ("approved", date(2020, 3, 1))
    back = client.post("/desk/return/", {"at_once": "1", "row": [marks["旧临时党支部"]], "reason": "请核对"})
    assert back.status_code == 302
    assert desk.number(world.clerk) == 1
    assert "请核对" in browser(world.clerk).get(DESK).content.decode()


def test_a_change_says_on_its_page_who_approves_it(world: World) -> None:
    branch = make_organization(world.station, name="已批准临时党支部", parent=world.general)
    given = {"organization": branch, "on": date(2020, 3, 1), "reason": "任务结束"}
    waits = or_submit(organizations.dissolve_organization, actor=Actor(user=world.clerk), **given).row
    page = browser(world.approver).get(waits.get_absolute_url()).content.decode()
    assert "等待审批:左审批(左局);上级的审批人也可以办理。" in page


def test_nobody_decides_there_what_is_not_theirs(world: World) -> None:
    made = submit(world, "甲临时党支部")
    other = browser(make_user("elsewhere", world.right, "approver"))
    for key in (f"organization-{made.pk}", f"submission-{made.pk}", f"{made.pk}", "x"):
        assert other.post("/desk/approve/", {"at_once": "1", "row": [key]}).status_code == 404
    assert browser(world.clerk).post("/desk/approve/", {"row": ["x"]}).status_code == 403
