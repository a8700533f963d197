"""Read the value of a cell for its column (code, name, choice, day, 是/否), or say why it cannot be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from registry.models import days
from registry.models.text import DASHES, DECIMAL, HAN, INVISIBLE, is_left_out, is_nothing, normalize_code
from registry.nouns.columns import Column, Value, key_of
from registry.spreadsheets.grid import Dated, Fault, Raw
from registry.spreadsheets.number_formats import EXACT, general

_LONGEST_SHOWN = 500


@dataclass
class Reading:
    """How the cells of a row are read, with notes about them for the user.

    ``is_1904``: the workbook counts days from 1904, so a plain number that is meant as a day does, too.
    """

    is_1904: bool = False
    notes: list[str] = field(default_factory=list)


class Unclear(ValueError):
    """A cell that cannot be read in its column; the message says in Chinese why and what to do."""


def value_of(column: Column, raw: Raw | None, reading: Reading | None = None) -> Value:
    """Return the value of ``raw`` in ``column``; an empty cell is None. Raises ``Unclear``."""
    if raw is None:
        return None
    if isinstance(raw, Fault):
        raise Unclear(raw.message)
    if column.kind == "date":
        return _date(column, raw, reading or Reading())
    value = _READERS[column.kind](column, raw)
    if isinstance(value, str) and column.max_length is not None and len(value) > column.max_length:
        raise Unclear(f"“{column.header}”最多 {column.max_length} 个字,这里有 {len(value)} 个,请缩短")
    return value


def shown(raw: Raw | None) -> str:
    """Return the text of a cell about as the user sees it."""
    if raw is None or isinstance(raw, Fault):
        return ""
    if isinstance(raw, bool):
        return "TRUE" if raw else "FALSE"
    if isinstance(raw, Dated):
        try:
            return days.from_serial(raw.serial).isoformat()
        except days.NoDay:
            return general(raw.serial)
    if isinstance(raw, str):
        return raw.strip()[:_LONGEST_SHOWN]
    return general(raw)


_INVISIBLE = re.compile(INVISIBLE)
_ENDS_IN_HAN, _BEGINS_WITH_HAN = re.compile(rf"{HAN}\Z"), re.compile(HAN)
_WHOLE = re.compile(r"[(第]?(\d{1,9})[.)、号]?")
_LONGEST_WORD = 100
"""A day, a choice or 是/否 has no more characters."""
_STILL = frozenset(("至今", "今", "现在", "目前", "未结束", "未撤销", "至目前", "长期"))


def _plain(column: Column, raw: Raw) -> str:
    """Return the text of a cell; a number as its digits."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, Dated):
        raise Unclear(f"“{column.header}”被 Excel 存成了日期,请把单元格设为文本格式后重新填写")
    if isinstance(raw, bool):
        return "TRUE" if raw else "FALSE"
    assert not isinstance(raw, Fault)
    if abs(raw) >= EXACT:
        raise Unclear(f"“{column.header}”的数字太长,Excel 已丢失末尾几位,请设为文本格式后重新填写")
    return general(raw)


def _word(text: str) -> str:
    """Return a text that should be short, cut and marked with … where it is too long."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_WORD else f"{text[:_LONGEST_WORD]}…"


def _text(column: Column, raw: Raw) -> Value:
    text = _plain(column, raw)
    if not text.isprintable():
        text = _one_line(_INVISIBLE.sub("", text))
    return None if is_left_out(text) else text.strip()


def _one_line(text: str) -> str:
    """Join the lines of a cell: with nothing between Chinese characters, else with a space."""
    joined = ""
    for line in filter(None, (line.strip() for line in text.splitlines())):
        close = _ENDS_IN_HAN.search(joined[-1:]) and _BEGINS_WITH_HAN.match(line)
        joined += line if close or not joined else f" {line}"
    return joined


def _name(column: Column, raw: Raw) -> Value:
    return column.normalized(_plain(column, raw)) or None


def _code(column: Column, raw: Raw) -> Value:
    if isinstance(raw, float) and raw < 0:
        raise Unclear(f"“{column.header}”不能是负数")
    text = normalize_code(_plain(column, raw), spaced=column.spaced)
    if DECIMAL.fullmatch(text):
        how = "Excel 写成了科学计数" if "e" in text.lower() else "其他程序写成了小数"
        raise Unclear(f"“{column.header}”被 {how} {text},请设为文本格式后按原件重新填写全部数字")
    return (text.lower() if column.lower else text) or None


def _date(column: Column, raw: Raw, reading: Reading) -> Value:
    if column.by_month and isinstance(raw, str | float) and (month := _month(column, raw)):
        reading.notes.append(f"“{shown(raw)}”只写到月,按 {month:%Y-%m-%d} 登记;知道日子的请补上。")
        return month
    try:
        if isinstance(raw, Dated):
            try:
                return days.from_serial(raw.serial)
            except days.NoDay:
                return days.from_number(raw.serial)  # 20200203 in a cell made for days
        if isinstance(raw, bool):
            raise Unclear(f"“{column.header}”不是日期,{days.HOW}")
        if isinstance(raw, str):
            return _written_day(_word(raw), reading.is_1904)
        assert not isinstance(raw, Fault)
        return days.from_number(raw, reading.is_1904)
    except days.NoDay as error:
        raise Unclear(f"“{column.header}”有误:{error}") from error


@lru_cache(maxsize=4096)
def _written_day(text: str, is_1904: bool) -> date | None:
    word = key_of(text).translate(DASHES)
    if is_nothing(word) or word in _STILL:
        return None
    return days.from_text(text, is_1904)


def _month(column: Column, raw: str | float) -> date | None:
    try:
        return days.month_of(_word(raw) if isinstance(raw, str) else raw)
    except days.NoDay as error:
        raise Unclear(f"“{column.header}”有误:{error}") from error


def _choice(column: Column, raw: Raw) -> Value:
    word = key_of(_word(_plain(column, raw))).translate(DASHES)
    if is_nothing(word):
        return None
    if (value := column.meanings.get(word)) is None:
        choices = "、".join(column.labels.values())
        raise Unclear(f"“{column.header}”不能填“{shown(raw)[:20]}”,请从这些里选:{choices}")
    return value


_YES = frozenset(("是", "有", "y", "yes", "true", "1", "√", "✓", "✔", "对", "临时", "☑"))
_NO = frozenset(("否", "无", "n", "no", "false", "0", "×", "x", "✗", "✘", "不是", "常设", "正式", "☐", "-"))


def _yes_no(column: Column, raw: Raw) -> Value:
    word = key_of(_word(_plain(column, raw)))
    if not word:
        return None
    if word in _YES:
        return True
    if word in _NO:
        return False
    if is_nothing(word):
        return None
    raise Unclear(f"“{column.header}”请填“是”或“否”,不能填“{shown(raw)[:20]}”")


def _whole(column: Column, raw: Raw) -> Value:
    word = key_of(_word(_plain(column, raw)))
    if is_nothing(word):
        return None
    if match := _WHOLE.fullmatch(word):
        return int(match[1])
    raise Unclear(f"“{column.header}”请填整数,不能填“{shown(raw)[:20]}”")


_READERS: dict[str, Callable[[Column, Raw], Value]] = {
    "text": _text,
    "name": _name,
    "code": _code,
    "choice": _choice,
    "yes_no": _yes_no,
    "whole": _whole,
}
