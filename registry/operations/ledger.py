"""Keeping the ledger of counts: in the transaction of each write, by the operations alone.

An operation says which organizations and people it touches (``following``); what they count is worked
out before and after, and the difference is appended for every unit above. Nothing is updated, so
writers under one root never wait for one row. ``fold_counts`` turns what was appended into running
totals now and then. A change of the unit hierarchy rebuilds the few units whose subtree changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, Protocol

from django.db import connection, transaction

from registry import locks
from registry.counting.contributions import (
    Ancestry,
    Tally,
    of_organizations,
    of_people,
    people_in,
    united,
)
from registry.models import Assignment, Organization, OrganizationPlacement, Person, Unit, UnitPlacement
from registry.models.tally import COLUMNS, CountChange, CountDay
from registry.operations.bulk_copy import Writer

FOLD_AT = 1000
"""So many appended rows are left to be added up on reading before somebody folds them."""
BATCH = 2000

_KEY = ("unit_id", "campaign_key", "is_cumulative", "day")


@dataclass
class Touched:
    """What an operation touches: more may be added until its block ends."""

    organizations: set[int] = field(default_factory=set)
    people: set[int] = field(default_factory=set)

    def add(self, organizations: Iterable[Organization] = (), people: Iterable[Person] = ()) -> None:
        """Count these too: rows that were made within the block, which counted nowhere before it."""
        self.organizations |= {organization.pk for organization in organizations}
        self.people |= {person.pk for person in people}


@contextmanager
def following(
    organizations: Iterable[Organization] = (), people: Iterable[Person] = (), *, with_members: bool = True
) -> Iterator[Touched]:
    """Write into the ledger what the block changes in what these organizations and people count.

    ``with_members`` follows everybody who is or was in the organizations, too. The caller holds the
    locks of the organizations' trees; the people are locked here, so that what one person counts is
    worked out by one writer at a time.
    """
    with following_in_parts() as part, part(organizations, people, with_members=with_members) as touched:
        yield touched


class Part(Protocol):
    """One part of much work: followed like ``following``, written into the ledger with the others."""

    def __call__(
        self,
        organizations: Iterable[Organization] = (),
        people: Iterable[Person] = (),
        *,
        with_members: bool = True,
    ) -> AbstractContextManager[Touched]: ...


@contextmanager
def following_in_parts() -> Iterator[Part]:
    """Follow much work part by part, so that memory stays bounded, and write what it changes once.

    Parts come one after another, never one within another.
    """
    locks.lock_hierarchy(shared=True)
    ancestry, changes = Ancestry(()), Tally()

    @contextmanager
    def part(
        organizations: Iterable[Organization] = (),
        people: Iterable[Person] = (),
        *,
        with_members: bool = True,
    ) -> Iterator[Touched]:
        touched = Touched()
        touched.add(organizations, people)
        if with_members and touched.organizations:
            touched.people |= people_in(touched.organizations)
        _lock_people(touched.people)
        before = _counted(touched, ancestry)
        yield touched
        for key, vector in _counted(touched, ancestry).less(before).items():
            changes[key] = [sum(pair) for pair in zip(changes[key], vector, strict=True)]

    yield part
    made = append(changes)
    if made.rows >= FOLD_AT or made.last % FOLD_AT < made.rows:
        transaction.on_commit(fold_counts, robust=True)


class Appended(NamedTuple):
    """How many rows were appended, and the key of the last (0: not known)."""

    rows: int
    last: int = 0


def append(changes: Tally) -> Appended:
    """Append changes to the ledger."""
    rows = [(*key, *vector) for key, vector in changes.items() if any(vector)]
    if len(rows) >= FOLD_AT:
        Writer(CountChange, (*_KEY, *COLUMNS)).write(rows)
        return Appended(len(rows))
    names = ("unit_id", *_KEY[1:], *COLUMNS)
    made = CountChange.objects.bulk_create(CountChange(**dict(zip(names, row, strict=True))) for row in rows)
    return Appended(len(made), (made[-1].pk or 0) if made else 0)


@contextmanager
def following_hierarchy(units: Iterable[Unit]) -> Iterator[None]:
    """Rebuild the ledger of every unit whose subtree, on any day, the block changes.

    ``units`` are those that get another superior. Nobody else writes counts meanwhile.
    """
    moved = list(units)
    locks.lock_hierarchy()
    before = _chains(moved)
    yield
    after = _chains(moved)
    changed: set[int] = set()
    for pk in before.keys() | after.keys():
        if before.get(pk) != after.get(pk):
            changed.add(pk)
    if changed:
        rebuild(changed)


def _chains(units: Collection[Unit]) -> dict[int, frozenset[tuple[int, date, date]]]:
    """Return for each unit above: which of ``units`` stood below it, and when (touching days merged)."""
    ancestry = Ancestry({unit.pk for unit in units})
    found: dict[int, dict[int, list[tuple[date, date]]]] = {}
    for unit in units:
        for above, begin, stop in ancestry.above(unit.pk):
            if above != unit.pk:
                found.setdefault(above, {}).setdefault(unit.pk, []).append((begin, stop))
    return {
        above: frozenset((pk, begin, stop) for pk, spells in below.items() for begin, stop in united(spells))
        for above, below in found.items()
    }


def rebuild(units: Collection[int] | None = None) -> int:
    """Work the ledger out again from the rows, for the given units or for all; return the rows written."""
    if units is not None and not units:
        return 0
    places = _descendants(units) if units is not None else None
    locks.lock_folding()
    for model in (CountChange, CountDay):
        rows: Any = model.objects.all() if units is None else model.objects.filter(unit_id__in=list(units))
        rows.delete()
    for tally in _tallies(places, units):
        append(tally)
    return fold_counts()


def mend(units: Collection[int] | None = None) -> int:
    """Rebuild the ledger of the given units, or of all, while nobody else writes counts."""
    with transaction.atomic():
        locks.lock_hierarchy()
        return rebuild(units)


def _tallies(places: set[int] | None, only: Collection[int] | None) -> Iterator[Tally]:
    """Yield what everything at ``places`` (None: everywhere) counts at ``only``, in bounded pieces."""
    placed = OrganizationPlacement.objects.order_by("organization_id")
    if places is not None:
        placed = placed.filter(unit_id__in=places)
    held = Assignment.objects.order_by("person_id")
    if places is not None:
        held = held.filter(organization__placements__unit_id__in=places)
    ancestry, tally = Ancestry(()), Tally()
    for pks in _distinct_batches(placed.values_list("organization_id", flat=True).iterator(BATCH)):
        of_organizations(pks, ancestry, tally)
        if len(tally) > 20 * BATCH:
            yield _only(tally, only)
            tally = Tally()
    for pks in _distinct_batches(held.values_list("person_id", flat=True).iterator(BATCH)):
        of_people(pks, ancestry, tally, only)
        if len(tally) > 20 * BATCH:
            yield _only(tally, only)
            tally = Tally()
    yield _only(tally, only)


def _only(tally: Tally, units: Collection[int] | None) -> Tally:
    if units is None:
        return tally
    kept = Tally()
    kept.update({key: vector for key, vector in tally.items() if key.unit in units})
    return kept


def _distinct_batches(ordered: Iterable[int]) -> Iterator[list[int]]:
    batch: list[int] = []
    last = None
    for pk in ordered:
        if pk != last:
            batch.append(pk)
            last = pk
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _descendants(units: Collection[int]) -> set[int]:
    """Return every unit that ever stood below ``units``, and themselves."""
    found = set(units)
    edge = set(units)
    while edge:
        below = UnitPlacement.objects.filter(superior_id__in=edge).values_list("unit_id", flat=True)
        edge = set(below) - found
        found |= edge
    return found


def fold_counts() -> int:
    """Turn what was appended into running totals, in one transaction; return the number of rows folded.

    One folder at a time: who comes second does nothing. Readers see each change once, before or after.
    """
    with transaction.atomic():
        if not locks.try_lock_folding():
            return 0
        with connection.cursor() as cursor:
            return _fold(cursor)


def _fold(cursor: Any) -> int:
    change, day = CountChange._meta.db_table, CountDay._meta.db_table
    key, columns = ", ".join(_KEY), ", ".join(COLUMNS)
    sums = ", ".join(f"SUM({column}) AS {column}" for column in COLUMNS)
    cursor.execute("DROP TABLE IF EXISTS folding")
    cursor.execute(f"CREATE TEMPORARY TABLE folding AS SELECT {key}, {columns} FROM {change} WHERE 1 = 0")
    if connection.vendor == "postgresql":
        cursor.execute(
            f"WITH gone AS (DELETE FROM {change} RETURNING {key}, {columns}) "
            f"INSERT INTO folding ({key}, {columns}) SELECT {key}, {sums} FROM gone GROUP BY {key}"
        )
    else:
        cursor.execute(
            f"INSERT INTO folding ({key}, {columns}) SELECT {key}, {sums} FROM {change} GROUP BY {key}"
        )
        cursor.execute(f"DELETE FROM {change}")
    cursor.execute("SELECT COUNT(*) FROM folding")
    folded: int = cursor.fetchone()[0]
    if not folded:
        cursor.execute("DROP TABLE folding")
        return 0
    same_key = (
        "x.unit_id = f.unit_id AND x.campaign_key = f.campaign_key AND x.is_cumulative = f.is_cumulative"
    )
    # What has no row at all yet (a rebuilt ledger) is summed in one pass.
    is_new = f"NOT EXISTS (SELECT 1 FROM {day} x WHERE {same_key})"
    cursor.execute("DROP TABLE IF EXISTS folding_new")
    cursor.execute(f"CREATE TEMPORARY TABLE folding_new AS SELECT * FROM folding f WHERE {is_new}")
    cursor.execute(f"DELETE FROM folding AS f WHERE {is_new}")
    running = ", ".join(
        f"SUM({column}) OVER (PARTITION BY unit_id, campaign_key, is_cumulative ORDER BY day)"
        for column in COLUMNS
    )
    cursor.execute(
        f"INSERT INTO {day} ({key}, {columns}) SELECT {key}, {running} FROM folding_new ORDER BY {key}"
    )
    cursor.execute("DROP TABLE folding_new")
    cursor.execute("CREATE INDEX folding_key ON folding (unit_id, campaign_key, is_cumulative, day)")
    if connection.vendor == "postgresql":
        cursor.execute("ANALYZE folding")
    same = "d.unit_id = f.unit_id AND d.campaign_key = f.campaign_key AND d.is_cumulative = f.is_cumulative"
    # The days that have no row yet begin with the total of the day before.
    before = ", ".join(f"COALESCE(d.{column}, 0)" for column in COLUMNS)
    last = (
        f"(SELECT MAX(x.id) FROM {day} x WHERE x.unit_id = f.unit_id AND x.campaign_key = f.campaign_key "
        f"AND x.is_cumulative = f.is_cumulative AND x.day = (SELECT MAX(y.day) FROM {day} y "
        "WHERE y.unit_id = f.unit_id AND y.campaign_key = f.campaign_key "
        "AND y.is_cumulative = f.is_cumulative AND y.day < f.day))"
    )
    cursor.execute(
        f"INSERT INTO {day} ({key}, {columns}) "
        f"SELECT f.unit_id, f.campaign_key, f.is_cumulative, f.day, {before} FROM folding f "
        f"LEFT JOIN {day} d ON d.id = {last} "
        f"WHERE NOT EXISTS (SELECT 1 FROM {day} e WHERE e.unit_id = f.unit_id "
        "AND e.campaign_key = f.campaign_key AND e.is_cumulative = f.is_cumulative AND e.day = f.day)"
    )
    # And every row from the changed day on grows by what changed up to it.
    grown = ", ".join(f"{column} = {day}.{column} + s.{column}" for column in COLUMNS)
    totals = ", ".join(f"SUM(f.{column}) AS {column}" for column in COLUMNS)
    cursor.execute(
        f"UPDATE {day} SET {grown} FROM (SELECT d.id AS id, {totals} FROM {day} d "
        f"JOIN folding f ON {same} AND f.day <= d.day GROUP BY d.id) s WHERE {day}.id = s.id"
    )
    cursor.execute("DROP TABLE folding")
    return folded


def _counted(touched: Touched, ancestry: Ancestry) -> Tally:
    tally = Tally()
    if touched.organizations:
        of_organizations(touched.organizations, ancestry, tally)
    if touched.people:
        of_people(touched.people, ancestry, tally)
    return tally


def differences(units: Collection[int] | None = None, most: int = 20) -> list[str]:
    """Recount from the rows and compare with the ledger; say each difference (the first ``most``).

    ``units``: compare these only. Memory is bounded: what is expected goes into a temporary table.
    """
    change, day = CountChange._meta.db_table, CountDay._meta.db_table
    key, columns = ", ".join(_KEY), ", ".join(COLUMNS)
    with transaction.atomic(), connection.cursor() as cursor:
        locks.lock_hierarchy()
        cursor.execute("DROP TABLE IF EXISTS expected")
        cursor.execute(
            f"CREATE TEMPORARY TABLE expected AS SELECT {key}, {columns} FROM {change} WHERE 1 = 0"
        )
        for tally in _tallies(_descendants(units) if units is not None else None, units):
            _insert(cursor, "expected", tally)
        apart = ", ".join(
            f"{column} - LAG({column}, 1, 0) "
            "OVER (PARTITION BY unit_id, campaign_key, is_cumulative ORDER BY day)"
            for column in COLUMNS
        )
        less = ", ".join(f"-{column}" for column in COLUMNS)
        where = f"WHERE unit_id IN ({', '.join(str(int(pk)) for pk in units)})" if units is not None else ""
        summed = ", ".join(f"SUM({column}) AS {column}" for column in COLUMNS)
        wrong = " OR ".join(f"SUM({column}) <> 0" for column in COLUMNS)
        cursor.execute(
            f"WITH stored({key}, {columns}) AS (SELECT {key}, {apart} FROM {day} {where}), "
            f"every({key}, {columns}) AS (SELECT {key}, {columns} FROM expected "
            f"UNION ALL SELECT {key}, {less} FROM stored "
            f"UNION ALL SELECT {key}, {less} FROM {change} {where}) "
            f"SELECT {key}, {summed} FROM every GROUP BY {key} HAVING {wrong} "
            f"ORDER BY unit_id, day LIMIT {int(most)}"
        )
        found = cursor.fetchall()
        cursor.execute("DROP TABLE expected")
    names = dict(Unit.objects.filter(pk__in={row[0] for row in found}).values_list("pk", "code"))
    said = []
    for unit, campaign, is_cumulative, when, *numbers in found:
        parts = [f"{column} {number:+d}" for column, number in zip(COLUMNS, numbers, strict=True) if number]
        basis = "cumulative" if is_cumulative else "current"
        said.append(f"{names.get(unit, unit)} {when} {basis} campaign={campaign}: {', '.join(parts)}")
    return said


def _insert(cursor: Any, table: str, tally: Tally) -> None:
    """Insert many rows by few statements; everything in them is a number or a date of ours."""
    boolean = ("FALSE", "TRUE") if connection.vendor == "postgresql" else ("0", "1")
    rows = [
        f"({key.unit},{key.campaign},{boolean[key.is_cumulative]},'{key.day.isoformat()}',"
        f"{','.join(map(str, vector))})"
        for key, vector in tally.items()
        if any(vector)
    ]
    for start in range(0, len(rows), BATCH):
        cursor.execute(f"INSERT INTO {table} VALUES {', '.join(rows[start : start + BATCH])}")


def _lock_people(pks: Collection[int]) -> None:
    """Keep the people's assignments from other writers, in one order."""
    if pks and connection.vendor == "postgresql":
        rows = Person.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
        list(rows.values_list("pk", flat=True))
