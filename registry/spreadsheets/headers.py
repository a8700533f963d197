"""Find the header of a sheet by its words: below titles, over one row or several."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from registry.nouns import layouts
from registry.nouns.columns import ERROR_HEADER, Column, Layout, key_of
from registry.spreadsheets.grid import Merge, Row, letters_of
from registry.spreadsheets.hostile import Unreadable

Rows = Callable[[], Iterator[Row]]
"""Reads the rows of a sheet from its beginning."""

HEADER_WITHIN = 60
"""How many rows that are not empty are searched for the header."""
_HEADER_DEPTH = 3
_LEAST_HEADERS = 2

_WITHOUT_MEANING = frozenset(key_of(word) for word in (ERROR_HEADER, "序号", "行号", "编次", "No", "No."))
_HINT = re.compile(r"^[*\s]+|[*::\s]+$|[(\[【{][^)\]】}]*[)\]】}]")


@dataclass(frozen=True)
class Place:
    """A column's number (from 1) and its header as written."""

    column: int
    text: str


@dataclass(frozen=True)
class Header:
    """The header of a sheet: rows ``first`` to ``last``, the text of each column (from 1), the places of the
    noun's columns by slug, and the headers that are not known."""

    first: int
    last: int
    texts: dict[int, str]
    places: dict[str, Place]
    unknown: list[str]


class NoHeader(Exception):
    """No header was found; the message says why in Chinese."""


def first_rows(rows: Rows) -> Iterator[Row]:
    """Yield the rows among which the header is searched for."""
    for place, row in enumerate(rows()):
        if place >= HEADER_WITHIN:
            return
        yield row


def _meaning(noun: Layout, text: str) -> Column | None:
    """Return the column that a header means: as it is, or without its hints (必填)*."""
    if len(text) > 200:
        return None
    word = key_of(text)
    return noun.by_header.get(word) or noun.by_header.get(_HINT.sub("", word))


def _is_own(column: Column, text: str) -> bool:
    word = key_of(text)
    return key_of(column.header) in (word, _HINT.sub("", word))


def find_header(title: str, rows: Rows, merges: list[Merge]) -> tuple[Layout, Header]:
    """Find the header among the first rows. Raises ``NoHeader``, ``Unreadable`` for two of one column."""
    known = list(first_rows(rows))
    if not known:
        raise NoHeader("是空的")
    tall = [merge for merge in merges if merge.top < merge.bottom <= merge.top + _HEADER_DEPTH]
    for place, row in enumerate(known):
        texts = _texts(row, known[:place], tall)
        if candidates := _candidates(texts):
            noun = _chosen(title, candidates)
            texts, last = _with_rows_below(noun, row, texts, known[place + 1 : place + _HEADER_DEPTH], tall)
            return noun, _header(title, noun, row.number, last, texts)
    raise NoHeader(_why_none(known, tall))


def _with_rows_below(
    noun: Layout, row: Row, texts: dict[int, str], following: list[Row], tall: list[Merge]
) -> tuple[dict[int, str], int]:
    """Take in a header's second and third row, which name more columns below cells merged over them.

    Returns the texts and the number of the header's last row.
    """
    last = row.number
    for below in following:
        if not any(merge.top <= row.number and merge.bottom >= below.number for merge in tall):
            break
        deeper = {**texts, **_own_texts(below)}
        if len(_slugs(noun, deeper)) < len(_slugs(noun, texts)):
            break
        texts, last = deeper, below.number
    bottoms = (merge.bottom for merge in tall if merge.top == row.number and merge.left in texts)
    return texts, max([last, *bottoms])


def _why_none(known: list[Row], tall: list[Merge]) -> str:
    """Say what the row that comes closest to a header lacks."""
    closest: tuple[int, Layout, Row] | None = None
    for place, row in enumerate(known):
        texts = _texts(row, known[:place], tall)
        for noun in layouts().values():
            matched = len(_slugs(noun, texts))
            if matched >= _LEAST_HEADERS and (closest is None or matched > closest[0]):
                closest = (matched, noun, row)
    if closest is None:
        return "没有可识别的表头"
    _, noun, row = closest
    have = _slugs(noun, _own_texts(row))
    missing = "、".join(f"“{noun.by_slug[slug].header}”" for slug in noun.needed if slug not in have)
    return f"第 {row.number} 行像是“{noun.title}”的表头,但缺少{missing}列"


def _own_texts(row: Row) -> dict[int, str]:
    return {column: raw for column, raw in row.cells.items() if isinstance(raw, str) and raw.strip()}


def _texts(row: Row, above: list[Row], tall: list[Merge]) -> dict[int, str]:
    """Return the texts of a row, with those of cells above that are merged with it."""
    texts = _own_texts(row)
    for merge in tall:
        if merge.top < row.number <= merge.bottom and merge.left not in texts:
            for other in above:
                if other.number == merge.top and isinstance(raw := other.cells.get(merge.left), str):
                    texts[merge.left] = raw
    return texts


def _slugs(noun: Layout, texts: Mapping[int, str]) -> set[str]:
    """Return the slugs of the layout's columns that these headers mean."""
    return {column.slug for text in texts.values() if (column := _meaning(noun, text))}


def _candidates(texts: Mapping[int, str]) -> list[tuple[int, Layout]]:
    """Return the layouts whose needed columns are all there, each with the number of its columns that are."""
    slugs_of = [(noun, _slugs(noun, texts)) for noun in layouts().values()]
    return [
        (len(slugs), noun)
        for noun, slugs in slugs_of
        if len(slugs) >= _LEAST_HEADERS and slugs.issuperset(noun.needed)
    ]


def _chosen(title: str, candidates: list[tuple[int, Layout]]) -> Layout:
    """Choose the layout that is the sheet's title, else the one with most columns, else by name."""
    for _, noun in candidates:
        if key_of(title) == noun.title:
            return noun
    most = max(matched for matched, _ in candidates)
    best = [noun for matched, noun in candidates if matched == most]
    if len(best) > 1:
        named = [noun for noun in best if noun.title in title]
        if len(named) != 1:
            either = "还是".join(f"“{noun.title}”" for noun in best)
            raise NoHeader(f"看不出是{either},请把工作表改成其中一个名字")
        best = named
    return best[0]


def _header(title: str, noun: Layout, first: int, last: int, texts: Mapping[int, str]) -> Header:
    places: dict[str, Place] = {}
    unknown: list[str] = []
    # A column's own header before other words for it: 编号 beside 警号 is a serial number.
    named = {c.slug for text in texts.values() if (c := _meaning(noun, text)) and _is_own(c, text)}
    for place in sorted(texts):
        text = " ".join(texts[place].split())
        column = _meaning(noun, texts[place])
        if column and column.slug in named and not _is_own(column, texts[place]):
            column = None
        if column is None:
            if key_of(text) not in _WITHOUT_MEANING:
                unknown.append(text[:30])
        elif column.slug in places:
            if column.is_info:
                continue
            other = places[column.slug]
            raise Unreadable(
                f"“{title}”的 {letters_of(other.column)} 列“{other.text}”和 {letters_of(place)} 列“{text}”"
                f"都是“{column.header}”,请只留一列。"
            )
        else:
            places[column.slug] = Place(place, text)
    return Header(first, last, dict(texts), places, unknown)
