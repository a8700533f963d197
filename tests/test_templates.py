"""Templates can be reviewed: short lines (djLint sees to the rest), and no include of what is gone.

A line has at most 120 columns, of which a Chinese character takes two.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
FILES = {str(path.relative_to(TEMPLATES)): path.read_text() for path in TEMPLATES.rglob("*.html")}
PYTHON = "".join(path.read_text() for path in (TEMPLATES.parent / "registry").rglob("*.py"))
NAMED = re.compile(r'"([\w/]+\.html)"')


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def test_no_line_over_120_columns() -> None:
    lines = [
        (name, at, columns(line)) for name in FILES for at, line in enumerate(FILES[name].splitlines(), 1)
    ]
    assert [each for each in lines if each[2] > 120] == []


def test_what_is_included_is_there() -> None:
    named = {(name, other) for name, text in FILES.items() for other in NAMED.findall(text)}
    assert {each for each in named if each[1] not in FILES and each[1] != "admin/base.html"} == set()


def test_what_python_names_is_there() -> None:
    named = set(re.findall(r'"((?:[\w]+/)*\w+\.html)"', PYTHON))
    assert named - FILES.keys() == set()


def test_every_template_is_used() -> None:
    """Either by another template or by Python."""
    used = {other for text in FILES.values() for other in NAMED.findall(text)}
    by_django = {"admin/base_site.html", "errors/csrf.html"}
    assert {name for name in FILES if name not in used and f'"{name}"' not in PYTHON} <= by_django
