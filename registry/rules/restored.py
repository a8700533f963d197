"""Rules of rows as they stand: what must hold of rows that an act taken back has set to what they were.

Apps hand them up as ``standing_rules``: tuples of (model, columns, rule, is_before), asked of rows of which
one of the columns is set back. Most are asked of rows as the database holds them at the end. One with
``is_before`` is asked of rows as they would be, before they are written: the database would refuse them, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import prefetch_related_objects

from registry.models import (
    Assignment,
    CoveredUnit,
    Organization,
    OrganizationPlacement,
    Person,
    Unit,
    WorkflowState,
)
from registry.rules import covering, placements
from registry.rules import organizations as organization_rules
from registry.rules import people as people_rules
from registry.rules.findings import Finding, Wrong, first_of


def units(rows: Sequence[Unit]) -> list[Finding]:
    """An open unit needs an open superior."""
    prefetch_related_objects(rows, "parent")

    def check(unit: Unit) -> Wrong:
        above = unit.parent
        gone = above.closed_on if above is not None else None
        if above is not None and gone is not None and (unit.closed_on is None or unit.closed_on > gone):
            yield "superior_open", "", f"“{unit.name}”的上级单位“{above.name}”已于 {gone:%Y-%m-%d} 撤并。"

    return first_of(check, rows)


def organizations(rows: Sequence[Organization]) -> list[Finding]:
    """An organization needs its hosts open, its superior as long as it stands, and so do those below it."""
    rows = [row for row in rows if row.state != WorkflowState.WITHDRAWN]
    prefetch_related_objects(rows, "parent")
    stays = {
        organization_rules.Stay(
            host.unit, host.started_on, host.ended_on or host.organization.dissolved_on
        ): host.organization
        for host in OrganizationPlacement.objects.filter(organization__in=rows)
        .select_related("unit", "organization")
        .order_by("organization_id", "started_on")
    }
    found = [
        Finding(each.rule, each.severity, "", f"“{stays[each.subject].name}”:{each.message}", each.subject)  # type: ignore[index]
        for each in organization_rules.stay_refusals(list(stays))
    ]
    below: dict[int, list[Organization]] = defaultdict(list)
    for row in organization_rules.below([row.pk for row in rows]):
        below[row.parent_id or 0].append(row)

    def check(row: Organization) -> Wrong:
        if row.parent is not None:
            yield from _check_pair(row.parent, row)
        for lower in below[row.pk]:
            yield from _check_pair(row, lower)

    return [*found, *first_of(check, rows)]


def _check_pair(upper: Organization, lower: Organization) -> Wrong:
    if upper.state == WorkflowState.WITHDRAWN:
        yield "superior_valid", "", f"“{lower.name}”的上级组织“{upper.name}”已撤回。"
    gone, end = upper.dissolved_on, lower.dissolved_on
    if gone is not None and (end is None or end > gone):
        message = f"“{lower.name}”的上级组织“{upper.name}”已于 {gone:%Y-%m-%d} 撤销。"
        yield "superior_stands", "", message


def assignments(rows: Sequence[Assignment]) -> list[Finding]:
    """A placement must be one that could be made now."""
    rows = [row for row in rows if not row.is_withdrawn]
    prefetch_related_objects(rows, "person", "organization")
    return placements.refusals(
        [
            placements.Placement(
                row.person, row.organization, row.role, row.started_on, row.ended_on, replaces=row
            )
            for row in rows
        ]
    )


def people(rows: Iterable[Person]) -> list[Finding]:
    """A person needs an open home unit, and a branch that is one."""
    there = list(rows)
    prefetch_related_objects(there, "home_unit", "home_branch")
    return people_rules.refusals([people_rules.Membership(row.home_unit, row.home_branch) for row in there])


RULES = (
    (Unit, ("closed_on", "opened_on"), units, False),
    (Organization, ("state", "established_on", "dissolved_on", "unit_id"), organizations, False),
    (Organization, ("state", "dissolved_on", "unit_id", "kind"), covering.standing_refusals, False),
    (CoveredUnit, ("organization_id", "unit_id", "started_on", "ended_on"), covering.standing_rows, False),
    (
        Assignment,
        ("person_id", "organization_id", "role", "started_on", "ended_on", "is_withdrawn"),
        assignments,
        True,
    ),
    (Person, ("home_unit_id", "home_branch_id"), people, False),
)
