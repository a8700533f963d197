"""Keep the search index: in the transaction of each write, by the operations only.

The terms of a row follow from its names and codes (``registry.search.terms``). ``write`` of
``registry.operations.base`` calls ``follow`` for every edit; operations that add a row call ``index_rows``;
a bulk load writes the terms along with its rows. The noun's descriptor names the fields (``texts``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model

from registry import nouns
from registry.models import NameTerm
from registry.models.term import spread
from registry.models.writer import Writer
from registry.nouns import Noun
from registry.search.terms import terms_of_name, terms_of_object

T = TypeVar("T")

BATCH = 2000
_Row = tuple[int, str, int, int]


def columns_of(noun: Noun) -> tuple[str, ...]:
    """Return the columns of a noun's terms, for a ``Writer``."""
    return ("rank", "term", "spread", f"{noun.key}_id")


def terms_of(noun: Noun, pk: int, values: Sequence[str]) -> Iterator[_Row]:
    """Yield (rank, term, spread, pk) of a row, whose ``noun.texts.fields`` hold ``values``."""
    texts, at = noun.searched, spread(pk)
    names, others = len(texts.names), len(texts.names) + len(texts.aliases)
    terms = terms_of_object(values[:names], ";".join(values[names:others]), values[others:])
    return ((rank, term, at, pk) for rank, term in terms)


def index_rows(rows: Iterable[Model]) -> None:
    """Replace the terms of rows of one noun that were added or renamed."""
    for some in batches(rows, BATCH):
        noun = nouns.of(some[0])
        texts = noun.searched
        if texts.by_name:
            index_names(str(getattr(row, name)) for row in some for name in texts.names)
            continue
        texts.terms._default_manager.filter(**{f"{noun.key}__in": [row.pk for row in some]}).delete()
        index_new(noun, ((row.pk, row) for row in some))


def index_new(noun: Noun, rows: Iterable[tuple[int, Any]]) -> None:
    """Write the terms of rows that have none yet; each is given with its key."""
    _write(noun, ((pk, *(getattr(row, name) for name in noun.searched.fields)) for pk, row in rows))


def index_names(names: Iterable[str]) -> None:
    """Write the terms of names of people that are not known yet.

    A name that nobody has any more keeps its terms: it finds nobody. Two users who enter the same new name at
    once write the same terms, so existing ones are ignored.
    """
    writer = Writer(NameTerm, ("rank", "term", "name"))
    for some in batches(sorted(set(names)), 500):
        known = set(NameTerm.objects.filter(name__in=some).values_list("name", flat=True).distinct())
        new = [name for name in some if name not in known]
        writer.write(
            [(rank, term, name) for name in new for rank, term in sorted(terms_of_name(name))],
            keep_existing=True,
        )


def follow(instance: Model, changes: Mapping[str, Any]) -> None:
    """Update the index after an edit of a row."""
    texts = nouns.of(instance).texts
    if texts is not None and changes.keys() & set(texts.fields):
        index_rows([instance])


def rebuild() -> int:
    """Rebuild the whole index from the rows; return how many terms."""
    written = 0
    with transaction.atomic():
        for noun in _searched():
            noun.searched.terms._default_manager.all().delete()
            written += _fill_names(noun) if noun.searched.by_name else _fill_rows(noun)
    return written


def _searched() -> list[Noun]:
    return [noun for noun in nouns.all_nouns() if noun.texts is not None]


def _fill_rows(noun: Noun) -> int:
    rows: Any = noun.model._base_manager.order_by("pk").values_list("pk", *noun.searched.fields)
    return sum(_write(noun, some) for some in batches(rows.iterator(BATCH), BATCH))


def _fill_names(noun: Noun) -> int:
    written = 0
    writer = Writer(noun.searched.terms, ("rank", "term", "name"))
    for some in batches(_names(noun).iterator(BATCH), BATCH):
        rows = [(rank, term, name) for name in some for rank, term in terms_of_name(name)]
        writer.write(rows)
        written += len(rows)
    return written


def _names(noun: Noun) -> Any:
    """Return the names of a noun that is found through them, each once."""
    (name,) = noun.searched.names
    return noun.model._base_manager.order_by(name).values_list(name, flat=True).distinct()


def differences(most: int = 50) -> list[str]:
    """Compare the index with the rows; return the first ``most`` differences as text."""
    wrong = (
        difference
        for noun in _searched()
        for difference in (_wrong_names(noun) if noun.searched.by_name else _wrong_rows(noun))
    )
    return list(islice(wrong, most))


def _wrong_rows(noun: Noun) -> Iterator[str]:
    texts, key = noun.searched, f"{noun.key}_id"
    terms: Any = texts.terms._default_manager
    rows: Any = noun.model._base_manager.order_by("pk").values_list("pk", noun.page_key, *texts.fields)
    for some in batches(rows.iterator(BATCH), BATCH):
        stored: dict[int, set[_Row]] = {}
        kept = terms.filter(**{f"{key}__in": [row[0] for row in some]})
        for row in kept.values_list("rank", "term", "spread", key):
            stored.setdefault(row[3], set()).add(row)
        for pk, code, *values in some:
            yield from _apart(code, set(terms_of(noun, pk, values)), stored.get(pk, set()))
    lost = terms.exclude(**{f"{key}__in": noun.model._base_manager.order_by().values("pk")})
    for pk in lost.values_list(key, flat=True).distinct()[:10]:
        yield f"{noun.key} {pk}: gone, but indexed"


def _wrong_names(noun: Noun) -> Iterator[str]:
    terms: Any = noun.searched.terms._default_manager
    for some in batches(_names(noun).iterator(BATCH), 500):
        stored: dict[str, set[Any]] = {}
        for rank, term, name in terms.filter(name__in=some).values_list("rank", "term", "name"):
            stored.setdefault(name, set()).add((rank, term))
        for name in some:
            yield from _apart(name, terms_of_name(name), stored.get(name, set()))


def _apart(what: str, wanted: set[Any], stored: set[Any]) -> Iterator[str]:
    if wanted != stored:
        yield f"{what}: {len(wanted - stored)} missing, {len(stored - wanted)} too many"


def _write(noun: Noun, rows: Iterable[Sequence[Any]]) -> int:
    terms = [term for pk, *values in rows for term in terms_of(noun, pk, values)]
    Writer(noun.searched.terms, columns_of(noun)).write(terms)
    return len(terms)


def batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut the rows into lists of at most ``size``."""
    iterator = iter(rows)
    while some := list(islice(iterator, size)):
        yield some
