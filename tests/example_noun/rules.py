"""Rules of vehicles: form, import and operation ask them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from registry.models import Unit
from registry.rules.findings import Finding, Wrong, first_of, in_future
from registry.rules.units import Closing
from tests.example_noun.models import Vehicle


@dataclass(frozen=True, eq=False, slots=True)
class Service:
    """A vehicle that would be in service at a unit from a day on; None is left out of what is asked."""

    unit: Unit | None = None
    started_on: date | None = None
    ended_on: date | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Retirement:
    """A vehicle that would be retired on a day."""

    vehicle: Vehicle
    on: date


def service_refusals(proposals: Sequence[Service]) -> list[Finding]:
    """Return what is wrong with where and since when vehicles would be in service."""
    return first_of(_check_service, proposals)


def retirement_refusals(proposals: Sequence[Retirement]) -> list[Finding]:
    """Return what is wrong with the days on which vehicles would be retired."""
    return first_of(_check_retirement, proposals)


def closing_refusals(proposals: Sequence[Closing]) -> list[Finding]:
    """Return why units cannot be closed or merged: vehicles are in service there on the day or later."""
    rows = Vehicle.objects.filter(unit__in=[proposal.unit.pk for proposal in proposals])
    ends = list(rows.values_list("unit_id", "ended_on"))

    def check(proposal: Closing) -> Wrong:
        number = sum(at == proposal.unit.pk and (end is None or end > proposal.on) for at, end in ends)
        if number:
            message = f"“{proposal.unit.name}”还有 {number} 辆在用车辆,请先停用。"
            yield "no_vehicles_left", "", message

    return first_of(check, proposals)


def _check_service(proposal: Service) -> Wrong:
    yield from in_future("started_on", proposal.started_on)
    if proposal.unit is not None and proposal.unit.closed_on is not None:
        yield "unit_open", "unit", f"“{proposal.unit.name}”已撤并,请选择现有单位。"
    start, end = proposal.started_on, proposal.ended_on
    if start is not None and end is not None and start > end:
        yield "starts_before_end", "started_on", f"启用日期不能晚于停用日期 {end:%Y-%m-%d}。"


def _check_retirement(proposal: Retirement) -> Wrong:
    vehicle, on = proposal.vehicle, proposal.on
    yield from in_future("on", on)
    if vehicle.ended_on is not None:
        yield "in_service", "", f"该车辆已于 {vehicle.ended_on:%Y-%m-%d} 停用。"
    if on < vehicle.started_on:
        yield "ends_after_start", "on", f"停用日期不能早于启用日期 {vehicle.started_on:%Y-%m-%d}。"
