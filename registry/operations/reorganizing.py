"""Reorganizing temporary Party organizations: putting together, splitting, following by another kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import prefetch_related_objects

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.models import Assignment, Organization, Role
from registry.operations.approving import all_locked, approve_along, document_of
from registry.operations.assignments import place, record_placed
from registry.operations.base import (
    fresh,
    fresh_all,
    may,
    need_approval,
    need_right,
    operation,
    stamp,
    write_each,
)
from registry.operations.foundings import found
from registry.operations.organizations import EDITABLE, dissolve_organization
from registry.refusals import need_reason
from registry.rules import reorganizing as rules
from registry.rules.findings import refuse_if
from registry.trees.moves import move_last


@dataclass(frozen=True, slots=True)
class Merged:
    """What went over into another branch."""

    into: Organization
    people: int
    organizations: int


@operation
def merge_organization(
    *,
    actor: Actor,
    organization: Organization,
    into: Organization,
    on: date,
    document_number: str = "",
    reason: str = "",
) -> Merged:
    """Put a temporary branch into another one on day ``on``: it is dissolved, its people and groups go over.

    Earlier days stay as they are. Who is in both stays in the other one; a secretary becomes a member, since
    the other branch has its own. The record names both. Raises ``OperationRefused``.
    """
    need_reason(reason, "合并原因")
    both = {row.pk: row for row in all_locked([organization, into])}
    organization, into = both[organization.pk], both[into.pk]
    need_right(actor, "merge_organization", organization, into)
    proposal = rules.Merger(organization, into, on)
    refuse_if(rules.merger_refusals([proposal], lambda row: may(actor, "move_organization", row)))
    leaving = list(rules.staying_on(organization, on).select_related("person__home_unit").order_by("pk"))
    there = set(rules.staying_on(into, on).values_list("person_id", flat=True))
    groups = list(rules.groups_of(organization, on))
    going = [(row, row.ended_on) for row in leaving if row.person_id not in there]
    need_approval(
        actor,
        "merge_organization",
        [organization, into, *groups],
        lambda: [
            ("并入", organization.name, into.name),
            ("合并日期", "", on.isoformat()),
            ("归入", "", f"{len(going):,} 人、下级组织 {len(groups):,} 个"),
        ],
    )
    document_number = document_of(actor, document_number)
    member = Role.MEMBER.value
    with following([organization, into]):
        write_each([(row, {"ended_on": on}) for row in leaving])
        over = [(row, member if row.role == Role.SECRETARY else row.role, until) for row, until in going]
        placed = place(actor, _again(over, into, on, document_number))
    move_last(groups, into, parent_inferred=False, **stamp(actor))
    told = {"people": len(going), "organizations": len(groups)}
    after = ((organization, {"into": into}), (into, {"joined_organization": organization}))
    _record(
        actor, "merge_organization", [(row, {**other, **told}) for row, other in after], placed, reason, on
    )
    dissolve_organization(
        actor=actor, organization=organization, on=on, document_number=document_number, reason=reason
    )
    return Merged(into, len(going), len(groups))


@operation
def split_organization(
    *,
    actor: Actor,
    organization: Organization,
    name: str,
    on: date,
    members: Sequence[Assignment],
    secretary: Assignment | None = None,
    groups: Sequence[Organization] = (),
    document_number: str = "",
    reason: str = "",
) -> Organization:
    """Let a part of a temporary branch be a branch of its own from day ``on``; return the new one.

    ``members`` are the assignments of those who go over, ``secretary`` the one of them who leads the new
    branch, ``groups`` go along. The others stay; earlier days stay as they are. The new branch is approved by
    the decision that approves the split. The record names both. Raises ``OperationRefused``.
    """
    need_reason(reason, "拆分原因")
    (organization,) = _locked_to_found(organization)
    need_right(actor, "split_organization", organization)
    going = fresh_all(list(dict.fromkeys(members)))
    prefetch_related_objects(going, "person__home_unit")
    groups = fresh_all(list(dict.fromkeys(groups)))
    prefetch_related_objects(groups, "unit")
    proposal = rules.Division(organization, name, on, going, secretary, groups)
    refuse_if(rules.division_refusals([proposal], lambda row: may(actor, "move_organization", row)))
    told = lambda: [*rules.told_division(proposal), *_told_number(document_number)]  # noqa: E731
    need_approval(actor, "split_organization", [organization, *groups], told)
    over = [(row, role, row.ended_on) for row, role in proposal.members]
    new, placed = _found(actor, proposal.founded, organization, over, document_number)
    _move_over(actor, groups, new)
    numbers = {"people": len(going), "organizations": len(groups)}
    after = (
        (organization, {"split_off": new, **numbers}),
        (new, {**_facts(new), "split_from": organization, **numbers}),
    )
    _record(actor, "split_organization", after, placed, reason, on)
    return new


@operation
def reconstitute_organization(
    *,
    actor: Actor,
    organization: Organization,
    kind: str,
    name: str,
    on: date,
    parent: Organization | None = None,
    document_number: str = "",
    reason: str = "",
) -> Organization:
    """Let a temporary Party organization be followed by one of another kind on day ``on``; return that.

    It is dissolved; everybody goes over in the same role, and all that stands below it. ``parent`` is the
    superior of the successor (None: none). Earlier days stay as they are. The successor is approved by the
    decision that approves the act. The record names both. Raises ``OperationRefused``.
    """
    need_reason(reason, "改设原因")
    organization, *above = _locked_to_found(organization, *([parent] if parent is not None else []))
    need_right(actor, "reconstitute_organization", organization)
    proposal = rules.Succession(organization, kind, name, on, above[0] if above else None)
    refuse_if(rules.succession_refusals([proposal], lambda row: may(actor, "move_organization", row)))
    groups = list(rules.groups_of(organization, on))
    told = lambda: [*rules.told_succession(proposal), *_told_number(document_number)]  # noqa: E731
    need_approval(actor, "reconstitute_organization", [organization, *groups], told)
    going = list(rules.in_order(rules.staying_on(organization, on)))
    over = [(row, row.role, row.ended_on) for row in going]
    new, placed = _found(actor, proposal.founded, organization, over, document_number)
    _move_over(actor, groups, new)
    numbers = {"people": len(going), "organizations": len(groups)}
    after = (
        (organization, {"successor": new, **numbers}),
        (new, {**_facts(new), "predecessor": organization, **numbers}),
    )
    _record(actor, "reconstitute_organization", after, placed, reason, on)
    dissolve_organization(
        actor=actor, organization=organization, on=on, document_number=new.approval_number, reason=reason
    )
    return new


_Over = Sequence[tuple[Assignment, str, date | None]]
"""Who goes over: the assignment, the role in the other organization, and until when."""


def _told_number(number: str) -> rules.Told:
    """Say which document was given: it stands unless the decision names another one."""
    return [("批复文号", "", number)] if number else []


def _locked_to_found(organization: Organization, *others: Organization) -> list[Organization]:
    """Take the locks for founding another one where the organization stands; return all under them."""
    now = fresh(organization)
    locks.use_units([now.unit])
    locks.use_campaigns([now.campaign])
    rows = all_locked([now, *others])
    if (rows[0].unit_id, rows[0].campaign_id) != (now.unit_id, now.campaign_id):
        raise locks.TreeChanged
    return rows


def _found(
    actor: Actor, new: Organization, old: Organization, over: _Over, document_number: str
) -> tuple[Organization, list[Assignment]]:
    """Found the new organization, approved, and let people go over from the old one on its first day."""
    approve_along(actor, new, document_number)
    on = new.established_on
    with following([old]):
        write_each([(row, {"ended_on": on}) for row, _, _ in over])
    again = _again(over, new, on, new.approval_number)
    return new, found(actor, [new], [row.person for row, _, _ in over], again)


def _again(over: _Over, organization: Organization, on: date, number: str) -> Iterable[Assignment]:
    """Yield the assignments with which people go on in another organization."""
    for row, role, until in over:
        yield Assignment(
            person=row.person,
            organization=organization,
            role=role,
            started_on=on,
            ended_on=until,
            document_number=number,
            is_sample=row.is_sample,
        )


def _move_over(actor: Actor, groups: Sequence[Organization], new: Organization) -> None:
    """Put what stands below the old organization under the new one, as both stand in the tree now."""
    move_last(fresh_all(groups), fresh(new), parent_inferred=False, **stamp(actor))


def _facts(new: Organization) -> dict[str, Any]:
    return audit.fields_of(new, ["code", "state", *EDITABLE])


def _record(
    actor: Actor,
    verb: str,
    after: Iterable[tuple[Organization, dict[str, Any]]],
    placed: Sequence[Assignment],
    reason: str,
    on: date,
) -> None:
    """Record the act with both organizations, and who was placed from another unit with the people."""
    audit.record_all(
        [audit.entry(actor, verb, row, after=told, reason=reason, effective_on=on) for row, told in after]
    )
    record_placed(
        actor, [row for row in placed if row.person.home_unit_id != row.organization.unit_id], reason
    )
