"""Finds units, organizations and campaigns by their code or their name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone

from registry import access, nouns
from registry.models.term import LONGEST_TERM, Rank, folded
from registry.nouns.noun import Noun, PickerQuery, Rows
from registry.search.index import batches
from registry.search.terms import split_aliases

_SHOWN = 5


def find_by_code_or_name(
    user: access.AnyUser | None, noun: str, words: Iterable[str], verb: str = access.SEE
) -> dict[str, list[Any]]:
    """Return for each word the rows that it names, where ``user`` may do ``verb`` (None: everywhere).

    A code comes before names, and a full name before short names and aliases. Width, spaces, hyphens and
    brackets of names do not matter; rows that a picker leaves out are not found by name. Several rows: the
    name is not unique in scope (``not_unique`` says so). A few queries for all words.
    """
    about = nouns.by_key(noun)
    texts = {word: folded(word) for word in dict.fromkeys(words) if "\x00" not in word}
    by_code: dict[str, Any] = {}
    by_name: dict[str, dict[int, Any]] = defaultdict(dict)
    by_other: dict[str, dict[int, Any]] = defaultdict(dict)
    for some in batches([word for word, text in texts.items() if text], 400):
        for row in _rows(user, about, some, verb):
            by_code[row.code] = row
            if row.is_named:
                by_name[folded(row.name)][row.pk] = row
                for name in filter(None, _other_names(about, row)):
                    by_other[folded(name)][row.pk] = row
    return {
        word: [by_code[word]]
        if word in by_code
        else list((by_name.get(text) or by_other.get(text) or {}).values())
        for word, text in texts.items()
    }


def answers_to(noun: Noun, row: Any, word: str) -> bool:
    """Whether ``word`` is the code of a row, its name, a short name or an alias."""
    texts = map(folded, filter(None, (row.name, *_other_names(noun, row))))
    return word == row.code or folded(word) in texts


def not_unique(noun: Noun, word: str, rows: Sequence[Any]) -> str:
    """Say that a name means several rows, with the codes to choose from."""
    some = "、".join(f"{row.name}({row.code})" for row in rows[:_SHOWN])
    more = "等" if len(rows) > _SHOWN else ""
    return f"有 {len(rows)} {noun.measure}{noun.label}叫“{word}”:{some}{more}。请写全称,仍重名的填代码。"


def _rows(user: access.AnyUser | None, noun: Noun, words: Sequence[str], verb: str) -> Rows:
    """Return the rows that may have these codes or names, by the search terms where the noun has any."""
    manager: Any = noun.model._default_manager
    named: Rows = manager.filter(name__in=words)
    if noun.texts is not None:
        terms: Any = noun.texts.terms._default_manager
        heads = {folded(word)[:LONGEST_TERM] for word in words}
        named = manager.filter(pk__in=terms.filter(rank=Rank.START, term__in=heads).values(noun.key))
    if noun.picker is not None:
        today = timezone.localdate()
        named = noun.picker.narrow(named, PickerQuery(nouns.verb(verb).is_recorded, today, today, {}))
    is_named = Q(pk__in=named.order_by().values("pk"))
    rows: Rows = manager.filter(Q(code__in=words) | is_named).annotate(is_named=is_named)
    rows = rows.select_related(*(noun.related or (None,))).order_by("pk")
    return rows if user is None else access.visible(user, rows, verb)


def _other_names(noun: Noun, row: Any) -> Iterable[str]:
    texts = noun.texts
    if texts is None:
        return
    for field in texts.names[1:]:
        yield getattr(row, field)
    for field in texts.aliases:
        yield from split_aliases(getattr(row, field))
