"""Real files, made by openpyxl and by LibreOffice (``make_files.py``), read as they must be."""

from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook

from registry.spreadsheets.reading import Book, Ignored, Problem, open_book
from tests.conftest import Convert
from tests.spreadsheets.make_files import FILES

FEBRUARY_3 = date(2020, 2, 3)
BOTH = pytest.mark.parametrize("maker", ["xlsx", "office.xlsx"])


def opened(name: str) -> Book:
    return open_book(FILES / name, name)


def rows(book: Book) -> dict[str, list[tuple]]:
    return {
        table.noun.slug: [tuple(line.values.values()) for line in table.lines if not line.problems]
        for table in book.tables
    }


PLAIN = {
    "units": [
        ("cheng", "城区派出所", "城区所", "station", "371402", "ju", date(2015, 6, 1)),
        ("ju", "德城分局", None, "sub_bureau", "371402", None, None),
    ],
    "organizations": [
        (
            "xiaozu",
            "城区所临时党小组",
            "group",
            True,
            "cheng",
            "zhibu",
            date(2020, 2, 4),
            "德公党〔2020〕3号",
        ),
        ("zhibu", "德城分局临时党支部", "branch", True, "ju", None, FEBRUARY_3, None),
    ],
    "people": [
        ("000012", "张三", "officer", "full_member", "cheng", date(2001, 7, 1), "民警", "13800000001"),
        ("fj0034", "李四", "auxiliary", "masses", "ju", None, None, None),
    ],
    "assignments": [
        ("xiaozu", "000012", "张三", "leader", date(2020, 2, 4), None, "德公党〔2020〕3号"),
        ("zhibu", "fj0034", "李四", "member", date(2020, 2, 5), date(2020, 3, 1), None),
    ],
}


@BOTH
def test_four_nouns_in_one_workbook(maker: str) -> None:
    book = opened(f"plain.{maker}")
    assert rows(book) == PLAIN
    assert (book.ignored, book.notices) == ([], [])


def test_csv_saved_by_libreoffice() -> None:
    assert rows(opened("plain.office.csv")) == {"people": PLAIN["people"]}


def line(number: str, name: str, category: str, status: str, phone: str | None = None) -> tuple:
    return (number, name, category, status, "cheng", FEBRUARY_3, phone)


@BOTH
def test_a_roster_as_offices_keep_it(maker: str) -> None:
    book = opened(f"dirty.{maker}")
    assert rows(book)["people"] == [
        line("1001", "张三", "officer", "full_member", "13800000001"),
        line("0012", "李四", "officer", "probationary_member", "138 0000 0002"),
        line("0013", "阿依·古丽", "auxiliary", "league_member", "+86 0534-1234567"),
        line("000014", "王五", "auxiliary", "masses"),
        line("1015", "Ali Khan", "auxiliary", "masses"),
        line("1016", "赵六", "officer", "full_member"),
        line("1017", "钱七", "officer", "activist"),
        line("1018", "孙八", "officer", "unknown"),
        ("1020", "吴十", "officer", "masses", "cheng", date(2020, 2, 1), None),
    ]
    (table,) = book.tables
    assert [problem for line in table.lines for problem in line.problems] == [
        Problem(
            "花名册!D12",
            "category",
            "“人员类别”不能填“民警x”,请从这些里选:民警、辅警、其他人员",
        ),
        Problem(
            "花名册!G12", "joined_on", "“入党日期”有误:日期“2020.2.30”不存在,请写成 2020-02-03 这样的日期"
        ),
        Problem(
            "花名册!G14",
            "joined_on",
            "“入党日期”有误:“3/2/2020”分不清日和月,请写成 2020-02-03 这样的日期",
        ),
        Problem("花名册!B14", "number", "“警号”没有填写"),
    ]
    assert [note for line in table.lines for note in line.notes] == [
        Problem("花名册!G13", "joined_on", "“2020年2月”只写到月,按 2020-02-01 登记;知道日子的请补上。")
    ]
    assert book.notices == ["“花名册”有 2 行是隐藏的(例如被筛选掉的),也一并读取。"]
    assert book.ignored == [
        Ignored("底稿", "工作表已隐藏;需要导入请先取消隐藏"),
        Ignored("附注", "没有可识别的表头"),
    ]


@BOTH
def test_the_lines_know_their_numbers_and_what_stands_in_them(maker: str) -> None:
    lines = list(opened(f"dirty.{maker}").tables[0].lines)
    assert [one.number for one in lines] == list(range(4, 15))
    assert lines[0].raw["name"] == "张 三"
    assert lines[3].raw == {
        "number": "000014",
        "name": "王  五",
        "category": "辅警",
        "political_status": "群众",
        "home_unit": "cheng",
        "joined_on": "20200203",
        "phone": "",
    }


@BOTH
def test_merged_cells(maker: str) -> None:
    (table,) = opened(f"merged.{maker}").tables
    lines = list(table.lines)
    assert [tuple(one.values.values()) for one in lines[:4]] == [
        ("zhibu-1", "0001", "张三", "secretary", FEBRUARY_3, None),
        ("zhibu-1", "0002", "李四", "member", FEBRUARY_3, date(2020, 3, 1)),
        ("zhibu-1", "0003", "王五", "member", date(2020, 2, 4), None),
        ("zhibu-2", "0004", "赵六", "secretary", date(2020, 2, 5), None),
    ]
    assert lines[4].problems == [
        Problem(
            "编入名册!E8",
            "started_on",
            "“编入日期”和“结束日期”的单元格合并了,请取消合并后分别填写",
        )
    ]


def test_formulas_with_their_results() -> None:
    (line,) = opened("formulas.office.xlsx").tables[0].lines
    assert (line.values["name"], line.values["joined_on"], line.values["title"]) == ("张三", FEBRUARY_3, None)
    assert line.problems == [Problem("人员!G2", "note", "单元格是错误值 #DIV/0!,请改正公式或直接填写")]


def test_formulas_without_results_are_refused() -> None:
    (line,) = opened("formulas.xlsx").tables[0].lines
    reason = "公式没有保存结果,请在 Excel 中打开并保存,或改填数值"
    assert line.problems == [
        Problem("人员!B2", "name", reason),
        Problem("人员!E2", "joined_on", reason),
        Problem("人员!F2", "title", reason),
        Problem("人员!G2", "note", reason),
    ]


# --- LibreOffice, now -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain", "dirty", "merged"])
def test_what_libreoffice_saves_reads_the_same(name: str, convert: Convert) -> None:
    before = opened(f"{name}.xlsx")
    after = open_book(convert(FILES / f"{name}.xlsx", "xlsx:Calc MS Excel 2007 XML"), f"{name}.xlsx")
    assert [[(one.values, one.problems) for one in table.lines] for table in after.tables] == [
        [(one.values, one.problems) for one in table.lines] for table in before.tables
    ]


@pytest.mark.parametrize(("charset", "encoding"), [("76", "utf-8"), ("85", "gb18030")])
def test_csv_from_libreoffice_in_both_encodings(charset: str, encoding: str, convert: Convert) -> None:
    path = convert(FILES / "plain.xlsx", f"csv:Text - txt - csv (StarCalc):44,34,{charset}")
    assert path.read_bytes().decode(encoding).startswith("警号,姓名")
    assert rows(open_book(path, "人员.csv")) == {"people": PLAIN["people"]}


def test_the_committed_files_are_those_of_the_script(tmp_path: Path) -> None:
    from tests.spreadsheets.make_files import BOOKS

    for name, make in BOOKS.items():
        make().save(tmp_path / "new.xlsx")
        new, old = load_workbook(tmp_path / "new.xlsx"), load_workbook(FILES / f"{name}.xlsx")
        assert [[*sheet.values] for sheet in new] == [[*sheet.values] for sheet in old], name
