"""Make the search terms of units, organizations and names of people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from registry.models.term import LONGEST_TERM, Rank, folded
from registry.search.pinyin import Reading, every, in_organs, spellings, usual

_BETWEEN_ALIASES = re.compile(r"[;、,\uff0c\uff1b]+")
WORDS = re.compile(r"(?<=[省市区县盟旗局厅队所站处室科院乡镇])|(?=公安|临时|党|突击|先锋|专班|工作组|领导)")
"""Where words begin in the names of organs and organizations."""
_PARTS = re.compile(r"[0-9A-Za-z]+|[^\W0-9A-Za-z_]+")
"""The parts of a code or document number."""

Terms = set[tuple[int, str]]
"""The (rank, term) of all terms of one row."""


def terms_of_object(names: Iterable[str], aliases: str, codes: Iterable[str]) -> Terms:
    """Return the terms of a unit or organization.

    A name or alias is found from each of its characters on, by its pinyin and initials, and by those from
    each word in it on (after 省市县局队所…, before 临时, 党 …); a code or document number by itself and
    from each of its parts on.
    """
    ranks: dict[str, int] = {}
    for name in [*names, *split_aliases(aliases)]:
        text = _add_name(ranks, name, in_organs)
        for match in WORDS.finditer(text, 1):
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
    text = _add_name(ranks, name, usual)
    for at in range(1, len(text)):
        _add(ranks, Rank.SOUND_INSIDE, _sounds(text[at:], usual))
    _add(ranks, Rank.SOUND_RARE, (spelling for way in spellings(text, every) for spelling in way))
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
