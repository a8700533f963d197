"""/healthz, /readyz, the page 系统状态 and `manage.py health`: what is wrong, by code, and what helps."""

from __future__ import annotations

import io
import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from registry.models import AuditEntry, Backup, User
from registry.operating import health, slow
from registry.work import beats
from tests.factories import make_user
from tests.world import World

pytestmark = pytest.mark.django_db

GB = 1024**3


@pytest.fixture
def state(settings: Any, tmp_path: Path) -> Path:
    settings.STATE_DIR = tmp_path
    return tmp_path


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beats, "living", lambda: {"one": timezone.now()})


def asked(client: Client, address: str = "/readyz", **headers: Any) -> tuple[int, list[str]]:
    answer = client.get(address, headers=headers)
    return answer.status_code, answer.json()["wrong"]


@pytest.mark.usefixtures("worker")
def test_a_server_that_is_well_says_so_whoever_asks_under_whatever_name(
    client: Client, settings: Any
) -> None:
    assert client.get("/readyz", headers={"host": "10.0.0.9"}).json() == {
        "ready": True,
        **dict.fromkeys(("mode", "database", "migrations", "guards", "worker", "disk"), True),
        "wrong": [],
    }


def test_a_silent_worker_is_named_but_keeps_no_page_from_being_shown(client: Client) -> None:
    assert asked(client) == (200, ["worker_silent"])
    assert asked(client, "/readyz?strict") == (503, ["worker_silent"])


@pytest.mark.parametrize(
    ("free", "status", "wrong"), [(6, 200, []), (2, 200, ["disk_low"]), (0.1, 503, ["disk_full"])]
)
@pytest.mark.usefixtures("worker")
def test_a_disk_that_fills_up_is_named_and_a_full_one_stops_requests(
    client: Client, monkeypatch: pytest.MonkeyPatch, free: float, status: int, wrong: list[str]
) -> None:
    monkeypatch.setattr(health, "disks", lambda: {("files",): int(free * GB)})
    assert asked(client) == (status, wrong)


def test_without_its_database_it_lives_and_is_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that needs the database is asked after the first that got no answer."""

    def away() -> Any:
        raise OperationalError("connection refused at 10.0.0.1")

    monkeypatch.setattr(health, "ready", lambda: list(health._look((health._mode, away, health._worker))))
    monkeypatch.setattr(beats, "living", away)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["wrong"]) == (503, ["database_down"])
    assert "10.0.0.1" not in answer.text
    assert client.get("/healthz").content == b"ok\n"


def test_a_table_that_is_missing_is_no_server_that_is_away(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlike() -> Any:
        raise OperationalError("no such table: registry_work_worker")

    monkeypatch.setattr(beats, "living", unlike)
    status, wrong = asked(client)
    assert (status, wrong) == (503, ["database_unlike"])


def test_living_touches_nothing(client: Client, django_assert_num_queries: Any) -> None:
    client.force_login(make_user("wang"))
    with django_assert_num_queries(0):
        assert client.get("/healthz", headers={"host": "somewhere.else"}).status_code == 200


def test_missing_migrations_and_guards_are_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_written", lambda: frozenset({("registry", "9999_next")}))
    monkeypatch.setattr("registry.models.guards.missing", lambda: ["guard_person_service"])
    status, wrong = asked(client)
    assert (status, wrong[:2]) == (503, ["migrations_missing", "guards_missing"])


# --- The page -------------------------------------------------------------------------------------


def lines() -> dict[str, health.Line]:
    return {line.code: line for line in health.everything()}


def test_each_line_that_is_bad_says_what_to_do(world: World, client: Client, state: Path) -> None:
    client.force_login(User.objects.create_superuser("root", "x"))
    slow.note("units/<slug:code>/", 2.5, "aa11bb22cc")
    slow.note("units/<slug:code>/", 4.0, "dd33ee44ff")
    page = client.get("/system/").text
    for said in ("后台处理程序", "没有运行", "systemctl start registry-worker", "经验证的备份", "从未。"):
        assert said in page
    assert "<code>units/&lt;slug:code&gt;/</code>" in page
    assert "dd33ee44ff" in page
    assert all(line.todo for line in health.everything() if line.state != health.OK)


def test_the_way_there_stands_in_the_navigation_of_who_manages_at_the_top(
    world: World, client: Client
) -> None:
    for name, unit, status in (("wang", world.top, 200), ("li", world.left, 403)):
        client.force_login(make_user(name, unit, role="manager"))
        assert client.get("/system/").status_code == status
        assert ("系统状态" in client.get("/people/").text) == (status == 200)


def test_what_waits_long_and_what_is_sealed_late_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = timezone.now() - timedelta(hours=3)
    task = DBTaskResult.objects.create(
        task_path="x", args_kwargs={}, queue_name="user-1", backend_name="default", run_after=long_ago
    )
    DBTaskResult.objects.filter(pk=task.pk).update(enqueued_at=long_ago)
    AuditEntry.objects.create(actor="wang", verb="add_unit", noun="unit", object_name="x")
    assert lines()["seal"].wrong == ""
    monkeypatch.setattr(health, "SEAL_LATE", timedelta(0))
    found = lines()
    assert (found["queue"].wrong, found["seal"].wrong) == ("queue_slow", "seal_late")
    assert f"{timezone.localtime(long_ago):%Y-%m-%d %H:%M}" in found["queue"].said


def test_a_backup_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    for days, state in ((0, "ok"), (3, "warn"), (9, "bad")):
        at = timezone.now() - timedelta(days=days)
        monkeypatch.setattr(health, "last_proven_at", lambda at=at: at)
        assert lines()["backup"].state == state


def test_a_backup_that_could_not_be_proven_is_told_at_once() -> None:
    facts = {"folder": "/backups", "taken_at": timezone.now(), "size": 1, "files": 0}
    Backup.objects.create(name="good", proven_at=timezone.now(), **facts)
    assert lines()["backup"].state == "ok"
    Backup.objects.create(name="bad", faults="统计数有出入", **{**facts, "taken_at": timezone.now()})
    found = lines()["backup"]
    assert (found.state, found.wrong) == ("bad", "backup_broken")
    assert "统计数有出入" in found.said


def test_slow_pages_are_kept_in_little_room(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "LARGEST", 1_000)
    for number in range(50):
        slow.note("people/", 2.0 + number, f"number{number}")
    (found,) = slow.pages()
    assert (found.longest, found.last_number) == (51.0, "number49")
    assert found.times < 30
    assert sum(file.stat().st_size for file in state.iterdir()) < 2_500
    (state / "slow.jsonl").write_text('{"at": half a line\n')
    assert len(slow.pages()) == 1


def test_the_command_says_the_same_and_ends_badly(caplog: pytest.LogCaptureFixture) -> None:
    said = io.StringIO()
    with caplog.at_level(logging.ERROR), pytest.raises(SystemExit) as ended:
        call_command("health", "--tell", stdout=said)
    assert ended.value.code == 1
    assert "✕ 后台处理程序:没有运行" in said.getvalue()
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "worker_silent",
        "backup_never",
    ]
    assert json.dumps([line.code for line in health.everything()]).count("backup") == 1
