"""Working out again what is derived: the intervals of the trees, the totals of counts."""

from __future__ import annotations

from collections.abc import Collection

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.check import rebuild
from registry.models import Unit, guards
from registry.operations.base import need_right, operation
from registry.trees.check import TREES, rebuild_intervals


@operation
def rebuild_trees(*, actor: Actor) -> int:
    """Write the intervals of both trees anew from ``parent`` and return how many nodes changed.

    Takes the locks of both trees whole. Siblings keep their order. Nodes in a circle of parents
    cannot be reached from a root and are left as they are.
    """
    need_right(actor, "rebuild_trees", None)
    locks.lock_unit_tree()
    locks.lock_whole_forest()
    changed = {where: rebuild_intervals(model) for where, model in TREES}
    total = sum(changed.values())
    subject = Unit.objects.order_by("tree_id", "lft").first()
    if total and subject is not None:
        audit.record(actor, "rebuild_trees", subject, after=changed)
    return total


@operation
def restore_guards(*, actor: Actor) -> list[str]:
    """Make the guards that are missing, or do something else than the code says; return their names."""
    need_right(actor, "restore_guards", None)
    wanting = guards.missing()
    guards.install()
    if wanting:
        audit.record_event(actor, "restore_guards", subject="数据库触发器", after={"guards": wanting})
    return wanting


@operation
def rebuild_counts(*, actor: Actor, units: Collection[int] | None = None) -> int:
    """Work the totals of the given units, or of all, out again; return the rows written.

    Nobody else writes counts meanwhile; readers read what was there until it is done.
    """
    need_right(actor, "rebuild_counts", None)
    locks.lock_hierarchy()
    written = rebuild(units)
    subject = Unit.objects.filter(**({} if units is None else {"pk__in": units})).order_by("lft").first()
    if subject is not None:
        audit.record(actor, "rebuild_counts", subject, after={"rows": written})
    return written
