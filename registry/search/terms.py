"""Make the search terms of units, organizations and names of people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from registry.models.pinyin import WORDS, Reading, in_names, in_organs, spellings, with_rare
from registry.models.term import LONGEST_TERM, Rank, folded

_BETWEEN_ALIASES = re.compile(r"[;、,\uff0c\uff1b]+")
_PARTS = re.compile(r"[0-9A-Za-z]+|[^\W0-9A-Za-z_]+")
"""The parts of a code or document number."""

_SOUNDED_FROM = re.compile(
    WORDS.pattern
    + "|(?=检查|侦查|刑侦|刑事|交警|交通|治安|巡警|特警|派出所|分局|支队|大队|疫情|防控|防疫|执勤|看守)"
)
"""Where pinyin may begin within a name: people leave out the first words of long names of organs."""

Terms = set[tuple[int, str]]
"""The (rank, term) of all terms of one row."""


def terms_of_object(names: Iterable[str], aliases: str, codes: Iterable[str]) -> Terms:
    """Return the terms of a unit or organization.

    A name or alias is found from each of its characters on, by its pinyin and initials, and by those from
    each word in it on (after 省市县局队所…, before 临时, 党, 检查 …); a code or document number by itself and
    from each of its parts on.
    """
    ranks: dict[str, int] = {}
    for name in [*names, *split_aliases(aliases)]:
        text = _add_name(ranks, name, in_organs)
        for match in _SOUNDED_FROM.finditer(text, 1):
            _add(ranks, Rank.SOUND_INSIDE, _sounds(text[match.start() :], in_organs))
    for code in codes:
        text = folded(code)
        if text:
            _add(ranks, Rank.START, [text])
            parts = list(_PARTS.finditer(code))
            _add(ranks, Rank.INSIDE, (folded(code[match.start() :]) for match in parts[1:]))
    return {(rank, term) for term, rank in ranks.items()}


def split_aliases(text: str) -> list[str]:
    """Return the names in a field of aliases."""
    return [name for name in _BETWEEN_ALIASES.split(text) if name]


def terms_of_name(name: str) -> Terms:
    """Return the terms of a person's name: from each character on, by text, pinyin and initials.

    Every reading of each character counts, the rare ones last.
    """
    ranks: dict[str, int] = {}
    text = _add_name(ranks, name, in_names)
    for at in range(1, len(text)):
        _add(ranks, Rank.SOUND_INSIDE, _sounds(text[at:], in_names))
    _add(ranks, Rank.SOUND_RARE, (spelling for way in spellings(text, with_rare) for spelling in way))
    return {(rank, term) for term, rank in ranks.items()}


def _add_name(ranks: dict[str, int], name: str, read: Reading) -> str:
    """Add the terms of a whole name; return its text as terms are written."""
    text = folded(name)
    _add(ranks, Rank.START, [text])
    _add(ranks, Rank.INSIDE, (text[at:] for at in range(1, len(text))))
    _add(ranks, Rank.SOUND, _sounds(text, read))
    return text


def _add(ranks: dict[str, int], rank: Rank, terms: Iterable[str]) -> None:
    """Keep each term with its best rank."""
    for term in terms:
        term = term[:LONGEST_TERM]
        if term and ranks.get(term, rank) >= rank:
            ranks[term] = int(rank)


def _sounds(text: str, read: Reading) -> Iterator[str]:
    """Return the spellings of a text, cut to the length of a term; none for text in Latin letters."""
    if text.isascii():
        return iter(())
    return (spelling for way in spellings(text[:LONGEST_TERM], read) for spelling in way)
