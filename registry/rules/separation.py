"""Which roles exclude each other in one user, and which no single manager hands out (separation of duties).

Who audits what others do neither enters, approves nor manages it: not at the same unit, nor where one of
the two grants reaches the other's unit from above, and not on the same days. Two logins of one person are
one user here. Clerk and approver may meet: that nobody approves the own entry is for the approval to ask.
The reasons are in docs/decisions/0035-two-people.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.utils import timezone

from registry.models import Grant, GrantRole, Unit, User
from registry.models.base import ends_after
from registry.rules.findings import Finding, Wrong, first_of

AUDITOR = GrantRole.AUDITOR.value
EXCLUDED: dict[str, tuple[str, ...]] = {
    AUDITOR: (GrantRole.CLERK.value, GrantRole.APPROVER.value, GrantRole.MANAGER.value),
}
"""A role, and those that the same user does not hold beside it."""
GUARDED: tuple[str, ...] = (AUDITOR, GrantRole.APPROVER.value, GrantRole.MANAGER.value)
"""Roles that are given, ended and reset by two people or from above.

Managers, too: otherwise one makes the second manager alone, and confirms as that one.
"""


@dataclass(frozen=True, eq=False, slots=True)
class Holding:
    """A role that a user would hold at a unit, from a day to another; ``grant`` when it is in the table."""

    user: User
    unit: Unit
    role: str
    started_on: date
    ended_on: date | None
    grant: int | None = None


def not_over(on: date | None = None) -> Q:
    """Return the condition of grants that hold on the day (today), or later."""
    return ends_after(on or timezone.localdate())


def refusals(proposals: Sequence[Holding]) -> list[Finding]:
    """Return which roles cannot be held beside what the users, or other logins of the same person, hold."""
    held = held_by([proposal.user for proposal in proposals])
    return first_of(lambda proposal: check(proposal, held), proposals)


def refusals_of(user: User) -> list[Finding]:
    """Return what excludes each other of what a user holds, as when another person stands behind it."""
    rows = Grant.objects.filter(not_over(), user=user).select_related("unit").order_by("pk")
    held = [Holding(user, row.unit, row.role, row.started_on, row.ended_on, row.pk) for row in rows]
    return refusals(held)


def met_by_moving(units: Sequence[Unit], superior: Unit) -> Iterator[str]:
    """Yield whose roles at or below ``units`` would meet excluded ones if they stood under ``superior``."""
    above = Grant.objects.filter(
        not_over(), unit__tree_id=superior.tree_id, unit__lft__lte=superior.lft, unit__rght__gte=superior.rght
    )
    holders = list(above.select_related("unit", "user"))
    if not holders:
        return
    inside = Q()
    for unit in units:
        inside |= Q(unit__tree_id=unit.tree_id, unit__lft__gte=unit.lft, unit__rght__lte=unit.rght)
    people = {grant.user.person_id for grant in holders} - {None}
    same = Q(user__in={grant.user_id for grant in holders}) | Q(user__person__in=people)
    for grant in Grant.objects.filter(not_over(), inside, same).select_related("unit", "user"):
        for other in holders:
            if grant.pk != other.pk and _meet(grant.user, grant, other):
                yield (
                    f"“{grant.user}”在“{grant.unit.name}”有“{grant.get_role_display()}”授权,"
                    f"在“{other.unit.name}”有“{other.get_role_display()}”授权:两者不能由一人担任,"
                    "请先结束其中一项授权,再调整隶属。"
                )


def exclude(one: str, other: str) -> bool:
    """Whether two roles exclude each other."""
    return other in EXCLUDED.get(one, ()) or one in EXCLUDED.get(other, ())


def overlap(one: Unit, other: Unit) -> bool:
    """Whether a grant at one of the units reaches the other."""
    return one.tree_id == other.tree_id and (
        one.lft <= other.lft <= one.rght or other.lft <= one.lft <= other.rght
    )


def message(role: str, held: str, unit: Unit) -> str:
    """Say why somebody who holds ``held`` at a unit does not get ``role``."""
    return (
        f"该用户在“{unit.name}”有“{GrantRole(held).label}”授权,不能同时有“{GrantRole(role).label}”授权:"
        "审计与录入、审批、管理员须由不同的人担任。请换一人,或先结束原授权。"
    )


def held_by(users: Iterable[User]) -> list[Grant]:
    """Return what these users, or other logins of the same people, hold today or later."""
    known = list(users)
    keys, people = {user.pk for user in known} - {None}, {user.person_id for user in known} - {None}
    rows = Grant.objects.filter(Q(user__in=keys) | Q(user__person__in=people), not_over())
    return list(rows.select_related("unit", "user").order_by("pk"))


def check(proposal: Holding, held: Iterable[Grant]) -> Wrong:
    """Yield why a role cannot be held beside ``held``."""
    if proposal.user.is_superuser and proposal.role == AUDITOR:
        yield "superuser_audits", "role", "系统管理员可以办理一切,不能再担任审计,请换一人。"
    for grant in held:
        is_other = (grant.pk is None or grant.pk != proposal.grant) and overlap(grant.unit, proposal.unit)
        if is_other and _meet(proposal.user, proposal, grant):
            yield "roles_exclude", "role", message(proposal.role, grant.role, grant.unit)


def _meet(user: User, one: Holding | Grant, grant: Grant) -> bool:
    """Whether somebody would hold ``one`` and the grant on the same days, though their roles exclude that."""
    before = grant.ended_on is not None and grant.ended_on <= one.started_on
    after = one.ended_on is not None and one.ended_on <= grant.started_on
    return exclude(one.role, grant.role) and not (before or after) and _same(user, grant.user)


def _same(one: User, other: User) -> bool:
    """Whether two logins are of one person; new ones have no key yet."""
    is_one = one is other or (one.pk is not None and one.pk == other.pk)
    return is_one or (one.person_id is not None and one.person_id == other.person_id)
