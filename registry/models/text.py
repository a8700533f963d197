"""Numbers and names as they are kept: normalized once, for every door.

``NumberField`` and ``NameField`` normalize whatever is written or looked for; forms, pasted text, cells and
searches call the same functions before they compare. ``number_key`` says which numbers are likely one.
"""

from __future__ import annotations

import re
import string
import unicodedata
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Upper

HAN = r"[\u3007\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
INVISIBLE = (
    r"[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff"
    r"\U000e0000-\U000e01ef]"
)
"""Zero-width and direction marks, control characters, variation selectors: nobody sees them."""
DOT = "·"
DOTS = "·\u0387\u2022\u2024\u2027\u2219\u22c5\u2e31\u30fb\uff65\uff0e"
"""The middle dots in the names of minorities, as keyboards and programs write them."""
DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−﹣\uff0d", "-"))

_INVISIBLE = re.compile(INVISIBLE)
_BETWEEN_HAN = re.compile(rf"(?<={HAN})\s+(?={HAN})")
_HAN_ONLY = re.compile(r"[\u4e00-\u9fff]*")
_DOT = re.compile(rf"\s*[{DOTS}]\s*|(?<={HAN})\s*[.\u3002\uff61]\s*(?={HAN})")
_WIDE = str.maketrans(
    {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F) if chr(code).isalnum()}
    | {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)}
    | {"\u3000": " "}
)
"""Wide letters and digits, and the radicals that look like the characters they are (⼀, ⼈)."""
_HAN = re.compile(HAN)
_LATIN = frozenset(string.ascii_letters)
_PRINTED = frozenset(f"{string.printable[:95]}{DOT}()")
"""What stands in names of people beside letters."""

_NOTHING = frozenset(
    ("nan", "none", "null", "nil", "nat", "n/a", "#n/a", "#na", "<na>", "#null!", "undefined")
)
_APOSTROPHES = frozenset("'‘’`")
_NO_WORD = frozenset(("-", "--", "---", "/", "//", "\\", "无", "暂无", "没有", "空"))
_NO_NAME = frozenset(("nan", "NaN", "NAN", "None", "NULL", "null", "NaT", "N/A", "#N/A", "<NA>", "undefined"))

# The characters for which GBK had no code of Unicode when it was made: row FE, in the order of its bytes.
_GBK = {
    0xE815 + place: bytes((0xFE, byte)).decode("gb18030")
    for place, byte in enumerate([*range(0x50, 0x7F), *range(0x80, 0xA1)])
}
_LATER = (
    "E816𠂇 E817𠂉 E818𠃌 E81E龴 E826龵 E82B龶 E82C龷 E831𡗗 E832龸 E83B𢦏 E843龹 E854龺 E855龻 E864𤇾 "
    "E7C7ḿ E7C8ǹ"
)
_STANDS_FOR = _GBK | {int(word[:4], 16): word[4:] for word in _LATER.split()}
_PRIVATE = re.compile(r"[\ue000-\uf8ff\U000f0000-\U0010ffff\ufffd]")


def is_nothing(text: str) -> bool:
    """Whether ``text`` is what people and programs write for "nothing": nan, NULL, #N/A, -, /, 无."""
    word = text.strip()
    return not word or word in _NO_WORD or word.casefold() in _NOTHING


def is_left_out(text: str) -> bool:
    """Whether ``text`` is empty or what programs write there; of words, which may be meant, says nothing."""
    word = text.strip()
    return not word or word in _NO_NAME


def normalize_code(text: str, *, spaced: bool = False) -> str:
    """Return a code: half-width, without marks and spaces (``spaced``: with single ones); "" for nothing."""
    if not text.isascii() or not text.isprintable():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(DASHES)
    text = (" " if spaced else "").join(text.split())
    if text[:1] in _APOSTROPHES:  # typed to keep the zeros
        text = text[1:]
    return "" if is_nothing(text) else text


def normalize_number(text: str) -> str:
    """Return the number of a person as it is kept; "" for nothing. ``validate_number`` says what is none."""
    return normalize_code(text)


def number_key(text: str) -> str:
    """Return what is the same in two numbers that differ only in leading zeros, spaces, width or case."""
    return normalize_number(text).lstrip("0").upper()


def normalize_text(text: str) -> str:
    """Return one line of text: half-width letters and digits, no marks, no space between Chinese words."""
    if _HAN_ONLY.fullmatch(text):
        return text
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text)).translate(_WIDE).translate(_STANDS_FOR)
    return _BETWEEN_HAN.sub("", " ".join(text.split()))


def normalize_name(text: str) -> str:
    """Return a name as it is kept, with one kind of middle dot; "" for what programs write for nothing."""
    text = normalize_text(text)
    return "" if text in _NO_NAME else re.sub(f"[{DOTS}]", DOT, text)


def normalize_person_name(text: str) -> str:
    """Return a person's name: as ``normalize_name``, where any point between two parts is the middle dot."""
    text = normalize_name(text)
    return "" if text in _NO_WORD else _DOT.sub(DOT, text)


def validate_characters(text: str) -> None:
    """Refuse a character of a private area, a box on every other machine; name it by its place."""
    if match := _PRIVATE.search(text):
        raise ValidationError(
            f"第 {match.start() + 1} 个字(编码 {ord(match[0]):04X})是其他系统的自造字,本系统无法识别。"
            "请核对后改填标准汉字。",
            code="private",
        )


def validate_letters(text: str) -> None:
    """Refuse letters that are neither Chinese nor Latin: а, ο, ー or ロ look like a, o, 一 or 口."""
    for place, char in enumerate(text, start=1):
        if unicodedata.category(char)[0] in "LM" or (char.isdecimal() and not char.isascii()):
            is_latin = unicodedata.normalize("NFD", char)[0] in _LATIN
            if not is_latin and not _HAN.match(char):
                raise _look_alike(place, char, "汉字、拉丁字母或数字")


def validate_person_name(text: str) -> None:
    """Refuse what in a person's name could be taken for something else: — and ○ look like 一 and 〇."""
    validate_letters(text)
    for place, char in enumerate(text, start=1):
        if unicodedata.category(char)[0] not in "LM" and char not in _PRINTED and not _HAN.match(char):
            raise _look_alike(place, char, "汉字、拉丁字母、数字或间隔号")


def _look_alike(place: int, char: str, allowed: str) -> ValidationError:
    said = f"第 {place} 个字“{char}”(编码 {ord(char):04X})不是{allowed},容易看成别的字,请改填。"
    return ValidationError(said, code="look_alike")


def look_of(text: str) -> str:
    """Return a pattern of what looks like the name of an account: l, 1 and I, O and 0 are one."""
    alike = {char: f"[{group}]" for group in ("0o", "1il") for char in group}
    return "".join(alike.get(char, re.escape(char)) for char in text.casefold())


DECIMAL = re.compile(r"\d+\.\d*|\d+(\.\d+)?[eE]\+\d+")
"""What other programs make of a number: 123.0, 1.2E+05."""
_IS_NUMBER = RegexValidator(
    r"^(?!p-[0-9a-f]{12}$)-*[0-9A-Za-z][0-9A-Za-z-]*$",  # which would be taken for somebody's key
    "警号只能用字母、数字和连字符。",
)


def validate_number(text: str) -> None:
    """Refuse what is no police number: other characters, or a number that a program wrote as a decimal."""
    if DECIMAL.fullmatch(text):
        raise ValidationError(
            f"“{text}”是被其他程序写成小数或科学计数的数字,前面的零和末尾几位可能已丢失。请按原件填写警号。",
            code="decimal",
        )
    _IS_NUMBER(text)


if TYPE_CHECKING:
    _Text = models.CharField[str, str]
else:
    _Text = models.CharField


class StoredAs:
    """A field that migrations name as what it is in the database."""

    stored_as: str

    def deconstruct(self) -> Any:
        """Return what migrations need to make the field."""
        name, _path, given, options = super().deconstruct()  # type: ignore[misc]
        return name, self.stored_as, given, options


class NormalizedField(StoredAs, _Text):
    """Text that is normalized whenever it is cleaned, written or looked for."""

    stored_as = "django.db.models.CharField"

    @staticmethod
    def normalized(text: str) -> str:
        """Return the text as it is kept."""
        return normalize_name(text)

    def to_python(self, value: Any) -> Any:
        """Return the text as it is kept."""
        value = super().to_python(value)
        return self.normalized(value) if isinstance(value, str) else value


class NameField(NormalizedField):
    """The name of a unit, an organization, a campaign; also other names, and titles."""

    default_validators = [validate_characters, validate_letters]


class PersonNameField(NormalizedField):
    """The name of a person or of a user."""

    default_validators = [validate_characters, validate_person_name]
    normalized = staticmethod(normalize_person_name)


class PhoneField(NormalizedField):
    """A telephone number."""

    @staticmethod
    def normalized(text: str) -> str:
        """Return the number with single spaces."""
        return normalize_code(text, spaced=True)


class NumberField(NormalizedField):
    """The police number of a person, or what stands for it."""

    default_validators = [validate_number]
    normalized = staticmethod(normalize_number)


class NumberKey(StoredAs, models.GeneratedField):
    """``number_key`` of the column ``number``, kept by the database."""

    stored_as = "django.db.models.GeneratedField"

    def __init__(self, **options: Any) -> None:
        trimmed = models.Func(models.F("number"), models.Value("0"), function="LTRIM")
        given = {
            "expression": Upper(trimmed),
            "output_field": models.CharField(max_length=30),
            "db_persist": True,
        }
        super().__init__(**{**given, **options})
