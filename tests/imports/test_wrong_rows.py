"""What was wrong comes back in the user's own sheets, and can be uploaded again."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook

from registry.imports.wrong_rows import error_filename, with_errors
from registry.spreadsheets.reading import Problem, open_book
from tests.spreadsheets.make_files import FILES

DIRTY = FILES / "dirty.xlsx"


def found_in(path: Path, name: str) -> dict[str, dict[int, Sequence[Problem]]]:
    return {
        table.title: {line.number: line.problems for line in table.lines if line.problems}
        for table in open_book(path, name).tables
    }


def returned(path: Path, name: str, problems: Mapping, tmp_path: Path) -> Path:
    tmp_path.mkdir(exist_ok=True)
    target = tmp_path / f"returned{Path(name).suffix}"
    with target.open("wb") as file:
        with_errors(path, name, problems, file)
    return target


def test_the_wrong_rows_with_titles_header_and_reasons(tmp_path: Path) -> None:
    path = returned(DIRTY, "dirty.xlsx", found_in(DIRTY, "dirty.xlsx"), tmp_path)
    book = load_workbook(path)
    assert book.sheetnames == ["花名册"]  # the user's own name; nothing of sheets that were not wrong
    sheet = book["花名册"]
    rows = [[*row] for row in sheet.iter_rows(values_only=True)]
    assert rows[0][0] == "德城分局一线人员花名册"
    assert {str(area) for area in sheet.merged_cells.ranges} == {"A1:H1", "A2:F2"}
    assert rows[2] == [
        "序号",
        "警员编号",
        "名 字",
        "人员\n类别 *",
        "政治面貌",
        "单位代码(必填)",
        "入党时间",
        "手机号码",
        "错误原因",
    ]
    assert [row[:8] for row in rows[3:]] == [
        [9, "1019", "周九", "民警x", "群众", "cheng", "2020.2.30", None],
        [11, None, "郑一", "民警", "群众", "cheng", "3/2/2020", None],
    ]
    assert rows[3][8] == (
        "原第 12 行:“人员类别”不能填“民警x”,请从这些里选:民警、辅警、其他人员;"
        "“入党日期”有误:日期“2020.2.30”不存在,请写成 2020-02-03 这样的日期"
    )
    filled = {cell.coordinate for row in sheet for cell in row if cell.fill.fgColor.rgb == "FFFCE4E4"}
    assert filled == {"D4", "G4", "B5", "G5"}


def test_mended_and_uploaded_again(tmp_path: Path) -> None:
    path = returned(DIRTY, "dirty.xlsx", found_in(DIRTY, "dirty.xlsx"), tmp_path)
    assert len(found_in(path, "a.xlsx")["花名册"]) == 2  # unmended, they are as wrong as before
    again = returned(path, "a.xlsx", found_in(path, "a.xlsx"), tmp_path / "again")
    header = [cell.value for cell in load_workbook(again)["花名册"][3]]
    assert header.count("错误原因") == 1
    book = load_workbook(path)
    sheet = book["花名册"]
    sheet["D4"], sheet["G4"] = "民警", "2020.2.28"
    sheet["B5"], sheet["G5"] = "1021", date(2020, 2, 3)
    book.save(path)
    found = open_book(path, "a.xlsx")
    assert found.notices == []  # the reasons are no column of data
    assert [
        [line.values["number"], line.values["joined_on"], line.problems] for line in found.tables[0].lines
    ] == [
        ["1019", date(2020, 2, 28), []],
        ["1021", date(2020, 2, 3), []],
    ]


def test_merged_organizations_stand_on_each_row(tmp_path: Path) -> None:
    path = FILES / "merged.xlsx"
    wrong = {"编入名册": {number: [Problem("", "number", "没有这个人")] for number in (5, 6)}}
    target = returned(path, "merged.xlsx", wrong, tmp_path)
    (table,) = open_book(target, "merged.xlsx").tables
    assert [[*line.values.values()] for line in table.lines] == [
        ["zhibu-1", "0002", "李四", "member", date(2020, 2, 3), date(2020, 3, 1)],
        ["zhibu-1", "0003", "王五", "member", date(2020, 2, 4), None],
    ]


@pytest.mark.parametrize(
    "name", ["plain.xlsx", "plain.office.xlsx", "dirty.office.xlsx", "formulas.office.xlsx"]
)
def test_whatever_comes_back_reads_the_same(name: str, tmp_path: Path) -> None:
    """Every row called wrong: the file that comes back holds the same values, in the same order."""
    before = open_book(FILES / name, name)
    wrong = {
        table.title: {line.number: [Problem("", "", "试试")] for line in table.lines}
        for table in before.tables
    }
    after = open_book(returned(FILES / name, name, wrong, tmp_path), name)
    for old, new in zip(before.tables, after.tables, strict=True):
        # A formula comes back as its value; where that was an error, as an empty cell to be filled in.
        assert [line.values for line in new.lines] == [line.values for line in old.lines]


def test_a_csv_file_comes_back_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "名册.csv"
    path.write_bytes('花名册,\r\n警号,姓名,备注\r\n0001,张三,\'=1+1\r\n,李四,"一,二"\r\n'.encode("gb18030"))
    problems = found_in(path, "名册.csv")
    problems["名册"][3] = [Problem("名册!A3", "number", "警号重复")]
    target = returned(path, "名册.csv", problems, tmp_path)
    content = target.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")  # so that Excel opens it right
    assert [*csv.reader(io.StringIO(content.decode("utf-8-sig")))] == [
        ["花名册"],
        ["警号", "姓名", "备注", "错误原因"],
        ["0001", "张三", "'=1+1", "原第 3 行:警号重复"],
        ["", "李四", "一,二", "原第 4 行:“警号”没有填写"],
    ]
    (first, second) = open_book(target, "名册.csv").tables[0].lines
    assert first.values == {"number": "0001", "name": "张三", "note": "=1+1"}
    assert second.values["name"] == "李四"


def test_no_row_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no row"):
        with_errors(DIRTY, "dirty.xlsx", {"花名册": {}}, io.BytesIO())


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("名单.xlsx", "名单-错误行.xlsx"),
        ("名单-错误行.XLSX", "名单-错误行.xlsx"),
        ("C:\\桌面\\a.csv", "a-错误行.csv"),
    ],
)
def test_the_name_of_what_comes_back(name: str, error: str) -> None:
    assert error_filename(name) == error
