"""Rules of joint branches (联合党支部): which units one covers beside its host unit, and from when.

支部工作条例(试行): a unit with fewer than three full members founds a joint branch with its neighbours, which
normally covers at most five units. The number is that of the check ``joint_branch``, as the bureau set it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import QuerySet

from registry.models import CoveredUnit, Organization, OrganizationKind, OrganizationPlacement, Unit
from registry.models.base import on_day
from registry.models.kinds import WorkflowState
from registry.models.prepared import Values, read_objects
from registry.rules.checks.asking import Settings
from registry.rules.checks.declared import BY_SLUG
from registry.rules.findings import Finding, Wrong, first_of, in_future, unblamed, warning
from registry.rules.organizations import Correction, Transfer, check_host
from registry.rules.units import Closing

JOINT = OrganizationKind.JOINT_BRANCH
FIRST_LET_GO = "请先用“变更覆盖单位”去掉"


@dataclass(frozen=True, eq=False, slots=True)
class Covering:
    """What an organization of a kind would cover from a day on, beside the units that host it from then on.

    Units may be planned only.
    """

    kind: str
    hosts: Sequence[Unit]
    units: Sequence[Unit]
    on: date


@dataclass(frozen=True, eq=False, slots=True)
class Change:
    """Other covered units of an organization from a day on."""

    organization: Organization
    units: Sequence[Unit]
    on: date


# --- What is asked of those that would be covered -------------------------------------------------


def refusals(proposals: Sequence[Covering], settings: Settings | None = None) -> list[Finding]:
    """Return what is wrong with the units that would be covered; what covers none is not asked.

    ``settings`` of the checks are read unless given.
    """
    proposals = [each for each in proposals if each.units]
    if not proposals:
        return []
    limits = settings or Settings.read()

    def check(proposal: Covering) -> Wrong:
        yield from _check(proposal, limits.thresholds(BY_SLUG["joint_branch"], proposal.on)["most"])

    return first_of(check, proposals)


def _check(proposal: Covering, most: int) -> Wrong:
    if proposal.kind != JOINT:
        message = "只有联合党支部覆盖其他单位:请把组织类型改为联合党支部,或去掉覆盖单位。"
        yield "only_joint_covers", "covered", message
    for code, number in Counter(unit.code for unit in proposal.units).items():
        if number > 1:
            name = next(unit.name for unit in proposal.units if unit.code == code)
            yield "covered_once", "covered", f"“{name}”填了不止一次,请去掉重复的。"
    for unit in proposal.units:
        if unit in proposal.hosts:
            yield "host_not_covered", "covered", f"“{unit.name}”是所在单位,不用再填为覆盖单位。"
        yield from check_host(unit, proposal.on, "covered")
    number = len(proposal.units) + 1
    if number > most:
        message = f"连同所在单位共 {number} 个单位,联合党支部最多覆盖 {most} 个,请去掉 {number - most} 个。"
        yield "joint_branch", "covered", message


def warnings_of(proposals: Sequence[Covering]) -> Iterator[Finding]:
    """Say of a joint branch that it covers no other unit yet."""
    for proposal in proposals:
        if proposal.kind == JOINT and not proposal.units:
            message = "联合党支部还没有填覆盖单位:现在填,或登记后用“变更覆盖单位”补填。"
            yield warning("joint_covers", proposal, "covered", message)


def change_refusals(proposals: Sequence[Change]) -> list[Finding]:
    """Return what is wrong with other covered units from a day on."""
    pks = [proposal.organization.pk for proposal in proposals]
    last: dict[int, date] = {}
    days = CoveredUnit.objects.filter(organization__in=pks).values_list(
        "organization", "started_on", "ended_on"
    )
    for pk, *both in days:
        last[pk] = max([each for each in (last.get(pk), *both) if each is not None])
    refused = first_of(lambda each: _check_life(each, last.get(each.organization.pk)), proposals)
    fine = unblamed(proposals, refused)
    stays: dict[int, list[OrganizationPlacement]] = defaultdict(list)
    for stay in OrganizationPlacement.objects.filter(organization__in=pks).select_related("unit"):
        stays[stay.organization_id].append(stay)
    asked = {
        Covering(
            each.organization.kind,
            [stay.unit for stay in stays[each.organization.pk] if _lasts(stay, each.on)],
            each.units,
            each.on,
        ): each
        for each in fine
    }
    return [*refused, *refusals(list(asked))]


def _lasts(row: CoveredUnit | OrganizationPlacement, day: date) -> bool:
    return row.ended_on is None or row.ended_on > day


def _check_life(proposal: Change, last: date | None) -> Wrong:
    organization, on = proposal.organization, proposal.on
    yield from in_future("on", on)
    if organization.state == WorkflowState.WITHDRAWN:
        yield "organization_valid", "", "该组织已撤回,不能变更覆盖单位。"
    if on < organization.established_on:
        message = f"该组织成立于 {organization.established_on:%Y-%m-%d},变更日期不能早于该日。"
        yield "covers_within_life", "on", message
    if organization.dissolved_on is not None and on >= organization.dissolved_on:
        yield "covers_within_life", "on", f"该组织已于 {organization.dissolved_on:%Y-%m-%d} 撤销。"
    if last is not None and on < last:
        message = f"覆盖单位在 {last:%Y-%m-%d} 变更过,变更日期不能早于该日;那次有误的,请在变动记录里撤回它。"
        yield "covers_in_order", "on", message


# --- What other acts must leave as it is ----------------------------------------------------------


def transfer_refusals(proposals: Sequence[Transfer]) -> list[Finding]:
    """Refuse a new host unit that the organization covers from then on."""
    covered = _covered_by([proposal.organization.pk for proposal in proposals])

    def check(proposal: Transfer) -> Wrong:
        for row in covered[proposal.organization.pk]:
            if row.unit_id == proposal.unit.pk and _lasts(row, proposal.on):
                message = f"“{row.unit.name}”是它的覆盖单位,{FIRST_LET_GO}(自 {proposal.on:%Y-%m-%d} 起)。"
                yield "host_not_covered", "unit", message

    return first_of(check, proposals)


def correction_refusals(proposals: Sequence[Correction]) -> list[Finding]:
    """Refuse another kind, host or day of founding that does not go with what is covered."""
    names = ("kind", "unit", "established_on")
    proposals = [each for each in proposals if any(each.changes(name) for name in names)]
    covered = _covered_by([proposal.now.pk for proposal in proposals]) if proposals else {}
    return first_of(lambda proposal: _check_correction(proposal, covered[proposal.now.pk]), proposals)


def _check_correction(proposal: Correction, covered: Sequence[CoveredUnit]) -> Wrong:
    candidate, founded = proposal.candidate, proposal.now.established_on
    start = candidate.established_on
    for row in covered:
        if proposal.changes("kind") and row.ended_on is None and candidate.kind != JOINT:
            yield "only_joint_covers", "kind", f"它还覆盖“{row.unit.name}”,{FIRST_LET_GO},再改组织类型。"
        if proposal.changes("unit") and row.unit_id == candidate.unit_id:
            yield "host_not_covered", "unit", f"“{row.unit.name}”是它的覆盖单位,{FIRST_LET_GO}。"
        if not proposal.changes("established_on"):
            continue
        if row.started_on == founded and not row.unit.is_open_on(start):
            message = f"覆盖单位“{row.unit.name}”在 {start:%Y-%m-%d} 尚未设立或已撤并。"
            yield "host_open", "established_on", message
        changed = [day for day in (row.started_on, row.ended_on) if day is not None and day > founded]
        if changed and (min(changed) < start or row.ended_on == start):
            message = f"覆盖单位在 {min(changed):%Y-%m-%d} 变更过,成立日期须早于该日。"
            yield "covers_within_life", "established_on", message


def closing_refusals(proposals: Sequence[Closing]) -> list[Finding]:
    """Refuse to close a unit that is covered; one that is merged is covered where it goes."""
    proposals = [each for each in proposals if each.into is None]
    rows = CoveredUnit.objects.filter(unit__in=[each.unit.pk for each in proposals])
    rows = rows.exclude(organization__state=WorkflowState.WITHDRAWN)
    covering = list(rows.select_related("organization").order_by("organization__order_key", "pk"))

    def check(proposal: Closing) -> Wrong:
        for row in covering:
            end = row.organization.dissolved_on
            stands = end is None or end > proposal.on
            if row.unit_id == proposal.unit.pk and stands and _lasts(row, proposal.on):
                message = (
                    f"“{proposal.unit.name}”由联合党支部“{row.organization.name}”覆盖,请先变更它的覆盖单位。"
                )
                yield "covered_by_nothing", "", message

    return first_of(check, proposals)


def standing_refusals(rows: Sequence[Organization]) -> list[Finding]:
    """Return what is wrong with the units that organizations cover, as both stand in the database."""
    pks = [row.pk for row in rows if row.state != WorkflowState.WITHDRAWN]
    covered = _covered_by(pks)
    stays: dict[int, list[OrganizationPlacement]] = defaultdict(list)
    for stay in OrganizationPlacement.objects.filter(organization__in=list(covered)):
        stays[stay.organization_id].append(stay)

    def check(row: Organization) -> Wrong:
        for each in covered.get(row.pk, ()):
            unit, end = each.unit, each.ended_on or row.dissolved_on
            closed = unit.closed_on
            if each.ended_on is None and row.kind != JOINT:
                yield "only_joint_covers", "", f"“{row.name}”还覆盖“{unit.name}”,须是联合党支部。"
            if not unit.is_open_on(each.started_on) or (closed is not None and (end is None or end > closed)):
                yield "host_open", "", f"“{row.name}”覆盖的“{unit.name}”在此期间尚未设立或已撤并。"
            if any(stay.unit_id == unit.pk and _overlap(stay, each) for stay in stays[row.pk]):
                yield "host_not_covered", "", f"“{unit.name}”是“{row.name}”的所在单位,不能又是覆盖单位。"

    return first_of(check, rows)


def standing_rows(rows: Sequence[CoveredUnit]) -> list[Finding]:
    """Ask the same of the organizations of dated rows."""
    pks = {row.organization_id for row in rows}
    return standing_refusals(list(Organization.objects.filter(pk__in=pks).order_by("pk")))


def _overlap(one: OrganizationPlacement, other: CoveredUnit) -> bool:
    return _lasts(one, other.started_on) and _lasts(other, one.started_on)


def _covered_by(organizations: Sequence[int]) -> dict[int, list[CoveredUnit]]:
    """Return what each covers and covered, with the units, in their order."""
    found: dict[int, list[CoveredUnit]] = defaultdict(list)
    rows = CoveredUnit.objects.filter(organization__in=organizations).select_related("unit")
    for row in rows.order_by("started_on", "unit__tree_id", "unit__lft"):
        found[row.organization_id].append(row)
    return found


# --- What is shown --------------------------------------------------------------------------------


def covered_on(organizations: Iterable[Organization], day: date) -> dict[int, list[Unit]]:
    """Return the units that each covers on the day, in the order of the tree: one query for the joint ones.

    Of one that is not founded yet by the day these are its first, of one that is dissolved its last.
    """
    joint = {row.pk: row for row in organizations if row.kind == JOINT}
    found: dict[int, list[Unit]] = {}
    for pk, rows in (_covered_by(list(joint)) if joint else {}).items():
        row = joint[pk]
        then = max(day, row.established_on)
        if row.dissolved_on is not None and row.dissolved_on <= then:
            then = row.dissolved_on - timedelta(days=1)
        units = [each.unit for each in rows if each.started_on <= then and _lasts(each, then)]
        if units:
            found[pk] = sorted(units, key=lambda unit: (unit.tree_id, unit.lft))
    return found


def covering_on(unit: Unit, day: date) -> list[Organization]:
    """Return the approved joint branches that cover a unit on the day, with their host units: one query."""
    return read_objects(_covering, [day, unit.pk], planned_once=True)


def _covering(values: Values) -> QuerySet[Organization]:
    day, unit = values
    rows = CoveredUnit.objects.filter(on_day(day), unit=unit)
    joint = Organization.objects.approved().as_of(day).filter(pk__in=rows.values("organization"))
    return joint.select_related("unit").order_by("order_key", "pk")
