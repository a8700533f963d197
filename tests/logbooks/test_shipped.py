"""The shipped logbooks keep the rules of a logbook, and docs/mechanisms.md says what they yield."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from registry.counting.metrics import METRICS
from registry.logbooks.design import About, FieldType, Group
from registry.logbooks.facts import slug_of
from registry.logbooks.pages.listed import columns_of
from registry.logbooks.rules import Making, design_refusals
from registry.logbooks.shipped import Shipped, shipped

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "registry" / "logbooks" / "shipped"
BOOKS = shipped()
EACH = pytest.mark.parametrize("book", BOOKS.values(), ids=BOOKS)
METRIC = {
    slug_of(book.code, counter): counter.label for book in BOOKS.values() for counter in book.design.counters
}


def labels(book: Shipped) -> list[str]:
    """Everything of a logbook that a page shows."""
    parts = (*book.design.fields, *book.design.steps, *book.design.counters)
    said = [book.name, str(book.facts["purpose"]), *(each.label for each in parts)]
    for field in book.design.fields:
        said += [field.help, *field.choices]
    return [*said, *(counter.measure for counter in book.design.counters)]


def test_each_file_is_a_logbook() -> None:
    assert sorted(BOOKS) == sorted(path.stem for path in FOLDER.glob("*.toml"))
    assert len(BOOKS) == 47


@EACH
def test_it_keeps_the_rules(book: Shipped) -> None:
    making = Making(book.name, book.design, is_walled=bool(book.facts["is_walled"]))
    assert [finding.message for finding in design_refusals([making])] == []
    assert book.facts["group"] in Group.values
    assert book.facts["about"] in About.values
    assert 0 < len(str(book.facts["purpose"])) <= 200
    assert 2 <= len(book.design.counters) <= 6
    assert len([field for field in book.design.fields if field.required]) <= 4, "entered within a minute"


@EACH
def test_its_list_has_room_on_a_narrow_and_on_a_usual_desk(book: Shipped) -> None:
    columns = columns_of(book.design, {}, str(book.facts["about"]), is_walled=bool(book.facts["is_walled"]))
    ranks = [column.rank for column in columns if column.only != "file"]
    assert len([rank for rank in ranks if rank <= 2]) <= 10  # from 1024 px, with the box to tick
    assert len([rank for rank in ranks if rank <= 3]) <= 12  # from 1366 px


@EACH
def test_a_default_is_a_value_of_its_field(book: Shipped) -> None:
    for field in book.design.fields:
        if field.type == FieldType.CHOICE:
            assert field.default in ("", *field.choices)
        elif field.default:
            assert field.is_number
            assert field.default.isdigit()


@EACH
def test_it_says_nothing_in_english(book: Shipped) -> None:
    assert [text for text in labels(book) if re.search("[A-Za-z]", text)] == []


def test_names_and_numbers_are_called_differently() -> None:
    """In a list of every metric two of one label could not be told apart."""
    for names in (
        [book.name for book in BOOKS.values()],
        [*METRIC.values(), *(metric.label for metric in METRICS.values())],
    ):
        assert [name for name, times in Counter(names).items() if times > 1] == []


def test_families_are_walled_and_a_talk_has_no_room_for_its_content() -> None:
    assert {code for code, book in BOOKS.items() if book.facts["is_walled"]} == {"difficulty", "health"}
    types = {field.type for field in BOOKS["heart_talk"].design.fields}
    assert types == {FieldType.CHOICE, FieldType.PERSON, FieldType.PEOPLE}


def test_awards_stand_in_the_order_of_the_regulation() -> None:
    """奖励条令 第八条; praise by circular and oral praise stand below its kinds."""
    assert BOOKS["commendation"].design.by_key["kind"].choices == (
        "口头表扬",
        "通报表扬",
        "嘉奖",
        "三等功",
        "二等功",
        "一等功",
        "荣誉称号",
    )
    fast = [step.label for step in BOOKS["commendation"].design.steps if step.label.startswith("快")]
    assert fast == ["快报", "快审", "快批", "快奖"]


def rows() -> dict[str, list[tuple[str, str]]]:
    """The table of docs/mechanisms.md: slug and label of the numbers of each mechanism."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in (ROOT / "docs" / "mechanisms.md").read_text().splitlines():
        if re.match(r"\| M\d\d \|", line):
            number, _label, page, numbers, remark = (cell.strip() for cell in line.strip("|").split("|"))
            assert number not in found
            found[number] = re.findall(r"`([\w.]+)` ([^<]+)", numbers)
            is_there = bool(page) and not remark.startswith("not there yet")
            assert bool(found[number]) == is_there
    return found


def test_the_table_has_every_mechanism_and_names_numbers_that_exist() -> None:
    with (ROOT / "registry" / "demo" / "data" / "mechanisms.csv").open(encoding="utf-8", newline="") as file:
        assert list(rows()) == [row["id"] for row in csv.DictReader(file)]
    known = METRIC | {metric.slug: metric.label for metric in METRICS.values()}
    named = [pair for pairs in rows().values() for pair in pairs]
    assert [(slug, label) for slug, label in named if known.get(slug) != label] == []


@EACH
def test_the_table_names_it_with_the_mechanisms_that_it_records(book: Shipped) -> None:
    mine = {
        number
        for number, pairs in rows().items()
        if any(slug.startswith(f"log.{book.code}.") for slug, _ in pairs)
    }
    assert mine == set(book.mechanisms) != set()
