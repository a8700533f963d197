"""What can be done with units: add, edit, move, merge, close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.write import following, following_hierarchy
from registry.models import Organization, OrganizationPlacement, Person, Unit, UnitPlacement, WorkflowState
from registry.models.shape import UnitShape, move_days
from registry.models.writer import write_new
from registry.operations.base import (
    changed,
    check_version,
    fresh,
    operation,
    renew,
    validate_all,
    validated,
    write,
    write_all,
)
from registry.refusals import need_reason, not_in_future, refuse
from registry.rules import units as rules
from registry.rules.findings import refuse_if
from registry.search import index as search
from registry.trees.growth import insert_all
from registry.trees.intervals import move_last

EDITABLE = ("name", "short_name", "aliases", "kind", "region_code", "opened_on", "note")
_TREE_FIELDS = ("parent", "lft", "rght", "tree_id", "level")


@operation
def add_unit(
    *,
    actor: Actor,
    code: str,
    name: str,
    kind: str,
    superior: Unit | None,
    short_name: str = "",
    aliases: str = "",
    region_code: str = "",
    opened_on: date | None = None,
    note: str = "",
) -> Unit:
    """Add a unit below ``superior`` (None: a root of its own). Raises ``OperationRefused``."""
    unit = Unit(
        code=code,
        name=name,
        kind=kind,
        short_name=short_name,
        aliases=aliases,
        region_code=region_code,
        opened_on=opened_on,
        note=note,
        parent=superior,
    )
    return add_units(actor=actor, units=[unit])[0]


@operation
def add_units(*, actor: Actor, units: Sequence[Unit], reason: str = "") -> Sequence[Unit]:
    """Add new units, each below its ``parent`` (None: a root), which is there or an earlier one of them."""
    locks.lock_unit_tree()
    renew(units, "parent")
    refuse_if(rules.refusals([rules.Addition(unit.parent, unit.opened_on) for unit in units]))
    validate_all(units, exclude=_TREE_FIELDS, unique="code")
    insert_all(units)
    write_new([UnitPlacement(unit=unit, superior=unit.parent) for unit in units])
    search.index_units(units)
    audit.record_all(
        [
            audit.entry(
                actor,
                "add_unit",
                unit,
                unit=unit,
                after=audit.fields_of(unit, ["code", *EDITABLE, "parent"]),
                reason=reason,
            )
            for unit in units
        ]
    )
    return units


@operation
def edit_unit(
    *, actor: Actor, unit: Unit, changes: Mapping[str, Any], version: int | None = None, reason: str = ""
) -> Unit:
    """Rename a unit or change its other plain facts (``EDITABLE``).

    ``version`` is what the form was opened with; raises ``EditConflict`` when it is old.
    """
    locks.lock_unit_tree()
    if "opened_on" in changes:
        locks.retire_units([unit])  # nobody may establish anything here on a day about to be too early
    unit = fresh(unit)
    wanted = {name: changes[name] for name in EDITABLE if name in changes}
    check_version(unit, version, wanted)
    wanted = changed(unit, wanted)
    if not wanted:
        return unit
    for name, value in wanted.items():
        setattr(unit, name, value)
    validated(unit, exclude=_TREE_FIELDS)
    refuse_if(rules.opening_refusals([rules.Opening(unit, wanted.get("opened_on"))]))
    unit = fresh(unit)
    before, after = write(unit, wanted)
    audit.record(actor, "edit_unit", unit, unit=unit, before=before, after=after, reason=reason)
    return unit


@operation
def move_unit(*, actor: Actor, unit: Unit, superior: Unit | None, on: date, reason: str = "") -> Unit:
    """Place ``unit`` with all below it under ``superior`` from day ``on``; earlier days keep their superior.

    Refused when ``on`` is before the last change of superior, or when on any day since then
    ``superior`` stood below ``unit``.
    """
    need_reason(reason, "调整原因")
    locks.lock_unit_tree()
    unit = fresh(unit)
    superior = fresh(superior) if superior is not None else None
    before = unit.parent
    with following_hierarchy([unit]):
        _place_under([unit], superior, on, field="superior")
    unit = fresh(unit)
    audit.record(
        actor,
        "move_unit",
        unit,
        unit=unit,
        before={"parent": before},
        after={"parent": superior},
        reason=reason,
        effective_on=on,
    )
    return unit


def _place_under(units: Sequence[Unit], superior: Unit | None, on: date, *, field: str) -> None:
    """End the units' placements on ``on``, begin the next, and move the nodes, all in one pass.

    ``units`` and ``superior`` are rows as read under the tree's lock; the units come last below it, in
    the order given.
    """
    not_in_future("on", on)
    for unit in units:
        if unit.parent_id == (superior.pk if superior else None):
            raise refuse(field, f"“{unit.name}”现在的上级单位就是“{superior.name if superior else '无'}”。")
    if superior is not None:
        if not superior.is_open_on(on):
            raise refuse(field, f"“{superior.name}”在 {on:%Y-%m-%d} 不存在或已撤并。")
        if superior.closed_on is not None:
            raise refuse(field, f"“{superior.name}”已于 {superior.closed_on:%Y-%m-%d} 撤并。")
        _refuse_cycle(units, superior, on, field)
    current = {
        placement.unit_id: placement
        for placement in UnitPlacement.objects.filter(unit__in=units, ended_on__isnull=True)
    }
    for unit in units:
        _refuse_day(unit, current[unit.pk].started_on, on)
    same = [placement.pk for placement in current.values() if placement.started_on == on]
    ending = [placement.pk for placement in current.values() if placement.started_on != on]
    UnitPlacement.objects.filter(pk__in=same).update(superior=superior)
    UnitPlacement.objects.filter(pk__in=ending).update(ended_on=on)
    UnitPlacement.objects.bulk_create(
        UnitPlacement(unit=unit, superior=superior, started_on=on)
        for unit in units
        if current[unit.pk].started_on != on
    )
    move_last(units, superior)


def _refuse_day(unit: Unit, since: date | None, on: date) -> None:
    """A change of superior lies after the one before it (``since``) and within the unit's life."""
    if since is not None and on < since:
        raise refuse("on", f"“{unit.name}”在 {since:%Y-%m-%d} 已调整过隶属关系,生效日期不能早于该日。")
    if unit.opened_on is not None and on < unit.opened_on:
        raise refuse("on", f"“{unit.name}”设立于 {unit.opened_on:%Y-%m-%d},生效日期不能早于该日。")
    if unit.closed_on is not None and on >= unit.closed_on:
        raise refuse("on", f"“{unit.name}”已于 {unit.closed_on:%Y-%m-%d} 撤并,生效日期须早于该日。")


def _refuse_cycle(units: Sequence[Unit], superior: Unit, on: date, field: str) -> None:
    """On every day from ``on`` the superior must stand outside the units' own subtrees."""
    days = [on, *move_days(on, timezone.localdate())]
    for day in days:
        path = {ancestor.pk for ancestor in UnitShape.on(day).path(superior)}
        for unit in units:
            if unit.pk in path:
                when = "" if day == days[-1] else f"在 {day:%Y-%m-%d} "
                raise refuse(field, f"“{superior.name}”{when}就在“{unit.name}”之下,不能作为它的上级。")


@dataclass(frozen=True)
class Leaving:
    """What is at a unit on a day: goes over when it is merged, stands in the way of closing it."""

    units: int
    organizations: int
    people: int


def what_is_left(*, unit: Unit, on: date) -> Leaving:
    """Count what a merger of ``unit`` on day ``on`` would take over, before it is done."""
    return Leaving(
        _open_children(unit, on).count(),
        _standing_at(unit, on).count(),
        Person.objects.filter(home_unit=unit).count(),
    )


@operation
def merge_unit(*, actor: Actor, unit: Unit, into: Unit, on: date, reason: str) -> Unit:
    """Merge ``unit`` into ``into`` on day ``on``: its sub-units, standing organizations and people go over.

    What ended before stays where it was; ``unit`` is closed. Raises ``OperationRefused`` when
    something was placed at ``unit`` after ``on``, or when ``into`` stands below ``unit``.
    """
    need_reason(reason, "并入原因")
    locks.lock_unit_tree()
    locks.retire_units([unit])
    locks.use_units([into])
    unit, into = fresh(unit), fresh(into)
    not_in_future("on", on)
    _refuse_closed(unit)
    if unit.pk == into.pk:
        raise refuse("into", "不能并入自身。")
    if unit.opened_on is not None and on < unit.opened_on:
        raise refuse("on", f"“{unit.name}”设立于 {unit.opened_on:%Y-%m-%d},并入日期不能早于该日。")
    if not into.is_open_on(on) or into.closed_on is not None:
        raise refuse("into", f"“{into.name}”在 {on:%Y-%m-%d} 不存在或已撤并。")
    if any(ancestor.pk == unit.pk for ancestor in UnitShape.on(on).path(into)):
        raise refuse("into", f"“{into.name}”在“{unit.name}”之下,请先调整隶属关系。")
    locks.lock_organization_trees(_standing_at(unit, on))
    _refuse_later_events(unit, on)
    standing = list(_standing_at(unit, on))  # as they are now that nobody else can change them
    children = list(_open_children(unit, on))
    if children:
        with following_hierarchy(children):
            _place_under(children, into, on, field="into")
    with following(standing):
        place_at(standing, into, on)
    people = list(Person.objects.filter(home_unit=unit).order_by("pk").values_list("pk", flat=True))
    Person.objects.filter(home_unit=unit).update(home_unit=into, version=F("version") + 1)
    unit = fresh(unit)
    write(unit, {"closed_on": on, "merged_into": into})
    audit.record(
        actor,
        "merge_unit",
        unit,
        unit=into,
        before={"closed_on": None},
        after={
            "closed_on": on,
            "merged_into": into,
            "units": len(children),
            "organizations": len(standing),
            "people": len(people),
            "moved": {
                "units": [child.pk for child in children],
                "organizations": [organization.pk for organization in standing],
                "people": people,
            },
        },
        reason=reason,
        effective_on=on,
    )
    return unit


@operation
def close_unit(*, actor: Actor, unit: Unit, on: date, reason: str) -> Unit:
    """Close a unit on day ``on``; refused while sub-units, organizations or people are left there."""
    need_reason(reason, "撤销原因")
    locks.lock_unit_tree()
    locks.retire_units([unit])
    unit = fresh(unit)
    not_in_future("on", on)
    _refuse_closed(unit)
    if unit.opened_on is not None and on < unit.opened_on:
        raise refuse("on", f"撤销日期不能早于设立日期 {unit.opened_on:%Y-%m-%d}。")
    _refuse_later_events(unit, on)
    left = []
    children = _open_children(unit, on).count()
    if children:
        left.append(f"{children} 个下级单位")
    organizations = _standing_at(unit, on).count()
    if organizations:
        left.append(f"{organizations} 个未撤销的组织")
    people = Person.objects.filter(home_unit=unit).count()
    if people:
        left.append(f"{people} 名人员")
    if left:
        raise refuse(None, f"“{unit.name}”还有{'、'.join(left)},请先调整或改用“并入其他单位”。")
    before, after = write(unit, {"closed_on": on})
    audit.record(
        actor, "close_unit", unit, unit=unit, before=before, after=after, reason=reason, effective_on=on
    )
    return unit


def place_at(organizations: Sequence[Organization], unit: Unit, on: date) -> None:
    """End the organizations' placements on ``on`` and begin the next at ``unit``, all in one pass.

    For operations only: the caller holds the locks and has checked the day. Raises
    ``OperationRefused`` when one of them changed its host after ``on``.
    """
    current = {
        placement.organization_id: placement
        for placement in OrganizationPlacement.objects.filter(
            organization__in=organizations, ended_on__isnull=True
        )
    }
    for organization in organizations:
        since = current[organization.pk].started_on
        if on < since:
            raise refuse("on", f"“{organization.name}”自 {since:%Y-%m-%d} 起在现单位,生效日期不能早于该日。")
    same = [placement.pk for placement in current.values() if placement.started_on == on]
    ending = [placement.pk for placement in current.values() if placement.started_on != on]
    OrganizationPlacement.objects.filter(pk__in=same).update(unit=unit)
    OrganizationPlacement.objects.filter(pk__in=ending).update(ended_on=on)
    OrganizationPlacement.objects.bulk_create(
        OrganizationPlacement(organization=organization, unit=unit, started_on=on)
        for organization in organizations
        if current[organization.pk].started_on != on
    )
    write_all(organizations, {"unit": unit})


def _standing_at(unit: Unit, on: date) -> QuerySet[Organization]:
    """Organizations that are at the unit today and stand on the day or after it."""
    rows: QuerySet[Organization] = (
        Organization.objects.filter(unit=unit)
        .exclude(state=WorkflowState.WITHDRAWN)
        .filter(Q(dissolved_on__isnull=True) | Q(dissolved_on__gt=on))
        .order_by("pk")
    )
    return rows


def _open_children(unit: Unit, on: date) -> QuerySet[Unit]:
    rows: QuerySet[Unit] = Unit.objects.filter(parent=unit).filter(
        Q(closed_on__isnull=True) | Q(closed_on__gt=on)
    )
    return rows.order_by("lft")


def _refuse_closed(unit: Unit) -> None:
    if unit.closed_on is not None:
        raise refuse(None, f"“{unit.name}”已于 {unit.closed_on:%Y-%m-%d} 撤并。")


def _refuse_later_events(unit: Unit, on: date) -> None:
    """Nothing may have come to the unit, or have left it, after the day it ends."""
    later = (
        OrganizationPlacement.objects.filter(unit=unit, started_on__gt=on)
        .exclude(organization__state=WorkflowState.WITHDRAWN)
        .select_related("organization")
        .first()
    )
    if later is not None:
        raise refuse(
            "on",
            f"“{later.organization.name}”在 {later.started_on:%Y-%m-%d} 才到本单位,日期不能早于该日。",
        )
    left = (
        OrganizationPlacement.objects.filter(unit=unit, ended_on__gt=on)
        .exclude(organization__state=WorkflowState.WITHDRAWN)
        .select_related("organization")
        .first()
    )
    if left is not None:
        raise refuse(
            "on", f"“{left.organization.name}”到 {left.ended_on:%Y-%m-%d} 才离开本单位,日期不能早于该日。"
        )
    joined = UnitPlacement.objects.filter(superior=unit, started_on__gt=on).select_related("unit").first()
    if joined is not None:
        raise refuse(
            "on", f"“{joined.unit.name}”在 {joined.started_on:%Y-%m-%d} 才划入本单位,日期不能早于该日。"
        )
    parted = UnitPlacement.objects.filter(superior=unit, ended_on__gt=on).select_related("unit").first()
    if parted is not None:
        raise refuse(
            "on", f"“{parted.unit.name}”到 {parted.ended_on:%Y-%m-%d} 才划出本单位,日期不能早于该日。"
        )
