"""Rules of reorganizing temporary Party organizations: putting together, splitting, another kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

from django.db.models import QuerySet

from registry.access import AnyUser
from registry.models import Assignment, Organization, OrganizationKind, Role, WorkflowState
from registry.models.base import ends_after
from registry.models.kinds import BRANCH_KINDS, PARTY_BODIES, rank_of_role
from registry.rules import organizations as founding
from registry.rules import placements
from registry.rules.checks.planned import Planned, PlannedMember
from registry.rules.checks.speaking import Proposed, planned_findings
from registry.rules.dissolutions import OUT_OF_SCOPE, MayTouch
from registry.rules.findings import Finding, Wrong, first_of, in_future, refusal, unblamed, warnings
from registry.rules.organizations import below

Told = list[tuple[str, str, str]]
"""What would change: (label, as it is, as it would be)."""
LOOK = "请核对"
"""The label of what the checks say among what would change."""
_NAMED = 30


@dataclass(frozen=True, eq=False, slots=True)
class Merger:
    """A temporary branch that would go over into another one on a day."""

    organization: Organization
    into: Organization
    on: date


@dataclass(frozen=True, eq=False, slots=True)
class Division:
    """A part of a temporary branch that would be a branch of its own from a day on.

    ``going`` are the assignments of those who go over, ``secretary`` is one of them, ``groups`` go along.
    """

    organization: Organization
    name: str
    on: date
    going: Sequence[Assignment]
    secretary: Assignment | None = None
    groups: Sequence[Organization] = ()

    @property
    def members(self) -> list[tuple[Assignment, str]]:
        """Return who goes over, and the role in the new branch: the secretary of the old one is a member."""
        head = self.secretary.pk if self.secretary else None
        member = Role.MEMBER.value
        kept = ((row, member if row.role == Role.SECRETARY else row.role) for row in self.going)
        return [(row, Role.SECRETARY.value if row.pk == head else role) for row, role in kept]

    @property
    def founded(self) -> Organization:
        """Return the new branch: of the same kind, at the same unit, under the same superior."""
        old = self.organization
        return _beside(old, kind=old.kind, parent=old.parent, name=self.name, established_on=self.on)


@dataclass(frozen=True, eq=False, slots=True)
class Succession:
    """A temporary Party organization that would be followed by one of another kind from a day on."""

    organization: Organization
    kind: str
    name: str
    on: date
    parent: Organization | None

    @property
    def founded(self) -> Organization:
        """Return the successor, with what goes on under another kind."""
        old = self.organization
        return _beside(
            old,
            kind=self.kind,
            parent=self.parent,
            name=self.name,
            established_on=self.on,
            honour_title=old.honour_title,
            aliases=old.aliases,
            task_body=old.task_body,
        )


def _beside(old: Organization, **facts: Any) -> Organization:
    """Return a new temporary organization where the old one stands, for the same campaign."""
    kept = {name: getattr(old, name) for name in ("unit", "campaign", "is_temporary", "is_sample")}
    return Organization(**kept, **facts)


def is_temporary_branch(organization: Organization) -> bool:
    """Whether it is of a kind that is put together with others, or split."""
    return organization.is_temporary and organization.kind in BRANCH_KINDS


def is_temporary_body(organization: Organization) -> bool:
    """Whether it is of a kind that another one may follow."""
    return organization.is_temporary and organization.kind in PARTY_BODIES


def staying_on(organization: Organization, on: date) -> QuerySet[Assignment]:
    """Return the assignments in the organization that last beyond the day."""
    return Assignment.objects.valid().filter(ends_after(on), organization=organization)


def in_order(rows: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """Return assignments with their people: the secretary first, then by rank and name."""
    ranked = rows.select_related("person__home_unit").annotate(rank=rank_of_role())
    return ranked.order_by("rank", "person__order_key", "pk")


def groups_of(organization: Organization, on: date) -> QuerySet[Organization]:
    """Return what stands directly below the organization on the day, in its order."""
    rows = below([organization.pk]).filter(ends_after(on, "dissolved_on"))
    return rows.select_related("unit").order_by("tree_id", "lft")


# --- What must be refused -------------------------------------------------------------------------


def merger_refusals(proposals: Sequence[Merger], may_touch: MayTouch | None = None) -> list[Finding]:
    """Return why branches cannot be put together; what ``may_touch`` denies of those below is not named."""
    refused = first_of(_check, proposals)
    for proposal in unblamed(proposals, refused):
        staying = staying_on(proposal.organization, proposal.on).select_related("person")
        refused += _not_yet(proposal, staying, "合并日期")
        refused += _out_of_scope(proposal, groups_of(proposal.organization, proposal.on), may_touch)
    return refused


def division_refusals(proposals: Sequence[Division], may_touch: MayTouch | None = None) -> list[Finding]:
    """Return why branches cannot be split; ``may_touch`` is asked of the groups that go along."""
    refused = first_of(_check_division, proposals)
    for proposal in unblamed(proposals, refused):
        refused += _founding_refusals(proposal)
        refused += _not_yet(proposal, proposal.going, "拆分日期")
        refused += _out_of_scope(proposal, proposal.groups, may_touch)
    return refused


def succession_refusals(proposals: Sequence[Succession], may_touch: MayTouch | None = None) -> list[Finding]:
    """Return why organizations cannot be followed by another kind; see ``merger_refusals``."""
    refused = first_of(_check_succession, proposals)
    for proposal in unblamed(proposals, refused):
        staying = staying_on(proposal.organization, proposal.on).select_related("person")
        refused += _founding_refusals(proposal)
        refused += _not_yet(proposal, staying, "改设日期")
        refused += _out_of_scope(proposal, groups_of(proposal.organization, proposal.on), may_touch)
    return refused


def _check(proposal: Merger) -> Wrong:
    organization, into, on = proposal.organization, proposal.into, proposal.on
    if organization.pk == into.pk:
        yield "merged_into_another", "into", "不能并入自身,请选择另一个支部。"
        return
    for field, each in (("", organization), ("into", into)):
        if not is_temporary_branch(each):
            yield "merged_are_branches", field, f"“{each.name}”不是临时党支部,只有临时党支部可以合并。"
        yield from _check_stands(each, on, field)
    if organization.campaign_id != into.campaign_id:
        yield "merged_in_one_campaign", "into", "两个支部不属于同一专项任务,不能合并。"
    yield from in_future("on", on)


def _check_stands(organization: Organization, on: date, field: str = "") -> Wrong:
    """Refuse what is not approved, or does not stand on the day."""
    if organization.state != WorkflowState.APPROVED:
        yield "reorganized_is_approved", field, f"“{organization.name}”尚未批准,请先批准。"
    if not organization.stands_on(on):
        message = f"“{organization.name}”在 {on:%Y-%m-%d} 尚未成立或已撤销。"
        yield "reorganized_stands", field or "on", message


def _check_division(proposal: Division) -> Wrong:
    organization, on = proposal.organization, proposal.on
    if not is_temporary_branch(organization):
        yield "split_is_branch", "", f"“{organization.name}”不是临时党支部,只有临时党支部可以拆分。"
    yield from in_future("on", on)
    yield from _check_stands(organization, on)
    there = set(staying_on(organization, on).values_list("pk", flat=True))
    going = {row.pk for row in proposal.going}
    if not going:
        yield "split_has_members", "members", "请选择转入新支部的人员。"
    for row in proposal.going:
        if row.pk not in there:
            message = f"{row.person.name} 在 {on:%Y-%m-%d} 已不在“{organization.name}”,请重新选择人员。"
            yield "split_members_there", "members", message
    if there <= going:
        message = f"“{organization.name}”的人员全部转入新支部,原支部无人。请留下部分人员,整体变更请用“改设”。"
        yield "split_leaves_members", "members", message
    if proposal.secretary is not None and proposal.secretary.pk not in going:
        yield "split_secretary_goes", "secretary", "新支部的书记须是转入新支部的人员。"
    known = set(groups_of(organization, on).values_list("pk", flat=True))
    for group in proposal.groups:
        if group.pk not in known:
            message = f"“{group.name}”在 {on:%Y-%m-%d} 不是“{organization.name}”的下级组织,请重新选择。"
            yield "split_groups_there", "groups", message


def _check_succession(proposal: Succession) -> Wrong:
    organization, on, kind = proposal.organization, proposal.on, proposal.kind
    if not is_temporary_body(organization):
        message = f"“{organization.name}”是{organization.kind_label},只有临时党支部、党总支、党委可以改设。"
        yield "succeeded_is_body", "", message
    if kind not in PARTY_BODIES:
        yield "successor_kind", "kind", "请选择改设后的类型:党支部、联合党支部、党总支或党委。"
        return
    if kind == organization.kind:
        yield (
            "successor_kind",
            "kind",
            f"“{organization.name}”现在就是{organization.kind_label},请选择其他类型。",
        )
    yield from in_future("on", on)
    yield from _check_stands(organization, on)
    if on == organization.established_on:
        yield "succeeded_lived", "on", "改设日期须晚于成立日期;从成立之日起就登记错了的,请用“更正登记”。"
    if proposal.parent is not None:
        yield from founding.check_new_superior(organization, proposal.parent)
    for row in groups_of(organization, on):
        for rule, _field, _message in founding.check_kind(row.kind, proposal.founded):
            label = OrganizationKind(kind).label
            message = f"下级“{row.name}”是{row.kind_label},不能设在{label}之下,请先调整它的上级组织。"
            yield rule, "kind", message


def _founding_refusals(proposal: Division | Succession) -> list[Finding]:
    """Return why the new organization could not be founded, at the fields of the act."""
    fields = {"established_on": "on", "parent": "parent" if isinstance(proposal, Succession) else ""}
    found = founding.refusals([_establishment(proposal)])
    return [replace(each, subject=proposal, field=fields.get(each.field, each.field)) for each in found]


def _establishment(proposal: Division | Succession) -> founding.Establishment:
    new = proposal.founded
    return founding.Establishment(
        new.kind,
        new.unit,
        new.established_on,
        new.is_temporary,
        new.parent,
        campaign=new.campaign,
        name=new.name,
    )


def _not_yet(
    proposal: Merger | Division | Succession, rows: Iterable[Assignment], label: str
) -> Iterator[Finding]:
    """Refuse a day before somebody came who is there now."""
    later = [row for row in rows if row.started_on > proposal.on]
    for row in sorted(later, key=lambda row: (row.started_on, row.pk))[:3]:
        message = f"{row.person.name} 在 {row.started_on:%Y-%m-%d} 才编入,{label}不能早于该日。"
        yield refusal("placement_within_life", proposal, "on", message)


def _out_of_scope(
    proposal: object, groups: Iterable[Organization], may_touch: MayTouch | None
) -> Iterator[Finding]:
    if may_touch and not all(may_touch(row) for row in groups):
        yield refusal("subordinates_in_scope", proposal, "", OUT_OF_SCOPE.format(verb="调整"))


# --- What to look at ------------------------------------------------------------------------------


def division_warnings(proposal: Division, asker: AnyUser) -> list[str]:
    """Return what to look at before a branch is split; the numbers of people as ``asker`` may see them."""
    founded, said = proposal.founded, founding.name_warnings([_establishment(proposal)])
    head = next((row for row, role in proposal.members if role == Role.SECRETARY), None)
    found = [*said]
    if head is not None:
        placed = placements.Placement(head.person, founded, Role.SECRETARY.value, proposal.on, head.ended_on)
        was_secretary = head.role == Role.SECRETARY  # of the branch that is split: until the day
        found += [
            each
            for each in placements.placement_warnings([placed], asker)
            if not (was_secretary and each.rule == "secretary_elsewhere")
        ]
    return [*warnings(found), *division_checks(proposal)]


def division_checks(proposal: Division) -> list[str]:
    """Return what the checks say of both branches, as they would be from the day on."""
    old, new, on = proposal.organization, proposal.founded, proposal.on
    there = list(staying_on(old, on).select_related("person"))
    going = {row.pk for row in proposal.going}
    staying = [row for row in there if row.pk not in going]
    over = _planned(new, [(row, role) for row, role in proposal.members], on)
    left, now = (_planned(old, [(row, row.role) for row in rows], on) for rows in (staying, there))
    return _checked([(new.name, Proposed(over, on)), (old.name, Proposed(left, on, now))])


def succession_warnings(proposal: Succession) -> list[str]:
    """Return what to look at before an organization is followed by one of another kind."""
    establishment = _establishment(proposal)
    found = [*founding.name_warnings([establishment]), *founding.superior_warnings([establishment])]
    old, new, on = proposal.organization, proposal.founded, proposal.on
    there = [(row, row.role) for row in staying_on(old, on).select_related("person")]
    after, now = (_planned(each, there, on) for each in (new, old))
    return [*warnings(found), *_checked([(new.name, Proposed(after, on, now))])]


def _planned(organization: Organization, members: Sequence[tuple[Assignment, str]], on: date) -> Planned:
    placed = [placements.Placement(row.person, organization, role, on) for row, role in members]
    statuses = placements.statuses_on(placed)
    people = [PlannedMember(each.role, statuses[each]) for each in placed]
    return Planned(organization.kind, organization.is_temporary, people)


def _checked(proposals: Sequence[tuple[str, Proposed]]) -> list[str]:
    found = planned_findings({at: proposed for at, (_name, proposed) in enumerate(proposals)})
    return [f"“{proposals[cast(int, each.subject)][0]}”:{each.message}" for each in found]


# --- In words -------------------------------------------------------------------------------------


def told_division(proposal: Division, *, in_full: bool = False) -> Told:
    """Return who and what would go over, who would stay (``in_full``: all), and what the checks say of it."""
    old, going = proposal.organization, {row.pk for row in proposal.going}
    there = list(in_order(staying_on(old, proposal.on)))
    staying = [(row, row.role) for row in there if row.pk not in going]
    groups = groups_of(old, proposal.on)
    over = {row.pk for row in proposal.groups}
    return [
        ("拆分成立", "", f"{proposal.name}({old.kind_label})"),
        ("拆分日期", "", proposal.on.isoformat()),
        ("转入新支部", "", _people(proposal.members)),
        *_told_groups("转入新支部的下级组织", proposal.groups),
        (f"留在“{old.name}”", f"{len(there):,} 人", _people(staying, in_full=in_full)),
        *_told_groups("留下的下级组织", [row for row in groups if row.pk not in over]),
        *((LOOK, "", said) for said in division_checks(proposal)),
    ]


def told_succession(proposal: Succession) -> Told:
    """Return what would be founded in the place of the organization, and who and what goes over."""
    old, new = proposal.organization, proposal.founded
    superior = (str(old.parent or "无"), str(new.parent or "无"))
    there = in_order(staying_on(old, proposal.on))
    return [
        ("组织类型", old.kind_label, new.kind_label),
        ("组织名称", old.name, new.name),
        *([("上级组织", *superior)] if old.parent_id != new.parent_id else []),
        ("改设日期", "", proposal.on.isoformat()),
        ("转入改设后的组织", "", _people([(row, row.role) for row in there], in_full=False)),
        *_told_groups("转入的下级组织", groups_of(old, proposal.on)),
        *((LOOK, "", said) for said in succession_warnings(proposal)),
    ]


def _people(members: Sequence[tuple[Assignment, str]], *, in_full: bool = True) -> str:
    """Say how many they are and who: those with an office first, by it, or only those."""
    plain = Role.MEMBER.value
    heads = [f"{Role(role).label} {row.person.name}" for row, role in members if role != plain]
    names = [*heads, *(row.person.name for row, role in members if role == plain)]
    shown = names[:_NAMED] if in_full else heads
    more = "等" if len(names) > len(shown) else ""
    said = f"{len(names):,} 人"
    return f"{said}:{'、'.join(shown)}{more}" if shown else said


def _told_groups(label: str, groups: Iterable[Organization]) -> Told:
    names = [row.name for row in groups]
    return [(label, "", "、".join(names))] if names else []
