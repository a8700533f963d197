"""Many at once: rows ticked in a list, a page that says who and what, and all or none of them done."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.models import Assignment, Organization, Unit
from tests.factories import approve_all, assign, make_organization, make_person, make_unit, make_user

pytestmark = [pytest.mark.look, pytest.mark.django_db]
AS_OF = "?as_of=2020-02-20"


@pytest.fixture
def top() -> Unit:
    return make_unit("top")


@pytest.fixture
def branch(top: Unit) -> Organization:
    return make_organization(top, code="zhibu", name="支部")


@pytest.fixture
def manager(client: Client, top: Unit) -> Client:
    client.force_login(make_user("manager", unit=top))
    return client


def three(branch: Organization) -> list[Assignment]:
    return [
        assign(branch, make_person(name, branch.unit, number=f"00{at}")) for at, name in enumerate("甲乙丙")
    ]


def said(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def do(client: Client, url: str, rows: list[Any], **sent: str) -> Any:
    """Tick the rows, look at the page that asks, send it (also over its warnings)."""
    asked = client.post(url, {"row": [row.pk for row in rows]})
    assert asked.context["number"] == len(rows)
    sent = {"rows": asked.context["form"]["rows"].value(), **sent}
    if "planned" in asked.context["form"].fields:
        sent["planned"] = asked.context["form"]["planned"].value()
    response = client.post(url, sent, follow=True)
    if not response.redirect_chain and "confirmed" in response.context:
        response = client.post(url, {**sent, "confirmed": response.context["confirmed"]}, follow=True)
    return response


def facts(rows: list[Any], *names: str) -> set[tuple[Any, ...]]:
    for row in rows:
        row.refresh_from_db()
    return {tuple(getattr(row, name) for name in names) for row in rows}


def test_the_table_of_members_has_ticks_and_a_bar(manager: Client, branch: Organization) -> None:
    rows = three(branch)
    page = manager.get(f"/organizations/zhibu/{AS_OF}").content.decode()
    for row in rows:
        assert f'name="row" value="{row.pk}" form="ticked"' in page
    assert 'formaction="/many/assignments/withdraw/?as_of=2020-02-20&amp;of=zhibu"' in page
    manager.force_login(make_user("viewer", unit=branch.unit, role="viewer"))
    page = manager.get(f"/organizations/zhibu/{AS_OF}").content.decode()
    assert 'name="row"' not in page
    assert "formaction" not in page


def test_ticked_members_end_together_and_it_leads_back(manager: Client, branch: Organization) -> None:
    rows = three(branch)
    url = "/many/assignments/end/?of=zhibu"
    asked = manager.post(url, {"row": [row.pk for row in rows[:2]]})
    page = asked.content.decode()
    assert "所选的" in page
    assert "甲" in page
    assert "丙" not in page
    response = do(manager, url, rows[:2], on="2020-02-10", reason="归队")
    assert response.redirect_chain == [("/organizations/zhibu/#members", 302)]
    assert "甲、乙 2 人次自 2020-02-10 起结束编入。" in said(response)
    assert facts(rows[:2], "ended_on") == {(date(2020, 2, 10),)}
    assert facts(rows[2:], "ended_on") == {(None,)}


def test_withdraw_correct_and_change_the_role_of_many(manager: Client, branch: Organization) -> None:
    rows = three(branch)
    do(
        manager,
        "/many/assignments/edit/",
        rows,
        started_on="2020-02-03",
        document_number="1号",
        reason="笔误",
    )
    assert facts(rows, "started_on", "document_number") == {(date(2020, 2, 3), "1号")}
    do(manager, "/many/assignments/role/", rows[1:], role="deputy_secretary", on="2020-02-03")
    assert facts(rows[1:], "role") == {("deputy_secretary",)}
    response = do(manager, "/many/assignments/withdraw/", rows, reason="误录")
    assert "已撤回 丙、乙、甲 3 人次的编入" in said(response)
    assert facts(rows, "is_withdrawn") == {(True,)}


def test_many_go_over_to_another_organization(manager: Client, top: Unit, branch: Organization) -> None:
    rows = three(branch)
    other = make_organization(top, code="other", name="二支部")
    sent = {"organization": "other", "on": "2020-02-10", "document_number": "2号"}
    response = do(manager, "/many/assignments/transfer/", rows, **sent)
    assert "丙、甲、乙 3 人次自 2020-02-10 起编入 二支部。" in said(response)
    assert facts(rows, "ended_on") == {(date(2020, 2, 10),)}
    new = list(Assignment.objects.filter(organization=other))
    assert facts(new, "role", "started_on", "document_number") == {("member", date(2020, 2, 10), "2号")}
    response = do(manager, "/many/assignments/transfer/", new, organization="other", on="2020-02-11")
    assert "就在“二支部”" in response.content.decode()


def test_all_or_none(manager: Client, branch: Organization) -> None:
    rows = three(branch)
    late = assign(branch, make_person("丁", branch.unit), started_on=date(2020, 2, 15))
    response = do(manager, "/many/assignments/end/", [*rows, late], on="2020-02-10")
    assert response.context["form"].errors == {"on": ["结束日期不能早于编入日期 2020-02-15。"]}
    assert facts([*rows, late], "ended_on") == {(None,)}


def test_all_that_the_filter_leaves(manager: Client, branch: Organization) -> None:
    rows = three(branch)
    assign(branch, make_person("丁", branch.unit), role="secretary")
    url = f"/many/assignments/end/{AS_OF}&role=member"
    page = manager.get(f"/assignments/{AS_OF}&role=member").content.decode()
    assert "/many/assignments/end/?as_of=2020-02-20&amp;role=member" in page
    asked = manager.post(url, {"all": "1"})
    assert asked.context["number"] == 3
    sent = {"rows": asked.context["form"]["rows"].value(), "on": "2020-02-10"}
    response = manager.post(url, sent, follow=True)
    assert response.redirect_chain == [(f"/assignments/{AS_OF}&role=member", 302)]
    assert facts(rows, "ended_on") == {(date(2020, 2, 10),)}
    assert Assignment.objects.filter(ended_on=None).count() == 1


def test_nothing_ticked_is_said_and_what_is_not_there_is_not_found(
    manager: Client, top: Unit, branch: Organization
) -> None:
    response = manager.post("/many/assignments/end/?of=zhibu", follow=True)
    assert "请先勾选" in said(response)
    assert manager.get("/many/assignments/end/?of=zhibu").url == "/organizations/zhibu/#members"
    assert manager.post("/many/assignments/end/", {"row": ["x"]}).status_code == 404
    (row, *_) = three(branch)
    manager.force_login(make_user("elsewhere", unit=make_unit("right", top)))
    assert manager.post("/many/assignments/end/", {"row": [row.pk]}).status_code == 404
    assert (
        manager.post("/many/assignments/end/", {"rows": str(row.pk), "on": "2020-02-10"}).status_code == 404
    )
    assert facts([row], "ended_on") == {(None,)}


def test_what_is_not_for_approval_is_left_out_and_named(manager: Client, top: Unit) -> None:
    committee = make_organization(top, "committee", is_temporary=False)
    there, back = (
        make_organization(top, name=f"支部{state}", state=state) for state in ("submitted", "returned")
    )
    asked = manager.post("/many/organizations/approve/", {"row": [there.pk, back.pk]})
    assert asked.context["sentences"][-1] == "所选的有 1 个不能这样办理,不在其列:“支部returned”。"
    assert asked.context["form"]["rows"].value().split(":")[0] == str(there.pk)
    do(
        manager,
        "/many/organizations/approve/",
        [there],
        approving_organization=committee.code,
        approval_number="1号",
    )
    assert facts([there, back], "state") == {("approved",), ("returned",)}


def test_organizations_are_submitted_approved_and_dissolved_by_one_document(
    manager: Client, top: Unit
) -> None:
    rows = [make_organization(top, name=name, state="draft") for name in ("一支部", "二支部")]
    url = "/many/organizations/submit/?state=draft"
    page = manager.get(f"/organizations/{AS_OF}&state=draft").content.decode()
    assert f'value="{rows[0].pk}" form="ticked"' in page
    response = do(manager, url, rows)
    assert response.redirect_chain == [("/organizations/?state=draft", 302)]
    response = do(manager, "/many/organizations/approve/", rows, approval_number="德公党〔2020〕5号")
    assert "由您提交或最后修改,须由另一人批准" in response.content.decode()
    manager.force_login(make_user("another", unit=top))
    committee = make_organization(top, "committee", is_temporary=False)
    by = {"approving_organization": committee.code, "approval_number": "德公党〔2020〕5号"}
    do(manager, "/many/organizations/approve/", rows, **by)
    assert facts(rows, "state", "approval_number") == {("approved", "德公党〔2020〕5号")}
    response = do(manager, "/many/organizations/approve/", rows)
    assert "现在是“已批准”,不能这样操作" in response.content.decode()
    below = make_organization(top, "group", name="小组", parent=rows[0])
    assign(below, make_person("甲", top))
    url = "/many/organizations/dissolve/?as_of=2020-03-01"
    asked = manager.post(url, {"row": [row.pk for row in rows]})
    assert asked.context["sentences"] == [
        "自 2020-03-01 起撤销 3 个组织,结束 1 人次编入。",
        "其中没有勾选的下级组织 1 个也一并撤销:小组。",
    ]
    response = do(manager, url, [*rows, below], on="2020-03-01", document_number="撤1号", reason="任务结束")
    assert "已提交审批" in said(response)
    approve_all()
    assert facts([*rows, below], "dissolved_on", "dissolution_number") == {(date(2020, 3, 1), "撤1号")}


def test_as_many_queries_for_one_as_for_three(manager: Client, branch: Organization) -> None:
    rows = three(branch)
    url = "/many/assignments/end/"
    manager.post(url, {"row": [rows[0].pk]})
    with CaptureQueriesContext(connection) as one:
        manager.post(url, {"row": [rows[0].pk]})
    with CaptureQueriesContext(connection) as many:
        manager.post(url, {"row": [row.pk for row in rows]})
    assert len(many) == len(one)
