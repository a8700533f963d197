"""What can be done with units: add, edit, move, merge, close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from typing import Any

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.write import following, following_hierarchy
from registry.models import Organization, OrganizationPlacement, Unit, UnitPlacement
from registry.models.journal import rewrite
from registry.models.writer import write_new
from registry.nouns.unit import UNIT
from registry.operations.base import (
    edited,
    fresh,
    need_right,
    operation,
    renew,
    validate_all,
    write,
    write_all,
)
from registry.operations.codes import give_codes
from registry.operations.covering import covering, follow_merger
from registry.operations.spells import move_homes
from registry.refusals import need_reason
from registry.rules import units as rules
from registry.rules.findings import refuse_if
from registry.search import index as search
from registry.trees.bulk_insert import insert_all
from registry.trees.moves import move_last
from registry.trees.order import ORDERED_BY, put_in_order

EDITABLE = UNIT.editable
_TREE_FIELDS = ("parent", "lft", "rght", "tree_id", "level")


@operation
def add_unit(*, actor: Actor, superior: Unit | None, **facts: Any) -> Unit:
    """Add a unit of these ``facts`` below ``superior`` (None: a root of its own)."""
    return add_units(actor=actor, units=[Unit(parent=superior, **facts)])[0]


@operation
def add_units(*, actor: Actor, units: Sequence[Unit], reason: str = "") -> Sequence[Unit]:
    """Add new units, each below its ``parent`` (None: a root), which is there or an earlier one of them."""
    locks.lock_unit_tree()
    renew(units, "parent")
    known = [unit.parent for unit in units if unit.parent is None or unit.parent.pk]  # others are new below
    need_right(actor, "add_unit", *known)
    give_codes(units)
    findings = rules.refusals([rules.Addition(unit.parent, unit.opened_on) for unit in units])
    validate_all(units, findings, exclude=_TREE_FIELDS, unique="code")
    insert_all(units)
    put_in_order({unit.parent_id for unit in units})
    _read_places(units)
    write_new([UnitPlacement(unit=unit, superior=unit.parent) for unit in units])
    search.index_rows(units)
    audit.record_all(
        [
            audit.entry(
                actor,
                "add_unit",
                unit,
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
    need_right(actor, "edit_unit", unit)
    _candidate, wanted = edited(
        unit,
        changes,
        version,
        exclude=_TREE_FIELDS,
        rules=lambda row, wanted: rules.opening_refusals([rules.Opening(unit, wanted.get("opened_on"))]),
    )
    if not wanted:
        return unit
    # Whether somebody at the front comes from an office hangs on the kinds of two units.
    with following_hierarchy([unit], is_alone=True) if "kind" in wanted else nullcontext():
        before, after = write(unit, wanted)
    if ORDERED_BY & wanted.keys():
        put_in_order([unit.parent_id])
        unit = fresh(unit)
    audit.record(actor, "edit_unit", unit, before=before, after=after, reason=reason)
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
    need_right(actor, "move_unit", unit, superior)
    before = unit.parent
    with following_hierarchy([unit]):
        _place_under([unit], superior, on, field="superior")
    unit = fresh(unit)
    audit.record(
        actor,
        "move_unit",
        unit,
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
    refuse_if(rules.move_refusals([rules.Move(units, superior, on)]), superior=field)
    _begin(UnitPlacement, "unit", units, on, superior=superior)
    move_last(units, superior)
    put_in_order([superior.pk if superior is not None else None])


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
    need_right(actor, "merge_unit", unit, into)
    locks.lock_organization_trees([*rules.standing_at([unit.pk], on), *covering(unit, on)])
    refuse_if(rules.closing_refusals([rules.Closing(unit, on, into)]))
    standing = list(rules.standing_at([unit.pk], on))  # as they are now that nobody else can change them
    children = list(rules.open_children([unit.pk], on))
    if children:
        with following_hierarchy(children):
            _place_under(children, into, on, field="into")
    with following(standing):
        place_at(standing, into, on)
    follow_merger(unit, into, on)
    people = list(rules.people_at([unit.pk], on).order_by("pk"))
    with following(people=people):
        move_homes(unit, into, on)
    write_all([person for person in people if person.home_unit_id == unit.pk], {"home_unit": into})
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
    need_right(actor, "close_unit", unit)
    refuse_if(rules.closing_refusals([rules.Closing(unit, on)]))
    before, after = write(unit, {"closed_on": on})
    audit.record(actor, "close_unit", unit, before=before, after=after, reason=reason, effective_on=on)
    return unit


def _read_places(units: Sequence[Unit]) -> None:
    """Read the intervals of new units again, which were put in order."""
    places = Unit.objects.in_bulk([unit.pk for unit in units])
    for unit in units:
        for name in ("tree_id", "lft", "rght"):
            setattr(unit, name, getattr(places[unit.pk], name))


def place_at(organizations: Sequence[Organization], unit: Unit, on: date, **more: Any) -> None:
    """End the organizations' placements on ``on`` and begin the next at ``unit``, all in one pass.

    ``more`` is written to the organizations, too. For operations only: the caller holds the locks and has
    asked the rules.
    """
    _begin(OrganizationPlacement, "organization", organizations, on, unit=unit)
    write_all(organizations, {"unit": unit, **more})


def _begin(
    placement: type[UnitPlacement | OrganizationPlacement],
    owner: str,
    rows: Sequence[Unit | Organization],
    on: date,
    **place: Unit | None,
) -> None:
    """End the open placement of each row on ``on`` and begin the next; one from that day is mended."""
    current: Any = placement._default_manager.filter(**{f"{owner}__in": rows}, ended_on__isnull=True)
    same = set(current.filter(started_on=on).values_list(f"{owner}_id", flat=True))
    rewrite(current.filter(started_on=on), **place)
    rewrite(current.exclude(started_on=on), ended_on=on)
    write_new([placement(**{owner: row}, **place, started_on=on) for row in rows if row.pk not in same])
