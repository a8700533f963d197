"""What closing a campaign on a day ends: sets in SQL, and their numbers by the units below its lead unit.

It ends the approved organizations of the campaign that still stand, but no standing Party organization; what
is below them; and the assignments in all of these. What stands where the user may not close is counted, and
stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
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
IS_PARTY = Q(kind__in=PARTY_KINDS)
STANDING = IS_PARTY & Q(is_temporary=False)
"""Standing Party organizations: no task ends them."""
OWN, ELSEWHERE = 0, -1
"""In place of the key of a unit below the lead unit: the lead unit itself, and everything outside it."""


@dataclass
class Numbers:
    """How much ends and how much is pending, in all or at one unit with everything below it."""

    party: int = 0
    formations: int = 0
    placed: int = 0
    people: int = 0
    pending: int = 0
    dues: dict[str, int] = field(default_factory=dict)

    @property
    def organizations(self) -> int:
        """How many organizations end."""
        return self.party + self.formations

    @property
    def is_zero(self) -> bool:
        """Whether there is nothing to say."""
        return not any((self.party, self.formations, self.placed, self.pending, *self.dues.values()))


class Extent:
    """What closing ``campaign`` on a day would end, as far as the right of ``user`` goes (None: all)."""

    verb = "close_campaign"
    """It looks where the user may do this."""

    def __init__(self, campaign: Campaign, on: date, user: access.AnyUser | None) -> None:
        self.campaign, self.on, self.user = campaign, on, user
        self.dues: list[Due] = nouns.handed_up("campaign_dues")

    # --- Sets -------------------------------------------------------------------------------------

    @cached_property
    def covered(self) -> Q:
        """The condition that an organization stands where the user may do ``verb``."""
        return self._covered_at("unit")

    def _covered_at(self, path: str) -> Q:
        if self.user is None:
            return Q()
        spans = access.spans(self.user, self.verb)
        return Q() if everything(spans) else in_spans(spans, f"{path}__")

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

    def _counted(self) -> Iterator[tuple[QuerySet[Any], str, dict[str, Count]]]:
        """Yield the sets that are counted, each with the path to its unit and what is counted of it."""
        parts = {"party": Count("pk", filter=IS_PARTY), "formations": Count("pk", filter=~IS_PARTY)}
        yield self.ending(), "unit", parts
        people = Count("person", distinct=True)
        yield self.assignments(), "organization__unit", {"placed": Count("pk"), "people": people}
        yield self.pending(), "unit", {"pending": Count("pk")}

    @cached_property
    def whole(self) -> Numbers:
        """The numbers of all places together, each of the people once; without ``dues``."""
        found = Numbers()
        for rows, _path, numbers in self._counted():
            vars(found).update(rows.order_by().aggregate(**numbers))
        return found

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

    @cached_property
    def places(self) -> dict[int, tuple[str, str]]:
        """Where numbers are counted: the code and the name of each place, by the key of its unit."""
        lead = self.campaign.lead_unit
        return {
            **({OWN: ("own", f"{lead.label}本级")} if lead else {}),
            **{each.pk: (each.code, each.label) for each in self.children},
            ELSEWHERE: ("elsewhere", "其他单位"),
        }

    def at(self, path: str, key: int) -> Q:
        """Return the condition that a row, through the ``path`` to its unit, is at the place with ``key``."""
        lead = self.campaign.lead_unit
        if key == OWN:
            return Q(**{path: lead})
        if key == ELSEWHERE:
            return ~in_spans(map(_span, [lead] if lead else self.children), f"{path}__")
        return in_spans((_span(each) for each in self.children if each.pk == key), f"{path}__")

    def _where(self, path: str) -> Case:
        """Return the key of the place of a row, through the ``path`` to its unit."""
        cases = [When(self.at(path, key), then=Value(key)) for key in self.places if key != ELSEWHERE]
        return Case(*cases, default=Value(ELSEWHERE), output_field=IntegerField())

    def by_unit(self) -> dict[int, Numbers]:
        """Return the numbers of each place where there are any, by its key.

        As many queries for many units as for one.
        """
        found = {key: Numbers() for key in self.places}
        for rows, path, numbers in self._counted():
            for each in self._grouped(rows, path, **numbers):
                vars(found[each.pop("where_")]).update(each)
        for due in self.dues:
            for each in self._grouped(self.owed(due), due.unit_path, number=Count("pk")):
                found[each["where_"]].dues[due.slug] = each["number"]
        return {key: numbers for key, numbers in found.items() if not numbers.is_zero}

    def owed(self, due: Due) -> QuerySet[Any]:
        """Return what is still to be done of one kind, where the user may do ``verb``."""
        return due.rows(self.campaign, self.ending()).filter(self._covered_at(due.unit_path))

    @cached_property
    def waiting(self) -> list[tuple[Due, int]]:
        """What else waits for a decision, and can be settled with the organizations: how much of each."""
        return [(due, self.owed(due).count()) for due in self.dues if due.settle is not None]

    def _grouped(self, rows: QuerySet[Any], path: str, **numbers: Count) -> QuerySet[Any, dict[str, Any]]:
        there = rows.order_by().annotate(where_=self._where(path)).values("where_")
        counted: QuerySet[Any, dict[str, Any]] = there.annotate(**numbers)
        return counted

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

    verb = access.SEE

    def __init__(self, closing: Closing, user: access.AnyUser) -> None:
        super().__init__(closing.campaign, closing.on, user)
        self.closing = closing

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
