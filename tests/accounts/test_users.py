"""The users page: what a manager sees and may do in the own subtree, and nowhere else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.models import AuditEntry, Grant, Session, Unit, User
from tests.factories import make_user
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

PASSWORD = "correct horse battery"
TODAY = timezone.localdate().isoformat()


def give(user: User, unit: Unit, role: str, start: date = date(2020, 1, 1), end: date | None = None) -> Grant:
    return Grant.objects.create(user=user, unit=unit, role=role, started_on=start, ended_on=end)


def build_world() -> World:
    """The world of all tests; a manager of the left bureau, and users everywhere."""
    made = World()
    made.manager = make_user("manager", made.left)
    made.clerk = make_user("clerk", made.station, "clerk", display_name="赵一")
    made.foreign = make_user("foreign", made.right, "clerk", display_name="钱二")
    made.above = make_user("above", made.top, "manager")
    made.shared = make_user("shared", made.station, "viewer")
    give(made.shared, made.right, "viewer")
    made.root = User.objects.create_superuser("root", password=PASSWORD)
    give(made.root, made.station, "viewer")
    return made


@pytest.fixture
def manager(world: World, client: Client) -> Client:
    client.force_login(world.manager)
    return client


def everything() -> list[Any]:
    columns = ("pk", "username", "password", "is_active", "must_change_password", "is_superuser", "is_staff")
    return [
        list(User.objects.order_by("pk").values(*columns)),
        list(Grant.objects.order_by("pk").values()),
        AuditEntry.objects.count(),
    ]


def names(response: Any) -> list[str]:
    return [row.user.username for row in response.context["rows"]]


def errors(response: Any) -> dict[str, Any]:
    assert response.status_code == 200
    return {field: list(said) for field, said in response.context["form"].errors.items()}


ADDED = {
    "username": "wangwu",
    "display_name": "王五",
    "unit": "station",
    "role": "clerk",
    "started_on": TODAY,
    "ended_on": "",
}


# --- The list ------------------------------------------------------------------------------------


def test_the_list_holds_those_with_a_grant_inside_now_or_before(world: World, manager: Client) -> None:
    gone = make_user("gone")
    give(gone, world.station, "clerk", end=date(2020, 2, 1))
    response = manager.get("/users/")
    assert names(response) == ["clerk", "gone", "manager", "root", "shared"]
    page = response.content.decode()
    assert "钱二" not in page
    assert "右公安局" not in page
    assert "另有其他单位授权" in page


def test_filters_and_search(world: World, manager: Client) -> None:
    User.objects.filter(username="shared").update(is_active=False)
    assert names(manager.get("/users/?q=赵")) == ["clerk"]
    assert names(manager.get("/users/?q=CLERK")) == ["clerk"]
    assert names(manager.get("/users/?role=manager")) == ["manager"]
    assert names(manager.get("/users/?state=disabled")) == ["shared"]
    assert names(manager.get("/users/?state=none")) == []
    assert names(manager.get("/users/?unit=station")) == ["clerk", "root", "shared"]
    assert names(manager.get("/users/?sort=-username"))[0] == "shared"
    assert manager.get("/users/?unit=right").status_code == 404
    assert names(manager.get("/users/?q=%27%20OR%201=1--&role=x&state=y&sort=password")) == []
    # What is granted elsewhere must not be found out by filtering for it.
    give(world.shared, world.right, "auditor")
    assert names(manager.get("/users/?role=auditor")) == []


def test_the_list_asks_the_same_number_of_queries_with_more_rows(world: World, manager: Client) -> None:
    with CaptureQueriesContext(
        connection,
    ) as one:
        manager.get("/users/?q=clerk")
    for number in range(3):
        user = make_user(f"clerk{number}", world.station, "clerk")
        give(user, world.right, "viewer")
        give(user, world.left, "viewer")
    with CaptureQueriesContext(connection) as many:
        response = manager.get("/users/?q=clerk")
    assert len(response.context["rows"]) == 4
    assert len(one) == len(many)


def test_the_navigation_shows_the_page_to_managers_only(world: World, client: Client) -> None:
    for user, shown in ((world.manager, True), (world.clerk, False), (world.root, True)):
        client.force_login(user)
        assert ('href="/users/"' in client.get("/account/").content.decode()) is shown


# --- Adding and granting ---------------------------------------------------------------------------


def test_adding_shows_the_password_once_and_keeps_it_nowhere(world: World, manager: Client) -> None:
    response = manager.post("/users/add/", ADDED)
    password = response.context["password"]
    assert password in response.content.decode()
    assert response.headers["Cache-Control"] == "no-store, private"
    made = User.objects.get(username="wangwu")
    assert made.check_password(password)
    assert made.must_change_password
    assert password not in manager.get(f"/users/{made.pk}/").content.decode()
    assert password not in str([row.get_decoded() for row in Session.objects.all()])
    assert password not in str(response.cookies)
    entry = AuditEntry.objects.get(verb="add_user")
    assert (entry.user, entry.unit) == (world.manager, world.station)
    grant = AuditEntry.objects.get(verb="grant_role")
    assert (grant.unit, grant.after["role"]) == (world.station, "clerk")


def test_a_new_user_comes_in_once_with_it_and_sets_another(world: World, manager: Client) -> None:
    password = manager.post("/users/add/", ADDED).context["password"]
    client = Client()
    client.post("/login/", {"username": "wangwu", "password": password})
    assert client.get("/units/station/").url == "/account/password/"
    new = {"old_password": password, "new_password": "Xin-Ganlan-2020", "again": "Xin-Ganlan-2020"}
    client.post("/account/password/", new)
    assert client.get("/units/station/").status_code == 200
    assert client.get("/units/left/").status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "clerk"}, "username"),
        ({"username": "foreign"}, "username"),
        ({"username": "a b"}, "username"),
        ({"display_name": ""}, "display_name"),
        ({"unit": "right"}, "unit"),
        ({"unit": "top"}, "unit"),
        ({"unit": "nowhere"}, "unit"),
        ({"unit": ""}, "unit"),
        ({"role": "root"}, "role"),
        ({"role": ""}, "role"),
        ({"started_on": "x"}, "started_on"),
        ({"started_on": "2020-02-01"}, "started_on"),
        ({"ended_on": "2020-01-01"}, "ended_on"),
    ],
)
def test_adding_says_what_is_wrong_and_comes_back_filled(
    world: World, manager: Client, changes: dict[str, str], field: str
) -> None:
    before = everything()
    response = manager.post("/users/add/", {**ADDED, **changes})
    assert field in errors(response)
    assert f'value="{TODAY}"' in response.content.decode() or field == "started_on"
    assert everything() == before


def test_nothing_more_than_the_form_has_is_written(world: World, manager: Client) -> None:
    more = {
        "is_superuser": "1",
        "is_staff": "1",
        "is_active": "0",
        "password": "x",
        "must_change_password": "",
    }
    manager.post("/users/add/", {**ADDED, **more})
    made = User.objects.get(username="wangwu")
    assert (made.is_superuser, made.is_staff, made.is_active, made.must_change_password) == (
        False,
        False,
        True,
        True,
    )


def test_granting_and_ending(world: World, manager: Client) -> None:
    address = f"/users/{world.clerk.pk}/grant/?as_of=2020-02-20"
    sent = {"unit": "left", "role": "viewer", "started_on": TODAY}
    assert manager.post(address, sent).url == f"/users/{world.clerk.pk}/?as_of=2020-02-20"
    grant = Grant.objects.get(user=world.clerk, role="viewer")
    assert (grant.unit, grant.ended_on) == (world.left, None)
    assert "role" in errors(manager.post(address, sent))
    assert "unit" in errors(manager.post(address, {**sent, "unit": "top"}))
    assert "unit" in errors(manager.post(address, {**sent, "unit": "right"}))
    assert "reason" in errors(manager.post(f"/users/grants/{grant.pk}/end/", {}))
    response = manager.post(f"/users/grants/{grant.pk}/end/", {"reason": "轮岗"})
    assert response.url == f"/users/{world.clerk.pk}/"
    grant.refresh_from_db()
    assert grant.ended_on == timezone.localdate()
    assert "已结束“赵一”在" in manager.get("/users/").content.decode()


def test_a_grant_is_over_at_once(world: World, manager: Client) -> None:
    clerk = Client()
    clerk.force_login(world.clerk)
    assert clerk.get("/units/station/").status_code == 200
    grant = Grant.objects.get(user=world.clerk)
    manager.post(f"/users/grants/{grant.pk}/end/", {"reason": "调离"})
    assert clerk.get("/units/station/").status_code == 404


def test_disabling_enabling_and_a_new_password(world: World, manager: Client) -> None:
    page = f"/users/{world.clerk.pk}/"
    clerk = Client()
    clerk.force_login(world.clerk)
    assert "reason" in errors(manager.post(f"{page}disable/", {}))
    assert manager.post(f"{page}disable/", {"reason": "退休"}).url == page
    assert clerk.get("/account/").status_code == 302
    assert not Session.objects.filter(user=world.clerk).exists()
    assert manager.post(f"{page}enable/", {}).url == page
    AccessAttempt.objects.create(username="clerk", ip_address="10.1.1.1", failures_since_start=5)
    assert "reason" in errors(manager.post(f"{page}password/", {}))
    response = manager.post(f"{page}password/", {"reason": "忘记密码"})
    password = response.context["password"]
    world.clerk.refresh_from_db()
    assert world.clerk.check_password(password)
    assert not AccessAttempt.objects.filter(username="clerk").exists()
    assert AuditEntry.objects.get(verb="set_one_time_password").reason == "忘记密码"


# --- Nobody else's -----------------------------------------------------------------------------------


def addresses(user: User) -> list[str]:
    return [f"/users/{user.pk}/{action}" for action in ("", "grant/", "disable/", "enable/", "password/")]


SENT = {"reason": "x", "unit": "station", "role": "viewer", "started_on": TODAY}


@pytest.mark.parametrize("who", ["foreign", "above"])
def test_users_elsewhere_are_not_there(world: World, manager: Client, who: str) -> None:
    user = getattr(world, who)
    before = everything()
    for address in addresses(user):
        assert manager.get(address).status_code == 404, address
        assert manager.post(address, SENT).status_code in (404, 405), address
    grant = Grant.objects.get(user=user)
    assert manager.post(f"/users/grants/{grant.pk}/end/", SENT).status_code == 404
    assert everything() == before


def test_who_holds_something_elsewhere_is_not_locked_out_by_one_bureau(world: World, manager: Client) -> None:
    before = everything()
    page = manager.get(f"/users/{world.shared.pk}/")
    assert page.status_code == 200
    assert "须由上级管理员办理" in page.content.decode()
    assert "右公安局" not in page.content.decode()
    for action in ("disable/", "enable/", "password/"):
        assert manager.get(f"/users/{world.shared.pk}/{action}").status_code == 404
        assert manager.post(f"/users/{world.shared.pk}/{action}", SENT).status_code == 404
    away = Grant.objects.get(user=world.shared, unit=world.right)
    assert manager.post(f"/users/grants/{away.pk}/end/", SENT).status_code == 404
    assert everything() == before
    # A grant there that is still to come counts too; one that is over does not.
    away.started_on, away.ended_on = timezone.localdate() + timedelta(days=9), None
    away.save()
    assert manager.post(f"/users/{world.shared.pk}/disable/", SENT).status_code == 404
    away.started_on, away.ended_on = date(2020, 1, 1), timezone.localdate()
    away.save()
    assert manager.post(f"/users/{world.shared.pk}/disable/", SENT).status_code == 302


def test_superusers_and_oneself_are_out_of_reach(world: World, manager: Client) -> None:
    before = everything()
    for user in (world.root, world.manager):
        for address in addresses(user)[1:]:
            assert manager.get(address).status_code == 404, address
            assert manager.post(address, SENT).status_code == 404, address
        grant = Grant.objects.get(user=user)
        assert manager.post(f"/users/grants/{grant.pk}/end/", SENT).status_code == 404
    assert everything() == before


@pytest.mark.parametrize("role", ["viewer", "clerk", "approver", "auditor", ""])
def test_who_is_no_manager_has_no_users_page(world: World, client: Client, role: str) -> None:
    client.force_login(make_user("somebody", world.left if role else None, role or "viewer"))
    before = everything()
    grant = Grant.objects.get(user=world.clerk)
    for address in ("/users/", "/users/add/", f"/users/grants/{grant.pk}/end/", *addresses(world.clerk)):
        assert client.get(address).status_code == 403, address
        assert client.post(address, {**SENT, **ADDED}).status_code in (403, 405), address
    assert everything() == before


def test_a_manager_whose_grant_is_over_has_none_either(world: World, client: Client) -> None:
    Grant.objects.filter(user=world.manager).update(ended_on=timezone.localdate())
    client.force_login(world.manager)
    assert client.get("/users/").status_code == 403


def test_reading_writes_nothing(world: World, manager: Client) -> None:
    manager.get("/users/")
    before = everything()
    grant = Grant.objects.get(user=world.clerk)
    for address in ("/users/add/", f"/users/grants/{grant.pk}/end/", *addresses(world.clerk)):
        assert manager.get(address).status_code == 200
    assert everything() == before


def test_a_superuser_reaches_everybody_but_oneself(world: World, client: Client) -> None:
    client.force_login(world.root)
    assert "foreign" in names(client.get("/users/"))
    assert client.post(f"/users/{world.above.pk}/disable/", SENT).status_code == 302
    assert client.post(f"/users/{world.root.pk}/disable/", SENT).status_code == 404


# --- manage.py grant -----------------------------------------------------------------------------------


def test_the_command_grants(world: World, capsys: Any) -> None:
    call_command("grant", "foreign", "left", "manager", "--from", TODAY)
    assert f"已授予 foreign 在左公安局的“管理员”角色,自 {TODAY},长期" in capsys.readouterr().out
    grant = Grant.objects.get(user=world.foreign, unit=world.left)
    assert (grant.role, grant.started_on) == ("manager", timezone.localdate())
    assert AuditEntry.objects.get(verb="grant_role").actor.startswith("授权命令(")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nobody", "left", "clerk"), "没有用户“nobody”"),
        (("clerk", "nowhere", "clerk"), "没有代码或名称为“nowhere”的单位"),
        (("clerk", "left", "king"), "没有角色“king”"),
        (("clerk", "left", "clerk", "--from", "soon"), "--from:“soon”不是日期"),
        (("clerk", "left", "clerk", "--to", "2020-01-01"), "晚于"),
        (("clerk", "station", "clerk"), "已有“录入”"),
    ],
)
def test_the_command_says_what_is_wrong(world: World, arguments: tuple[str, ...], said: str) -> None:
    before = everything()
    with pytest.raises(CommandError, match=said):
        call_command("grant", *arguments)
    assert everything() == before
