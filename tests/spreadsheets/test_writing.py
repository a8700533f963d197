"""Tables written to files: what each cell is, what a printer sees, and that memory does not grow."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring
from zipfile import ZipFile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.spreadsheets import writing
from registry.spreadsheets.guarding import guarded, is_formula, unguarded
from registry.spreadsheets.sheets import Head, Kind, Sheet
from tests.conftest import Convert

HEADS = [
    Head("序号", Kind.ORDER),
    Head("姓名"),
    Head("警号", Kind.CODE),
    Head("人数", Kind.NUMBER),
    Head("占比", Kind.SHARE),
    Head("日期", Kind.DATE),
    Head("时间", Kind.TIME),
]


def naive(*parts: int) -> datetime:
    """A moment as a workbook holds it: the office's clock, without a zone."""
    return datetime(*parts)  # type: ignore[misc,arg-type]  # noqa: DTZ001


MOMENT = datetime(2020, 2, 20, 1, 30, 5, 700, tzinfo=UTC)
ROWS: list[list[Any]] = [
    [1, "张三", "001234", 12, 0.5, date(2020, 2, 3), MOMENT],
    [2, "=1+1", "-5", 0, None, None, None],
]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\tx", "\rx", "\r\n=1", "\uff1d1", "\u3000@1"]


def sheet(**facts: Any) -> Sheet:
    return Sheet(
        **{
            "name": "人员",
            "title": "一线人员",
            "heads": HEADS,
            "rows": iter(ROWS),
            "facts": ["单位:甲局  截至:2020-02-20  口径:现有", "导出人:王五"],
            **facts,
        }
    )


def workbook(*sheets: Sheet) -> Any:
    file = io.BytesIO()
    writing.write_xlsx(sheets, file)
    return openpyxl.load_workbook(file)


def test_numbers_are_numbers_codes_text_and_dates_dates() -> None:
    tab = workbook(sheet())["人员"]
    assert tab["A1"].value == "一线人员"
    assert tab["A2"].value == "单位:甲局  截至:2020-02-20  口径:现有"
    assert [cell.value for cell in tab[4]] == [head.header for head in HEADS]
    # A moment is written as the office's clock shows it: eight hours on.
    assert [cell.value for cell in tab[5]] == [
        1, "张三", "001234", 12, 0.5, naive(2020, 2, 3), naive(2020, 2, 20, 9, 30, 5),
    ]  # fmt: skip
    assert [cell.data_type for cell in tab[5]] == ["n", "s", "s", "n", "n", "d", "d"]
    assert [cell.number_format for cell in tab[5]][2:6] == ["@", "0", "0.0%", "yyyy-mm-dd"]
    assert [cell.value for cell in tab[6]] == [2, "=1+1", "-5", 0, None, None, None]


def test_what_begins_like_a_formula_is_text_and_stays_text_when_edited() -> None:
    tab = workbook(sheet())["人员"]
    assert [(tab[at].data_type, tab[at].quotePrefix) for at in ("B6", "C6", "B5")] == [
        ("s", True),
        ("s", True),
        ("s", False),
    ]


def test_the_tab_is_set_up_for_the_screen_and_for_a4() -> None:
    tab = workbook(sheet(printed=3))["人员"]
    assert tab.freeze_panes == "A5"
    assert tab.auto_filter.ref == "A4:G6"
    assert (tab.page_setup.paperSize, tab.page_setup.orientation) == (9, "landscape")
    assert tab.sheet_properties.pageSetUpPr.fitToPage
    assert (tab.page_setup.fitToWidth, tab.page_setup.fitToHeight) in ((1, 0), (None, 0))
    assert tab.print_title_rows == "$4:$4"
    assert tab.print_area == "'人员'!$A$1:$C$6"
    assert tab.oddFooter.right.text == "第 &P 页 共 &N 页"
    widths = [tab.column_dimensions[letter].width for letter in "ABCDEFG"]
    assert widths[2] >= len("001234") + 2
    assert widths[6] >= 19
    long = workbook(sheet(rows=[[1, "长" * 200, "0" * 60, 1, 1, None, None]]))["人员"]
    assert long.column_dimensions["B"].width <= writing._WIDEST + 1
    assert long.row_dimensions[5].height > 100  # the long text is seen whole


def test_a_sheet_to_be_filed_has_title_and_totals_over_its_width() -> None:
    heads = [
        Head("序号", Kind.ORDER),
        Head("单位"),
        Head("党委", Kind.NUMBER, "组织"),
        Head("支部", Kind.NUMBER, "组织"),
    ]
    book = workbook(
        sheet(
            heads=heads,
            rows=[[1, "甲", 2, 3]],
            totals=["合计", "1 个", 2, 3],
            notes=["说明"],
            signature="填报人:",
            for_filing=True,
            facts=["填报单位:甲"],
        )
    )
    tab = book["人员"]
    merged = {str(area) for area in tab.merged_cells.ranges}
    assert {"A1:D1", "A2:D2", "C3:D3", "A3:A4", "B3:B4"} <= merged
    assert [tab["A3"].value, tab["B3"].value, tab["C3"].value, tab["C4"].value, tab["D4"].value] == [
        "序号", "单位", "组织", "党委", "支部",
    ]  # fmt: skip
    assert [cell.value for cell in tab[5]] == [1, "甲", 2, 3]
    assert [cell.value for cell in tab[6]] == ["合计", "1 个", 2, 3]
    assert (tab["A7"].value, tab["A9"].value) == ("说明", "填报人:")
    assert tab.print_title_rows == "$3:$4"
    assert tab.auto_filter.ref is None


def test_rows_that_do_not_fit_go_on_another_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "ROWS_ON_A_TAB", 2)
    monkeypatch.setattr(writing, "_MEASURED", 1)
    heads = [Head("数", Kind.NUMBER)]
    file = io.BytesIO()
    number = writing.write_xlsx([sheet(heads=heads, rows=([at] for at in range(5)), facts=[])], file)
    book = openpyxl.load_workbook(file)
    assert number == 5
    assert book.sheetnames == ["人员", "人员(2)", "人员(3)"]
    assert [[row[0].value for row in tab.iter_rows(min_row=2)] for tab in book] == [
        ["数", 0, 1],
        ["数", 2, 3],
        ["数", 4],
    ]


def test_names_that_excel_or_a_disk_refuses() -> None:
    first = sheet(name="甲[乙]:*?/\\丙" + "长" * 40)
    book = workbook(first, sheet(name=first.name, rows=[]), sheet(name="'", rows=[]))
    assert book.sheetnames[0] == ("甲乙丙" + "长" * 40)[:31]
    assert book.sheetnames[1].endswith("(2)")
    assert book.sheetnames[2] == "表"
    assert writing.file_name('甲/乙"<>|?*:.', "csv") == "甲-乙-------.csv"


def test_what_no_cell_holds_is_left_out() -> None:
    rows: list[list[Any]] = [["a\x00b\x1f\r\nc\ufffe"], ["长" * 40_000], [date(1899, 5, 1)]]
    tab = workbook(sheet(heads=[Head("文")], rows=rows, facts=[]))["人员"]
    assert tab["A3"].value == "ab\nc"
    assert tab["A4"].value == "长" * 32_766 + "…"
    assert tab["A5"].value == "1899-05-01"  # before the days that Excel has numbers for


# CSV


def lines(made: Sheet) -> list[list[str]]:
    file = io.BytesIO()
    writing.write_csv(made, file)
    assert file.getvalue().startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline="")))


def test_a_csv_file_holds_the_same() -> None:
    assert lines(sheet(totals=["合计", "2 人", None, 12, 0.5, None, None], notes=["说明"])) == [
        ["一线人员"],
        ["单位:甲局  截至:2020-02-20  口径:现有"],
        ["导出人:王五"],
        ["序号", "姓名", "警号", "人数", "占比", "日期", "时间"],
        ["1", "张三", "001234", "12", "50.0%", "2020-02-03", "2020-02-20 09:30:05"],
        ["2", "'=1+1", "'-5", "0", "", "", ""],
        ["合计", "2 人", "", "12", "50.0%", "", ""],
        ["说明"],
    ]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_not_run(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert is_formula(text)


def test_what_is_no_formula_stays() -> None:
    plain = ["张三", "", "2020-02-01", "a=b", "001234", "'quoted'", "0"]
    assert [guarded(text) for text in plain] == plain


@given(st.text(alphabet="'=+-@\t\r \u3000\uff1d张a0\n", max_size=8))
def test_guarding_is_taken_back_unchanged(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not is_formula(guarded(text))


# Any table, through both formats

cells = st.one_of(
    st.none(),
    st.text(
        alphabet=st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
    ).filter(lambda text: text == text.strip() and "_x" not in text),
)


@given(
    st.lists(
        st.tuples(cells, st.integers(-(2**53), 2**53), st.dates(date(1900, 3, 1), date(9999, 12, 31))),
        max_size=8,
    )
)
def test_any_table_comes_back_the_same(rows: list[tuple[str | None, int, date]]) -> None:
    heads = [Head("文"), Head("数", Kind.NUMBER), Head("日", Kind.DATE)]
    made = sheet(heads=heads, rows=rows, facts=[])
    tab = workbook(made)["人员"]
    found = [tuple(cell.value for cell in row) for row in tab.iter_rows(min_row=3)]
    assert [(text, number, day.date()) for text, number, day in found] == [
        (text or None, number, day) for text, number, day in rows
    ]
    read = lines(sheet(heads=heads, rows=rows, facts=[]))[2:]
    assert [[unguarded(row[0]), row[1], row[2]] for row in read] == [
        [text or "", str(number), day.isoformat()] for text, number, day in rows
    ]


# Size, and another program's eyes

MANY = """
import sys
from datetime import date
from registry.spreadsheets import writing
from registry.spreadsheets.sheets import Head, Kind, Sheet
from tests.memory import peak

number, path = int(sys.argv[1]), sys.argv[2]
heads = [Head("姓名"), Head("警号", Kind.CODE), Head("人数", Kind.NUMBER), Head("日期", Kind.DATE)]
rows = ([f"名字{at}", f"{at:08d}", at, date(2020, 2, 3)] for at in range(number))
with open(path, "w+b") as file:
    sheet = Sheet("表", "表", heads, rows)
    written = (writing.write_csv(sheet, file) if path.endswith("csv") else writing.write_xlsx([sheet], file))
assert written == number
print(peak())
"""


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_a_hundred_thousand_rows_take_no_more_memory_than_a_hundred(tmp_path: Path, suffix: str) -> None:
    def used(number: int) -> float:
        """Return the most memory that writing so many rows took, in megabytes."""
        path = str(tmp_path / f"{number}.{suffix}")
        run = [sys.executable, "-c", MANY, str(number), path]
        setup = {**os.environ, "PYTHONPATH": os.getcwd()}
        return float(subprocess.run(run, env=setup, check=True, capture_output=True, text=True).stdout)

    assert used(100_000) - used(100) < 20
    if suffix == "xlsx":
        with ZipFile(tmp_path / "100000.xlsx") as book:  # openpyxl would read all rows for the last
            written = book.read("xl/worksheets/sheet1.xml")
        last = fromstring(b"<row" + written.rpartition(b"<row")[2].partition(b"</sheetData>")[0])
        serial = str((date(2020, 2, 3) - date(1899, 12, 30)).days)
        assert ["".join(cell.itertext()) for cell in last] == ["名字99999", "00099999", "99999", serial]


def test_libreoffice_opens_it_and_prints_one_page_wide(tmp_path: Path, convert: Convert) -> None:
    heads = [Head("序号", Kind.ORDER), *(Head(f"第{at}列") for at in range(30))]
    wide = sheet(heads=heads, rows=[[at, *["一些文字"] * 30] for at in range(20)], for_filing=True)
    made = tmp_path / "wide.xlsx"
    with made.open("w+b") as file:
        writing.write_xlsx([wide], file)
    text = convert(made, "csv:Text - txt - csv (StarCalc):44,34,76").read_text("utf-8").splitlines()
    assert text[0].rstrip(",") == "一线人员"
    assert text[4].startswith("0,一些文字,")
    printed = convert(made, "pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 1
