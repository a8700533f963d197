"""Forms of the record: its filters, and the reason for setting an edit back."""

from __future__ import annotations

from django import forms

from registry import nouns
from registry.web.fields import DayField, PickerField, ScopedForm, reason_field


def _verbs() -> list[tuple[str, str]]:
    return [("", "全部"), *nouns.recorded_verbs().items()]


class RecordFilter(ScopedForm):
    """The filters of the record; unbound: what the address says is read by the view."""

    unit = PickerField("unit", label="单位(含下级)", required=False, verb="read_record")
    who = forms.CharField(label="操作人", required=False, max_length=60)
    verb = forms.ChoiceField(label="操作", required=False, choices=_verbs)
    day_from = DayField(label="自", required=False)
    day_to = DayField(label="至", required=False)
    q = forms.CharField(label="对象名称", required=False, max_length=60)


class UndoForm(ScopedForm):
    """Why an edit is set back."""

    reason = reason_field(required=True)
