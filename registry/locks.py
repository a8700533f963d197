"""Write locks of the trees, and how long anybody waits for a lock.

Two concurrent writers, or one with a stale node, corrupt MPTT intervals. So every operation takes the lock
of each tree it touches *before* it reads the rows it will write. On PostgreSQL the lock of the unit tree is a
transaction-level advisory lock, that of an organization tree is its root's row: an import may touch
thousands, which the server's table of locks does not hold. On SQLite a transaction that writes is the only
one (``BEGIN IMMEDIATE``), so there is nothing to take. A new tree needs no lock: nobody else can refer to it
yet, and its number comes from a sequence (``registry.trees.moves.new_tree_ids``). A bulk load or a rebuild
takes the whole forest instead of every tree.

Locks are taken in one global order: unit tree, units in use, campaigns in use, whole forest,
organization trees by number. Operations retry after a deadlock that still happens
(``registry.operations.base``).

Nobody waits for ever (``patient``): after the limit ``Busy`` is raised and nothing was changed. What many
share (forest, hierarchy, units and campaigns in use) is waited for in short turns: PostgreSQL lets everybody
queue behind whoever waits in line for such a lock. Who only reads takes no lock at all.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from django.conf import settings
from django.db import OperationalError, connection, transaction

from registry.models import Campaign, Organization, Unit

_UNIT_TREE, _UNIT_IN_USE, _CAMPAIGN_IN_USE, _WHOLE_FOREST = 7101, 7102, 7103, 7105
_SEALS, _HIERARCHY, _FOLDING, _SOURCES, _CODES = 7106, 7107, 7108, 7109, 7110
_STRIPES = 1024
"""Units share so many locks, and so do codes, so that the server's table holds those of any workbook."""
_TURN, _PAUSE = 0.25, 0.5
"""Seconds in line for a lock that many share, and between two turns, when the others go on."""
_LEAST = 0.1
"""Seconds that a wait gets in any case, when others before it were long."""
_NOT_AVAILABLE = "55P03"


class NotInTransaction(RuntimeError):
    """A lock outside a transaction: it would be released at once."""


class TreeChanged(Exception):
    """A row moved to another tree while its lock was awaited: start the operation again."""


class Busy(OperationalError):
    """A lock was not had within the limit: somebody writes much. Nothing was changed."""


# --- Waiting --------------------------------------------------------------------------------------


@dataclass
class _Patience:
    left: float


_PATIENCE: ContextVar[_Patience | None] = ContextVar("registry_patience", default=None)


@contextmanager
def patient(seconds: float | None = None) -> Iterator[None]:
    """Wait for the locks of the block no longer than so many seconds, all together.

    An outer block has the word. Without ``seconds`` it is what a user waits for a page. On SQLite it is the
    wait for the one who writes, for which users have the second that the settings give.
    """
    if _PATIENCE.get() is not None:
        yield
        return
    token = _PATIENCE.set(_Patience(settings.LOCK_WAIT_SECONDS if seconds is None else seconds))
    try:
        with nullcontext() if seconds is None else sqlite_waits(seconds):
            yield
    finally:
        _PATIENCE.reset(token)


@contextmanager
def sqlite_waits(seconds: float) -> Iterator[None]:
    """On SQLite, wait so long for another writer within the block."""
    if connection.vendor != "sqlite":
        yield
        return
    usual = connection.settings_dict["OPTIONS"].get("timeout", 5)
    _set_busy_timeout(seconds)
    try:
        yield
    finally:
        _set_busy_timeout(usual)


def _set_busy_timeout(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {1000 * seconds:.0f}")


def is_busy(error: OperationalError) -> bool:
    """Whether the database says that a lock was not had within the limit."""
    if connection.vendor == "postgresql":
        return getattr(error.__cause__, "pgcode", None) == _NOT_AVAILABLE
    return "database is locked" in str(error) or "database table is locked" in str(error)


def _wait(patience: _Patience, statement: str, values: list[Any], most: float | None = None) -> list[Any]:
    """Run a statement that takes locks, no longer than there is patience for; return its rows.

    The limit stays until the transaction ends, for the rows that are written in it.
    """
    limit = max(_LEAST, patience.left if most is None else min(most, patience.left))
    began = time.monotonic()
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {1000 * limit:.0f}; {statement}", values)
            return list(cursor.fetchall())
    except OperationalError as error:
        if is_busy(error):
            raise Busy("a lock was not had within the limit") from error
        raise
    finally:
        patience.left -= time.monotonic() - began


def _patience() -> _Patience:
    return _PATIENCE.get() or _Patience(settings.LOCK_WAIT_SECONDS)


def _take(space: int, *keys: int, shared: bool = False) -> None:
    """Take the locks with these keys in their order, by one statement."""
    if _has_locks() and keys:
        _wait(_patience(), *_taking(space, keys, shared=shared))


def _take_among_many(space: int, *keys: int) -> None:
    """Take locks that many share: in short turns, between which those who came later go on."""
    if not _has_locks() or not keys:
        return
    patience = _patience()
    while True:
        try:
            with transaction.atomic():  # a turn in vain ends this, and not what was written before it
                _wait(patience, *_taking(space, keys), most=_TURN)
                return
        except Busy:
            if patience.left <= 0:
                raise
        pause = min(_PAUSE, max(0, patience.left))
        time.sleep(pause)
        patience.left -= pause


def _taking(space: int, keys: Iterable[int], *, shared: bool = False) -> tuple[str, list[Any]]:
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    return f"SELECT {function}(%s, key) FROM unnest(%s::int[]) AS key", [space, sorted(set(keys))]


def _try(space: int) -> bool:
    """Take a lock that is one for all, unless somebody holds it."""
    if not _has_locks():
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [space])
        return bool(cursor.fetchone()[0])


def _has_locks() -> bool:
    """Whether there are locks to take: on SQLite who writes is alone."""
    if not connection.in_atomic_block:
        raise NotInTransaction("tree locks live as long as a transaction; open one first")
    return connection.vendor == "postgresql"


# --- What is locked -------------------------------------------------------------------------------


def lock_unit_tree() -> None:
    """Take the write lock of the unit tree until the transaction ends."""
    _take(_UNIT_TREE, 0)


def use_units(units: Iterable[Unit]) -> None:
    """Keep the units from being closed or merged until the transaction ends; many may do so at once."""
    _take(_UNIT_IN_USE, *_stripes(units), shared=True)


def retire_units(units: Iterable[Unit]) -> None:
    """Keep others from placing anything at the units until the transaction ends."""
    _take_among_many(_UNIT_IN_USE, *_stripes(units))


def _stripes(units: Iterable[Unit]) -> set[int]:
    return {unit.pk % _STRIPES for unit in units}


def use_campaigns(campaigns: Iterable[Campaign | None]) -> None:
    """Keep the campaigns from being ended until the transaction ends; many may do so at once."""
    _take(_CAMPAIGN_IN_USE, *{campaign.pk for campaign in campaigns if campaign is not None}, shared=True)


def retire_campaigns(campaigns: Iterable[Campaign]) -> None:
    """Keep others from establishing anything in the campaigns until the transaction ends."""
    _take_among_many(_CAMPAIGN_IN_USE, *{campaign.pk for campaign in campaigns})


def lock_organization_trees(organizations: Iterable[Organization]) -> None:
    """Take the write locks of the trees that hold ``organizations`` until the transaction ends.

    Without any it only keeps the whole forest from being rewritten, as founding a tree needs. Raises
    ``TreeChanged`` when one of them moved to another tree meanwhile.
    """
    pks = sorted({organization.pk for organization in organizations})
    if not pks:
        _take(_WHOLE_FOREST, 0, shared=True)
        return
    locked = _lock_trees_of(pks)
    now = Organization.objects.filter(pk__in=pks).order_by().values_list("tree_id", flat=True)
    if locked is not None and not locked.issuperset(now):
        raise TreeChanged


def lock_tree_of(organization: Organization) -> Organization | None:
    """Lock the organization's tree and return its fresh row (None: gone).

    Raises ``TreeChanged`` when it moved to another tree meanwhile.
    """
    locked = _lock_trees_of([organization.pk])
    row: Organization | None = Organization.objects.filter(pk=organization.pk).order_by().first()
    if locked is not None and row is not None and row.tree_id not in locked:
        raise TreeChanged
    return row


def _lock_trees_of(pks: list[int]) -> set[int] | None:
    """Lock the roots in the order of their trees, by one statement; return the trees (None: not needed).

    A foreign key to a root does not wait for this lock. Which root it is was read before the wait, so the
    caller reads the rows again.
    """
    if not _has_locks():
        return None
    _take(_WHOLE_FOREST, 0, shared=True)
    roots = _wait(
        _patience(),
        "SELECT tree_id FROM registry_organization WHERE lft = 1 AND tree_id = ANY(ARRAY("
        "SELECT DISTINCT tree_id FROM registry_organization WHERE id = ANY(%s))) "
        "ORDER BY tree_id FOR NO KEY UPDATE",
        [pks],
    )
    return {tree_id for (tree_id,) in roots}


def lock_whole_forest() -> None:
    """Take the write locks of all organization trees at once until the transaction ends."""
    _take_among_many(_WHOLE_FOREST, 0)


def lock_hierarchy(*, shared: bool = False) -> None:
    """Keep the unit hierarchy from changing under the totals (shared: one of many who count)."""
    if shared:
        _take(_HIERARCHY, 0, shared=True)
    else:
        _take_among_many(_HIERARCHY, 0)


def lock_folding() -> None:
    """Become the only one who folds the totals until the transaction ends, after who does now."""
    _take(_FOLDING, 0)


def try_lock_folding() -> bool:
    """Become the only one who folds the totals until the transaction ends, if nobody is."""
    return _try(_FOLDING)


def lock_codes(codes: Iterable[str]) -> None:
    """Become the only one who makes codes of these words until the transaction ends."""
    _take(_CODES, *_striped(codes))


def try_codes(codes: Iterable[str]) -> set[str]:
    """Lock the codes that are free; return those that somebody else may be writing just now.

    Nobody sees them yet, and who wrote the same code would wait for the other's end.
    """
    striped = _striped(codes)
    if not _has_locks() or not striped:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key FROM unnest(%s::int[]) AS key WHERE NOT pg_try_advisory_xact_lock(%s, key)",
            [sorted(striped), _CODES],
        )
        return {code for (key,) in cursor.fetchall() for code in striped[key]}


def _striped(codes: Iterable[str]) -> dict[int, list[str]]:
    striped: dict[int, list[str]] = {}
    for code in codes:
        striped.setdefault(crc32(code.encode()) % _STRIPES, []).append(code)
    return striped


def lock_sources() -> None:
    """Become the only one who writes sources and their figures until the transaction ends."""
    _take(_SOURCES, 0)


def lock_seals(*, wait: bool) -> bool:
    """Take the lock for sealing the record; without ``wait`` return False when another holds it.

    Writers of entries never take it.
    """
    if not wait:
        return _try(_SEALS)
    _take(_SEALS, 0)
    return True
