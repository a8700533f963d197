"""A noun is declared once: a package adds one, and outside it only the settings and one line change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PACKAGE = ROOT / "tests" / "example_noun"


@pytest.mark.django_db  # it uses the database: on each of them it is told something else
def test_the_example_has_everything_that_a_noun_has() -> None:
    """Run the tests of the package in a process of its own, whose settings install it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["DJANGO_SETTINGS_MODULE"] = "tests.example_noun.settings"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--create-db"]
    done = subprocess.run(
        [*command, str(PACKAGE / "tests.py")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]


def test_outside_the_package_only_settings_and_one_line_of_addresses_change() -> None:
    def code(name: str) -> list[str]:
        lines = (PACKAGE / name).read_text().splitlines()
        return [line.strip() for line in lines if "example_noun" in line]

    assert code("settings.py") == [
        'INSTALLED_APPS = [*INSTALLED_APPS, "tests.example_noun"]',
        'ROOT_URLCONF = "tests.example_noun.urls_all"',
        'DATABASES["default"].setdefault("TEST", {})["NAME"] = "test_example_noun"  # beside that of the '
        "other tests",
    ]
    assert code("urls_all.py") == ['path("", include("tests.example_noun.urls")),']


def test_nothing_in_the_registry_knows_the_example() -> None:
    files = [
        path
        for folder in ("registry", "partybuild", "templates", "static")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".html", ".js", ".css")
    ]
    assert len(files) > 300
    told = [path for path in files if any(word in path.read_text() for word in ("vehicle", "车辆"))]
    assert told == []
