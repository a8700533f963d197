"""Grants: give and end them; and what is asked of everybody who does something with another user.

Auditors, approvers and managers are appointed, ended, disabled and reset by two people or from above
(``need_two``): a single manager of their own unit proposes it, and another one confirms
(``registry.accounts.proposals``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.utils import timezone

from registry import access, audit
from registry.audit import Actor
from registry.locks import use_units
from registry.models import Grant, GrantRole, Unit, User
from registry.models.base import on_day
from registry.models.journal import rewrite
from registry.operations import seen
from registry.operations.base import fresh, need_right, not_allowed, operation
from registry.refusals import OperationRefused, refuse
from registry.rules import separation
from registry.rules.findings import refuse_if


class NeedsSecond(OperationRefused):
    """The request is allowed, but another manager must confirm it."""

    def __init__(self, units: Sequence[Unit]) -> None:
        roles = "、".join(f"“{GrantRole(role).label}”" for role in separation.GUARDED)
        message = (
            f"{roles}的授权和账号须由两人办理:请在用户页面上提出,由本单位另一管理员或上级单位的管理员确认;"
            "上级单位的管理员可以直接办理。"
        )
        super().__init__({NON_FIELD_ERRORS: [message]})
        self.units = units


def need_two(actor: Actor, verb: str, units: Sequence[Unit], proposed_by: User | None) -> None:
    """Refuse what one manager may not do alone at these units, unless another one proposed it.

    Asked last, when everything else is in order: an operation that is refused writes nothing. Who manages a
    unit above does it alone, and so does a command.
    """
    by = actor.user
    if by is None or access.is_above(by, verb, units):
        return
    if proposed_by is None or proposed_by.pk == by.pk:
        raise NeedsSecond(units)


def guarded_units(user: User) -> list[Unit]:
    """Return the units at which the user holds, now or later, a role that no single manager touches."""
    rows = Grant.objects.filter(separation.not_over(), user=user, role__in=separation.GUARDED)
    return [grant.unit for grant in rows.select_related("unit").order_by("unit__level", "pk")]


@operation
def grant_role(
    *,
    actor: Actor,
    user: User,
    unit: Unit,
    role: str,
    started_on: date,
    ended_on: date | None = None,
    proposed_by: User | None = None,
) -> Grant:
    """Give ``user`` a role at ``unit`` and below, from a day to another. Raises ``OperationRefused``."""
    user = locked(user)
    not_oneself(actor, user, "不能给自己授权。")
    need_right_over(actor, "grant_role", user, unit)
    return give(actor, user, unit, role, started_on, ended_on, proposed_by)


def give(
    actor: Actor,
    user: User,
    unit: Unit,
    role: str,
    started_on: date,
    ended_on: date | None,
    proposed_by: User | None = None,
    *,
    delegated_from: Grant | None = None,
    reason: str = "",
) -> Grant:
    """Write a grant, if the days, the unit and what the user holds already allow it. For operations only.

    A delegation (``delegated_from``) has been checked by ``registry.accounts.delegations``.
    """
    if role not in GrantRole.values:
        raise refuse("role", "请选择角色。")
    if started_on < timezone.localdate():
        raise refuse("started_on", "授权不能追溯:开始日期须为今天或更晚。")
    if ended_on is not None and ended_on <= started_on:
        raise refuse("ended_on", "到期日期须晚于开始日期。")
    use_units([unit])
    unit = fresh(unit)
    if unit.closed_on is not None and unit.closed_on <= timezone.localdate():
        raise refuse("unit", f"“{unit.name}”已撤销,不能授权。")
    for held in Grant.objects.filter(user=user, unit=unit, role=role):
        ends_before = ended_on is not None and ended_on <= held.started_on
        if not ends_before and (held.ended_on is None or held.ended_on > started_on):
            raise refuse(
                "role",
                (
                    f"该用户在此单位已有“{GrantRole(role).label}”授权("
                    f"自 {held.started_on.isoformat()} 起),请先结束原授权或错开日期。"
                ),
            )
    refuse_if(separation.refusals([separation.Holding(user, unit, role, started_on, ended_on)]))
    grant = Grant.objects.create(
        user=user,
        unit=unit,
        role=role,
        started_on=started_on,
        ended_on=ended_on,
        delegated_from=delegated_from,
    )
    by = {"delegated_by": str(delegated_from.user)} if delegated_from is not None else {}
    audit.record(
        actor,
        "grant_role" if delegated_from is None else "delegate_approval",
        user,
        unit=unit,
        after={"unit": unit, "role": role, "started_on": started_on, "ended_on": ended_on, **by},
        reason=reason,
        effective_on=started_on,
    )
    if role in separation.GUARDED and delegated_from is None:
        need_two(actor, "grant_role", [unit], proposed_by)
    return grant


@operation
def end_grant(*, actor: Actor, grant: Grant, reason: str, proposed_by: User | None = None) -> Grant:
    """End a grant today: from now on it gives nothing. Raises ``OperationRefused``."""
    user = locked(grant.user)
    not_oneself(actor, user, "不能结束自己的授权,请由其他管理员办理。")
    grant = Grant.objects.select_related("unit", "user").get(pk=grant.pk)
    need_right_over(actor, "end_grant", user, grant.unit)
    seen.meet([grant], is_final=True)
    reason_given(reason)
    today = timezone.localdate()
    if grant.ended_on is not None and grant.ended_on <= today:
        raise refuse(None, f"该授权已于 {grant.ended_on.isoformat()} 结束。")
    before = grant.ended_on
    grant.ended_on = max(today, grant.started_on)
    rewrite(Grant.objects.filter(pk=grant.pk), ended_on=grant.ended_on)
    audit.record(
        actor,
        "end_grant",
        user,
        unit=grant.unit,
        before={"unit": grant.unit, "role": grant.role, "ended_on": before},
        after={"unit": grant.unit, "role": grant.role, "ended_on": grant.ended_on},
        reason=reason,
        effective_on=grant.ended_on,
    )
    if grant.role in separation.GUARDED and grant.delegated_from_id is None:
        need_two(actor, "end_grant", [grant.unit], proposed_by)
    return grant


def guard_taking_back(actor: Actor, rows: Sequence[Any]) -> None:
    """Check grants whose end would be taken back as new grants are checked."""
    for grant in (row for row in rows if isinstance(row, Grant)):
        user = locked(grant.user)
        not_oneself(actor, user, "不能恢复自己的授权,请由其他管理员办理。")
        need_right_over(actor, "end_grant", user, grant.unit)
        if grant.unit.closed_on is not None and grant.unit.closed_on <= timezone.localdate():
            raise refuse(None, f"“{grant.unit.name}”已撤销,不能授权。")
        again = separation.Holding(user, grant.unit, grant.role, grant.started_on, None, grant.pk)
        others = Grant.objects.filter(user=user, unit=grant.unit, role=grant.role).exclude(pk=grant.pk)
        if others.filter(separation.not_over(grant.started_on)).exists():
            raise refuse(None, f"该用户在此单位又有了“{GrantRole(grant.role).label}”授权,不用恢复。")
        refuse_if(separation.refusals([again]), role="")
        if grant.role in separation.GUARDED:
            need_two(actor, "end_grant", [grant.unit], None)


# --- Checks before an act on another user ----------------------------------------------------------


def unit_of(user: User) -> Unit | None:
    """Return the highest unit at which the user holds something today, for the record."""
    valid = Grant.objects.filter(on_day(timezone.localdate()), user=user).select_related("unit")
    units: Iterable[Unit] = sorted(
        (grant.unit for grant in valid), key=lambda unit: (unit.level, unit.tree_id, unit.lft)
    )
    return next(iter(units), None)


def locked(user: User) -> User:
    """Return the user's row as it is now, kept from others until the transaction ends."""
    return User.objects.select_for_update().get(pk=user.pk)


def not_oneself(actor: Actor, user: User, message: str) -> None:
    """Refuse an act on one's own account."""
    if actor.user is not None and actor.user.pk == user.pk:
        raise refuse(None, message)


def need_right_over(actor: Actor, verb: str, user: User, unit: Unit | None = None) -> None:
    """Refuse unless the actor sees ``user`` and may do it at ``unit``, or at all that ``user`` holds."""
    need_right(actor, verb, *([unit] if unit is not None else []))
    seen.meet([user], is_final=True)
    by = actor.user
    if by is None:
        return
    may = access.may_control(by, user, verb) if unit is None else access.may_grant_to(by, user)
    if not may or not access.users_seen(by).filter(pk=user.pk).exists():
        raise not_allowed(verb)


def reason_given(reason: str) -> None:
    """Refuse what needs a reason and has none."""
    if not reason.strip():
        raise refuse("reason", "请填写原因。")
