"""Cells and days: each is read right, or refused with words that help."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.datetime import to_excel

from registry.models import days
from registry.nouns import layouts
from registry.nouns.columns import key_of
from registry.spreadsheets.cells import Reading, Unclear, value_of
from registry.spreadsheets.grid import Dated, Fault, column_of, letters_of

NUMBER, NAME, STATUS = (layouts()["people"].by_slug[slug] for slug in ("number", "name", "political_status"))
PHONE, NOTE, JOINED = (layouts()["people"].by_slug[slug] for slug in ("phone", "note", "joined_on"))
CODE, REGION = layouts()["units"].by_slug["code"], layouts()["units"].by_slug["region_code"]
TEMPORARY, DISSOLVED = (layouts()["organizations"].by_slug[slug] for slug in ("is_temporary", "dissolved_on"))
ENDED, ROLE = (layouts()["assignments"].by_slug[slug] for slug in ("ended_on", "role"))


@pytest.mark.parametrize(
    "text",
    [
        "2020-02-03",
        "2020.2.3",
        "2020年2月3日",
        "2020年02月03号",
        "2020/2/3",
        "20200203",
        "２０２０．２．３",
        " 2020 年 2 月 3 日 ",
        "2020、2、3",
        "2020—2—3",
        "2020-02-03 08:30:00",
        "2020-02-03T00:00:00",
        "2020/2/3 8:30",
        "2020年2月3日 星期一",
        "2020年2月3日(周一)",
        "2020年2月3日 上午8时30分",
        "二〇二〇年二月三日",
        "二零二零年二月三日",
        "43864",
        "43864.5",
    ],
)
def test_days_as_people_write_them(text: str) -> None:
    assert value_of(JOINED, text) == date(2020, 2, 3)


@pytest.mark.parametrize(
    ("numeral", "day"),
    [("十", 10), ("十一", 11), ("二十", 20), ("二十三", 23), ("三十一", 31), ("九", 9)],
)
def test_chinese_numerals(numeral: str, day: int) -> None:
    assert days.from_text(f"二〇二〇年十二月{numeral}日") == date(2020, 12, day)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("2020.2.30", "日期“2020.2.30”不存在"),
        ("20201301", "日期“20201301”不存在"),
        ("2020年2月", "没有写到日"),
        ("2020", "没有写到日"),
        ("2020.2", "没有写到日"),
        (2020.0, "没有写到日"),
        (2020.1, "没有写到日"),
        ("20.2.3", "年份要写四位"),
        ("3/2/2020", "分不清日和月"),
        ("2月3日", "没有写年份"),
        ("去年", "“去年”不是日期"),
        (12.0, "数字 12 不是日期"),
        (123456789.0, "数字 123456789 不是日期"),
        ("1820-01-01", "不在 1900 至 2099 年之间"),
        (Dated(60.0), "不是日期"),
        (True, "不是日期"),
        (Fault("公式没有保存结果"), "公式没有保存结果"),
        ("2020-02-03" + " " * 30_000 + "x", "不是日期"),
    ],
)
def test_what_is_no_day_is_refused(written: object, words: str) -> None:
    """Only the day of joining may be known to the month."""
    with pytest.raises(Unclear) as refused:
        value_of(ENDED, written)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    "written", ["1998.07", 1998.07, "1998年7月", "1998-7", "1998/07", "1998年7月份", "199807", 199807.0]
)
def test_the_day_of_joining_may_be_known_to_the_month(written: str | float) -> None:
    reading = Reading()
    assert value_of(JOINED, written, reading) == date(1998, 7, 1)
    assert len(reading.notes) == 1
    assert "只写到月,按 1998-07-01 登记" in reading.notes[0]
    with pytest.raises(Unclear):
        value_of(ENDED, written)


def test_january_and_october_are_told_apart() -> None:
    assert value_of(JOINED, "1998.10") == date(1998, 10, 1)
    assert value_of(JOINED, "1998.1") == date(1998, 1, 1)
    with pytest.raises(Unclear, match="分不清是 1 月还是 10 月"):
        value_of(JOINED, 1998.1)
    with pytest.raises(Unclear):
        value_of(JOINED, "1998.13")


def test_a_plain_number_in_a_workbook_that_counts_from_1904() -> None:
    reading = Reading(is_1904=True)
    assert value_of(JOINED, 37072.0, reading) == value_of(JOINED, 38534.0) == date(2005, 7, 1)
    assert value_of(JOINED, 20200203.0, reading) == date(2020, 2, 3)
    with pytest.raises(Unclear, match="从 1904 年起算"):
        value_of(JOINED, "38534", reading)


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_any_day_in_any_form(day: date) -> None:
    for text in (
        f"{day:%Y-%m-%d}",
        f"{day.year}.{day.month}.{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.year}/{day.month}/{day.day}",
        f"{day:%Y%m%d}",
    ):
        assert value_of(JOINED, text) == day
    assert value_of(JOINED, float(f"{day:%Y%m%d}")) == day
    serial = to_excel(day)  # openpyxl says what number Excel has for it
    assert value_of(JOINED, Dated(float(serial))) == day
    if day >= date(1950, 1, 1):
        assert value_of(JOINED, serial + 0.75) == day


@given(st.text(max_size=40) | st.from_regex(r"[0-9年月日./\- ]{1,14}", fullmatch=True))
def test_any_text_is_a_day_or_refused(text: str) -> None:
    try:
        day = value_of(JOINED, text)
    except Unclear:
        return
    assert day is None or date(1900, 1, 1) <= day <= date(2099, 12, 31)


def test_still_going_on() -> None:
    assert [value_of(ENDED, word) for word in ("至今", "-", "—", "无", "", "  ", None)] == [None] * 7


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("0012", "0012"),
        (1001.0, "1001"),
        (7.0, "7"),
        ("００１２", "0012"),
        (" 00 12 ", "0012"),
        ("'0012", "0012"),
        ("FJ－００３４", "FJ-0034"),
        ("fj–34", "fj-34"),
        ("\u200b0012\ufeff", "0012"),
        ("0012\n", "0012"),
        ("无", None),
        ("/", None),
        ("", None),
    ],
)
def test_numbers_as_codes(raw: object, code: str | None) -> None:
    assert value_of(NUMBER, raw) == code


@pytest.mark.parametrize(
    ("column", "raw", "words"),
    [
        (NUMBER, 371402199001011234.0, "Excel 已丢失末尾几位"),
        (PHONE, "1.38E+10", "科学计数"),
        (NUMBER, Dated(43864.0), "存成了日期"),
        (NUMBER, -3.0, "不能是负数"),
        (NUMBER, "0" * 31, "最多 30 个字"),
        (NAME, Dated(43864.0), "存成了日期"),
        (NOTE, "长" * 301, "最多 300 个字,这里有 301 个"),
        (STATUS, "党员?", "请从这些里选:正式党员、预备党员、发展对象、入党积极分子、"),
        (TEMPORARY, "也许", "请填“是”或“否”"),
    ],
)
def test_what_lost_its_digits_or_means_nothing_is_refused(column: object, raw: object, words: str) -> None:
    with pytest.raises(Unclear) as refused:
        value_of(column, raw)
    assert words in str(refused.value)


def test_codes_of_units_are_lower_case_and_telephones_keep_their_spaces() -> None:
    assert value_of(CODE, "Dezhou-Shi ") == "dezhou-shi"
    assert value_of(NUMBER, "FJ0034") == "FJ0034"
    assert value_of(PHONE, " ０５３４  1234567") == "0534 1234567"
    assert value_of(REGION, 371402.0) == "371402"


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("张 三", "张三"),
        ("李　四", "李四"),
        ("欧 阳 修", "欧阳修"),
        ("王\n五", "王五"),
        (" 赵六 ", "赵六"),
        ("阿依·古丽", "阿依·古丽"),
        ("Ali  Khan", "Ali Khan"),
    ],
)
def test_names(raw: str, name: str) -> None:
    assert value_of(NAME, raw) == name


def test_text_keeps_what_was_typed_but_for_its_ends_and_line_breaks() -> None:
    assert value_of(NOTE, " 一 二(３)　") == "一 二(３)"
    assert value_of(NOTE, "第一行\n第二行\nthird line\r\nfourth") == "第一行第二行 third line fourth"
    assert value_of(NOTE, 2.5) == "2.5"
    assert value_of(NOTE, "a" + "\n" + " " * 32_000) == "a"


def test_choices_by_label_word_or_stored_value() -> None:
    assert [value_of(STATUS, word) for word in ("正式党员", "中共党员", "full_member", " 正 式 党 员")] == [
        "full_member"
    ] * 4
    assert [value_of(ROLE, word) for word in ("书记", "支部书记", "队长", "队员")] == [
        "secretary",
        "secretary",
        "leader",
        "member",
    ]
    for noun in layouts().values():
        for column in noun.columns:
            for value, label in column.labels.items():
                assert value_of(column, label) == value_of(column, value) == value


def test_yes_and_no() -> None:
    assert [value_of(TEMPORARY, word) for word in ("是", "√", "Y", 1.0, True, "临时")] == [True] * 6
    assert [value_of(TEMPORARY, word) for word in ("否", "×", "n", 0.0, False, "常设")] == [False] * 6
    assert value_of(TEMPORARY, " ") is None


def test_no_two_columns_of_a_noun_share_a_header() -> None:
    for noun in layouts().values():
        headers = [key_of(word) for column in noun.columns for word in (column.header, *column.also)]
        assert len(headers) == len(set(headers)), noun.slug


@given(st.integers(1, 16_384))
def test_letters_of_columns(column: int) -> None:
    assert column_of(f"{letters_of(column)}12") == column


def test_letters_as_excel_has_them() -> None:
    assert [letters_of(column) for column in (1, 26, 27, 702, 703, 16_384)] == [
        "A",
        "Z",
        "AA",
        "ZZ",
        "AAA",
        "XFD",
    ]


def test_every_day_in_order_has_its_own_serial() -> None:
    first = date(1900, 1, 1)
    expected = [first + timedelta(days=count) for count in range(100)]
    serials = [serial for serial in range(1, 102) if serial != 60]
    assert [days.from_serial(serial) for serial in serials] == expected
