"""What can be done with assignments (编入): assign, assign many, change role, end, withdraw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import Q

from registry import access, audit, locks
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.models import Assignment, Organization, Person, Role, WorkflowState
from registry.operations.base import check_version, fresh, need_right, operation, write
from registry.refusals import need_reason, not_in_future, refuse


def refuse_placement(organization: Organization, started_on: date, ended_on: date | None) -> None:
    """Refuse a placement outside the organization's life."""
    if organization.state == WorkflowState.WITHDRAWN:
        raise refuse(None, f"“{organization.name}”已撤回,不能编入人员。")
    not_in_future("started_on", started_on)
    if ended_on is not None and ended_on < started_on:
        raise refuse("ended_on", "结束日期不能早于编入日期。")
    if started_on < organization.established_on:
        raise refuse("started_on", f"编入日期不能早于组织成立日期 {organization.established_on:%Y-%m-%d}。")
    end = organization.dissolved_on
    if end is not None and (ended_on is None or ended_on > end):
        raise refuse("started_on", f"“{organization.name}”已于 {end:%Y-%m-%d} 撤销,编入须在该日前结束。")


def place_members(
    organization: Organization,
    members: Sequence[tuple[Person, str]],
    *,
    started_on: date,
    document_number: str,
    ended_on: date | None = None,
    is_new: bool = False,
) -> list[Assignment]:
    """Create the assignments of ``members`` (person, role), all or none.

    For operations only: the caller holds the lock of the organization's tree and writes the record.
    ``is_new``: it has just made the organization, so that nobody can be in it yet.
    Raises ``OperationRefused`` at field ``members`` (who is in twice) or ``started_on``.
    """
    if not members:
        return []
    refuse_placement(organization, started_on, ended_on)
    names: dict[int, str] = {}
    for person, role in members:
        if person.pk in names:
            raise refuse("members", f"{_named(person)}重复出现。")
        if role not in Role.values:
            raise refuse("members", f"{person.name} 的职责“{role}”不存在。")
        names[person.pk] = _named(person)
    if not is_new:
        _refuse_twice(organization, names, started_on, ended_on)
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


def _refuse_twice(
    organization: Organization, names: Mapping[int, str], started_on: date, ended_on: date | None
) -> None:
    """Nobody of ``names`` (by key) may be in the organization on a day of the new assignment."""
    overlapping = (
        Assignment.objects.valid()
        .filter(organization=organization, person_id__in=list(names))
        .filter(Q(ended_on__isnull=True) | Q(ended_on__gt=started_on))
    )
    if ended_on is not None:
        overlapping = overlapping.filter(started_on__lt=ended_on)
    already = [names[pk] for pk in overlapping.values_list("person_id", flat=True)]
    if already:
        raise refuse("members", f"{'、'.join(already)} 同一时间已在“{organization.name}”。")


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
    not_in_future("on", on)
    if role not in Role.values:
        raise refuse("role", "请选择职责。")
    if role == assignment.role:
        raise refuse("role", "职责没有变化。")
    _refuse_outside(assignment, on)
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
    refuse_end(assignment, on, reason)
    before, after = write(assignment, {"ended_on": on})
    _record(actor, "end_assignment", assignment, before=before, after=after, reason=reason, on=on)
    return assignment


def refuse_end(assignment: Assignment, on: date, reason: str) -> None:
    """Refuse a day on which the assignment cannot end; a correction needs a reason."""
    not_in_future("on", on)
    if assignment.is_withdrawn:
        raise refuse(None, "该编入已撤回。")
    if assignment.ended_on is not None and assignment.ended_on <= on:
        raise refuse(None, f"{assignment.person.name} 的编入已于 {assignment.ended_on:%Y-%m-%d} 结束。")
    if on < assignment.started_on:
        raise refuse("on", f"结束日期不能早于编入日期 {assignment.started_on:%Y-%m-%d}。")
    if assignment.ended_on is not None:
        need_reason(reason, f"更正原因:该编入已登记于 {assignment.ended_on:%Y-%m-%d} 结束")


def _locked(assignment: Assignment) -> Assignment:
    locks.lock_organization_trees([assignment.organization])
    return fresh(assignment)


def _refuse_outside(assignment: Assignment, on: date) -> None:
    if assignment.is_withdrawn:
        raise refuse(None, "该编入已撤回。")
    if on < assignment.started_on or (assignment.ended_on is not None and on >= assignment.ended_on):
        raise refuse("on", "日期须在编入期间之内。")


def _named(person: Person) -> str:
    """Tell namesakes apart without saying the number: operations do not know who reads their messages."""
    return f"{person.name}({access.masked(person.number)})"


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
