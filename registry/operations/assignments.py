"""What can be done with assignments (编入): assign, correct, change role, transfer, end, withdraw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import Q, prefetch_related_objects

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.models import Assignment, Organization, Person, Role
from registry.models.journal import rewrite
from registry.models.kinds import PENDING_STATES
from registry.models.writer import write_new
from registry.operations import seen
from registry.operations.base import (
    check_version,
    edited,
    fresh_all,
    need_approval,
    need_right,
    operation,
    renew,
    stamp,
    write_each,
)
from registry.refusals import need_reason, refuse
from registry.rules import placements
from registry.rules.findings import refuse_if


def place(actor: Actor, assignments: Iterable[Assignment]) -> list[Assignment]:
    """Write new assignments, all or none. A new secretary of an approved organization needs approval.

    For operations only: the caller holds the locks of the organizations' trees and writes the record.
    Raises ``OperationRefused`` at field ``members`` (who is in twice) or ``started_on``.
    """
    new = list(assignments)
    proposals = [
        placements.Placement(row.person, row.organization, row.role, row.started_on, row.ended_on)
        for row in new
    ]
    refuse_if(placements.refusals(proposals), person="members", role="members")
    need_approval_of_heads(actor, "assign_person", [(row, row.role, row.started_on) for row in new])
    write_new(new)
    return new


@operation
def place_people(
    *,
    actor: Actor,
    assignments: Sequence[Assignment],
    relieve: Sequence[Assignment] = (),
    reason: str = "",
) -> Sequence[Assignment]:
    """Place people: new assignments, each of a person in an organization, with a role, from a day.

    ``relieve`` are secretaries there who become members on the day on which the new one begins.
    """
    locks.lock_organization_trees({row.organization for row in assignments})
    if relieve:
        change_roles(actor=actor, changes=relieved(assignments, relieve), reason=reason)
    renew(assignments, "organization")
    need_right(actor, "assign_person", *assignments)
    with following(people=[row.person for row in assignments]):
        renew(assignments, "person")  # now that nobody else changes them
        place(actor, assignments)
    _stamp_pending(actor, assignments)
    record_placed(actor, assignments, reason)
    return assignments


def relieved(new: Sequence[Assignment], old: Sequence[Assignment]) -> list[tuple[Assignment, str, date]]:
    """Return the changes of role of ``old`` secretaries: members from the day on which the ``new`` begin."""
    days = {row.organization_id: row.started_on for row in new if row.role == Role.SECRETARY}
    member = Role.MEMBER.value
    return [
        (row, member, days[row.organization_id])
        for row in old
        if row.role == Role.SECRETARY and row.organization_id in days
    ]


@operation
def assign_people(
    *,
    actor: Actor,
    members: Sequence[tuple[Person, str]],
    relieve: Sequence[Assignment] = (),
    **facts: Any,
) -> list[Assignment]:
    """Place many people, each with a role, all with the same ``facts`` (``organization``, ``started_on``)."""
    if not members:
        raise refuse("members", "请至少选择一人。")
    new = [Assignment(person=person, role=role, **facts) for person, role in members]
    return list(place_people(actor=actor, assignments=new, relieve=relieve))


@operation
def assign_person(*, actor: Actor, relieve: Sequence[Assignment] = (), **facts: Any) -> Assignment:
    """Place one person in an organization. The formal membership stays as it is."""
    return place_people(actor=actor, assignments=[Assignment(**facts)], relieve=relieve)[0]


@operation
def edit_assignment(
    *,
    actor: Actor,
    assignment: Assignment,
    changes: Mapping[str, Any],
    also: Sequence[Assignment] = (),
    version: int | None = None,
    reason: str = "",
) -> Assignment:
    """Correct first day, last day or document of an assignment; ``also`` get the same first day.

    Another day corrects the counts, so it needs a reason.
    """
    same = {"started_on": changes["started_on"]} if also else {}
    everyone = [(assignment, changes), *((each, same) for each in also)]
    return _corrected(actor, everyone, version, reason)[0]


@operation
def edit_assignments(
    *, actor: Actor, changes: Sequence[tuple[Assignment, Mapping[str, Any]]], reason: str = ""
) -> list[Assignment]:
    """Correct many assignments, each as its changes say: all or none."""
    return _corrected(actor, changes, None, reason)


def _corrected(
    actor: Actor,
    changes: Sequence[tuple[Assignment, Mapping[str, Any]]],
    version: int | None,
    reason: str,
) -> list[Assignment]:
    """Correct assignments; ``version`` is that of the first."""
    rows = _locked([assignment for assignment, _ in changes])
    need_right(actor, "edit_assignment", *rows)
    versions = [version, *[None] * len(rows)]
    asked: list[tuple[Assignment, Assignment, dict[str, Any]]] = []
    for row, (_, given), known in zip(rows, changes, versions, strict=False):
        candidate, wanted = edited(row, given, known, exclude=("person", "organization"))
        if wanted:
            asked.append((row, candidate, wanted))
    proposals = [placements.Correction(candidate, row, reason) for row, candidate, _ in asked]
    refuse_if(placements.correction_refusals(proposals), person="started_on", role="started_on")
    with following(people=[row.person for row, *_ in asked]):
        written = write_each([(row, wanted) for row, _, wanted in sorted(asked, key=_moved)])
    _stamp_pending(actor, [row for row, _, _ in written])
    record_changes(actor, "edit_assignment", [(*each, each[2].get("started_on")) for each in written], reason)
    return rows


def need_approval_of_heads(
    actor: Actor, verb: str, appointed: Sequence[tuple[Assignment, str, date]]
) -> None:
    """Refuse to give an approved Party organization a new secretary unless that is approved.

    ``appointed`` are the assignments, each with its role and the day from which it holds.
    """
    heads = [each for each in appointed if placements.appoints_secretary(each[0].organization, each[1])]
    rows = list(dict.fromkeys(row.organization for row, _, _ in heads))
    need_approval(actor, verb, rows, lambda: _told_heads(heads, len(appointed) - len(heads)))


def _told_heads(heads: Sequence[tuple[Assignment, str, date]], others: int) -> list[tuple[str, str, str]]:
    """Return who is secretary of each organization and who would be, and how many others are placed along."""
    first = min(on for _, _, on in heads)  # who was relieved just now still held the office then
    now = Assignment.objects.valid().filter(
        Q(ended_on__isnull=True) | Q(ended_on__gte=first),
        organization__in={row.organization_id for row, _, _ in heads},
        role=Role.SECRETARY,
    )
    names: dict[int, list[str]] = {}
    for row in now.select_related("person").order_by("pk"):
        names.setdefault(row.organization_id, []).append(row.person.name)
    told = [
        (
            f"{row.organization.name} 书记",
            "、".join(names.get(row.organization_id, ["空"])),
            f"{row.person.name}({on.isoformat()} 起)",
        )
        for row, _, on in heads
    ]
    return [*told, *([("一并办理的编入", "", f"{others:,} 人次")] if others else [])]


def redate(actor: Actor, assignments: Sequence[Assignment], day: date, reason: str) -> None:
    """Change the first day of assignments.

    For operations only: the caller holds the locks, has asked the rules, and follows the counts.
    """
    need_right(actor, "edit_assignment", *assignments)
    written = write_each([(row, {"started_on": day}) for row in assignments])
    record_changes(actor, "edit_assignment", [(*each, day) for each in written], reason)


def _moved(asked: tuple[Assignment, Assignment, dict[str, Any]]) -> tuple[bool, int]:
    """Order corrections so that two of one person never overlap meanwhile: what moves later, last first."""
    row, candidate, _ = asked
    is_later = candidate.started_on > row.started_on
    day = row.started_on.toordinal()
    return not is_later, -day if is_later else day


@operation
def change_role(
    *,
    actor: Actor,
    assignment: Assignment,
    role: str,
    on: date,
    document_number: str = "",
    relieve: Sequence[Assignment] = (),
    version: int | None = None,
) -> Assignment:
    """Give the person another role from day ``on``: ends this assignment and begins the next.

    On the assignment's first day it corrects the role in place. ``relieve`` are the secretaries who become
    members on that day.
    """
    changes = [(assignment, role, on), *((each, Role.MEMBER.value, on) for each in relieve)]
    return change_roles(actor=actor, changes=changes, document_number=document_number, version=version)[0]


@operation
def change_roles(
    *,
    actor: Actor,
    changes: Sequence[tuple[Assignment, str, date]],
    document_number: str = "",
    version: int | None = None,
    reason: str = "",
) -> list[Assignment]:
    """Give many people another role, each from a day of its own; ``version`` is that of the first."""
    rows = _locked([assignment for assignment, _, _ in changes])
    need_right(actor, "change_role", *rows)
    changes = [(row, role, on) for row, (_, role, on) in zip(rows, changes, strict=True)]
    for row, role, _ in changes[:1]:  # that of the form
        check_version(row, version, {"role": role})
    refuse_if(placements.role_refusals([placements.RoleChange(*change) for change in changes]))
    need_approval_of_heads(actor, "change_role", changes)
    written: list[tuple[Assignment, dict[str, Any]]] = []
    entries: list[_Change] = []
    new: list[Assignment] = []
    for row, role, on in changes:
        before, after = {"role": row.role}, {"role": role}
        if on == row.started_on:
            number = document_number or row.document_number
            if number != row.document_number:
                before["document_number"], after["document_number"] = row.document_number, number
            written.append((row, after))
        else:
            if document_number:
                after["document_number"] = document_number
            written.append((row, {"ended_on": on}))
            row = Assignment(
                person=row.person,
                organization=row.organization,
                role=role,
                started_on=on,
                ended_on=row.ended_on,
                document_number=document_number,
                is_sample=row.is_sample,
            )
            new.append(row)
        entries.append((row, before, after, on))
    with following(people=[row.person for row, _, _ in changes]):
        write_each(written)
        write_new(new)
    _stamp_pending(actor, rows)
    record_changes(actor, "change_role", entries, reason)
    return [row for row, *_ in entries]


@operation
def end_assignment(
    *, actor: Actor, assignment: Assignment, on: date, reason: str = "", version: int | None = None
) -> Assignment:
    """End one assignment on day ``on`` (it no longer counts that day).

    An earlier end for one that has ended is a correction, which needs a reason.
    """
    return end_assignments(actor=actor, ends=[(assignment, on)], reason=reason, version=version)[0]


@operation
def end_assignments(
    *,
    actor: Actor,
    ends: Sequence[tuple[Assignment, date]],
    reason: str = "",
    version: int | None = None,
) -> list[Assignment]:
    """End many assignments, each on a day of its own: all or none."""
    rows = _locked([assignment for assignment, _ in ends])
    need_right(actor, "end_assignment", *rows)
    ends = [(row, on) for row, (_, on) in zip(rows, ends, strict=True)]
    for row, on in ends:
        check_version(row, version, {"ended_on": on})
    refuse_if(placements.end_refusals([placements.Ending(row, on, reason) for row, on in ends]))
    with following(people=[row.person for row, _ in ends]):
        written = write_each([(row, {"ended_on": on}) for row, on in ends])
    _stamp_pending(actor, rows)
    record_changes(actor, "end_assignment", [(*each, each[2]["ended_on"]) for each in written], reason)
    return rows


@operation
def transfer_assignments(
    *,
    actor: Actor,
    assignments: Sequence[Assignment],
    organization: Organization,
    on: date,
    role: str = "",
    document_number: str = "",
    relieve: Sequence[Assignment] = (),
    reason: str = "",
) -> Sequence[Assignment]:
    """End the assignments on day ``on`` and place the people in another organization from that day.

    They keep their roles unless ``role`` says another one. It takes the right to end there and to place here.
    """
    prefetch_related_objects(assignments, "organization")
    locks.lock_organization_trees({organization, *(row.organization for row in assignments)})
    if any(row.organization_id == organization.pk for row in assignments):
        raise refuse("organization", f"所选人员中有人就在“{organization.name}”,请选择另一个组织。")
    ended = end_assignments(actor=actor, ends=[(row, on) for row in assignments], reason=reason)
    new = [
        Assignment(
            person=row.person,
            organization=organization,
            role=role or row.role,
            started_on=on,
            document_number=document_number,
            is_sample=row.is_sample,
        )
        for row in ended
    ]
    return place_people(actor=actor, assignments=new, relieve=relieve, reason=reason)


@operation
def withdraw_assignment(*, actor: Actor, assignment: Assignment, reason: str) -> Assignment:
    """Take back an assignment entered by mistake: it counts on no day, the row stays."""
    return withdraw_assignments(actor=actor, assignments=[assignment], reason=reason)[0]


@operation
def withdraw_assignments(*, actor: Actor, assignments: Sequence[Assignment], reason: str) -> list[Assignment]:
    """Take back many assignments entered by mistake: all or none."""
    rows = _locked(assignments)
    need_right(actor, "withdraw_assignment", *rows)
    refuse_if(placements.withdrawal_refusals(rows))
    need_reason(reason, "撤回原因")
    with following(people=[row.person for row in rows]):
        written = write_each([(row, {"is_withdrawn": True}) for row in rows])
    _stamp_pending(actor, rows)
    record_changes(actor, "withdraw_assignment", [(*each, None) for each in written], reason)
    return rows


def _locked(assignments: Sequence[Assignment]) -> list[Assignment]:
    """Take the locks of the organizations' trees and return the rows as they are under them."""
    prefetch_related_objects(assignments, "organization")
    locks.lock_organization_trees({row.organization for row in assignments})
    rows = fresh_all(assignments)
    prefetch_related_objects(rows, "person", "organization__unit")
    seen.meet(list({row.organization for row in rows}))
    return rows


def _stamp_pending(actor: Actor, assignments: Sequence[Assignment]) -> None:
    """Note on organizations that wait for approval who changed their members last: who never approves."""
    by = stamp(actor)
    pending = {row.organization_id for row in assignments if row.organization.state in PENDING_STATES}
    if by and pending:
        rewrite(Organization.objects.filter(pk__in=pending), **by)


_Change = tuple[Assignment, Mapping[str, Any], Mapping[str, Any], date | None]
"""An assignment, what it had before, what it has now, and since when."""


def record_placed(actor: Actor, assignments: Sequence[Assignment], reason: str = "") -> None:
    """Put new assignments into the record: that of the organization's unit and of the person's own."""
    record_changes(
        actor,
        "assign_person",
        [(row, {}, {"role": row.role, "started_on": row.started_on}, row.started_on) for row in assignments],
        reason,
    )


def record_changes(actor: Actor, verb: str, changes: Sequence[_Change], reason: str) -> None:
    """Put changes of assignments into the record: that of the organization's unit and of the person's own."""
    prefetch_related_objects([row for row, *_ in changes], "organization__unit", "person__home_unit")
    audit.record_all(
        [
            audit.entry(
                actor,
                verb,
                row,
                before=before,
                after={**after, "person": row.person, "organization": row.organization},
                reason=reason,
                effective_on=on,
                name=f"{row.person.name} · {row.organization.name}",
            )
            for row, before, after, on in changes
        ]
    )
