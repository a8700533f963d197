"""Find the best hits in scope: for the search box and every picker.

There are two ways, and the wrong one can take a thousand times longer; the size of the scope, known from the
intervals of the unit tree, decides (docs/decisions/0013-search.md):

* in a large scope start from the terms: rank by rank, in the order of the index, until there are enough. A
  search for 张 reads a few rows, not the 150,000 people of that name;
* in a small scope start from the scope: read and compare the terms of its rows.

The database cannot choose: it does not know how many terms begin with the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.functions import Substr

from registry import access
from registry.models import (
    Assignment,
    NameTerm,
    Organization,
    Person,
    Unit,
)
from registry.models.base import in_spans
from registry.models.hierarchy import Span
from registry.models.term import LONGEST_TERM, RANKS_OF_TEXT, Rank, begins, bounds, folded
from registry.nouns import Noun

SMALL = 700
"""Up to so many units, the search for units and organizations starts from the scope."""
SMALL_FOR_PEOPLE = 150
"""The same for people, some seventeen in each unit."""
FEW = 1000
"""Up to so many units are listed by key, so that the index of names and units is enough."""

SPARE = 8
"""How many more hits are fetched than shown: a row may be found by two terms, and codes decide the order."""

_Hit = tuple[int, int, str]
"""A row's primary key, the rank and the term that found it."""
_Ranked = dict[int, tuple[int, str]]
"""(rank, term) by primary key, the best of each."""


def find(
    noun: Noun,
    user: access.AnyUser,
    text: str,
    verb: str = access.SEE,
    *,
    most: int,
    narrow: Callable[[QuerySet[Any]], QuerySet[Any]] = lambda rows: rows,
    beyond: QuerySet[Any] | None = None,
) -> list[Any]:
    """Return the best ``most`` rows of a noun where ``user`` may do ``verb``, with what its page shows.

    ``narrow`` leaves out rows; ``beyond`` are rows that may be found outside the scope. Both are for nouns
    with terms of their own: people are found through their names.
    """
    texts, picker = noun.searched, noun.picker
    related, key = (picker.related, picker.key) if picker is not None else (noun.related, noun.page_key)
    if texts.by_name:
        return find_people(user, text, verb, most=most)
    manager: Any = noun.model._default_manager
    rows = narrow(manager.all())
    sought = [(access.visible(user, rows, verb), _is_small(user, verb))]
    if beyond is not None:
        sought.append((rows.filter(pk__in=beyond.order_by().values("pk")), True))
    hits_by_key = _ranked(sought, text, most)
    shown = manager.filter(pk__in=hits_by_key).select_related(*(related or (None,)))
    return _in_order({row.pk: row for row in shown}, hits_by_key, text, most, key, *texts.names)


def find_people(user: access.AnyUser, text: str, verb: str = access.SEE, *, most: int) -> list[Person]:
    """Return the best ``most`` people in scope, by name or (as far as the user sees it) number."""
    spans, wanted = access.spans(user, verb), folded(text)
    if not spans or not wanted:
        return []
    hits_by_key: _Ranked = {}
    if any(char.isdigit() for char in text):
        for condition in access.number_matches(user, text):
            condition &= in_spans(spans, "home_unit__")
            numbered = Person.objects.filter(condition).order_by().values_list("pk", flat=True)
            hits_by_key |= dict.fromkeys(numbered[: most + SPARE], (Rank.START.value, wanted))
    for people in (_at_home, _placed):
        if len(hits_by_key) < most:
            for pk, rank, term in people(spans, wanted, most):
                hits_by_key[pk] = min(hits_by_key.get(pk, (rank, term)), (rank, term))
    rows = access.visible(user, Person.objects.filter(pk__in=hits_by_key), verb, few=True)
    shown = {person.pk: person for person in rows.select_related("home_unit")}
    # Namesakes by their keys: the order of numbers would tell something of those that are masked.
    return _in_order(shown, hits_by_key, text, most, "number", "name", namesakes="key")


def _ranks(wanted: str) -> Sequence[Rank]:
    """Return the ranks in which to search a text: pinyin is typed in letters."""
    return tuple(Rank) if wanted.isascii() and not wanted.isdigit() else RANKS_OF_TEXT


def _size(spans: Iterable[Span]) -> int:
    """Return how many units are in the intervals: each takes two places."""
    return sum((span.hi - span.lo + 2) // 2 for span in spans)


def _is_small(user: access.AnyUser, verb: str) -> bool:
    return _size(access.spans(user, verb)) <= SMALL


def _ranked(sought: Sequence[tuple[QuerySet[Any], bool]], text: str, most: int) -> _Ranked:
    """Return enough hits to put ``most`` in order; the rows sought come with whether they are few."""
    hits_by_key: _Ranked = {}
    wanted = folded(text)
    for rows, is_small in sought if wanted else ():
        hits = _from_scope(rows, wanted, most) if is_small else _from_terms(rows, wanted, most)
        for pk, rank, term in hits:
            hits_by_key[pk] = min(hits_by_key.get(pk, (rank, term)), (rank, term))
    return hits_by_key


def _from_scope(rows: QuerySet[Any], wanted: str, most: int) -> Iterator[_Hit]:
    """Yield the hits, comparing all terms of the rows; written so that the terms' index cannot serve."""
    wanted = wanted[:LONGEST_TERM]
    hits = rows.annotate(begins=Substr("terms__term", 1, len(wanted)), place=F("terms__rank") + 0)
    hits = hits.filter(begins=wanted).order_by("place", "terms__term", "terms__spread")
    yield from hits.values_list("pk", "place", "terms__term")[: most + SPARE]


def _from_terms(rows: QuerySet[Any], wanted: str, most: int) -> Iterator[_Hit]:
    """Yield the hits in the order of the terms' index, one rank after the other until there are enough."""
    seen: set[int] = set()
    for rank in _ranks(wanted):
        if len(seen) < most and rank != Rank.SOUND_RARE:  # which names of people have alone
            hits = rows.filter(begins(wanted, "terms__"), terms__rank=rank)
            hits = hits.order_by("terms__term", "terms__spread")
            for pk, term in hits.values_list("pk", "terms__term")[: most + SPARE]:
                seen.add(pk)
                yield pk, rank, term


def _in_order(
    rows: dict[int, Any],
    hits_by_key: _Ranked,
    text: str,
    most: int,
    code: str,
    *names: str,
    namesakes: str = "",
) -> list[Any]:
    """Return the rows: the exact code first, then an exact name, then by rank, in the official order."""
    wanted = folded(text)

    def place(pk: int) -> tuple[Any, ...]:
        row = rows[pk]
        rank, term = hits_by_key[pk]
        is_code = folded(getattr(row, code)) == wanted
        is_name = any(folded(getattr(row, name)) == wanted for name in names) or term == wanted
        return (
            not is_code,
            not (is_name and rank == Rank.START),
            rank,
            getattr(row, "order_key", term),
            getattr(row, namesakes or code),
        )

    return [rows[pk] for pk in sorted(rows, key=place)][:most]


_NAMED = f"FROM {NameTerm._meta.db_table} t JOIN {Person._meta.db_table} p ON p.name = t.name"
_HOME = f" JOIN {Unit._meta.db_table} u ON u.id = p.home_unit_id"
_HOST = (
    f" JOIN {Assignment._meta.db_table} a ON a.person_id = p.id AND NOT a.is_withdrawn"
    f" JOIN {Organization._meta.db_table} o ON o.id = a.organization_id"
    f" JOIN {Unit._meta.db_table} u ON u.id = o.unit_id"
)


def _at_home(spans: Sequence[Span], wanted: str, most: int) -> Iterator[_Hit]:
    """Yield the people whose home unit stands in the intervals."""
    size = _size(spans)
    if SMALL_FOR_PEOPLE < size <= FEW:
        homes = list(Unit.objects.filter(in_spans(spans)).order_by().values_list("pk", flat=True))
        few = f"p.home_unit_id IN ({', '.join(map(str, homes))})"
        return _names_from_terms(_NAMED, few, wanted, most)
    names = _names_from_scope if size <= SMALL_FOR_PEOPLE else _names_from_terms
    return names(_NAMED + _HOME, _inside(spans), wanted, most)


def _placed(spans: Sequence[Span], wanted: str, most: int) -> Iterator[_Hit]:
    """Yield the people who are, or were, in an organization that stands in the intervals."""
    names = _names_from_scope if _size(spans) <= SMALL_FOR_PEOPLE else _names_from_terms
    return names(_NAMED + _HOST, _inside(spans), wanted, most)


def _inside(spans: Iterable[Span]) -> str:
    return " OR ".join(
        f"u.tree_id = {int(span.tree_id)} AND u.lft BETWEEN {int(span.lo)} AND {int(span.hi)}"
        for span in spans
    )


def _names_from_scope(named: str, inside: str, wanted: str, most: int) -> Iterator[_Hit]:
    """As ``_from_scope``; SQL, because a person has no key to the terms of the name."""
    wanted = wanted[:LONGEST_TERM]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT p.id, t.rank + 0 AS place, t.term {named}"
            f" WHERE substr(t.term, 1, {len(wanted)}) = %s AND ({inside})"
            f" ORDER BY place, t.term LIMIT {int(most) + SPARE}",
            [wanted],
        )
        yield from cursor.fetchall()


def _names_from_terms(named: str, inside: str, wanted: str, most: int) -> Iterator[_Hit]:
    """As ``_from_terms``."""
    seen: set[int] = set()
    for rank in _ranks(wanted):
        if len(seen) < most:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT p.id, t.term {named}"
                    f" WHERE t.rank = %s AND t.term >= %s AND t.term < %s AND ({inside})"
                    f" ORDER BY t.term LIMIT {int(most) + SPARE}",
                    [int(rank), *bounds(wanted)],
                )
                for pk, term in cursor.fetchall():
                    seen.add(pk)
                    yield pk, int(rank), term
