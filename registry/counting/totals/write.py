"""Keep the totals up to date in the transaction of each write; for operations only.

``following`` counts what an operation touches before and after it, and appends the difference for every
unit above. Nothing is updated, so writers under one root never wait for one row. ``fold_counts`` turns what
was appended into totals now and then. A change of the unit hierarchy does the same for everything below the
units that move.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import reduce
from typing import Any

from django.db import connection, transaction
from django.db.models import Model, Q

from registry import locks
from registry.counting.metric import CountSource, Metric
from registry.counting.metrics import kept_metrics
from registry.counting.totals import tables
from registry.counting.totals.fold import FOLD_AT, fold_counts
from registry.counting.totals.statement import KEY, NONE, Statement, changes
from registry.counting.totals.tables import CHANGE, ROW
from registry.models import Organization, Person, TotalChange, Unit
from registry.models.prepared import plan_once
from registry.models.writer import Writer

_PREPARED = "registry_changes_of_{}"

Numbers = dict[tuple[Any, ...], int]
Owners = dict[type[Model], set[int]]


class Touched:
    """What an operation touches: more may be added until its block ends."""

    def __init__(self) -> None:
        self.owners: Owners = defaultdict(set)

    def add(
        self,
        organizations: Iterable[Organization] = (),
        people: Iterable[Person] = (),
        rows: Iterable[Model] = (),
    ) -> None:
        """Count these too: new rows of the block, which were not counted before it."""
        for row in (*organizations, *people, *rows):
            self.owners[type(row)].add(row.pk)


class _Work:
    """The changes of the totals by one operation, or by an import with many; written once at the end."""

    def __init__(self) -> None:
        locks.lock_hierarchy(shared=True)
        self.metrics = kept_metrics()
        self.changed: Numbers = defaultdict(int)

    @contextmanager
    def follow(self, touched: Touched) -> Iterator[Touched]:
        """Note what the block changes in what is touched."""
        if touched.owners[Organization]:
            for model, keys in hanging(self.metrics, touched.owners[Organization]).items():
                touched.owners[model] |= keys
        for source in dict.fromkeys(metric.source for metric in self.metrics):
            on = touched.owners.get(source.hung_on) if source.hangs_on not in ("", source.owner) else None
            if on:
                rows = source.model._base_manager.filter(**{f"{source.hangs_on}__in": on}).order_by()
                found = rows.values_list(source.owner, flat=True).distinct()
                touched.owners[source.owners] |= set(found) - {None}
        lock_people(touched.owners[Person])
        lock_owners(self.metrics, touched.owners)
        before = _counted(self.metrics, touched.owners)
        yield touched
        for sign, numbers in ((1, _counted(self.metrics, touched.owners)), (-1, before)):
            for key, number in numbers.items():
                self.changed[key] += sign * number


_WORK: ContextVar[_Work | None] = ContextVar("registry_work", default=None)


@contextmanager
def following_in_parts() -> Iterator[_Work]:
    """Follow much work part by part, so that memory stays bounded, and write what it changes once.

    Every ``following`` within the block is a part: an import calls operations that follow what they do.
    Parts come one after another, never one within another.
    """
    if (outer := _WORK.get()) is not None:
        yield outer
        return
    work = _Work()
    token = _WORK.set(work)
    try:
        yield work
    finally:
        _WORK.reset(token)
    _append([(*key, number) for key, number in work.changed.items() if number])


@contextmanager
def following(
    organizations: Iterable[Organization] = (),
    people: Iterable[Person] = (),
    rows: Iterable[Model] = (),
) -> Iterator[Touched]:
    """Add to the totals what the block changes in the counts of these organizations, people and owners.

    Everybody who is or was in the organizations is followed too, and what else belongs to them.
    The caller holds the locks of the organizations' trees; the people are locked here, so that what one
    person counts is worked out by one writer at a time.
    """
    with following_in_parts() as work:
        touched = Touched()
        touched.add(organizations, people, rows)
        with work.follow(touched):
            yield touched


@contextmanager
def following_hierarchy(units: Iterable[Unit], *, is_alone: bool = False) -> Iterator[None]:
    """Add to the totals what the block changes by giving ``units`` other superiors.

    What ever stood below them is counted before and after, at every unit: one that once stood below may
    stand above now. Nobody else writes counts meanwhile. ``is_alone``: the block changes only what the units
    are, not where they stand, so what stood at them themselves is enough.
    """
    locks.lock_hierarchy()
    metrics = kept_metrics()
    pks = {unit.pk for unit in units}
    owners = owners_at(metrics, pks if is_alone else tables.units_below(pks))
    if sum(map(len, owners.values())) <= tables.FEW:
        touched = Touched()
        touched.owners.update(owners)
        with following_in_parts() as work, work.follow(touched):
            yield
        return
    with connection.cursor() as cursor:
        conditions = {
            model: tables.among_keys(cursor, "owner", keys, f"owners_{number}")
            for number, (model, keys) in enumerate(owners.items())
        }
        tables.make_empty(cursor, "counted_before")
        tables.insert(cursor, "counted_before", changes(metrics, conditions))
        yield
        tables.make_empty(cursor, "counted_after")
        tables.insert(cursor, "counted_after", changes(metrics, conditions))
        more = tables.difference("counted_after", "counted_before")
        cursor.execute(f"INSERT INTO {CHANGE} ({ROW}) {more}")
        written = cursor.rowcount
        tables.drop(cursor, "counted_before", "counted_after")
    if written >= FOLD_AT:
        transaction.on_commit(fold_counts, robust=True)


def owners_at(metrics: Iterable[Metric], units: Collection[int]) -> Owners:
    """Return the owners of all rows that ever stood at one of the units."""
    found: Owners = defaultdict(set)
    for source in dict.fromkeys(metric.source for metric in metrics):
        place = f"{source.host}__unit__in" if source.host else f"{source.unit}__in"
        rows = source.model._base_manager.filter(**{place: units}).order_by()
        found[source.owners] |= set(rows.values_list(source.owner, flat=True).distinct()) - {None}
    return found


def owners_of(rows: Iterable[Model]) -> set[Model]:
    """Return as whose the rows count, by every source that they are rows of: the keys of these alone."""
    sources: dict[type[Model], set[CountSource]] = defaultdict(set)
    for metric in kept_metrics():
        sources[metric.source.model].add(metric.source)
    found: set[Model] = set()
    for row in rows:
        for source in sources.get(type(row), ()):
            *way, last = source.owner.split("__")
            above: Any = reduce(getattr, way, row)
            key = row.pk if last == "pk" else getattr(above, above._meta.get_field(last).attname)
            if key is not None:
                found.add(source.owners(pk=key))
    return found


def hanging(metrics: Iterable[Metric], organizations: Collection[int]) -> Owners:
    """Return the owners of all rows that count by what the organizations are."""
    owners: Owners = defaultdict(set)
    conditions: dict[CountSource, list[Q]] = defaultdict(list)
    for metric in metrics:
        conditions[metric.source].append(metric.condition)
    for source, asked in conditions.items():
        if source.organization and source.follows_organization(asked):
            rows = source.model._base_manager.filter(**{f"{source.organization}pk__in": organizations})
            found = rows.order_by().values_list(source.owner, flat=True).distinct()
            owners[source.owners] |= set(found) - {None}
    return owners


def _counted(metrics: tuple[Metric, ...], touched: Mapping[type[Model], set[int]]) -> Numbers:
    """Count the rows of the touched owners as they are now, by key.

    What users make is counted by a statement of its own, and only where owners of it are touched.
    """
    numbers: Numbers = {}
    for is_named in (False, True):
        some = tuple(metric for metric in metrics if bool(metric.source.named) == is_named)
        models = tuple(dict.fromkeys(metric.source.owners for metric in some))
        owners = {model: touched.get(model) or set[int]() for model in models}
        if any(owners.values()):
            numbers |= _counted_of(some, owners, _PREPARED.format("families" if is_named else "totals"))
    return numbers


def _counted_of(metrics: tuple[Metric, ...], owners: Mapping[type[Model], set[int]], name: str) -> Numbers:
    models = tuple(owners)
    are_few = max(map(len, owners.values())) <= tables.FEW
    with connection.cursor() as cursor:
        if are_few and connection.vendor == "postgresql":
            asked = {model: f"owner = ANY(${number})" for number, model in enumerate(models, start=1)}
            types = ", ".join(["bigint[]"] * len(models))
            plan_once(name, changes(metrics, asked), f"({types})")
            given = ", ".join(["%s::bigint[]"] * len(models))
            cursor.execute(f"EXECUTE {name}({given})", [sorted(keys) for keys in owners.values()])
        elif are_few:
            statement, params = _with_given(metrics, models)
            cursor.execute(statement, [*(json.dumps(sorted(keys)) for keys in owners.values()), *params])
        else:
            conditions = {
                model: tables.among_keys(cursor, "owner", keys, f"owners_{number}") if keys else NONE
                for number, (model, keys) in enumerate(owners.items())
            }
            statement, params = changes(metrics, conditions)
            cursor.execute(statement, params or None)
        return {row[: len(KEY)]: row[len(KEY)] for row in cursor.fetchall()}


def _with_given(metrics: tuple[Metric, ...], models: tuple[type[Model], ...]) -> Statement:
    """Return the statement for owners that are handed over as parameters, the first ones, for SQLite.

    Its words stay the same, so that the connection keeps it prepared: that costs twenty times its run.
    """
    names = {model: f"given_{number}" for number, model in enumerate(models)}
    owners = {model: f"owner IN (SELECT id FROM {name})" for model, name in names.items()}
    statement, params = changes(metrics, owners)
    given = ", ".join(f"{name}(id) AS (SELECT value FROM json_each(%s))" for name in names.values())
    return statement.replace("WITH RECURSIVE ", f"WITH RECURSIVE {given},\n", 1), params


def _append(rows: list[tuple[Any, ...]]) -> None:
    """Append changes, and let them be folded after the commit when enough have gathered."""
    if not rows:
        return
    if len(rows) >= FOLD_AT:
        Writer(TotalChange, (*KEY, "change")).write(rows)
        transaction.on_commit(fold_counts, robust=True)
        return
    values = ", ".join(
        f"({unit}, {campaign}, {'TRUE' if is_cumulative else 'FALSE'}, '{metric}', '{day}', {change})"
        for unit, campaign, is_cumulative, metric, day, change in rows
    )
    with connection.cursor() as cursor:  # past the ORM, which costs milliseconds for a hundred rows
        cursor.execute(f"INSERT INTO {CHANGE} ({ROW}) VALUES {values} RETURNING id")
        last = max(key for (key,) in cursor.fetchall())
    if last % FOLD_AT < len(rows):
        transaction.on_commit(fold_counts, robust=True)


def lock_owners(metrics: Iterable[Metric], owners: Mapping[type[Model], Collection[int]]) -> None:
    """Keep the owners that count once each from other writers, but for people, who are locked already."""
    once = {metric.source.owners for metric in metrics if metric.distinct} - {Person}
    for model in sorted(once, key=lambda each: each._meta.label):
        if (pks := owners.get(model)) and connection.vendor == "postgresql":
            rows = model._base_manager.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
            list(rows.values_list("pk", flat=True))


def lock_people(pks: Collection[int]) -> None:
    """Keep the people's assignments from other writers, in one order."""
    if pks and connection.vendor == "postgresql":
        rows = Person.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
        list(rows.values_list("pk", flat=True))
