"""Which table a sheet is, where it begins and ends, and what the reader is told about the rest."""

import codecs
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.styles import Border, Side

from registry.models.text import is_nothing
from registry.nouns import layouts
from registry.nouns.columns import Column, Layout
from registry.spreadsheets import hostile
from registry.spreadsheets.reading import Book, Ignored, Problem, Unreadable, open_book
from registry.spreadsheets.sheets import Head, Kind, Sheet
from registry.spreadsheets.writing import write_csv, write_xlsx


def saved(
    path: Path, rows: Sequence[Sequence[Any]], title: str = "Sheet1", merges: Sequence[str] = ()
) -> Book:
    book = Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    for area in merges:
        sheet.merge_cells(area)
    book.save(path / "a.xlsx")
    return open_book(path / "a.xlsx", "a.xlsx")


def values(book: Book) -> list[dict[str, object]]:
    return [line.values for table in book.tables for line in table.lines]


def test_lines_that_are_kept_are_those_of_the_file(tmp_path: Path) -> None:
    """With their problems, and as often as they are asked for."""
    (table,) = saved(
        tmp_path, [["单位代码", "单位名称", "设立日期"], ["a", "甲", "2020-13-01"], [], ["b", "乙", None]]
    ).tables
    lines = list(table.lines)
    table.keep(tmp_path / "lines")
    (tmp_path / "a.xlsx").unlink()
    for _ in range(2):
        assert list(table.lines) == lines
    assert [(line.number, line.values["code"], len(line.problems)) for line in lines] == [
        (2, "a", 1),
        (4, "b", 0),
    ]
    assert lines[0].raw == next(iter(table.lines)).raw


def test_a_text_that_stands_in_several_rows_is_read_alike_in_each(tmp_path: Path) -> None:
    """Each row has the value, the problem and the note; another column reads the same text in its own way."""
    people = [["警号", "姓名", "政治面貌", "入党时间", "职务"]]
    people += [[f"90000{each}", f"甲{each}", "团员", "2020年2月", "团员"] for each in (1, 2, 3)]
    people += [[f"90000{each}", f"乙{each}", "团结", "2020年13月", "无"] for each in (4, 5)]
    (table,) = saved(tmp_path, people).tables
    lines = list(table.lines)
    read = [[line.values[each] for each in ("political_status", "joined_on", "title")] for line in lines]
    assert read == [
        *[["league_member", date(2020, 2, 1), "团员"]] * 3,
        *[[None, None, "无"]] * 2,
    ]
    assert [[each.address for each in line.notes] for line in lines] == [
        *[[f"Sheet1!D{row}"] for row in (2, 3, 4)],
        [],
        [],
    ]
    assert [[each.address for each in line.problems] for line in lines] == [
        *[[]] * 3,
        *[[f"Sheet1!C{row}", f"Sheet1!D{row}"] for row in (5, 6)],
    ]


# --- Which noun -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "noun"),
    [
        (["机构代码", "机构名称", "机构类型"], "units"),
        (["党组织代码", "党组织名称", "所在单位", "成立时间"], "organizations"),
        (["编号", "名字"], "people"),
        (["警员编号", "姓名", "单位代码", "政治面貌"], "people"),
        (["组织代码", "组织名称", "警号", "姓名", "职务"], "assignments"),
        (["姓名", "警号", "职责", "党组织代码", "人员类别"], "assignments"),
    ],
)
def test_the_headers_say_which_noun(headers: list[str], noun: str, tmp_path: Path) -> None:
    (table,) = saved(tmp_path, [headers, ["1"] * len(headers)]).tables
    assert table.noun.slug == noun


def test_the_name_of_the_sheet_decides_between_two(tmp_path: Path) -> None:
    rows = [["代码", "名称", "类别"], ["ju", "德城分局", "分局"]]
    with pytest.raises(Unreadable) as refused:
        saved(tmp_path, rows)
    assert "看不出是“单位”还是“组织”,请把工作表改成其中一个名字" in refused.value.message
    assert values(saved(tmp_path, rows, "单位")) == [{"code": "ju", "name": "德城分局", "kind": "sub_bureau"}]
    assert saved(tmp_path, rows[:1], "各组织汇总").tables[0].noun.slug == "organizations"


def test_no_header_is_said_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as refused:
        saved(tmp_path, [["花名册"], ["姓名", "政治面貌", "入党时间"], ["张三", "群众", None]], "一组")
    assert refused.value.message == (
        "没有找到可以导入的表:“一组”第 2 行像是“人员”的表头,但缺少“警号”列。请下载模板,按模板的表头填写。"
    )
    with pytest.raises(Unreadable) as refused:
        saved(tmp_path, [])
    assert "“Sheet1”是空的" in refused.value.message


def test_the_same_column_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as refused:
        saved(tmp_path, [["警号", "姓名", "姓名"]], "人员")
    assert refused.value.message == "“人员”的 B 列“姓名”和 C 列“姓名”都是“姓名”,请只留一列。"


def test_a_serial_number_beside_the_police_number(tmp_path: Path) -> None:
    book = saved(tmp_path, [["编号", "警号", "姓名", "血型"], [1, "0012", "张三", "A"]])
    assert values(book) == [{"number": "0012", "name": "张三"}]
    assert book.notices == [
        "“Sheet1”里不认识这些列,没有读取:血型。",
        "“Sheet1”的“编号”与“警号”是同一项,读取了“警号”,没有读取“编号”。",
    ]


def test_a_name_may_stand_for_a_code(tmp_path: Path) -> None:
    book = saved(tmp_path, [["单位名称", "单位类型", "上级单位"], ["城区所", "派出所", "德城分局"]])
    assert values(book) == [{"name": "城区所", "kind": "station", "superior_name": "德城分局"}]
    assert book.notices == []


def test_the_header_is_found_below_titles_but_not_below_sixty_rows(tmp_path: Path) -> None:
    titles = [[f"第 {number} 行说明"] for number in range(59)]
    table = [["警号", "姓名"], ["0001", "张三"]]
    assert values(saved(tmp_path, [*titles, *table])) == [{"number": "0001", "name": "张三"}]
    with pytest.raises(Unreadable):
        saved(tmp_path, [*titles, ["又一行"], *table])


# --- Where it ends --------------------------------------------------------------------------------


def test_hints_headings_and_totals_are_no_rows_of_data(tmp_path: Path) -> None:
    rows = [
        ["警号", "姓名", "备注"],
        ["必填", "必填", "选填,不超过 200 字"],
        ["一、德城分局(2人)", None, None],
        ["0001", "张三", None],
        ["城关派出所", None, None],
        ["0002", "李四", None],
        ["0003", None, None],
        ["共3人", None, None],
        ["小计:3人", None, None],
    ]
    book = saved(tmp_path, rows, "人员", merges=["A3:C3"])
    assert [line["number"] for line in values(book)] == ["0001", "0002", "0003"]
    assert book.tables[0].is_no_data.said() == "第 2、3、5 行是填写要求、分组标题或合计,没有读取。"


def test_of_two_columns_of_one_meaning_the_more_telling_is_read(tmp_path: Path) -> None:
    rows = [
        ["警号", "姓名", "电话", "手机", "党籍状态", "政治面貌"],
        ["1", "张三", "0534", "138", "群众", "团员"],
    ]
    book = saved(tmp_path, rows)
    assert values(book) == [
        {"number": "1", "name": "张三", "phone": "138", "political_status": "league_member"}
    ]
    assert book.notices == [
        "“Sheet1”的“电话”与“手机”是同一项,读取了“手机”,没有读取“电话”。",
        "“Sheet1”的“党籍状态”与“政治面貌”是同一项,读取了“政治面貌”,没有读取“党籍状态”。",
    ]


def test_rows_that_are_no_data(tmp_path: Path) -> None:
    rows = [
        ["序号", "警号", "姓名", "备注", "错误原因"],
        [1, "0001", "张三", None, "原第 9 行:警号没有填写"],
        [2, None, None, None, None],
        [None, None, None, None, None],
        ["序号", "警号", "姓名", "备注", "错误原因"],
        [3, "0002", "李四", "合计", None],
        [4, "示例 0003", "王五", None, None],
        ["合计", None, "2人", None, None],
        ["填表人:张三", None, None, "审核人:李四", None],
        ["注:本表截至2020年3月1日", None, None, None, None],
        ["人数按人去重。", None, None, None, None],
    ]
    book = saved(tmp_path, rows)
    assert values(book) == [
        {"number": "0001", "name": "张三", "note": None},
        {"number": "0002", "name": "李四", "note": "合计"},
    ]
    assert book.notices == ["“Sheet1”第 7 行是示例,没有读取。"]


def test_a_row_without_its_key_is_wrong_not_lost(tmp_path: Path) -> None:
    book = saved(tmp_path, [["警号", "姓名"], ["-", "张三"], [None, "合计"], ["0001", None]])
    lines = list(book.tables[0].lines)
    assert [line.problems for line in lines] == [
        [Problem("Sheet1!A2", "number", "“警号”没有填写")],
        [],
    ]
    assert [line.number for line in lines] == [2, 4]


def test_thousands_of_empty_rows_cost_nothing(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    sheet.append(["警号", "姓名"])
    sheet.append(["0001", "张三"])
    for number in range(3, 20_000):
        sheet.cell(number, 1).border = Border(left=Side("thin"))
    book.save(tmp_path / "a.xlsx")
    (table,) = open_book(tmp_path / "a.xlsx", "a.xlsx").tables
    assert (table.total, len(list(table.lines))) == (1, 1)


def test_lines_are_read_anew_each_time(tmp_path: Path) -> None:
    (table,) = saved(tmp_path, [["警号", "姓名"], ["0001", "张三"], ["0002", "李四"]]).tables
    lines = table.lines
    assert [line.number for line in lines] == [line.number for line in lines] == [2, 3]
    assert next(iter(lines)).number == 2
    assert table.total == 2


def test_two_sheets_of_one_noun_and_one_that_is_none(tmp_path: Path) -> None:
    book = Workbook()
    for title, number in (("一所", "0001"), ("二所", "0002")):
        sheet = book.create_sheet(title)
        sheet.append(["警号", "姓名"])
        sheet.append([number, "张三"])
    book.save(tmp_path / "a.xlsx")
    found = open_book(tmp_path / "a.xlsx", "a.xlsx")
    assert [(table.title, table.noun.slug) for table in found.tables] == [
        ("一所", "people"),
        ("二所", "people"),
    ]
    assert found.ignored == [Ignored("Sheet", "是空的")]


def test_too_many_rows_over_all_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile, "MAX_ROWS", 3)
    rows = [["警号", "姓名"], *([f"000{number}", "张三"] for number in range(3))]
    assert len(values(saved(tmp_path, rows))) == 3
    with pytest.raises(Unreadable, match="超过 3 行"):
        saved(tmp_path, [*rows, ["0009", "李四"]])


# --- What a value says besides --------------------------------------------------------------------


def test_a_temporary_branch_in_the_column_of_kinds(tmp_path: Path) -> None:
    header = ["组织代码", "组织名称", "组织类型"]
    rows = [["a", "甲", "临时党支部"], ["b", "乙", "党支部"], ["c", "丙", "临时突击队"], ["d", "丁", "临时"]]
    lines = list(saved(tmp_path, [header, *rows]).tables[0].lines)
    assert [(line.values["kind"], line.values.get("is_temporary")) for line in lines] == [
        ("branch", True),
        ("branch", None),
        ("commando_team", None),
        (None, None),
    ]
    assert [problem.slug for problem in lines[3].problems] == ["kind"]
    book = saved(tmp_path, [[*header, "是否临时"], [*rows[0], "否"], [*rows[0], None], [*rows[0], "是"]])
    lines = list(book.tables[0].lines)
    assert [line.values["is_temporary"] for line in lines] == [False, True, True]
    assert lines[0].problems == [
        Problem("Sheet1!D2", "is_temporary", "组织类型写的是“临时党支部”,“是否临时”却填了否")
    ]


def test_what_is_only_for_the_eye_is_never_wrong(tmp_path: Path) -> None:
    book = saved(
        tmp_path, [["单位代码", "单位名称", "撤并日期"], ["a", "甲", "不详"], ["b", "乙", "2020.2.3"]]
    )
    lines = list(book.tables[0].lines)
    assert [(line.values["closed_on"], line.problems) for line in lines] == [
        ("不详", []),
        (date(2020, 2, 3), []),
    ]


# --- .csv -----------------------------------------------------------------------------------------

TEXT = '人员名册,,\r\n警号,姓名,备注\r\n0001,张三,"一,二\r\n三"\r\n,,\r\n0002,李 四,龘〇\r\n'
READ = [
    {"number": "0001", "name": "张三", "note": "一,二三"},
    {"number": "0002", "name": "李四", "note": "龘〇"},
]


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("gb18030"),
        TEXT.encode("utf-16"),
        TEXT.replace("\r\n", "\n").encode(),
    ],
    ids=["utf-8", "bom", "gb18030", "utf-16", "line feeds"],
)
def test_encodings(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    book = open_book(path, "名册.csv")
    assert values(book) == READ
    (table,) = book.tables
    assert (table.title, table.total, [line.number for line in table.lines]) == ("名册", 2, [3, 5])


@pytest.mark.parametrize("delimiter", ["\t", ";", ",", "|"])
def test_delimiters(delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join(delimiter.join(row) for row in (["警号", "姓名"], ["0001", "张三"])))
    assert values(open_book(path, "a.csv")) == [{"number": "0001", "name": "张三"}]


def test_what_excel_and_the_export_do_to_csv(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("警号,姓名,联系电话,备注\n=\"0001\",张三,'+86 138,'=1+1\n0002,李四,1.38E+10,=A1\n")
    book = open_book(path, "a.csv")
    assert values(book) == [
        {"number": "0001", "name": "张三", "phone": "+86 138", "note": "=1+1"},
        {"number": "0002", "name": "李四", "phone": None, "note": None},
    ]
    assert [(one.address, one.message[:10]) for line in book.tables[0].lines for one in line.problems] == [
        ("a!C3", "“联系电话”被 Ex"),
        ("a!D3", "这里是公式,.csv"),
    ]


# --- Any table, written and read back, is the same ------------------------------------------------

CODES = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,6}){0,2}", fullmatch=True).filter(
    lambda text: not is_nothing(text)
)
HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=12).filter(
    lambda text: not is_nothing(text)
)
TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=20).map(
    lambda text: None if is_nothing(text) else " ".join(text.split(" ")).strip()
)


def cell(column: Column) -> st.SearchStrategy[Any]:
    """What the registry may hold in a column."""
    if column.kind == "date":
        return st.none() | st.dates(date(1900, 3, 1), date(2099, 12, 31))
    if column.kind == "choice":
        return st.none() | st.sampled_from(sorted(column.labels))
    if column.kind == "yes_no":
        return st.booleans()
    if column.kind == "whole":
        return st.none() | st.integers(0, 32_767)
    if column.kind == "code":
        codes = CODES.map(lambda text: text[: column.max_length].strip("-"))
        return codes if column.required or column.slug == "code" else st.none() | codes
    return HAN if column.kind == "name" else TEXTS


def tables(noun: Layout) -> st.SearchStrategy[list[dict[str, Any]]]:
    columns = [column for column in noun.columns if not column.is_info]
    row = st.fixed_dictionaries({column.slug: cell(column) for column in columns})
    return st.lists(row, min_size=1, max_size=6)


@pytest.mark.parametrize("noun", layouts().values(), ids=list(layouts()))
@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
@given(data=st.data())
def test_any_table_written_and_read_back_is_the_same(
    noun: Layout, suffix: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = data.draw(tables(noun))
    path = tmp_path_factory.mktemp("round") / f"a.{suffix}"
    columns = [noun.by_slug[slug] for slug in rows[0]]
    kinds = {"code": Kind.CODE, "date": Kind.DATE}
    sheet = Sheet(
        noun.title,
        f"{noun.title}台账",
        [Head(column.header, kinds.get(column.kind, Kind.TEXT)) for column in columns],
        [[column.shown(row[column.slug]) for column in columns] for row in rows],
        facts=["单位:德城分局  截至:2020-03-01", "导出人:张三  共 3 行"],
        notes=["人数按人去重。"],
    )
    with path.open("wb") as file:
        if suffix == "xlsx":
            write_xlsx([sheet], file)
        else:
            write_csv(sheet, file)
    (table,) = open_book(path, path.name).tables
    lines = list(table.lines)
    assert [line.problems for line in lines] == [[]] * len(rows)
    assert [line.values for line in lines] == rows
