"""Keeping the search index: in the transaction of each write, by the operations alone.

The terms of a row follow from its names and codes (``registry.search.terms``). ``write`` of
``registry.operations.base`` calls ``follow`` for every edit; who makes a row calls ``index_units``,
``index_organizations`` or ``index_names``; a bulk load writes the terms along with its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model

from registry.models import NameTerm, Organization, OrganizationTerm, Person, Unit, UnitTerm
from registry.models.term import spread
from registry.models.writer import Writer
from registry.search.terms import terms_of_name, terms_of_object

T = TypeVar("T")

UNIT_NAMES = ("name", "short_name", "aliases", "code")
ORGANIZATION_NAMES = ("name", "honour_title", "aliases", "code", "approval_number")
BATCH = 2000
_Row = tuple[int, str, int, int]


def unit_terms(pk: int, name: str, short_name: str, aliases: str, code: str) -> Iterator[_Row]:
    """Yield (rank, term, spread, pk) of a unit, for a ``Writer`` with ``UNIT_COLUMNS``."""
    at = spread(pk)
    return ((rank, term, at, pk) for rank, term in terms_of_object((name, short_name), aliases, (code,)))


def organization_terms(
    pk: int, name: str, honour_title: str, aliases: str, code: str, approval_number: str
) -> Iterator[_Row]:
    """Yield (rank, term, spread, pk) of an organization, for a ``Writer`` with ``ORGANIZATION_COLUMNS``."""
    at = spread(pk)
    terms = terms_of_object((name, honour_title), aliases, (code, approval_number))
    return ((rank, term, at, pk) for rank, term in terms)


UNIT_COLUMNS = ("rank", "term", "spread", "unit_id")
ORGANIZATION_COLUMNS = ("rank", "term", "spread", "organization_id")


def index_units(units: Iterable[Unit]) -> None:
    """Write the terms of units that were made or renamed, in place of those they had."""
    for some in batches(units, BATCH):
        UnitTerm.objects.filter(unit__in=[unit.pk for unit in some]).delete()
        _write_units(UnitTerm, ((unit.pk, *_values(unit, UNIT_NAMES)) for unit in some))


def index_organizations(organizations: Iterable[Organization]) -> None:
    """Write the terms of organizations that were made or renamed, in place of those they had."""
    for some in batches(organizations, BATCH):
        OrganizationTerm.objects.filter(organization__in=[each.pk for each in some]).delete()
        _write_organizations(
            OrganizationTerm, ((each.pk, *_values(each, ORGANIZATION_NAMES)) for each in some)
        )


def index_names(names: Iterable[str]) -> None:
    """Write the terms of names of people that are not known yet.

    A name that nobody has any more keeps its terms: it finds nobody. Two who enter the same new name at
    once write the same rows, so what is there already is left as it is.
    """
    for some in batches(sorted(set(names)), 500):
        known = set(NameTerm.objects.filter(name__in=some).values_list("name", flat=True).distinct())
        new = [name for name in some if name not in known]
        NameTerm.objects.bulk_create(
            [
                NameTerm(rank=rank, term=term, name=name)
                for name in new
                for rank, term in sorted(terms_of_name(name))
            ],
            batch_size=BATCH,
            ignore_conflicts=True,
        )


def follow(instance: Model, changes: Mapping[str, Any]) -> None:
    """Let the index follow an edit of a row that is written already."""
    if isinstance(instance, Unit) and changes.keys() & set(UNIT_NAMES):
        index_units([instance])
    elif isinstance(instance, Organization) and changes.keys() & set(ORGANIZATION_NAMES):
        index_organizations([instance])
    elif isinstance(instance, Person) and "name" in changes:
        index_names([instance.name])


def fill(models: Any) -> int:
    """Write the terms of every row into an empty index; return how many terms.

    ``models`` gives a model by its name (``get_model``): the migration passes the models of its time.
    """
    written = 0
    units, organizations, people = models("Unit"), models("Organization"), models("Person")
    for model, names, terms, write in (
        (units, UNIT_NAMES, models("UnitTerm"), _write_units),
        (organizations, ORGANIZATION_NAMES, models("OrganizationTerm"), _write_organizations),
    ):
        rows = model._base_manager.order_by("pk").values_list("pk", *names)
        for some in batches(rows.iterator(BATCH), BATCH):
            written += write(terms, some)
    names_of_people = people._base_manager.order_by("name").values_list("name", flat=True).distinct()
    writer = Writer(models("NameTerm"), ("rank", "term", "name"))
    for some in batches(names_of_people.iterator(BATCH), BATCH):
        rows = [(rank, term, name) for name in some for rank, term in terms_of_name(name)]
        writer.write(rows)
        written += len(rows)
    return written


def rebuild() -> int:
    """Make the whole index anew from the rows; return how many terms."""
    from django.apps import apps

    with transaction.atomic():
        for model in (UnitTerm, OrganizationTerm, NameTerm):
            model._default_manager.all().delete()
        return fill(apps.get_app_config("registry").get_model)


def differences(most: int = 50) -> list[str]:
    """Compare the index with what it should hold, row by row; say what is wrong (the first ``most``)."""
    found: list[str] = []
    for said in _wrong():
        found.append(said)
        if len(found) == most:
            break
    return found


def _wrong() -> Iterator[str]:
    for model, names, terms, key, of_row in (
        (Unit, UNIT_NAMES, UnitTerm, "unit_id", unit_terms),
        (Organization, ORGANIZATION_NAMES, OrganizationTerm, "organization_id", organization_terms),
    ):
        rows: Any = model._base_manager.order_by("pk").values_list("pk", "code", *names)
        for some in batches(rows.iterator(BATCH), BATCH):
            stored: dict[int, set[_Row]] = {}
            kept: Any = terms._default_manager.filter(**{f"{key}__in": [row[0] for row in some]})
            for row in kept.values_list("rank", "term", "spread", key):
                stored.setdefault(row[3], set()).add(row)
            for pk, code, *values in some:
                yield from _apart(code, set(of_row(pk, *values)), stored.get(pk, set()))
        lost = terms._default_manager.exclude(**{f"{key}__in": model._base_manager.order_by().values("pk")})
        for pk in lost.values_list(key, flat=True).distinct()[:10]:
            yield f"{model._meta.model_name} {pk}: gone, but indexed"
    people: Any = Person.objects.order_by("name").values_list("name", flat=True).distinct()
    for some in batches(people.iterator(BATCH), 500):
        named: dict[str, set[Any]] = {}
        for rank, term, name in NameTerm.objects.filter(name__in=some).values_list("rank", "term", "name"):
            named.setdefault(name, set()).add((rank, term))
        for name in some:
            yield from _apart(name, terms_of_name(name), named.get(name, set()))


def _apart(what: str, wanted: set[Any], stored: set[Any]) -> Iterator[str]:
    if wanted != stored:
        yield f"{what}: {len(wanted - stored)} missing, {len(stored - wanted)} too many"


def _write_units(model: type[Model], rows: Iterable[Sequence[Any]]) -> int:
    return _write(model, UNIT_COLUMNS, [term for row in rows for term in unit_terms(*row)])


def _write_organizations(model: type[Model], rows: Iterable[Sequence[Any]]) -> int:
    return _write(model, ORGANIZATION_COLUMNS, [term for row in rows for term in organization_terms(*row)])


def _write(model: type[Model], columns: Sequence[str], rows: list[_Row]) -> int:
    Writer(model, columns).write(rows)
    return len(rows)


def _values(row: Model, names: Iterable[str]) -> Iterator[Any]:
    return (getattr(row, name) for name in names)


def batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut the rows into lists of at most ``size``."""
    iterator = iter(rows)
    while some := list(islice(iterator, size)):
        yield some
