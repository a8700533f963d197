"""The table of docs/rules.md, from the declarations: `python -m tests.rules.checks.page` writes it anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from registry.rules.checks import Check, Edition

PAGE = Path(__file__).resolve().parents[3] / "docs" / "rules.md"
BEGIN, END = "<!-- the table: made from the declarations -->", "<!-- the end of the table -->"
BY_PLACEMENTS = "temp_secretary_full_member"
"""What forms say of a secretary is found by registry/rules/placements.py, with this check's citation."""


def table() -> str:
    """Return the table of all checks."""
    from registry.models.compliance import THRESHOLDS
    from registry.rules.checks import EVERY

    lines = [
        "| slug | rule | what it asks | severity | editions and citation | numbers | speaks early |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for check in EVERY:
        numbers = "、".join(f"{THRESHOLDS[name]} {value}" for name, value in check.thresholds.items())
        slug = f"`{check.slug}`" + (f" (row `{check.row}`)" if check.row else "")
        cells = [slug, check.label, check.about, check.level.label, _editions(check), numbers, _early(check)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _editions(check: Check) -> str:
    return "<br>".join(f"{_days(edition)}: {edition.citation or '(no text)'}" for edition in check.editions)


def _days(edition: Edition) -> str:
    return f"{edition.since} until {edition.until}" if edition.until else f"from {edition.since}"


def _early(check: Check) -> str:
    return "forms, import" if check.judge is not None or check.slug == BY_PLACEMENTS else ""


def written() -> str:
    """Return the page with the table as it should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partybuild.settings")
    django.setup()
    PAGE.write_text(written(), encoding="utf-8")
