"""Rules of an approval: which Party organization decided it, by which document, on which day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from registry.models import Organization, OrganizationKind, WorkflowState
from registry.models.kinds import PARTY_BODIES, PARTY_KINDS
from registry.rules.findings import Wrong, for_each, in_future


@dataclass(frozen=True, eq=False, slots=True)
class Approval:
    """The approval of an organization: by which Party organization, by which document, on which day."""

    organization: Organization
    by: Organization | None
    number: str
    on: date | None
    is_by_user: bool = True
    """Commands write what is known; of a user's approval nothing may be left out."""


@for_each
def refusals(proposal: Approval) -> Wrong:
    """Check an approval: a Party organization that stands, and for temporary ones everything given.

    支部工作条例(试行) 第八条: a temporary branch is set up on the approval of the superior organization.
    """
    row, by = proposal.organization, proposal.by
    yield from in_future("approved_on", proposal.on)
    if by is not None:
        yield from _check_approving(row, by, proposal.on)
    if not proposal.is_by_user or not (row.is_temporary and row.kind in PARTY_KINDS):
        return
    if by is None:
        message = f"请选择批准成立“{row.name}”的党组织:临时党组织由上级党组织批准设立。"
        yield "temp_branch_approved", "approving_organization", message
    if not proposal.number:
        message = f"请填写批复文号:“{row.name}”是临时党组织,由上级党组织批准设立。"
        yield "temp_branch_approved", "approval_number", message


def _check_approving(row: Organization, by: Organization, on: date | None) -> Wrong:
    field = "approving_organization"
    if by.pk == row.pk or (by.tree_id == row.tree_id and row.lft < by.lft < row.rght):
        yield "approving_is_above", field, f"“{by.name}”不能批准自己或上级,请选择上级党组织。"
    if by.kind not in PARTY_BODIES:
        yield "approving_is_party", field, f"“{by.name}”是{by.kind_label},请选择党委、党总支或党支部。"
    if by.state != WorkflowState.APPROVED:
        yield (
            "approving_is_approved",
            field,
            f"“{by.name}”是“{by.get_state_display()}”,请选择已批准的党组织。",
        )
    if on is not None and not by.stands_on(on):
        yield "approving_stands", field, f"“{by.name}”在 {on:%Y-%m-%d} 未成立或已撤销,请选择当时的党组织。"


def nearest(organizations: Sequence[Organization], on: date) -> dict[int, Organization]:
    """Return for each organization the Party organization that approves it unless another one is chosen.

    The nearest committee above it on the Party line, else its Party superior; those that stand on the day
    and are approved. One query, whatever the number.
    """
    trees: dict[int, list[Organization]] = defaultdict(list)
    above = Organization.objects.approved().as_of(on).filter(kind__in=PARTY_BODIES)
    for row in above.filter(tree_id__in={each.tree_id for each in organizations}).order_by("lft"):
        if row.rght > row.lft + 1:
            trees[row.tree_id].append(row)
    found = {}
    for each in organizations:
        line = [row for row in trees[each.tree_id] if row.lft < each.lft and each.rght < row.rght]
        committees = [row for row in line if row.kind == OrganizationKind.COMMITTEE]
        if line:
            found[each.pk] = (committees or line)[-1]
    return found
