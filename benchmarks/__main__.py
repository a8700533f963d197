"""`make bench`: load each scale, run every part on it, print the tables and write benchmarks/results.md.

From the environment: SCALES (region-sqlite region province nation), ONLY (parts; then nothing is written
unless OUT names a file), BENCH_DATABASE_URL (a loaded database of one of the scales, which is used for that
scale instead of loading it, and is written to), BENCH_LTREE_URL (a server on which ltree can be created).
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg2

from benchmarks import machine
from benchmarks.postgres import NoLtree, ltree_server, own_server
from benchmarks.results import Scale, report
from benchmarks.run import PARTS, end_softly, say

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results.md"
UNITS = {"region-sqlite": 4_000, "region": 4_000, "province": 12_000, "nation": 120_000}
ON_SQLITE = ("reading", "trend", "pages")
"""The parts on SQLite, which is for one machine and a trial: no writers at once, no server."""
SECRET = secrets.token_urlsafe(50)


class Misasked(Exception):
    """A variable asks for something unknown; the text says what."""


class Stopped(Exception):
    """A part failed and has said why."""


def words(name: str, known: list[str], default: list[str]) -> list[str]:
    """Return the words of a variable, in the order of ``known``; raises ``Misasked``."""
    asked = os.environ.get(name, "").split()
    for word in asked:
        if word not in known:
            raise Misasked(f"{name}: {word!r} is none of {', '.join(known)}")
    return [word for word in known if word in asked] or default


def settings(url: str) -> dict[str, str]:
    """Return the environment of a real installation on plain http, with this database."""
    mine = {
        "DATABASE_URL": url,
        "DEBUG": "0",
        "TLS": "0",
        "SECRET_KEY": SECRET,
        "SEAL_KEY": SECRET,
        "PYTHONPATH": str(ROOT),
    }
    return os.environ | mine | {"PYTHONWARNINGS": "ignore", "DJANGO_SETTINGS_MODULE": "partybuild.settings"}


def python(url: str, *command: str) -> None:
    """Run Python on a database; its output goes to standard error."""
    subprocess.run([sys.executable, *command], cwd=ROOT, env=settings(url), check=True, stdout=sys.stderr)


def measured(url: str, parts: list[str], extra: dict[str, str]) -> dict[str, Any]:
    """Run the parts on a database and return their results."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.run", *parts],
        cwd=ROOT,
        env=settings(url) | extra,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        answer, _ = process.communicate()
    finally:
        if process.poll() is None:  # ended from outside: it has servers and processes of its own to stop
            process.terminate()
            process.wait()
    if process.returncode:
        raise Stopped(f"stopped: what was wrong is said above (exit code {process.returncode})")
    results: dict[str, Any] = json.loads(answer)
    return results


def scale_of(url: str) -> str:
    """Return which scale a loaded database holds; raises ``Misasked``."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM registry_unit")
            number = cursor.fetchone()[0]
    finally:
        connection.close()
    for scale, units in UNITS.items():
        if scale != "region-sqlite" and abs(number - units) < units / 10:
            return scale
    raise Misasked(f"BENCH_DATABASE_URL: {number} units are none of the scales")


def made(server: str, scale: str) -> str:
    """Create a database on a server and load the scale into it; return its address."""
    name = f"bench_{scale}"
    connection = psycopg2.connect(server)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
    finally:
        connection.close()
    url = server.replace("/postgres?", f"/{name}?")
    load(url, scale)
    return url


def load(url: str, scale: str) -> None:
    """Create the tables and fill them."""
    begin = time.monotonic()
    python(url, "manage.py", "migrate", "--verbosity", "0")
    python(url, "-m", "benchmarks.country", "--scale", scale)
    say(f"  loaded in {time.monotonic() - begin:.0f} s")


def main() -> int:
    """Run what the environment asks for."""
    end_softly()
    try:
        parts = words("ONLY", list(PARTS), list(PARTS))
        wanted = words("SCALES", list(UNITS), list(UNITS))
        given = os.environ.get("BENCH_DATABASE_URL", "")
        held = scale_of(given) if given else ""
        if given and held not in wanted:
            raise Misasked(f"BENCH_DATABASE_URL holds {held}, which SCALES does not ask for")
    except Misasked as error:
        print(error, file=sys.stderr)
        return 2
    measurements: list[Scale] = []
    with ExitStack() as stack:
        extra = _ltree(stack, parts)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        server = ""
        if {"pages", "load"} & set(parts):
            python("sqlite://:memory:", "manage.py", "collectstatic", "--noinput", "--verbosity", "0")
        for scale in wanted:
            say(f"{scale}:")
            mine = parts
            if scale == "region-sqlite":
                mine = [part for part in parts if part in ON_SQLITE]
                url = f"sqlite:///{folder}/region.sqlite3"
                if not mine:
                    continue
                load(url, "region")
            elif scale == held:
                url = given
            else:
                server = server or stack.enter_context(own_server())
                url = made(server, scale)
            measurements.append(Scale.of(scale, measured(url, mine, extra)))
    text = report(machine.description(), measurements)
    print(text)
    place = os.environ.get("OUT") or ("" if os.environ.get("ONLY") else str(RESULTS))
    if place:
        Path(place).write_text(text, encoding="utf-8")
    return 0


def _ltree(stack: ExitStack, parts: list[str]) -> dict[str, str]:
    """Return the variables that tell the parts where ltree is, or why there is none."""
    if os.environ.get("BENCH_LTREE_URL") or not {"founding", "units"} & set(parts):
        return {}
    try:
        return {"BENCH_LTREE_URL": stack.enter_context(ltree_server())}
    except NoLtree as error:
        return {"BENCH_NO_LTREE": str(error)}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stopped as stopped:
        sys.exit(str(stopped))
