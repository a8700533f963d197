"""What one manager proposes and another confirms: everything about those who audit, approve or manage.

A door that offers it does the operation by ``or_propose``: the operation runs, and when all that it lacks is
a second manager (``grants.NeedsSecond``), it is kept as a proposal instead. Another manager in scope confirms
it, which runs the operation again, with all its rules, as that manager's act.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from registry import access, audit, nouns
from registry.accounts import grants, operations, passwords
from registry.audit import Actor
from registry.models import GrantRole, Proposal, Unit, User
from registry.models.base import in_spans
from registry.operations import seen as shown
from registry.operations.base import need_right, not_allowed, operation
from registry.operations.packing import Key, packed, rows_in, unpacked
from registry.refusals import OperationRefused, refuse
from registry.web.desk import Waiting

NOBODY = "还没有人:本单位和上级单位没有别的管理员,请系统管理员在页面上或服务器上直接办理(都有记录)"
DAYS = 7
"""So long a proposal may be confirmed."""
ACTS: dict[str, Callable[..., Any]] = {
    act.__name__: act
    for act in (
        operations.add_user,
        operations.edit_user,
        operations.disable_user,
        operations.enable_user,
        operations.set_one_time_password,
        grants.grant_role,
        grants.end_grant,
    )
}
MAKE_PASSWORDS = ("add_user", "set_one_time_password")


def or_propose(act: Callable[..., Any]) -> Callable[..., Any]:
    """Return what does the operation, or proposes it where another manager must confirm it."""

    @functools.wraps(act)
    def run(*, actor: Actor, **facts: Any) -> Any:
        try:
            return act(actor=actor, **facts)
        except grants.NeedsSecond as needed:
            return propose(actor=actor, verb=act.__name__, facts=facts, unit=needed.units[0])

    return run


@operation
def propose(*, actor: Actor, verb: str, facts: Mapping[str, Any], unit: Unit) -> Proposal:
    """Keep what another manager must confirm. Raises ``OperationRefused`` when it is proposed already."""
    need_right(actor, verb, unit)
    grant = facts.get("grant")
    user: User | None = grant.user if grant is not None else facts.get("user")
    if actor.user is None or (user is not None and not access.may_grant_to(actor.user, user)):
        raise not_allowed(verb)
    kept = {name: packed(value) for name, value in facts.items()}
    if waiting(Proposal.objects.filter(verb=verb, user=user, facts=kept)).exists():
        raise refuse(None, "这件事已经提出,正在等待确认,不用再提。")
    made = Proposal.objects.create(
        verb=verb,
        user=user,
        unit=unit,
        facts=kept,
        first_half=passwords.half() if verb in MAKE_PASSWORDS else "",
        proposed_by=actor.user,
        until=timezone.now() + timedelta(days=DAYS),
    )
    _record(actor, "propose", made)
    return made


@operation
def confirm_proposal(*, actor: Actor, proposal: Proposal) -> Any:
    """Do what another manager proposed; return what the operation returns, of a password the second half."""
    proposal = _open(actor, proposal)
    by, verb = proposal.proposed_by, proposal.verb
    if actor.user is None or actor.user.pk == by.pk:
        raise refuse(None, "不能确认自己提出的事项,请由另一位管理员确认。")
    if proposal.user is not None and actor.user.pk == proposal.user.pk:
        raise refuse(None, "不能确认与自己有关的事项,请由另一位管理员确认。")
    if not by.is_active or not access.may(by, verb, proposal.unit):
        raise refuse(None, f"提出人“{by}”已不是管理员,请重新提出。")
    first_half = proposal.first_half
    _close(actor, proposal, Proposal.CONFIRMED)
    _record(actor, "confirm_proposal", proposal)
    facts = unpacked(proposal.facts)
    if verb in MAKE_PASSWORDS:
        facts["password"] = first_half + passwords.one_time_password()
    result = ACTS[verb](actor=actor, proposed_by=by, **facts)
    if verb == "add_user":
        user, password = result
        return user, password.removeprefix(first_half)
    return result.removeprefix(first_half) if isinstance(result, str) else result


@operation
def drop_proposal(*, actor: Actor, proposal: Proposal, reason: str) -> Proposal:
    """Take one's own proposal back, or do not agree to another's."""
    proposal = _open(actor, proposal)
    grants.reason_given(reason)
    _close(actor, proposal, Proposal.DROPPED)
    _record(actor, "drop_proposal", proposal, reason=reason)
    return proposal


def waiting(rows: QuerySet[Proposal]) -> QuerySet[Proposal]:
    """Return those that can still be confirmed."""
    return rows.filter(outcome=Proposal.WAITING, until__gt=Now())


def seen(user: access.AnyUser) -> QuerySet[Proposal]:
    """Return the proposals that wait at units where ``user`` manages, the oldest first."""
    rows = waiting(Proposal.objects.all())
    if not access.sees_everything(user):
        rows = rows.filter(in_spans(access.spans(user, "add_user"), "unit__"))
    return rows.select_related("user", "unit", "proposed_by").order_by("pk")


def may_confirm(user: access.AnyUser, proposal: Proposal) -> bool:
    """Whether ``user``, who manages there, is neither the one who proposed it nor the one it is about."""
    return user.pk not in (proposal.proposed_by_id, proposal.user_id)


def _of_others(user: int) -> QuerySet[Proposal]:
    """Return the proposals that wait for another than who proposed them and whom they are about."""
    rows = waiting(Proposal.objects.all())
    return rows.exclude(Q(proposed_by=user) | Q(user=user, user__isnull=False))


TO_CONFIRM = Waiting("confirm_proposal", _of_others)


def to_confirm(user: access.AnyUser) -> QuerySet[Proposal]:
    """Return the proposals that wait for ``user``."""
    return TO_CONFIRM.of(user)


def who_confirms(user: access.AnyUser, proposals: Sequence[Proposal]) -> list[str]:
    """Say who can confirm each: by name if ``user`` sees the unit of the grant, else where to ask."""
    able = access.who_may([(each.verb, each.unit) for each in proposals])
    scope = access.spans(user)
    return [
        access.named([grant for grant in grants if may_confirm(grant.user, each)], scope, "管理员", NOBODY)
        for each, grants in zip(proposals, able, strict=True)
    ]


def described(proposals: Sequence[Proposal]) -> list[str]:
    """Say what is proposed, each in a line."""
    rows = rows_in([each.facts for each in proposals])
    return [_described(each, rows) for each in proposals]


def _described(proposal: Proposal, rows: Mapping[Key, Model]) -> str:
    try:
        facts = unpacked(proposal.facts, rows)
    except OperationRefused:
        return f"{nouns.label_of(proposal.verb)}:涉及的内容已不存在"
    whom = proposal.user or f"{facts.get('display_name', '')}({facts.get('username', '')})"
    said = f"{nouns.label_of(proposal.verb)}:{whom}"
    grant = facts.get("grant")
    role, unit = (grant.role, grant.unit) if grant else (facts.get("role"), facts.get("unit"))
    if role in GrantRole.values and unit is not None:
        said += f" · {unit.label} {GrantRole(role).label}"
    days = [f"{facts[name]} {word}" for name, word in _DAYS if facts.get(name)]
    return " · ".join([said, *days, *_told(facts)])


_DAYS = (("started_on", "起"), ("ended_on", "到期"))


def _told(facts: Mapping[str, Any]) -> Iterable[str]:
    """Yield what else a proposal would do, and why."""
    changes = facts.get("changes") or {}
    yield from (f"{_LABELS[name]}改为“{value or '空'}”" for name, value in changes.items() if name in _LABELS)
    if facts.get("without_second_factor"):
        yield "同时停用二次验证"
    if facts.get("reason"):
        yield f"原因:{facts['reason']}"


_LABELS = {"username": "用户名", "display_name": "姓名", "person": "对应人员"}


def _open(actor: Actor, proposal: Proposal) -> Proposal:
    """Return the proposal's row, locked; refuse unless the actor manages there and it still waits."""
    row = Proposal.objects.select_for_update(of=("self",)).select_related("user", "unit", "proposed_by")
    proposal = row.get(pk=proposal.pk)
    shown.meet([proposal], is_final=True)
    need_right(actor, proposal.verb, proposal.unit)
    if proposal.outcome != Proposal.WAITING:
        raise refuse(None, "这件事已经办理过了。")
    if proposal.until <= timezone.now():
        raise refuse(None, f"这件事提出已超过 {DAYS} 天,不能再办理,请重新提出。")
    return proposal


def _close(actor: Actor, proposal: Proposal, outcome: str) -> None:
    proposal.outcome, proposal.first_half = outcome, ""
    proposal.decided_by, proposal.decided_at = actor.user, timezone.now()
    proposal.save(update_fields=["outcome", "first_half", "decided_by", "decided_at"])


def _record(actor: Actor, verb: str, proposal: Proposal, reason: str = "") -> None:
    told = {"proposal": described([proposal])[0], "proposed_by": str(proposal.proposed_by)}
    name = str(proposal.user or proposal.facts.get("username", ""))
    audit.record(actor, verb, proposal.user, unit=proposal.unit, after=told, reason=reason, name=name)
