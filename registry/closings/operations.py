"""Closing a campaign and reopening it: asked for, then carried out whole or not at all.

A small one is done in the operation that asks; a large one by a worker, which holds the closing by the mark
of its attempt (``attempt``). Either way everything is one transaction: the locks, the judging anew, what is
ended, the totals, the record, and last the closing's own state. So nothing is half visible, what a killed
worker began is gone, and of two who carry out the same only one ends it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connection, transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from registry import audit, locks
from registry.audit import Actor
from registry.closings import rules
from registry.closings.extent import Extent
from registry.closings.models import (
    UNDER_WAY,
    ClosedAssignment,
    ClosedOrganization,
    Closing,
    ClosingState,
)
from registry.counting.totals.many import following_many
from registry.counting.totals.write import following
from registry.models import Assignment, AuditEntry, Campaign, Organization, Unit
from registry.models.writer import analyze
from registry.operations.approving import return_organizations
from registry.operations.base import fresh, need_right, operation, write_all
from registry.operations.campaigns import end_campaign, reopen_campaign
from registry.operations.organizations import withdraw_organizations
from registry.refusals import need_reason, refuse
from registry.rules import workflow
from registry.rules.findings import refuse_if
from registry.search.index import batches
from registry.work import progress, queue
from registry.work.progress import Beat, Progress, no_progress

LARGE = 500
"""More organizations than this are closed, and reopened, by a worker."""
PART = 500
"""So many organizations are ended at a time, so that memory stays bounded."""
CHANGED = "提交之后本任务的组织或编入又有变动,什么都没有办理。请重新查看后果,再办理一次。"

# --- Asking ---------------------------------------------------------------------------------------


@operation
def close_campaign(
    *, actor: Actor, campaign: Campaign, on: date, document_number: str, reason: str
) -> Closing:
    """End a campaign on a day with everything that stands in it, by one document.

    At once, or by a worker when it is large. Raises ``OperationRefused`` with all that stands in
    the way.
    """
    need_reason(reason, "结束原因")
    locks.retire_campaigns([campaign])
    campaign = fresh(campaign)
    need_right(actor, "close_campaign", campaign)
    extent = Extent(campaign, on, actor.user)
    refuse_if(rules.closing_refusals(extent))
    numbers = extent.whole
    if numbers.organizations and not document_number.strip():
        raise refuse("document_number", "请填写撤销文号:一个文号用于本次撤销的全部组织。")
    closing = _put_down(
        Closing(
            campaign=campaign,
            user=actor.user,
            actor=actor.name,
            on=on,
            document_number=document_number,
            reason=reason.strip()[:200],
            mark=extent.mark(),
            organizations=numbers.organizations,
            assignments=numbers.placed,
            address=actor.address,
            request_number=actor.request_number,
        )
    )
    if closing.organizations <= LARGE or actor.user is None:
        return carry_out(actor=actor, closing=closing, attempt=claim(closing.pk))
    audit.record(actor, "ask_closing", campaign, after=closing.numbers, reason=reason, effective_on=on)
    return _leave_to_worker(closing, actor)


def _put_down(closing: Closing) -> Closing:
    try:
        with transaction.atomic():
            closing.save()
    except IntegrityError:
        raise refuse(None, "该专项任务正在结束或恢复,请等它办完。") from None
    return closing


def _leave_to_worker(closing: Closing, actor: Actor) -> Closing:
    from registry.closings.background import closing_task  # which calls this module

    assert actor.user is not None
    closing.job = queue.put(closing_task, closing.pk, user=actor.user)
    closing.save(update_fields=["job"])
    return closing


@operation
def settle_pending(*, actor: Actor, campaign: Campaign, on: date, reason: str) -> tuple[int, int]:
    """Return everything that waits for a decision, with one reason; return how many, and how many others.

    Drafts, and what the actor submitted, cannot be returned (``rules.workflow``): they are withdrawn. Changes
    that other apps hand up are settled first, since they are about organizations that stand.
    """
    campaign = fresh(campaign)
    need_right(actor, "close_campaign", campaign)
    need_reason(reason, "退回原因")
    user, extent = actor.user or AnonymousUser(), Extent(campaign, on, actor.user)
    numbers = [
        due.settle(actor=actor, rows=list(extent.owed(due)), reason=reason)
        for due in extent.dues
        if due.settle is not None
    ]
    returned: list[Organization] = []
    others: list[Organization] = []
    for row in extent.pending():
        (returned if workflow.may_start(workflow.RETURN, row, user) else others).append(row)
    if others:
        withdraw_organizations(actor=actor, organizations=others, reason=reason)
    if returned:
        return_organizations(actor=actor, organizations=returned, reason=reason)
    numbers.append((len(returned), len(others)))
    return sum(number for number, _ in numbers), sum(number for _, number in numbers)


@operation
def cancel_closing(*, actor: Actor, closing: Closing) -> Closing:
    """Give up a closing or a reopening that waits, or that no worker does any more: nothing was changed."""
    closing = fresh(closing)
    need_right(actor, "cancel_closing", closing.campaign)
    if closing.state not in UNDER_WAY:
        raise refuse(None, f"现在是“{closing.get_state_display()}”,不用取消。")
    then = ClosingState.CLOSED if closing.is_undo else ClosingState.CANCELLED
    there = Closing.objects.filter(pk=closing.pk, state=closing.state)
    there.update(state=then, attempt="", message="已取消,什么都没有改变。")
    queue.withdraw(closing.job)
    audit.record(actor, "cancel_closing", closing.campaign, effective_on=closing.on)
    return _reread(closing)


@operation
def reopen_closing(*, actor: Actor, closing: Closing, reason: str) -> Closing:
    """Let everything stand again that a closing ended, until the day after it ends.

    At once, or by a worker when it is large. Raises ``OperationRefused`` with what was built on
    it since, by name.
    """
    need_reason(reason, "恢复原因")
    closing = fresh(closing)
    need_right(actor, "reopen_closing", closing.campaign)
    if not closing.may_be_reopened:
        raise refuse(None, "整体恢复的期限已过,或已经恢复;请按平常的办法办理。")
    refuse_if(rules.reopening_refusals(closing))
    asked = Closing.objects.filter(pk=closing.pk, state=closing.state).update(
        state=ClosingState.UNDO_ASKED,
        attempt="",
        job=None,
        done=0,
        message="",
        undo_user=actor.user,
        undo_actor=actor.name,
        undo_reason=reason.strip()[:200],
        address=actor.address,
        request_number=actor.request_number,
    )
    if not asked:
        raise refuse(None, "该专项任务的状态刚刚变了,请刷新后再试。")
    closing = _reread(closing)
    if closing.organizations <= LARGE or actor.user is None:
        return carry_back(actor=actor, closing=closing, attempt=claim(closing.pk))
    audit.record(actor, "ask_reopening", closing.campaign, reason=reason)
    return _leave_to_worker(closing, actor)


# --- Whose it is ----------------------------------------------------------------------------------


def claim(pk: int) -> str:
    """Begin to carry a closing out, or back; return the mark of this attempt, empty when it is not wanted.

    A task comes to a worker again only when the one before is gone, so what that one began is begun anew.
    """
    attempt = secrets.token_hex(16)
    for waiting, working in (
        (ClosingState.WAITING, ClosingState.WORKING),
        (ClosingState.UNDO_ASKED, ClosingState.UNDOING),
    ):
        wanted = Closing.objects.filter(pk=pk, state__in=[waiting, working])
        if wanted.update(state=working, attempt=attempt, done=0, message=""):
            return attempt
    return ""


def beating(pk: int, attempt: str) -> AbstractContextManager[Beat]:
    """Say every few seconds how far it is."""
    mine = Closing.objects.filter(pk=pk, attempt=attempt, state__in=UNDER_WAY)
    return progress.beating(f"closing {pk}", lambda done: mine.update(done=done))


def fail(pk: int, attempt: str, message: str) -> None:
    """Say why it came to nothing: the campaign goes on, or stays closed."""
    mine = Closing.objects.filter(pk=pk, attempt=attempt)
    for working, then in (
        (ClosingState.WORKING, ClosingState.FAILED),
        (ClosingState.UNDOING, ClosingState.CLOSED),
    ):
        mine.filter(state=working).update(state=then, message=message[:1000])


def _reread(closing: Closing) -> Closing:
    """Return the closing as this act left it."""
    return Closing.objects.select_related("campaign__lead_unit").get(pk=closing.pk)


def _finish(closing: Closing, attempt: str, working: ClosingState, **values: Any) -> Closing:
    """Write the closing's end within the transaction of the act; whoever lost the mark ends nothing."""
    mine = Closing.objects.filter(pk=closing.pk, attempt=attempt, state=working)
    if not attempt or not mine.update(attempt="", done=closing.organizations, **values):
        raise refuse(None, "已由他人重新开始或取消,这一次什么都没有办理。")
    return _reread(closing)


# --- Carrying out ---------------------------------------------------------------------------------


@operation
def carry_out(*, actor: Actor, closing: Closing, attempt: str, progress: Progress = no_progress) -> Closing:
    """Close what was asked for: that, or nothing. Raises ``OperationRefused``."""
    locks.retire_campaigns([closing.campaign])
    campaign = fresh(closing.campaign)
    need_right(actor, "close_campaign", campaign)
    extent = Extent(campaign, closing.on, actor.user)
    _lock_trees(extent.ending())
    refuse_if(rules.closing_refusals(extent))
    if extent.mark() != closing.mark:
        raise refuse(None, CHANGED)
    head = audit.record(
        actor,
        "close_campaign",
        campaign,
        before={"ended_on": None},
        after={"ended_on": closing.on, "closing_number": closing.document_number, **closing.numbers},
        reason=closing.reason,
        effective_on=closing.on,
    )
    _keep(closing, extent)
    _in_parts(closing, lambda keys: _end(actor, closing, keys), progress)
    end_campaign(actor=actor, campaign=campaign, on=closing.on, reason=closing.reason)
    return _finish(
        closing,
        attempt,
        ClosingState.WORKING,
        state=ClosingState.CLOSED,
        closed_at=timezone.now(),
        entry_id=head.pk,
    )


def _lock_trees(organizations: QuerySet[Organization]) -> None:
    """Take the locks of the trees that hold the organizations, and of no other."""
    one_of_each = dict(organizations.order_by().values_list("tree_id", "pk"))
    locks.lock_organization_trees(Organization(pk=pk) for pk in one_of_each.values())


def _keep(closing: Closing, extent: Extent) -> None:
    """Keep what is ended, and what it held before, with the closing: by two statements."""
    ending = extent.ending().order_by().values_list("pk", "dissolved_on", "dissolution_number")
    _insert(ClosedOrganization, ("organization_id", "dissolved_on", "dissolution_number"), closing, ending)
    placed = extent.assignments().order_by().values_list("pk", "organization_id", "ended_on")
    _insert(ClosedAssignment, ("assignment_id", "organization_id", "ended_on"), closing, placed)
    analyze(ClosedOrganization, ClosedAssignment)


def _insert(model: Any, columns: Sequence[str], closing: Closing, rows: QuerySet[Any, Any]) -> None:
    statement, params = rows.query.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} (of_id, {', '.join(columns)}) "
            f"SELECT {int(closing.pk)}, found.* FROM ({statement}) found",
            params,
        )


def _in_parts(closing: Closing, act: Callable[[Sequence[int]], None], progress: Progress) -> None:
    """Do it with the organizations part by part, tree by tree, and follow what that changes in the totals."""
    there = ClosedOrganization.objects.filter(of=closing)
    keys = list(
        there.order_by("organization__tree_id", "organization__lft").values_list("organization_id", flat=True)
    )
    followed: AbstractContextManager[object]
    if len(keys) > LARGE:
        followed = following_many(keys)
    else:
        followed = following(Organization.objects.filter(pk__in=keys))
    with followed:
        done = 0
        for some in batches(keys, PART):
            act(some)
            done += len(some)
            progress(done)


def _end(actor: Actor, closing: Closing, keys: Sequence[int]) -> None:
    """Dissolve these organizations and end the assignments in them, and record each."""
    rows = list(Organization.objects.filter(pk__in=keys).select_related("unit").order_by("tree_id", "lft"))
    values = {"dissolved_on": closing.on, "dissolution_number": closing.document_number}
    held = [{name: getattr(row, name) for name in values} for row in rows]
    _write(_placed(closing, keys), ended_on=closing.on)
    write_all(rows, values)
    audit.record_all(
        [
            audit.entry(
                actor,
                "dissolve_organization",
                row,
                before=before,
                after={**values, "with": closing.campaign},
                reason=closing.reason,
                effective_on=closing.on,
            )
            for row, before in zip(rows, held, strict=True)
        ]
    )


def _placed(closing: Closing, keys: Sequence[int]) -> QuerySet[Assignment]:
    there = ClosedAssignment.objects.filter(of=closing, organization__in=keys)
    return Assignment.objects.filter(pk__in=there.values("assignment"))


def _write(rows: QuerySet[Any], **values: Any) -> None:
    """Write to rows by one statement, as every edit does: with a new version."""
    rows.update(**values, version=F("version") + 1, updated_at=timezone.now())


# --- Carrying back --------------------------------------------------------------------------------


@operation
def carry_back(*, actor: Actor, closing: Closing, attempt: str, progress: Progress = no_progress) -> Closing:
    """Let everything stand again that the closing ended. Raises ``OperationRefused``."""
    there = Organization.objects.filter(
        pk__in=ClosedOrganization.objects.filter(of=closing).values("organization")
    )
    hosts = Unit.objects.filter(pk__in=there.order_by().values("unit"))
    locks.use_units([*hosts, *([closing.campaign.lead_unit] if closing.campaign.lead_unit else [])])
    locks.retire_campaigns([closing.campaign])
    campaign = fresh(closing.campaign)
    need_right(actor, "reopen_closing", campaign)
    _lock_trees(there)
    refuse_if(rules.reopening_refusals(_reread(closing)))
    head = AuditEntry.objects.filter(pk=closing.entry_id or 0).first()
    audit.record(
        replace(actor, undoes=head),
        "reopen_closing",
        campaign,
        before={"ended_on": closing.on},
        after={"ended_on": None, **closing.numbers},
        reason=closing.undo_reason,
        effective_on=closing.on,
    )
    _in_parts(closing, lambda keys: _set_back(closing, keys), progress)
    if campaign.ended_on is not None:
        reopen_campaign(actor=actor, campaign=campaign, reason=closing.undo_reason)
    ClosedAssignment.objects.filter(of=closing).delete()
    ClosedOrganization.objects.filter(of=closing).delete()
    return _finish(
        closing, attempt, ClosingState.UNDOING, state=ClosingState.REOPENED, reopened_at=timezone.now()
    )


def _set_back(closing: Closing, keys: Sequence[int]) -> None:
    organizations = ClosedOrganization.objects.filter(of=closing, organization=OuterRef("pk"))
    assignments = ClosedAssignment.objects.filter(of=closing, assignment=OuterRef("pk"))
    _write(
        Organization.objects.filter(pk__in=keys),
        **{name: Subquery(organizations.values(name)) for name in ("dissolved_on", "dissolution_number")},
    )
    _write(_placed(closing, keys), ended_on=Subquery(assignments.values("ended_on")))
