"""Forms about campaigns: start, edit."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from registry.nouns.campaign import CAMPAIGN
from registry.rules import campaigns as rules
from registry.rules.findings import warnings
from registry.web import fields
from registry.web.fields import DayField, PickerField, ScopedForm, code_field, reason_field, wide


class StartForm(ScopedForm):
    """A new campaign at its lead unit."""

    name = forms.CharField(label="任务名称", max_length=100, widget=wide(), help_text="例如 2026年防汛救灾。")
    started_on = DayField(label="启动日期")
    lead_unit = PickerField(
        "unit", label="牵头单位", verb="start_campaign", help_text="它和它的下级、上级单位都能看到并选用。"
    )
    code = code_field("任务代码", 80)

    folded = ("code",)

    def warnings(self) -> list[str]:
        """Return what should be looked at before saving; asked of a valid form."""
        sent = self.cleaned_data
        return warnings(
            rules.name_warnings([rules.Start(sent["started_on"], sent["lead_unit"], sent["name"])])
        )


class EditForm(fields.EditForm):
    """Another name, other days, another lead unit."""

    name = forms.CharField(label="任务名称", max_length=100, widget=wide())
    started_on = DayField(label="启动日期")
    ended_on = DayField(label="结束日期")
    lead_unit = PickerField("unit", label="牵头单位", verb="edit_campaign")
    reason = reason_field("修改原因", help_text="记入操作记录。更正结束日期时必须填写。")

    held = CAMPAIGN.editable

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(PickerField, self.fields["lead_unit"]).keep(self.row.lead_unit)
        if self.row.ended_on is None:  # ending is an operation of its own
            del self.fields["ended_on"]
