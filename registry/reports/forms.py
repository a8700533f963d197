"""The filters of the reconciliation."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms

from registry.access import AnyUser
from registry.web.fields import PickerField, ScopedForm

Choices = Iterable[tuple[str, str]]


class ReconciliationFilter(ScopedForm):
    """Unit, verdict, source, category; the choices are those that occur."""

    unit = PickerField("unit", label="单位", required=False)
    verdict = forms.ChoiceField(label="结论", required=False)
    source = forms.ChoiceField(label="来源", required=False)
    category = forms.ChoiceField(label="类别", required=False)
    countable = forms.ChoiceField(label="范围", required=False, choices=[("", "全部"), ("1", "只看可核对的")])

    def __init__(
        self,
        *,
        user: AnyUser,
        initial: dict[str, object],
        verdicts: Choices,
        sources: Choices,
        categories: Choices,
    ) -> None:
        super().__init__(user=user, initial=initial, auto_id="filter_%s")
        for name, choices in (("verdict", verdicts), ("source", sources), ("category", categories)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", "全部"), *choices]
