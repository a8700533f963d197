"""What is done with an organization through the pages: register, edit, move, transfer, dissolve, approve."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.test import Client
from django.utils import timezone

from registry.models import Assignment, AuditEntry, Grant, Organization, Person, Unit, User
from registry.operations import organizations
from registry.rules.borrowing import UNNAMED
from tests.factories import (
    ACTOR,
    approve_all,
    assign,
    make_campaign,
    make_organization,
    make_person,
    make_user,
)
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

ACTIONS = ("edit", "move", "transfer", "dissolve", "withdraw", "submit", "approve", "return")


REGISTER = "/units/right/register/"


def build_world() -> World:
    """The world of all tests; a general branch above the bureaus, and people at the right one."""
    made = World()
    made.above = make_organization(
        made.top, "general_branch", code="above", parent=made.committee, name="厅机关临时党总支"
    )
    made.people = [make_person(name, made.right) for name in ("冯一", "陈二", "褚三")]
    made.stranger = make_person("吴九", made.left)
    return made


@pytest.fixture
def login(client: Client):
    def as_role(unit: Unit, role: str = "manager") -> Client:
        client.force_login(make_user(unit=unit, role=role))
        return client

    return as_role


def filled(world: World, **changes) -> dict:
    """A register form with nothing to warn about."""
    first, second, third = world.people
    return {
        "kind": "branch",
        "name": "右局临时党支部",
        "code": "right-linshi-zhibu",
        "parent": "above",
        "established_on": "2020-02-10",
        "approval_number": "右公党〔2020〕5号",
        "secretary": first.number,
        "members": [second.number, third.number],
        "members_role": ["organization_committee_member", "member"],
        **changes,
    }


def errors(response) -> dict[str, list[str]]:
    assert response.status_code == 200
    return {field: list(said) for field, said in response.context["form"].errors.items()}


def said(response) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def rows() -> tuple[int, int, int]:
    return Organization.objects.count(), Assignment.objects.count(), AuditEntry.objects.count()


# --- Register: what is suggested ------------------------------------------------------------------


def test_form_suggests_name_and_superior(world: World, login) -> None:
    form = login(world.top).get(REGISTER, {"as_of": "2020-02-10", "campaign": "yiqing"}).context["form"]
    assert form["kind"].value() == "branch"
    assert form["name"].value() == "右局临时党支部"
    assert not form["code"].value()  # folded away: the operation makes it from the name
    assert form["parent"].value() == world.above
    assert form["campaign"].value() == "yiqing"
    # The only campaign that goes on is suggested; of two the user chooses.
    assert login(world.top).get(REGISTER, {"as_of": "2020-02-10"}).context["form"]["campaign"].value() == (
        "yiqing"
    )
    assert login(world.top).get(REGISTER, {"as_of": "2020-01-10"}).context["form"]["campaign"].value() is None
    make_campaign("fangxun")
    assert login(world.top).get(REGISTER, {"as_of": "2020-02-10"}).context["form"]["campaign"].value() is None
    assert form["established_on"].value() == date(2020, 2, 10)


def test_names_that_are_taken_are_counted_on(world: World, login) -> None:
    make_organization(world.right, name="右局临时党支部", code="right-linshi-zhibu")
    client = login(world.top)
    form = client.get(REGISTER).context["form"]
    assert form["name"].value() == "右局第二临时党支部"
    make_organization(world.right, name="右局第二临时党支部", code="right-linshi-zhibu-2")
    form = client.get(REGISTER).context["form"]
    assert form["name"].value() == "右局第三临时党支部"


def test_superior_is_the_nearest_that_may_hold_the_kind(world: World, login) -> None:
    client = login(world.top)
    for kind, parent in (
        ("general_branch", world.committee),
        ("branch", world.above),
        ("group", world.above),
        ("commando_team", world.above),
        ("leading_group", world.committee),
    ):
        assert client.get(REGISTER, {"kind": kind}).context["form"]["parent"].value() == parent, kind
    own = make_organization(world.right, parent=world.above, name="本局支部")
    assert client.get(REGISTER, {"kind": "group"}).context["form"]["parent"].value() == own
    make_organization(world.right, parent=world.above, name="本局另一支部")
    assert client.get(REGISTER, {"kind": "group"}).context["form"]["parent"].value() == world.above
    assert client.get(REGISTER, {"as_of": "2020-01-15"}).context["form"]["parent"].value() is None
    # What is above the scope is offered by name.
    assert login(world.right, "clerk").get(REGISTER).context["form"]["parent"].value() == world.above


def test_suggestions_follow_the_kind_but_not_over_what_was_typed(world: World, login) -> None:
    client, counted = login(world.top), rows()
    proposed = {"name": "右局临时党支部", "parent": "above"}
    before = {f"suggested_{name}": value for name, value in proposed.items()}
    asked = {"kind": "commando_team", "established_on": "2020-02-10", **proposed, **before}
    form = client.get(f"{REGISTER}suggest/", asked).context["form"]
    assert form["name"].value() == "右局突击队"
    assert form["parent"].value() == "above"
    typed = client.get(f"{REGISTER}suggest/", {**asked, "name": "何建华突击队", "parent": ""}).context["form"]
    assert typed["name"].value() == "何建华突击队"
    assert typed["parent"].value() == ""
    standing = client.get(f"{REGISTER}suggest/", {**asked, "kind": "branch", "is_standing": "on"})
    assert standing.context["form"]["name"].value() == "右局党支部"
    assert standing.context["form"]["parent"].value() == "committee"
    assert client.get(f"{REGISTER}suggest/", {"kind": "castle", "established_on": "x"}).status_code == 200
    assert rows() == counted


# --- Register: everything or nothing --------------------------------------------------------------


def test_registers_with_secretary_and_members(world: World, login) -> None:
    client = login(world.top)
    response = client.post(
        f"{REGISTER}?as_of=2020-02-20", filled(world, campaign="yiqing", note="驻点"), follow=True
    )
    made = Organization.objects.get(code="right-linshi-zhibu")
    assert response.redirect_chain == [("/organizations/right-linshi-zhibu/?as_of=2020-02-20", 302)]
    assert (made.state, made.is_temporary, made.parent, made.unit) == (
        "submitted",
        True,
        world.above,
        world.right,
    )
    assert (made.campaign.code, made.note, made.approval_number) == ("yiqing", "驻点", "右公党〔2020〕5号")
    roles = {row.person.name: row.role for row in made.assignments.select_related("person")}
    assert roles == {"冯一": "secretary", "陈二": "organization_committee_member", "褚三": "member"}
    assert "编入 3 人" in said(response)
    assert "批准前不计入统计" in said(response)
    assert 'href="/units/right/?as_of=2020-02-20"' in said(response)


def test_a_clerk_submits_and_a_draft_is_a_draft(world: World, login) -> None:
    clerk = login(world.top, "clerk")
    assert "提交审批" in clerk.get(REGISTER).content.decode()
    response = clerk.post(REGISTER, filled(world), follow=True)
    assert Organization.objects.get(code="right-linshi-zhibu").state == "submitted"
    assert "批准前不计入统计" in said(response)
    data = filled(world, code="right-2", name="右局第二临时党支部", save_as="draft")
    page = clerk.post(REGISTER, data)  # the secretary is one already
    assert len(page.context["warnings"]) == 1
    clerk.post(REGISTER, {**data, "confirmed": page.context["confirmed"]})
    assert Organization.objects.get(code="right-2").state == "draft"


def test_pasted_numbers_are_members_once(world: World, login) -> None:
    first, second, third = world.people
    numbers = f"{first.number}\n{second.number},{third.number} {third.number}"
    login(world.top).post(REGISTER, filled(world, members=[], members_role=[], numbers=numbers))
    made = Organization.objects.get(code="right-linshi-zhibu")
    assert sorted(made.assignments.values_list("person__name", "role")) == sorted(
        [("冯一", "secretary"), ("陈二", "member"), ("褚三", "member")]
    )


def test_a_formation_is_not_temporary_and_has_a_leader(world: World, login) -> None:
    data = filled(world, kind="commando_team", name="右局突击队", code="right-tujidui")
    login(world.top).post(REGISTER, data)
    made = Organization.objects.get(code="right-tujidui")
    assert not made.is_temporary
    assert made.assignments.get(person=world.people[0]).role == "leader"


def test_a_standing_branch(world: World, login) -> None:
    """It has fewer than seven full members, so no committee: the form says so once."""
    client, data = login(world.top), filled(world, is_standing="on")
    page = client.post(REGISTER, data)
    [said] = page.context["warnings"]
    assert "书记、副书记、委员共 2 人" in said
    client.post(REGISTER, {**data, "confirmed": page.context["confirmed"]})
    assert not Organization.objects.get(code="right-linshi-zhibu").is_temporary


def test_unknown_numbers_are_named_and_everything_typed_comes_back(world: World, login) -> None:
    before = rows()
    response = login(world.top).post(
        REGISTER,
        filled(world, numbers="999001 999002", note="驻点", name="自拟名称", honour_title="以何建华命名"),
    )
    assert errors(response) == {"numbers": [f"2 行:{UNNAMED}(999001、999002)"]}
    page = response.content.decode()
    for typed in ("自拟名称", "999001\n999002", "驻点", "以何建华命名", "右公党〔2020〕5号", "2020-02-10"):
        assert typed in page
    for person in world.people:
        assert f'value="{person.number}"' in page
    assert re.search(r'value="organization_committee_member" selected', page)
    assert rows() == before


def test_a_code_is_made_from_the_name_and_everything_can_be_named_by_its_name(world: World, login) -> None:
    named = {"parent": "", "parent_text": world.above.name}
    login(world.top).post(REGISTER, filled(world, code="", **named))
    made = Organization.objects.get(name="右局临时党支部")
    assert (made.code, made.parent) == ("youju-linshi-dangzhibu", world.above)


def test_a_name_that_several_have_is_said_with_their_codes(world: World, login) -> None:
    make_organization(world.right, "committee", code="namesake", name=world.above.name, is_temporary=False)
    sent = filled(world, parent="", parent_text=world.above.name)
    (message,) = errors(login(world.top).post(REGISTER, sent))["parent"]
    assert "above" in message
    assert "namesake" in message
    assert "请写全称" in message


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "castle"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"name": ""}, "name"),
        ({"code": "Bad Code!"}, "code"),
        ({"code": "committee"}, "code"),
        ({"established_on": "2020-02-31"}, "established_on"),
        ({"established_on": "2999-01-01"}, "established_on"),
        ({"established_on": "2020-01-15"}, "established_on"),
        ({"parent": "no-such"}, "parent"),
        ({"kind": "committee"}, "parent"),
        ({"campaign": "no-such"}, "campaign"),
        ({"secretary": "no-such"}, "secretary"),
        ({"kind": "commando_team", "is_standing": "on"}, "is_standing"),
        ({"task_body": "committee"}, "task_body"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_changes(world: World, login, changes, field) -> None:
    before = rows()
    assert field in errors(login(world.top).post(REGISTER, filled(world, **changes)))
    assert rows() == before


# --- Register: warnings ---------------------------------------------------------------------------


def test_warns_once_and_saves_when_sent_again(world: World, login) -> None:
    make_organization(world.right, name="右局临时党支部", code="earlier")
    weak = make_person("周五", world.right, political_status="probationary_member")
    before = rows()
    client = login(world.top)
    data = filled(world, secretary=weak.number, members=[world.people[1].number], members_role=["member"])
    response = client.post(REGISTER, data)
    warnings = response.context["warnings"]
    assert len(warnings) == 3
    assert "已有同名组织" in warnings[0]
    assert "不是正式党员" in warnings[1]
    assert "只有 1 人" in warnings[2]
    assert "仍要保存" in response.content.decode()
    assert rows() == before
    other = {**data, "name": "另一个名称", "confirmed": response.context["confirmed"]}
    again = client.post(REGISTER, other)  # what was confirmed is not what is warned of now
    assert len(again.context["warnings"]) == 2
    assert rows() == before
    assert client.post(REGISTER, {**data, "confirmed": response.context["confirmed"]}).status_code == 302
    assert Organization.objects.get(code="right-linshi-zhibu").assignments.count() == 2


def test_warns_when_nobody_is_secretary_or_one_is_already(world: World, login) -> None:
    client = login(world.top)
    response = client.post(REGISTER, filled(world, secretary=""))
    assert "没有指定书记(《中国共产党支部工作条例(试行)》)。" in response.context["warnings"]
    assign(make_organization(world.right, name="先前支部"), world.people[0], role="secretary")
    response = client.post(REGISTER, filled(world))
    assert response.context["warnings"] == ["冯一 当日已任“先前支部”书记。"]


def test_two_secretaries_are_warned_of_as_on_the_other_pages(world: World, login) -> None:
    before = rows()
    response = login(world.top).post(REGISTER, filled(world, members_role=["secretary", "member"]))
    name = filled(world)["name"]
    assert f"“{name}”同时编入了多名书记:冯一、陈二。" in response.context["warnings"]
    assert rows() == before


def test_status_of_the_day_decides_the_warning(world: World, login) -> None:
    from registry.operations import people

    late = make_person("周五", world.right, political_status="activist")
    people.change_political_status(actor=ACTOR, person=late, status="full_member", on=date(2020, 2, 15))
    data = filled(world, secretary=late.number)
    client = login(world.top)
    assert len(client.post(REGISTER, data).context["warnings"]) == 2
    assert client.post(REGISTER, {**data, "established_on": "2020-02-16"}).status_code == 302


# --- Scope and forged values ----------------------------------------------------------------------


@pytest.mark.parametrize("role", ["viewer", "approver", "auditor"])
def test_who_may_not_enter_is_told_which_role_may(world: World, login, role) -> None:
    before = rows()
    client = login(world.right, role)
    for url in (REGISTER, f"{REGISTER}suggest/"):
        assert client.get(url).status_code == 403
    assert client.post(REGISTER, filled(world)).status_code == 403
    assert rows() == before


def test_somebody_elsewhere_gets_404(world: World, login) -> None:
    before = rows()
    client = login(world.left)
    assert client.get(REGISTER).status_code == 404
    assert client.get(f"{REGISTER}suggest/").status_code == 404
    assert client.post(REGISTER, filled(world)).status_code == 404
    assert rows() == before


def test_forged_codes_out_of_scope_are_refused_by_field(world: World, login) -> None:
    """A manager of one sub-bureau posts a superior, people and a unit of others by hand."""
    far = make_organization(world.left, "task_force", code="far-force")
    above = make_organization(world.left, "general_branch", name="左局临时党总支")
    before = rows()
    response = login(world.right).post(
        REGISTER,
        filled(
            world,
            parent=above.code,
            secretary=world.stranger.number,
            task_body=far.code,
            numbers=world.stranger.number,
            unit="left",
        ),
    )
    assert set(errors(response)) == {"parent", "secretary", "task_body", "numbers"}
    assert "吴九" not in response.content.decode()
    assert "左局临时党总支" not in response.content.decode()
    assert rows() == before


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_is_not_found_elsewhere_and_refused_to_viewers(world: World, login, action) -> None:
    made = make_organization(world.right, state="submitted")
    before = (rows(), Organization.objects.values().get(pk=made.pk))
    for unit, role in ((world.left, "manager"), (world.right, "viewer"), (world.right, "auditor")):
        client = login(unit, role)
        url, status = f"/organizations/{made.code}/{action}/", 403 if unit == world.right else 404
        assert client.get(url).status_code == status
        assert client.post(url, {"reason": "x", "on": "2020-02-20", "name": "y"}).status_code == status
    assert (rows(), Organization.objects.values().get(pk=made.pk)) == before


@pytest.mark.parametrize(
    ("action", "role"),
    [("approve", "clerk"), ("return", "clerk"), ("edit", "approver"), ("submit", "approver")],
)
def test_entering_and_approving_are_two_rights(world: World, login, action, role) -> None:
    made = make_organization(world.right, state="submitted")
    assert login(world.right, role).post(f"/organizations/{made.code}/{action}/").status_code == 403


@pytest.mark.parametrize("action", ACTIONS)
def test_reading_a_form_writes_nothing(world: World, login, action) -> None:
    made = make_organization(world.right, state="submitted")
    before = rows()
    page = login(world.right).get(f"/organizations/{made.code}/{action}/")
    assert page.status_code == 200
    assert made.name in page.content.decode()
    assert rows() == before


# --- Edit -----------------------------------------------------------------------------------------


def edit_data(organization: Organization, **changes) -> dict:
    return {
        "version": organization.version,
        "name": organization.name,
        "established_on": organization.established_on.isoformat(),
        **changes,
    }


def test_edit_saves_and_says_so(world: World, login) -> None:
    made = make_organization(world.right, name="旧名", honour_title="旧")
    response = login(world.right).post(
        f"/organizations/{made.code}/edit/", edit_data(made, name="新名", reason="更正"), follow=True
    )
    row = Organization.objects.get(pk=made.pk)
    assert (row.name, row.honour_title) == ("新名", "")
    assert "已保存“新名”的修改" in said(response)
    assert AuditEntry.objects.get(verb="edit_organization").reason == "更正"


def test_an_edit_without_a_change_says_so(world: World, login) -> None:
    client, url = login(world.right), f"/organizations/{world.pioneers.code}/edit/"
    before = AuditEntry.objects.count()
    form = client.get(url).context["form"]
    same = {name: form[name].value() or "" for name in form.fields}
    page = client.post(url, same, follow=True)
    assert said(page) == "填写的内容与原来相同,没有作任何修改。"
    assert AuditEntry.objects.count() == before


def test_the_second_of_two_edits_sees_both_values_and_saves_on_purpose(world: World, login) -> None:
    made = make_organization(world.right, name="旧名")
    url = f"/organizations/{made.code}/edit/"
    client = login(world.right)
    old = client.get(url).context["form"]["version"].value()
    organizations.edit_organization(actor=ACTOR, organization=made, changes={"name": "他人的名"})
    mine = edit_data(made, name="我的名", note="我的备注", version=old)
    response = client.post(url, mine)
    text = errors(response)["__all__"][0]
    assert "他人的名" in text
    assert "我的名" in text
    assert response.context["form"]["name"].value() == "我的名"
    assert "我的备注" in response.content.decode()
    assert Organization.objects.get(pk=made.pk).name == "他人的名"
    new = response.context["form"]["version"].value()
    assert str(new) != str(old)
    assert client.post(url, {**mine, "version": new}).status_code == 302
    assert Organization.objects.get(pk=made.pk).name == "我的名"


def test_what_stands_out_of_scope_may_stay(world: World, login) -> None:
    force = make_organization(world.left, "task_force", code="far-force")
    made = make_organization(world.right, task_body=force)
    url = f"/organizations/{made.code}/edit/"
    client = login(world.right)
    assert client.post(url, edit_data(made, task_body="far-force", note="新")).status_code == 302
    row = Organization.objects.get(pk=made.pk)
    assert (row.task_body, row.note) == (force, "新")
    plain = make_organization(world.right)
    response = client.post(f"/organizations/{plain.code}/edit/", edit_data(plain, task_body="far-force"))
    assert "task_body" in errors(response)


def test_a_corrected_founding_offers_to_move_what_began_with_it(world: World, login) -> None:
    made = make_organization(world.right, name="支部")
    group = make_organization(world.right, "group", name="小组", parent=made)
    member, other = assign(made, world.people[0]), assign(group, world.people[1])
    client, url = login(world.right), f"/organizations/{made.code}/edit/"
    sent = edit_data(made, established_on="2020-02-05", reason="更正")
    response = client.post(url, sent)
    assert response.context["warnings"] == [
        f"有 1 人次在原成立日期 2020-02-01 编入:{member.person.name}。",
        "有 1 个下级组织也在 2020-02-01 成立:“小组”。",
        "同日编入的 1 人次一并改为 2020-02-05",
        "这些下级组织及其同日编入的 1 人次一并改为 2020-02-05",
    ]
    sent["confirmed"] = response.context["confirmed"]
    response = client.post(url, sent)  # both ticks taken off: they would stand before it
    assert "有 1 人次的编入日期早于 2020-02-05" in errors(response)["established_on"][0]
    assert response.context["form"]["established_on"].value() == date(2020, 2, 5)
    assert client.post(url, {**sent, "offer": ["with-members", "with-below"]}).status_code == 302
    approve_all()
    for row in (made, group, member, other):
        row.refresh_from_db()
    days = {made.established_on, group.established_on, member.started_on, other.started_on}
    assert days == {date(2020, 2, 5)}


# --- Move and transfer ----------------------------------------------------------------------------


def test_move_on_the_party_line(world: World, login) -> None:
    made = make_organization(world.right, parent=world.above)
    url = f"/organizations/{made.code}/move/"
    client = login(world.top)
    response = client.post(url, {"parent": "committee", "reason": "理顺"}, follow=True)
    assert "已提交审批,批准前仍按原内容统计" in said(response)
    assert Organization.objects.get(pk=made.pk).parent == world.above
    assert "厅党委" in response.content.decode()
    approve_all()
    assert Organization.objects.get(pk=made.pk).parent == world.committee
    assert "parent" in errors(client.post(url, {"parent": "committee", "reason": "理顺"}))
    assert set(errors(client.post(url, {}))) == {"parent", "reason"}
    assert "parent" in errors(client.post(url, {"parent": "above", "no_parent": "on", "reason": "理顺"}))
    assert client.post(url, {"no_parent": "on", "reason": "理顺"}).status_code == 302
    approve_all()
    assert Organization.objects.get(pk=made.pk).parent is None


def test_move_under_one_out_of_scope_or_below_itself_is_refused(world: World, login) -> None:
    made = make_organization(world.right)
    group = make_organization(world.right, "group", parent=made)
    other = make_organization(world.left, "general_branch")
    client = login(world.right)
    before = rows()
    assert "parent" in errors(
        client.post(f"/organizations/{made.code}/move/", {"parent": other.code, "reason": "理顺"})
    )
    assert "parent" in errors(
        client.post(f"/organizations/{made.code}/move/", {"parent": group.code, "reason": "理顺"})
    )
    assert rows() == before


def test_transfer_to_another_unit(world: World, login) -> None:
    made = make_organization(world.right)
    url = f"/organizations/{made.code}/transfer/"
    response = login(world.top).post(url, {"unit": "left", "on": "2020-02-15", "reason": "支援"}, follow=True)
    assert "已提交审批,批准前仍按原内容统计" in said(response)
    approve_all()
    assert Organization.objects.get(pk=made.pk).unit == world.left
    assert made.placements.count() == 2


def test_transfer_needs_the_right_to_enter_there_too(world: World, login) -> None:
    made = make_organization(world.right)
    url = f"/organizations/{made.code}/transfer/"
    client = login(world.right)
    assert "unit" in errors(client.post(url, {"unit": "left", "on": "2020-02-15", "reason": "支援"}))
    user = User.objects.get(pk=client.session["_auth_user_id"])
    Grant.objects.create(user=user, unit=world.left, role="viewer", started_on=date(2020, 1, 1))
    assert "unit" in errors(client.post(url, {"unit": "left", "on": "2020-02-15", "reason": "支援"}))
    assert Organization.objects.get(pk=made.pk).unit == world.right
    Grant.objects.filter(user=user, unit=world.left).update(role="clerk")
    late = client.post(url, {"unit": "left", "on": "2020-01-15", "reason": "支援"})
    assert "on" in errors(late)
    assert client.post(url, {"unit": "left", "on": "2020-02-15", "reason": "支援"}).status_code == 302


# --- Dissolve and withdraw ------------------------------------------------------------------------


def test_dissolving_says_what_ends_and_ends_it(world: World, login) -> None:
    made = make_organization(world.right, name="右局临时党支部")
    group = make_organization(world.right, "group", parent=made, name="一组")
    assign(made, world.people[0])
    assign(group, world.people[1])
    url = f"/organizations/{made.code}/dissolve/"
    client = login(world.right)
    page = client.get(url, {"as_of": "2020-03-01"})
    text = page.content.decode()
    assert "结束 2 人次编入" in text
    assert "下级组织 1 个" in text
    assert "一组" in text
    planned = page.context["form"]["planned"].value()
    data = {"on": "2020-03-01", "document_number": "撤〔2020〕1号", "reason": "任务完成", "planned": planned}
    response = client.post(f"{url}?as_of=2020-03-01", data, follow=True)
    assert "已提交审批,批准前仍按原内容统计" in said(response)
    approve_all()
    for row in Organization.objects.filter(pk__in=(made.pk, group.pk)):
        assert (row.dissolved_on, row.dissolution_number) == (date(2020, 3, 1), "撤〔2020〕1号")
    ended = Assignment.objects.filter(organization__in=(made, group))
    assert set(ended.values_list("ended_on", flat=True)) == {date(2020, 3, 1)}


def test_another_day_that_ends_something_else_is_asked_again(world: World, login) -> None:
    made = make_organization(world.right)
    assign(made, world.people[0])
    assign(made, world.people[1], ended_on=date(2020, 2, 20))
    url = f"/organizations/{made.code}/dissolve/?as_of=2020-03-01"
    client = login(world.right)
    planned = client.get(url).context["form"]["planned"].value()
    data = {"on": "2020-02-20", "planned": planned, "reason": "任务完成"}
    data["on"] = "2020-02-15"
    response = client.post(url, data)
    assert "结束 2 人次编入" in response.context["warnings"][0]
    assert Organization.objects.get(pk=made.pk).dissolved_on is None
    assert client.post(url, {**data, "confirmed": response.context["confirmed"]}).status_code == 302
    approve_all()
    assert Organization.objects.get(pk=made.pk).dissolved_on == date(2020, 2, 15)


def test_a_day_before_a_member_came_is_refused(world: World, login) -> None:
    made = make_organization(world.right)
    assign(made, world.people[0], started_on=date(2020, 2, 20))
    url = f"/organizations/{made.code}/dissolve/"
    client = login(world.right)
    response = client.post(url, {"on": "2020-02-10", "reason": "我的原因"})
    assert "冯一" in errors(response)["on"][0]
    assert "我的原因" in response.content.decode()
    assert Organization.objects.get(pk=made.pk).dissolved_on is None


def test_withdraw_needs_a_reason_and_nothing_below(world: World, login) -> None:
    made = make_organization(world.right)
    group = make_organization(world.right, "group", parent=made)
    client = login(world.right)
    url = f"/organizations/{made.code}/withdraw/"
    assert "reason" in errors(client.post(url, {"reason": " "}))
    assert "__all__" in errors(client.post(url, {"reason": "误录"}))
    client.post(f"/organizations/{group.code}/withdraw/", {"reason": "误录"})
    approve_all()
    assert client.post(url, {"reason": "误录"}).status_code == 302
    approve_all()
    assert Organization.objects.get(pk=made.pk).state == "withdrawn"


# --- Approval -------------------------------------------------------------------------------------


def test_submit_approve_and_return(world: World, login) -> None:
    made = make_organization(world.right, state="draft")
    base = f"/organizations/{made.code}"
    assert login(world.right, "clerk").post(f"{base}/submit/").status_code == 302
    assert Organization.objects.get(pk=made.pk).state == "submitted"
    approver = login(world.top, "approver")
    assert "reason" in errors(approver.post(f"{base}/return/"))
    assert approver.post(f"{base}/return/", {"reason": "缺批复"}).status_code == 302
    assert Organization.objects.get(pk=made.pk).state == "returned"
    assert "__all__" in errors(approver.post(f"{base}/approve/"))
    login(world.right, "clerk").post(f"{base}/submit/")
    approver = login(world.top, "approver")
    sent = {"approval_number": "批〔2020〕9号", "approved_on": "2020-02-03"}
    assert "请选择批准成立" in errors(approver.post(f"{base}/approve/", sent))["approving_organization"][0]
    sent["approving_organization"] = world.above.code
    response = approver.post(f"{base}/approve/", sent, follow=True)
    row = Organization.objects.get(pk=made.pk)
    assert (row.state, row.approval_number) == ("approved", "批〔2020〕9号")
    assert (row.approving_organization, row.approved_on) == (world.above, date(2020, 2, 3))
    assert "已批准" in said(response)


def test_today_is_the_day_unless_the_address_says_another(world: World, login) -> None:
    before = Person.objects.count()
    form = login(world.top).get(REGISTER).context["form"]
    assert form["established_on"].value() == timezone.localdate()
    assert Person.objects.count() == before
