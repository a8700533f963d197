"""Forms of the record: its filters, and the reason for setting an edit back."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from registry import access, audit
from registry.web.fields import DayField, PickerField, ScopedForm, reason_field


class RecordFilter(ScopedForm):
    """The filters of the record; unbound: what the address says is read by the view."""

    unit = PickerField("unit", label="单位(含下级)", required=False)
    who = forms.CharField(label="操作人", required=False, max_length=60)
    verb = forms.ChoiceField(label="操作", required=False, choices=[("", "全部"), *audit.VERBS.items()])
    day_from = DayField(label="自", required=False)
    day_to = DayField(label="至", required=False)
    q = forms.CharField(label="对象名称", required=False, max_length=60)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(PickerField, self.fields["unit"]).access_roles = access.AUDIT_ROLES


class UndoForm(ScopedForm):
    """Why an edit is set back."""

    reason = reason_field(required=True)
