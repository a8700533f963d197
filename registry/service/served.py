"""Who served in a campaign, which opinions are owed, whose record is signed: rows and counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Value
from django.db.models.fields import BooleanField
from django.utils import timezone

from registry import access
from registry.models import (
    Assignment,
    Campaign,
    Organization,
    OrganizationKind,
    Person,
    Unit,
    WorkflowState,
)
from registry.models.base import AmongKeys, in_spans
from registry.models.hierarchy import Span, everything
from registry.models.unit import at_units
from registry.service.models import Opinion, Receipt

NOT_WRITTEN, NOT_SIGNED = Q(is_written=False, is_signed=False), Q(is_signed=False, is_serving=False)
"""Of ``owed``: an opinion that waits to be written; of ``people``: a record that waits for its receipt."""


def counting() -> QuerySet[Assignment]:
    """Return the assignments that held on a day, in approved organizations."""
    return Assignment.objects.valid().filter(
        Q(ended_on__isnull=True) | Q(ended_on__gt=F("started_on")),
        organization__state=WorkflowState.APPROVED,
    )


def served(campaign: Campaign, day: date) -> QuerySet[Assignment]:
    """Return the assignments in approved organizations of the campaign that held on a day up to ``day``."""
    begun = counting().filter(organization__campaign=campaign, started_on__lte=day)
    return begun.filter(started_on__lt=campaign.ended_on) if campaign.ended_on else begun


def owed(campaign: Campaign, day: date, where: Q | None = None) -> QuerySet[Assignment]:
    """Return one assignment, the newest, for each member of a temporary Party organization.

    ``where`` narrows the organizations (see ``at``) before anything is worked out.

    Who is in a branch and in one of its groups is judged by the branch alone. With each: ``is_written``
    (the opinion is there) and ``is_signed`` (the home branch has signed, so nobody writes any more).
    """
    members = served(campaign, day).filter(organization__is_temporary=True)
    in_branch = members.filter(organization=OuterRef("organization__parent"), person=OuterRef("person"))
    judged = members.filter(
        where or Q(), ~Q(organization__kind=OrganizationKind.GROUP) | ~Exists(in_branch.order_by())
    )
    newest = judged.order_by().values("organization_id", "person_id").annotate(newest=Max("pk"))
    opinions = Opinion.objects.filter(organization=OuterRef("organization"), person=OuterRef("person"))
    return Assignment.objects.filter(AmongKeys(F("pk"), newest.values("newest"))).annotate(
        is_written=Exists(opinions.order_by()), is_signed=_signed(campaign, "person")
    )


def people(campaign: Campaign, day: date, where: Q | None = None) -> QuerySet[Person]:
    """Return who served, as far as ``where`` holds, with ``is_signed`` and ``is_serving`` (it goes on)."""
    here = served(campaign, day).order_by()
    now = here.filter(Q(ended_on__isnull=True) | Q(ended_on__gt=day), person=OuterRef("pk"))
    is_over = campaign.is_over_on(day)
    serving: Any = Value(False, output_field=BooleanField()) if is_over else Exists(now)
    everybody = Person.objects.unmerged().filter(where or Q())
    if where:  # few people: each is looked up
        everybody = everybody.filter(Exists(here.filter(person=OuterRef("pk"))))
    else:
        everybody = everybody.filter(pk__in=here.values("person_id"))
    return everybody.annotate(is_signed=_signed(campaign, "pk"), is_serving=serving)


def waiting_at(campaign: Campaign, unit: Unit) -> QuerySet[Person]:
    """Return whose records wait today for a receipt of a branch at the unit or below it."""
    there = at_home([Span(unit.tree_id, unit.lft, unit.rght)])
    return people(campaign, timezone.localdate(), there).filter(NOT_SIGNED)


def _signed(campaign: Campaign, person: str) -> Exists:
    receipts = Receipt.objects.valid().filter(campaign=campaign, person=OuterRef(person))
    return Exists(receipts.order_by())


def at(spans: Sequence[Span], column: str = "organization__unit") -> Q:
    """Return the condition that a row's unit, of an assignment where it serves, is in the intervals."""
    return Q() if everything(spans) else at_units(spans, column)


def at_home(spans: Sequence[Span]) -> Q:
    """Return the condition that a person's home unit, or that of the home branch, is in the intervals."""
    if everything(spans):
        return Q()
    # Each half by its own index. The branches by their keys: joined, SQLite tries every unit for each person.
    branches = Organization.objects.filter(in_spans(spans, "unit__")).order_by().values("pk")
    by_unit, by_branch = (
        Person.objects.filter(where).order_by().values("pk")
        for where in (in_spans(spans, "home_unit__"), Q(home_branch__in=branches))
    )
    return Q(pk__in=by_unit.union(by_branch))


def seen_at_home(user: access.AnyUser, person: Person) -> bool:
    """Whether ``user`` sees the person's home: then all of the record, else what was done in the scope."""
    scope = access.spans(user)
    return any(access.inside(unit, scope) for unit in homes_of(person))


def homes_of(person: Person) -> list[Unit]:
    """Return the home unit, and the unit of the home branch: both may have the person's service record."""
    return [person.home_unit, *([person.home_branch.unit] if person.home_branch else [])]


# --- Counted by unit ------------------------------------------------------------------------------

Numbers = dict[int, dict[str, int]]
"""By the key of a unit (0: all of them together): the number of each name."""


def opinions_by_unit(campaign: Campaign, day: date, spans: Sequence[Span], units: Sequence[Unit]) -> Numbers:
    """Count the opinions that are ``owed`` and those ``waiting`` at units with all below: one query."""
    rows = owed(campaign, day, at(spans)).order_by()
    tree_id, lft = "organization__unit__tree_id", "organization__unit__lft"
    counted = rows.values_list(tree_id, lft).annotate(
        owed=Count("pk"), waiting=Count("pk", filter=NOT_WRITTEN)
    )
    return _summed(counted, ("owed", "waiting"), units)


def receipts_by_unit(campaign: Campaign, day: date, spans: Sequence[Span], units: Sequence[Unit]) -> Numbers:
    """Count the ``records``, those ``waiting`` for a receipt and ``signed``, by home unit: one query."""
    rows = people(campaign, day, at(spans, "home_unit")).order_by()
    counted = rows.values_list("home_unit__tree_id", "home_unit__lft").annotate(
        records=Count("pk"),
        waiting=Count("pk", filter=NOT_SIGNED),
        signed=Count("pk", filter=Q(is_signed=True)),
    )
    return _summed(counted, ("records", "waiting", "signed"), units)


def _summed(counted: Iterable[Any], names: Sequence[str], units: Sequence[Unit]) -> Numbers:
    """Add up what was counted at each place of the tree for each of the units, and for all places."""
    found: Numbers = {key: dict.fromkeys(names, 0) for key in (0, *(unit.pk for unit in units))}
    for tree_id, lft, *numbers in counted:
        above = [unit.pk for unit in units if unit.tree_id == tree_id and unit.lft <= lft <= unit.rght]
        for key in (0, *above):
            for name, number in zip(names, numbers, strict=True):
                found[key][name] += number
    return found
