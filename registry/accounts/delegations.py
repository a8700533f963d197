"""Delegations: an approver hands the right to approve to another one for the days of an absence.

It is no way around the separation of duties (docs/decisions/0041-desk.md). It goes only to somebody who
approves elsewhere in the scope, and whom two managers or one from above made an approver. It gives the right
to approve and nothing else, for ``MOST_DAYS`` at most and no longer than the grant that it is taken from. It
is not handed on. Nobody approves what they submitted, whatever was delegated to them.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from registry import access, audit
from registry.accounts import grants
from registry.audit import Actor
from registry.models import Grant, GrantRole, User
from registry.models.base import on_day
from registry.models.journal import rewrite
from registry.nouns.verbs import APPROVE
from registry.operations import seen
from registry.operations.base import need_right, operation
from registry.refusals import need_reason, refuse

MOST_DAYS = 30


def own(user: access.AnyUser, day: date) -> QuerySet[Grant]:
    """Return the grants by which a user approves on a day, and which can be delegated: their own."""
    held = Grant.objects.filter(on_day(day), user=user.pk or 0, role__in=APPROVE, delegated_from=None)
    return held.select_related("unit", "user").order_by("unit__level", "pk")


def others(user: access.AnyUser) -> list[Grant]:
    """Return by whom a user can be stood in for: who approves in the scope of the user, a grant of each."""
    rows = access.visible(user, Grant.objects.all(), "delegate_approval").filter(
        on_day(timezone.localdate()),
        role__in=APPROVE,
        delegated_from=None,
        user__is_active=True,
        user__is_superuser=False,
    )
    rows = rows.exclude(Q(user=user.pk or 0) | Q(user__person__isnull=False, user__person=_person(user)))
    rows = rows.select_related("unit", "user").order_by("unit__tree_id", "unit__lft", "pk")
    return list({row.user_id: row for row in rows}.values())


def _person(user: access.AnyUser) -> int:
    return getattr(user, "person_id", None) or 0


def about(user: access.AnyUser) -> QuerySet[Grant]:
    """Return the delegations that a user gave or got, the newest first."""
    rows = Grant.objects.filter(delegated_from__isnull=False)
    rows = rows.filter(Q(user=user.pk or 0) | Q(delegated_from__user=user.pk or 0))
    return rows.select_related("unit", "user", "delegated_from__user").order_by("-started_on", "-pk")


@operation
def delegate_approval(
    *, actor: Actor, grant: Grant, user: User, started_on: date, ended_on: date, reason: str
) -> Grant:
    """Give ``user`` the actor's right to approve at the unit of ``grant``, from day to day.

    ``ended_on`` is the first day without it. Raises ``OperationRefused``.
    """
    need_reason(reason, "委托原因")
    user = grants.locked(user)
    grant = Grant.objects.select_related("unit").get(pk=grant.pk)
    need_right(actor, "delegate_approval", grant.unit)
    by = actor.user
    if (
        by is None
        or grant.user_id != by.pk
        or grant.delegated_from_id is not None
        or grant.role not in APPROVE
    ):
        raise refuse("grant", "只能委托自己的审批权限;别人委托来的不能再委托。")
    if user.pk not in {row.user_id for row in others(by)}:
        raise refuse(
            "user",
            "只能委托给管理范围内另一位审批人或管理员。请换一人,或先由管理员授予其审批角色。",
        )
    if ended_on > started_on + timedelta(days=MOST_DAYS):
        raise refuse("ended_on", f"一次最多委托 {MOST_DAYS} 天,请改早;到期后可以再委托。")
    if grant.ended_on is not None and ended_on > grant.ended_on:
        raise refuse("ended_on", f"您的授权到 {grant.ended_on.isoformat()} 为止,委托不能更长。")
    return grants.give(
        actor,
        user,
        grant.unit,
        GrantRole.APPROVER.value,
        started_on,
        ended_on,
        delegated_from=grant,
        reason=reason,
    )


@operation
def end_delegation(*, actor: Actor, grant: Grant) -> Grant:
    """End a delegation today: by who gave it, or by who got it."""
    user = grants.locked(grant.user)
    grant = Grant.objects.select_related("unit", "user", "delegated_from__user").get(pk=grant.pk)
    seen.meet([grant], is_final=True)
    by, source = actor.user, grant.delegated_from
    if source is None or (by is not None and by.pk not in (user.pk, source.user_id)):
        raise refuse(None, "只有委托人和受托人可以结束委托。")
    today = timezone.localdate()
    if grant.ended_on is not None and grant.ended_on <= today:
        raise refuse(None, f"该委托已于 {grant.ended_on.isoformat()} 结束。")
    before, ended_on = grant.ended_on, max(today, grant.started_on)
    rewrite(Grant.objects.filter(pk=grant.pk), ended_on=ended_on)
    grant.ended_on = ended_on
    audit.record(
        actor,
        "end_delegation",
        user,
        unit=grant.unit,
        before={"unit": grant.unit, "role": grant.role, "ended_on": before},
        after={
            "unit": grant.unit,
            "role": grant.role,
            "ended_on": ended_on,
            "delegated_by": str(source.user),
        },
        effective_on=ended_on,
    )
    return grant
