"""What a cell shows of its number, by its number format: 00000 shows 12 as 00012, 0% shows 0.12 as 12%.

A column reads what people see. Formats whose result is not text that a roster can mean (fractions, times,
conditions) are not drawn: such a cell is refused with its address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Literal

Drawn = Callable[[float], str]
"""Returns what a cell shows of a number. Raises ``NotDrawn``."""

GENERAL = "General"
EXACT = 1e15
"""From here on Excel no longer keeps every digit of a number."""
_BUILTIN = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 46, 47, 55, 56), "h:mm"),
    **dict.fromkeys((37, 38), "#,##0;-#,##0"),
    **dict.fromkeys((39, 40, 43, 44), "#,##0.00;-#,##0.00"),
    **dict.fromkeys((5, 6, 41, 42), "#,##0;-#,##0"),
    **dict.fromkeys((7, 8), "#,##0.00;-#,##0.00"),
    48: "##0.0E+0",
}
"""Excel's formats without a code of their own, as far as they are not General, text or a day."""
_BUILTIN_DAYS = {*range(14, 18), 22, *range(27, 32), 36, *range(50, 55), 57, 58}
"""Those of days: Excel's, and those of a Chinese system."""

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|_.|\*.|\[\$(?P<currency>[^\]-]*)[^\]]*\]|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<general>general)|(?P<exponent>e[+-])|(?P<digit>[0#?])|(?P<sign>[.,%])|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_COLOURS = re.compile(
    r"(black|blue|cyan|green|magenta|red|white|yellow|(color|颜色) ?\d+"
    r"|黑色|蓝色|青色|绿色|洋红|红色|白色|黄色)$",
    re.IGNORECASE,
)
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_WITHOUT_TEXT = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h|m|s)[^\]]*\]', re.IGNORECASE)

_Kind = Literal["literal", "digit", ".", ",", "%", "e", "general"]
_Part = tuple[_Kind, str]


class NotDrawn(ValueError):
    """What the cell shows is not known."""


def format_of(number: int, code: str | None) -> Drawn | Literal["date"] | None:
    """Return how the numbers of a style are shown: as days, by a format, or as they are (None)."""
    if code is None:
        if number in _BUILTIN_DAYS:
            return "date"
        code = _BUILTIN.get(number, GENERAL)
    if code.strip().lower() in ("", "@", "general"):
        return None
    plain = _WITHOUT_TEXT.sub("", code.split(";")[0]).strip().lower()
    if "general" not in plain and ("d" in plain or "y" in plain or ("e" in plain and "m" in plain)):
        return "date"
    return _drawn_by(code)


def _drawn_by(code: str) -> Drawn:
    sections = [_parts(section) for section in _sections(code)[:3]]

    def draw(number: float) -> str:
        section, shown = _section(sections, number)
        if section is None or (not section and number):  # ;;; hides what is there
            raise NotDrawn
        text = _draw(section, abs(shown)).strip()
        return f"-{text}" if shown < 0 and any(char in "123456789" for char in text) else text

    return draw


def _section(sections: Sequence[list[_Part] | None], number: float) -> tuple[list[_Part] | None, float]:
    """Return the section for a number, and the number whose sign it still must show."""
    if number < 0 and len(sections) > 1:
        return sections[1], -number
    if number == 0 and len(sections) > 2:
        return sections[2], number
    return sections[0], number


def _sections(code: str) -> list[str]:
    """Cut a format at the semicolons that are no text."""
    sections, last = [], 0
    for match in _TOKEN.finditer(code):
        if match["other"] == ";":
            sections.append(code[last : match.start()])
            last = match.end()
    return [*sections, code[last:]]


def _parts(section: str) -> list[_Part] | None:
    """Return the parts of a section; None when it cannot be drawn."""
    parts: list[_Part] = []
    for match in _TOKEN.finditer(section):
        kind, text = match.lastgroup, match[0]
        if kind is None:  # a space as wide as a character, or what fills the cell
            continue
        if kind in ("quoted", "escaped", "currency"):
            parts.append(("literal", match[kind]))
        elif kind == "bracket":
            if not _COLOURS.match(match[kind]):
                return None
        elif kind == "general" or text == "@":
            parts.append(("general", text))
        elif kind == "exponent":
            parts.append(("e", text))
        elif kind == "digit":
            parts.append(("digit", text))
        elif kind == "sign":
            parts.append((text, text))  # type: ignore[arg-type]
        elif text == "/" or text.lower() in "hmsgbea":
            return None
        else:
            parts.append(("literal", text))
    return parts


def _draw(parts: list[_Part], number: float) -> str:
    kinds = [kind for kind, _ in parts]
    if "general" in kinds:
        return "".join(general(number) if kind == "general" else text for kind, text in parts)
    value = Decimal(repr(number)).scaleb(2 * kinds.count("%"), _EXACT)
    digits = [place for place, kind in enumerate(kinds) if kind == "digit"]
    if not digits:
        return "".join(text for _, text in parts)
    if "e" in kinds:
        return _scientific(parts, kinds, number)
    point = kinds.index(".") if "." in kinds else len(parts)
    whole = [place for place in digits if place < point]
    after = [place for place in digits if place > point]
    commas = [place for place, kind in enumerate(kinds) if kind == ","]
    is_grouped = any(whole and whole[0] < place < whole[-1] for place in commas)
    thousands = sum(1 for place in commas if place > digits[-1] or (whole and whole[-1] < place < point))
    value = value.scaleb(-3 * thousands, _EXACT).quantize(Decimal(1).scaleb(-len(after)), context=_EXACT)
    ahead, _, behind = f"{value:f}".partition(".")
    shown = _filled(parts, whole, ahead.lstrip("0"), is_grouped=is_grouped)
    shown |= _decimals(parts, after, behind)
    said = []
    for place, (kind, text) in enumerate(parts):
        if kind == "digit":
            said.append(shown.get(place, ""))
        elif kind in ("literal", "%") or (kind == "." and place == point):
            said.append(text)
    return "".join(said)


def _filled(parts: list[_Part], places: list[int], digits: str, *, is_grouped: bool) -> dict[int, str]:
    """Put the digits before the point into their places from the right; the first place takes the rest."""
    shown: dict[int, str] = {}
    done = 0
    for place in reversed(places):
        is_first = place == places[0]
        some = digits if is_first else digits[-1:]
        digits = "" if is_first else digits[:-1]
        some = some or {"0": "0", "?": " "}.get(parts[place][1], "")
        if is_grouped:
            some, done = _grouped(some, done)
        shown[place] = some
    return shown


def _grouped(digits: str, done: int) -> tuple[str, int]:
    """Put commas into digits of which ``done`` stand to the right already."""
    text = ""
    for digit in reversed(digits):
        if done and done % 3 == 0:
            text = f",{text}"
        text, done = f"{digit}{text}", done + 1
    return text, done


def _decimals(parts: list[_Part], places: list[int], digits: str) -> dict[int, str]:
    shown: dict[int, str] = {}
    is_open = False
    for place, digit in reversed(list(zip(places, digits, strict=True))):
        is_open = is_open or digit != "0" or parts[place][1] == "0"
        shown[place] = digit if is_open else (" " if parts[place][1] == "?" else "")
    return shown


def _scientific(parts: list[_Part], kinds: list[_Kind], number: float) -> str:
    at = kinds.index("e")
    point = kinds.index(".") if "." in kinds else at
    after = sum(1 for place, kind in enumerate(kinds) if kind == "digit" and point < place < at)
    least = sum(1 for kind in kinds[at:] if kind == "digit")
    mantissa, _, power = f"{Decimal(repr(number)):.{after}E}".partition("E")
    sign = "-" if power.startswith("-") else "+" if "+" in parts[at][1] else ""
    return f"{mantissa}E{sign}{power.lstrip('+-').zfill(least)}"


def general(number: float) -> str:
    """Return the digits of a number as it is."""
    return f"{number:.0f}" if number == int(number) else f"{number:.15g}"
