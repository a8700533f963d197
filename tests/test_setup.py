"""``make install`` and ``manage.py setup``: an empty registry gets its first unit and its first manager."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from registry.models import AuditEntry, Grant, Unit, User
from tests.factories import make_unit, make_user

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[1]
UNIT = ("--unit", "德州市公安局", "--kind", "公安局", "--region", "371400")
MANAGER = ("--account", "guanli", "--name", "张三")
PASSWORD = "Shou-ci-2020"


def setup(*arguments: str) -> str:
    out = io.StringIO()
    call_command("setup", *arguments, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def no_password_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SETUP_PASSWORD", raising=False)


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_install_brings_static_files_and_neither_tables_nor_data() -> None:
    steps = subprocess.run(
        ["make", "-n", "install"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    commands = re.findall(r"^(?!@?echo).*manage\.py (\w+)", steps, flags=re.MULTILINE)
    assert commands == ["collectstatic"]


def test_setup_makes_unit_and_manager_with_a_password_for_once(client: Client) -> None:
    said = setup("--no-input", *UNIT, *MANAGER)
    password = re.search(r"一次性密码:(\S+)", said)
    assert password is not None
    assert "张三(guanli)是德州市公安局的管理员" in said
    unit, user = Unit.objects.get(), User.objects.get()
    assert (unit.code, unit.kind, unit.region_code) == ("dezhoushi-gonganju", "bureau", "371400")
    assert (user.is_superuser, user.is_staff, user.must_change_password) == (False, False, True)
    assert Grant.objects.values_list("user", "unit", "role").get() == (user.pk, unit.pk, "manager")
    recorded = AuditEntry.objects.order_by("pk").values_list("verb", "actor", "unit__code")
    assert list(recorded) == [
        (verb, "初始设置", "dezhoushi-gonganju")
        for verb in ("add_unit", "add_user", "grant_role", "set_holidays", "set_up")
    ]
    assert password[1] not in str(list(AuditEntry.objects.values()))
    login = client.post("/login/", {"username": "guanli", "password": password[1]}, follow=True)
    assert login.redirect_chain[-1][0].startswith("/account/password/")


def test_setup_without_a_unit_makes_an_administrator() -> None:
    said = setup("--no-input", *MANAGER)
    assert "张三(guanli)是系统管理员" in said
    assert not Unit.objects.exists()
    assert User.objects.values_list("username", "is_superuser", "must_change_password").get() == (
        *("guanli", True, True),
    )
    assert list(AuditEntry.objects.order_by("pk").values_list("verb", "object_name")) == [
        ("set_holidays", "2020-01-01 元旦 等 254 天"),
        ("set_up", "张三"),
    ]


def test_setup_asks_until_the_answer_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["德州市公安局", "市局", "县局", "分局", "3714", "", "", "guanli", "张三"])
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return next(answers)

    monkeypatch.setattr("builtins.input", answer)
    said = setup()
    assert "没有单位类型“县局”" in said
    assert "“3714”不是六位数字" in said
    assert "这一项不能留空" in said
    assert len(asked) == 9
    assert Unit.objects.values_list("name", "short_name", "kind", "region_code").get() == (
        *("德州市公安局", "市局", "sub_bureau", ""),
    )


@pytest.mark.parametrize("how", ["environment", "stdin"])
def test_the_password_may_be_given_and_is_not_printed(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    if how == "environment":
        monkeypatch.setenv("SETUP_PASSWORD", PASSWORD)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    more = ("--password-stdin",) if how == "stdin" else ("--no-input",)
    assert PASSWORD not in setup(*UNIT, *MANAGER, *more)
    user = User.objects.get()
    assert user.check_password(PASSWORD)
    assert user.must_change_password


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*UNIT, "--account", "guanli"), "请给出 --name(首位管理员的姓名)。"),
        ((*UNIT, *MANAGER, "--kind", "县局"), "没有单位类型“县局”"),
        ((*UNIT, *MANAGER, "--region", "37"), "“37”不是六位数字"),
        ((*UNIT, *MANAGER, "--unit", "长" * 101), "--unit:"),
        ((*UNIT, *MANAGER, "--account", "张 三"), "--account:"),
    ],
)
def test_setup_says_what_is_wrong_and_makes_nothing(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=re.escape(said)):
        setup("--no-input", *arguments)
    assert (Unit.objects.count(), User.objects.count(), AuditEntry.objects.count()) == (0, 0, 0)


def test_a_weak_password_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETUP_PASSWORD", "short")
    with pytest.raises(CommandError, match="SETUP_PASSWORD:密码至少 10 个字符。"):
        setup("--no-input", *UNIT, *MANAGER)
    assert not User.objects.exists()


def begun_with_a_unit() -> None:
    make_unit("bureau", name="左公安局")


def begun_with_an_administrator() -> None:
    make_user("root", is_superuser=True)


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        (begun_with_a_unit, "已有单位“左公安局”"),
        (begun_with_an_administrator, "已有管理员“root”,请用该账号登录"),
    ],
)
def test_setup_begins_only_once(begin: Callable[[], None], said: str) -> None:
    begin()
    with pytest.raises(CommandError, match=said):
        setup("--no-input", *UNIT, *MANAGER)
    assert not User.objects.filter(username="guanli").exists()
