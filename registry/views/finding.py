"""Finding units, organizations and people by what users know of them: for pickers, search and jumps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from registry import access
from registry.models import Organization, Person, Unit, WorkflowState
from registry.models.kinds import ALLOWED_PARENTS

LONGEST = 100
"""So much of what was typed is looked for; nothing in the registry has a longer name or code."""


def cleaned(text: str) -> str:
    """Return what was typed without what no name can hold."""
    return text.replace("\x00", "").strip()[:LONGEST]


def find_units(
    user: access.AnyUser, text: str, roles: Iterable[str] = access.ALL_ROLES, open_on: date | None = None
) -> QuerySet[Unit]:
    """Units in scope that match, the best first; with ``open_on`` only those that exist on the day."""
    rows = Unit.objects.matching(text)
    if open_on is not None:
        rows = rows.as_of(open_on)
    exact = Q(code__iexact=text) | Q(name__iexact=text) | Q(short_name__iexact=text)
    starts = Q(name__istartswith=text) | Q(short_name__istartswith=text)
    return _best_first(access.visible(user, rows, roles), exact, starts, "code")


def find_organizations(
    user: access.AnyUser,
    text: str,
    roles: Iterable[str] = access.ALL_ROLES,
    *,
    above: str = "",
    standing_on: date | None = None,
    superiors_of: Unit | None = None,
) -> QuerySet[Organization]:
    """Organizations in scope that match, the best first, with their unit.

    ``above``: only kinds that may stand directly above an organization of this kind;
    ``standing_on``: only those that stand on the day and are not withdrawn; ``superiors_of``: also
    those above this unit that ``access.superiors`` lets the user name.
    """
    rows = Organization.objects.matching(text).select_related("unit")
    if above:
        rows = rows.filter(kind__in=ALLOWED_PARENTS.get(above, ()))
    if standing_on is not None:
        rows = rows.as_of(standing_on).exclude(state=WorkflowState.WITHDRAWN)
    seen = access.visible(user, rows, roles)
    if superiors_of is not None:
        seen |= rows.filter(pk__in=access.superiors(user, superiors_of).order_by().values("pk"))
    exact = Q(code__iexact=text) | Q(name__iexact=text)
    return _best_first(seen, exact, Q(name__istartswith=text), "unit__code", "code")


def find_people(user: access.AnyUser, text: str, roles: Iterable[str] = access.ALL_ROLES) -> QuerySet[Person]:
    """People in scope that match, the best first, with their home unit."""
    rows = access.matching_people(user, Person.objects.select_related("home_unit"), text)
    exact = Q(number__iexact=text) | Q(name__iexact=text)
    return _best_first(access.visible(user, rows, roles), exact, Q(name__istartswith=text), "name")


def _best_first(rows: QuerySet[Any], exact: Q, starts: Q, *order: str) -> QuerySet[Any]:
    rank = Case(
        When(exact, then=Value(0)),
        When(starts, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    ranked: QuerySet[Any] = rows.annotate(rank=rank).order_by("rank", *order, "pk")
    return ranked
