"""Start PostgreSQL servers for the time of the bench: the wheel's, and the system's for ltree."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.with_postgres import start

# Durable, as a bureau's server is: writers are measured.
CONFIGURATION = """
fsync = on
synchronous_commit = on
max_connections = 100
shared_buffers = 1GB
work_mem = 32MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
"""


class NoLtree(Exception):
    """No server has ltree; the text says why."""


@contextmanager
def own_server() -> Iterator[str]:
    """Start the wheel's server in a temporary folder; yield the address of a database, without its name."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        server = start(folder / "data", CONFIGURATION)
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def ltree_server() -> Iterator[str]:
    """Start a system PostgreSQL whose contrib has ltree; raises ``NoLtree`` when there is none.

    PostgreSQL refuses to be run by root: then it is run by the system user whom the wheel has made.
    """
    programs = _with_contrib()
    user = "pgserver" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="bench-ltree-"))
    data = folder / "data"
    if user:
        shutil.chown(folder, user, user)

    def run(*command: str) -> None:
        subprocess.run(
            command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    try:
        try:
            run(str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8")
            with (data / "postgresql.conf").open("a") as configuration:
                configuration.write(f"{CONFIGURATION}\nlisten_addresses = ''\n")
                configuration.write(f"unix_socket_directories = '{folder}'\n")
            run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "start")
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoLtree("the system's PostgreSQL could not be started") from error
        try:
            yield f"postgresql://postgres:@/postgres?host={folder}"
        finally:
            run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-m", "fast", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _with_contrib() -> Path:
    """Return the folder of the newest system PostgreSQL's programs, one that has ltree."""
    folders = sorted(
        (
            version
            for version in Path("/usr/lib/postgresql").glob("*")
            if (version / "bin" / "initdb").exists()
            and Path("/usr/share/postgresql", version.name, "extension", "ltree.control").exists()
        ),
        key=lambda version: float(version.name),
    )
    if not folders:
        raise NoLtree("no system PostgreSQL with contrib is installed, and the wheel's has none")
    return folders[-1] / "bin"
