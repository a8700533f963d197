"""Rules of what was registered wrong from the beginning: an organization's kind, host and superior."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import Count

from registry.models import Assignment, Organization, OrganizationPlacement, Person, Role
from registry.models.kinds import ALLOWED_PARENTS, FORMATION_KINDS, OrganizationKind
from registry.rules import organizations as rules
from registry.rules import placements
from registry.rules.findings import Finding, Wrong, first_of, unblamed
from registry.rules.organizations import Correction

FIXED = ("kind", "is_temporary", "unit", "parent")
"""Facts that are edited freely before the approval, and corrected with a reason after it."""
_PARTY_ROLES = (
    Role.SECRETARY,
    Role.DEPUTY_SECRETARY,
    Role.ORGANIZATION_COMMITTEE_MEMBER,
    Role.PUBLICITY_COMMITTEE_MEMBER,
    Role.DISCIPLINE_COMMITTEE_MEMBER,
)


def refusals(proposals: Sequence[Correction]) -> list[Finding]:
    """Return what is wrong with another kind, host or superior: of the row, of what is below and in it."""
    other = [each for each in proposals if _is_of_other_kind(each)]
    moved = [each for each in proposals if each.changes("unit")]
    under = [each for each in proposals if each.changes("parent")]
    refused = [
        *(first_of(_Kinds(other), other) if other else []),
        *(first_of(_Hosts(moved), moved) if moved else []),
        *first_of(_check_superior, under),
    ]
    return [*refused, *_members(unblamed(other, refused))]


def _is_of_other_kind(proposal: Correction) -> bool:
    return proposal.changes("kind") or proposal.changes("is_temporary")


class _Kinds:
    """Asks of another kind what is below and in the organization."""

    def __init__(self, proposals: Sequence[Correction]) -> None:
        pks = [proposal.now.pk for proposal in proposals]
        self.below: dict[int, list[Organization]] = defaultdict(list)
        for row in Organization.objects.filter(parent__in=pks).order_by("lft"):
            self.below[row.parent_id or 0].append(row)
        homes = Person.objects.filter(home_branch__in=pks).order_by().values_list("home_branch_id")
        self.homes = dict(homes.annotate(number=Count("pk")))
        self.heads: dict[int, list[Assignment]] = defaultdict(list)
        rows = Assignment.objects.valid().filter(organization__in=pks, role__in=_PARTY_ROLES)
        for each in rows.select_related("person").order_by("pk"):
            self.heads[each.organization_id].append(each)

    def __call__(self, proposal: Correction) -> Wrong:
        candidate, pk = proposal.candidate, proposal.now.pk
        is_formation = candidate.kind in FORMATION_KINDS
        yield from rules.check_temporary(candidate)
        yield from rules.check_kind(candidate.kind, candidate.parent)
        label = OrganizationKind(candidate.kind).label
        for row in self.below[pk]:
            if candidate.kind not in ALLOWED_PARENTS[row.kind]:
                message = f"下级“{row.name}”是{row.kind_label},不能设在{label}之下,请先调整它。"
                yield "kind_under_superior", "kind", message
        if (number := self.homes.get(pk)) and (candidate.is_temporary or is_formation):
            message = f"有 {number} 人的组织关系在本组织,须是常设党组织;请先转出他们的组织关系。"
            yield "home_branch_standing", "is_temporary" if candidate.is_temporary else "kind", message
        if is_formation:
            for each in self.heads[pk]:
                message = f"{label}没有“{Role(each.role).label}”,请先调整 {each.person.name} 的职责。"
                yield "role_of_kind", "kind", message


class _Hosts:
    """Asks of another host from the beginning whether there was only one, and whether it was open."""

    def __init__(self, proposals: Sequence[Correction]) -> None:
        self.stays: dict[int, list[OrganizationPlacement]] = defaultdict(list)
        pks = [proposal.now.pk for proposal in proposals]
        rows = OrganizationPlacement.objects.filter(organization__in=pks).select_related("unit")
        for row in rows.order_by("started_on"):
            self.stays[row.organization_id].append(row)

    def __call__(self, proposal: Correction) -> Wrong:
        candidate, stays = proposal.candidate, self.stays[proposal.now.pk]
        if len(stays) > 1:
            message = (
                f"该组织在 {stays[-1].started_on:%Y-%m-%d} 转隶过,不能更正最初的所在单位;"
                "转隶有误的,请在变动记录里撤回那次转隶。"
            )
            yield "transfers_in_order", "unit", message
        stay = rules.Stay(candidate.unit, candidate.established_on, candidate.dissolved_on)
        for finding in rules.stay_refusals([stay]):
            yield finding.rule, "unit", finding.message


def _check_superior(proposal: Correction) -> Wrong:
    candidate, parent = proposal.candidate, proposal.candidate.parent
    if parent is not None:
        yield from rules.check_new_superior(proposal.now, parent)
    if not _is_of_other_kind(proposal):
        yield from rules.check_kind(candidate.kind, parent)


def _members(proposals: Sequence[Correction]) -> list[Finding]:
    """Ask of everybody in the organization whether they could be placed in one of the other kind."""
    candidates = {proposal.now.pk: proposal for proposal in proposals}
    rows = Assignment.objects.valid().filter(organization__in=candidates).select_related("person")
    asked = {
        placements.Placement(
            row.person,
            candidates[row.organization_id].candidate,
            row.role,
            row.started_on,
            row.ended_on,
            replaces=row,
        ): candidates[row.organization_id]
        for row in rows.order_by("pk")
    }
    return [
        Finding(each.rule, each.severity, "kind", each.message, asked[each.subject])  # type: ignore[index]
        for each in (placements.refusals(list(asked)) if asked else [])
    ]
