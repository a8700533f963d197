"""One rule, every door: what one page warns of, the other pages and an import say in the same words."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import reverse

from registry.imports.models import Import
from registry.models import Assignment, Organization, Person, Role, Unit
from registry.operations import campaigns
from tests.factories import (
    ACTOR,
    approve_all,
    assign,
    make_campaign,
    make_organization,
    make_person,
    make_unit,
    make_user,
)
from tests.imports.test_operations import book

pytestmark = pytest.mark.django_db
DAY = date(2020, 2, 5)
EXPECTED = [
    "书记 乙(000123)在 2020-02-05 的政治面貌是“群众”,不是正式党员(《中国共产党支部工作条例(试行)》)。",
    "“支部”已有书记 甲。",
]
OFFER = "原书记 甲 自 2020-02-05 起改任成员"
NO_MEMBER = (
    "乙(000123)在 2020-02-05 的政治面貌是“群众”,不是党员。"
    "党组织由党员组成,其他人员可编入突击队、先锋队等队伍。"
)
NEVER = (
    "编入和结束是同一天,这次编入哪一天都不计:结束日期当天已不在组织。"
    "花名册写的是最后一天的,请填次日 2020-02-06。"
)
GROUP = "党小组应设在党支部之下,“局党委”是党委,请核对上级组织。"
NAMESAKE = "unit公安局已有同名的 甲(000001),请确认不是同一人。"


@pytest.fixture
def unit() -> Unit:
    return make_unit("unit")


@pytest.fixture
def clerk(client: Client, unit: Unit) -> Client:
    client.force_login(make_user("clerk", unit=unit, role="clerk"))
    return client


@pytest.fixture
def branch(unit: Unit) -> Organization:
    """A temporary branch with a secretary."""
    row = make_organization(unit, code="zhibu", name="支部")
    assign(row, make_person("甲", unit), role="secretary")
    return row


@pytest.fixture
def person(unit: Unit) -> Person:
    """Somebody who is no Party member."""
    return make_person("乙", unit, number="000123", political_status="masses")


def secretaries(branch: Organization) -> int:
    return Assignment.objects.filter(organization=branch, role=Role.SECRETARY).count()


def asked(client: Client, url: str, sent: dict[str, Any]) -> list[str]:
    """Return what the page asks to look at before it saves; nothing is saved."""
    before = Assignment.objects.count(), Organization.objects.count(), Person.objects.count()
    response = client.post(url, sent)
    assert (Assignment.objects.count(), Organization.objects.count(), Person.objects.count()) == before
    return list(response.context["warnings"])


def preview(client: Client, **sheets: Any) -> str:
    """Hand in a workbook; return its preview."""
    content = book(**sheets)
    client.post(reverse("imports"), {"file": SimpleUploadedFile("名册.xlsx", content)})
    return client.get(Import.objects.latest("pk").get_absolute_url()).content.decode()


def confirmed(client: Client, url: str, sent: dict[str, Any], branch: Organization) -> None:
    """The page warns once in the expected words and offers to relieve the old secretary.

    Saved without the offer there are two, with it the old one is a member from that day.
    """
    response = client.post(url, sent)
    assert response.context["warnings"] == [*EXPECTED, OFFER]
    assert secretaries(branch) == 1
    sent = {**sent, "confirmed": response.context["confirmed"]}
    with transaction.atomic():
        assert client.post(url, sent).status_code == 302
        assert secretaries(branch) == 1, "another person has to approve it"
        approve_all()
        assert secretaries(branch) == 2
        transaction.set_rollback(True)
    assert client.post(url, {**sent, "offer": response.context["warnings"][-1].key}).status_code == 302
    approve_all()
    old = Assignment.objects.filter(organization=branch, person__name="甲").order_by("started_on")
    assert list(old.values_list("role", "started_on", "ended_on")) == [
        ("secretary", date(2020, 2, 1), DAY),
        ("member", DAY, None),
    ]
    now = Assignment.objects.get(organization=branch, role=Role.SECRETARY, ended_on=None)
    assert (now.person.name, now.started_on) == ("乙", DAY)


def test_the_page_that_adds_members(clerk: Client, branch: Organization, person: Person) -> None:
    url = reverse("organization_members_add", args=[branch.code])
    sent = {"members": person.number, "members_role": "secretary", "started_on": "2020-02-05"}
    confirmed(clerk, url, sent, branch)


def test_the_page_that_places_one_person(clerk: Client, branch: Organization, person: Person) -> None:
    sent = {"organization": branch.code, "role": "secretary", "started_on": "2020-02-05"}
    confirmed(clerk, reverse("person_assign", args=[person.number]), sent, branch)


def test_the_page_that_changes_a_role(clerk: Client, branch: Organization, person: Person) -> None:
    member = assign(branch, person)
    sent = {"role": "secretary", "on": "2020-02-05", "version": member.version}
    confirmed(clerk, reverse("assignment_role", args=[member.pk]), sent, branch)


def test_the_page_that_registers_an_organization(clerk: Client, unit: Unit, person: Person) -> None:
    other = make_person("甲", unit)
    sent = {
        "kind": "branch",
        "name": "支部",
        "code": "new",
        "established_on": "2020-02-05",
        "secretary": person.number,
        "members": [other.number],
        "members_role": ["secretary"],
    }
    response = clerk.post(reverse("organization_register", args=[unit.code]), sent)
    assert response.context["warnings"] == [
        EXPECTED[0],
        "“支部”同时编入了多名书记:乙、甲。",
        "编入的正式党员只有 1 人,不足 3 人。",
        "甲 作为成员编入",
    ]
    sent |= {"confirmed": response.context["confirmed"], "offer": response.context["warnings"][-1].key}
    clerk.post(reverse("organization_register", args=[unit.code]), sent)
    assert [(row.person.name, row.role) for row in Assignment.objects.order_by("pk")] == [
        ("乙", "secretary"),
        ("甲", "member"),
    ]


def test_the_page_that_changes_the_roles_of_many(clerk: Client, branch: Organization, person: Person) -> None:
    member = assign(branch, person)
    sent = {"rows": member.pk, "role": "secretary", "on": "2020-02-05"}
    confirmed(clerk, reverse("assignments_role"), sent, branch)


def test_the_page_that_transfers_many(
    clerk: Client, unit: Unit, branch: Organization, person: Person
) -> None:
    other = assign(make_organization(unit, "commando_team"), person)
    sent = {"rows": other.pk, "organization": "zhibu", "role": "secretary", "on": "2020-02-05"}
    confirmed(clerk, reverse("assignments_transfer"), sent, branch)


@pytest.fixture
def manager(client: Client, unit: Unit) -> Client:
    client.force_login(make_user("manager", unit=unit))
    return client


def test_the_preview_of_an_import(manager: Client, branch: Organization, person: Person) -> None:
    page = preview(manager, 编入=[("zhibu", "000123", "乙", "书记", "2020-02-05")])
    for message in EXPECTED:
        assert message in page


def test_who_is_not_in_the_party_is_pointed_out_at_every_door(
    clerk: Client, unit: Unit, branch: Organization, person: Person
) -> None:
    at, member = "2020-02-05", {"members": "000123", "members_role": "member"}
    elsewhere = assign(make_organization(unit, "commando_team"), person)
    doors = [
        (reverse("organization_members_add", args=["zhibu"]), {**member, "started_on": at}),
        (
            reverse("person_assign", args=["000123"]),
            {"organization": "zhibu", "role": "member", "started_on": at},
        ),
        (reverse("assignments_transfer"), {"rows": elsewhere.pk, "organization": "zhibu", "on": at}),
    ]
    for url, sent in doors:
        assert asked(clerk, url, sent) == [NO_MEMBER], url
    sent = {**member, "kind": "group", "name": "小组", "code": "new", "established_on": at}
    assert NO_MEMBER in asked(clerk, reverse("organization_register", args=["unit"]), sent)
    row = assign(branch, person)
    deputy = {"role": "deputy_secretary", "on": at}
    for url, given in (
        (reverse("assignment_role", args=[row.pk]), {"version": row.version}),
        (reverse("assignments_role"), {"rows": row.pk}),
    ):
        assert asked(clerk, url, {**deputy, **given}) == [f"副书记 {NO_MEMBER}"], url


def test_who_is_not_in_the_party_is_pointed_out_in_an_import(
    manager: Client, branch: Organization, person: Person
) -> None:
    assert NO_MEMBER in preview(manager, 编入=[("zhibu", "000123", "乙", "成员", "2020-02-05")])


def test_an_activist_may_be_a_member_and_nobody_asks_at_a_team(
    clerk: Client, unit: Unit, branch: Organization, person: Person
) -> None:
    make_person("丙", unit, number="000124", political_status="activist")
    make_organization(unit, "commando_team", code="team")
    for code, number in (("zhibu", "000124"), ("team", "000123")):
        url = reverse("organization_members_add", args=[code])
        sent = {"members": number, "members_role": "member", "started_on": "2020-02-05"}
        assert clerk.post(url, sent).status_code == 302


def test_an_end_on_the_first_day_never_counts_and_the_day_after_is_offered(
    clerk: Client, unit: Unit, person: Person
) -> None:
    team = make_organization(unit, "commando_team", code="team")
    at = "2020-02-05"
    row = assign(team, person, started_on=DAY)
    offer = "结束日期改为次日 2020-02-06"
    doors = [
        (reverse("assignment_end", args=[row.pk]), {"on": at, "version": row.version}),
        (reverse("organization_members_end", args=["team"]), {"everyone": "on", "on": at}),
        (reverse("assignments_end"), {"rows": row.pk, "on": at}),
    ]
    for url, sent in doors:
        assert asked(clerk, url, sent) == [NEVER, offer], url
        first = clerk.post(url, sent).context
        with transaction.atomic():
            taken = {**sent, "confirmed": first["confirmed"], "offer": first["warnings"][-1].key}
            assert clerk.post(url, taken).status_code == 302
            row.refresh_from_db()
            assert row.ended_on == date(2020, 2, 6)
            transaction.set_rollback(True)
    make_person("丙", unit, number="000124")
    sent = {"members": "000124", "members_role": "member", "started_on": at, "ended_on": at}
    url = reverse("organization_members_add", args=["team"])
    assert asked(clerk, url, sent) == [NEVER, offer]
    confirmed_by = clerk.post(url, sent).context["confirmed"]
    clerk.post(url, {**sent, "confirmed": confirmed_by, "offer": "day-after"})
    assert Assignment.objects.get(person__name="丙").ended_on == date(2020, 2, 6)


def test_an_import_says_what_never_counts(manager: Client, unit: Unit, person: Person) -> None:
    make_organization(unit, "commando_team", code="team")
    line = ("team", "000123", "乙", "成员", "2020-02-05", "2020-02-05")
    assert NEVER in preview(manager, 编入=[line])


def test_a_group_directly_under_a_committee(manager: Client, unit: Unit, branch: Organization) -> None:
    committee = make_organization(unit, "committee", code="wei", name="局党委", is_temporary=False)
    sent = {"kind": "group", "name": "小组", "code": "new", "established_on": "2020-02-05", "parent": "wei"}
    assert GROUP in asked(manager, reverse("organization_register", args=["unit"]), sent)
    group = make_organization(unit, "group", code="xiaozu", parent=branch)
    url = reverse("organization_move", args=["xiaozu"])
    assert asked(manager, url, {"parent": committee.code, "reason": "理顺"}) == [GROUP]
    group.refresh_from_db()
    assert group.parent == branch
    line = ("new", "小组", "党小组", "是", "unit", "wei", "2020-02-05")
    assert GROUP in preview(manager, 组织=[line])


def test_a_namesake_in_the_same_unit(manager: Client, unit: Unit) -> None:
    make_person("甲", unit, number="000001")
    other = make_person("乙", unit, number="000002")
    elsewhere = make_person("甲", make_unit("station", unit), number="000003")
    facts = {"name": "甲", "number": "000004", "category": "officer"}
    new = {**facts, "political_status": "masses"}
    assert asked(manager, reverse("person_add", args=["unit"]), new) == [NAMESAKE]
    edited = {**facts, "number": "000002", "version": other.version, "reason": "更名"}
    assert asked(manager, reverse("person_edit", args=["000002"]), edited) == [NAMESAKE]
    moved = {"home_unit": "unit", "on": "2020-03-01", "reason": "调动"}
    assert asked(manager, reverse("person_transfer", args=[elsewhere.number]), moved) == [NAMESAKE]
    lines = [("000005", "甲", "民警", "群众", "unit"), ("000002", "甲", "民警", "群众", "unit")]
    page = preview(manager, 人员=lines)
    assert page.count(NAMESAKE) == 2


def test_a_number_that_is_somebodys_but_for_a_zero(manager: Client, unit: Unit) -> None:
    make_person("甲", unit, number="000001")
    said = "警号“0001”与已有的一个警号只差前面的零或大小写,请核对是否写全。"
    new = {"name": "乙", "number": "0001", "category": "officer", "political_status": "masses"}
    assert asked(manager, reverse("person_add", args=["unit"]), new) == [said]
    other = make_person("乙", unit, number="000002")
    edited = {
        "name": "乙",
        "number": "0001",
        "category": "officer",
        "version": other.version,
        "reason": "更正",
    }
    assert asked(manager, reverse("person_edit", args=["000002"]), edited) == [said]
    page = preview(manager, 人员=[("0001", "丙", "民警", "群众", "unit")])
    assert said in page


def test_an_ended_campaign_takes_nothing_new_at_any_door(manager: Client, unit: Unit, person: Person) -> None:
    campaign = make_campaign("fangxun", name="防汛", started_on=date(2020, 1, 1))
    team = make_organization(unit, "commando_team", code="team", campaign=campaign)
    campaigns.end_campaign(actor=ACTOR, campaign=campaign, on=date(2020, 2, 10), reason="任务结束")
    said = "专项任务“防汛”已于 2020-02-10 结束"
    at = "2020-02-10"
    before = Organization.objects.count(), Assignment.objects.count()
    new = {"kind": "commando_team", "established_on": at, "campaign": "fangxun"}
    edit = {"name": team.name, "established_on": at, "campaign": "fangxun", "version": 1, "reason": "更正"}
    member = {"members": "000123", "members_role": "member", "started_on": at}
    doors = [
        (reverse("organization_register", args=["unit"]), {**new, "name": "新队"}),
        (reverse("organizations_found", args=["unit"]), {**new, "units": ["unit"]}),
        (reverse("organization_edit", args=["team"]), edit),
        (reverse("organization_members_add", args=["team"]), member),
        (
            reverse("person_assign", args=["000123"]),
            {"organization": "team", "role": "member", "started_on": at},
        ),
    ]
    for url, sent in doors:
        page = manager.post(url, sent).content.decode()
        assert said in page, url
    assert said in preview(manager, 编入=[("team", "000123", "乙", "成员", at)])
    assert (Organization.objects.count(), Assignment.objects.count()) == before
    assert said in preview(manager, 组织=[("new", "新队", "突击队", None, "unit", None, at, None, "防汛")])
