"""Forms about vehicles."""

from __future__ import annotations

from typing import Any

from django import forms

from registry.web.fields import DayField, ScopedForm, reason_field, wide
from tests.example_noun.models import Vehicle
from tests.example_noun.operations import EDITABLE


class _Facts(ScopedForm):
    name = forms.CharField(label="名称", max_length=60)
    started_on = DayField(label="启用日期")
    note = forms.CharField(label="备注", max_length=300, required=False, widget=wide())

    def facts(self) -> dict[str, Any]:
        """Return the facts for the operation."""
        return {name: self.cleaned_data[name] for name in EDITABLE}


class AddVehicleForm(_Facts):
    """A new vehicle at a unit."""

    code = forms.CharField(label="号牌", max_length=10, help_text="例如 鲁N1234警。")

    field_order = ("code", "name")


class EditVehicleForm(_Facts):
    """The plain facts of a vehicle."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, vehicle: Vehicle, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(vehicle, name) for name in (*EDITABLE, "version")}
        super().__init__(*args, **kwargs)


class RetireVehicleForm(ScopedForm):
    """Out of service from a day on."""

    on = DayField(label="停用日期")
    reason = reason_field(required=True)
