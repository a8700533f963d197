"""What stands in the way of closing a campaign on a day, and of taking the closing back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from registry.closings.extent import STANDING, Extent
from registry.closings.models import ClosedAssignment, ClosedOrganization, Closing
from registry.models import OrganizationPlacement
from registry.rules import campaigns
from registry.rules.findings import Finding, refusal

NAMED = 5
"""So many rows are named that stand in the way."""


def closing_refusals(extent: Extent) -> list[Finding]:
    """Return why a campaign cannot be closed on the day: what is pending, what would be left hanging."""
    found = campaigns.end_refusals([campaigns.Ending(extent.campaign, extent.on)])
    return [*found, *(refusal(rule, extent, "", message) for rule, message in _wrong(extent))]


def _wrong(extent: Extent) -> Iterator[tuple[str, str]]:
    if number := extent.whole.pending:
        yield "nothing_pending", f"待审批的组织还有 {number:,} 个,请先批准或退回。"
    for due in extent.dues:
        if due.blocks and (owed := extent.owed(due).count()):
            yield "nothing_owed", f"{due.label} {owed:,} {due.measure},{due.how}"
    yield from _hanging(extent)


def _hanging(extent: Extent) -> Iterator[tuple[str, str]]:
    """Yield what is below what would be dissolved and must not end with it, and what came after the day."""
    ending, on = extent.ending(), extent.on
    other = Q(campaign__isnull=False) & ~Q(campaign=extent.campaign)
    if names := _names(ending.filter(STANDING)):
        yield "standing_stay", f"常设党组织{names}在要撤销的组织之下,请先调整它的上级组织。"
    if names := _names(ending.filter(other).exclude(STANDING)):
        yield "of_another", f"{names}属于另一项专项任务,却在要撤销的组织之下,请先调整它的上级组织。"
    if extent.covered and ending.exclude(extent.covered).exists():
        yield (
            "in_scope",
            "要撤销的组织之下有不在您管理范围内的组织,请先由其所在单位撤销,或由上级单位办理。",
        )
    if names := _names(ending.filter(established_on__gt=on)):
        yield "ends_after_start", f"{names}在 {on:%Y-%m-%d} 以后才成立,结束日期不能早于成立日期。"
    there = OrganizationPlacement.objects.filter(organization__in=ending.order_by().values("pk"))
    moved = there.filter(started_on__gt=on).exclude(started_on=F("organization__established_on"))
    if names := _names(moved, "organization__name"):
        yield "transfer_within_life", f"{names}在 {on:%Y-%m-%d} 以后转隶,结束日期不能早于转隶日期。"
    if names := _names(extent.assignments().filter(started_on__gt=on), "person__name"):
        yield "placement_within_life", f"{names}在 {on:%Y-%m-%d} 以后才编入,结束日期不能早于编入日期。"


def reopening_refusals(closing: Closing) -> list[Finding]:
    """Return what was built on a closing since: it is named, and to be taken back first."""
    return [refusal(rule, closing, "", message) for rule, message in _built_on(closing)]


def _built_on(closing: Closing) -> Iterator[tuple[str, str]]:
    there = ClosedOrganization.objects.filter(of=closing)
    placed = ClosedAssignment.objects.filter(of=closing)
    if closing.campaign.ended_on not in (None, closing.on):
        yield "end_unchanged", "任务的结束日期此后已更正,请先改回,或按平常的办法逐个恢复。"
    changed = ~Q(organization__dissolved_on=closing.on) | ~Q(
        organization__dissolution_number=closing.document_number
    )
    changed |= Q(organization__dissolved_on__isnull=True) | Q(organization__state="withdrawn")
    if names := _names(there.filter(changed), "organization__name"):
        yield "organization_unchanged", f"组织{names}此后又有修改,请先撤回后来的修改。"
    if names := _names(there.filter(organization__unit__closed_on__isnull=False), "organization__unit__name"):
        yield "host_open", f"组织所在的单位{names}此后已撤并,请先恢复单位。"
    own = there.filter(organization=OuterRef("organization__parent"))
    above = Q(organization__parent__dissolved_on__isnull=False)
    if names := _names(there.filter(above, ~Exists(own)), "organization__parent__name"):
        yield "superior_stands", f"上级组织{names}此后已撤销,请先恢复它。"
    moved = Q(assignment__ended_on__isnull=True) | ~Q(assignment__ended_on=closing.on)
    if names := _names(placed.filter(moved | Q(assignment__is_withdrawn=True)), "assignment__person__name"):
        yield "assignment_unchanged", f"{names}的编入此后又有修改,请先撤回后来的修改。"
    left = Q(assignment__person__left_on__isnull=False) & (
        Q(ended_on__isnull=True) | Q(ended_on__gt=F("assignment__person__left_on"))
    )
    if names := _names(
        placed.filter(left | Q(assignment__person__merged_into__isnull=False)), "assignment__person__name"
    ):
        yield "in_service", f"{names}此后已离职或并入另一条目,请先恢复。"


def _names(rows: QuerySet[Any], path: str = "name") -> str:
    """Return the first names of rows in quotation marks, nothing when there are none."""
    found = list(dict.fromkeys(rows.order_by("pk").values_list(path, flat=True)[: 4 * NAMED]))
    more = "等" if len(found) > NAMED else ""
    return "、".join(f"“{name}”" for name in found[:NAMED]) + more
