"""What goes wrong while an import is written, on PostgreSQL: everything is there afterwards, or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection, transaction
from django.utils import timezone

from registry.counting.totals.check import differences
from registry.imports import background as importing
from registry.imports import operations as imports
from registry.imports.models import Import, ImportState
from registry.models import Assignment, AuditEntry, Organization, Person, Unit
from registry.trees.check import check_all
from tests.factories import ACTOR, make_user
from tests.imports.test_operations import FULL, Office, book, make_campaign
from tests.test_concurrency import at_once

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import django
django.setup()
from registry.imports.background import write_now
write_now({}, is_long=True)
"""


@pytest.fixture
def office() -> Iterator[Office]:
    make_campaign()
    yield Office()
    assert list(check_all()) == []
    assert differences() == []


def confirmed(office: Office, user: Any = None) -> Import:
    made = importing.hand_in(
        actor=ACTOR, user=user or office.manager, file_name="名册.xlsx", content=book(**FULL)
    )
    return imports.confirm_import(actor=ACTOR, import_=made)


def written() -> tuple[int, ...]:
    new = Unit.objects.filter(code__startswith="xin"), Organization.objects.filter(unit__code="xinsuo")
    return (*(rows.count() for rows in new), Person.objects.count(), Assignment.objects.count())


NOTHING, EVERYTHING = (0, 0, 0, 0), (2, 2, 2, 2)


def url_of_the_test_database() -> str:
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))


@contextmanager
def writer_held_in_the_middle(import_: Import) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A process that has written units, organizations and people, and cannot go on to the assignments.

    Yields the process and its connection's number on the server.
    """
    environment = os.environ | {"DATABASE_URL": url_of_the_test_database(), "PYTHONPATH": str(ROOT)}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE registry_assignment IN SHARE MODE")
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER.format(import_.pk)],
            env=environment,
            cwd=ROOT,
        )
        try:
            yield process, _held(process)
        finally:
            process.kill()
            process.wait(timeout=30)


def _held(process: subprocess.Popen[bytes]) -> int:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT l.pid FROM pg_locks l WHERE NOT l.granted "
                "AND l.relation = 'registry_assignment'::regclass"
            )
            if found := cursor.fetchone():
                return int(found[0])
        time.sleep(0.2)
    raise AssertionError("the writer did not come to the assignments")


def test_killed_in_the_middle_leaves_nothing_and_can_be_tried_again(office: Office) -> None:
    import_ = confirmed(office)
    entries = AuditEntry.objects.count()
    with writer_held_in_the_middle(import_) as (process, _pid):
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=30) == -signal.SIGKILL
    assert written() == NOTHING
    assert AuditEntry.objects.count() == entries
    import_.refresh_from_db()
    assert import_.state == ImportState.WRITING
    Import.objects.update(seen_at=timezone.now() - timedelta(minutes=2))
    import_.refresh_from_db()
    assert import_.is_silent
    importing.check_again(actor=ACTOR, import_=import_)
    importing.confirm(actor=ACTOR, import_=import_, reason="")
    import_.refresh_from_db()
    assert (import_.state, written()) == (ImportState.WRITTEN, EVERYTHING)


def test_the_database_gone_in_the_middle(office: Office) -> None:
    import_ = confirmed(office)
    with writer_held_in_the_middle(import_) as (process, pid):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        assert process.wait(timeout=60) == 0  # it says so, on a new connection, and goes on
    assert written() == NOTHING
    import_.refresh_from_db()
    assert import_.state == ImportState.FAILED
    assert "什么都没有写入" in import_.message


def test_one_that_lost_its_attempt_writes_nothing(office: Office) -> None:
    """It hangs, is taken for dead, somebody checks anew, and then it wakes up."""
    import_ = confirmed(office)
    with writer_held_in_the_middle(import_) as (process, _pid):
        # From another connection, as the page would: this one's transaction holds the writer.
        def recheck() -> None:
            Import.objects.filter(pk=import_.pk).update(seen_at=timezone.now() - timedelta(hours=1))
            imports.recheck_import(actor=ACTOR, import_=Import.objects.get(pk=import_.pk))

        assert at_once([recheck]) == [None]
        with connection.cursor() as cursor:
            cursor.execute("COMMIT")  # let it go on
        assert process.wait(timeout=60) == 0
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
    assert written() == NOTHING
    import_.refresh_from_db()
    assert import_.state == ImportState.UPLOADED


def test_two_people_import_the_same_at_once(office: Office) -> None:
    other = make_user("other", office.bureau)
    both = [confirmed(office), confirmed(office, other)]
    at_once([lambda pk=each.pk: importing.write_now(pk, is_long=True) for each in both])  # type: ignore[misc]
    states = sorted(Import.objects.values_list("state", flat=True))
    assert states == [ImportState.FAILED, ImportState.WRITTEN]
    assert written() == EVERYTHING
    assert AuditEntry.objects.filter(verb="import_workbook").count() == 1


def test_one_import_written_by_two_at_once_is_written_once(office: Office) -> None:
    import_ = confirmed(office)
    at_once([lambda: importing.write_now(import_.pk, is_long=True)] * 4)
    import_.refresh_from_db()
    assert (import_.state, written()) == (ImportState.WRITTEN, EVERYTHING)


def test_a_long_writing_says_how_far_it_is(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    import_ = confirmed(office)
    Import.objects.update(seen_at=timezone.now() - timedelta(minutes=1))
    with writer_held_in_the_middle(import_) as (process, _pid):
        seen: list[Any] = []

        def look() -> None:
            until = time.monotonic() + 30
            while time.monotonic() < until and len(seen) < 2:
                now = Import.objects.get(pk=import_.pk)
                if now.done == 6 and now.seen_at not in seen:
                    seen.append(now.seen_at)
                time.sleep(0.2)

        at_once([look])
        assert len(seen) == 2  # it says so again and again, with six of eight lines done
        process.kill()
