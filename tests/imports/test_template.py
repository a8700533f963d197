"""Templates: what a new admin opens, and that filling them in is read."""

import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from registry.imports.template import choices_of, columns_to_fill, template
from registry.nouns import layouts
from registry.nouns.columns import EXAMPLE, NOTES_TITLE, Layout
from registry.spreadsheets.reading import open_book
from tests.conftest import Convert

NOUNS = list(layouts().values())
EACH = pytest.mark.parametrize("noun", NOUNS, ids=[noun.slug for noun in NOUNS])


def test_one_workbook_with_all_four_and_the_notes() -> None:
    book = load_workbook(io.BytesIO(template()))
    assert book.sheetnames == ["单位", "组织", "人员", "编入", NOTES_TITLE]


@EACH
def test_headers_lists_formats_and_the_frozen_header(noun: Layout) -> None:
    book = load_workbook(io.BytesIO(template(noun)))
    assert book.sheetnames == [noun.title, NOTES_TITLE]
    sheet = book[noun.title]
    columns = columns_to_fill(noun)
    assert [cell.value for cell in sheet[2]] == [
        f"{column.header} *" if column.required else column.header for column in columns
    ]
    assert sheet["A3"].value.startswith(EXAMPLE)
    assert sheet.freeze_panes == "C3"
    lists = {
        str(rule.sqref): rule.formula1.strip('"').split(",")
        for rule in sheet.data_validations.dataValidation
        if rule.type == "list"
    }
    wanted = {}
    for place, column in enumerate(columns, start=1):
        letter = sheet.cell(2, place).column_letter
        # Neighbours of the same format are kept as one.
        (about,) = (each for each in sheet.column_dimensions.values() if each.min <= place <= each.max)
        if column.kind in ("code", "text", "name"):
            assert about.number_format == "@", column.slug  # a new row keeps its zeros
        if column.kind == "date":
            assert about.number_format == "yyyy-mm-dd", column.slug
        assert about.width >= 2 * len(column.header)
        if choices_of(column):
            wanted[f"{letter}3:{letter}200001"] = choices_of(column)
    assert lists == wanted


@EACH
def test_an_untouched_template_brings_nothing_in(noun: Layout, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(template(noun))
    book = open_book(path, "a.xlsx")
    assert [(table.noun.slug, list(table.lines)) for table in book.tables] == [(noun.slug, [])]
    assert book.notices == [f"“{noun.title}”第 3 行是示例,没有读取。"]
    assert book.ignored == []


@EACH
def test_the_example_is_right_but_for_its_mark(noun: Layout, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = load_workbook(io.BytesIO(template(noun)))
    sheet = book[noun.title]
    sheet["A3"].value = sheet["A3"].value.removeprefix(EXAMPLE).strip()
    book.save(path)
    (line,) = open_book(path, "a.xlsx").tables[0].lines
    assert line.problems == []
    meant: dict[str, Callable[[str], Any]] = {
        "date": date.fromisoformat,
        "yes_no": lambda text: True,
        "whole": int,
    }
    assert {slug: value for slug, value in line.values.items() if value is not None} == {
        column.slug: meant.get(column.kind, str)(column.example)
        for column in columns_to_fill(noun)
        if column.example
    }


def test_every_column_is_explained() -> None:
    for noun in NOUNS:
        notes = load_workbook(io.BytesIO(template(noun if noun.verb else None)))[NOTES_TITLE]
        told = {(row[0], row[1]): row for row in notes.iter_rows(values_only=True) if row[1]}
        for column in columns_to_fill(noun):
            row = told[noun.title, column.header]
            assert (row[2] or "") == ("必填" if column.required else "")
            assert (row[4] or "") == "、".join(choices_of(column))


def test_filled_in_with_libreoffice_in_between(tmp_path: Path, convert: Convert) -> None:
    book = load_workbook(io.BytesIO(template()))
    book["人员"].append(["0012", "张三", "民警", "正式党员", "ju", None, date(2001, 7, 1)])
    book["编入"].append(["zhibu", "0012", "张三", "书记", "2020.2.3", None, None])
    book.save(tmp_path / "a.xlsx")
    found = open_book(convert(tmp_path / "a.xlsx", "xlsx:Calc MS Excel 2007 XML"), "a.xlsx")
    lines = {table.noun.slug: [[*line.values.values()] for line in table.lines] for table in found.tables}
    assert lines == {
        "units": [],
        "organizations": [],
        "people": [
            ["0012", "张三", "officer", "full_member", "ju", None, date(2001, 7, 1), None, None, None, None]
        ],
        "assignments": [["zhibu", "0012", "张三", "secretary", date(2020, 2, 3), None, None]],
    }
