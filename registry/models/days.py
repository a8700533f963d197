"""Days as people write them and as Excel stores them: read by one function at every door.

Forms, filters and the address call ``from_text`` with the year that is meant where none is written; commands
and the cells of a sheet call it without, for there is none.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta

from registry.models.text import DASHES

EARLIEST, LATEST = date(1900, 1, 1), date(2099, 12, 31)
HOW = "请写成 2020-02-03 这样的日期"
HOW_TYPED = "请写成 2020-02-03 或 2月3日"
LATER_IN_1904 = 1462
"""How many days later a workbook begins to count that counts from 1904."""

_LEAST_SERIAL, _LAST_SERIAL = 1, 2_958_465
_PLAIN_SERIALS = range((date(1950, 1, 1) - date(1899, 12, 30)).days, (LATEST - date(1899, 12, 30)).days + 1)
"""A plain number in this range is read as a day: 1950-01-01 to 2099-12-31."""

_BETWEEN = r"\s*[-./\\年月、。·,]\s*"
_TAIL = (
    r" ?[日号]? ?(?:\(?(?:星期|周)[一二三四五六日天]\)?)? ?"
    r"(?:T?(?:上午|下午)? ?\d{1,2}[:时点][\d:.时分秒Z]*(?: ?[AP]M)?)?"
)
_FULL = re.compile(rf"(\d{{4}}){_BETWEEN}(\d{{1,2}}){_BETWEEN}(\d{{1,2}}){_TAIL}", re.ASCII | re.IGNORECASE)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\.0+)?")
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_NO_DAY = re.compile(r"\d{4}(?:年|\s*[-./年]\s*\d{1,2}\s*月?(?:份)?)?")
_MONTH = re.compile(
    r"(?P<year>(?:19|20)\d\d) ?[-./年、] ?(?P<month>\d{1,2}) ?月?份?"
    r"|(?P<years>(?:19|20)\d\d)(?P<months>0[1-9]|1[0-2])"
)
_SHORT_YEAR = re.compile(rf"\d{{2}}{_BETWEEN}\d{{1,2}}{_BETWEEN}\d{{1,2}}\s*日?")
_DAY_FIRST = re.compile(r"\d{1,2}[-./]\d{1,2}[-./]\d{4}")
_NO_YEAR = re.compile(r"(\d{1,2}) ?[-./\\月、。·,] ?(\d{1,2}) ?[日号]?", re.ASCII)
_LONGEST = 50
_NUMERALS = {numeral: str(value) for value, numeral in enumerate("〇一二三四五六七八九")} | {
    "零": "0",
    "○": "0",
}
_CHINESE = re.compile(
    r"(?:([〇零○一二三四五六七八九]{4})年)?([一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})[日号]"
)
_WRONG = (
    (_NO_DAY, "没有写到日"),
    (_SHORT_YEAR, "的年份要写四位"),
    (_DAY_FIRST, "分不清日和月"),
    (_NO_YEAR, "没有写年份"),
    (_CHINESE, "没有写年份"),
)


class NoDay(ValueError):
    """The text or number is not a day; the message says why in Chinese, and how to write one."""


def from_serial(serial: float) -> date:
    """Return the day with Excel's number ``serial`` (days since 1899-12-30; a time of day is dropped).

    Raises ``NoDay`` for numbers out of range, and for 1900-02-29, which exists in Excel only.
    """
    days = int(serial)
    if not _LEAST_SERIAL <= days <= _LAST_SERIAL or days == 60:
        raise NoDay(f"数字 {serial:.15g} 不是日期,{HOW}")
    if days < 60:
        days += 1  # Excel counts 1900-02-29, which did not exist
    return _bounded(date(1899, 12, 30) + timedelta(days=days))


def from_number(number: float, is_1904: bool = False) -> date:
    """Return the day of a cell that holds a plain number: 20200203, or a serial number near our time."""
    if number == int(number) and (match := _COMPACT.fullmatch(str(int(number)))):
        return _day(*match.groups())
    serial = number + LATER_IN_1904 * is_1904
    if int(serial) in _PLAIN_SERIALS:
        return from_serial(serial)
    if re.fullmatch(r"(19|20)\d\d(\.\d{1,2})?", f"{number:.15g}"):
        raise NoDay(f"“{number:.15g}”没有写到日,{HOW}")
    raise NoDay(f"数字 {number:.15g} 不是日期,{HOW}")


def from_text(text: str, is_1904: bool = False, *, year: int | None = None) -> date:
    """Return the day that ``text`` writes in one of the usual ways. Raises ``NoDay``.

    With ``year`` the text is typed by somebody who may leave the year out: 2.3, 2月3日.
    """
    how = HOW if year is None else HOW_TYPED
    if len(text) > _LONGEST:
        raise NoDay(f"“{text[:_LONGEST]}…”不是日期,{how}")
    plain = " ".join(unicodedata.normalize("NFKC", text).translate(DASHES).split())
    if parts := _parts(plain, "" if year is None else str(year)):
        return _day(*parts, written=text, how=how)
    if _SERIAL.fullmatch(plain) and int(float(plain)) in _PLAIN_SERIALS:
        if is_1904:
            raise NoDay(f"工作簿从 1904 年起算日期,数字“{plain}”是哪一天说不准,{how}")
        return from_serial(float(plain))
    for pattern, wrong in _WRONG:
        if pattern.fullmatch(plain):
            raise NoDay(f"“{text}”{wrong},{how}")
    raise NoDay(f"“{text}”不是日期,{how}")


def _parts(plain: str, year: str) -> tuple[str, str, str] | None:
    """Return year, month and day as digits; a text without its year needs ``year``."""
    if match := _FULL.fullmatch(plain) or _COMPACT.fullmatch(plain):
        return match[1], match[2], match[3]
    if match := _CHINESE.fullmatch(re.sub(r"\s", "", plain)):
        digits = "".join(_NUMERALS[numeral] for numeral in match[1] or "") or year
        return (digits, _ten(match[2]), _ten(match[3])) if digits else None
    if year and (match := _NO_YEAR.fullmatch(plain)):
        return year, match[1], match[2]
    return None


def month_of(written: str | float) -> date | None:
    """Return the first day of a month that is written without its day: 1998.07, 1998年7月, 199807.

    None for anything else. Raises ``NoDay`` for the number 1998.1, which may have been 1998.10.
    """
    if isinstance(written, float):
        text = f"{written:.15g}"
        if re.fullmatch(r"(19|20)\d\d\.1", text):
            raise NoDay(f"数字 {text} 分不清是 1 月还是 10 月,请写成 1998-10 这样的文字")
    else:
        text = unicodedata.normalize("NFKC", written).translate(DASHES)
    match = _MONTH.fullmatch(" ".join(text.split()))
    return _day(match["year"] or match["years"], match["month"] or match["months"], "1") if match else None


def _ten(numeral: str) -> str:
    """二十三 as 23."""
    before, ten, after = numeral.rpartition("十")
    if not ten:
        return "".join(_NUMERALS[one] for one in numeral)
    return f"{_NUMERALS[before] if before else 1}{_NUMERALS[after] if after else 0}"


def _day(year: str, month: str, day: str, *, written: str = "", how: str = HOW) -> date:
    """Return the day of these digits. Raises ``NoDay``, which names a year that was not ``written``."""
    try:
        meant = date(int(year), int(month), int(day))
    except ValueError as error:
        added = f"({year}年)" if written and year not in written else ""
        raise NoDay(f"日期“{written or year + month + day}”{added}不存在,{how}") from error
    return _bounded(meant)


def _bounded(day: date) -> date:
    if not EARLIEST <= day <= LATEST:
        raise NoDay(f"{day} 不在 {EARLIEST.year} 至 {LATEST.year} 年之间,请改正")
    return day
