"""What the program writes, only its own user reads; what is installed is what was looked at."""

from __future__ import annotations

import ast
import logging
import os
import re
import stat
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from partybuild.logs import DailyFiles
from registry.imports.background import _on_disk
from tests.test_settings import SECRET, run

ROOT = Path(__file__).resolve().parent.parent
BY_NAME = {"gunicorn": "serves", "psycopg2-binary": "is loaded by Django for PostgreSQL"}
"""Packages that no module imports, and what they are there for."""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def careless() -> Iterator[None]:
    """A process that would let everybody read, as service managers begin one."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_database_made_by_a_command_is_for_its_user_alone(tmp_path: Path, careless: None) -> None:
    made = tmp_path / "new.sqlite3"
    code = "from django.db import connection as c; c.cursor().execute('CREATE TABLE t (id int)')"
    environment = {"SECRET_KEY": SECRET, "DATABASE_URL": f"sqlite:///{made}"}
    done = run(["manage.py", "shell", "--no-imports", "-c", code], environment)
    assert done.returncode == 0, done.stderr
    assert {path.name: mode(path) for path in tmp_path.iterdir()} == {"new.sqlite3": 0o600}


def test_what_the_server_writes_is_for_its_user_alone(tmp_path: Path, careless: None) -> None:
    made = f"p = pathlib.Path({str(tmp_path)!r}, 'a'); p.mkdir(); (p / 'b').touch()"
    code = f"import partybuild.wsgi, pathlib; {made}"
    done = run(["-c", code], {"SECRET_KEY": SECRET, "DATABASE_URL": "sqlite://:memory:"})
    assert done.returncode == 0, done.stderr
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o700, 0o600)


def test_a_log_is_for_its_user_alone(tmp_path: Path, careless: None) -> None:
    handler = DailyFiles(tmp_path, 180)
    handler.handle(logging.LogRecord("test", logging.INFO, __file__, 1, "x", (), None))
    handler.close()
    assert [mode(path) for path in tmp_path.iterdir()] == [0o600]


def test_an_upload_on_disk_is_in_a_folder_of_its_own(careless: None) -> None:
    with _on_disk(b"x", "a.xlsx") as path:
        assert mode(path.parent) == 0o700


# --- What is installed ----------------------------------------------------------------------------


def imported() -> set[str]:
    """Return the names of the packages that the registry imports, or that its settings name."""
    found = set()
    for folder in ("registry", "partybuild"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                # The apps and middleware of the settings are named by words.
                is_words = file.name == "settings.py" and isinstance(node, ast.Constant)
                names += [node.value] if is_words and isinstance(node.value, str) else []
                found |= {name.partition(".")[0] for name in names}
    return found


def named(file: str) -> list[str]:
    return re.findall(r"^([\w-]+)==", (ROOT / file).read_text("utf-8"), re.MULTILINE)


def test_every_package_that_the_project_names_is_used() -> None:
    distributions = packages_distributions()  # reads the metadata of every package that is installed
    used = {
        distribution.lower().replace("_", "-")
        for name in imported()
        for distribution in distributions.get(name, [])
    }
    assert {name.lower() for name in named("requirements.in")} - used - BY_NAME.keys() == set()


@pytest.mark.parametrize("name", ["requirements", "requirements-dev", "requirements-tools"])
def test_every_package_is_pinned_with_the_hashes_of_its_files(name: str) -> None:
    text = (ROOT / f"{name}.txt").read_text("utf-8")
    pins = re.findall(
        r"^([\w.-]+)(?:\[[^\]]*\])?==[\w.]+( ; .*)? \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE
    )
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(pins) == len(lines)
    assert {each.lower() for each in named(f"{name}.in")} <= {pin.lower() for pin, _marker in pins}
    assert not re.search(r"https?://|--index-url", text)
