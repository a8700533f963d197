"""The numbers of the whole ledger, of which a page shows fifty lines: from the totals as far as these go.

The totals tell apart the kinds of temporary Party organizations and of formations, and know who is in them.
The standing Party organizations are few; they are counted from the rows.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from registry.counting.basis import Question, assignment_rows
from registry.counting.metrics import METRICS, ORGANIZATION_METRICS, OrganizationMetric
from registry.counting.rollup import Counts, kept
from registry.models import Assignment, Unit
from registry.models.hierarchy import Span
from registry.models.kinds import PARTY_KINDS

STANDING = Q(kind__in=PARTY_KINDS, is_temporary=False)
OF_ONE_KIND = {
    (kind, bool(metric.is_temporary)): metric.slug
    for metric in ORGANIZATION_METRICS
    if not metric.parts and len(metric.kinds) == 1
    for kind in metric.kinds
}
"""The metric of each kind: of all organizations but the standing Party organizations."""


def by_kind(
    rows: QuerySet[Any], metric: OrganizationMetric | None, totals: Counts | None
) -> list[tuple[str, bool, int]]:
    """Return (kind, whether temporary, how many) of the listed organizations; of one metric or of all.

    ``totals`` are those of the place, where the list is that of all its organizations.
    """
    rows, found = rows.order_by(), []
    if totals is not None:
        found = [
            (kind, is_temporary, totals[slug])
            for (kind, is_temporary), slug in OF_ONE_KIND.items()
            if totals[slug] and (metric is None or metric.includes(kind, is_temporary))
        ]
        rows = rows.filter(STANDING)
    return [*found, *rows.values_list("kind", "is_temporary").annotate(number=Count("pk"))]


def people_in(rows: QuerySet[Any], day: date) -> dict[str, int]:
    """Count who is in these organizations on the day: distinct people, and person-times."""
    held = Assignment.objects.as_of(day).filter(organization__in=rows.order_by().values("pk"))
    each = held.order_by().values("person_id").annotate(number=Count("pk"))
    found: dict[str, int] = each.aggregate(people=Count("person_id"), times=Coalesce(Sum("number"), 0))
    return found


def people_at(rows: QuerySet[Any], now: Question, unit: Unit, spans: list[Span]) -> dict[str, int]:
    """Count the same of all organizations of a unit: who is in the standing ones is added to the totals.

    Somebody who is in both is one person.
    """
    placed = kept(unit, now) or {}
    others = assignment_rows(METRICS["frontline_people"], now, spans)
    also = Exists(others.filter(person=OuterRef("person")))
    standing = rows.order_by().filter(STANDING).values("pk")
    held = Assignment.objects.as_of(now.as_of).filter(organization__in=standing).order_by()
    found = held.aggregate(people=Count("person_id", distinct=True, filter=~also), times=Count("pk"))
    return {
        "people": placed["frontline_people"] + found["people"],
        "times": placed["frontline_assignments"] + found["times"],
    }
