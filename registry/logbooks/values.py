"""Values of fields: what a door gives, what is kept, and how it is said.

A door (form, import, command) gives Python values: text, whole numbers, amounts in yuan, days, rows, and for
people pairs of person and role. ``Entry.values`` keeps them as JSON: a day as text, an amount as whole fen, a
row by its key; people stand in rows of their own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import Model

from registry import nouns
from registry.counting.shown import Number, amount
from registry.logbooks.design import OF_FILES, Field, FieldType
from registry.models import Organization, Person, Unit, days

Named = Sequence[tuple[Person, str]]
"""The people of a field, each with the role in it."""
ROWS: Mapping[str, type[Model]] = {FieldType.UNIT.value: Unit, FieldType.ORGANIZATION.value: Organization}
"""The model of the rows that a field names by their key."""
LONGEST: Mapping[str, int] = {
    FieldType.TEXT.value: 100,
    FieldType.LONG_TEXT.value: 2000,
    FieldType.DOCUMENT.value: 80,
}
"""The most characters of a text."""
_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]{1,2}0*)?")
MOST = 10**12
"""No number of an office is larger."""


def is_empty(value: Any) -> bool:
    """Whether nothing was given."""
    return value is None or value == "" or value == [] or value == ()


def tidied(field: Field, value: Any) -> Any:
    """Return what was given in the form in which it is compared and kept: texts without spaces around."""
    if isinstance(value, str):
        return value.strip() if field.type == FieldType.LONG_TEXT else " ".join(value.split())
    if field.type in OF_FILES:
        return [each.pk if isinstance(each, Model) else each for each in value or ()]
    if field.type == FieldType.PERSON and isinstance(value, Person):
        return ((value, ""),)
    return value


def kept(field: Field, value: Any) -> Any:
    """Return a value as ``Entry.values`` keeps it; None where people or nothing was given."""
    if field.is_of_people or is_empty(value):
        return None
    if isinstance(value, Model):
        return value.pk
    if field.type == FieldType.AMOUNT:
        return int(value * field.scale)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    return value


def number_of(field: Field, value: int) -> Number:
    """Return the kept value of a number as it is shown: an amount in yuan."""
    return value if field.scale == 1 else amount(value, field.scale)


def rows_named(pairs: Iterable[tuple[Field, Any]]) -> dict[tuple[str, int], Model]:
    """Return the units and organizations that kept values name, by type and key: one query for each type."""
    wanted: dict[str, set[int]] = {}
    for field, value in pairs:
        if field.type in ROWS and isinstance(value, int):
            wanted.setdefault(field.type, set()).add(value)
    return {
        (type_, row.pk): row
        for type_, keys in wanted.items()
        for row in nouns.by_key(type_).with_related().filter(pk__in=keys)
    }


def said(field: Field, value: Any, rows: Mapping[tuple[str, int], Model] | None = None) -> str:
    """Return a kept value in words; that of a row from ``rows`` (``rows_named``)."""
    if is_empty(value):
        return ""
    if field.type in ROWS:
        row = (rows or {}).get((field.type, value))
        return str(row) if row is not None else "（已不存在）"
    if field.is_number:
        return f"{number_of(field, value):,}"
    if field.type in OF_FILES:
        return f"{len(value)} {'张' if field.type == FieldType.PHOTOS else '个'}"
    return str(value)


def read_text(field: Field, text: str) -> Any:
    """Return the value that a cell of a workbook or a typed text says, where no row has to be found for it.

    Raises ``ValueError`` with what is wrong, in Chinese.
    """
    text = unicodedata.normalize("NFKC", text).strip() if field.type != FieldType.LONG_TEXT else text.strip()
    if not text:
        return None
    if field.is_number:
        return _number(field, text)
    if field.type == FieldType.DATE:
        return days.from_text(text)
    if field.type == FieldType.TIME:
        return _time(field, text)
    return text


def _number(field: Field, text: str) -> Number:
    plain = text.replace(",", "").replace(" ", "").rstrip("元人次个件")
    if field.type == FieldType.AMOUNT:
        if not _AMOUNT.fullmatch(plain):
            raise ValueError(f"“{field.label}”请填金额,最多两位小数,如 500 或 36.50。")
        return number_of(field, int(Decimal(plain) * field.scale))
    whole, _, rest = plain.partition(".")
    if not whole.lstrip("-").isdigit() or rest.strip("0"):
        raise ValueError(f"“{field.label}”请填整数,如 500。")
    return int(whole)


def _time(field: Field, text: str) -> time:
    hours, _, minutes = text.replace("点", ":").replace("时", ":").rstrip("分").partition(":")
    try:
        return time(int(hours), int(minutes or 0))
    except ValueError:
        raise ValueError(f"“{field.label}”请写成 8:30 这样。") from None


Moment = tuple[date, time | None]
"""A day, and the time where it is known."""


def hours_between(since: Moment, until: Moment) -> int:
    """Return the whole hours between two moments, at least 0; a day without a time begins at midnight."""
    first, last = (datetime.combine(day, at or time()) for day, at in (since, until))
    return max(0, round((last - first).total_seconds() / 3600))
