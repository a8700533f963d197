"""One policy for "may this user do this here?" and "which rows does this user see?".

A grant gives a user a role at a unit and at all below it. Views, pickers, searches, counts and
commands ask here and nowhere else; what is out of scope does not exist for the user (404).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from registry.models import (
    Assignment,
    AuditEntry,
    Grant,
    GrantRole,
    NameTerm,
    Organization,
    OrganizationKind,
    Person,
    Unit,
    UnitKind,
    User,
)
from registry.models.base import in_spans, on_day
from registry.models.kinds import PARTY_KINDS
from registry.models.shape import Span, everything, roots
from registry.models.term import found_by, starts_with

AnyUser = User | AnonymousUser
M = TypeVar("M", bound=Model)

ALL_ROLES = tuple(GrantRole.values)
ENTER_ROLES = (GrantRole.CLERK.value, GrantRole.MANAGER.value)
APPROVE_ROLES = (GrantRole.APPROVER.value, GrantRole.MANAGER.value)
MANAGE_ROLES = (GrantRole.MANAGER.value,)
AUDIT_ROLES = (GrantRole.AUDITOR.value, GrantRole.MANAGER.value)
PERSONAL_ROLES = (GrantRole.CLERK.value, GrantRole.APPROVER.value, GrantRole.MANAGER.value)
"""Who works with police numbers and may open telephone numbers; viewers and auditors see them masked."""

_CACHE = "_registry_grants"


def _grants(user: AnyUser) -> list[tuple[str, Unit]]:
    """Return (role, unit) of each grant valid today: read once for a request's user. Not for superusers."""
    known: list[tuple[str, Unit]] | None = getattr(user, _CACHE, None)
    if known is None:
        valid = Grant.objects.filter(on_day(timezone.localdate()), user_id=user.pk or 0)
        known = [(grant.role, grant.unit) for grant in valid.select_related("unit").order_by("pk")]
        setattr(user, _CACHE, known)
    return known


def roles_held(user: AnyUser) -> list[tuple[str, Unit]]:
    """Return role and unit of each grant that ``user`` holds today, the oldest first."""
    return list(_grants(user)) if user.is_authenticated else []


def top_units(user: AnyUser, roles: Iterable[str] = ALL_ROLES) -> list[Unit]:
    """Return the units at which ``user`` holds one of ``roles`` today, the highest only.

    A superuser holds every role at every root.
    """
    if not user.is_authenticated or not user.is_active:
        return []
    if user.is_superuser:
        return list(roots())
    wanted = tuple(roles)
    units = sorted(
        {unit.pk: unit for role, unit in _grants(user) if role in wanted}.values(),
        key=lambda unit: (unit.tree_id, unit.lft),
    )
    tops: list[Unit] = []
    for unit in units:
        if tops and tops[-1].tree_id == unit.tree_id and unit.rght <= tops[-1].rght:
            continue
        tops.append(unit)
    return tops


def holds(user: AnyUser, roles: Iterable[str]) -> bool:
    """Whether ``user`` holds one of ``roles`` anywhere."""
    return bool(top_units(user, roles))


def spans(user: AnyUser, roles: Iterable[str] = ALL_ROLES) -> list[Span]:
    """Return the intervals of today's unit tree in which ``user`` holds one of ``roles``."""
    return [Span(unit.tree_id, unit.lft, unit.rght) for unit in top_units(user, roles)]


def counting_scope(user: AnyUser) -> tuple[Span, ...] | None:
    """Return the scope of the user's counts, for ``Question.scope`` (None: everything)."""
    if user.is_authenticated and user.is_active and user.is_superuser:
        return None
    seen = tuple(spans(user))
    return None if everything(seen) else seen


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


def visible(
    user: AnyUser, rows: QuerySet[M], roles: Iterable[str] = ALL_ROLES, *, few: bool = False
) -> QuerySet[M]:
    """Return those of ``rows`` (units, organizations or people) that ``user`` sees.

    A person is seen from the home unit, and from each unit where one of the person's
    organizations stands. ``few``: the rows are a handful already, so each is looked at for itself.
    """
    scope = spans(user, roles)
    if rows.model not in (Unit, Organization, Person):
        raise TypeError(f"no policy for {rows.model.__name__}")
    if everything(scope):
        return rows
    if rows.model is Unit:
        return rows.filter(in_spans(scope))
    if rows.model is Organization:
        return rows.filter(in_spans(scope, "unit__"))
    if few:
        placed = Assignment.objects.valid().filter(
            in_spans(scope, "organization__unit__"), person=OuterRef("pk")
        )
        return rows.filter(in_spans(scope, "home_unit__") | Exists(placed))
    # Each half by its own index; a condition with "or" over both would be tried on everybody there is.
    members = Person.objects.filter(in_spans(scope, "home_unit__")).order_by().values("pk")
    guests = Assignment.objects.valid().filter(in_spans(scope, "organization__unit__")).order_by()
    return rows.filter(pk__in=members.union(guests.values("person_id")))


def sees_number(user: AnyUser, person: Person) -> bool:
    """Whether ``user`` sees the police number of ``person``: the right role at the home unit.

    GB/T 22239-2019 8.1.4.11: personal information only as far as the work needs it.
    """
    if user.is_authenticated and user.is_superuser:
        return True
    scope = spans(user, PERSONAL_ROLES)
    return bool(scope) and inside(person.home_unit, scope)


def shown_number(user: AnyUser, person: Person) -> str:
    """Return the police number as ``user`` may see it: whole, or masked but for its ends."""
    return person.number if sees_number(user, person) else masked(person.number)


def handle(user: AnyUser, person: Person) -> str:
    """Return what stands for ``person`` in addresses: the number where ``user`` sees it, else the key."""
    return person.number if sees_number(user, person) else person.key


def masked(text: str) -> str:
    """Return ``text`` with all but its first two and last character hidden; short texts wholly."""
    if len(text) < 5:
        return "•" * len(text)
    return f"{text[:2]}{'•' * (len(text) - 3)}{text[-1]}"


def matching_people(user: AnyUser, rows: QuerySet[Person], text: str) -> QuerySet[Person]:
    """Return those of ``rows`` found by ``text``: part of the name, its pinyin, the beginning of the number.

    Where the number is masked for ``user`` only the whole number matches, so that it cannot be
    found out digit by digit.
    """
    return rows.filter(person_matches(user, text))


def person_matches(user: AnyUser, text: str, path: str = "") -> Q:
    """Return ``matching_people`` as a condition on rows that reach the person through ``path``."""
    is_number, begins = number_matches(user, text, path)
    return found_by(NameTerm, text, "name", f"{path}name") | is_number | begins


def number_matches(user: AnyUser, text: str, path: str = "") -> tuple[Q, Q]:
    """Return "the number is ``text``" and, only for who sees the number, "it begins with ``text``".

    Two conditions on rows that reach the person through ``path``. Letters match in capitals, in small
    letters and as they were typed, so that the database can use its index.
    """
    ways = {text, text.upper(), text.lower()}
    begins = Q()
    for way in ways:
        begins |= starts_with(f"{path}number", way)
    personal = spans(user, PERSONAL_ROLES)
    if not everything(personal):
        begins &= in_spans(personal, f"{path}home_unit__")
    return Q(**{f"{path}number__in": ways}), begins


def superiors(user: AnyUser, unit: Unit) -> QuerySet[Organization]:
    """Return what may be put above an organization at ``unit`` though it may stand above the user's scope.

    Approved Party organizations, leading groups and task forces that stand today at the units above
    ``unit``, and at the headquarters units directly below those. They are offered by name only. Nothing
    where ``user`` may not enter.
    """
    if not may_enter(user, unit):
        return Organization.objects.none()
    above = Unit.objects.filter(tree_id=unit.tree_id, lft__lt=unit.lft, rght__gt=unit.rght)
    headquarters = Unit.objects.filter(kind=UnitKind.HEADQUARTERS, parent__in=above.order_by().values("pk"))
    return (
        Organization.objects.approved()
        .as_of(timezone.localdate())
        .filter(
            Q(unit__in=above.order_by().values("pk")) | Q(unit__in=headquarters.order_by().values("pk")),
            kind__in=(*PARTY_KINDS, OrganizationKind.LEADING_GROUP, OrganizationKind.TASK_FORCE),
        )
    )


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
    """Return the person with ``number`` (or key) if in the scope of ``user``, else raise ``Http404``."""
    rows = Person.objects.select_related("home_unit", "home_branch__unit", "source")
    known = Q(number=number) | Q(key=number)
    person = visible(user, rows.filter(known), roles).first()
    if person is None:
        raise Http404(f"没有警号为“{number}”的人员,或不在您的管理范围内。")
    return person


def record_seen(user: AnyUser) -> QuerySet[AuditEntry]:
    """Return the entries of the record that ``user`` may read: auditors and managers, those of their units.

    What has no unit (a login, a failed one) is read where its user holds a grant, or held one.
    """
    rows: QuerySet[AuditEntry] = AuditEntry.objects.all()
    if user.is_authenticated and user.is_active and user.is_superuser:
        return rows
    scope = spans(user, AUDIT_ROLES)
    known = Grant.objects.filter(in_spans(scope, "unit__")).values("user_id")
    return rows.filter(in_spans(scope, "unit__") | Q(unit__isnull=True, user__in=known))


def users_seen(user: AnyUser) -> QuerySet[User]:
    """Return the users whom ``user`` sees as a manager: with a grant, now or before, inside that scope."""
    if user.is_authenticated and user.is_superuser:
        return User.objects.all()
    inside_scope = Grant.objects.filter(in_spans(spans(user, MANAGE_ROLES), "unit__"))
    return User.objects.filter(pk__in=inside_scope.values("user_id"))


def get_user(user: AnyUser, pk: int) -> User:
    """Return the user with the key ``pk`` if ``user`` sees it as a manager, else raise ``Http404``."""
    found = users_seen(user).filter(pk=pk).first()
    if found is None:
        raise Http404("没有这个用户,或不在您的管理范围内。")
    return found


def may_grant_to(user: AnyUser, other: User) -> bool:
    """Whether ``user``, who sees ``other`` as a manager, may give and end grants of ``other`` inside."""
    if not user.is_authenticated or other.pk == user.pk:
        return False
    return bool(user.is_superuser or not other.is_superuser)


def may_control(user: AnyUser, other: User) -> bool:
    """Whether ``user`` may disable ``other`` or set the password: all that is granted must lie inside.

    Otherwise a manager could lock out, or take over, somebody who holds something elsewhere.
    """
    if not may_grant_to(user, other):
        return False
    if user.is_superuser:
        return True
    held = Grant.objects.filter(Q(ended_on__isnull=True) | Q(ended_on__gt=timezone.localdate()), user=other)
    scope = spans(user, MANAGE_ROLES)
    return all(inside(grant.unit, scope) for grant in held.select_related("unit"))
