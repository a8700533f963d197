"""Keeping the ledger of counts: in the transaction of each write, by the operations alone.

An operation says which organizations and people it touches (``following``); what they count is asked
before and after, and the difference is appended for every unit above. Nothing is updated, so writers
under one root never wait for one row. ``fold_counts`` turns what was appended into running totals now
and then. A change of the unit hierarchy does the same for everything below the units that move.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.db import connection, transaction
from django.db.models import Max, Model

from registry import locks
from registry.counting.metrics import METRICS
from registry.counting.totals.statement import ALL, KEY, NONE, among, changes
from registry.models import (
    Assignment,
    Basis,
    Campaign,
    CountChange,
    CountDay,
    Organization,
    OrganizationPlacement,
    Person,
    Unit,
    UnitPlacement,
)
from registry.models.tally import COLUMNS
from registry.models.writer import Writer

FOLD_AT = 1000
"""So many appended rows are left to be added up on reading before somebody folds them."""
FEW = 1000
"""So many keys are written into a statement; more go into a temporary table."""
PIECE = 200_000
"""So many people (or organizations) are worked out in one statement when everything is."""

Told = Callable[[int, int], None]
"""Told how many pieces of how many are done."""

_CHANGE, _DAY = CountChange._meta.db_table, CountDay._meta.db_table
_KEYS, _NUMBERS = ", ".join(KEY), ", ".join(COLUMNS)
_ROW = f"{_KEYS}, {_NUMBERS}"
_SUMS = ", ".join(f"SUM({name}) AS {name}" for name in COLUMNS)
_LINE = ("unit_id", "campaign_key", "is_cumulative")
_BY_LINE = ", ".join(_LINE)

_PREPARED = "registry_changes_of_counts"

Numbers = dict[tuple[Any, ...], tuple[int, ...]]


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


_PARTS: ContextVar[Part | None] = ContextVar("registry_parts", default=None)


@contextmanager
def following_in_parts() -> Iterator[Part]:
    """Follow much work part by part, so that memory stays bounded, and write what it changes once.

    Every ``following`` within the block becomes a part of it: an import calls operations that follow what
    they do. Parts come one after another, never one within another.
    """
    if (outer := _PARTS.get()) is not None:
        yield outer
        return
    locks.lock_hierarchy(shared=True)
    changed: Numbers = {}

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
            rows = Assignment.objects.filter(organization_id__in=touched.organizations).order_by()
            touched.people |= set(rows.values_list("person_id", flat=True).distinct())
        held = _lock_people(touched.people)
        before = _counted(Touched(touched.organizations, held))
        yield touched
        for key, numbers in _less(_counted(touched), before).items():
            known = changed.get(key)
            changed[key] = numbers if known is None else tuple(map(sum, zip(known, numbers, strict=True)))

    token = _PARTS.set(part)
    try:
        yield part
    finally:
        _PARTS.reset(token)
    _append(changed)


@contextmanager
def following_hierarchy(units: Iterable[Unit]) -> Iterator[None]:
    """Write into the ledger what the block changes by giving ``units`` other superiors.

    What ever stood below them is counted before and after, at every unit: one that once stood below may
    stand above now. Nobody else writes counts meanwhile.
    """
    locks.lock_hierarchy()
    moved = _below({unit.pk for unit in units})
    placed = OrganizationPlacement.objects.filter(unit_id__in=moved).order_by()
    organizations = set(placed.values_list("organization_id", flat=True))
    held = Assignment.objects.filter(organization_id__in=organizations).order_by()
    people = set(held.values_list("person_id", flat=True).distinct())
    if not organizations:
        yield
        return
    with connection.cursor() as cursor:
        of = {
            "organizations": _among(cursor, "organization.id", organizations),
            "people": _among(cursor, "person.id", people),
        }
        _empty(cursor, "counted_before")
        cursor.execute(f"INSERT INTO counted_before ({_ROW}) {changes(**of)}")
        yield
        _empty(cursor, "counted_after")
        cursor.execute(f"INSERT INTO counted_after ({_ROW}) {changes(**of)}")
        less = ", ".join(f"-{name}" for name in COLUMNS)
        some = " OR ".join(f"SUM({name}) <> 0" for name in COLUMNS)
        cursor.execute(
            f"INSERT INTO {_CHANGE} ({_ROW}) SELECT {_KEYS}, {_SUMS} FROM (SELECT {_ROW} FROM counted_after "
            f"UNION ALL SELECT {_KEYS}, {less} FROM counted_before) both_of_them "
            f"GROUP BY {_KEYS} HAVING {some}"
        )
        written = cursor.rowcount
        _drop(cursor, "counted_before", "counted_after")
    if written >= FOLD_AT:
        transaction.on_commit(fold_counts, robust=True)


def rebuild(units: Collection[int] | None = None, told: Told | None = None) -> int:
    """Work the ledger out again from the rows, for the given units or for all; return the rows written.

    The caller is in a transaction and holds the hierarchy alone, or loads everything at once.
    """
    if units is not None and not units:
        return 0
    locks.lock_folding()
    with connection.cursor() as cursor:
        where = "" if units is None else f"WHERE {among('unit_id', units)}"
        cursor.execute(f"DELETE FROM {_CHANGE} {where}")
        cursor.execute(f"DELETE FROM {_DAY} {where}")
        _recount(cursor, "recounted", units, told)
        written = _write_days(cursor, "recounted")
        _drop(cursor, "recounted")
        if written > PIECE and connection.vendor == "postgresql":
            cursor.execute(f"ANALYZE {_DAY}")
    return written


def fill_when_empty() -> int:
    """Work out the ledger of a registry that is older than it; return the rows written (0: nothing to do)."""
    with transaction.atomic():
        if CountDay.objects.exists() or CountChange.objects.exists() or not Organization.objects.exists():
            return 0
        locks.lock_hierarchy()
        return rebuild()


def differences(units: Collection[int] | None = None, most: int = 20, told: Told | None = None) -> list[str]:
    """Recount from the rows and compare with the ledger; say each difference (the first ``most``).

    ``units``: compare these only. Nobody has to wait: on PostgreSQL rows and ledger are read as they
    were at one moment, on SQLite nobody else writes meanwhile.
    """
    alone = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if alone and connection.vendor == "postgresql":
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        _recount(cursor, "recounted", units, told)
        apart = ", ".join(
            f"{name} - LAG({name}, 1, 0) OVER (PARTITION BY {_BY_LINE} ORDER BY day)" for name in COLUMNS
        )
        less = ", ".join(f"-{name}" for name in COLUMNS)
        where = "" if units is None else f"WHERE {among('unit_id', units)}"
        wrong = " OR ".join(f"SUM({name}) <> 0" for name in COLUMNS)
        cursor.execute(
            f"WITH stored({_ROW}) AS (SELECT {_KEYS}, {apart} FROM {_DAY} {where}), "
            f"every({_ROW}) AS (SELECT {_ROW} FROM recounted "
            f"UNION ALL SELECT {_KEYS}, {less} FROM stored "
            f"UNION ALL SELECT {_KEYS}, {less} FROM {_CHANGE} {where}) "
            f"SELECT {_KEYS}, {_SUMS} FROM every GROUP BY {_KEYS} HAVING {wrong} "
            f"ORDER BY unit_id, day LIMIT {int(most)}"
        )
        found = cursor.fetchall()
        _drop(cursor, "recounted")
    return _said(found)


def _said(found: Iterable[tuple[Any, ...]]) -> list[str]:
    """Say for each unit, day, basis and campaign what must be added to the ledger to be right."""
    found = list(found)
    codes = dict(Unit.objects.filter(pk__in={row[0] for row in found}).values_list("pk", "code"))
    campaigns = dict(Campaign.objects.values_list("pk", "name"))
    said = []
    for unit, campaign, is_cumulative, day, *numbers in found:
        basis = Basis.CUMULATIVE.label if is_cumulative else Basis.CURRENT.label
        parts = [
            f"{METRICS[name].label} {number:+d}"
            for name, number in zip(COLUMNS, numbers, strict=True)
            if number
        ]
        said.append(
            f"{codes.get(unit, unit)} 自 {day} 起 {basis}({campaigns.get(campaign, '全部专项任务')}):"
            f"{'、'.join(parts)}"
        )
    return said


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
    _empty(cursor, "folding")
    if connection.vendor == "postgresql":
        cursor.execute(
            f"WITH gone AS (DELETE FROM {_CHANGE} RETURNING {_ROW}) "
            f"INSERT INTO folding ({_ROW}) SELECT {_KEYS}, {_SUMS} FROM gone GROUP BY {_KEYS}"
        )
    else:
        cursor.execute(
            f"INSERT INTO folding ({_ROW}) SELECT {_KEYS}, {_SUMS} FROM {_CHANGE} GROUP BY {_KEYS}"
        )
        cursor.execute(f"DELETE FROM {_CHANGE}")
    cursor.execute("SELECT COUNT(*) FROM folding")
    folded: int = cursor.fetchone()[0]
    if folded:
        _grow_days(cursor)
    _drop(cursor, "folding")
    return folded


def _grow_days(cursor: Any) -> None:
    """Give each changed day a row that begins with the total before it; add the changes from there on."""
    cursor.execute(f"CREATE INDEX folding_key ON folding ({_KEYS})")
    if connection.vendor == "postgresql":
        cursor.execute("ANALYZE folding")
    before = ", ".join(f"COALESCE(d.{name}, 0)" for name in COLUMNS)
    latest = f"(SELECT MAX(y.day) FROM {_DAY} y WHERE {_same_line('y', 'f')} AND y.day < f.day)"  # by the key
    cursor.execute(
        f"INSERT INTO {_DAY} ({_ROW}) SELECT f.unit_id, f.campaign_key, f.is_cumulative, f.day, {before} "
        f"FROM folding f LEFT JOIN {_DAY} d ON {_same_line('d', 'f')} AND d.day = {latest} "
        f"WHERE NOT EXISTS (SELECT 1 FROM {_DAY} e WHERE {_same_line('e', 'f')} AND e.day = f.day)"
    )
    grown = ", ".join(f"{name} = {_DAY}.{name} + s.{name}" for name in COLUMNS)
    totals = ", ".join(f"SUM(f.{name}) AS {name}" for name in COLUMNS)
    cursor.execute(
        f"UPDATE {_DAY} SET {grown} FROM (SELECT d.id AS id, {totals} FROM folding f "
        f"JOIN {_DAY} d ON {_same_line('d', 'f')} AND d.day >= f.day GROUP BY d.id) s WHERE {_DAY}.id = s.id"
    )


def _same_line(one: str, other: str) -> str:
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in _LINE)


def _write_days(cursor: Any, table: str) -> int:
    """Turn all changes of lines that have no day yet into running totals, in one pass."""
    running = ", ".join(f"SUM({name}) OVER (PARTITION BY {_BY_LINE} ORDER BY day)" for name in COLUMNS)
    cursor.execute(
        f"INSERT INTO {_DAY} ({_ROW}) SELECT {_KEYS}, {running} "
        f"FROM (SELECT {_KEYS}, {_SUMS} FROM {table} GROUP BY {_KEYS}) summed ORDER BY {_KEYS}"
    )
    written: int = cursor.rowcount
    return written


def _recount(cursor: Any, table: str, units: Collection[int] | None, told: Told | None) -> None:
    """Write what the rows say into a temporary table, piece by piece, so that memory stays bounded."""
    if connection.vendor == "postgresql":
        cursor.execute("SET LOCAL work_mem = '128MB'")  # a piece is sorted in memory; else on disk
    _empty(cursor, table)
    only, owners, holders = ALL, ALL, ALL
    if units is not None:
        placed = OrganizationPlacement.objects.filter(unit_id__in=_below(units)).order_by()
        organizations = set(placed.values_list("organization_id", flat=True))
        only = among("up.ancestor", units)
        owners = _among(cursor, "organization.id", organizations)
        held = f"SELECT person_id FROM {Assignment._meta.db_table} held WHERE "
        holders = f"person.id IN ({held}{_among(cursor, 'held.organization_id', organizations)})"
    pieces = [(f"{owners} AND {piece}", NONE) for piece in _pieces(Organization, "organization.id")]
    pieces += [(NONE, f"{holders} AND {piece}") for piece in _pieces(Person, "person.id")]
    for number, (organizations_of, people_of) in enumerate(pieces, start=1):
        statement = changes(organizations=organizations_of, people=people_of, units=only)
        cursor.execute(f"INSERT INTO {table} ({_ROW}) {statement}")
        if told is not None:
            told(number, len(pieces))


def _pieces(model: type[Model], column: str) -> list[str]:
    """Cut the keys of a table into conditions for pieces of a bounded size."""
    last = model._base_manager.aggregate(last=Max("pk"))["last"] or 0
    return [f"{column} > {start} AND {column} <= {start + PIECE}" for start in range(0, max(last, 1), PIECE)]


def _counted(touched: Touched) -> Numbers:
    """Return what the touched rows count now, by key."""
    if not touched.organizations and not touched.people:
        return {}
    with connection.cursor() as cursor:
        if (
            connection.vendor == "postgresql"
            and max(map(len, (touched.organizations, touched.people))) <= FEW
        ):
            _prepare(cursor)
            given = [sorted(touched.organizations), sorted(touched.people)]
            cursor.execute(f"EXECUTE {_PREPARED}(%s::bigint[], %s::bigint[])", given)
        else:
            cursor.execute(
                changes(
                    organizations=_among(cursor, "organization.id", touched.organizations),
                    people=_among(cursor, "person.id", touched.people),
                )
            )
        return {row[: len(KEY)]: row[len(KEY) :] for row in cursor.fetchall()}


def _prepare(cursor: Any) -> None:
    """Let PostgreSQL plan the statement once for each connection: planning it costs more than running it."""
    cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    if getattr(connection, _PREPARED, None) is not connection.connection:
        # A pool may hand out a session that another process prepared: begin anew.
        by_keys = changes(organizations="organization.id = ANY($1)", people="person.id = ANY($2)")
        cursor.execute(f"DEALLOCATE ALL; PREPARE {_PREPARED}(bigint[], bigint[]) AS {by_keys}")
        setattr(connection, _PREPARED, connection.connection)


def _less(after: Numbers, before: Mapping[tuple[Any, ...], tuple[int, ...]]) -> Numbers:
    nothing = (0,) * len(COLUMNS)
    found = {}
    for key in after.keys() | before.keys():
        new, old = after.get(key, nothing), before.get(key, nothing)
        if new != old:
            found[key] = tuple(one - other for one, other in zip(new, old, strict=True))
    return found


def _append(changed: Numbers) -> None:
    """Append changes to the ledger, and let them be folded after the commit when enough have gathered."""
    rows = [(*key, *numbers) for key, numbers in changed.items() if any(numbers)]
    if not rows:
        return
    if len(rows) >= FOLD_AT:
        Writer(CountChange, (*KEY, *COLUMNS)).write(rows)
        transaction.on_commit(fold_counts, robust=True)
        return
    line = f"({', '.join(['%s'] * len(rows[0]))})"
    with connection.cursor() as cursor:  # past the ORM: twenty columns in twenty rows cost it milliseconds
        cursor.execute(
            f"INSERT INTO {_CHANGE} ({_ROW}) VALUES {', '.join([line] * len(rows))} RETURNING id",
            [value for row in rows for value in row],
        )
        last = max(key for (key,) in cursor.fetchall())
    if last % FOLD_AT < len(rows):
        transaction.on_commit(fold_counts, robust=True)


def _below(units: Collection[int]) -> set[int]:
    """Return every unit that ever stood below ``units``, and themselves."""
    found = set(units)
    edge = set(units)
    while edge:
        below = UnitPlacement.objects.filter(superior_id__in=edge).values_list("unit_id", flat=True)
        edge = set(below) - found
        found |= edge
    return found


def _among(cursor: Any, column: str, keys: Collection[int]) -> str:
    """Return the condition that ``column`` is one of ``keys``; many go into a temporary table."""
    if len(keys) <= FEW:
        return among(column, keys)
    table = f"keys_of_{column.replace('.', '_')}"
    _drop(cursor, table)
    cursor.execute(f"CREATE TEMPORARY TABLE {table} (id bigint PRIMARY KEY)")
    ordered = sorted(keys)
    for start in range(0, len(ordered), FEW):
        rows = ", ".join(f"({int(key)})" for key in ordered[start : start + FEW])
        cursor.execute(f"INSERT INTO {table} VALUES {rows}")
    if connection.vendor == "postgresql":
        cursor.execute(f"ANALYZE {table}")
    return f"{column} IN (SELECT id FROM {table})"


def _empty(cursor: Any, table: str) -> None:
    """Make an empty temporary table with the columns of the ledger."""
    _drop(cursor, table)
    cursor.execute(f"CREATE TEMPORARY TABLE {table} AS SELECT {_ROW} FROM {_CHANGE} WHERE 1 = 0")


def _drop(cursor: Any, *tables: str) -> None:
    schema = "temp." if connection.vendor == "sqlite" else "pg_temp."
    for table in tables:
        cursor.execute(f"DROP TABLE IF EXISTS {schema}{table}")


def _lock_people(pks: Collection[int]) -> set[int]:
    """Keep the people's assignments from other writers, in one order; return who has any.

    The lock comes first: who has none is asked of what is there once it is held.
    """
    if pks and connection.vendor == "postgresql":
        rows = Person.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
        list(rows.values_list("pk", flat=True))
    held = Assignment.objects.filter(person_id__in=pks).order_by()
    return set(held.values_list("person_id", flat=True).distinct()) if pks else set()
