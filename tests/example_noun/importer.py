"""Rows of vehicles in a workbook: added, or their plain facts changed."""

from __future__ import annotations

from collections.abc import Iterator

from registry.audit import Actor
from registry.importers.cases import Case
from registry.importers.session import BATCH, Importer, rows_with
from registry.search.index import batches
from registry.spreadsheets.reading import Table
from tests.example_noun import rules
from tests.example_noun.models import Vehicle
from tests.example_noun.operations import EDITABLE, add_vehicles, edit_vehicles


class VehicleImporter(Importer):
    """Judges and writes vehicles, batch by batch."""

    def batches(self, tables: list[Table]) -> Iterator[list[Case]]:
        """Yield the rows batch by batch."""
        session = self.session
        for cases in batches(session.cases(tables), BATCH):
            known = rows_with("code", {case.key for case in cases}, Vehicle.objects.select_related("unit"))
            existing = {vehicle.code: vehicle for vehicle in known}
            session.know_units(case.text("unit") for case in cases)
            for case in cases:
                session.clean(case, Vehicle, ("code", *EDITABLE))
                vehicle = existing.get(case.key)
                if vehicle is None:
                    self._add(case)
                    session.note_wrong(case)
                elif not session.may("see", vehicle.unit):
                    session.taken(case, "号牌")
                else:
                    self._change(case, vehicle)
            yield [case.judged() for case in cases]

    def write(self, cases: list[Case], actor: Actor, reason: str) -> None:
        """Add what is new and change what is there, by the operations that the pages call."""
        if new := [case.new for case in cases if case.new is not None]:
            add_vehicles(actor=actor, vehicles=new, reason=reason)
        if edits := [(case.row, case.edits) for case in cases if case.edits]:
            edit_vehicles(actor=actor, changes=edits, reason=reason)

    def _add(self, case: Case) -> None:
        case.need()
        unit = self.session.unit(case.text("unit"), "add_vehicle")
        if unit is None and case.text("unit"):
            self.session.no_such(case, "unit", "units", "单位")
        case.heed(rules.service_refusals([rules.Service(unit, case.given.get("started_on"))]))
        if case.is_wrong() or unit is None:
            return
        self.session.touch_unit(unit)
        case.new = Vehicle(code=case.key, unit=unit, **case.facts(EDITABLE))
        case.summary = case.joined("name", "unit")

    def _change(self, case: Case, vehicle: Vehicle) -> None:
        case.row, case.summary = vehicle, vehicle.name
        case.compare(vehicle, EDITABLE)
        case.refuse_change("unit", vehicle.unit.code, "车辆的单位不能通过导入调整。")
        started_on = case.edits.get("started_on")
        case.heed(rules.service_refusals([rules.Service(None, started_on, vehicle.ended_on)]))
        if case.edits and not self.session.may("edit_vehicle", vehicle.unit):
            case.wrong("code", "您不能修改该车辆的资料。")
