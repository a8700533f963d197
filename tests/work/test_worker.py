"""A real worker, whose database goes away and which is killed: it goes on, and so does what it held."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from registry.imports import background as importing
from registry.imports import operations as imports
from registry.imports.models import Import, ImportState
from registry.work import beats, queue
from registry.work.models import Worker as Sign
from tests.factories import ACTOR
from tests.imports.test_faults import url_of_the_test_database
from tests.imports.test_operations import FULL, Office, book, make_campaign
from tests.test_kill import terminate
from tests.work.test_queue import waiting

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A worker process on the test's database."""
    if connection.vendor == "sqlite":
        url = f"sqlite:///{connection.settings_dict['NAME']}"
    else:
        url = url_of_the_test_database()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "work", "--interval", "0.05"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
    )
    try:
        until(beats.living)
        yield process
    finally:
        process.kill()
        process.wait(timeout=30)
        for name in beats.living():
            beats.stop(name)


def until(what: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
    return found


@pytest.fixture
def waits() -> Import:
    """A confirmed import that waits for a worker."""
    make_campaign()
    office = Office()
    made = importing.hand_in(actor=ACTOR, user=office.manager, file_name="名册.xlsx", content=book(**FULL))
    with transaction.atomic():
        confirmed = imports.confirm_import(actor=ACTOR, import_=made)
        imports.leave_to_worker(confirmed, importing.write_task)
    return Import.objects.get(pk=made.pk)


def is_written(import_: Import) -> bool:
    return Import.objects.filter(pk=import_.pk, state=ImportState.WRITTEN).exists()


def backends() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return {pid for (pid,) in cursor.fetchall()}


def is_held_up() -> bool:
    with connection.cursor() as cursor:
        # Of this database: the other worker of the tests has locks of its own on this server.
        cursor.execute(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'registry_assignment'::regclass AND "
            "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return cursor.fetchone() is not None


@pytest.mark.postgres
def test_it_outlives_its_connections_and_writes_what_it_held_when_they_ended(waits: Import) -> None:
    """In the middle of writing; then idle, as at a restart of the server."""
    with worker() as process:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE registry_assignment IN SHARE MODE")
            until(is_held_up)
            terminate(backends())
        until(lambda: is_written(waits))
        terminate(backends())
        task = waiting("somebody")
        until(lambda: DBTaskResult.objects.get(pk=task.pk).finished_at)
        assert process.poll() is None


@pytest.mark.postgres
def test_killed_in_the_middle_what_it_held_is_written_by_the_next(waits: Import) -> None:
    with worker() as process:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE registry_assignment IN SHARE MODE")
            until(is_held_up)
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=30)
        assert not is_written(waits)
        waits = Import.objects.get()
        assert waits.state == ImportState.WRITING
        assert not waits.is_silent  # it is not heard of for a moment only
        Sign.objects.update(seen_at=timezone.now() - timedelta(minutes=1))
        waits = Import.objects.get()
        assert (waits.is_unclaimed, waits.is_silent) == (True, False)
    with worker():
        until(lambda: DBTaskResult.objects.get().finished_at)
    assert is_written(waits)
    assert len(DBTaskResult.objects.get().worker_ids) == 2


def test_a_locked_database_ends_no_worker_and_is_no_worker_that_does_not_run() -> None:
    """The file of SQLite, held by one writer; on PostgreSQL the table of the tasks."""
    with worker() as process, transaction.atomic():
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("UPDATE registry_user SET is_active = is_active")
            else:
                cursor.execute(f"LOCK TABLE {DBTaskResult._meta.db_table} IN ACCESS EXCLUSIVE MODE")
        time.sleep(1)
        assert process.poll() is None
        assert len(beats.living()) == 1
        assert queue.load().workers == 1


def test_told_to_end_it_ends() -> None:
    with worker() as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert not beats.living()
