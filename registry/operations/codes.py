"""The codes by which units, organizations and campaigns stand in addresses: made from the name.

Nobody has to think of one: a new row without a code is given the pinyin of its name, with a number when
that is taken. ``give_codes`` is for operations; who needs the code earlier (an import, whose rows name each
other) asks ``codes_for``.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db.models import Model, Q

from registry import locks, nouns
from registry.models.pinyin import WORDS, in_organs, spellings
from registry.models.term import starts_with
from registry.search.index import batches

_LONGEST = 70
"""So long a code may be before its number, if its field takes no less."""
_FOR_NUMBER = 8
"""The room that is kept for the number and its hyphen."""
_SIGNS = re.compile(r"[^a-z0-9]+")


def code_for(name: str, model: type[Model], taken: Iterable[str] = ()) -> str:
    """Return a free code for a new row of ``model`` called ``name``: 德城分局 is ``dechengfenju``."""
    return codes_for([name], model, taken)[0]


def plain_codes(names: Iterable[str], model: type[Model]) -> list[str]:
    """Return the code of each name, without the number that tells it from others."""
    field: Any = model._meta.get_field("code")
    longest = min(_LONGEST, field.max_length - _FOR_NUMBER)
    return [_plain(name, longest) or nouns.of(model).key for name in names]


def codes_for(
    names: Sequence[str], model: type[Model], taken: Iterable[str] = (), crowded: Collection[str] = ()
) -> list[str]:
    """Return a free code for each name, in their order, all different and none of them in ``taken``.

    ``crowded`` are plain codes that somebody else may be giving just now: these get a number by chance. A few
    queries for all.
    """
    plain = plain_codes(names, model)
    used = {*taken, *_used(Counter(plain), model, crowded)}
    last: dict[str, int] = {}
    codes = []
    for base in plain:
        number, code = last.get(base, 1), base if base not in last else ""
        if code in crowded:
            number, code = 1000 + secrets.randbelow(9000), ""
        while not code or code in used:
            number += 1
            code = f"{base}-{number}"
        last[base] = number
        used.add(code)
        codes.append(code)
    return codes


def give_codes(rows: Sequence[Any]) -> None:
    """Give each new row that has no code one of its name. For operations, under their locks."""
    without = [row for row in rows if not row.code]
    if without:
        mine = [row.code for row in rows if row.code]
        names, model = [row.name for row in without], type(without[0])
        codes = codes_for(names, model, mine, locks.try_codes(plain_codes(names, model)))
        for row, code in zip(without, codes, strict=True):
            row.code = code


def _plain(name: str, longest: int) -> str:
    """Return the pinyin of a name, its words joined by hyphens; of a long one the first words by initials."""
    text = "".join(unicodedata.normalize("NFKC", name).split())
    words = [_spelled(word) for word in WORDS.split(text)]
    words = [word for word in words if word[0]]
    short = 0
    while len(code := "-".join([*(w[1] for w in words[:short]), *(w[0] for w in words[short:])])) > longest:
        short += 1
        if short > len(words):
            break
    return code[:longest].strip("-")


def _spelled(word: str) -> tuple[str, str]:
    """Return the full pinyin and the initials of a word, without signs."""
    ways = spellings(word, in_organs)
    full, initials = ways[0] if ways else ("", "")
    return _SIGNS.sub("", full.lower()), _SIGNS.sub("", initials.lower())


def _used(bases: Counter[str], model: type[Model], crowded: Collection[str]) -> set[str]:
    """Return the codes that are taken: the plain ones, and the numbered ones of those that need a number."""
    rows: Any = model._default_manager.order_by()
    used: set[str] = set()
    for some in batches(sorted(bases), 500):
        used.update(rows.filter(code__in=some).values_list("code", flat=True))
    numbered = sorted(base for base, times in bases.items() if times > 1 or base in used or base in crowded)
    for some in batches(numbered, 50):
        begins = Q(*(starts_with("code", f"{base}-") for base in some), _connector=Q.OR)
        used.update(rows.filter(begins).values_list("code", flat=True))
    return used
