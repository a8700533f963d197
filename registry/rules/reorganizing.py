"""Rules of putting temporary branches together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from registry.models import Assignment, Organization, WorkflowState
from registry.models.base import ends_after
from registry.models.kinds import BRANCH_KINDS
from registry.rules.dissolutions import OUT_OF_SCOPE, MayTouch
from registry.rules.findings import Finding, Wrong, first_of, in_future, refusal, unblamed
from registry.rules.organizations import below


@dataclass(frozen=True, eq=False, slots=True)
class Merger:
    """A temporary branch that would go over into another one on a day."""

    organization: Organization
    into: Organization
    on: date


def is_temporary_branch(organization: Organization) -> bool:
    """Whether it is of a kind that is put together with others."""
    return organization.is_temporary and organization.kind in BRANCH_KINDS


def staying_on(organization: Organization, on: date) -> QuerySet[Assignment]:
    """Return the assignments in the organization that last beyond the day."""
    return Assignment.objects.valid().filter(ends_after(on), organization=organization)


def groups_of(organization: Organization, on: date) -> QuerySet[Organization]:
    """Return what stands directly below the organization on the day, in its order."""
    rows = below([organization.pk]).filter(ends_after(on, "dissolved_on"))
    return rows.select_related("unit").order_by("tree_id", "lft")


def merger_refusals(proposals: Sequence[Merger], may_touch: MayTouch | None = None) -> list[Finding]:
    """Return why branches cannot be put together; what ``may_touch`` denies of those below is not named."""
    refused = first_of(_check, proposals)
    for proposal in unblamed(proposals, refused):
        refused += _not_yet(proposal)
        if may_touch and not all(may_touch(row) for row in groups_of(proposal.organization, proposal.on)):
            message = OUT_OF_SCOPE.format(verb="调整")
            refused.append(refusal("subordinates_in_scope", proposal, "", message))
    return refused


def _check(proposal: Merger) -> Wrong:
    organization, into, on = proposal.organization, proposal.into, proposal.on
    if organization.pk == into.pk:
        yield "merged_into_another", "into", "不能并入自身,请选择另一个支部。"
        return
    for field, each in (("", organization), ("into", into)):
        if not is_temporary_branch(each):
            yield "merged_are_branches", field, f"“{each.name}”不是临时党支部,只有临时党支部可以合并。"
        if each.state != WorkflowState.APPROVED:
            yield "merged_are_approved", field, f"“{each.name}”尚未批准,请先批准。"
        if not each.stands_on(on):
            yield "merged_stand", field or "on", f"“{each.name}”在 {on:%Y-%m-%d} 尚未成立或已撤销。"
    if organization.campaign_id != into.campaign_id:
        yield "merged_in_one_campaign", "into", "两个支部不属于同一专项任务,不能合并。"
    yield from in_future("on", on)


def _not_yet(proposal: Merger) -> Iterator[Finding]:
    """Refuse a day before somebody came who is there now."""
    later = staying_on(proposal.organization, proposal.on).filter(started_on__gt=proposal.on)
    for row in later.select_related("person").order_by("started_on", "pk")[:3]:
        message = f"{row.person.name} 在 {row.started_on:%Y-%m-%d} 才编入,合并日期不能早于该日。"
        yield refusal("placement_within_life", proposal, "on", message)
