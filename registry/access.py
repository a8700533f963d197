"""One policy for "may this user do this here?" and "which rows does this user see?".

A grant gives a user a role at a unit and at all below it. Views, pickers, searches, counts and
commands ask here and nowhere else; what is out of scope does not exist for the user (404).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from registry.models import Grant, GrantRole, Organization, Person, Unit, User
from registry.models.base import in_spans, on_day
from registry.models.shape import Span

AnyUser = User | AnonymousUser
M = TypeVar("M", bound=Model)

ENTER_ROLES = (GrantRole.CLERK.value, GrantRole.MANAGER.value)
APPROVE_ROLES = (GrantRole.APPROVER.value, GrantRole.MANAGER.value)
MANAGE_ROLES = (GrantRole.MANAGER.value,)
ALL_ROLES = tuple(GrantRole.values)


def top_units(user: AnyUser, roles: Iterable[str] = ALL_ROLES, day: date | None = None) -> list[Unit]:
    """Return the units at which ``user`` holds one of ``roles`` today, the highest only.

    A superuser holds every role at every root.
    """
    if not user.is_authenticated or not user.is_active:
        return []
    if user.is_superuser:
        return list(Unit.objects.filter(parent__isnull=True))
    today = day or timezone.localdate()
    grants = Grant.objects.filter(on_day(today), user_id=user.pk, role__in=tuple(roles))
    units = sorted(
        Unit.objects.filter(pk__in=grants.values("unit_id")), key=lambda unit: (unit.tree_id, unit.lft)
    )
    tops: list[Unit] = []
    for unit in units:
        if tops and tops[-1].tree_id == unit.tree_id and unit.rght <= tops[-1].rght:
            continue
        tops.append(unit)
    return tops


def spans(user: AnyUser, roles: Iterable[str] = ALL_ROLES) -> list[Span]:
    """Return the intervals of today's unit tree in which ``user`` holds one of ``roles``."""
    return [Span(unit.tree_id, unit.lft, unit.rght) for unit in top_units(user, roles)]


def inside(unit: Unit, scope: Iterable[Span]) -> bool:
    """Whether ``unit`` lies in the intervals of ``spans``: for many rows without a query each."""
    return any(span.tree_id == unit.tree_id and span.lo <= unit.lft <= span.hi for span in scope)


def may_view(user: AnyUser, unit: Unit) -> bool:
    """Whether ``user`` sees the rows at ``unit``."""
    return inside(unit, spans(user))


def may_enter(user: AnyUser, unit: Unit) -> bool:
    """Whether ``user`` may enter and edit at ``unit``."""
    return inside(unit, spans(user, ENTER_ROLES))


def may_approve(user: AnyUser, unit: Unit) -> bool:
    """Whether ``user`` may approve what is submitted at ``unit``."""
    return inside(unit, spans(user, APPROVE_ROLES))


def may_manage(user: AnyUser, unit: Unit) -> bool:
    """Whether ``user`` may change the unit tree at ``unit``."""
    return inside(unit, spans(user, MANAGE_ROLES))


def visible(user: AnyUser, rows: QuerySet[M], roles: Iterable[str] = ALL_ROLES) -> QuerySet[M]:
    """Return those of ``rows`` (units, organizations or people) that ``user`` sees.

    A person is seen from the home unit, and from each unit where one of the person's
    organizations stands.
    """
    scope = spans(user, roles)
    if rows.model is Unit:
        return rows.filter(in_spans(scope))
    if rows.model is Organization:
        return rows.filter(in_spans(scope, "unit__"))
    if rows.model is Person:
        placed = Organization.objects.filter(in_spans(scope, "unit__")).order_by().values("pk")
        return rows.filter(
            in_spans(scope, "home_unit__")
            | Q(assignments__organization__in=placed, assignments__is_withdrawn=False)
        ).distinct()
    raise TypeError(f"no policy for {rows.model.__name__}")


def get_unit(user: AnyUser, code: str, roles: Iterable[str] = ALL_ROLES) -> Unit:
    """Return the unit with ``code`` if ``user`` holds one of ``roles`` there, else raise ``Http404``."""
    unit = visible(user, Unit.objects.filter(code=code), roles).first()
    if unit is None:
        raise Http404(f"没有代码为“{code}”的单位,或不在您的管理范围内。")
    return unit


def get_organization(user: AnyUser, code: str, roles: Iterable[str] = ALL_ROLES) -> Organization:
    """Return the organization with ``code`` if ``user`` holds one of ``roles`` at its host, or 404."""
    rows = Organization.objects.select_related("unit", "parent", "campaign", "task_body", "source")
    organization = visible(user, rows.filter(code=code), roles).first()
    if organization is None:
        raise Http404(f"没有代码为“{code}”的组织,或不在您的管理范围内。")
    return organization


def get_person(user: AnyUser, number: str, roles: Iterable[str] = ALL_ROLES) -> Person:
    """Return the person with ``number`` if in the scope of ``user``, else raise ``Http404``."""
    rows = Person.objects.select_related("home_unit", "home_branch", "source")
    person = visible(user, rows.filter(number=number), roles).first()
    if person is None:
        raise Http404(f"没有警号为“{number}”的人员,或不在您的管理范围内。")
    return person
