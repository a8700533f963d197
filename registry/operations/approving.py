"""The steps of an organization's approval: submit, approve, return; one or many, all or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils import timezone

from registry import audit, locks
from registry.audit import Actor, Decision
from registry.counting.totals.write import following
from registry.models import Campaign, Organization
from registry.operations.base import fresh_all, need_right, operation, write_each
from registry.refusals import need_reason
from registry.rules import approving, campaigns, workflow
from registry.rules.findings import refuse_if
from registry.search import index as search


@operation
def submit_organization(*, actor: Actor, organization: Organization) -> Organization:
    """Submit a draft or returned entry for approval."""
    return submit_organizations(actor=actor, organizations=[organization])[0]


@operation
def submit_organizations(*, actor: Actor, organizations: Sequence[Organization]) -> list[Organization]:
    """Submit many entries for approval: all or none."""
    rows = _at_step(actor, workflow.SUBMIT, organizations)
    return set_state(actor, workflow.SUBMIT, rows, "", [{}] * len(rows))


@operation
def approve_organization(
    *,
    actor: Actor,
    organization: Organization,
    approval_number: str = "",
    approving_organization: Organization | None = None,
    approved_on: date | None = None,
) -> Organization:
    """Approve a submitted entry; from now on it counts, by its dates. What is given replaces its own."""
    given = {
        "approval_number": approval_number,
        "approving_organization": approving_organization,
        "approved_on": approved_on,
    }
    return _approve(actor, [organization], given, is_kept=False)[0]


@operation
def approve_organizations(
    *,
    actor: Actor,
    organizations: Sequence[Organization],
    approval_number: str = "",
    approving_organization: Organization | None = None,
    approved_on: date | None = None,
) -> list[Organization]:
    """Approve many entries by one document: all or none. Each keeps the number and day that it has.

    The Party organization that approves is the one given, else that which the entry names, else the nearest
    committee above each on the Party line; the day is today unless given.
    """
    given = {
        "approval_number": approval_number,
        "approving_organization": approving_organization,
        "approved_on": approved_on,
    }
    return _approve(actor, organizations, given, is_kept=True)


def _approve(
    actor: Actor, organizations: Sequence[Organization], given: dict[str, Any], *, is_kept: bool
) -> list[Organization]:
    """Approve by the document ``given``; what a row has of it already stays if ``is_kept``."""
    rows = _at_step(actor, workflow.APPROVE, organizations)
    prefetch_related_objects(rows, "approving_organization")
    today, changes = timezone.localdate(), []
    above = approving.nearest(rows, given["approved_on"] or today)
    for row in rows:
        own = {name: getattr(row, name) for name in given}
        by = given["approving_organization"] or own["approving_organization"] or above.get(row.pk)
        first, second = (own, given) if is_kept else (given, own)
        values = {name: first[name] or second[name] for name in given}
        values["approving_organization"] = by
        values["approved_on"] = values["approved_on"] or today
        changes.append(values)
    refuse_if(
        approving.refusals(
            approving.Approval(
                row,
                values["approving_organization"],
                values["approval_number"],
                values["approved_on"],
                actor.user is not None,
            )
            for row, values in zip(rows, changes, strict=True)
        )
    )
    return set_state(actor, workflow.APPROVE, rows, "", changes)


def document_of(actor: Actor, number: str) -> str:
    """Return the number of the document of an approved act: that of its approval, else the one given."""
    return (actor.decision.number if actor.decision is not None else "") or number


def approve_along(actor: Actor, organization: Organization, number: str) -> None:
    """Note on a new organization that the act which founds it was approved, by the actor's decision.

    ``number`` is the document that was given where the decision names none. Refuses where it lacks what the
    founding of a temporary organization needs. For operations only, asked after ``need_approval``.
    """
    known = actor.decision or Decision()
    number = document_of(actor, number)
    proposal = approving.Approval(organization, known.by, number, known.on, actor.user is not None)
    refuse_if(approving.refusals([proposal]))
    now, by = timezone.now(), actor.submitted_by or actor.user
    values = {
        **workflow.values(workflow.FOUND, actor.user, now),
        "submitted_by": by,
        "submitted_at": now if by else None,
        "changed_by": by,
        "approving_organization": known.by,
        "approval_number": number,
        "approved_on": known.on,
    }
    for name, value in values.items():
        setattr(organization, name, value)


@operation
def return_organization(*, actor: Actor, organization: Organization, reason: str) -> Organization:
    """Return a submitted entry with a reason."""
    return return_organizations(actor=actor, organizations=[organization], reason=reason)[0]


@operation
def return_organizations(
    *, actor: Actor, organizations: Sequence[Organization], reason: str
) -> list[Organization]:
    """Return many submitted entries with one reason: all or none."""
    need_reason(reason, "退回原因")
    rows = _at_step(actor, workflow.RETURN, organizations)
    return set_state(actor, workflow.RETURN, rows, reason, [{"return_reason": reason}] * len(rows))


def _at_step(actor: Actor, act: workflow.Act, organizations: Sequence[Organization]) -> list[Organization]:
    """Return the rows under their locks; refuse unless each is where the act of this actor starts.

    What goes on to count must not be left in a campaign that has ended.
    """
    goes_on = act is not workflow.RETURN
    known = {row.campaign_id for row in organizations} - {None} if goes_on else set()
    locks.use_campaigns(Campaign(pk=pk) for pk in known)  # nobody ends them meanwhile
    rows = all_locked(organizations)
    need_right(actor, f"{act.slug}_organization", *rows)
    refuse_if(workflow.refusals(workflow.Step(row, act, actor.user) for row in rows))
    if goes_on:
        if {row.campaign_id for row in rows} - {None} - known:
            raise locks.TreeChanged
        prefetch_related_objects(rows, "campaign")
        refuse_if(campaigns.decision_refusals(rows))
    return rows


def set_state(
    actor: Actor,
    act: workflow.Act,
    organizations: list[Organization],
    reason: str,
    changes: Sequence[Mapping[str, Any]] = ({},),
    verb: str = "",
) -> list[Organization]:
    """Write the state to which the act leads, with further ``changes`` of each row; record it as ``verb``."""
    by = workflow.values(act, actor.user, timezone.now())
    rows = list(zip(organizations, changes, strict=True))
    with following(organizations):
        written = write_each([(row, {**by, **more}) for row, more in rows])
    if any("approval_number" in more for more in changes):
        search.index_rows(organizations)
    told = [(row, workflow.told(before), workflow.told(after)) for row, before, after in written]
    audit.record_each(actor, verb or f"{act.slug}_organization", told, reason=reason)
    return organizations


def all_locked(organizations: Sequence[Organization]) -> list[Organization]:
    """Take the locks of the organizations' trees and return their rows under them, with their units."""
    locks.lock_organization_trees(organizations)
    rows = fresh_all(organizations)
    prefetch_related_objects(rows, "unit")
    return rows
