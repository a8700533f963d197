"""The table of what can be mended (docs/mending.md) says of every noun and every verb what is so."""

from __future__ import annotations

import re
from pathlib import Path

from registry import nouns

PAGE = Path(__file__).resolve().parents[1] / "docs" / "mending.md"
CELLS = ("create", "edit", "end", "undo")


def table() -> dict[str, dict[str, str]]:
    """The rows of both tables: noun or row -> cell -> text."""
    lines = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    rows = [cells for cells in lines if cells[0] not in ("noun", "row") and not cells[0].startswith("---")]
    return {name: dict(zip(CELLS, cells, strict=True)) for name, *cells in rows}


def verbs_in(text: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", text))


def test_every_noun_has_a_row_and_every_cell_says_something() -> None:
    rows = table()
    assert {noun.key for noun in nouns.all_nouns()} - rows.keys() == set()
    assert [(name, cell) for name, row in rows.items() for cell in CELLS if not row[cell].strip()] == []


def test_a_cell_without_a_verb_says_why_not() -> None:
    for noun in nouns.all_nouns():
        for cell in CELLS[:-1]:
            text = table()[noun.key][cell]
            assert verbs_in(text) or text.startswith("No: "), f"{noun.key}, {cell}"


def test_every_verb_of_a_noun_stands_in_its_row_and_no_other_does() -> None:
    for noun in nouns.all_nouns():
        named = verbs_in(" ".join(table()[noun.key].values()))
        assert named == {verb.slug for verb in noun.verbs}, noun.key


def test_every_verb_that_is_named_is_declared() -> None:
    named = verbs_in(" ".join(text for row in table().values() for text in row.values()))
    assert named - set(nouns.all_verbs()) == set()


def test_operations_write_only_through_what_the_journal_notes() -> None:
    """Else the act could not be taken back whole (registry/models/journal.py); base, bulk and spells note
    themselves, a merging of people is final, and nobody entered what is kept for a while only."""
    past = re.compile(r"\.(save|bulk_create|bulk_update|update|delete)\(")
    found = {
        f"{path.name}: {line.strip()}"
        for path in (Path(__file__).resolve().parents[1] / "registry" / "operations").glob("*.py")
        if path.name not in ("base.py", "take_back.py", "codes.py", "merging.py", "retention.py", "spells.py")
        and not path.name.startswith("bulk")
        for line in path.read_text().splitlines()
        if past.search(line) and not line.strip().startswith(("#", "above.", "used."))
    }
    assert found == set()
