"""The official order, as one text for each row that the database can sort by.

Units: the superior's own organs before its regional bureaus, then sequence number, region code, name.
Organizations: the name (their unit and kind come before it in a list). People: their name as it is said, the
surname as surnames are. In a name a number counts as a number, 第二 before 第十 and 2号 before 10号; the rest
goes by pinyin. Never by code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from registry.models.kinds import OWN_ORGANS, UnitKind
from registry.models.pinyin import in_organs, read_person
from registry.models.term import TermField, folded
from registry.models.text import StoredAs

LONGEST_KEY = 480
_LATE = "~"
"""After every digit and letter: who has no number comes after those who have."""
_KINDS = {kind: place for place, kind in enumerate(UnitKind.values)}
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_NUMERAL = "[零〇一二两三四五六七八九十百千]+"
_NUMBERED = (
    "号|支部|党支部|临时|联合|总支|党小组|小组|大队|中队|支队|总队|分队|小队|突击队|先锋|专班|分局|工作组"
)
_NUMBER = re.compile(rf"(\d+)|(?<=第)({_NUMERAL})|({_NUMERAL})(?={_NUMBERED}|[队组班科处室所岗区站营连排期])")


@lru_cache(maxsize=50_000)
def name_key(name: str) -> str:
    """Return the key of the name of a unit or an organization."""
    text, key, end = unicodedata.normalize("NFKC", name), "", 0
    for match in _NUMBER.finditer(text):
        key += _said(text[end : match.start()]) + f"!{_value(match[0]):08d} "
        end = match.end()
    return (key + _said(text[end:]))[:LONGEST_KEY]


@lru_cache(maxsize=50_000)
def person_key(name: str) -> str:
    """Return the key of the name of a person."""
    plain = folded(name)
    return "".join(map(_syllable, read_person(plain), plain))[:LONGEST_KEY] if plain else ""


def unit_key(kind: str, sequence: int | None, region_code: str, name: str) -> str:
    """Return the key of a unit among those with the same superior.

    Of those that are alike in group, number and region the kinds come in their order: 机关, 处室, 支队 …
    """
    place = _LATE if sequence is None else f"{sequence:06d}"
    among = f"{int(kind not in OWN_ORGANS)}{place:<7}{region_code or _LATE:<7}{_KINDS.get(kind, 99):02d}"
    return f"{among}{name_key(name)}"[:LONGEST_KEY]


def _said(text: str) -> str:
    plain = folded(text)
    return "".join(map(_syllable, (sounds[0] for sounds in in_organs(plain)), plain))


def _syllable(sound: str, char: str) -> str:
    """Return what one character adds: its sound, a space so that shorter sounds come first, itself."""
    return sound if char.isascii() else f"{sound} {char}"


def _value(numeral: str) -> int:
    """Return the number that is meant: 12, 十二, 一二〇."""
    if numeral.isdecimal():
        return min(int(numeral), 99_999_999)
    if not set(numeral) & _TENS.keys():
        return int("".join(str(_DIGITS[char]) for char in numeral)[:8])
    total = digit = 0
    for char in numeral:
        if char in _DIGITS:
            digit = _DIGITS[char]
        else:
            total, digit = total + (digit or 1) * _TENS[char], 0
    return total + digit


class OrderKey(StoredAs, TermField):
    """The place of a row in the official order, worked out of other fields whenever these are written.

    ``save`` does so by itself; ``registry.models.writer`` and ``registry.operations.base`` for many rows.
    """

    stored_as = "registry.models.term.TermField"

    def __init__(self, derive: Callable[..., str] | None = None, *of: str, **options: Any) -> None:
        self.derive, self.of = derive, of
        super().__init__(**{"max_length": LONGEST_KEY, "editable": False, "default": "", **options})

    def key_of(self, values: Sequence[Any]) -> str:
        """Return the key for the values of the fields that it is worked out of."""
        assert self.derive is not None
        return self.derive(*values)

    def pre_save(self, model_instance: Any, add: bool) -> str:
        """Work the key out of the row."""
        key = self.key_of([getattr(model_instance, name) for name in self.of])
        setattr(model_instance, self.attname, key)
        return key


def order_keys(model: type[Any]) -> list[OrderKey]:
    """Return the order keys of a model: one or none."""
    return [field for field in model._meta.concrete_fields if isinstance(field, OrderKey)]
