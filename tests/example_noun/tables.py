"""The list of vehicles: those of a unit, or those behind a number."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.functional import cached_property

from registry import access
from registry.counting.basis import counted_rows
from registry.counting.metric import Metric
from registry.counting.metrics import METRICS
from registry.models.base import in_spans
from registry.models.term import found_by
from registry.web.columns import noun_column, read_back
from registry.web.drill import PlacedTable
from registry.web.filters import ChoiceFilter, TextFilter, UnitFilter
from registry.web.links import row_url
from registry.web.text import cleaned
from tests.example_noun.metrics import IN_SERVICE
from tests.example_noun.models import Vehicle, VehicleTerm
from tests.example_noun.nouns import VEHICLE


class ListedVehicle:
    """A vehicle as the list shows it."""

    def __init__(self, table: VehicleTable, vehicle: Vehicle) -> None:
        self.vehicle = vehicle
        self.url = row_url(table.user, vehicle, table.address)
        self.unit_url = row_url(table.user, vehicle.unit, table.address)


class VehicleTable(PlacedTable[ListedVehicle]):
    """The vehicles at a place: all of them, or those that a number counts."""

    name = "车辆"
    tab = "车辆"
    file = "vehicles_export"
    heading = "车辆"
    unit_word = "辆"
    nothing = "管理范围内还没有登记车辆。"
    can_be_samples = True
    noun = VEHICLE
    default_sort = "code"
    columns = (
        noun_column(VEHICLE, "code", "号牌", key="code", sort=("code",), url="url", is_heading=True),
        noun_column(
            VEHICLE,
            "name",
            "名称",
            key="name",
            sort=("name", "code"),
            is_sample="vehicle.is_sample",
            css="text",
        ),
        noun_column(
            VEHICLE,
            "unit_name",
            "单位",
            "vehicle.unit.name",
            key="unit",
            sort=("unit__tree_id", "unit__lft", "code"),
            text="vehicle.unit.label",
            url="unit_url",
        ),
        read_back(VEHICLE, "unit", "vehicle.unit.code"),
        noun_column(VEHICLE, "started_on", key="started", sort=("started_on", "code")),
        noun_column(VEHICLE, "ended_on"),
        noun_column(VEHICLE, "note", css="text", rank=3),
    )
    filters = (
        UnitFilter(),
        TextFilter(
            "q",
            "名称、拼音或号牌",
            lambda table, rows, text: rows.filter(found_by(VehicleTerm, text, "vehicle_id", "pk")),
        ),
        ChoiceFilter(
            "retired",
            "状态",
            lambda table, rows, wanted: rows.filter(ended_on__isnull=wanted == "no"),
            choices=(("no", "在用"), ("yes", "已停用")),
        ),
    )

    @cached_property
    def metric(self) -> Metric | None:
        """The metric of the address."""
        slug = cleaned(self.request.GET.get("metric", ""))
        metric = METRICS.get(slug)
        if slug and (metric is None or metric.source is not IN_SERVICE):
            raise Http404(f"没有名为“{slug}”的车辆统计指标。")
        return metric

    @property
    def actions(self) -> list[dict[str, str]]:
        """Who may add a vehicle at the unit is offered it."""
        if self.unit is None or not access.may(self.user, "add_vehicle", self.unit):
            return []
        url = self.address.url(reverse("vehicle_add", args=[self.unit.code]))
        return [{"label": "登记车辆", "url": url, "tone": "main"}]

    def every(self) -> QuerySet[Vehicle]:
        """Return the vehicles at the place, in scope."""
        if self.metric is not None:
            return counted_rows(self.metric, self.question, self.at.rows)
        inside = in_spans(self.at.spans, "unit__") if self.at.unit is not None else Q()
        return access.visible(self.user, Vehicle.objects.filter(inside))

    def detailed(self, rows: QuerySet[Vehicle]) -> QuerySet[Vehicle]:
        """Join the unit."""
        return rows.select_related("unit")

    def page_rows(self) -> QuerySet[Vehicle]:
        """Return where the rows of one page are read."""
        return self.detailed(Vehicle.objects.all())

    def lines(self, found: list[Any]) -> list[ListedVehicle]:
        """Return these vehicles with their links."""
        return [ListedVehicle(self, vehicle) for vehicle in found]
