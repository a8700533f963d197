"""docs/rules.md says of each check what is declared."""

from __future__ import annotations

from tests.rules.checks.page import PAGE, written


def test_the_table_of_the_page_is_that_of_the_declarations() -> None:
    assert PAGE.read_text(encoding="utf-8") == written(), "run: python -m tests.rules.checks.page"
