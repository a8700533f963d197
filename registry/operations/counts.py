"""Working the totals of counts out again."""

from __future__ import annotations

from collections.abc import Collection

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.check import rebuild
from registry.models import Unit
from registry.operations.base import need_right, operation


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
        audit.record(actor, "rebuild_counts", subject, unit=subject, after={"rows": written})
    return written
