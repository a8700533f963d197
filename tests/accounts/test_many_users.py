"""Many users at once: from a sheet, with slips to print; and what can be corrected about one."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openpyxl import Workbook, load_workbook

from registry.accounts import operations as accounts
from registry.audit import Actor
from registry.imports import background as importing
from registry.imports.models import Import, ImportLine, ImportState
from registry.models import AuditEntry, Grant, User
from registry.refusals import OperationRefused
from tests.accounts.test_users import build_world as users_of_the_world
from tests.factories import ACTOR, make_person, make_unit, make_user
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

HEADERS = ("用户名", "姓名", "单位", "角色", "到期日期", "警号")


def build_world() -> World:
    """A manager of the left bureau, and users everywhere."""
    return users_of_the_world()


@pytest.fixture
def manager(world: World, client: Client) -> Client:
    client.force_login(world.manager)
    return client


def hand_in(user: User, *rows: tuple[Any, ...]) -> Import:
    book = Workbook()
    sheet = book.active
    sheet.title = "用户"
    for row in (HEADERS, *rows):
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    made = importing.hand_in(actor=ACTOR, user=user, file_name="用户.xlsx", content=file.getvalue())
    made.refresh_from_db()
    return made


def problems(made: Import) -> list[tuple[str, str]]:
    lines = ImportLine.objects.filter(of=made).order_by("place")
    return [(each["address"], each["message"]) for line in lines for each in line.problems]


def held(username: str) -> list[tuple[str, str]]:
    return list(
        Grant.objects.filter(user__username=username).order_by("pk").values_list("unit__code", "role")
    )


# --- From a sheet ------------------------------------------------------------------------------------


def test_users_come_in_from_a_sheet_by_the_names_of_units(world: World) -> None:
    end = timezone.localdate() + timedelta(days=30)
    made = hand_in(
        world.manager,
        ("wangwu", "王五", "左派出所", "录入", None, None),
        ("wangwu", "王五", "左局", "查看", end, None),
        ("zhaoyi", "赵一", "station", "审批", None, "001001"),
        ("clerk", "赵一", "左派出所", "审批", None, None),
        ("clerk", "赵一", "station", "录入", None, None),
    )
    assert problems(made) == []
    assert made.counts == {"users": {"new": 4, "unchanged": 1}}
    importing.confirm(actor=ACTOR, import_=made, reason="首批用户")
    made.refresh_from_db()
    assert made.state == ImportState.WRITTEN, made.message
    assert held("wangwu") == [("station", "clerk"), ("left", "viewer")]
    assert held("clerk") == [("station", "clerk"), ("station", "approver")]
    user = User.objects.get(username="zhaoyi")
    assert (user.display_name, user.person, user.must_change_password) == ("赵一", world.full, True)
    assert not user.has_usable_password()
    entry = AuditEntry.objects.get(verb="add_user", object_name="王五")
    assert entry.unit == world.station
    assert "首批用户" in entry.reason


def test_a_sheet_is_no_way_round_the_second_manager_nor_around_roles_that_exclude_each_other(
    world: World,
) -> None:
    make_user("auditor", world.station, "auditor", display_name="审计员", person=world.full)
    made = hand_in(
        world.manager,
        ("wangwu", "王五", "左局", "审批"),
        ("zhaoliu", "赵六", "左派出所", "审计"),
        ("zhaoliu", "赵六", "左局", "录入"),
        ("auditor", "审计员", "左派出所", "录入"),
        ("zhaoyi", "赵一", "左派出所", "录入", None, "001001"),
        ("clerk", "赵一", "左局", "审计"),
    )
    found = problems(made)
    assert [(address.removeprefix("用户!"), message[:5]) for address, message in found] == [
        ("D2", "这一角色须"),
        *((address, "该用户在“") for address in ("D4", "D5", "D6", "D7")),
        ("D7", "这一角色须"),
    ]
    new = accounts.NewUser("wangwu", "王五", world.left, "approver")
    with pytest.raises(OperationRefused, match="两人办理"):
        accounts.add_users(actor=Actor(world.manager, "x"), users=[new])
    assert not User.objects.filter(username="wangwu").exists()


def test_an_import_of_users_is_not_taken_back_but_says_what_to_do(world: World, manager: Client) -> None:
    made = hand_in(world.manager, ("wangwu", "王五", "左派出所", "录入"))
    importing.confirm(actor=Actor(user=world.manager, name="局长"), import_=made, reason="")
    page = manager.get(f"/imports/{made.pk}/undo/").content.decode()
    assert "添加了用户,不能撤回;请在用户页面停用或更正。" in page
    manager.post(f"/imports/{made.pk}/undo/", {"reason": "误导入"})
    made.refresh_from_db()
    assert made.state == ImportState.WRITTEN
    assert held("wangwu") == [("station", "clerk")]


def test_each_wrong_row_says_what_is_wrong_at_its_cell(world: World) -> None:
    make_unit("other", world.station, name="左派出所")
    over = timezone.localdate()
    made = hand_in(
        world.manager,
        ("wang wu/", "王五", "左局", "录入"),
        ("wangwu", None, "左局", "局长"),
        ("lisi", "李四", "右局", "录入"),
        ("lisan", "李三", "左派出所", "录入"),
        ("foreign", "钱二", "左局", "录入"),
        ("clerk", "赵二", "左局", "录入"),
        ("root", "", "左局", "录入"),
        ("sunsan", "孙三", "左局", "录入", over, "001004"),
        ("zhouwu", "周五", "左局", "录入", None, "001001"),
    )
    said = problems(made)
    assert [address for address, _ in said] == [
        *("用户!A2", "用户!D3", "用户!B3", "用户!C4", "用户!C5", "用户!A6", "用户!B7"),
        *("用户!B8", "用户!A8", "用户!F9", "用户!E9", "用户!F10"),
    ]
    words = dict(said)
    assert words["用户!C4"] == "没有代码或名称为“右局”的单位,或不在您的管理范围内。"
    assert "有 2 个单位叫“左派出所”" in words["用户!C5"]
    assert words["用户!A6"] == "用户名“foreign”不能使用,请核对或换一个。"
    assert "姓名是“赵一”" in words["用户!B7"]
    assert words["用户!F10"] == "警号“001001”的人员不叫“周五”,请核对。"
    assert not User.objects.filter(username="wangwu").exists()


def test_who_does_not_manage_hands_in_no_users(world: World, client: Client) -> None:
    assert [address for address, _ in problems(hand_in(world.clerk, ("a1", "甲", "左派出所", "查看")))] == [
        "用户!C2"
    ]
    client.force_login(world.clerk)
    assert "用户" not in [each["title"] for each in client.get("/imports/").context["templates"]]
    assert client.get("/imports/templates/users/").status_code == 404


def test_the_template_of_users_is_for_managers_and_apart(manager: Client) -> None:
    assert [each["title"] for each in manager.get("/imports/").context["templates"]][-1] == "用户"
    answer = manager.get("/imports/templates/users/")
    sheet = load_workbook(io.BytesIO(answer.content))["用户"]
    assert [cell.value for cell in sheet[2]] == ["用户名 *", "姓名 *", "单位 *", "角色 *", "到期日期", "警号"]
    every = load_workbook(io.BytesIO(manager.get("/imports/templates/all/").content))
    assert "用户" not in every.sheetnames


# --- Slips -------------------------------------------------------------------------------------------


def new_users(world: World, *names: str) -> list[User]:
    new = [accounts.NewUser(name, f"新{name}", world.station, "clerk") for name in names]
    return accounts.add_users(actor=ACTOR, users=new)


def test_slips_are_printed_for_those_who_never_logged_in(world: World, manager: Client) -> None:
    first, second = new_users(world, "first", "second")
    shown = manager.get("/users/slips/")
    assert [row.user.username for row in shown.context["listed"]] == ["first", "second"]
    answer = manager.post("/users/slips/", {"users": [first.pk, second.pk]})
    slips = {row.user.username: password for row, password in answer.context["slips"]}
    page = answer.content.decode()
    for name, password in slips.items():
        assert password in page
        assert authenticate(HttpRequest(), username=name, password=password) is not None
        assert not AuditEntry.objects.filter(after__icontains=password).exists()
    assert "http://testserver/login/" in page
    assert "no-store" in answer.headers["Cache-Control"]
    assert AuditEntry.objects.filter(verb="set_one_time_password", reason="印发密码条").count() == 2
    # Shown once: the page to choose from holds none of them.
    assert not any(password in manager.get("/users/slips/").content.decode() for password in slips.values())


def test_a_slip_is_for_once_and_whoever_logged_in_gets_none(world: World, manager: Client) -> None:
    (user,) = new_users(world, "first")
    ((_row, password),) = manager.post("/users/slips/", {"users": [user.pk]}).context["slips"]
    browser = Client()
    went = browser.post("/login/", {"username": "first", "password": password}, follow=True)
    assert went.redirect_chain[-1][0].startswith("/account/password/")
    assert manager.get("/users/slips/").context["listed"] == []
    assert "没有还未登录过的用户" in manager.get("/users/slips/").content.decode()
    assert manager.post("/users/slips/", {"users": [user.pk]}).context["form"].errors


def test_slips_of_others_are_not_made(world: World, manager: Client) -> None:
    accounts.add_users(actor=ACTOR, users=[accounts.NewUser("far", "远", world.right, "clerk")])
    both = [accounts.NewUser("both", "两处", unit, "clerk") for unit in (world.station, world.right)]
    accounts.add_users(actor=ACTOR, users=both)
    assert manager.get("/users/slips/").context["listed"] == []
    for name in ("far", "both", "clerk"):
        user = User.objects.get(username=name)
        assert manager.post("/users/slips/", {"users": [user.pk]}).context["form"].errors["users"]
        assert User.objects.get(pk=user.pk).password == user.password


def test_a_batch_is_one_page(world: World, manager: Client) -> None:
    new_users(world, *(f"u{number:02}" for number in range(accounts.MOST_SLIPS + 1)))
    assert len(manager.get("/users/slips/").context["listed"]) == accounts.MOST_SLIPS


def test_the_choice_asks_the_same_number_of_queries_for_one_and_for_three(
    world: World, manager: Client
) -> None:
    new_users(world, "first")
    manager.get("/users/slips/")
    with CaptureQueriesContext(connection) as one:
        manager.get("/users/slips/")
    new_users(world, "second", "third")
    with CaptureQueriesContext(connection) as three:
        manager.get("/users/slips/")
    assert len(one) == len(three)


# --- Corrected ---------------------------------------------------------------------------------------


def test_account_and_name_are_corrected_with_a_reason(world: World, manager: Client) -> None:
    url = f"/users/{world.clerk.pk}/edit/"
    sent = {"username": "zhaoyi", "display_name": "赵壹", "person": "", "reason": "同音字"}
    assert manager.get(url).context["form"]["username"].value() == "clerk"
    assert manager.post(url, {**sent, "reason": ""}).context["form"].errors["reason"]
    assert manager.post(url, sent).headers["Location"] == f"/users/{world.clerk.pk}/"
    user = User.objects.get(pk=world.clerk.pk)
    assert (user.username, user.display_name) == ("zhaoyi", "赵壹")
    entry = AuditEntry.objects.get(verb="edit_user")
    assert (entry.before, entry.after, entry.reason) == (
        {"username": "clerk", "display_name": "赵一"},
        {"username": "zhaoyi", "display_name": "赵壹"},
        "同音字",
    )


@pytest.mark.parametrize("username", ["MANAGER", "zhao yi", ""])
def test_an_account_name_that_cannot_be(world: World, manager: Client, username: str) -> None:
    sent = {"username": username, "display_name": "赵一", "reason": "更正"}
    answer = manager.post(f"/users/{world.clerk.pk}/edit/", sent)
    assert list(answer.context["form"].errors) == ["username"]
    assert User.objects.get(pk=world.clerk.pk).username == "clerk"


def test_a_manager_corrects_the_own_name_but_not_that_of_others(world: World, manager: Client) -> None:
    sent = {"username": "manager", "display_name": "张局", "reason": "建账号时写错"}
    assert manager.post(f"/users/{world.manager.pk}/edit/", sent).status_code == 302
    assert User.objects.get(pk=world.manager.pk).display_name == "张局"
    for other in (world.foreign, world.shared, world.root):
        assert manager.post(f"/users/{other.pk}/edit/", sent).status_code == 404


def test_a_user_is_linked_to_a_person_and_both_pages_say_so(world: World, manager: Client) -> None:
    sent = {"username": "clerk", "display_name": "赵一", "person": "001001", "reason": "本人"}
    manager.post(f"/users/{world.clerk.pk}/edit/", sent)
    assert User.objects.get(pk=world.clerk.pk).person == world.full
    assert (
        f'href="/people/{world.full.number}/">赵一</a>'
        in manager.get(f"/users/{world.clerk.pk}/").content.decode()
    )
    person = f"/people/{world.full.number}/"
    assert f'href="/users/{world.clerk.pk}/">clerk</a>' in manager.get(person).content.decode()
    reader = Client()
    reader.force_login(make_user(unit=world.left, role="clerk"))
    assert "登录用户" not in reader.get(person).content.decode()
    # Somebody elsewhere is not found.
    far = {**sent, "person": make_person(unit=world.right).number}
    assert manager.post(f"/users/{world.clerk.pk}/edit/", far).context["form"].errors["person"]
