"""Forms about units: add below, edit, move, merge, close."""

from __future__ import annotations

from typing import Any

from django import forms

from registry.models import Unit, UnitKind
from registry.operations.units import EDITABLE
from registry.rules.key_figures import MOST
from registry.rules.units import REGION_CODE
from registry.web.fields import (
    DayField,
    EditForm,
    PickerField,
    ScopedForm,
    code_field,
    note_field,
    reason_field,
    text_of,
    wide,
)
from registry.web.metrics import every_choice


class _Facts(ScopedForm):
    """The plain facts of a unit."""

    name = text_of(Unit, "name", widget=wide())
    short_name = text_of(Unit, "short_name", help_text="树和表格里显示,例如 德城分局。")
    kind = forms.ChoiceField(label="单位类型", choices=UnitKind.choices)
    region_code = forms.RegexField(
        REGION_CODE,
        label="行政区划代码",
        required=False,
        help_text="GB/T 2260,六位数字。",
        error_messages={"invalid": "行政区划代码是六位数字。"},
    )
    sequence = forms.IntegerField(
        label="序号",
        required=False,
        min_value=0,
        max_value=999_999,
        help_text="在同一上级的单位中排第几;不填按区划代码和名称排在后面。",
    )
    opened_on = DayField(label="设立日期", required=False, help_text="早就有的单位可以留空。")
    aliases = text_of(Unit, "aliases", help_text="多个别名用分号隔开。")
    note = note_field()

    folded: tuple[str, ...] = ("sequence", "opened_on", "aliases", "note")


class AddUnitForm(_Facts):
    """A new unit below another."""

    code = code_field("单位代码", 80)

    folded = (*_Facts.folded, "code")
    fold_label = "序号、设立日期、别名、备注、代码(选填)"


class EditUnitForm(EditForm, _Facts):
    """Rename a unit or change its other plain facts."""

    held = EDITABLE


class KeyFiguresForm(ScopedForm):
    """Up to six metrics for the top of the page, in their order; none: as above."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "–"), *every_choice(self.user)]
        for place in range(MOST):
            self.fields[f"figure_{place}"] = forms.ChoiceField(
                label=f"第 {place + 1} 项", choices=choices, required=False
            )

    def arguments(self) -> dict[str, Any]:
        """Return the chosen metrics in their order."""
        sent = (self.cleaned_data[f"figure_{place}"] for place in range(MOST))
        return {"metrics": [slug for slug in sent if slug]}


class MoveUnitForm(ScopedForm):
    """Another superior from a day on."""

    superior = PickerField("unit", label="新的上级单位", verb="move_unit")
    on = DayField(label="生效日期", help_text="自该日起计入新的上级,之前的日期仍计入原上级。")
    reason = reason_field(required=True)


class MergeUnitForm(ScopedForm):
    """Into another unit from a day on, with what was shown of its extent (``planned``)."""

    planned = forms.CharField(required=False, widget=forms.HiddenInput)
    into = PickerField("unit", label="并入单位", verb="merge_unit")
    on = DayField(label="生效日期", help_text="自该日起本单位撤并,之前的日期仍按原单位统计。")
    reason = reason_field(required=True)


class CloseUnitForm(ScopedForm):
    """Close from a day on."""

    on = DayField(label="撤销日期")
    reason = reason_field(required=True)
