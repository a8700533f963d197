"""Separation of duties: what two managers do together or one from above; which roles exclude each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from registry.accounts import grants, proposals
from registry.accounts import operations as accounts
from registry.audit import Actor
from registry.models import AuditEntry, Grant, Proposal, User
from registry.operations.take_back import take_back
from registry.operations.units import move_unit
from registry.refusals import OperationRefused
from tests.asking import queries_again
from tests.factories import ACTOR, make_user
from tests.world import World

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate()
WHO = ("auditor", "approver", "second")
"""Whom no manager of the same unit touches alone."""


def build_world() -> World:
    """The world of all tests; two managers of the left bureau, one above, and whom they watch over."""
    made = World()
    made.first = make_user("first", made.left, "manager", display_name="甲管理")
    made.second = make_user("second", made.left, "manager", display_name="乙管理")
    made.above = make_user("above", made.top, "manager", display_name="厅管理")
    made.auditor = make_user("auditor", made.left, "auditor", display_name="审计员")
    made.approver = make_user("approver", made.left, "approver", display_name="审批人")
    made.viewer = make_user("viewer", made.left, "viewer", display_name="看的人")
    return made


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def first(world: World) -> Client:
    return browser(world.first)


@pytest.fixture
def second(world: World) -> Client:
    return browser(world.second)


def state() -> list[Any]:
    columns = ("pk", "username", "password", "is_active", "must_change_password")
    return [list(User.objects.order_by("pk").values(*columns)), list(Grant.objects.order_by("pk").values())]


def errors(response: Any) -> str:
    return str(response.context["form"].errors)


def acts(user: User) -> list[tuple[str, dict[str, str]]]:
    """What a manager sends about a user: the address and the form."""
    grant = Grant.objects.get(user=user)
    page = f"/users/{user.pk}/"
    return [
        (f"{page}password/", {"reason": "忘记密码"}),
        (f"{page}disable/", {"reason": "离职"}),
        (f"/users/grants/{grant.pk}/end/", {"reason": "调离"}),
        (f"{page}edit/", {"username": f"{user.username}2", "display_name": "某人", "reason": "更正"}),
    ]


# --- One manager alone ------------------------------------------------------------------------------


@pytest.mark.parametrize("who", WHO)
def test_a_manager_of_the_unit_only_proposes_it(world: World, first: Client, who: str) -> None:
    user = getattr(world, who)
    before = state()
    for address, sent in acts(user):
        assert "另一位管理员" in first.post(address, sent, follow=True).content.decode(), address
    assert state() == before
    verbs = ["set_one_time_password", "disable_user", "end_grant", "edit_user"]
    assert list(Proposal.objects.order_by("pk").values_list("verb", flat=True)) == verbs
    told = AuditEntry.objects.filter(verb="propose").order_by("pk")
    assert [(entry.user, entry.object_id, entry.unit) for entry in told] == [
        (world.first, user.pk, world.left)
    ] * 4
    # The page of the user says what waits, and for whom; the list of who may confirm it, too.
    page = first.get(f"/users/{user.pk}/").content.decode()
    assert "停用用户" in page
    assert "甲管理" in page
    assert page.count("乙管理(左局)") == (0 if who == "second" else 4)
    # Proposed once is enough.
    assert "已经提出" in errors(first.post(*acts(user)[1]))


def test_nobody_logs_in_as_the_auditor_whose_password_one_manager_set(world: World, first: Client) -> None:
    response = first.post(f"/users/{world.auditor.pk}/password/", {"reason": "忘记密码"})
    half = response.context["half"]
    assert half in response.content.decode()
    stranger = Client()
    stranger.post("/login/", {"username": "auditor", "password": half})
    assert SESSION_KEY not in stranger.session
    assert not User.objects.get(pk=world.auditor.pk).must_change_password


@pytest.mark.parametrize("role", ["auditor", "approver", "manager"])
def test_appointing_takes_two(world: World, first: Client, second: Client, role: str) -> None:
    sent = {"unit": "left", "role": role, "started_on": TODAY.isoformat()}
    response = first.post(f"/users/{world.viewer.pk}/grant/", sent, follow=True)
    assert "可以确认的有:乙管理(左局)、上级" not in response.content.decode()
    assert "乙管理(左局)" in response.content.decode()
    assert not Grant.objects.filter(user=world.viewer, role=role).exists()
    proposal = Proposal.objects.get()
    second.post(f"/users/proposals/{proposal.pk}/confirm/", {})
    grant = Grant.objects.get(user=world.viewer, role=role)
    assert grant.started_on == TODAY
    entry = AuditEntry.objects.get(verb="confirm_proposal")
    assert (entry.user, entry.after["proposed_by"]) == (world.second, "甲管理")
    assert AuditEntry.objects.get(verb="grant_role").user == world.second


def test_a_clerk_or_viewer_is_one_managers_to_appoint(world: World, first: Client) -> None:
    first.post(
        f"/users/{world.viewer.pk}/grant/", {"unit": "left", "role": "clerk", "started_on": f"{TODAY}"}
    )
    assert Grant.objects.filter(user=world.viewer, role="clerk").exists()
    assert not Proposal.objects.exists()


def test_below_the_own_unit_one_manager_does_it_alone(world: World, first: Client) -> None:
    sent = {"unit": "station", "role": "approver", "started_on": f"{TODAY}"}
    first.post(f"/users/{world.viewer.pk}/grant/", sent)
    assert Grant.objects.filter(user=world.viewer, role="approver", unit=world.station).exists()


@pytest.mark.parametrize("who", ["above", "root"])
def test_from_above_it_is_done_at_once(world: World, who: str) -> None:
    client = browser(world.above if who == "above" else make_user("root", is_superuser=True))
    for user in (world.auditor, world.approver, world.second):
        client.post(f"/users/{user.pk}/disable/", {"reason": "离职"})
        assert not User.objects.get(pk=user.pk).is_active
    assert not Proposal.objects.exists()


def test_a_new_auditor_comes_in_with_both_halves(world: World, first: Client, second: Client) -> None:
    sent = {"username": "wangwu", "display_name": "王五", "unit": "left", "role": "auditor"}
    half = first.post("/users/add/", {**sent, "started_on": f"{TODAY}"}).context["half"]
    assert not User.objects.filter(username="wangwu").exists()
    proposal = Proposal.objects.get()
    assert "王五(wangwu)" in second.get("/users/proposals/").content.decode()
    response = second.post(f"/users/proposals/{proposal.pk}/confirm/", {})
    rest = response.context["password"]
    assert "后半段" in response.content.decode()
    for password, opens in ((rest, False), (half, False), (half + rest, True)):
        client = Client()
        client.post("/login/", {"username": "wangwu", "password": password})
        assert (SESSION_KEY in client.session) is opens
    assert Proposal.objects.get().first_half == ""
    assert half not in str(list(AuditEntry.objects.values()))


def test_a_reset_takes_both_halves(world: World, first: Client, second: Client) -> None:
    half = first.post(f"/users/{world.auditor.pk}/password/", {"reason": "忘记密码"}).context["half"]
    response = second.post(f"/users/proposals/{Proposal.objects.get().pk}/confirm/", {})
    auditor = User.objects.get(pk=world.auditor.pk)
    assert auditor.check_password(half + response.context["password"])
    assert auditor.must_change_password


# --- Who confirms -----------------------------------------------------------------------------------


def proposed(world: World) -> Proposal:
    act = proposals.or_propose(accounts.disable_user)
    made = act(actor=Actor(world.first, "甲管理"), user=world.auditor, reason="离职")
    assert isinstance(made, Proposal)
    return made


def test_neither_the_proposer_nor_the_person_concerned_nor_somebody_elsewhere(world: World) -> None:
    proposal = proposed(world)
    about = proposals.or_propose(accounts.disable_user)(
        actor=Actor(world.first, "甲管理"), user=world.second, reason="离职"
    )
    elsewhere = make_user("elsewhere", world.right, "manager")
    before = state()
    for user, each, status in (
        (world.first, proposal, 404),
        (world.second, about, 404),
        (elsewhere, proposal, 404),
        (world.viewer, proposal, 403),
        (world.auditor, proposal, 403),
    ):
        address = f"/users/proposals/{each.pk}/confirm/"
        assert browser(user).get(address).status_code == status
        assert browser(user).post(address, {}).status_code == status
    for user, said in ((world.first, "自己提出"), (elsewhere, "权限")):
        with pytest.raises(OperationRefused, match=said):
            proposals.confirm_proposal(actor=Actor(user, "x"), proposal=proposal)
    with pytest.raises(OperationRefused, match="与自己有关"):
        proposals.confirm_proposal(actor=Actor(world.second, "x"), proposal=about)
    assert state() == before


def test_it_waits_on_the_unit_page_of_who_may_confirm(world: World, first: Client, second: Client) -> None:
    proposed(world)
    assert "账号事项待确认" in second.get("/units/left/").content.decode()
    assert "账号事项待确认" not in first.get("/units/left/").content.decode()
    assert "待确认 1" in first.get("/users/").content.decode()


def test_the_list_asks_the_same_number_of_queries_with_more_rows(world: World, second: Client) -> None:
    def propose_the_end(name: str) -> None:
        made = make_user(name, world.left, "approver").grants.get()
        proposals.or_propose(grants.end_grant)(actor=Actor(world.first, "甲管理"), grant=made, reason="调离")

    propose_the_end("one")
    one = queries_again(lambda: second.get("/users/proposals/"))
    for name in ("two", "three"):
        propose_the_end(name)
    three = queries_again(lambda: second.get("/users/proposals/"))
    lines = second.get("/users/proposals/").context["lines"]
    assert [line["said"].partition("·")[0] for line in lines] == [
        "结束授权:one ",
        "结束授权:two ",
        "结束授权:three ",
    ]
    assert three == one


def test_after_a_week_it_must_be_proposed_again(world: World, second: Client) -> None:
    proposal = proposed(world)
    Proposal.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert second.post(f"/users/proposals/{proposal.pk}/confirm/", {}).status_code == 404
    with pytest.raises(OperationRefused, match="超过 7 天"):
        proposals.confirm_proposal(actor=Actor(world.second, "x"), proposal=proposal)
    assert "没有待确认的事项" in second.get("/users/proposals/").content.decode()


def test_what_was_decided_is_not_decided_again(world: World, first: Client, second: Client) -> None:
    proposal = proposed(world)
    assert "reason" in errors(first.post(f"/users/proposals/{proposal.pk}/drop/", {}))
    first.post(f"/users/proposals/{proposal.pk}/drop/", {"reason": "弄错了"})
    assert second.post(f"/users/proposals/{proposal.pk}/confirm/", {}).status_code == 404
    with pytest.raises(OperationRefused, match="办理过"):
        proposals.confirm_proposal(actor=Actor(world.second, "x"), proposal=proposal)
    assert AuditEntry.objects.get(verb="drop_proposal").reason == "弄错了"
    assert User.objects.get(pk=world.auditor.pk).is_active


def test_a_proposal_of_who_manages_no_more_is_void(world: World) -> None:
    proposal = proposed(world)
    Grant.objects.filter(user=world.first).update(ended_on=TODAY)
    with pytest.raises(OperationRefused, match="重新提出"):
        proposals.confirm_proposal(actor=Actor(world.second, "x"), proposal=proposal)


def test_the_rules_are_asked_again_when_it_is_confirmed(world: World, second: Client) -> None:
    proposal = proposed(world)
    accounts.disable_user(actor=ACTOR, user=world.auditor, reason="离职")
    assert "已经停用" in errors(second.post(f"/users/proposals/{proposal.pk}/confirm/", {}))
    assert Proposal.objects.get().outcome == Proposal.WAITING


def test_a_single_manager_is_told_what_happens(world: World, first: Client) -> None:
    Grant.objects.filter(user__in=[world.second, world.above]).update(ended_on=TODAY)
    page = first.post(
        f"/users/{world.approver.pk}/disable/", {"reason": "离职"}, follow=True
    ).content.decode()
    assert "没有别的管理员,请系统管理员在页面上或服务器上直接办理" in page
    Grant.objects.filter(user=world.above).update(ended_on=None)
    assert "上级单位的管理员" in first.get(f"/users/{world.approver.pk}/").content.decode()


# --- No other door ------------------------------------------------------------------------------------


def test_what_was_ended_by_two_is_not_taken_back_by_one(world: World) -> None:
    grants.end_grant(actor=ACTOR, grant=Grant.objects.get(user=world.auditor), reason="调离")
    entry = AuditEntry.objects.get(verb="end_grant")
    with pytest.raises(OperationRefused, match="两人办理"):
        take_back(actor=Actor(world.first, "x"), entry=entry, reason="没有调离")
    take_back(actor=Actor(world.above, "x"), entry=entry, reason="没有调离")
    assert Grant.objects.get(user=world.auditor).ended_on is None


def test_slips_are_not_printed_for_them(world: World, first: Client) -> None:
    User.objects.update(must_change_password=True, last_login=None)
    User.objects.filter(pk=world.first.pk).update(must_change_password=False)
    assert [row.user.username for row in first.get("/users/slips/").context["listed"]] == ["viewer"]
    assert "users" in first.post("/users/slips/", {"users": [world.auditor.pk]}).context["form"].errors
    with pytest.raises(OperationRefused, match="两人办理"):
        accounts.set_one_time_passwords(actor=Actor(world.first, "x"), users=[world.auditor])


# --- Roles that exclude each other ------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["clerk", "approver", "manager"])
@pytest.mark.parametrize("at", ["top", "left", "station"])
def test_an_auditor_gets_nothing_that_is_audited(world: World, role: str, at: str) -> None:
    facts = {"actor": ACTOR, "unit": getattr(world, at), "role": role, "started_on": TODAY}
    with pytest.raises(OperationRefused, match="审计与录入、审批、管理员须由不同的人担任"):
        grants.grant_role(user=world.auditor, **facts)
    grants.grant_role(user=world.auditor, **{**facts, "unit": world.right})
    grants.grant_role(user=world.auditor, **{**facts, "role": "viewer"})


def test_nor_the_other_way_round_but_one_after_the_other(world: World) -> None:
    facts = {"actor": ACTOR, "user": world.approver, "unit": world.left, "role": "auditor"}
    with pytest.raises(OperationRefused) as told:
        grants.grant_role(started_on=TODAY, **facts)
    assert list(told.value.message_dict) == ["role"]
    Grant.objects.filter(user=world.approver).update(ended_on=TODAY + timedelta(days=3))
    with pytest.raises(OperationRefused):
        grants.grant_role(started_on=TODAY + timedelta(days=2), **facts)
    grants.grant_role(started_on=TODAY + timedelta(days=3), **facts)


def test_two_logins_of_one_person_are_one(world: World) -> None:
    User.objects.filter(pk__in=[world.auditor.pk]).update(person=world.full)
    world.viewer.refresh_from_db()
    facts = {"actor": ACTOR, "user": world.viewer}
    accounts.edit_user(changes={"person": world.full}, reason="本人", **facts)
    with pytest.raises(OperationRefused, match="不同的人"):
        grants.grant_role(unit=world.left, role="clerk", started_on=TODAY, **facts)
    accounts.edit_user(changes={"person": None}, reason="不是", **facts)
    grants.grant_role(unit=world.left, role="clerk", started_on=TODAY, **facts)
    with pytest.raises(OperationRefused) as told:
        accounts.edit_user(changes={"person": world.full}, reason="本人", **facts)
    assert list(told.value.message_dict) == ["person"]


def test_who_may_do_everything_audits_nothing(world: World) -> None:
    root = make_user("root", is_superuser=True)
    with pytest.raises(OperationRefused, match="系统管理员"):
        grants.grant_role(actor=ACTOR, user=root, unit=world.left, role="auditor", started_on=TODAY)


def test_the_command_is_no_way_round_and_is_recorded(world: World) -> None:
    with pytest.raises(CommandError, match="不同的人"):
        call_command("grant", "auditor", "left", "clerk")
    call_command("grant", "viewer", "left", "auditor")
    entry = AuditEntry.objects.get(verb="grant_role")
    assert (entry.actor[:5], entry.after["role"]) == ("授权命令(", "auditor")
    call_command("grant", "viewer", "left", "auditor", "--end", "换人")
    entry = AuditEntry.objects.get(verb="end_grant")
    assert (entry.actor[:5], entry.reason, entry.object_id) == ("授权命令(", "换人", world.viewer.pk)
    with pytest.raises(CommandError, match="没有“审计”授权"):
        call_command("grant", "viewer", "left", "auditor", "--end", "换人")
    with pytest.raises(CommandError, match="请填写原因"):
        call_command("grant", "approver", "left", "approver", "--end", "")


def test_a_unit_is_not_moved_so_that_they_meet(world: World) -> None:
    grants.grant_role(actor=ACTOR, user=world.auditor, unit=world.right, role="clerk", started_on=TODAY)
    with pytest.raises(OperationRefused) as told:
        move_unit(actor=ACTOR, unit=world.right, superior=world.left, on=TODAY, reason="划转")
    assert list(told.value.message_dict) == ["superior"]
    assert "“审计员”在“右公安局”有“录入”授权" in str(told.value.message_dict)
