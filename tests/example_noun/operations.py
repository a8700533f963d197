"""What can be done with vehicles: the only code that writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.models import Unit
from registry.models.writer import write_new
from registry.operations.base import (
    changed,
    check_version,
    fresh_all,
    need_right,
    operation,
    renew,
    validate_all,
    write,
    write_each,
)
from registry.refusals import need_reason
from registry.rules.findings import refuse_if
from registry.search import index as search
from tests.example_noun import rules
from tests.example_noun.models import Vehicle
from tests.example_noun.nouns import VEHICLE

EDITABLE = VEHICLE.editable


@operation
def add_vehicle(
    *, actor: Actor, code: str, name: str, unit: Unit, started_on: date, note: str = ""
) -> Vehicle:
    """Put a vehicle in service at a unit. Raises ``OperationRefused``."""
    vehicle = Vehicle(code=code, name=name, unit=unit, started_on=started_on, note=note)
    return add_vehicles(actor=actor, vehicles=[vehicle])[0]


@operation
def add_vehicles(*, actor: Actor, vehicles: Sequence[Vehicle], reason: str = "") -> Sequence[Vehicle]:
    """Put vehicles in service, each at its unit."""
    locks.use_units(vehicle.unit for vehicle in vehicles)
    renew(vehicles, "unit")
    need_right(actor, "add_vehicle", *(vehicle.unit for vehicle in vehicles))
    refuse_if(rules.service_refusals([rules.Service(each.unit, each.started_on) for each in vehicles]))
    validate_all(vehicles, exclude=(), unique="code")
    with following() as touched:
        write_new(vehicles)
        touched.add(rows=vehicles)
    search.index_rows(vehicles)
    names = ["code", *EDITABLE, "unit"]
    audit.record_all(
        [
            audit.entry(
                actor,
                "add_vehicle",
                vehicle,
                unit=vehicle.unit,
                after=audit.fields_of(vehicle, names),
                reason=reason,
                effective_on=vehicle.started_on,
            )
            for vehicle in vehicles
        ]
    )
    return vehicles


@operation
def edit_vehicle(
    *,
    actor: Actor,
    vehicle: Vehicle,
    changes: Mapping[str, Any],
    version: int | None = None,
    reason: str = "",
) -> Vehicle:
    """Change plain facts of a vehicle (``EDITABLE``). Raises ``EditConflict`` when ``version`` is old."""
    (vehicle,) = _locked([vehicle])
    check_version(vehicle, version, changes)
    return edit_vehicles(actor=actor, changes=[(vehicle, changes)], reason=reason)[0]


@operation
def edit_vehicles(
    *, actor: Actor, changes: Sequence[tuple[Vehicle, Mapping[str, Any]]], reason: str = ""
) -> Sequence[Vehicle]:
    """Change plain facts of vehicles, each its own."""
    vehicles = _locked([vehicle for vehicle, _ in changes])
    need_right(actor, "edit_vehicle", *vehicles)
    wanted = [
        (row, changed(row, {name: values[name] for name in EDITABLE if name in values}))
        for row, (_, values) in zip(vehicles, changes, strict=True)
    ]
    edited = [(row, values) for row, values in wanted if values]
    refuse_if(
        rules.service_refusals(
            [rules.Service(None, values.get("started_on"), row.ended_on) for row, values in edited]
        )
    )
    with following(rows=[row for row, _ in edited]):
        written = write_each(edited)
    search.index_rows(row for row, values in edited if "name" in values)
    audit.record_each(actor, "edit_vehicle", written, reason=reason)
    return vehicles


@operation
def retire_vehicle(*, actor: Actor, vehicle: Vehicle, on: date, reason: str) -> Vehicle:
    """Take a vehicle out of service from a day on."""
    need_reason(reason, "停用原因")
    (vehicle,) = _locked([vehicle])
    need_right(actor, "retire_vehicle", vehicle)
    refuse_if(rules.retirement_refusals([rules.Retirement(vehicle, on)]))
    with following(rows=[vehicle]):
        before, _after = write(vehicle, {"ended_on": on})
    days = (on - vehicle.started_on).days
    audit.record(
        actor,
        "retire_vehicle",
        vehicle,
        before=before,
        after={"ended_on": on, "days_in_service": days},
        reason=reason,
        effective_on=on,
    )
    return vehicle


def _locked(vehicles: Sequence[Vehicle]) -> list[Vehicle]:
    """Return the rows as they are now, kept from other writers."""
    keys = [vehicle.pk for vehicle in vehicles]
    list(Vehicle.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk").values_list("pk"))
    return fresh_all(vehicles)
