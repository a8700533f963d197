"""What can be done with assignments (编入): assign, assign many, change role, end, withdraw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.models import Assignment, Organization, Person, Role
from registry.operations.base import check_version, fresh, need_right, operation, write
from registry.refusals import need_reason, refuse
from registry.rules import placements
from registry.rules.findings import refuse_if


def place_members(
    organization: Organization,
    members: Sequence[tuple[Person, str]],
    *,
    started_on: date,
    document_number: str,
    ended_on: date | None = None,
) -> list[Assignment]:
    """Create the assignments of ``members`` (person, role), all or none.

    For operations only: the caller holds the lock of the organization's tree and writes the record.
    Raises ``OperationRefused`` at field ``members`` (who is in twice) or ``started_on``.
    """
    if not members:
        return []
    proposals = [
        placements.Placement(person, organization, role, started_on, ended_on) for person, role in members
    ]
    refuse_if(placements.refusals(proposals), person="members", role="members")
    return Assignment.objects.bulk_create(
        Assignment(
            person=person,
            organization=organization,
            role=role,
            started_on=started_on,
            ended_on=ended_on,
            document_number=document_number,
        )
        for person, role in members
    )


@operation
def assign_people(
    *,
    actor: Actor,
    organization: Organization,
    members: Sequence[tuple[Person, str]],
    started_on: date,
    document_number: str = "",
    ended_on: date | None = None,
) -> list[Assignment]:
    """Place many people, each with a role, in one organization from ``started_on``: all or none."""
    if not members:
        raise refuse("members", "请至少选择一人。")
    locks.lock_organization_trees([organization])
    organization = fresh(organization)
    need_right(actor, "assign_person", organization)
    with following(people=[person for person, _role in members]):
        placed = place_members(
            organization,
            members,
            started_on=started_on,
            ended_on=ended_on,
            document_number=document_number,
        )
    for assignment in placed:
        _record(
            actor,
            "assign_person",
            assignment,
            after={"role": assignment.role, "started_on": started_on},
            on=started_on,
        )
    return placed


@operation
def assign_person(
    *,
    actor: Actor,
    organization: Organization,
    person: Person,
    started_on: date,
    role: str = Role.MEMBER.value,
    document_number: str = "",
    ended_on: date | None = None,
) -> Assignment:
    """Place one person in an organization from ``started_on``. The formal membership stays as it is."""
    return assign_people(
        actor=actor,
        organization=organization,
        members=[(person, role)],
        started_on=started_on,
        document_number=document_number,
        ended_on=ended_on,
    )[0]


@operation
def change_role(
    *,
    actor: Actor,
    assignment: Assignment,
    role: str,
    on: date,
    document_number: str = "",
    version: int | None = None,
) -> Assignment:
    """Give the person another role from day ``on``: ends this assignment and begins the next.

    On the assignment's first day it corrects the role in place.
    """
    assignment = _locked(assignment)
    need_right(actor, "change_role", assignment)
    check_version(assignment, version, {"role": role})
    refuse_if(placements.role_refusals([placements.RoleChange(assignment, role, on)]))
    before, after = {"role": assignment.role}, {"role": role}
    with following(people=[assignment.person]):
        if on == assignment.started_on:
            number = document_number or assignment.document_number
            if number != assignment.document_number:
                before["document_number"], after["document_number"] = assignment.document_number, number
            write(assignment, after)
            changed = assignment
        else:
            ended_on = assignment.ended_on
            write(assignment, {"ended_on": on})
            if document_number:
                after["document_number"] = document_number
            changed = Assignment.objects.create(
                person=assignment.person,
                organization=assignment.organization,
                role=role,
                started_on=on,
                ended_on=ended_on,
                document_number=document_number,
                is_sample=assignment.is_sample,
            )
    _record(actor, "change_role", changed, before=before, after=after, on=on)
    return changed


@operation
def end_assignment(
    *, actor: Actor, assignment: Assignment, on: date, reason: str = "", version: int | None = None
) -> Assignment:
    """End one assignment on day ``on`` (it no longer counts that day).

    An earlier end for one that has ended is a correction, which needs a reason.
    """
    assignment = _locked(assignment)
    check_version(assignment, version, {"ended_on": on})
    with following(people=[assignment.person]):
        return _end(actor, assignment, on, reason)


@operation
def end_assignments(
    *, actor: Actor, assignments: Iterable[Assignment], on: date, reason: str = ""
) -> list[Assignment]:
    """End many assignments on one day: all or none."""
    rows = list(assignments)
    locks.lock_organization_trees([row.organization for row in rows])
    with following(people=[row.person for row in rows]):
        return [_end(actor, fresh(row), on, reason) for row in rows]


@operation
def withdraw_assignment(*, actor: Actor, assignment: Assignment, reason: str) -> Assignment:
    """Take back an assignment entered by mistake: it counts on no day, the row stays."""
    assignment = _locked(assignment)
    need_right(actor, "withdraw_assignment", assignment)
    if assignment.is_withdrawn:
        raise refuse(None, "该编入已撤回。")
    need_reason(reason, "撤回原因")
    with following(people=[assignment.person]):
        before, after = write(assignment, {"is_withdrawn": True})
    _record(actor, "withdraw_assignment", assignment, before=before, after=after, reason=reason)
    return assignment


def _end(actor: Actor, assignment: Assignment, on: date, reason: str) -> Assignment:
    need_right(actor, "end_assignment", assignment)
    refuse_if(placements.end_refusals([placements.Ending(assignment, on, reason)]))
    before, after = write(assignment, {"ended_on": on})
    _record(actor, "end_assignment", assignment, before=before, after=after, reason=reason, on=on)
    return assignment


def _locked(assignment: Assignment) -> Assignment:
    locks.lock_organization_trees([assignment.organization])
    return fresh(assignment)


def _record(
    actor: Actor,
    verb: str,
    assignment: Assignment,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
    on: date | None = None,
) -> None:
    audit.record(
        actor,
        verb,
        assignment,
        unit=assignment.organization.unit,
        before=before,
        after={
            **(after or {}),
            "person": assignment.person,
            "organization": assignment.organization,
        },
        reason=reason,
        effective_on=on,
        name=f"{assignment.person.name} · {assignment.organization.name}",
    )
