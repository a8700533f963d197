"""Rules of organizations: founding, correcting, moving under another superior, transferring."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from registry.access import AnyUser
from registry.models import (
    Assignment,
    Campaign,
    Organization,
    OrganizationPlacement,
    Person,
    Role,
    Unit,
    WorkflowState,
)
from registry.models.kinds import ALLOWED_PARENTS, FORMATION_KINDS, NO_SUPERIOR, PARTY_KINDS, OrganizationKind
from registry.rules import campaigns, placements
from registry.rules.checks.planned import Planned, PlannedMember
from registry.rules.checks.speaking import Proposed, planned_findings
from registry.rules.dissolutions import OUT_OF_SCOPE, MayTouch
from registry.rules.findings import (
    Finding,
    Wrong,
    first_of,
    for_each,
    in_future,
    unblamed,
    warning,
    without_reason,
)
from registry.rules.foundings import NOTHING, Beginning
from registry.rules.placements import Placement

COUNTED = ("established_on", "dissolved_on", "campaign", "kind", "is_temporary", "unit", "parent")
"""What decides where an organization is counted: correcting it after the approval needs a reason."""
FROZEN = (
    *COUNTED,
    "approving_organization",
    "approval_number",
    "approved_on",
    "dissolution_number",
)
"""What an approval is about: once approved, another person has to approve that it changes."""
IN_ANOTHER = "该日及以后成立的组织请选其他任务,或更正成立日期。"


@dataclass(frozen=True, eq=False, slots=True)
class Establishment:
    """An organization as it would be founded, with its first members (person, role).

    ``dissolved_on``: when what is entered has ended already. ``unit`` and ``parent`` may be planned only.
    """

    kind: str
    unit: Unit | None
    established_on: date
    is_temporary: bool = False
    parent: Organization | None = None
    dissolved_on: date | None = None
    campaign: Campaign | None = None
    name: str = ""
    members: Sequence[tuple[Person, str]] = ()

    @property
    def placements(self) -> list[Placement]:
        """Return the first members as they would be placed."""
        organization = Organization(
            name=self.name,
            kind=self.kind,
            is_temporary=self.is_temporary,
            established_on=self.established_on,
            dissolved_on=self.dissolved_on,
            campaign=self.campaign,
        )
        return [
            Placement(person, organization, role, self.established_on, self.dissolved_on)
            for person, role in self.members
        ]


@dataclass(frozen=True, eq=False, slots=True)
class Stay:
    """An organization at a unit from a day, until the day on which it left (None: it is there)."""

    unit: Unit
    since: date
    until: date | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Correction:
    """An organization as it would be after an edit, and as it is now."""

    candidate: Organization
    now: Organization
    reason: str = ""
    along: Beginning = NOTHING
    """The rows that move to the new day of establishment with it."""

    def changes(self, name: str) -> bool:
        """Whether the edit changes this field."""
        attribute = Organization._meta.get_field(name).attname  # type: ignore[union-attr]
        return bool(getattr(self.candidate, attribute) != getattr(self.now, attribute))


@dataclass(frozen=True, eq=False, slots=True)
class Move:
    """Another superior on the Party line (None: none)."""

    organization: Organization
    parent: Organization | None

    @property
    def kind(self) -> str:
        """The kind of what moves."""
        return self.organization.kind


@dataclass(frozen=True, eq=False, slots=True)
class Transfer:
    """Another host unit from a day on."""

    organization: Organization
    unit: Unit
    on: date


@dataclass(frozen=True, eq=False, slots=True)
class Withdrawal:
    """An entry made by mistake that would be taken back."""

    organization: Organization
    reason: str


def findings(proposals: Sequence[Establishment], asker: AnyUser) -> list[Finding]:
    """Return refusals and warnings, also of the first members; names nothing outside the asker's scope."""
    refused = refusals(proposals)
    fine = unblamed(proposals, refused)
    placed = {proposal: proposal.placements for proposal in fine}
    together = [placement for each in placed.values() for placement in each]
    return [
        *refused,
        *name_warnings(fine),
        *superior_warnings(fine),
        *placements.findings(together, asker),
        *first_member_warnings(placed),
    ]


def refusals(proposals: Sequence[Establishment]) -> list[Finding]:
    """Return what must be refused when organizations are founded."""
    checks = (_check_own, _check_establishment_host, _check_superior)
    return [finding for check in checks for finding in first_of(check, proposals)]


def correction_refusals(proposals: Sequence[Correction]) -> list[Finding]:
    """Return what is wrong with corrected days, and where a correction of what is counted has no reason."""
    dated = [each for each in proposals if each.changes("established_on") or each.changes("dissolved_on")]
    refused = [*first_of(_check_campaign, proposals), *first_of(_check_days, dated)]
    dated = unblamed(dated, refused)
    refused += _lives(dated) if dated else []
    return [*refused, *first_of(_check_counted, unblamed(proposals, refused))]


def transfer_refusals(proposals: Sequence[Transfer]) -> list[Finding]:
    """Return what is wrong with new host units."""
    pks = [proposal.organization.pk for proposal in proposals]
    current = OrganizationPlacement.objects.filter(organization__in=pks, ended_on__isnull=True)
    since = dict(current.values_list("organization_id", "started_on"))
    return first_of(lambda proposal: _check_transfer(proposal, since[proposal.organization.pk]), proposals)


def withdrawal_refusals(proposals: Sequence[Withdrawal], may_touch: MayTouch | None = None) -> list[Finding]:
    """Return what is wrong with taking entries back; a subordinate that ``may_touch`` denies is not named."""
    subordinates: dict[int, list[Organization]] = defaultdict(list)
    for row in below([proposal.organization.pk for proposal in proposals]).select_related("unit"):
        subordinates[row.parent_id or 0].append(row)

    def check(proposal: Withdrawal) -> Wrong:
        left = subordinates[proposal.organization.pk]
        if proposal.organization.state == WorkflowState.WITHDRAWN:
            yield "not_withdrawn", "", "该组织已经撤回。"
        yield from without_reason("withdrawal_needs_reason", proposal.reason, "撤回原因")
        if may_touch is not None and not all(may_touch(row) for row in left):
            yield "subordinates_in_scope", "", OUT_OF_SCOPE.format(verb="撤回")
        if left:
            names = "、".join(row.name for row in left[:3])
            yield "subordinates_withdrawn", "", f"下级还有{names}等 {len(left):,} 个组织,请先撤回或调整它们。"

    return first_of(check, proposals)


def _check_own(proposal: Establishment) -> Wrong:
    yield from in_future("established_on", proposal.established_on)
    yield from in_future("dissolved_on", proposal.dissolved_on)
    end = proposal.dissolved_on
    if end is not None and end < proposal.established_on:
        yield "ends_after_start", "dissolved_on", "撤销日期不能早于成立日期。"
    yield from campaigns.over(proposal.campaign, proposal.established_on, "campaign", IN_ANOTHER)
    yield from check_temporary(proposal)


def check_temporary(organization: Establishment | Organization) -> Wrong:
    """Refuse a formation that is temporary: only Party organizations are."""
    if organization.is_temporary and organization.kind in FORMATION_KINDS:
        message = "只有党组织分临时和常设,先锋岗、突击队等不能登记为临时党组织。"
        yield "formation_not_temporary", "is_temporary", message


def _check_establishment_host(proposal: Establishment) -> Wrong:
    unit = proposal.unit
    if unit is not None and (proposal.dissolved_on is None or unit.closed_on is None):
        yield from check_host(unit, proposal.established_on, "unit")


def check_host(unit: Unit, day: date, field: str) -> Wrong:
    """Refuse a unit that is closed, or was not there on the day."""
    if unit.closed_on is not None:
        message = f"“{unit.name}”已于 {unit.closed_on:%Y-%m-%d} 撤并,请选择现有单位。"
        yield "host_open", field, message
    if not unit.is_open_on(day):
        yield "host_open", field, f"“{unit.name}”在 {day:%Y-%m-%d} 尚未设立。"


@for_each
def stay_refusals(proposal: Stay) -> Wrong:
    """Check where an organization stood."""
    unit, closed = proposal.unit, proposal.unit.closed_on
    if closed is None or proposal.until is None or proposal.until > closed:
        yield from check_host(unit, proposal.since, "unit")
    elif not unit.is_open_on(proposal.since):
        yield "host_open", "unit", f"“{unit.name}”在 {proposal.since:%Y-%m-%d} 尚未设立。"


def check_kind(kind: str, parent: Organization | None) -> Wrong:
    """Refuse a superior under which the kind may not stand."""
    if kind not in ALLOWED_PARENTS:
        yield "kind_known", "kind", "请选择组织类型。"
        return
    above = parent.kind if parent is not None else NO_SUPERIOR
    if above not in ALLOWED_PARENTS[kind]:
        label, upper = OrganizationKind(kind).label, OrganizationKind(above).label if above else "无上级"
        yield "kind_under_superior", "parent", f"{label}不能设在{upper}之下,请换一个上级组织。"


def _check_superior(proposal: Establishment) -> Wrong:
    """Refuse a superior under which the kind may not stand, or that did not stand as long."""
    parent, end = proposal.parent, proposal.dissolved_on
    yield from check_kind(proposal.kind, parent)
    if parent is None:
        return
    if parent.state == WorkflowState.WITHDRAWN:
        yield "superior_valid", "parent", f"“{parent.name}”已撤回,请换一个上级组织。"
    gone = parent.dissolved_on
    if gone is not None and (end is None or end > gone):
        yield "superior_stands", "parent", f"“{parent.name}”已于 {gone:%Y-%m-%d} 撤销,请换一个上级组织。"
    if parent.established_on > proposal.established_on:
        message = f"上级组织“{parent.name}”成立于 {parent.established_on:%Y-%m-%d},成立日期不能早于它。"
        yield "superior_stands", "established_on", message


def name_warnings(proposals: Sequence[Establishment]) -> Iterator[Finding]:
    """Warn when the unit has an organization of that name."""
    hosts = {proposal.unit.pk for proposal in proposals if proposal.unit is not None} - {None}
    same: dict[tuple[int, str], list[Organization]] = defaultdict(list)
    rows = Organization.objects.filter(unit__in=hosts, name__in={proposal.name for proposal in proposals})
    for row in rows.exclude(state=WorkflowState.WITHDRAWN).order_by("order_key", "pk"):
        same[row.unit_id, row.name].append(row)
    for proposal in proposals:
        unit = proposal.unit
        if unit is None:
            continue
        for row in same.get((unit.pk, proposal.name), [])[:3]:
            end = f",{row.dissolved_on:%Y-%m-%d} 撤销" if row.dissolved_on else ""
            message = (
                f"{unit.label}已有同名组织“{row.name}”({row.code},{row.established_on:%Y-%m-%d} 成立{end})。"
            )
            yield warning("name_new_at_unit", proposal, "name", message)


def superior_warnings(proposals: Sequence[Establishment | Move]) -> Iterator[Finding]:
    """Warn of a group directly under a committee: groups are parts of branches (支部工作条例 第十三条)."""
    for proposal in proposals:
        parent, kind = proposal.parent, proposal.kind
        if parent is not None and (kind, parent.kind) == (OrganizationKind.GROUP, OrganizationKind.COMMITTEE):
            message = f"党小组应设在党支部之下,“{parent.name}”是党委,请核对上级组织。"
            yield warning("group_under_branch", proposal, "parent", message)


def move_findings(proposals: Sequence[Move]) -> list[Finding]:
    """Return refusals, and what to look at of a new superior."""
    refused = move_refusals(proposals)
    return [*refused, *superior_warnings(unblamed(proposals, refused))]


def first_member_warnings(placed: Mapping[Establishment, Sequence[Placement]]) -> Iterator[Finding]:
    """Say what the checks say of organizations with their first members; and where nobody leads."""
    party = [each for proposal, members in placed.items() if proposal.kind in PARTY_KINDS for each in members]
    statuses = placements.statuses_on(party) if party else {}
    proposed: dict[object, Proposed] = {}
    for proposal, members in placed.items():
        is_party = proposal.kind in PARTY_KINDS
        is_checked = proposal.is_temporary or proposal.kind == OrganizationKind.GROUP
        if not is_checked and not any(each.role == head_role(proposal.kind) for each in members):
            message = "没有指定书记。" if is_party else "没有指定负责人。"
            yield warning("has_a_head", proposal, "members", message)
        if is_party:
            people = [PlannedMember(each.role, statuses[each]) for each in members]
            planned = Planned(proposal.kind, proposal.is_temporary, people)
            proposed[proposal] = Proposed(planned, proposal.established_on)
    if proposed:
        yield from planned_findings(proposed)


def head_role(kind: str) -> str:
    """Return the role of who leads: a secretary, in a formation a leader."""
    return Role.SECRETARY.value if kind in PARTY_KINDS else Role.LEADER.value


def _check_campaign(proposal: Correction) -> Wrong:
    candidate, is_moved = proposal.candidate, proposal.changes("campaign")
    if is_moved or proposal.changes("established_on"):
        field = "campaign" if is_moved else "established_on"
        yield from campaigns.over(candidate.campaign, candidate.established_on, field, IN_ANOTHER)


def _check_days(proposal: Correction) -> Wrong:
    """Ask what the two days of a corrected life say by themselves."""
    start, end = proposal.candidate.established_on, proposal.candidate.dissolved_on
    yield from in_future("established_on", start)
    if end is None:
        return
    yield from in_future("dissolved_on", end)
    if proposal.now.dissolved_on is None:
        yield "dissolved_by_dissolution", "dissolved_on", "请用“撤销”办理,以便同时结束人员编入和下级组织。"
    if end < start:
        yield "ends_after_start", "dissolved_on", "撤销日期不能早于成立日期。"


@dataclass(frozen=True, slots=True)
class _Around:
    """What a life must not leave out: the members' days, the hosts in order, and what stands below."""

    members: dict[int, list[tuple[date, date | None]]]
    hosts: dict[int, list[OrganizationPlacement]]
    below: dict[int, list[Organization]]


def _lives(proposals: Sequence[Correction]) -> list[Finding]:
    """Refuse a corrected life that leaves out a member, placement or subordinate, or leaves its host's."""
    pks = [proposal.now.pk for proposal in proposals]
    around = _Around(defaultdict(list), defaultdict(list), defaultdict(list))
    members = Assignment.objects.valid().filter(organization__in=pks).order_by()
    along = {row.pk for proposal in proposals for row in proposal.along.everybody}
    for key, pk, start, end in members.values_list("pk", "organization_id", "started_on", "ended_on"):
        around.members[pk].append((date.max if key in along else start, end))
    hosts = OrganizationPlacement.objects.filter(organization__in=pks).select_related("unit")
    for host in hosts.order_by("started_on"):
        around.hosts[host.organization_id].append(host)
    moved = {row.pk for proposal in proposals for row in proposal.along.below}
    for row in below(pks).exclude(pk__in=moved):
        around.below[row.parent_id or 0].append(row)

    def check(proposal: Correction) -> Wrong:
        yield from _check_members(proposal, around.members[proposal.now.pk])
        yield from _check_hosts(proposal, around.hosts[proposal.now.pk])
        yield from _check_revival(proposal)
        yield from _check_below(proposal, around.below[proposal.now.pk])

    return first_of(check, proposals)


def below(pks: Sequence[int]) -> QuerySet[Organization]:
    """Return the direct subordinates that were not withdrawn."""
    rows: QuerySet[Organization] = Organization.objects.filter(parent__in=pks)
    return rows.exclude(state=WorkflowState.WITHDRAWN).order_by("lft")


def _check_members(proposal: Correction, members: list[tuple[date, date | None]]) -> Wrong:
    start, end = proposal.candidate.established_on, proposal.candidate.dissolved_on
    early = sum(began < start for began, _ended in members)
    if early:
        message = f"有 {early} 人次的编入日期早于 {start:%Y-%m-%d},请先更正这些编入。"
        yield "placement_within_life", "established_on", message
    late = sum(ended is None or ended > end for _began, ended in members) if end is not None else 0
    if late:
        message = f"有 {late} 人次在 {end:%Y-%m-%d} 之后仍在本组织,请先结束这些编入。"
        yield "placement_within_life", "dissolved_on", message


def _check_hosts(proposal: Correction, hosts: list[OrganizationPlacement]) -> Wrong:
    start, end = proposal.candidate.established_on, proposal.candidate.dissolved_on
    if len(hosts) > 1 and hosts[1].started_on <= start:
        message = f"该组织在 {hosts[1].started_on:%Y-%m-%d} 已转隶,成立日期须早于该日。"
        yield "transfer_within_life", "established_on", message
    if end is not None and hosts[-1].started_on > end:
        message = f"该组织在 {hosts[-1].started_on:%Y-%m-%d} 转隶,撤销日期不能早于该日。"
        yield "transfer_within_life", "dissolved_on", message
    first = hosts[0].unit
    if proposal.changes("established_on") and not first.is_open_on(start):
        yield "host_open", "established_on", f"“{first.name}”在 {start:%Y-%m-%d} 尚未设立或已撤并。"


def _check_revival(proposal: Correction) -> Wrong:
    """What stands longer than was registered needs its host and its superior as long."""
    candidate, before = proposal.candidate, proposal.now.dissolved_on
    end = candidate.dissolved_on
    if before is None or (end is not None and end <= before):
        return
    closed, parent = candidate.unit.closed_on, candidate.parent
    if closed is not None and (end is None or end > closed):
        yield "host_open", "dissolved_on", f"所在单位“{candidate.unit.name}”已于 {closed:%Y-%m-%d} 撤并。"
    if parent is None or candidate.state == WorkflowState.WITHDRAWN:
        return
    gone = parent.dissolved_on
    if gone is not None and (end is None or end > gone):
        yield "superior_stands", "dissolved_on", f"上级组织“{parent.name}”已于 {gone:%Y-%m-%d} 撤销。"


def _check_below(proposal: Correction, subordinates: list[Organization]) -> Wrong:
    start, end = proposal.candidate.established_on, proposal.candidate.dissolved_on
    before = proposal.now.established_on
    for row in subordinates:
        # Those that were older before were moved under it (a general branch founded above its branches).
        if before <= row.established_on < start:
            message = f"下级“{row.name}”成立于 {row.established_on:%Y-%m-%d},早于该日。"
            yield "superior_stands", "established_on", message
    if end is not None and any(row.dissolved_on is None or row.dissolved_on > end for row in subordinates):
        yield "superior_stands", "dissolved_on", "下级组织在该日之后仍在,请先撤销或调整它们。"


def _check_counted(proposal: Correction) -> Wrong:
    is_counted = proposal.now.state == WorkflowState.APPROVED
    if is_counted and any(proposal.changes(name) for name in COUNTED):
        what = "更正原因:该组织已批准,所改的内容已计入统计"
        yield from without_reason("correction_needs_reason", proposal.reason, what)


@for_each
def move_refusals(proposal: Move) -> Wrong:
    """Check a new superior."""
    organization, parent = proposal.organization, proposal.parent
    if organization.parent_id == (parent.pk if parent else None):
        yield "superior_changes", "parent", "上级组织没有变化。"
    if parent is not None:
        yield from check_new_superior(organization, parent)
    yield from check_kind(organization.kind, parent)


def check_new_superior(organization: Organization, parent: Organization) -> Wrong:
    """Refuse a superior that is withdrawn, is below the organization, or does not stand as long."""
    if parent.state == WorkflowState.WITHDRAWN:
        yield "superior_valid", "parent", f"“{parent.name}”已撤回,请换一个上级组织。"
    if parent.tree_id == organization.tree_id and organization.lft <= parent.lft <= organization.rght:
        message = f"“{parent.name}”就在“{organization.name}”之下,不能作为它的上级。"
        yield "superior_not_below", "parent", message
    gone, end = parent.dissolved_on, organization.dissolved_on
    if gone is not None and (end is None or end > gone):
        yield "superior_stands", "parent", f"“{parent.name}”已于 {gone:%Y-%m-%d} 撤销。"


def _check_transfer(proposal: Transfer, since: date) -> Wrong:
    organization, unit, on = proposal.organization, proposal.unit, proposal.on
    yield from in_future("on", on)
    if organization.state == WorkflowState.WITHDRAWN:
        yield "organization_valid", "", "该组织已撤回,不能转隶。"
    if organization.unit_id == unit.pk:
        yield "host_changes", "unit", f"该组织现在就在“{unit.name}”。"
    if organization.dissolved_on is not None and on >= organization.dissolved_on:
        yield "transfer_within_life", "on", f"该组织已于 {organization.dissolved_on:%Y-%m-%d} 撤销。"
    yield from check_host(unit, on, "unit")
    if on < since:
        message = f"“{organization.name}”自 {since:%Y-%m-%d} 起在现单位,生效日期不能早于该日。"
        yield "transfers_in_order", "on", message
