"""Templates can be reviewed: short lines (djLint sees to the rest), and no include of what is gone."""

from __future__ import annotations

import re
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
FILES = {str(path.relative_to(TEMPLATES)): path.read_text() for path in TEMPLATES.rglob("*.html")}
NAMED = re.compile(r'\{% (?:include|extends) "([^"]+)"')


def test_no_line_over_120_characters() -> None:
    lines = [(name, at, len(line)) for name in FILES for at, line in enumerate(FILES[name].splitlines(), 1)]
    assert [each for each in lines if each[2] > 120] == []


def test_what_is_included_is_there() -> None:
    named = {(name, other) for name, text in FILES.items() for other in NAMED.findall(text)}
    assert {each for each in named if each[1] not in FILES and each[1] != "admin/base.html"} == set()


def test_every_template_is_used() -> None:
    """Either by another template or by Python."""
    python = "".join(path.read_text() for path in (TEMPLATES.parent / "registry").rglob("*.py"))
    used = {other for text in FILES.values() for other in NAMED.findall(text)}
    by_django = {"admin/base_site.html", "errors/csrf.html"}
    assert {name for name in FILES if name not in used and f'"{name}"' not in python} <= by_django
