"""Hostile and broken files: a clear refusal, in bounded memory and time."""

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from registry.spreadsheets import hostile
from registry.spreadsheets.reading import Unreadable, open_book
from tests.spreadsheets.make_files import FILES

SHEET = "xl/worksheets/sheet1.xml"
MAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEADER = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>警号</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>姓名</t></is></c></row>'
)
ONE_ROW = (
    '<row r="2"><c r="A2" t="inlineStr"><is><t>0001</t></is></c>'
    '<c r="B2" t="inlineStr"><is><t>张三</t></is></c></row>'
)


def parts(sheet: str, **more: str | bytes) -> dict[str, str | bytes]:
    """The parts of a workbook by hand; ``sheet`` is the inside of its only sheet."""
    return {
        "[Content_Types].xml": (
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            f'<Override PartName="/xl/workbook.xml" ContentType="{MAIN}"/></Types>'
        ),
        "_rels/.rels": (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{RELATION}/officeDocument" Target="xl/workbook.xml"/>'
            "</Relationships>"
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{SPACE}" xmlns:r="{RELATION}"><sheets>'
            '<sheet name="人员" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{RELATION}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="rId2" Type="{RELATION}/sharedStrings" Target="sharedStrings.xml"/>'
            "</Relationships>"
        ),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SPACE}">{sheet}</worksheet>',
        **{name.replace("__", "/"): body for name, body in more.items()},
    }


def packed(path: Path, about: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in about.items():
            archive.writestr(name, body)
    return path


def refusal(path: Path, filename: str = "") -> str:
    """The message with which a file is refused, at the latest when its lines are read."""

    def read() -> list:
        return [list(table.lines) for table in open_book(path, filename or path.name).tables]

    with pytest.raises(Unreadable) as refused:
        read()
    assert refused.value.message.endswith("。")
    return refused.value.message


def test_a_workbook_by_hand_is_read(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.xlsx", parts(f"<sheetData>{HEADER}{ONE_ROW}</sheetData>"))
    (table,) = open_book(path, "a.xlsx").tables
    assert [line.values for line in table.lines] == [{"number": "0001", "name": "张三"}]


# --- What is no workbook --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "name", "words"),
    [
        (b"", "a.xlsx", "文件是空的"),
        (b"MZ\x90\x00\x03" + b"\0" * 2000, "名单.xlsx", "程序文件"),
        (b"\x7fELF\x02\x01" + b"\0" * 2000, "名单.csv", "程序文件"),
        (b"#!/bin/sh\nrm -rf /\n", "名单.csv", "程序文件"),
        (b"%PDF-1.7\n", "名单.xlsx", "PDF"),
        (b"Rar!\x1a\x07", "名单.xlsx", "RAR"),
        (b"<html><table><tr><td>1</td></tr></table>", "名单.xlsx", "网页或 XML 文件"),
        (b"\xef\xbb\xbf\n<?xml version='1.0'?><Workbook/>", "名单.xls", "网页或 XML 文件"),
        ("警号,姓名\n".encode(), "名单.xlsx", "内容却不是 Excel 工作簿"),
        ("警号,姓名\n".encode(), "名单.docx", "不支持“.docx”文件"),
        ("警号,姓名\n".encode(), "名单", "不支持“无扩展名”文件"),
        (b"\x01\x00\x02" * 100, "名单.csv", "内容却不是文本"),
        ("警号,姓名\n".encode() + b"\xff\xff\xff", "名单.csv", "编码无法识别"),
    ],
)
def test_what_is_no_workbook(start: bytes, name: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(start)
    assert words in refusal(path, name)


def ole(*streams: str) -> bytes:
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000 + b"".join(s.encode("utf-16-le") for s in streams)
    )


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (ole("Workbook"), "名单.xls", "请另存为 .xlsx"),
        (ole("Workbook"), "名单.xlsx", "旧版 Excel 文件 (.xls),请另存为 .xlsx"),
        (ole("EncryptionInfo", "EncryptedPackage"), "名单.xlsx", "设有打开密码"),
        (ole("WordDocument"), "名单.xlsx", "这不是 .xlsx 工作簿"),
    ],
)
def test_the_old_format_and_passwords(content: bytes, name: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    assert words in refusal(path, name)


def test_what_libreoffice_saves_as_xls_is_refused(convert: Callable[[Path, str], Path]) -> None:
    assert "请另存为 .xlsx" in refusal(convert(FILES / "plain.xlsx", "xls"), "名单.xls")


def test_too_large_an_upload(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with path.open("wb") as file:
        file.truncate(hostile.MAX_UPLOAD + 1)
    assert "文件超过 50 MB" in refusal(path)


def test_a_workbook_called_csv(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.csv", parts(f"<sheetData>{HEADER}{ONE_ROW}</sheetData>"))
    assert "请把扩展名改为 .xlsx" in refusal(path)


def test_a_zip_of_something_else(tmp_path: Path) -> None:
    assert "这是压缩包,不是 Excel 工作簿" in refusal(packed(tmp_path / "a.xlsx", {"名单.csv": "警号"}))
    word = packed(tmp_path / "b.xlsx", {"word/document.xml": "<x/>", "[Content_Types].xml": "<x/>"})
    assert "Word" in refusal(word)


# --- What carries code, or names other files ------------------------------------------------------


def test_macros(tmp_path: Path) -> None:
    sheet = f"<sheetData>{HEADER}{ONE_ROW}</sheetData>"
    with_code = parts(sheet, xl__vbaProject=b"")
    with_code["xl/vbaProject.bin"] = b"\xd0\xcf\x11\xe0"
    declared = parts(sheet)
    declared["[Content_Types].xml"] = str(declared["[Content_Types].xml"]).replace(
        MAIN, "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    )
    old = parts(sheet)
    old["xl/macrosheets/sheet1.xml"] = "<x/>"
    for about in (with_code, declared, old):
        assert "工作簿带有宏" in refusal(packed(tmp_path / "a.xlsx", about))
    assert "工作簿带有宏" in refusal(packed(tmp_path / "a.xlsx", parts(sheet)), "a.xlsm")


def test_links_to_other_files_are_never_followed(tmp_path: Path) -> None:
    sheet = (
        f"<sheetData>{HEADER}"
        '<row r="2"><c r="A2" t="str"><f>[1]Sheet1!A1</f><v>0001</v></c>'
        '<c r="B2"><f>[1]Sheet1!B1</f></c></row></sheetData>'
    )
    about = parts(sheet)
    about["xl/externalLinks/externalLink1.xml"] = f'<externalLink xmlns="{SPACE}"/>'
    about["xl/externalLinks/_rels/externalLink1.xml.rels"] = (
        '<Relationships><Relationship Id="rId1" Type="x/externalLinkPath" '
        'Target="file:///etc/passwd" TargetMode="External"/></Relationships>'
    )
    book = open_book(packed(tmp_path / "a.xlsx", about), "a.xlsx")
    assert book.notices == ["工作簿链接了其他文件:没有打开那些文件,只读取了表中保存的结果。"]
    (line,) = book.tables[0].lines
    assert line.values == {"number": "0001", "name": None}
    assert [(problem.address, problem.message[:8]) for problem in line.problems] == [
        ("人员!B2", "公式没有保存结果")
    ]


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml"])
@pytest.mark.parametrize(
    "dtd",
    [
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
    ],
)
def test_declarations_in_the_xml(part: str, dtd: str, tmp_path: Path) -> None:
    about = parts(f"<sheetData>{HEADER}{ONE_ROW}</sheetData>")
    about["xl/sharedStrings.xml"] = f'<sst xmlns="{SPACE}"/>'
    about[part] = '<?xml version="1.0"?>' + dtd + str(about[part])
    assert "(DTD)" in refusal(packed(tmp_path / "a.xlsx", about))


# --- What is right, though no test workbook has it -------------------------------------------------


def test_how_a_name_is_spoken_is_no_part_of_it(tmp_path: Path) -> None:
    spoken = '<rPh sb="0" eb="1"><t>zhang</t></rPh>'
    about = parts(
        f'<sheetData>{HEADER}<row r="2"><c r="A2" t="inlineStr"><is><t>0001</t>{spoken}</is></c>'
        '<c r="B2" t="s"><v>0</v></c></row></sheetData>'
    )
    text = f"<si><r><t>张</t></r><r><t>三</t></r>{spoken}</si>"
    about["xl/sharedStrings.xml"] = f'<sst xmlns="{SPACE}">{text}</sst>'
    (table,) = open_book(packed(tmp_path / "a.xlsx", about), "a.xlsx").tables
    assert [line.values for line in table.lines] == [{"number": "0001", "name": "张三"}]


def test_days_counted_from_1904_and_prefixed_names(tmp_path: Path) -> None:
    """A workbook from an old Mac, written with a prefix before every name."""
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    sheet.append(["警号", "入党时间"])
    sheet.append(["0001", date(2020, 2, 3)])
    book.save(tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        about = {name: archive.read(name).decode() for name in archive.namelist()}
    assert "42402" in about[SHEET]
    prefixed = re.sub(r"<(/?)(?=[a-zA-Z])", r"<\1x:", about[SHEET]).replace("xmlns=", "xmlns:x=")
    for body in (about[SHEET], prefixed):
        path = packed(tmp_path / "b.xlsx", {**about, SHEET: body})
        (table,) = open_book(path, "b.xlsx").tables
        assert [line.values for line in table.lines] == [{"number": "0001", "joined_on": date(2020, 2, 3)}]


# --- What is broken -------------------------------------------------------------------------------


def test_broken_files(tmp_path: Path) -> None:
    whole = (FILES / "plain.xlsx").read_bytes()
    path = tmp_path / "a.xlsx"
    for broken in (whole[: len(whole) // 2], whole[:200], b"PK\x03\x04" + b"\0" * 500):
        path.write_bytes(broken)
        assert "工作簿已损坏" in refusal(path)


@pytest.mark.parametrize("place", range(40, 7_000, 480))
def test_a_flipped_byte_is_refused_or_harmless(place: int, tmp_path: Path) -> None:
    content = bytearray((FILES / "plain.xlsx").read_bytes())
    content[place] ^= 0xFF
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    try:
        for table in open_book(path, "a.xlsx").tables:
            list(table.lines)
    except Unreadable as refused:
        assert refused.message  # noqa: PT017 (either is right; anything else is an error)


@pytest.mark.parametrize(
    "sheet",
    [
        "<sheetData><row r='1'><c r='A1'>",
        f"<sheetData>{HEADER}<row r='0'><c r='A0'><v>1</v></c></row></sheetData>",
        f"<sheetData>{HEADER}<row r='99999999999'><c><v>1</v></c></row></sheetData>",
        f"<sheetData>{HEADER}<row r='2'><c r='AAAA2'><v>1</v></c></row></sheetData>",
        f"<sheetData>{HEADER}<row r='2'><c r='A2' t='s'><v>7</v></c></row></sheetData>",
        f"<sheetData>{HEADER}<row r='2'><c r='A2' t='s'><v>x</v></c></row></sheetData>",
        f"<sheetData>{HEADER}{ONE_ROW}{ONE_ROW}</sheetData>",
    ],
)
def test_sheets_that_no_program_writes(sheet: str, tmp_path: Path) -> None:
    assert "工作簿已损坏" in refusal(packed(tmp_path / "a.xlsx", parts(sheet)))


def test_two_parts_of_one_name(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.xlsx", parts(f"<sheetData>{HEADER}{ONE_ROW}</sheetData>"))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(SHEET, f'<worksheet xmlns="{SPACE}"><sheetData>{HEADER}</sheetData></worksheet>')
    assert "工作簿已损坏" in refusal(path)


def test_numbers_that_are_none_are_refused_at_their_cell(tmp_path: Path) -> None:
    for wrong in ("abc", "nan", "1e999"):
        sheet = f"<sheetData>{HEADER}<row r='2'><c r='A2'><v>{wrong}</v></c></row></sheetData>"
        (table,) = open_book(packed(tmp_path / "a.xlsx", parts(sheet)), "a.xlsx").tables
        (line,) = table.lines
        assert [(one.address, one.message) for one in line.problems] == [("人员!A2", f"“{wrong}”不是数字")]


def test_characters_that_no_database_takes_are_dropped(tmp_path: Path) -> None:
    sheet = (
        f'<sheetData>{HEADER}<row r="2"><c r="A2" t="inlineStr"><is><t>00_x0000_01</t></is></c>'
        '<c r="B2" t="inlineStr"><is><t>张_xD800_三_x000B__x005F_x0041_</t></is></c></row></sheetData>'
    )
    (table,) = open_book(packed(tmp_path / "a.xlsx", parts(sheet)), "a.xlsx").tables
    assert [line.values for line in table.lines] == [{"number": "0001", "name": "张三_x0041_"}]


# --- What is too large: memory and time, in a process of its own ----------------------------------

PEOPLE_HEADS = (
    *("警号", "姓名", "人员类别", "政治面貌", "所属单位代码", "所属党支部代码"),
    *("入党日期", "职务", "联系电话", "备注"),
)
MEASURE = """
import json, os, sys, time
os.environ.update(DJANGO_SETTINGS_MODULE="partybuild.settings", DEBUG="1", DATABASE_URL="sqlite://:memory:")
import django
django.setup()
from pathlib import Path
from registry.spreadsheets.reading import Unreadable, open_book
from tests.memory import peak

def read(path):
    lines, message, start = 0, "", time.process_time()
    try:
        for table in open_book(path, path.name).tables:
            for line in table.lines:
                lines += 1
    except Unreadable as refused:
        message = refused.message
    return lines, message, time.process_time() - start

ordinary, path = map(Path, sys.argv[1:])
some, _, seconds_before = read(ordinary)
before = peak()
lines, message, seconds = read(path)
more = peak() - before
_, _, seconds_after = read(ordinary)
each = (seconds_before + seconds_after) / 2 / some
print(json.dumps({
    "lines": lines, "message": message, "megabytes": more, "rows": round(seconds / each),
}))
"""


def measured(path: Path) -> dict:
    """Read a file in a process of its own: how much more memory than an ordinary one it took, how much work.

    The work is told in ``rows``: what so many rows of an ordinary list cost, which is read before and after
    it. So a slow or busy machine changes nothing.
    """
    ordinary = path.with_name("ordinary.xlsx")
    book = xlsxwriter.Workbook(ordinary)
    sheet = book.add_worksheet("人员")
    person = (
        *("张三", "民警", "正式党员", "dezhou-fenju", "dezhou-zhibu", "2020-02-03"),
        *("民警", "13800000001", "备注"),
    )
    for number, row in enumerate([PEOPLE_HEADS[1:], *[person] * 1_000]):
        sheet.write_row(number, 0, [number + 100_000 if number else PEOPLE_HEADS[0], *row])
    book.close()
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(ordinary), str(path)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=Path(__file__).parents[2],
        check=True,
    )
    return json.loads(done.stdout)


def endless(
    path: Path, name: str, start: str, again: str, times: int, end: str, about: dict, level: int = 1
) -> Path:
    """A workbook with one part that repeats ``again``, written without holding it in memory."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for other, body in about.items():
            if other != name:
                archive.writestr(other, body)
        with archive.open(name, "w") as part:
            part.write(start.encode())
            piece = again.encode() * 1_000
            for _ in range(times // 1_000):
                part.write(piece)
            part.write(end.encode())
    return path


@pytest.mark.parametrize(
    ("megabytes", "level"), [(100, 9), (401, 1)], ids=["by how much it grows", "by its size"]
)
def test_a_zip_bomb(megabytes: int, level: int, tmp_path: Path) -> None:
    start = f'<worksheet xmlns="{SPACE}">'
    blanks, times = " " * 1_000, megabytes * 1_049
    path = endless(tmp_path / "a.xlsx", SHEET, start, blanks, times, "</worksheet>", parts(""), level)
    assert path.stat().st_size < 3_000_000
    found = measured(path)
    assert "解压后异常巨大" in found["message"]
    assert (found["megabytes"] < 20, found["rows"] < 500) == (True, True), found


def test_many_parts_that_are_too_large_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile, "MAX_UNPACKED", 100_000)
    about = parts(f"<sheetData>{HEADER}{ONE_ROW}</sheetData>")
    about |= {f"xl/media/{number}.bin": bytes(50_000) for number in range(2)}
    assert "解压后异常巨大" in refusal(packed(tmp_path / "a.xlsx", about))


def test_a_part_that_says_it_is_small(tmp_path: Path) -> None:
    path = packed(
        tmp_path / "a.xlsx", parts(f"<sheetData>{HEADER}{ONE_ROW * 0}{' ' * 30_000_000}</sheetData>")
    )
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(SHEET).file_size
    lying = content.replace(size.to_bytes(4, "little"), (5_000).to_bytes(4, "little"))
    assert lying != content
    path.write_bytes(lying)
    found = measured(path)
    assert "工作簿已损坏" in found["message"]
    assert found["megabytes"] < 20, found


def test_a_dimension_of_the_whole_sheet_with_few_cells(tmp_path: Path) -> None:
    """calamine asks for 17 billion cells here and ends the process."""
    book = Workbook()
    sheet = book.active
    sheet.append(["警号", "姓名"])
    sheet.append(["0001", "张三"])
    sheet.cell(1_048_576, 16_384, "x")
    sheet.cell(1_048_576, 1, "0002")
    sheet.cell(1_048_576, 2, "李四")
    path = tmp_path / "a.xlsx"
    book.save(path)
    about = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            about[name] = archive.read(name)
    assert b'ref="A1:XFD1048576"' in about[SHEET]
    found = measured(packed(path, about))
    assert (found["lines"], found["message"]) == (2, "")
    assert (found["megabytes"] < 20, found["rows"] < 500) == (True, True), found


def test_too_many_rows(tmp_path: Path) -> None:
    row = '<row><c t="inlineStr"><is><t>1</t></is></c><c><v>1</v></c></row>'
    start = f'<worksheet xmlns="{SPACE}"><sheetData>{HEADER}'
    found = measured(
        endless(tmp_path / "a.xlsx", SHEET, start, row, 250_000, "</sheetData></worksheet>", parts(""))
    )
    assert found["message"] == "表中有内容的行超过 200,000 行,请分成几个文件上传。"
    assert (found["megabytes"] < 20, found["rows"] < 30_000) == (True, True), found


@pytest.mark.parametrize(
    ("start", "again", "times", "end"),
    [
        ("<sheetData><row>", "<c/>", 1_000_000, "</row></sheetData>"),
        ("<sheetData><row><c t='inlineStr'><is><t>", "文字", 1_000_000, "</t></is></c></row></sheetData>"),
        ("<sheetData><row r='", "1", 100_000_000, "'/></sheetData>"),
        ("<!--", "xy", 50_000_000, "--><sheetData/>"),
        ("<mergeCells>", "<mergeCell ref='A1:B2'/>", 200_000, "</mergeCells>"),
        ("", "<a>", 1_000_000, ""),
    ],
    ids=["cells in a row", "text in a cell", "attribute", "comment", "merged cells", "depth"],
)
def test_a_sheet_of_one_endless_thing(start: str, again: str, times: int, end: str, tmp_path: Path) -> None:
    begin = f'<worksheet xmlns="{SPACE}">'
    found = measured(
        endless(tmp_path / "a.xlsx", SHEET, begin + start, again, times, end + "</worksheet>", parts(""))
    )
    assert found["message"]
    assert (found["megabytes"] < 30, found["rows"] < 10_000) == (True, True), found


@pytest.mark.parametrize(
    ("part", "start", "again", "times", "end", "says"),
    [
        ("xl/sharedStrings.xml", "<sst>", "<si/>", 4_000_000, "</sst>", "异常巨大"),
        (
            "xl/styles.xml",
            "<styleSheet><cellXfs>",
            "<xf a='1' b='2' c='3'/>",
            390_000,
            "</cellXfs></styleSheet>",
            "",  # as many as a workbook may have: it is read
        ),
        (
            "xl/workbook.xml",
            "<workbook><sheets>",
            "<sheet name='a' id='rId1'/>",
            390_000,
            "</sheets></workbook>",
            "工作表超过 60 个",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships>",
            "<Relationship Id='a' Type='b' Target='c'/>",
            300_000,
            "</Relationships>",
            "工作簿已损坏",
        ),
    ],
    ids=["texts", "styles", "sheets", "relations"],
)
def test_a_part_of_one_endless_thing(
    part: str, start: str, again: str, times: int, end: str, says: str, tmp_path: Path
) -> None:
    about = parts(f"<sheetData>{HEADER}{ONE_ROW}</sheetData>")
    styles = f'<Relationship Id="rId3" Type="{RELATION}/styles" Target="styles.xml"/></Relationships>'
    relations = "xl/_rels/workbook.xml.rels"
    about[relations] = str(about[relations]).replace("</Relationships>", styles)
    found = measured(endless(tmp_path / "a.xlsx", part, start, again, times, end, about, level=0))
    assert says in found["message"]
    assert bool(says) == bool(found["message"])
    assert (found["megabytes"] < 40, found["rows"] < 50_000) == (True, True), found


@pytest.mark.parametrize("each", ["<a{}/>", "<row a{}=''/>", "<row xmlns:a{}='b'/>"])
def test_names_that_never_end(each: str, tmp_path: Path) -> None:
    """The parser keeps every name that it has met."""
    found = measured(
        packed(tmp_path / "a.xlsx", parts("<sheetData>" + "".join(map(each.format, range(300_000)))))
    )
    assert found["message"]
    assert (found["megabytes"] < 5, found["rows"] < 500) == (True, True), found


def test_one_long_text_named_by_every_cell(tmp_path: Path) -> None:
    """A small file that would be 60 GB of text."""
    about = parts("")
    about["xl/sharedStrings.xml"] = f'<sst xmlns="{SPACE}"><si><t>{"长" * 32_000}</t></si></sst>'
    row = "<row>" + '<c t="s"><v>0</v></c>' * 20 + "</row>"
    start = f'<worksheet xmlns="{SPACE}"><sheetData>{HEADER}'
    found = measured(
        endless(tmp_path / "a.xlsx", SHEET, start, row, 100_000, "</sheetData></worksheet>", about)
    )
    assert found["message"] == "工作簿里的文字异常地多,已拒绝。请只留要导入的表。"
    assert (found["megabytes"] < 30, found["rows"] < 75_000) == (True, True), found


def test_a_csv_whose_quote_never_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('警号,姓名\n0001,张三\n0002,"李四\n' + "0003,王五\n" * 1_000_000)
    found = measured(path)
    assert "引号不成对" in found["message"]
    assert (found["megabytes"] < 20, found["rows"] < 500) == (True, True), found


def test_a_hundred_thousand_people(tmp_path: Path) -> None:
    """Ten columns with shared texts, as Excel keeps them: one row at a time in memory."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet("人员")
    sheet.write_row(0, 0, PEOPLE_HEADS)
    book.close()
    about = {}
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            about[name] = archive.read(name).decode()
    head, rows_end = about[SHEET].split("</sheetData>")
    words = ["张 三", "民警", "正式党员", "dezhou-fenju", "dezhou-zhibu", "民警", "备注"]
    texts = "".join(f"<si><t>{word}</t></si>" for word in words)
    count = about["xl/sharedStrings.xml"].count("<si>")
    about["xl/sharedStrings.xml"] = about["xl/sharedStrings.xml"].replace("</sst>", texts + "</sst>")
    cells = "".join(f'<c t="s"><v>{count + place}</v></c>' for place in range(5))
    more = f'<c t="s"><v>{count + 5}</v></c><c><v>13800000001</v></c><c t="s"><v>{count + 6}</v></c>'
    row = f"<row><c><v>100001</v></c>{cells}<c><v>20200203</v></c>{more}</row>"
    path = endless(tmp_path / "a.xlsx", SHEET, head, row, 100_000, "</sheetData>" + rows_end, about)
    found = measured(path)
    assert (found["lines"], found["message"]) == (100_000, "")
    assert (found["megabytes"] < 10, found["rows"] < 150_000) == (True, True), found
