"""A database that is stopped, paused or cut off is noticed within seconds, by a server of this file's own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dj_database_url
import pytest
from django.db import OperationalError

from partybuild.postgresql.base import DatabaseWrapper
from registry.models.faults import Fault, fault_of
from tests.with_postgres import start

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

AT_MOST = 5.0
"""So many seconds until the page says that the database is away."""


class Server:
    """A small server that can be paused, with all its processes."""

    def __init__(self, folder: Path) -> None:
        self.server = start(folder / "data")
        self.pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])

    def _processes(self) -> list[int]:
        children = subprocess.run(
            ["pgrep", "-P", str(self.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        return [self.pid, *map(int, children)]

    def pause(self) -> None:
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        for pid in self._processes():
            os.kill(pid, signal.SIGCONT)

    def connection(self) -> DatabaseWrapper:
        settings = dj_database_url.parse(self.server.get_uri(), engine="partybuild.postgresql")
        rest = {"TIME_ZONE": None, "AUTOCOMMIT": True, "ATOMIC_REQUESTS": False}
        return DatabaseWrapper({**settings, **rest, "CONN_HEALTH_CHECKS": True}, alias="paused")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="pg-paused-"))
    found = Server(folder)
    yield found
    found.go_on()
    found.server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def paused(server: Server) -> Iterator[Server]:
    yield server
    server.go_on()


def test_a_kept_connection_to_a_paused_server_is_given_up(paused: Server) -> None:
    """As at the beginning of each request: it is tried, then a new one."""
    connection = paused.connection()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    paused.pause()
    began = time.monotonic()
    connection.health_check_enabled = True
    connection.health_check_done = False
    with pytest.raises(OperationalError) as failed, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert time.monotonic() - began < AT_MOST
    assert fault_of(failed.value) == Fault.DOWN


def test_a_statement_under_way_ends_when_the_server_is_paused(paused: Server) -> None:
    connection = paused.connection()
    connection.ensure_connection()
    threading.Timer(0.3, paused.pause).start()
    began = time.monotonic()
    with pytest.raises(OperationalError) as failed, connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")
    assert time.monotonic() - began < AT_MOST + 1
    assert fault_of(failed.value) == Fault.DOWN


def test_a_long_statement_of_a_server_that_answers_goes_on(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partybuild.postgresql.base.PATIENCE", 0.2)
    with server.connection().cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")


def test_a_page_takes_no_statement_for_long(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DatabaseWrapper, "statement_seconds", 1)
    with pytest.raises(OperationalError) as failed, server.connection().cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    assert fault_of(failed.value) == Fault.SLOW
