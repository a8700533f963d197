"""Putting temporary branches together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from registry import audit
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.models import Assignment, Organization, Role
from registry.operations.approving import all_locked
from registry.operations.assignments import place, record_placed
from registry.operations.base import may, need_approval, need_right, operation, stamp, write_each
from registry.operations.organizations import dissolve_organization
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
    with following([organization, into]):
        write_each([(row, {"ended_on": on}) for row in leaving])
        placed = place(
            actor,
            (
                Assignment(
                    person=row.person,
                    organization=into,
                    role=Role.MEMBER.value if row.role == Role.SECRETARY else row.role,
                    started_on=on,
                    ended_on=until,
                    document_number=document_number,
                )
                for row, until in going
            ),
        )
    move_last(groups, into, parent_inferred=False, **stamp(actor))
    told = {"people": len(going), "organizations": len(groups)}
    named = ((organization, {"into": into}), (into, {"joined_organization": organization}))
    audit.record_all(
        [
            audit.entry(
                actor, "merge_organization", row, after={**other, **told}, reason=reason, effective_on=on
            )
            for row, other in named
        ]
    )
    borrowed = [row for row in placed if row.person.home_unit_id != into.unit_id]
    record_placed(actor, borrowed, reason)
    dissolve_organization(
        actor=actor, organization=organization, on=on, document_number=document_number, reason=reason
    )
    return Merged(into, len(going), len(groups))
