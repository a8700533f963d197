"""Find the header of a sheet by its words: below titles, over one row or several."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

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
    noun's columns by slug, the headers that are not known, and those that mean a column that is read from
    another place: (as written, what is read instead)."""

    first: int
    last: int
    texts: dict[int, str]
    places: dict[str, Place]
    unknown: list[str]
    spare: list[tuple[str, str]]


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


def _rank(column: Column, text: str) -> int:
    """Return how specific a header is for its column: 0 for its own, then in the order of ``also``."""
    word = key_of(text)
    words = [key_of(each) for each in (column.header, *column.also)]
    return min(words.index(each) for each in (word, _HINT.sub("", word)) if each in words)


def find_header(
    title: str, rows: Rows, merges: list[Merge], layouts: Collection[Layout]
) -> tuple[Layout, Header]:
    """Find the header among the first rows. Raises ``NoHeader``, ``Unreadable`` for two of one column."""
    meant = _meant(title, layouts)
    known = list(first_rows(rows))
    if not known:
        raise NoHeader("是空的")
    tall = [merge for merge in merges if merge.top < merge.bottom <= merge.top + _HEADER_DEPTH]
    for place, row in enumerate(known):
        texts = _texts(row, known[:place], tall)
        if candidates := _candidates(title, texts, meant):
            noun = _chosen(title, candidates)
            texts, last = _with_rows_below(noun, row, texts, known[place + 1 : place + _HEADER_DEPTH], tall)
            return noun, _header(title, noun, row.number, last, texts)
    raise NoHeader(_why_none(known, tall, meant))


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


def _why_none(known: list[Row], tall: list[Merge], meant: Collection[Layout]) -> str:
    """Say what the row that comes closest to a header lacks."""
    closest: tuple[int, Layout, Row] | None = None
    for place, row in enumerate(known):
        texts = _texts(row, known[:place], tall)
        for noun in meant:
            matched = len(_slugs(noun, texts))
            if matched >= _LEAST_HEADERS and (closest is None or matched > closest[0]):
                closest = (matched, noun, row)
    if closest is None:
        return "没有可识别的表头"
    _, noun, row = closest
    have = _slugs(noun, _own_texts(row))
    missing = "、".join(
        f"“{noun.by_slug[slug].header}”" for slug in noun.needed if not noun.has(have, [slug])
    )
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


def _candidates(title: str, texts: Mapping[int, str], meant: Collection[Layout]) -> list[tuple[int, Layout]]:
    """Return the layouts that the row may be the header of, each with the number of its columns there.

    A sheet with the title of a noun is of that noun. One that gives names instead of codes must have that
    title, or every column that a new row needs: 单位 and 类别 are in other sheets, too.
    """
    found = []
    for noun in meant:
        slugs = _slugs(noun, texts)
        required = [column.slug for column in noun.columns if column.required]
        if len(slugs) >= _LEAST_HEADERS and (
            slugs.issuperset(noun.needed)
            or (noun.has(slugs, noun.needed) and (_is_called(title, noun) or noun.has(slugs, required)))
        ):
            found.append((len(slugs), noun))
    return found


def _is_called(title: str, noun: Layout) -> bool:
    wanted, given = key_of(noun.title), key_of(title)
    return wanted == given if noun.made_by is None else wanted in given


def _meant(title: str, layouts: Collection[Layout]) -> list[Layout]:
    """Return the layouts that a sheet may have: the one with its title, else all that are no user's own."""
    called = [noun for noun in layouts if _is_called(title, noun)]
    return called or [noun for noun in layouts if noun.made_by is None]


def _chosen(title: str, candidates: list[tuple[int, Layout]]) -> Layout:
    """Choose the layout with most columns, else by the sheet's name."""
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
    """Find the place of each column; of several headers for one column the most specific is read."""
    ranked: dict[str, list[tuple[int, Place]]] = {}
    unknown: list[str] = []
    for place in sorted(texts):
        text = " ".join(texts[place].split())
        column = _meaning(noun, texts[place])
        if column is not None:
            ranked.setdefault(column.slug, []).append((_rank(column, texts[place]), Place(place, text)))
        elif key_of(text) not in _WITHOUT_MEANING:
            unknown.append(text[:30])
    places: dict[str, Place] = {}
    spare: list[tuple[str, str]] = []
    for slug, found in ranked.items():
        found.sort(key=lambda each: each[0])
        (rank, best), *others = found
        places[slug] = best
        for other_rank, other in others:
            if other_rank == rank and not noun.by_slug[slug].is_info:
                raise _twice(title, noun.by_slug[slug], best, other)
            spare.append((other.text[:30], best.text[:30]))
    return Header(first, last, dict(texts), places, unknown, spare)


def _twice(title: str, column: Column, one: Place, other: Place) -> Unreadable:
    return Unreadable(
        f"“{title}”的 {letters_of(one.column)} 列“{one.text}”和 {letters_of(other.column)} 列“{other.text}”"
        f"都是“{column.header}”,请只留一列。"
    )
