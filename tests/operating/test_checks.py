"""``check --deploy`` says in Chinese what a bureau forgot, and nothing when nothing was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.core.checks import run_checks

from registry.operating import checks, health
from registry.operating.health import BAD, OK, Line

pytestmark = pytest.mark.django_db


def ids() -> set[str]:
    found = run_checks(include_deployment_checks=True)
    return {each.id.removeprefix("registry.") for each in found if str(each.id).startswith("registry.")}


@pytest.fixture
def whole(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings as install.sh writes them, on a server that is well."""
    settings.SECRET_KEY, settings.SEAL_KEYS, settings.WALL_KEYS = "a" * 50, ["b" * 32], ["c" * 32]
    settings.FILES_DIR, settings.STATE_DIR = tmp_path / "files", tmp_path / "state"
    settings.BACKUP_DIR = settings.LOG_DIR = tmp_path
    settings.SEAL_COPY, settings.TRUSTED_PROXIES = tmp_path / "seals", ["127.0.0.1"]
    settings.ALLOWED_HOSTS = ["registry.example"]
    monkeypatch.setattr(health, "everything", lambda: [Line("worker", "后台处理程序", "在运行。", OK)])
    monkeypatch.setattr(checks, "_roles", lambda: [])  # the tests own their tables
    return settings


def test_nothing_is_said_where_nothing_was_forgotten(whole: Any) -> None:
    assert ids() == set()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WALL_KEYS", [], "wall_key"),
        ("WALL_KEYS", ["b" * 32], "same_keys"),
        ("FILES_DIR", project.BASE_DIR / "var" / "files", "inside_program"),
        ("BACKUP_DIR", None, "backup_dir"),
        ("LOG_DIR", None, "log_dir"),
        ("SEAL_COPY", None, "seal_copy"),
        ("TRUSTED_PROXIES", [], "trusted_proxies"),
        ("ALLOWED_HOSTS", ["*"], "any_host"),
    ],
)
def test_each_thing_that_was_forgotten_is_said(whole: Any, name: str, value: object, said: str) -> None:
    setattr(whole, name, value)
    assert ids() == {said}


def test_what_is_not_well_is_said_with_what_to_do(whole: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line("backup", "经验证的备份", "从未。", BAD, "backup_never", "执行备份。")
    monkeypatch.setattr(health, "everything", lambda: [line])
    found = checks.look_at_the_server()
    assert [(each.id, each.msg, each.hint) for each in found] == [
        ("registry.backup_never", "经验证的备份:从未。", "执行备份。")
    ]


@pytest.mark.postgres
def test_an_owner_who_serves_is_told(db: None) -> None:
    assert [each.id for each in checks._roles()] == ["registry.owner_serves"]
