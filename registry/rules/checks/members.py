"""Who belongs to an organization on a day, as sets that a check compares with a number.

Members of a standing organization are the formal members, at their home branch; those of a temporary one
and of a group are the people placed in it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from registry.models import (
    Assignment,
    Organization,
    OrganizationKind,
    Person,
    PersonPlacement,
    PoliticalStatus,
)
from registry.models.base import on_day
from registry.models.kinds import MEMBER_STATUSES

Rows = QuerySet[Organization]

FULL: tuple[str, ...] = (PoliticalStatus.FULL_MEMBER.value,)
MEMBERS = MEMBER_STATUSES
BY_PLACE = Q(is_temporary=True) | Q(kind=OrganizationKind.GROUP)
"""The organizations whose members are those placed in them."""


def placed(day: date, statuses: Collection[str] = ()) -> QuerySet[Any]:
    """Return the assignments of the day, of people with one of the statuses then (empty: of anybody)."""
    rows = Assignment.objects.as_of(day)
    return _of_status(rows, day, statuses) if statuses else rows.order_by()


def at_home(day: date, statuses: Collection[str]) -> QuerySet[Any]:
    """Return the homes of the day of the people with one of the statuses then."""
    return _of_status(PersonPlacement.objects.filter(on_day(day)), day, statuses).exclude(is_merged())


def is_merged(path: str = "person") -> Q:
    """Return the condition that somebody's entry was joined to another one: there are few of these."""
    return Q(**{f"{path}__in": Person.objects.filter(merged_into__isnull=False).order_by().values("pk")})


def having(day: date, statuses: Collection[str], least: int) -> Q:
    """Return the condition that an organization has at least so many members of the statuses.

    The database looks for that many and no further.
    """
    if least <= 0:
        return Q()
    people = placed(day, statuses).filter(organization=OuterRef("pk"))
    homes = at_home(day, statuses).filter(branch=OuterRef("pk"))
    return BY_PLACE & _at_least(people, least) | ~BY_PLACE & _at_least(homes, least)


def number(day: date, statuses: Collection[str]) -> Case:
    """Return the number of members of the statuses as an expression on organizations, for a list of few."""
    people = placed(day, statuses).filter(organization=OuterRef("pk"))
    homes = at_home(day, statuses).filter(branch=OuterRef("pk"))
    return Case(
        When(BY_PLACE, then=_counted(people, "organization")),
        default=_counted(homes, "branch"),
        output_field=IntegerField(),
    )


def held(day: date, roles: Collection[str]) -> Any:
    """Return the number of people with one of the roles as an expression on organizations."""
    rows = placed(day).filter(organization=OuterRef("pk"), role__in=roles)
    return _counted(rows, "organization")


def holding(day: date, roles: Collection[str], least: int = 1) -> Q:
    """Return the condition that at least so many people have one of the roles in an organization."""
    return _at_least(placed(day).filter(role__in=roles, organization=OuterRef("pk")), least)


def _at_least(rows: QuerySet[Any], least: int) -> Q:
    return Q(Exists(rows[least - 1 : least]))


def _of_status(rows: QuerySet[Any], day: date, statuses: Collection[str]) -> QuerySet[Any]:
    then = on_day(day, prefix="person__statuses__")
    found: QuerySet[Any] = rows.filter(then, person__statuses__status__in=statuses).order_by()
    return found


def _counted(people: QuerySet[Any], key: str) -> Any:
    number = people.values(key).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(number, output_field=IntegerField()), Value(0))
