"""Write locks of the trees.

Two concurrent writers, or one with a stale node, corrupt MPTT intervals. So every operation takes the lock
of each tree it touches *before* it reads the rows it will write. On PostgreSQL the locks are
transaction-level advisory locks: one for the unit tree, one for each organization tree. On SQLite a
transaction that writes is the only one (``BEGIN IMMEDIATE``), so there is nothing to take. A new tree needs
no lock: nobody else can refer to it yet, and its number comes from a sequence
(``registry.trees.moves.new_tree_id``). A bulk load or a rebuild takes the whole forest instead of every
tree.

Locks are taken in one global order: unit tree, units in use, campaigns in use, whole forest,
organization trees by number. Operations retry after a deadlock that still happens
(``registry.operations.base``).
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from registry.models import Campaign, Organization, Unit

_UNIT_TREE, _UNIT_IN_USE, _CAMPAIGN_IN_USE = 7101, 7102, 7103
_ORGANIZATION_TREE, _WHOLE_FOREST = 7104, 7105
MANY = 500
"""More units, or trees of organizations, than these are not locked one by one."""
_SEALS, _HIERARCHY, _FOLDING, _SOURCES = 7106, 7107, 7108, 7109


class NotInTransaction(RuntimeError):
    """A lock outside a transaction: it would be released at once."""


class TreeChanged(Exception):
    """A row moved to another tree while its lock was awaited: start the operation again."""


def _take(space: int, *keys: int, shared: bool = False) -> None:
    """Take the locks with these keys in their order, by one statement."""
    if _has_locks() and keys:
        function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s, key) FROM unnest(%s::int[]) AS key", [space, sorted(keys)])


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


def lock_unit_tree() -> None:
    """Take the write lock of the unit tree until the transaction ends."""
    _take(_UNIT_TREE, 0)


def use_units(units: Iterable[Unit]) -> None:
    """Keep the units from being closed or merged until the transaction ends; many may do so at once."""
    pks = {unit.pk for unit in units}
    if len(pks) > MANY:
        lock_unit_tree()  # which whoever closes or merges a unit needs, too
        return
    _take(_UNIT_IN_USE, *pks, shared=True)


def retire_units(units: Iterable[Unit]) -> None:
    """Keep others from placing anything at the units until the transaction ends."""
    _take(_UNIT_IN_USE, *{unit.pk for unit in units})


def use_campaigns(campaigns: Iterable[Campaign | None]) -> None:
    """Keep the campaigns from being ended until the transaction ends; many may do so at once."""
    _take(_CAMPAIGN_IN_USE, *{campaign.pk for campaign in campaigns if campaign is not None}, shared=True)


def retire_campaigns(campaigns: Iterable[Campaign]) -> None:
    """Keep others from establishing anything in the campaigns until the transaction ends."""
    _take(_CAMPAIGN_IN_USE, *{campaign.pk for campaign in campaigns})


def lock_organization_trees(organizations: Iterable[Organization]) -> None:
    """Take the write locks of the trees that hold ``organizations`` until the transaction ends.

    Without any it only keeps the whole forest from being rewritten, as founding a tree needs. Raises
    ``TreeChanged`` when one of them moved to another tree meanwhile.
    """
    pks = sorted({organization.pk for organization in organizations})
    if not pks:
        _take(_WHOLE_FOREST, 0, shared=True)
        return
    if len(pks) > MANY:
        lock_whole_forest()
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
    """Lock the trees in the order of their numbers, by one statement; return them (None: not needed).

    The statement sees the rows as they were before it waited, so the caller reads them again.
    """
    if not _has_locks():
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH forest AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(%s, 0)) "
            "SELECT tree_id, pg_advisory_xact_lock(%s, tree_id) FROM forest, (SELECT DISTINCT tree_id "
            "FROM registry_organization WHERE id = ANY(%s) ORDER BY tree_id OFFSET 0) AS trees",
            [_WHOLE_FOREST, _ORGANIZATION_TREE, pks],
        )
        return {tree_id for tree_id, _nothing in cursor.fetchall()}


def lock_whole_forest() -> None:
    """Take the write locks of all organization trees at once until the transaction ends."""
    _take(_WHOLE_FOREST, 0)


def lock_hierarchy(*, shared: bool = False) -> None:
    """Keep the unit hierarchy from changing under the totals (shared: one of many who count)."""
    _take(_HIERARCHY, 0, shared=shared)


def lock_folding() -> None:
    """Become the only one who folds the totals until the transaction ends, after who does now."""
    _take(_FOLDING, 0)


def try_lock_folding() -> bool:
    """Become the only one who folds the totals until the transaction ends, if nobody is."""
    return _try(_FOLDING)


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
