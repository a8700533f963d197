"""The form that closes a campaign, and the one that looks at another day."""

from __future__ import annotations

from typing import Any

from django import forms

from registry.models import Organization
from registry.web.fields import DayField, ScopedForm, document_field, reason_field


class DayForm(ScopedForm):
    """The day for which the consequences are shown."""

    on = DayField(label="结束日期", help_text="自该日起不再计入统计,前一日仍计入。")


class CloseForm(ScopedForm):
    """Close on the day that is shown; ``planned`` marks what the page said would end."""

    planned = forms.CharField(required=False, widget=forms.HiddenInput)
    on = DayField(label="结束日期", widget=forms.HiddenInput)
    document_number = document_field("撤销文号", help_text="一个文号,写入本次撤销的每一个组织。")
    reason = reason_field("结束原因", required=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stands = Organization.objects.filter(campaign=self.row, dissolved_on__isnull=True)
        self.fields["document_number"].required = stands.exists()


class ReturnForm(ScopedForm):
    """Return what is pending with one reason; ``planned`` marks what the page said."""

    planned = forms.CharField(required=False, widget=forms.HiddenInput)
    on = DayField(label="结束日期", widget=forms.HiddenInput)
    reason = reason_field("退回原因", required=True)
