"""Rules of dissolving organizations: with all below them, and with the assignments in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Count, Q

from registry.models import Assignment, Organization, OrganizationPlacement, WorkflowState
from registry.models.base import ends_after
from registry.rules.findings import Finding, Wrong, first_of, in_future, unblamed

MayTouch = Callable[[Organization], bool]
"""Whether an organization may be dissolved or withdrawn; its unit is at hand."""
OUT_OF_SCOPE = "下级组织中有不在您管理范围内的,请先由其所在单位{verb},或由上级单位办理。"


@dataclass(frozen=True, eq=False, slots=True)
class Dissolution:
    """An organization that would be dissolved on a day."""

    organization: Organization
    on: date


@dataclass(frozen=True, slots=True)
class Extent:
    """What a dissolution ends: the organizations, itself first, and the assignments in them."""

    organizations: tuple[Organization, ...]
    assignments: int

    @property
    def subordinates(self) -> tuple[Organization, ...]:
        """The organizations below that end with it."""
        return self.organizations[1:]


@dataclass(slots=True)
class _Events:
    """What happened to the organizations, by their keys."""

    moved: dict[int, list[OrganizationPlacement]] = field(default_factory=lambda: defaultdict(list))
    joined: dict[int, list[Assignment]] = field(default_factory=lambda: defaultdict(list))
    open: dict[int, list[tuple[date | None, int]]] = field(default_factory=lambda: defaultdict(list))


def extents(
    proposals: Sequence[Dissolution], may_touch: MayTouch | None = None
) -> tuple[dict[Dissolution, Extent], list[Finding]]:
    """Return what each dissolution would end, and why some of them cannot be.

    ``may_touch`` is asked of all that would end; what it denies is not named. Give at most a few hundred
    proposals at a time.
    """
    refused = first_of(_check_dissolution, proposals)
    fine = unblamed(proposals, refused)
    ending = _ending(fine) if fine else {}
    refused += first_of(lambda proposal: _check_scope(proposal, ending[proposal], may_touch), fine)
    fine = unblamed(fine, refused)
    events = _events(fine, ending) if fine else _Events()
    refused += first_of(lambda proposal: _check_events(proposal, ending[proposal], events), fine)
    found = {
        proposal: Extent(
            tuple(ending[proposal]),
            sum(
                number
                for row in ending[proposal]
                for end, number in events.open[row.pk]
                if end is None or end > proposal.on
            ),
        )
        for proposal in unblamed(fine, refused)
    }
    return found, refused


def _check_dissolution(proposal: Dissolution) -> Wrong:
    gone = proposal.organization.dissolved_on
    if gone is not None:
        yield "not_dissolved", "", f"该组织已于 {gone:%Y-%m-%d} 撤销。"
    yield from in_future("on", proposal.on)


def _ending(proposals: Sequence[Dissolution]) -> dict[Dissolution, list[Organization]]:
    """Return the organizations that each dissolution would end, by one query."""
    within, first = Q(), min(proposal.on for proposal in proposals)
    for proposal in proposals:
        top = proposal.organization
        within |= Q(tree_id=top.tree_id, lft__range=(top.lft, top.rght))
    rows = (
        Organization.objects.filter(within)
        .filter(ends_after(first, "dissolved_on"))
        .exclude(state=WorkflowState.WITHDRAWN)
        .select_related("unit")
        .order_by("tree_id", "lft")
    )
    trees: dict[int, list[Organization]] = defaultdict(list)
    for row in rows:
        trees[row.tree_id].append(row)
    return {
        proposal: [
            row
            for row in trees[proposal.organization.tree_id]
            if proposal.organization.lft <= row.lft <= proposal.organization.rght
            and (row.dissolved_on is None or row.dissolved_on > proposal.on)
        ]
        for proposal in proposals
    }


def _check_scope(proposal: Dissolution, ending: list[Organization], may_touch: MayTouch | None) -> Wrong:
    if ending[:1] != [proposal.organization]:
        yield "organization_valid", "", "该组织已撤回,不能撤销。"
    if may_touch is not None and not all(may_touch(each) for each in ending):
        yield "subordinates_in_scope", "", OUT_OF_SCOPE.format(verb="撤销")
    for each in ending:
        if each.established_on > proposal.on:
            message = f"“{each.name}”成立于 {each.established_on:%Y-%m-%d},撤销日期不能早于该日。"
            yield "ends_after_start", "on", message


def _events(proposals: Sequence[Dissolution], ending: dict[Dissolution, list[Organization]]) -> _Events:
    pks = {row.pk for proposal in proposals for row in ending[proposal]}
    first = min(proposal.on for proposal in proposals)
    events = _Events()
    moved = OrganizationPlacement.objects.filter(organization__in=pks, started_on__gt=first)
    for placement in moved.select_related("organization").order_by("pk"):
        events.moved[placement.organization_id].append(placement)
    assignments = Assignment.objects.valid().filter(organization__in=pks)
    joined = assignments.filter(started_on__gt=first).select_related("person", "organization")
    for assignment in joined.order_by("pk"):
        events.joined[assignment.organization_id].append(assignment)
    open_ = assignments.filter(ends_after(first)).order_by()
    for row in open_.values("organization_id", "ended_on").annotate(number=Count("pk")):
        events.open[row["organization_id"]].append((row["ended_on"], row["number"]))
    return events


def _check_events(proposal: Dissolution, ending: list[Organization], events: _Events) -> Wrong:
    on = proposal.on
    for row in ending:
        for placement in events.moved[row.pk]:
            if placement.started_on > on:
                message = f"“{row.name}”在 {placement.started_on:%Y-%m-%d} 转隶,撤销日期不能早于该日。"
                yield "transfer_within_life", "on", message
    for row in ending:
        for assignment in events.joined[row.pk]:
            if assignment.started_on > on:
                message = (
                    f"{assignment.person.name} 在 {assignment.started_on:%Y-%m-%d} 才编入“{row.name}”,"
                    "撤销日期不能早于该日。"
                )
                yield "placement_within_life", "on", message
