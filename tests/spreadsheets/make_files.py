"""Make the workbooks in ``files/``: ``python -m tests.spreadsheets.make_files``.

Each is written by openpyxl (``name.xlsx``), then opened and saved by LibreOffice (``name.office.xlsx``, and
``name.office.csv`` for the plain one). What each must be read as stands in ``test_files.py``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Border, Side
from openpyxl.worksheet.worksheet import Worksheet

FILES = Path(__file__).parent / "files"


def _book(*titles: str) -> tuple[Workbook, list[Worksheet]]:
    book = Workbook()
    first = book.active
    assert isinstance(first, Worksheet)
    first.title = titles[0]
    return book, [first, *(book.create_sheet(title) for title in titles[1:])]


def plain() -> Workbook:
    """All four nouns, children before their parents."""
    book, (people, units, assignments, organizations) = _book("人员", "单位", "编入", "组织")
    units.append(["单位代码", "单位名称", "简称", "单位类型", "行政区划代码", "上级单位代码", "设立日期"])
    units.append(["cheng", "城区派出所", "城区所", "派出所", "371402", "ju", date(2015, 6, 1)])
    units.append(["ju", "德城分局", None, "分局", "371402", None, None])
    heads = "组织代码 组织名称 组织类型 是否临时 所在单位代码 上级组织代码 成立日期 批复文号"
    organizations.append(heads.split())
    document = "德公党〔2020〕3号"
    organizations.append(
        ["xiaozu", "城区所临时党小组", "党小组", "是", "cheng", "zhibu", date(2020, 2, 4), document]
    )
    organizations.append(["zhibu", "德城分局临时党支部", "党支部", "是", "ju", None, date(2020, 2, 3), None])
    people.append(["警号", "姓名", "人员类别", "政治面貌", "所属单位代码", "入党日期", "职务", "联系电话"])
    people.append(["000012", "张三", "民警", "正式党员", "cheng", date(2001, 7, 1), "民警", "13800000001"])
    people.append(["fj0034", "李四", "辅警", "群众", "ju", None, None, None])
    assignments.append(["组织代码", "警号", "姓名", "职责", "编入日期", "结束日期", "文号"])
    assignments.append(["xiaozu", "000012", "张三", "负责人", date(2020, 2, 4), None, document])
    assignments.append(["zhibu", "fj0034", "李四", "成员", date(2020, 2, 5), date(2020, 3, 1), None])
    return book


DIRTY: list[list[Any]] = [
    ["德城分局一线人员花名册", *[None] * 7],
    ["填报单位:德城分局", *[None] * 5, "2020年3月1日", None],
    ["序号", "警员编号", "名 字", "人员\n类别 *", "政治面貌", "单位代码(必填)", "入党时间", "手机号码"],
    [1, 1001.0, "张 三", "民警", "中共党员", "CHENG", "2020.2.3", 13800000001],
    [2, "0012", "李　四", "民 警", "预备党员", " cheng ", "2020年2月3日", "138 0000 0002"],
    [3, "００１３", "阿依·古丽", "协警", "团员", "cheng", "2020/2/3", "+86 0534-1234567"],
    [4, 14, "王  五", "辅警", "群众", "cheng", 20200203, None],
    [5, 1015, "Ali Khan", "辅警", "群众", "cheng", 43864, None],
    [6, "1016", "赵六", "民警", "党员", "cheng", datetime(2020, 2, 3, 8, 30), None],  # noqa: DTZ001 (a cell has no time zone)
    [7, "1017", "钱\n七", "民警", "积极分子", "cheng", "二〇二〇年二月三日", None],
    [8, "1018", "孙八", "民警", "未登记", "cheng", "２０２０－２－３", "无"],
    [9, "1019", "周九", "民警x", "群众", "cheng", "2020.2.30", None],
    [10, "1020", "吴十", "民警", "群众", "cheng", "2020年2月", None],
    [11, None, "郑一", "民警", "群众", "cheng", "3/2/2020", None],
    ["合计", None, "11人", *[None] * 5],
    ["填表人:王二", *[None] * 7],
]


def dirty() -> Workbook:
    """A roster as offices keep it: titles, serial numbers, every way to write a day, hidden rows, a foot."""
    book, (sheet, hidden, other) = _book("花名册", "底稿", "附注")
    for row in DIRTY:
        sheet.append(row)
    sheet.merge_cells("A1:H1")
    sheet.merge_cells("A2:F2")
    sheet["B7"].number_format = "000000"
    sheet["G9"].number_format = "yyyy/m/d"
    sheet.row_dimensions[5].hidden = True
    sheet.row_dimensions[8].hidden = True
    for row in range(40, 3_000):
        for column in range(1, 9):
            sheet.cell(row, column).border = Border(left=Side("thin"), right=Side("thin"))
    hidden.append(["警号", "姓名"])
    hidden.append(["9999", "不应读取"])
    hidden.sheet_state = "hidden"
    other.append(["本表由各所上报汇总"])
    return book


def merged() -> Workbook:
    """A header of two rows, and organizations merged over the rows of their members."""
    book, (sheet,) = _book("编入名册")
    for row in (
        ["各临时党支部成员", None, None, None, None, None],
        ["组织代码", "党员信息", None, "职责", "起止", None],
        [None, "警号", "姓名", None, "编入日期", "结束日期"],
        ["zhibu-1", "0001", "张三", "书记", date(2020, 2, 3), None],
        [None, "0002", "李四", "成员", date(2020, 2, 3), date(2020, 3, 1)],
        [None, "0003", "王五", "成员", date(2020, 2, 4), None],
        ["zhibu-2", "0004", "赵六", "书记", date(2020, 2, 5), None],
        ["zhibu-3", "0005", "钱七", "成员", date(2020, 2, 5), None],
    ):
        sheet.append(row)
    for area in ("A1:F1", "A2:A3", "B2:C2", "D2:D3", "E2:F2", "A4:A6", "E8:F8"):
        sheet.merge_cells(area)
    return book


def formulas() -> Workbook:
    """Formulas: openpyxl saves them without results, LibreOffice with."""
    book, (sheet,) = _book("人员")
    sheet.append(["警号", "姓名", "人员类别", "所属单位代码", "入党日期", "职务", "备注"])
    sheet.append(["0001", '="张"&"三"', "民警", "cheng", "=DATE(2020,2,3)", '=""', "=1/0"])
    sheet["E2"].number_format = "yyyy-mm-dd"
    return book


BOOKS = {"plain": plain, "dirty": dirty, "merged": merged, "formulas": formulas}


def main() -> None:
    """Write all of them."""
    office = shutil.which("soffice") or sys.exit("needs LibreOffice")
    FILES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, make in BOOKS.items():
            path = FILES / f"{name}.xlsx"
            make().save(path)
            base = [office, f"-env:UserInstallation={(Path(folder) / 'profile').as_uri()}", "--headless"]
            for to in ("xlsx:Calc MS Excel 2007 XML", "csv:Text - txt - csv (StarCalc):44,34,76"):
                subprocess.run([*base, "--convert-to", to, "--outdir", folder, str(path)], check=True)
            shutil.copy(Path(folder) / path.name, FILES / f"{name}.office.xlsx")
            if name == "plain":
                shutil.copy(Path(folder) / "plain.csv", FILES / "plain.office.csv")


if __name__ == "__main__":
    main()
