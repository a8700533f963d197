"""What is done with users by operation: what is refused, and what the record says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from registry.accounts import grants, passwords, second_factor
from registry.accounts import operations as accounts
from registry.audit import Actor
from registry.models import AuditEntry, Grant, GrantRole, OldPassword, Session, Unit, User
from registry.operations.take_back import take_back
from registry.refusals import OperationRefused
from tests.factories import ACTOR, make_unit, make_user

pytestmark = pytest.mark.django_db

START = timezone.localdate()


@pytest.fixture
def unit() -> Unit:
    return make_unit("bureau")


def today() -> date:
    return timezone.localdate()


def entry() -> AuditEntry:
    return AuditEntry.objects.order_by("-pk")[0]


def refused(field: str, said: str, function: Any, **facts: Any) -> None:
    before = list(Grant.objects.values()), list(User.objects.values()), AuditEntry.objects.count()
    with pytest.raises(OperationRefused) as told:
        function(**facts)
    assert list(told.value.message_dict) == [field]
    assert said in "".join(told.value.message_dict[field])
    assert before == (list(Grant.objects.values()), list(User.objects.values()), AuditEntry.objects.count())


def add(unit: Unit, username: str = "zhangsan", **facts: Any) -> tuple[User, str]:
    return accounts.add_user(
        actor=ACTOR,
        unit=unit,
        username=username,
        **{"display_name": "张三", "role": "clerk", "started_on": START, **facts},
    )


def test_a_new_user_has_a_grant_and_a_password_for_once(unit: Unit) -> None:
    user, password = add(unit)
    user.refresh_from_db()
    assert user.check_password(password)
    assert user.must_change_password
    assert not user.is_staff
    assert not user.is_superuser
    assert list(user.grants.values_list("unit__code", "role", "started_on", "ended_on")) == [
        ("bureau", "clerk", START, None)
    ]
    made = list(AuditEntry.objects.order_by("pk").values_list("verb", "noun", "unit__code"))[-2:]
    assert made == [("add_user", "user", "bureau"), ("grant_role", "user", "bureau")]
    assert password not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize("username", ["", "zhang san", "a/b", "x" * 151, "<script>"])
def test_a_user_name_that_cannot_be(unit: Unit, username: str) -> None:
    with pytest.raises(OperationRefused) as told:
        add(unit, username)
    assert list(told.value.message_dict) == ["username"]
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("first", "again", "why"),
    [
        ("zhang1", "zhangl", "看起来一样"),
        ("zhang1", "ZHANGI", "看起来一样"),
        ("zhao0", "zhaoo", "看起来一样"),
        ("anna", "\u0430nna", "编码 0430"),  # Cyrillic
        ("zhang1", "zhang11", ""),
        ("zhang", "zhang.", ""),
    ],
)
def test_account_names_that_look_alike(unit: Unit, first: str, again: str, why: str) -> None:
    make_user(first)
    act = {
        "actor": ACTOR, "unit": unit, "username": again, "display_name": "张三", "role": "clerk",
        "started_on": START,
    }  # fmt: skip
    if why:
        refused("username", why, accounts.add_user, **act)
    else:
        accounts.add_user(**act)


@pytest.mark.parametrize("again", ["zhangsan", "ZhangSan", "\uff5ahangsan"])
def test_two_users_of_one_name(unit: Unit, again: str) -> None:
    add(unit)
    refused(
        "username",
        "已",
        accounts.add_user,
        actor=ACTOR,
        unit=unit,
        username=again,
        display_name="",
        role="clerk",
        started_on=START,
    )


def test_one_time_passwords_satisfy_the_rules_and_differ(unit: Unit) -> None:
    made = {passwords.one_time_password() for _number in range(40)}
    assert len(made) == 40
    user = make_user("zhangsan", unit)
    for password in made:
        validate_password(password, user)


@pytest.mark.parametrize(
    ("facts", "field", "said"),
    [
        ({"role": "emperor"}, "role", "请选择角色"),
        ({"ended_on": START}, "ended_on", "晚于开始"),
        ({"started_on": START - timedelta(days=1)}, "started_on", "今天或更晚"),
        ({"role": "viewer"}, "role", "已有“查看”"),
    ],
)
def test_a_grant_that_cannot_be(unit: Unit, facts: dict[str, Any], field: str, said: str) -> None:
    user = make_user("zhangsan", unit, "viewer")
    sent = {"actor": ACTOR, "user": user, "unit": unit, "role": "clerk", "started_on": START, **facts}
    refused(field, said, grants.grant_role, **sent)


def test_a_grant_at_a_closed_unit(unit: Unit) -> None:
    Unit.objects.update(closed_on=today())
    user = make_user("zhangsan")
    refused(
        "unit",
        "已撤销",
        grants.grant_role,
        actor=ACTOR,
        user=user,
        unit=unit,
        role="clerk",
        started_on=START,
    )


def test_the_same_grant_again_after_its_end(unit: Unit) -> None:
    user = make_user("zhangsan", unit, "clerk")
    grant = Grant.objects.get()
    ended = grants.end_grant(actor=ACTOR, grant=grant, reason="调离")
    assert ended.ended_on == today()
    made = entry()
    assert (made.verb, made.unit, made.reason) == ("end_grant", unit, "调离")
    assert made.before["ended_on"] is None
    assert made.after["ended_on"] == today().isoformat()
    refused("__all__", "已于", grants.end_grant, actor=ACTOR, grant=Grant.objects.get(), reason="又一次")
    grants.grant_role(actor=ACTOR, user=user, unit=unit, role="clerk", started_on=today())
    assert Grant.objects.count() == 2


def test_a_grant_that_has_not_begun_ends_before_it_begins(unit: Unit) -> None:
    user = make_user("zhangsan")
    soon = today() + timedelta(days=7)
    grant = grants.grant_role(actor=ACTOR, user=user, unit=unit, role="clerk", started_on=soon)
    assert grants.end_grant(actor=ACTOR, grant=grant, reason="不来了").ended_on == soon


def test_nobody_acts_on_oneself(unit: Unit) -> None:
    user = make_user("zhangsan", unit)
    own = Actor(user=user, name="张三")
    grant = Grant.objects.get()
    refused(
        "__all__",
        "自己",
        grants.grant_role,
        actor=own,
        user=user,
        unit=unit,
        role="clerk",
        started_on=START,
    )
    refused("__all__", "自己", grants.end_grant, actor=own, grant=grant, reason="x")
    refused("__all__", "自己", accounts.disable_user, actor=own, user=user, reason="x")
    refused("__all__", "自己", accounts.set_one_time_password, actor=own, user=user)


def test_disabling_ends_the_sessions_and_enabling_does_not_bring_them_back(unit: Unit, client: Any) -> None:
    user = make_user("zhangsan", unit)
    client.force_login(user)
    refused("reason", "原因", accounts.disable_user, actor=ACTOR, user=user, reason=" ")
    accounts.disable_user(actor=ACTOR, user=user, reason="退休")
    assert (entry().verb, entry().unit, entry().reason) == ("disable_user", unit, "退休")
    assert not Session.objects.exists()
    refused("__all__", "已经停用", accounts.disable_user, actor=ACTOR, user=user, reason="x")
    accounts.enable_user(actor=ACTOR, user=user)
    assert (entry().before, entry().after) == ({"is_active": False}, {"is_active": True})
    refused("__all__", "没有停用", accounts.enable_user, actor=ACTOR, user=user)
    assert client.get("/account/").status_code == 302


def test_a_one_time_password_replaces_the_old_one_and_the_sessions(unit: Unit, client: Any) -> None:
    user = make_user("zhangsan", unit)
    client.force_login(user)
    second_factor.turn_on(actor=ACTOR, user=user, key="31" * 20, code=f"{totp(b'1' * 20):06d}")
    password = accounts.set_one_time_password(actor=ACTOR, user=user)
    user.refresh_from_db()
    assert user.check_password(password)
    assert user.must_change_password
    assert second_factor.is_on(user)
    assert not Session.objects.exists()
    assert OldPassword.objects.filter(user=user).count() == 1
    accounts.set_one_time_password(actor=ACTOR, user=user, without_second_factor=True)
    assert not TOTPDevice.objects.exists()
    assert entry().after == {"must_change_password": True, "second_factor": False}


def test_an_old_password_is_remembered_for_half_a_year_and_five_changes(unit: Unit) -> None:
    user = make_user("zhangsan", unit)

    def change(password: str) -> None:
        accounts.change_password(actor=ACTOR, user=user, password=password)

    def is_refused(password: str, said: str = "180 天内用过") -> None:
        refused("new_password", said, accounts.change_password, actor=ACTOR, user=user, password=password)

    for number in range(8):
        change(f"Xin-Ganlan-{number}-Zz")
    is_refused("Xin-Ganlan-0-Zz")
    # After half a year only the last five are left.
    OldPassword.objects.update(ended_at=timezone.now() - timedelta(days=passwords.REMEMBERED_DAYS + 1))
    change("Xin-Ganlan-8-Zz")
    assert OldPassword.objects.filter(user=user).count() == passwords.REMEMBERED - 1
    is_refused("Xin-Ganlan-5-Zz")
    change("Xin-Ganlan-0-Zz")


def test_nobody_changes_so_often_that_an_old_one_is_forgotten(unit: Unit) -> None:
    user = make_user("zhangsan", unit)
    facts = {"actor": ACTOR, "user": user, "password": "Xin-Ganlan-Zz-8"}
    OldPassword.objects.bulk_create(
        OldPassword(user=user, password="!") for _number in range(passwords.MOST_CHANGES)
    )
    refused("new_password", "不能再改", accounts.change_password, **facts)
    # What must be changed is changed all the same.
    User.objects.update(must_change_password=True)
    accounts.change_password(**facts)
    assert OldPassword.objects.filter(user=user).count() == passwords.MOST_CHANGES


def test_demo_logins_cannot_be_made_without_debug(unit: Unit, settings: Any) -> None:
    facts = {
        "actor": ACTOR,
        "username": "demo",
        "password": "demo-2020",
        "display_name": "演示",
        "unit": unit,
        "role": "viewer",
    }
    settings.DEBUG = False
    refused("__all__", "DEBUG", accounts.open_login, **facts)
    settings.DEBUG = True
    accounts.open_login(**facts)
    assert Grant.objects.get().role == GrantRole.VIEWER


# The end of a grant, taken back


def test_the_end_of_a_grant_is_taken_back_but_not_ones_own() -> None:
    top = make_unit("top")
    left = make_unit("left", top)
    user, chief = make_user("wang", left, "manager"), make_user("chief", top)
    grant = Grant.objects.get(user=user)
    grants.end_grant(actor=Actor(chief, "chief"), grant=grant, reason="调离")
    entry = AuditEntry.objects.filter(verb="end_grant").latest("pk")
    Grant.objects.create(user=user, unit=top, role="manager", started_on=date(2020, 1, 1))
    with pytest.raises(OperationRefused, match="不能恢复自己的授权"):
        take_back(actor=Actor(user, "wang"), entry=entry, reason="我还在")
    assert take_back(actor=Actor(chief, "chief"), entry=entry, reason="没有调离") == "恢复授权 1 项"
    assert Grant.objects.get(pk=grant.pk).ended_on is None


def test_the_end_of_a_grant_is_not_taken_back_once_there_is_another() -> None:
    unit = make_unit("left")
    user = make_user("wang", unit, "clerk")
    grants.end_grant(actor=ACTOR, grant=Grant.objects.get(user=user), reason="调离")
    entry = AuditEntry.objects.filter(verb="end_grant").latest("pk")
    grants.grant_role(actor=ACTOR, user=user, unit=unit, role="clerk", started_on=timezone.localdate())
    with pytest.raises(OperationRefused, match="又有了“录入”授权"):
        take_back(actor=ACTOR, entry=entry, reason="没有调离")
