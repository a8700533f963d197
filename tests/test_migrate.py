"""``manage.py migrate`` beside who works, two at once, broken off; ``/readyz`` without TLS; a broken file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.management.commands import migrate
from registry.models import guards
from tests.factories import make_organization, make_unit
from tests.test_settings import ROOT


def run(place: Path, *command: str) -> subprocess.Popen[str]:
    """A command on a SQLite file of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DATABASE_URL": f"sqlite:///{place}", "DEBUG": "1"}
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> tuple[int, str]:
    text, _nothing = process.communicate(timeout=120)
    return process.returncode, text


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that two ``migrate`` made at once."""
    place = tmp_path_factory.mktemp("migrated") / "registry.sqlite3"
    both = [run(place, "manage.py", "migrate"), run(place, "manage.py", "migrate")]
    assert sorted(code for code, _text in map(said, both)) == [0, 0]
    return place


def triggers(place: Path) -> set[str]:
    with sqlite3.connect(place) as file:
        return {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}


def test_two_at_once_make_everything_once(migrated: Path) -> None:
    expected = {each.name for each in guards._triggers("sqlite")}
    assert triggers(migrated) == expected
    assert said(run(migrated, "manage.py", "checktree"))[0] == 0


@pytest.mark.django_db
def test_with_nothing_to_do_nothing_is_touched() -> None:
    """No table is altered, no row written, no lock taken that somebody who works holds."""
    make_organization(make_unit())
    with CaptureQueriesContext(connection) as asked:
        call_command("migrate", verbosity=0)
    statements = [query["sql"].lstrip().upper() for query in asked]
    assert statements
    wrong = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE", "LOCK", "SELECT PG_ADVISORY_XACT")
    assert [text for text in statements if text.startswith(wrong) and "SAVEPOINT" not in text] == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_it_does_not_wait_for_an_import() -> None:
    """An open transaction has written to guarded tables and holds their locks; migrate is done beside it."""
    done = threading.Event()

    def other() -> None:
        try:
            call_command("migrate", verbosity=0)
            done.set()
        finally:
            connections.close_all()

    with transaction.atomic():
        make_organization(make_unit())
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(timeout=30)
        assert done.is_set()
    assert guards.missing() == []


def another_migrate(heard: list[str]) -> None:
    """Migrate on a connection of this thread, and keep what it refuses with."""
    try:
        call_command("migrate", verbosity=0)
    except CommandError as error:
        heard.append(str(error))
    finally:
        connections.close_all()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_change_of_the_guards_waits_for_an_import_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives up, says so, and the old guards stand as if nothing had been."""
    before = guards._present(connection)
    monkeypatch.setattr(guards, "_TWICE_VIOLATED", "1 = 0")
    monkeypatch.setattr(guards, "LOCK_SECONDS", 0.2)
    monkeypatch.setattr(migrate.migrate.Command, "handle", lambda *args, **options: guards.install())
    heard: list[str] = []
    with transaction.atomic():
        make_organization(make_unit())
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE registry_assignment IN ROW EXCLUSIVE MODE")
        thread = threading.Thread(target=another_migrate, args=[heard])
        thread.start()
        thread.join(timeout=30)
    assert heard == ["要变更的表正在写入(例如正在导入),没有等到,这一步没有作任何改动。请稍后再运行 migrate。"]
    assert guards._present(connection) == before


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_it_waits_for_another_migrate_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "WAIT", 0.0)
    heard: list[str] = []
    with migrate._alone(connection):
        thread = threading.Thread(target=another_migrate, args=[heard])
        thread.start()
        thread.join(timeout=30)
    assert heard == ["另一个 migrate 正在进行,没有等到。请待它结束后再运行。"]


# Whether the server may be sent requests


@pytest.mark.django_db
def test_readyz_is_asked_without_tls(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/login/").status_code == 301
    assert Client().get("/readyz").status_code == 200


# A copy of a SQLite file that was taken while it was written to


@pytest.fixture
def broken(migrated: Path, tmp_path: Path) -> Path:
    """A copy whose middle pages are of another time."""
    place = tmp_path / "broken.sqlite3"
    shutil.copy(migrated, place)
    content = bytearray(place.read_bytes())
    page = 4096
    for number in range(20, len(content) // page - 1, 3):
        content[number * page : number * page + page] = bytes(page)
    place.write_bytes(content)
    return place


ALL_CHECKS = """
import django
from django.core.management import CommandError, call_command
django.setup()
for command in ("checktree", "checkcounts", "checkaudit", "migrate"):
    try:
        call_command(command)
    except CommandError as error:
        print(command, error)
"""


def test_a_broken_file_is_said_in_words(broken: Path) -> None:
    code, text = said(run(broken, "-c", ALL_CHECKS))
    assert code == 0, text
    for command in ("checktree", "checkcounts", "checkaudit", "migrate"):
        assert f"{command} 数据库文件已损坏,其中的内容不可信,未作其他校验。" in text
    assert len(text.splitlines()) == 4


def test_what_is_no_database_is_said_in_words(tmp_path: Path) -> None:
    place = tmp_path / "text.sqlite3"
    place.write_text("这不是数据库。" * 1000, encoding="utf-8")
    code, text = said(run(place, "manage.py", "checkaudit"))
    assert code == 1
    assert "数据库文件已损坏" in text
    assert "Traceback" not in text
