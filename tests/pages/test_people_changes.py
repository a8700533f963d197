"""Changing people and their assignments: what each page does, refuses and lets nobody else do."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from registry.models import Assignment, AuditEntry, Person, StatusPeriod
from registry.operations import people
from registry.rules.borrowing import UNNAMED
from tests.factories import ACTOR, approve_all, assign, make_organization, make_person, make_unit, make_user

pytestmark = [pytest.mark.look, pytest.mark.django_db]


@pytest.fixture
def top():
    return make_unit("top")


@pytest.fixture
def unit(top):
    return make_unit("left", top)


@pytest.fixture
def other(top):
    return make_unit("right", top)


@pytest.fixture
def clerk(client, unit):
    """A client logged in as a clerk of the left bureau."""
    client.force_login(make_user("clerk", unit=unit, role="clerk"))
    return client


def said(response) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def errors(response) -> dict[str, list[str]]:
    assert response.status_code == 200
    return dict(response.context["form"].errors)


NEW = {
    "name": "赵一",
    "number": "001234",
    "category": "officer",
    "political_status": "full_member",
    "title": "民警",
}


def test_adds_a_person_to_a_unit_and_says_so(clerk, unit):
    url = reverse("person_add", args=["left"]) + "?as_of=2020-02-20"
    assert clerk.get(url).status_code == 200
    response = clerk.post(url, NEW, follow=True)
    assert response.redirect_chain == [("/people/001234/?as_of=2020-02-20", 302)]
    person = Person.objects.get()
    assert (person.home_unit, person.number, person.political_status) == (unit, "001234", "full_member")
    assert "已登记 赵一(001234)" in said(response)
    assert 'href="/units/left/?as_of=2020-02-20"' in said(response)
    assert AuditEntry.objects.filter(verb="add_person").get().actor == "clerk"


def test_a_form_that_fails_comes_back_filled(clerk, unit):
    make_person("钱二", unit, number="001234")
    url = reverse("person_add", args=["left"])
    response = clerk.post(url, {**NEW, "joined_on": "x"})
    assert list(errors(response)) == ["joined_on"]
    assert 'value="赵一"' in response.content.decode()
    response = clerk.post(url, NEW)
    assert list(errors(response)) == ["number"]
    response = clerk.post(url, {**NEW, "number": "a b/c"})
    assert list(errors(response)) == ["number"]
    assert errors(clerk.post(url, {})).keys() >= {"name", "number", "category", "political_status"}
    assert Person.objects.count() == 1


def test_a_temporary_branch_takes_no_formal_membership(clerk, unit):
    temporary = make_organization(unit)
    url = reverse("person_add", args=["left"])
    response = clerk.post(url, {**NEW, "home_branch": temporary.code})
    assert "常设党组织" in errors(response)["home_branch"][0]
    standing = make_organization(unit, is_temporary=False)
    assert clerk.post(url, {**NEW, "home_branch": standing.code}).status_code == 302
    assert Person.objects.get().home_branch == standing


def test_edits_and_tells_the_second_of_two(clerk, unit):
    person = make_person("赵一", unit, number="001")
    url = reverse("person_edit", args=["001"])
    form = clerk.get(url).context["form"]
    sent = {"name": "赵大一", "number": "001", "category": "officer", "version": form["version"].value()}
    people.edit_person(actor=ACTOR, person=person, changes={"name": "赵小一"})
    response = clerk.post(url, sent)
    page = response.content.decode()
    assert "现在是“赵小一”" in page
    assert "您填的是“赵大一”" in page
    person.refresh_from_db()
    assert person.name == "赵小一"
    again = {**sent, "version": response.context["form"]["version"].value()}
    response = clerk.post(url, again, follow=True)
    assert "已保存 赵大一" in said(response)
    person.refresh_from_db()
    assert person.name == "赵大一"


def test_a_new_number_leads_to_the_new_address(clerk, unit):
    make_person("赵一", unit, number="001")
    response = clerk.post(
        reverse("person_edit", args=["001"]),
        {"name": "赵一", "number": "002", "category": "officer", "version": "1"},
    )
    assert response.url == "/people/002/"


def test_changes_the_political_status_on_a_day(clerk, unit):
    person = make_person("赵一", unit, political_status="activist")
    url = reverse("person_status", args=[person.number])
    assert "现为入党积极分子" in clerk.get(url).content.decode()
    response = clerk.post(url, {"status": "activist", "on": "2020-02-12"})
    assert list(errors(response)) == ["status"]
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    assert list(errors(clerk.post(url, {"status": "full_member", "on": tomorrow}))) == ["on"]
    assert StatusPeriod.objects.count() == 1
    response = clerk.post(url, {"status": "probationary_member", "on": "2020-02-12"}, follow=True)
    assert "自 2020-02-12 起为预备党员" in said(response)
    assert StatusPeriod.objects.count() == 2


def test_transfers_the_formal_membership_within_reach_only(clerk, unit, other):
    station = make_unit("station", unit)
    person = make_person("赵一", unit)
    placed = assign(make_organization(unit), person)
    url = reverse("person_transfer", args=[person.number])
    assert errors(clerk.post(url, {"home_unit": "left"}))
    # A forged unit out of reach is refused at its field.
    assert "没有找到单位" in errors(clerk.post(url, {"home_unit": other.code}))["home_unit"][0]
    person.refresh_from_db()
    assert person.home_unit == unit
    sent = {"home_unit": station.code, "on": "2020-03-01", "reason": "调动"}
    assert "自 2020-03-01 起的所属单位为" in said(clerk.post(url, sent, follow=True))
    person.refresh_from_db()
    placed.refresh_from_db()
    assert person.home_unit == station
    assert placed.ended_on is None


def test_assigns_chosen_and_pasted_people_all_or_none(clerk, unit):
    branch = make_organization(unit)
    one, two, three = (make_person(name, unit) for name in ("甲", "乙", "丙"))
    url = reverse("organization_members_add", args=[branch.code]) + "?as_of=2020-02-20"
    assert clerk.get(url).context["form"]["started_on"].value() == date(2020, 2, 20)
    sent = {
        "members": [one.number, two.number],
        "members_role": ["secretary", "member"],
        "numbers": f"{two.number},\n999999 {three.number}",
        "started_on": "2020-02-05",
        "document_number": "党发3号",
    }
    response = clerk.post(url, sent)
    assert errors(response) == {"numbers": [f"999999:{UNNAMED}"]}
    page = response.content.decode()
    assert "999999</textarea>" in page  # what was found stands among the people
    assert "党发3号" in page
    assert not Assignment.objects.exists()
    sent["numbers"] = f"{two.number} {three.number}"
    response = clerk.post(url, sent, follow=True)
    assert "已提交审批" in said(response), "a new secretary of an approved organization"
    approve_all()
    rows = Assignment.objects.order_by("person__number").values_list(
        "person__name", "role", "document_number"
    )
    assert list(rows) == [
        ("甲", "secretary", "党发3号"),
        ("乙", "member", "党发3号"),
        ("丙", "member", "党发3号"),
    ]


def test_assigning_refuses_in_words_and_changes_nothing(clerk, unit):
    branch = make_organization(unit)
    person = make_person("甲", unit)
    assign(branch, person)
    url = reverse("organization_members_add", args=[branch.code])
    assert errors(clerk.post(url, {"started_on": "2020-02-05"})) == {
        "members": ["请至少选择一人,或粘贴警号。"]
    }
    again = errors(clerk.post(url, {"members": person.number, "started_on": "2020-02-05"}))
    assert "同一时间已在" in again["members"][0]
    fresh = make_person("乙", unit)
    early = errors(clerk.post(url, {"members": fresh.number, "started_on": "2020-01-05"}))
    assert "不能早于组织成立日期" in early["started_on"][0]
    assert Assignment.objects.count() == 1


def test_people_out_of_scope_cannot_be_assigned(clerk, unit, other):
    stranger = make_person("外人", other)
    url = reverse("organization_members_add", args=[make_organization(unit).code])
    for sent in ({"members": stranger.number}, {"numbers": stranger.number}):
        assert errors(clerk.post(url, {**sent, "started_on": "2020-02-05"}))
    assert not Assignment.objects.exists()


def test_warns_once_about_a_secretary(clerk, unit):
    branch = make_organization(unit)
    assign(branch, make_person("甲", unit), role="secretary")
    person = make_person("乙", unit, political_status="activist")
    url = reverse("organization_members_add", args=[branch.code])
    sent = {"members": person.number, "members_role": "secretary", "started_on": "2020-02-05"}
    response = clerk.post(url, sent)
    warnings = response.context["warnings"]
    assert any("不是正式党员" in warning for warning in warnings)
    assert any("已有书记 甲" in warning for warning in warnings)
    assert Assignment.objects.count() == 1
    assert clerk.post(url, {**sent, "confirmed": response.context["confirmed"]}).status_code == 302
    approve_all()
    assert Assignment.objects.count() == 2


def test_assigns_one_person_from_the_persons_page(clerk, unit, other):
    person = make_person("甲", unit)
    here, there = make_organization(unit), make_organization(other)
    url = reverse("person_assign", args=[person.number])
    sent = {"role": "member", "started_on": "2020-02-05"}
    assert "没有找到组织" in errors(clerk.post(url, {**sent, "organization": there.code}))["organization"][0]
    response = clerk.post(url, {**sent, "organization": here.code}, follow=True)
    assert f"编入 {here.name}" in said(response)
    assert errors(clerk.post(url, {**sent, "organization": here.code}))["organization"]
    assert Assignment.objects.count() == 1


def test_ends_many_on_one_day(clerk, unit):
    branch = make_organization(unit)
    rows = [assign(branch, make_person(name, unit)) for name in ("甲", "乙", "丙")]
    url = reverse("organization_members_end", args=[branch.code])
    assert "甲" in clerk.get(url).content.decode()
    assert errors(clerk.post(url, {"on": "2020-02-10"})) == {"assignments": ["请至少勾选一人。"]}
    foreign = assign(make_organization(unit), make_person("丁", unit))
    assert errors(clerk.post(url, {"on": "2020-02-10", "assignments": [foreign.pk]}))
    response = clerk.post(url, {"on": "2020-02-10", "assignments": [row.pk for row in rows[:2]]}, follow=True)
    assert "2 人自 2020-02-10 起结束编入" in said(response)
    assert Assignment.objects.filter(ended_on=date(2020, 2, 10)).count() == 2
    # One of them may not end before it began: nobody ends.
    late = assign(branch, make_person("戊", unit), started_on=date(2020, 2, 18))
    assert errors(clerk.post(url, {"on": "2020-02-15", "everyone": "on"}))["on"]
    assert Assignment.objects.filter(ended_on=date(2020, 2, 15)).count() == 0
    assert clerk.post(url, {"on": "2020-02-20", "everyone": "on"}).status_code == 302
    late.refresh_from_db()
    assert late.ended_on == date(2020, 2, 20)
    assert "没有尚未结束的编入" in clerk.get(url).content.decode()


def test_role_end_and_withdrawal_of_one(clerk, unit):
    branch = make_organization(unit)
    person = make_person("甲", unit)
    row = assign(branch, person)
    url = reverse("assignment_role", args=[row.pk])
    response = clerk.post(url, {"role": "member", "on": "2020-02-10"})
    assert list(errors(response)) == ["role"]
    response = clerk.post(url, {"role": "secretary", "on": "2020-02-10", "version": row.version}, follow=True)
    assert "已提交审批" in said(response)
    assert response.redirect_chain[-1][0].startswith(f"/organizations/{branch.code}/")
    approve_all()
    following = Assignment.objects.get(role="secretary")
    url = reverse("assignment_end", args=[following.pk]) + "?from=person"
    assert list(errors(clerk.post(url, {"on": "2020-02-09", "version": "1"}))) == ["on"]
    response = clerk.post(url, {"on": "2020-02-20", "version": "1"})
    assert response.url == f"/people/{person.number}/"
    # The form was opened before that: the second is told.
    response = clerk.post(url, {"on": "2020-02-19", "version": "1"})
    assert "他人已修改本记录" in response.content.decode()
    url = reverse("assignment_withdraw", args=[following.pk])
    assert list(errors(clerk.post(url, {"reason": ""}))) == ["reason"]
    assert "已撤回" in said(clerk.post(url, {"reason": "误录"}, follow=True))
    following.refresh_from_db()
    assert following.is_withdrawn


def addresses(person: Person, row: Assignment) -> list[tuple[str, dict[str, str]]]:
    """Return every page that changes something, with what would change it."""
    number, key, code = person.number, person.key, row.organization.code
    spare = {"started_on": "2020-02-05", "role": "member"}
    return [
        (reverse("person_add", args=[person.home_unit.code]), NEW),
        (reverse("person_edit", args=[key]), {"name": "改", "number": number, "category": "civilian"}),
        (reverse("person_status", args=[key]), {"status": "masses", "on": "2020-02-10"}),
        (reverse("person_transfer", args=[key]), {"home_unit": "right"}),
        (reverse("person_assign", args=[key]), {"organization": code, **spare}),
        (reverse("organization_members_add", args=[code]), {"members": number, "started_on": "2020-02-06"}),
        (reverse("organization_members_end", args=[code]), {"everyone": "on", "on": "2020-02-10"}),
        (reverse("assignment_role", args=[row.pk]), {"role": "secretary", "on": "2020-02-10"}),
        (reverse("assignment_end", args=[row.pk]), {"on": "2020-02-10"}),
        (reverse("assignment_withdraw", args=[row.pk]), {"reason": "误录"}),
    ]


@pytest.mark.parametrize(("where", "role"), [("right", "manager"), ("left", "viewer"), ("left", "approver")])
def test_nobody_else_may(client, unit, other, where, role):
    person = make_person("甲", unit)
    row = assign(make_organization(unit), person)
    client.force_login(make_user(unit={"left": unit, "right": other}[where], role=role))
    before = AuditEntry.objects.count()
    for url, sent in addresses(person, row):
        status = 404 if where == "right" else 403
        assert client.get(url).status_code == status, url
        assert client.post(url, sent).status_code == status, url
    assert AuditEntry.objects.count() == before


def test_being_placed_in_scope_does_not_open_the_person_to_the_host(client, unit, other):
    person = make_person("甲", unit)
    row = assign(make_organization(other), person)
    client.force_login(make_user(unit=other, role="manager"))
    before = AuditEntry.objects.count()
    for url, sent in addresses(person, row)[1:4]:
        assert client.get(url).status_code == 403
        assert client.post(url, sent).status_code == 403
    assert AuditEntry.objects.count() == before
    # The home unit's clerk sees the placement but cannot change it; the host's can.
    client.force_login(make_user(unit=unit, role="manager"))
    assert client.get(reverse("person", args=[person.number])).status_code == 200
    for url, sent in addresses(person, row)[5:]:
        assert client.post(url, sent).status_code == 404
    assert AuditEntry.objects.count() == before


def test_a_get_changes_nothing_and_the_address_is_kept(clerk, unit):
    person = make_person("甲", unit)
    row = assign(make_organization(unit), person)
    entries = AuditEntry.objects.exclude(verb="view_personal_data")  # opening the form with the telephone
    before = entries.count()
    for url, _sent in addresses(person, row):
        response = clerk.get(url, {"as_of": "2020-02-20"})
        assert response.status_code == 200
        assert "as_of=2020-02-20" in response.context["cancel_url"]
        assert clerk.put(url).status_code == 405
    assert entries.count() == before


def test_unknown_assignment_is_not_found(clerk):
    assert clerk.get(reverse("assignment_end", args=[987654])).status_code == 404
