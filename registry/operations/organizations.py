"""What can be done with organizations: establish, edit, move, transfer, dissolve, approve, withdraw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q
from django.utils import timezone

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.models import (
    Assignment,
    Organization,
    Person,
    Role,
    Unit,
)
from registry.nouns.organization import ORGANIZATION
from registry.operations.approving import all_locked, set_state
from registry.operations.assignments import record_placed
from registry.operations.base import (
    edited,
    fresh,
    fresh_all,
    may,
    need_approval,
    need_right,
    operation,
    renew,
    shown,
    stamp,
    write,
    write_each,
)
from registry.operations.covering import told
from registry.operations.foundings import TREE_FIELDS, found, moving_along, rewrite_first
from registry.operations.foundings import findings as founding_findings
from registry.operations.units import place_at
from registry.refusals import need_reason, refuse
from registry.rules import covering, registrations, workflow
from registry.rules import organizations as rules
from registry.rules.dissolutions import Dissolution, Extent, extents
from registry.rules.findings import Finding, refuse_if
from registry.rules.foundings import NOTHING, Beginning, beginning_of
from registry.search.index import batches
from registry.trees.moves import move_last

EDITABLE = ORGANIZATION.editable
_ENTERED = (workflow.DRAW_UP.to, workflow.ENTER.to)
"""The states in which users enter an organization; commands also write what was approved elsewhere."""


@dataclass(frozen=True)
class Member:
    """Somebody to be placed in a new organization."""

    person: Person
    role: str = Role.MEMBER.value


@operation
def establish_organization(
    *,
    actor: Actor,
    state: str,
    members: Iterable[Member] = (),
    covered: Sequence[Unit] = (),
    **facts: Any,
) -> Organization:
    """Establish an organization of these ``facts`` with its first members, or nothing at all.

    Members are placed from ``established_on`` with the approval as their document. A joint branch covers
    the ``covered`` units beside its own. Raises ``OperationRefused`` with messages by field.
    """
    new, covers = [Organization(state=state, **facts)], [covered] if covered else ()
    return establish_organizations(actor=actor, organizations=new, members=list(members), covered=covers)[0]


@operation
def establish_organizations(
    *,
    actor: Actor,
    organizations: Sequence[Organization],
    members: Sequence[Member] = (),
    covered: Sequence[Sequence[Unit]] = (),
    reason: str = "",
) -> Sequence[Organization]:
    """Establish new organizations, each under its ``parent``: one that is there, or an earlier one of them.

    One that is entered with the day on which it was dissolved is history. ``members`` are those of each,
    ``covered`` says for each which units it covers beside its own (none: no one covers any).
    """
    locks.use_units({row.unit for row in organizations}.union(*covered))
    locks.use_campaigns(row.campaign for row in organizations)
    locks.lock_organization_trees(
        {row.parent for row in organizations if row.parent is not None and row.parent.pk}
    )
    renew(organizations, "unit", "parent", "campaign")
    covered = [fresh_all(units) for units in covered] or [[]] * len(organizations)
    need_right(actor, "establish_organization", *organizations, *set().union(*covered))
    if actor.user is not None and any(row.state not in _ENTERED for row in organizations):
        raise refuse(None, "登记的组织须先提交,由另一人批准。")
    now = timezone.now()
    for row in organizations:
        workflow.entered(row, actor.user, now)
    first = (
        Assignment(
            person=member.person,
            organization=row,
            role=member.role,
            started_on=row.established_on,
            document_number=row.approval_number,
        )
        for row in organizations
        for member in members
    )
    people = [member.person for member in members]
    placed = found(actor, organizations, people, first, covered)
    names = ["code", "state", *EDITABLE]
    audit.record_all(
        [
            audit.entry(
                actor,
                "establish_organization",
                row,
                after={**audit.fields_of(row, names), "members": len(members), **told(units)},
                reason=reason,
                effective_on=row.established_on,
            )
            for row, units in zip(organizations, covered, strict=True)
        ]
    )
    # The founding names the members of the unit by their number only; who comes from elsewhere is named one
    # by one, in the records of both units.
    borrowed = [row for row in placed if row.person.home_unit_id != row.organization.unit_id]
    record_placed(actor, borrowed, reason)
    return organizations


@operation
def edit_organization(
    *,
    actor: Actor,
    organization: Organization,
    changes: Mapping[str, Any],
    with_members: bool = False,
    with_below: bool = False,
    version: int | None = None,
    reason: str = "",
) -> Organization:
    """Change plain facts (``EDITABLE``), also what was registered wrong: kind, host and superior.

    Where it is asked for, the placements that began on the day of founding move to another one with it, and
    the organizations below that were founded on it, with theirs.

    The first placement follows a corrected date of establishment, and a host that was another from the
    beginning; the organizations below come along under another superior.
    A correction of what is counted already (``COUNTED``, of an approved organization) needs a reason.
    Raises ``EditConflict`` when somebody else edited since ``version``, ``OperationRefused`` when a
    date would leave members or subordinates outside the organization's life.
    """
    now = fresh(organization)
    host_id, campaign_id = now.unit_id, now.campaign_id
    unit, parent = changes.get("unit"), changes.get("parent")
    if unit is not None or "dissolved_on" in changes:
        # Nobody may close what it would stand at again.
        locks.use_units(Unit.objects.filter(pk__in={host_id, unit.pk if unit is not None else host_id}))
    if "established_on" in changes or "campaign" in changes:
        locks.use_campaigns([now.campaign, changes.get("campaign")])  # nor end what it would be founded in
    if parent is not None:
        locks.lock_organization_trees([organization, parent])
    organization = _locked(organization)
    known = {name: fresh(row) for name, row in (("unit", unit), ("parent", parent)) if row is not None}
    changes = {**changes, **known}
    need_right(actor, "edit_organization", organization, *([unit] if unit is not None else []))
    if "established_on" in changes and organization.campaign_id != campaign_id:
        raise locks.TreeChanged
    if "dissolved_on" in changes and organization.unit_id != host_id:
        raise locks.TreeChanged
    began, founded = NOTHING, organization.established_on
    if changes.get("established_on", founded) != founded and (with_members or with_below):
        began = beginning_of(organization, lambda row: may(actor, "edit_organization", row))
        began = began.only(members=with_members, below=with_below)
    candidate, wanted = edited(
        organization,
        changes,
        version,
        exclude=TREE_FIELDS,
        rules=lambda row, _: _correction_findings(rules.Correction(row, organization, reason, began)),
    )
    if not wanted:
        return organization
    if any(name in wanted for name in rules.FROZEN):
        rows = [organization, *began.below]
        told = lambda: _told_edit(organization, wanted, began)  # noqa: E731
        need_approval(actor, "edit_organization", rows, told, changes=wanted)
    is_counted, day = any(name in wanted for name in rules.COUNTED), candidate.established_on
    along = moving_along(actor, organization, began, day, reason)
    with (
        following([organization, *began.below]) if is_counted else nullcontext(),
        along if "established_on" in wanted else nullcontext(),
    ):
        stay = {
            column: getattr(candidate, name)
            for name, column in (("established_on", "started_on"), ("unit", "unit"))
            if name in wanted
        }
        if stay:
            rewrite_first([organization.pk], organization.established_on, **stay)
        before, after = {name: getattr(organization, name) for name in wanted}, dict(wanted)
        if "parent" in wanted:  # together with the kind: the one may stand only under the other
            with_it: dict[str, Any] = {
                name: wanted.pop(name) for name in ("kind", "is_temporary") if name in wanted
            }
            with_it |= stamp(actor)
            move_last([organization], wanted.pop("parent"), parent_inferred=False, **with_it)
            organization = fresh(organization)
        if wanted:
            write(organization, {**wanted, **stamp(actor)})
    audit.record(actor, "edit_organization", organization, before=before, after=after, reason=reason)
    return organization


def _correction_findings(correction: rules.Correction) -> list[Finding]:
    return [*founding_findings(correction), *registrations.refusals([correction])]


@operation
def move_organization(
    *, actor: Actor, organization: Organization, parent: Organization | None, reason: str = ""
) -> Organization:
    """Put the organization with all below it under another superior on the Party line (None: none)."""
    need_reason(reason, "调整原因")
    locks.lock_organization_trees([organization] if parent is None else [organization, parent])
    organization = fresh(organization)
    need_right(actor, "move_organization", organization)
    parent = fresh(parent) if parent is not None else None
    refuse_if(rules.move_refusals([rules.Move(organization, parent)]))
    before = organization.parent
    told = [_told_field("parent", before, parent)]
    need_approval(actor, "move_organization", [organization], lambda: told)
    move_last([organization], parent, parent_inferred=False, **stamp(actor))
    organization = fresh(organization)
    audit.record(
        actor,
        "move_organization",
        organization,
        before={"parent": before},
        after={"parent": parent},
        reason=reason,
    )
    return organization


@operation
def transfer_organization(
    *, actor: Actor, organization: Organization, unit: Unit, on: date, reason: str = ""
) -> Organization:
    """Let the organization stand at another host unit from day ``on``; earlier days keep their host."""
    need_reason(reason, "转隶原因")
    locks.use_units([unit])
    organization, unit = _locked(organization), fresh(unit)
    need_right(actor, "transfer_organization", organization, unit)
    proposals = [rules.Transfer(organization, unit, on)]
    refuse_if([*rules.transfer_refusals(proposals), *covering.transfer_refusals(proposals)])
    before = organization.unit
    told = [_told_field("unit", before, unit), ("转隶日期", "", on.isoformat())]
    need_approval(actor, "transfer_organization", [organization], lambda: told)
    with following([organization]):
        place_at([organization], unit, on, **stamp(actor))
    audit.record(
        actor,
        "transfer_organization",
        organization,
        unit=unit,
        other_unit=before,
        before={"unit": before},
        after={"unit": unit},
        reason=reason,
        effective_on=on,
    )
    return organization


def plan_dissolution(*, actor: Actor, organization: Organization, on: date) -> Extent:
    """Say what dissolving ``organization`` on day ``on`` would end. Raises as the dissolution would.

    The actor needs the right to dissolve each organization below, too.
    """
    return plan_dissolutions(actor=actor, organizations=[organization], on=on)[0]


def plan_dissolutions(*, actor: Actor, organizations: Sequence[Organization], on: date) -> list[Extent]:
    """Say what dissolving many on day ``on`` would end; what is below another one ends with that."""
    plans = []
    for some in batches(highest(organizations), 200):
        proposals = [Dissolution(row, on) for row in some]
        found, refused = extents(proposals, lambda row: may(actor, "dissolve_organization", row))
        refuse_if(refused)
        plans += [found[proposal] for proposal in proposals]
    return plans


@operation
def dissolve_organization(
    *,
    actor: Actor,
    organization: Organization,
    on: date,
    document_number: str = "",
    reason: str = "",
) -> Extent:
    """Dissolve the organization on day ``on`` (it no longer counts that day) with all below it.

    Ends the assignments in them on the same day, and returns what was ended. ``plan_dissolution``
    says beforehand how many. Raises ``OperationRefused``.
    """
    return dissolve_organizations(
        actor=actor, organizations=[organization], on=on, document_number=document_number, reason=reason
    )[0]


@operation
def dissolve_organizations(
    *,
    actor: Actor,
    organizations: Sequence[Organization],
    on: date,
    document_number: str = "",
    reason: str = "",
) -> list[Extent]:
    """Dissolve many organizations on one day by one document, each with all below it: all or none."""
    need_reason(reason, "撤销原因")
    rows = all_locked(organizations)
    need_right(actor, "dissolve_organization", *rows)
    plans = plan_dissolutions(actor=actor, organizations=rows, on=on)
    ending = [row for plan in plans for row in plan.organizations]
    need_approval(
        actor,
        "dissolve_organization",
        list(dict.fromkeys([*rows, *ending])),
        lambda: _told_dissolution(plans, on, document_number),
    )
    for plan in plans:
        _dissolve(actor, plan, on, document_number, reason)
    return plans


def _told_field(name: str, before: Any, after: Any) -> tuple[str, str, str]:
    """Return a field of an organization as it is and as it would be, in words."""
    label = str(Organization._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    old, new = (shown(Organization(), name, audit.plain(each)) for each in (before, after))
    return label, old, new


def _told_edit(
    organization: Organization, wanted: Mapping[str, Any], began: Beginning
) -> list[tuple[str, str, str]]:
    """Return what an edit would change, and what would move along with another day of founding."""
    told = [_told_field(name, getattr(organization, name), value) for name, value in wanted.items()]
    if began.everybody or began.below:
        moved = f"编入 {len(began.everybody):,} 人次、下级组织 {len(began.below):,} 个"
        told.append(("同日开始、一并改期的", moved, wanted["established_on"].isoformat()))
    return told


def _told_dissolution(plans: Sequence[Extent], on: date, number: str) -> list[tuple[str, str, str]]:
    """Return what a dissolution would end."""
    told = [("撤销日期", "", on.isoformat()), *([("撤销文号", "", number)] if number else [])]
    for plan in plans:
        ends = f"结束编入 {plan.assignments:,} 人次"
        if plan.subordinates:
            ends += f",一并撤销下级 {len(plan.subordinates):,} 个"
        told.append((plan.organizations[0].name, "", ends))
    return told


def highest(organizations: Sequence[Organization]) -> list[Organization]:
    """Return those of the organizations that are not below another one of them."""
    return [
        row
        for row in organizations
        if not any(
            other.tree_id == row.tree_id and other.lft < row.lft and row.rght < other.rght
            for other in organizations
        )
    ]


def _dissolve(actor: Actor, plan: Extent, on: date, document_number: str, reason: str) -> None:
    organization = plan.organizations[0]
    with following(plan.organizations):
        pks = [each.pk for each in plan.organizations]
        lasting = Q(ended_on__isnull=True) | Q(ended_on__gt=on)
        assignments = Assignment.objects.valid().filter(lasting, organization_id__in=pks)
        write_each([(row, {"ended_on": on}) for row in assignments])
        values = {"dissolved_on": on, "dissolution_number": document_number}
        written = write_each([(each, {**values, **stamp(actor)}) for each in plan.organizations])
    top = {"assignments": plan.assignments, "organizations": len(pks)}
    audit.record_all(
        [
            audit.entry(
                actor,
                "dissolve_organization",
                each,
                before=workflow.told(before),
                after={**values, **(top if each.pk == organization.pk else {"with": organization})},
                reason=reason,
                effective_on=on,
            )
            for each, before, _ in written
        ]
    )


@operation
def withdraw_organization(*, actor: Actor, organization: Organization, reason: str) -> Organization:
    """Take back an entry made by mistake: it counts on no day, but the row and its record stay."""
    return withdraw_organizations(actor=actor, organizations=[organization], reason=reason)[0]


@operation
def withdraw_organizations(
    *, actor: Actor, organizations: Sequence[Organization], reason: str
) -> list[Organization]:
    """Take back many entries, the lowest first: all or none.

    Refused while organizations below them have not been withdrawn or moved; those that the actor may not
    withdraw are not named.
    """
    rows = all_locked(organizations)
    need_right(actor, "withdraw_organization", *rows)
    for level in sorted({row.level for row in rows}, reverse=True):
        some = [row for row in rows if row.level == level]
        proposals = [rules.Withdrawal(row, reason) for row in some]
        refuse_if(rules.withdrawal_refusals(proposals, lambda row: may(actor, "withdraw_organization", row)))
        need_approval(actor, "withdraw_organization", rows, lambda: _told_withdrawal(rows))
        for act in (workflow.WITHDRAW, workflow.REVOKE):
            if those := [row for row in some if row.state in act.origins]:
                set_state(actor, act, those, reason, [{}] * len(those), verb="withdraw_organization")
    return rows


def _told_withdrawal(rows: Sequence[Organization]) -> list[tuple[str, str, str]]:
    """Return the state of each as it is and as it would be."""
    to = str(workflow.WITHDRAW.to.label)
    return [("状态" if len(rows) == 1 else row.name, str(row.get_state_display()), to) for row in rows]


def _locked(organization: Organization) -> Organization:
    """Take the lock of the organization's tree and return its row under it; refuse when it is gone."""
    return locks.lock_tree_of(organization) or fresh(organization)
