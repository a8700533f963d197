"""Operations on changes that wait for approval: keep, approve, return, withdraw, submit again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from django.apps import apps
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, prefetch_related_objects
from django.utils import timezone

from registry import access, audit, nouns
from registry.approvals.models import Submission, SubmittedRow
from registry.audit import Actor, Decision
from registry.models import Campaign, Organization, User, WorkflowState
from registry.models.approvable import Approvable
from registry.models.journal import remove
from registry.models.kinds import PARTY_KINDS
from registry.models.prepared import Values
from registry.models.writer import write_new
from registry.operations import seen
from registry.operations.base import fresh_all, need_right, not_allowed, operation, write, write_each
from registry.operations.packing import packed, unpacked
from registry.operations.submitting import acts
from registry.refusals import NeedsApproval, OperationRefused, need_reason, refuse
from registry.rules import approving, workflow
from registry.rules.findings import refuse_if
from registry.rules.organizations import FROZEN

OPEN = (WorkflowState.SUBMITTED.value, WorkflowState.RETURNED.value)
"""The states in which a submission may still be carried out."""
_OF_DECISION = frozenset(("approving_organization", "approval_number", "approved_on"))
_MATTERS = frozenset((*FROZEN, "state", seen.MEMBERS, seen.COVERED))
"""What of an organization may not change between submitting and approving; a wording fix may."""
_SEND_BACK = "请退回,由提交人核对后再次提交。"


# --- What waits -----------------------------------------------------------------------------------


def waiting_for(user: access.AnyUser) -> QuerySet[Submission]:
    """Return the submissions that ``user`` may decide on, the oldest first: not one's own."""
    rows = access.visible(user, Submission.objects.all(), "approve_submission")
    return workflow.decidable(rows, user).order_by("submitted_at", "pk")


def own(user: access.AnyUser) -> QuerySet[Submission]:
    """Return what ``user`` submitted and is still open, what came back first."""
    return Submission.objects.filter(submitted_by=user.pk or 0, state__in=OPEN).order_by("state", "pk")


def open_about(keys: Values, model: str) -> QuerySet[Submission]:
    """Return the open submissions that would change the rows of a model with these keys."""
    rows = SubmittedRow.objects.filter(model=model, object_id__in=keys)
    return Submission.objects.filter(state__in=OPEN, pk__in=rows.values("submission")).order_by("pk")


def of_campaign(campaign: Campaign) -> QuerySet[Submission]:
    """Return the submissions about what ends with a campaign: its organizations, and what is below them.

    A standing Party organization ends with no task; nor does what is below it for that alone.
    """
    own = Organization.objects.exclude(kind__in=PARTY_KINDS, is_temporary=False).filter(campaign=campaign)
    above = own.filter(tree_id=OuterRef("tree_id"), lft__lt=OuterRef("lft"), rght__gt=OuterRef("rght"))
    rows = SubmittedRow.objects.filter(model=Organization._meta.label_lower)
    about = Organization.objects.filter(
        Q(pk__in=own.order_by().values("pk")) | Exists(above.order_by()), pk__in=rows.values("object_id")
    )
    there = rows.filter(object_id__in=about.order_by().values("pk"))
    return Submission.objects.filter(pk__in=there.values("submission"))


def about_of(submission: Submission) -> Model | None:
    """Return the row that a submission is about: the first one that it would change, if it is there."""
    first = submission.rows.order_by("pk").first()
    model: Any = apps.get_model(first.model) if first is not None else None
    if first is None or not nouns.describes(model):
        return None
    row: Model | None = nouns.of(model).with_related().filter(pk=first.object_id).first()
    return row


def differences(submission: Submission) -> list[tuple[str, str, str]]:
    """Return what it would change: (label, as it is, as it would be)."""
    return [(label, old, new) for label, old, new in submission.told]


def returned(user: access.AnyUser, verb: str, row: Model) -> Submission | None:
    """Return what came back to ``user`` of this act about one row, the newest first."""
    if not isinstance(row, Approvable):
        return None
    return _about(user, row, verb, verb).filter(state=WorkflowState.RETURNED).order_by("-pk").first()


def _about(user: access.AnyUser, row: Model, verb: str, act: str) -> QuerySet[Submission]:
    """Return what ``user`` submitted of this act about a row and is still open."""
    named = SubmittedRow.objects.filter(model=row._meta.label_lower, object_id=row.pk)
    return own(user).filter(verb=verb, act=act, pk__in=named.values("submission"))


# --- Submitting -----------------------------------------------------------------------------------


@operation
def keep(*, actor: Actor, needed: NeedsApproval, facts: Mapping[str, Any]) -> Submission:
    """Keep what another person has to approve; the same again mends one's own that is still open.

    Raises ``OperationRefused`` when it waits already as it is.
    """
    about = needed.rows[0]
    unit = nouns.of(about).unit_of(about)
    if actor.user is None or unit is None:
        raise not_allowed(needed.verb)
    values = {
        "facts": {name: packed(value) for name, value in facts.items()},
        "told": needed.told,
        "reason": str(facts.get("reason", ""))[:300],
        "subject": f"{about}等 {len(needed.rows):,} 个" if len(needed.rows) > 1 else str(about),
        "unit": unit,
        "organization": about if isinstance(about, Organization) else None,
    }
    same = _same(actor.user, needed, facts)
    by = workflow.values(workflow.ENTER, actor.user, timezone.now())
    if same is None:
        same = Submission(verb=needed.verb, act=needed.act, changed_by=actor.user, **values, **by)
        write_new([same])
    elif same.state == WorkflowState.SUBMITTED and same.facts == values["facts"]:
        raise refuse(None, "这项变更已经提交,正在等待审批,不用再提。")
    else:
        write(same, {**values, **by, "changed_by_id": actor.user.pk})
        remove(same.rows.all())
    write_new(_marked(same, needed.rows))
    _record(actor, "submit_change", same, same.reason)
    return same


def _same(user: User, needed: NeedsApproval, facts: Mapping[str, Any]) -> Submission | None:
    """Return one's own open submission of the same verb about the same rows: the new one takes its place."""
    if not isinstance(needed.rows[0], Approvable):
        return None
    rows = _about(user, needed.rows[0], needed.verb, needed.act)
    keys = {row.pk for row in needed.rows}
    for each in rows.prefetch_related("rows"):
        if {row.object_id for row in each.rows.all()} == keys:
            return each
    return None


def _marked(submission: Submission, rows: Sequence[Model]) -> list[SubmittedRow]:
    return [
        SubmittedRow(submission=submission, model=row._meta.label_lower, object_id=row.pk, mark=mark)
        for row, mark in zip(rows, _marks(rows), strict=True)
    ]


def _marks(rows: Sequence[Model]) -> list[str]:
    """Return the marks of rows of one model, of organizations with their members."""
    beside = (seen.MEMBERS,) if rows and isinstance(rows[0], Organization) else ()
    return seen.marks(rows, *beside)


@operation
def submit_submission(*, actor: Actor, submission: Submission) -> Submission:
    """Submit again what was returned, as it is."""
    (row,) = _at_step(actor, workflow.SUBMIT, [submission])
    _need_own(actor, row)
    _check_unchanged([row], "请撤回这项申请,需要的在该组织的页面上重新办理。")
    return _decided(actor, workflow.SUBMIT, [row], "", {})[0]


@operation
def settle_submissions(*, actor: Actor, rows: Sequence[Submission], reason: str) -> tuple[int, int]:
    """Return all of these, with one reason; withdraw the actor's own, which they never decide on.

    Returns how many were returned, and how many withdrawn.
    """
    own = [row for row in rows if actor.user is not None and workflow.is_own(actor.user, row)]
    others = [row for row in rows if row not in own]
    for row in own:
        withdraw_submission(actor=actor, submission=row, reason=reason)
    if others:
        return_submissions(actor=actor, submissions=others, reason=reason)
    return len(others), len(own)


@operation
def withdraw_submission(*, actor: Actor, submission: Submission, reason: str) -> Submission:
    """Take one's own submission back: what stands stays."""
    need_reason(reason, "撤回原因")
    (row,) = _at_step(actor, workflow.WITHDRAW, [submission])
    _need_own(actor, row)
    return _decided(actor, workflow.WITHDRAW, [row], reason, {})[0]


def _need_own(actor: Actor, submission: Submission) -> None:
    if actor.user is not None and not workflow.is_own(actor.user, submission):
        raise refuse(None, f"“{submission}”由{submission.submitted_by}提交,请由本人办理,或由审批人退回。")


# --- Deciding -------------------------------------------------------------------------------------


@operation
def return_submissions(*, actor: Actor, submissions: Sequence[Submission], reason: str) -> list[Submission]:
    """Return submissions with a reason, all or none."""
    need_reason(reason, "退回原因")
    rows = _at_step(actor, workflow.RETURN, submissions)
    return _decided(actor, workflow.RETURN, rows, reason, {"return_reason": reason})


@operation
def return_submission(*, actor: Actor, submission: Submission, reason: str) -> Submission:
    """Return one submission with a reason."""
    return return_submissions(actor=actor, submissions=[submission], reason=reason)[0]


@operation
def approve_submission(*, actor: Actor, submission: Submission, **given: Any) -> Submission:
    """Approve one submission: it is carried out."""
    return approve_submissions(actor=actor, submissions=[submission], **given)[0]


@operation
def approve_submissions(
    *,
    actor: Actor,
    submissions: Sequence[Submission],
    approval_number: str = "",
    approving_organization: Organization | None = None,
    approved_on: date | None = None,
) -> list[Submission]:
    """Approve submissions by one document, all or none: each is carried out by the operation it names.

    The Party organization that decided is the nearest committee above on the Party line unless given, the day
    is today. Raises ``OperationRefused`` where a row is another thing than it was when this was submitted.
    """
    rows = _at_step(actor, workflow.APPROVE, submissions)
    on = approved_on or timezone.localdate()
    about = [row.organization for row in rows if row.organization is not None]
    above = approving.nearest(about, on)
    refuse_if(
        approving.refusals(
            approving.Approval(
                row.organization, approving_organization, approval_number, on, is_by_user=False
            )
            for row in rows
            if row.organization is not None
        )
    )
    _check_one_each(rows)
    _check_unchanged(rows)  # all before the first is carried out, which may end what is below another
    for row in rows:
        by = approving_organization or above.get(row.organization_id or 0)
        values = {"approving_organization": by, "approval_number": approval_number, "approved_on": on}
        _decided(actor, workflow.APPROVE, [row], "", values)
        _carry_out(replace(actor, decision=Decision(by, approval_number, on)), row)
    return rows


def _carry_out(actor: Actor, submission: Submission) -> None:
    """Run the operation with the right of who submitted it and of who approves it, by their decision.

    A decision that cannot be made so is refused at its field.
    """
    by = submission.submitted_by
    if by is None or not by.is_active:
        raise refuse(None, f"提交人“{by}”的账号已停用,请退回后由他人重新提交“{submission}”。")
    access.forget_grants(by)
    try:
        acts()[submission.act](actor=replace(actor, submitted_by=by), **unpacked(submission.facts))
    except NeedsApproval:
        raise
    except OperationRefused as refusal:
        if refusal.message_dict.keys() <= _OF_DECISION:
            raise
        said = ";".join(refusal.messages)
        raise refuse(None, f"“{submission}”的{nouns.label_of(submission.verb)}现在不能办理:{said}") from None


def _check_one_each(submissions: Sequence[Submission]) -> None:
    """Refuse two changes of one row at once: each is decided on what the other leaves."""
    seen_once: set[tuple[str, int]] = set()
    for each in submissions:
        first = min(each.rows.all(), key=lambda row: row.pk, default=None)
        about = (first.model, first.object_id) if first is not None else None
        if each.organization_id is not None:
            about = ("", each.organization_id)
        if about in seen_once:
            raise refuse(None, f"“{each.organization or each.subject}”有不止一项变更,请逐项审批。")
        if about is not None:
            seen_once.add(about)


def _check_unchanged(submissions: Sequence[Submission], then: str = _SEND_BACK) -> None:
    """Refuse where rows are another thing than they were; ``then`` says what to do."""
    for said in stale(submissions, then).values():
        raise refuse(None, said)


def stale(submissions: Sequence[Submission], then: str = _SEND_BACK) -> dict[int, str]:
    """Say of which rows are another thing than they were: something else would be done now.

    Returns a sentence by the key of each such submission, which ends with ``then``.
    """
    prefetch_related_objects(submissions, "rows")
    found: dict[int, str] = {}
    keys: dict[str, set[int]] = {}
    for each in (each for submission in submissions for each in submission.rows.all()):
        keys.setdefault(each.model, set()).add(each.object_id)
    now: dict[tuple[str, int], tuple[Model, str]] = {}
    for label, pks in keys.items():
        rows = list(apps.get_model(label)._base_manager.filter(pk__in=pks))
        now |= {(label, row.pk): (row, mark) for row, mark in zip(rows, _marks(rows), strict=True)}
    for submission in submissions:
        for each in submission.rows.all():
            if (each.model, each.object_id) not in now:
                found[submission.pk] = f"“{submission}”涉及的内容有的已不存在,{then}"
                continue
            row, mark = now[each.model, each.object_id]
            names = seen.differences(each.mark, mark)
            if isinstance(row, Organization):
                names = [name for name in names if name in _MATTERS]
            if names:
                found[submission.pk] = f"提交之后“{row}”的{_labels(row, names)}已变动,{then}"
    return found


def _labels(row: Model, names: Sequence[str]) -> str:
    known = {each.name: str(each.verbose_name) for each in row._meta.concrete_fields}
    return "、".join(known.get(name, name) for name in names)


# --- Writing --------------------------------------------------------------------------------------


def _at_step(actor: Actor, act: workflow.Act, submissions: Sequence[Submission]) -> list[Submission]:
    """Return the rows, locked; refuse unless each is where the act of this actor starts."""
    list(Submission.objects.select_for_update().filter(pk__in=[row.pk for row in submissions]).order_by("pk"))
    rows = fresh_all(submissions)
    prefetch_related_objects(rows, "unit", "organization", "submitted_by", "rows")
    need_right(actor, f"{act.slug}_submission", *rows)
    refuse_if(workflow.refusals(workflow.Step(row, act, actor.user) for row in rows))
    return rows


def _decided(
    actor: Actor, act: workflow.Act, rows: list[Submission], reason: str, values: Mapping[str, Any]
) -> list[Submission]:
    by = {**workflow.values(act, actor.user, timezone.now()), **values}
    write_each([(row, by) for row in rows])
    for row in rows:
        _record(actor, f"{act.slug}_submission", row, reason)
    return rows


def _record(actor: Actor, verb: str, submission: Submission, reason: str) -> None:
    told = ";".join(f"{label}:{old or '空'} → {new or '空'}" for label, old, new in submission.told)
    audit.record(
        actor,
        verb,
        submission,
        unit=submission.unit,
        after={
            "matter": nouns.label_of(submission.verb),
            "change": told,
            "submitter": str(submission.submitted_by or ""),
        },
        reason=reason,
        name=submission.subject,
    )
