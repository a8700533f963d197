"""What closing a campaign on a day ends: sets in SQL, and their numbers by the units below its lead unit.

Ended is every approved organization of the campaign that still stands, but standing Party organizations, with
all below it; and the assignments in them. As far as the user's right goes: what stands elsewhere is counted,
and stays.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Case, Count, IntegerField, Max, Q, QuerySet, Sum, Value, When
from django.db.models.expressions import RawSQL

from registry import access, nouns
from registry.closings.models import ClosedAssignment, ClosedOrganization, Closing
from registry.models import Assignment, Campaign, Organization, Person, Unit, WorkflowState
from registry.models.base import in_spans
from registry.models.hierarchy import Span, everything, roots
from registry.models.kinds import PARTY_KINDS
from registry.rules.campaigns import Due

UNDECIDED = (WorkflowState.DRAFT, WorkflowState.SUBMITTED)
"""Nobody approved or returned these yet."""
STANDING = Q(kind__in=PARTY_KINDS, is_temporary=False)
"""Standing Party organizations: no task ends them."""
OWN, ELSEWHERE = 0, -1
"""In place of the key of a unit below the lead unit: that one itself; what is not below it."""


@dataclass
class Numbers:
    """What is ended, and what is pending, at one of the units below the lead unit."""

    party: int = 0
    formations: int = 0
    placed: int = 0
    people: int = 0
    pending: int = 0
    dues: dict[str, int] = field(default_factory=dict)

    @property
    def is_zero(self) -> bool:
        """Whether there is nothing to say."""
        return not any((self.party, self.formations, self.placed, self.pending, *self.dues.values()))


class Extent:
    """What closing ``campaign`` on a day would end, as far as the right of ``user`` goes (None: all)."""

    def __init__(self, campaign: Campaign, on: date, user: access.AnyUser | None) -> None:
        self.campaign, self.on, self.user = campaign, on, user
        self.dues: list[Due] = nouns.handed_up("campaign_dues")

    # --- Sets -------------------------------------------------------------------------------------

    @cached_property
    def covered(self) -> Q:
        """The condition that an organization stands where the user may close."""
        if self.user is None:
            return Q()
        spans = access.spans(self.user, "close_campaign")
        return Q() if everything(spans) else in_spans(spans, "unit__")

    def ending(self) -> QuerySet[Organization]:
        """Return the organizations that are dissolved."""
        return Organization.objects.filter(pk__in=self._ending)

    def assignments(self) -> QuerySet[Assignment]:
        """Return the assignments that end: those in them that last longer than the day."""
        lasting = Q(ended_on__isnull=True) | Q(ended_on__gt=self.on)
        return Assignment.objects.valid().filter(lasting, organization__in=self._ending)

    def pending(self) -> QuerySet[Organization]:
        """Return what nobody has decided on: in the campaign, or below what is dissolved."""
        own = Q(campaign=self.campaign) & self.covered
        return Organization.objects.filter(own | Q(parent__in=self._ending), state__in=UNDECIDED)

    def outside(self) -> QuerySet[Organization]:
        """Return the organizations of the campaign that stand where the user may not close: they stay."""
        there = self._open().exclude(state=WorkflowState.WITHDRAWN)
        return there.exclude(self.covered) if self.covered else there.none()

    def staying(self) -> QuerySet[Organization]:
        """Return the standing Party organizations of the campaign: no task ends them."""
        return self._open().filter(STANDING, self.covered, state=WorkflowState.APPROVED)

    def serving(self) -> QuerySet[Person]:
        """Return everybody who served in the campaign, or in what ends with it, before the day."""
        served = Assignment.objects.valid().filter(started_on__lt=self.on).order_by()
        approved = Organization.objects.filter(campaign=self.campaign, state=WorkflowState.APPROVED)
        own = approved.filter(self.covered).order_by().values("pk")
        # Not by OR: PostgreSQL would go through what ends for each assignment.
        there = own.union(self.ending().order_by().values("pk"))
        return Person.objects.filter(pk__in=served.filter(organization__in=there).values("person"))

    def _open(self) -> QuerySet[Organization]:
        return Organization.objects.filter(campaign=self.campaign, dissolved_on__isnull=True)

    @property
    def _ending(self) -> Any:
        """The keys of what is dissolved: walked down from superior to subordinate."""
        tops = self._open().filter(self.covered, state=WorkflowState.APPROVED).exclude(STANDING)
        first, params = tops.order_by().values("pk").query.get_compiler(connection=connection).as_sql()
        table = connection.ops.quote_name(Organization._meta.db_table)
        lasts = "(lower.dissolved_on IS NULL OR lower.dissolved_on > %s)"
        return RawSQL(
            f"WITH RECURSIVE ending(id) AS ({first} UNION SELECT lower.id FROM {table} lower "
            f"JOIN ending ON lower.parent_id = ending.id WHERE lower.state IN (%s, %s) AND {lasts}) "
            "SELECT id FROM ending",
            (
                *params,
                WorkflowState.APPROVED.value,
                WorkflowState.RETURNED.value,
                connection.ops.adapt_datefield_value(self.on),
            ),
        )

    # --- Numbers ----------------------------------------------------------------------------------

    @cached_property
    def numbers(self) -> dict[str, int]:
        """How many organizations and assignments end, and how much is pending."""
        return {
            "organizations": self.ending().count(),
            "assignments": self.assignments().count(),
            "pending": self.pending().count(),
        }

    def mark(self) -> str:
        """Return a mark of exactly these organizations and assignments: it is another for others."""
        found = [
            rows.order_by().aggregate(Count("pk"), Sum("pk"), Max("pk"))
            for rows in (self.ending(), self.assignments())
        ]
        said = [self.on.isoformat(), *(str(sorted(each.items())) for each in found)]
        return hashlib.sha256("\n".join(said).encode()).hexdigest()

    @cached_property
    def children(self) -> list[Unit]:
        """The units directly below the lead unit; without one, the roots."""
        if self.campaign.lead_unit is None:
            return list(roots())
        return list(self.campaign.lead_unit.get_children().order_by("tree_id", "lft"))

    def at(self, path: str, key: int) -> Q:
        """Return the condition that a row belongs to one of the units below, ``OWN`` or ``ELSEWHERE``."""
        if key > 0:
            return in_spans([_span(next(each for each in self.children if each.pk == key))], f"{path}__")
        lead = self.campaign.lead_unit
        if key == OWN:
            return Q(**{path: lead.pk if lead else None})
        inside = in_spans([_span(lead)] if lead else map(_span, self.children), f"{path}__")
        return ~inside

    def _where(self, path: str) -> Case:
        """Return below which unit a row stands, through the ``path`` to its unit."""
        cases = [When(in_spans([_span(each)], f"{path}__"), then=Value(each.pk)) for each in self.children]
        lead = self.campaign.lead_unit
        own = [When(**{path: lead.pk}, then=Value(OWN))] if lead else []
        return Case(*cases, *own, default=Value(ELSEWHERE), output_field=IntegerField())

    def by_unit(self) -> dict[int, Numbers]:
        """Return the numbers of each unit below the lead unit where there are any, by its key.

        As many queries for many units as for one.
        """
        found = {key: Numbers() for key in (OWN, *(each.pk for each in self.children), ELSEWHERE)}
        is_party = Q(kind__in=PARTY_KINDS)
        sets: list[tuple[QuerySet[Any], str, dict[str, Count]]] = [
            (
                self.ending(),
                "unit",
                {"party": Count("pk", filter=is_party), "formations": Count("pk", filter=~is_party)},
            ),
            (
                self.assignments(),
                "organization__unit",
                {"placed": Count("pk"), "people": Count("person", distinct=True)},
            ),
            (self.pending(), "unit", {"pending": Count("pk")}),
        ]
        for rows, path, numbers in sets:
            for each in self._grouped(rows, path, **numbers):
                vars(found[each.pop("where_")]).update(each)
        for due in self.dues:
            for each in self._grouped(self.owed(due), due.unit_path, number=Count("pk")):
                found[each["where_"]].dues[due.slug] = each["number"]
        return {key: numbers for key, numbers in found.items() if not numbers.is_zero}

    def owed(self, due: Due) -> QuerySet[Any]:
        """Return what is still to be done of one kind."""
        return due.rows(self.campaign, self.ending())

    def _grouped(self, rows: QuerySet[Any], path: str, **numbers: Count) -> QuerySet[Any, dict[str, Any]]:
        there = rows.order_by().annotate(where_=self._where(path)).values("where_")
        counted: QuerySet[Any, dict[str, Any]] = there.annotate(**numbers)
        return counted

    def people(self) -> int:
        """Count the people whose assignments end, each once."""
        return self.assignments().order_by().values("person").distinct().count()

    def homes(self) -> dict[str, int]:
        """Count who served, in how many home branches, and how many have none."""
        return self.serving().aggregate(
            people=Count("pk"),
            branches=Count("home_branch", distinct=True),
            without=Count("pk", filter=Q(home_branch__isnull=True)),
        )

    def outside_named(self) -> tuple[list[tuple[str, int]], int]:
        """Return how many stay outside the right, by the name of each unit that is seen; then the others."""
        rows, user = self.outside(), self.user
        if user is None:
            return [], 0
        seen = access.visible(user, rows).order_by("unit__tree_id", "unit__lft").values("unit__name")
        named = [(each["unit__name"], each["number"]) for each in seen.annotate(number=Count("pk"))]
        return named, rows.count() - sum(number for _name, number in named)


class Ended(Extent):
    """What a closing ended, as far as ``user`` sees it."""

    def __init__(self, closing: Closing, user: access.AnyUser) -> None:
        super().__init__(closing.campaign, closing.on, user)
        self.closing = closing

    @cached_property
    def covered(self) -> Q:
        """The condition that an organization stands where the user sees it."""
        spans = access.spans(self.user) if self.user is not None else []
        return Q() if everything(spans) else in_spans(spans, "unit__")

    def ending(self) -> QuerySet[Organization]:
        """Return the organizations that were dissolved."""
        there = ClosedOrganization.objects.filter(of=self.closing).values("organization")
        return Organization.objects.filter(self.covered, pk__in=there)

    def assignments(self) -> QuerySet[Assignment]:
        """Return the assignments that were ended."""
        there = ClosedAssignment.objects.filter(of=self.closing).values("assignment")
        return Assignment.objects.filter(
            pk__in=there, organization__in=Organization.objects.filter(self.covered).order_by().values("pk")
        )

    @property
    def _ending(self) -> QuerySet[Any]:
        return self.ending().order_by().values("pk")


def _span(unit: Unit) -> Span:
    return Span(unit.tree_id, unit.lft, unit.rght)
