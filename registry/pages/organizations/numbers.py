"""The numbers of the whole ledger, of which a page shows fifty lines: from the totals where these have them.

Few are placed in standing Party organizations. Where the totals know of some, they are counted from the rows.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from registry.counting.basis import Question, assignment_rows
from registry.counting.metrics import IN_STANDING_METRIC, METRICS, OF_ONE_KIND, OrganizationMetric
from registry.counting.rollup import Counts, kept, no_counts
from registry.models import Assignment, Unit
from registry.models.hierarchy import Span
from registry.models.kinds import PARTY_KINDS

STANDING = Q(kind__in=PARTY_KINDS, is_temporary=False)
_PEOPLE = (METRICS["frontline_people"], METRICS["frontline_assignments"], IN_STANDING_METRIC)


def kept_of_ledger(unit: Unit, question: Question) -> Counts | None:
    """Return what the totals have of a unit's ledger; None if they have no answer."""
    return kept(unit, question, (*OF_ONE_KIND.values(), *_PEOPLE))


def by_kind(
    rows: QuerySet[Any], metric: OrganizationMetric | None, totals: Counts | None
) -> list[tuple[str, bool, int]]:
    """Return (kind, whether temporary, how many) of the listed organizations; of one metric or of all.

    ``totals`` are those of the place, where the list is that of all its organizations.
    """
    if totals is None:
        return list(rows.order_by().values_list("kind", "is_temporary").annotate(number=Count("pk")))
    return [
        (kind, is_temporary, totals[each.slug])
        for (kind, is_temporary), each in OF_ONE_KIND.items()
        if totals[each.slug] and (metric is None or metric.includes(kind, is_temporary))
    ]


def people_in(rows: QuerySet[Any], day: date) -> dict[str, int]:
    """Count who is in these organizations on the day: distinct people, and person-times."""
    held = Assignment.objects.as_of(day).filter(organization__in=rows.order_by().values("pk"))
    each = held.order_by().values("person_id").annotate(number=Count("pk"))
    found: dict[str, int] = each.aggregate(people=Count("person_id"), times=Coalesce(Sum("number"), 0))
    return found


def people_at(
    rows: QuerySet[Any], question: Question, unit: Unit, spans: list[Span], totals: Counts
) -> dict[str, int]:
    """Count the same of all organizations of a unit: who is in the standing ones is added to the totals.

    Somebody who is in both is one person. ``totals`` are those of ``kept_of_ledger``.
    """
    now = question.current()
    placed = totals if now == question else kept(unit, now, _PEOPLE) or no_counts(_PEOPLE)
    found = {"people": placed["frontline_people"], "times": placed["frontline_assignments"]}
    if not placed[IN_STANDING_METRIC.slug]:
        return found
    others = assignment_rows(METRICS["frontline_people"], now, spans)
    also = Exists(others.filter(person=OuterRef("person")))
    standing = rows.order_by().filter(STANDING).values("pk")
    held = Assignment.objects.as_of(now.as_of).filter(organization__in=standing).order_by()
    more = held.aggregate(people=Count("person_id", distinct=True, filter=~also), times=Count("pk"))
    return {name: number + more[name] for name, number in found.items()}
