"""Accounts are changed on the server, too: each such command does it by an operation, or is recorded."""

from __future__ import annotations

import io
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.core.management import CommandError, call_command, get_commands, load_command_class

from registry.models import AuditEntry, User
from tests.factories import make_unit, make_user

pytestmark = pytest.mark.django_db
PASSWORD = "Quiet-Meadow-7391-Lantern"


@pytest.fixture(autouse=True)
def who(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's user who runs the commands."""
    monkeypatch.setattr("getpass.getuser", lambda: "yunwei")


def said(*command: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out, **options)
    return out.getvalue()


def recorded() -> AuditEntry:
    newest: AuditEntry = AuditEntry.objects.latest("pk")
    return newest


def test_an_administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    assert "已建立系统管理员 chief,已记入操作记录。" in said(
        "createsuperuser", "--no-input", "--username=chief", "--name=李"
    )
    user = User.objects.get()
    assert (user.is_superuser, user.is_staff, user.must_change_password) == (True, True, True)
    assert user.check_password(PASSWORD)
    entry = recorded()
    assert (entry.verb, entry.actor, entry.object_id) == (
        "add_administrator",
        "建立管理员命令(yunwei)",
        user.pk,
    )
    assert entry.after == {"username": "chief", "is_superuser": True}
    with pytest.raises(CommandError, match="已存在一位使用该名字的用户"):
        said("createsuperuser", "--no-input", "--username=chief")


def test_an_administrator_with_a_weak_password_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="请给出 --username"):
        said("createsuperuser", "--no-input", "--username=chief")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "password")
    with pytest.raises(CommandError):
        said("createsuperuser", "--no-input", "--username=chief")
    assert not User.objects.exists()


def test_a_password() -> None:
    user = make_user("zhangsan", make_unit())
    answer = said("changepassword", "zhangsan")
    password = answer.partition("一次性密码:")[2].split()[0]
    user.refresh_from_db()
    assert user.check_password(password)
    assert user.must_change_password
    entry = recorded()
    assert (entry.verb, entry.actor, entry.object_name) == (
        "set_one_time_password",
        "改密码命令(yunwei)",
        str(user),
    )
    assert password not in str(entry.after)
    with pytest.raises(CommandError, match="没有用户“nobody”。"):
        said("changepassword", "nobody")


def test_a_lock_ended_and_a_code_added_by_commands_of_libraries() -> None:
    make_user("zhangsan", make_unit())
    AccessAttempt.objects.create(username="zhangsan", ip_address="10.1.2.3", failures_since_start=5)
    said("axes_reset_username", "zhangsan")
    assert not AccessAttempt.objects.exists()
    entry = recorded()
    assert (entry.verb, entry.actor, entry.object_name) == (
        "run_command",
        "命令行(yunwei)",
        "axes_reset_username",
    )
    assert entry.after == {"username": ["zhangsan"]}
    code = said("addstatictoken", "zhangsan", "--token=abcd2345").strip()
    entry = recorded()
    assert (entry.object_name, entry.after) == ("addstatictoken", {"username": "zhangsan"})
    assert code not in f"{entry.after}{entry.object_name}"


def test_every_command_that_changes_accounts_is_ours() -> None:
    """A library that brings another one must not go past the record."""
    ours = {name for name, app in get_commands().items() if app.startswith("registry")}
    others = {
        name
        for name, app in get_commands().items()
        if app
        in ("django.contrib.auth", "axes", "django_otp.plugins.otp_static", "django_otp.plugins.otp_totp")
    }
    assert others == {"axes_list_attempts", "axes_reset_failure_logs"}  # they read, or clear a table unused
    for name in ("createsuperuser", "changepassword", "addstatictoken", "axes_reset", "loaddata"):
        assert name in ours
        assert type(load_command_class("registry", name)).__module__.startswith("registry.management")
