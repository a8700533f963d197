"""The workbooks that users fill in: one sheet for each noun, with drop-down lists, an example and notes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from registry.nouns import layouts
from registry.nouns.columns import EXAMPLE, NO, NOTES_TITLE, YES, Column, Layout
from registry.spreadsheets.hostile import MAX_ROWS

OPTIONS = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
"""A text is written as a text, whatever it looks like."""
DAY_FORMAT = "yyyy-mm-dd"

_HEADER_LINE, _EXAMPLE_LINE = 1, 2  # from 0
_A4, _LANDSCAPE_WIDE = 9, 1
HEADER = {"bold": True, "border": 1, "bg_color": "#f3e3d3", "valign": "vcenter", "text_wrap": True}
_EXAMPLE = {"italic": True, "font_color": "#80868b", "bg_color": "#f1f3f4"}
_FORMATS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 14, "valign": "vcenter"},
    "hint": {"font_color": "#5f6368", "text_wrap": True, "valign": "vcenter"},
    "header": HEADER,
    "required": {**HEADER, "font_color": "#b3151b"},
    "text": {"num_format": "@"},
    "day": {"num_format": DAY_FORMAT},
    "example": {**_EXAMPLE, "num_format": "@"},
    "example_day": {**_EXAMPLE, "num_format": DAY_FORMAT, "align": "left"},
    "wrapped": {"text_wrap": True, "valign": "top", "border": 1},
}
_KINDS = {
    "text": "文字",
    "name": "文字",
    "code": "文本(保留前面的零)",
    "date": "日期,例如 2020-02-03",
    "choice": "从下拉列表选择",
    "yes_no": "是或否",
    "whole": "整数",
}


def template(noun: Layout | None = None) -> bytes:
    """Return the workbook to fill in for ``noun``; for all nouns, a sheet each, when left out.

    Uploading it untouched brings nothing in: the example row is marked and not read.
    """
    nouns = tuple(each for each in layouts().values() if not each.verb) if noun is None else (noun,)
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {**OPTIONS, "in_memory": True})
    formats = {name: book.add_format(about) for name, about in _FORMATS.items()}
    for one in nouns:
        _sheet(book.add_worksheet(one.title), one, formats)
    _notes(book.add_worksheet(NOTES_TITLE), nouns, formats)
    book.close()
    return file.getvalue()


def columns_to_fill(noun: Layout) -> list[Column]:
    """The columns of a template: all that an import reads."""
    return [column for column in noun.columns if not column.is_info]


def choices_of(column: Column) -> list[str]:
    """What the drop-down list of a column offers; empty where there is none."""
    return [YES, NO] if column.kind == "yes_no" else list(column.labels.values())


def add_choices(sheet: Worksheet, column: Column, place: int, first: int, last: int) -> None:
    """Put the drop-down list of ``column``, or the hint for days, on rows ``first`` to ``last`` (from 0)."""
    rule: dict[str, Any] = {"error_title": column.header}
    if choices := choices_of(column):
        rule |= {"validate": "list", "source": choices, "error_message": "请从下拉列表中选择。"}
    elif column.kind == "date":
        rule |= {
            "validate": "date",
            "criteria": "between",
            "minimum": date(1900, 3, 1),
            "maximum": date(2099, 12, 31),
            "error_type": "information",
            "error_message": "请写成 2020-02-03 这样的日期。",
        }
    if "validate" in rule:
        sheet.data_validation(first, place, last, place, rule)


def width_of(column: Column) -> float:
    """How wide a column is, in Excel's characters (a Chinese character is two)."""
    longest = max((len(text) for text in [column.header + " *", *choices_of(column)]), default=0)
    least = {"date": 12, "code": 18, "name": 10}.get(column.kind, 8)
    if column.slug in ("name", "note", "aliases") and (column.max_length or 0) > 40:
        least = 26
    example = (
        1.3 * len(column.example.encode("gb18030")) + 6 if column.kind in ("text", "name", "code") else 0
    )
    return max(least, 2 * longest + 2, min(example, 44))


def _sheet(sheet: Worksheet, noun: Layout, formats: dict[str, Format]) -> None:
    columns = columns_to_fill(noun)
    sheet.set_row(0, 30)
    sheet.write_string(0, 0, f"{noun.title}导入模板", formats["title"])
    sheet.merge_range(
        0,
        2,
        0,
        len(columns) - 1,
        f"红色带 * 的列新增时必填;灰色的示例行不会导入;各列的写法见“{NOTES_TITLE}”。",
        formats["hint"],
    )
    sheet.set_row(_HEADER_LINE, 22)
    for place, column in enumerate(columns):
        is_day = column.kind == "date"
        sheet.set_column(place, place, width_of(column), formats["day" if is_day else "text"])
        mark = " *" if column.required else ""
        sheet.write_string(
            _HEADER_LINE,
            place,
            f"{column.header}{mark}",
            formats["required" if column.required else "header"],
        )
        example: Any = column.shown(column.example)
        if column.slug == noun.needed[0]:
            example = f"{EXAMPLE} {column.example}"
        if example and is_day:
            sheet.write_datetime(_EXAMPLE_LINE, place, date.fromisoformat(example), formats["example_day"])
        else:
            sheet.write_string(_EXAMPLE_LINE, place, example or "", formats["example"])
        add_choices(sheet, column, place, _EXAMPLE_LINE, MAX_ROWS)
    sheet.freeze_panes(_HEADER_LINE + 1, 2)
    print_on_a4(sheet, _HEADER_LINE)


def print_on_a4(sheet: Worksheet, header_line: int) -> None:
    """Print a sheet across, as wide as the paper, its header (from 0) on every page."""
    sheet.set_paper(_A4)
    sheet.set_landscape()
    sheet.fit_to_pages(_LANDSCAPE_WIDE, 0)
    sheet.repeat_rows(header_line)
    sheet.set_footer("&C第 &P 页,共 &N 页")


def _notes(sheet: Worksheet, nouns: Sequence[Layout], formats: dict[str, Format]) -> None:
    general = (
        "每行一条;表头的名称不要改动,列的先后不限,用不到的列可以删去。",
        "代码或警号在登记系统里已有的,按行更新;没有的,新增。同一文件重复导入不会重复登记。",
        "单位和组织也可以写名称:代码列空着,或把“所属单位代码”列改为“所属单位”等;有重名的须写代码。",
        "以“示例”开头的行不会导入,可以删去。",
        "日期写作 2020-02-03、2020/2/3、2020.2.3、20200203 或 2020年2月3日都可以,要写到日。",
        "入党日期、转正日期只知道月份的,可以只写到月。",
        "代码、警号、电话所在的列是文本格式,前面的零会保留;从别处粘贴时请选“只粘贴文本”。",
        "上传后先核对,确认以后才写入;有误的行会连同“错误原因”列一起返回,改好后再上传即可。",
    )
    for place, width in enumerate((10, 16, 8, 22, 44, 52)):
        sheet.set_column(place, place, width)
    sheet.set_row(0, 30)
    sheet.write_string(0, 0, NOTES_TITLE, formats["title"])
    line = 1
    for number, text in enumerate(general, start=1):
        sheet.write_string(line, 0, f"{number}. {text}")
        line += 1
    line += 1
    for place, head in enumerate(("工作表", "列", "必填", "格式", "可填的内容", "说明")):
        sheet.write_string(line, place, head, formats["header"])
    header_line = line
    for noun in nouns:
        for column in columns_to_fill(noun):
            line += 1
            choices = "、".join(choices_of(column))
            sheet.set_row(line, 16 * max(1, -(-2 * len(choices) // 42)))
            length = (
                f",最多 {column.max_length} 字"
                if column.max_length and column.kind in ("text", "name")
                else ""
            )
            for place, text in enumerate(
                (
                    noun.title,
                    column.header,
                    "必填" if column.required else "",
                    _KINDS[column.kind] + length,
                    choices,
                    column.help,
                )
            ):
                sheet.write_string(line, place, text, formats["wrapped"])
    print_on_a4(sheet, header_line)
