"""What a cell shows of its number is what is read, or it is refused with its address."""

import re
from pathlib import Path

import pytest
from openpyxl import Workbook

from registry.spreadsheets.number_formats import NotDrawn, format_of
from registry.spreadsheets.reading import open_book

OF_ITS_OWN = 164
"""From here on formats have a code of their own."""


def shown(number: float, code: str) -> str:
    draw = format_of(OF_ITS_OWN, code)
    assert callable(draw)
    return draw(number)


@pytest.mark.parametrize(
    ("number", "code", "text"),
    [
        (12, "00000", "00012"),
        (-3, "00000", "-00003"),
        (7, '"K"000', "K007"),
        (3, "0号", "3号"),
        (3, '0"号"', "3号"),
        (5, 'General"人"', "5人"),
        (1234567, "000-0000", "123-4567"),
        (1234567, "#,##0", "1,234,567"),
        (12, "0.00", "12.00"),
        (1998.1, "0.00", "1998.10"),
        (1.5, "0.0#", "1.5"),
        (2.5, "0", "3"),
        (0.1234, "0.00%", "12.34%"),
        (13800000001, "0.00E+00", "1.38E+10"),
        (12345, "0,", "12"),
        (12.5, "[$¥-804]#,##0.00", "¥12.50"),
        (-5, "0.00;[Red](0.00)", "(5.00)"),
        (0, "0;-0;;@", ""),
        (1234, '_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ ', "1,234.00"),
    ],
)
def test_a_number_is_shown_by_its_format(number: float, code: str, text: str) -> None:
    assert shown(number, code) == text


@pytest.mark.parametrize(("number", "code"), [(0.5, "# ?/?"), (0.5, "h:mm"), (5, "[>100]0"), (5, ";;;")])
def test_what_cannot_be_told_is_not_drawn(number: float, code: str) -> None:
    with pytest.raises(NotDrawn):
        shown(number, code)


def test_days_and_plain_numbers_have_no_text() -> None:
    assert (
        format_of(OF_ITS_OWN, '[$-804]yyyy"年"m"月"') == format_of(14, None) == format_of(57, None) == "date"
    )
    assert format_of(OF_ITS_OWN, "General") is format_of(0, None) is format_of(49, None) is None


def test_cells_are_read_as_they_are_shown(tmp_path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.active
    sheet.append(["警号", "姓名", "联系电话", "入党日期", "职务"])
    sheet.append([123, "张三", 13800000001, 36707, 0.5])
    sheet.append([124, "李四", 13800000002, 1998.1, 0.5])
    sheet.append([12345, "王五", 5345678, 44000, 12])
    sheet.append([-1, "赵六", 5345678, 20200203, 3])
    for address, code in {
        **{"A2": "000000", "A4": "0.00", "C3": "0.00E+00", "C4": "000-00000", "D3": "0.00"},
        **{"E2": "0%", "E3": "# ?/?", "E4": '0"级"', "A5": "00000", "D5": "#,##0"},
    }.items():
        sheet[address].number_format = code
    workbook.save(tmp_path / "a.xlsx")
    (table,) = open_book(tmp_path / "a.xlsx", "a.xlsx").tables
    lines = list(table.lines)
    assert [line.values["number"] for line in lines[:2]] == ["000123", "124"]
    assert [line.values["phone"] for line in lines] == ["13800000001", None, "053-45678", "5345678"]
    assert [str(line.values["joined_on"]) for line in lines] == [
        "2000-06-30",
        "1998-10-01",
        "2020-06-18",
        "None",
    ]
    assert [line.values["title"] for line in lines] == ["50%", None, "12级", "3"]
    problems = {one.address: one.message for line in lines for one in line.problems}
    assert (
        {"Sheet!C3", "Sheet!E3", "Sheet!D5"}
        <= problems.keys()
        <= {*("Sheet!C3", "Sheet!E3", "Sheet!D5", "Sheet!A4", "Sheet!A5")}
    )
    assert re.search("科学计数 1.38E\\+10", problems["Sheet!C3"])
    assert problems["Sheet!E3"] == "这格的数字格式显示的内容无法识别,请设为文本格式后重新填写"
    assert "“20,200,203”不是日期" in problems["Sheet!D5"]
