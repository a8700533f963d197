"""Forms: an exception and its end, a rule's setting, days of the workday calendar."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from registry.models import days
from registry.models.compliance import THRESHOLDS
from registry.rules.checks import CHECKS
from registry.rules.compliance import MOST
from registry.web.fields import DayField, ScopedForm, reason_field


class ExceptionForm(ScopedForm):
    """An exception for one organization and one rule, by a document, until a day."""

    slug = forms.ChoiceField(label="规则", choices=[(each.slug, each.label) for each in CHECKS])
    document_number = forms.CharField(label="批准文号", max_length=80, help_text="例如 德公党〔2020〕5号。")
    started_on = DayField(label="开始日期")
    ended_on = DayField(label="结束日期", help_text="自该日起不再例外。")
    reason = reason_field("理由", required=True)

    may_be_future = ("started_on", "ended_on")


class EndExceptionForm(ScopedForm):
    """End an exception before its day."""

    on = DayField(label="结束日期", help_text="自该日起不再例外。")
    reason = reason_field(required=True)


ON, OFF = "on", "off"


class RuleForm(ScopedForm):
    """Whether a rule is switched on, and with which numbers, from a day on. ``row`` is the check."""

    is_on = forms.ChoiceField(label="启用", choices=((ON, "启用"), (OFF, "停用")))
    since = DayField(label="起用日期", help_text="自该日起的检查按此办理,以前日期的不变。")
    reason = reason_field("原因", help_text="记入操作记录。停用引用条文的违规规则时必须填写。")

    may_be_future = ("since",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.renames = {name: f"number_{name}" for name in self.row.thresholds}
        for name, default in self.row.thresholds.items():
            self.fields[f"number_{name}"] = forms.IntegerField(
                label=THRESHOLDS[name],
                min_value=1,
                max_value=MOST,
                initial=self.initial.get("thresholds", {}).get(name, default),
                help_text=f"默认 {default}。",
            )
        self.order_fields(["is_on", *(f"number_{name}" for name in self.row.thresholds), "since", "reason"])

    def arguments(self) -> dict[str, Any]:
        """Return the numbers together."""
        sent = super().arguments()
        numbers = {name: sent.pop(f"number_{name}") for name in self.row.thresholds}
        return {**sent, "is_on": sent["is_on"] == ON, "thresholds": numbers}


FREE, WORK, DEFAULT = "free", "work", "default"
ARRANGEMENTS = {FREE: "放假", WORK: "上班(调休)", DEFAULT: "恢复默认(按周末)"}
"""What days are set to."""
MOST_DAYS = 400
"""So many days are entered at once: a year, and a little more."""
_BETWEEN = re.compile(r"\s*(?:至|到|[~\uff5e]|—+|–|(?<=日)-)\s*|\s+-\s+")
_LINES = re.compile(r"[\n,;、\uff0c\uff1b]+")


def read_days(text: str, year: int) -> list[date]:
    """Return the days of pasted text: one a line, or from one to another (2020-01-24 至 2020-02-02).

    Raises ``ValidationError`` with the line that is not understood.
    """
    found: dict[date, None] = {}
    for line in filter(None, (each.strip() for each in _LINES.split(text))):
        try:
            first, *others = [days.from_text(each, year=year) for each in _BETWEEN.split(line)]
        except days.NoDay as error:
            raise ValidationError(f"“{line}”看不懂:{error}。") from error
        last = others[-1] if others else first
        if len(others) > 1 or last < first:
            raise ValidationError(f"“{line}”看不懂:请写成“2020-01-24 至 2020-02-02”,先写开始。")
        if (last - first).days >= MOST_DAYS:
            raise ValidationError(f"“{line}”超过 {MOST_DAYS} 天,请分开填写。")
        found |= dict.fromkeys(first + timedelta(days=at) for at in range((last - first).days + 1))
    return list(found)


class DaysForm(ScopedForm):
    """Days of the calendar, one or a pasted range, and what they are."""

    days = forms.CharField(
        label="日期",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="一天一行,或写成“2020-01-24 至 2020-02-02”;几段可以分行或用逗号隔开。",
    )
    kind = forms.ChoiceField(label="安排", choices=list(ARRANGEMENTS.items()))
    name = forms.CharField(
        label="名称", max_length=40, required=False, help_text="例如 春节;恢复默认的不填。"
    )

    def __init__(self, *args: Any, year: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.year = year

    def clean_days(self) -> list[date]:
        """Return the days, those without a year in the year of the page."""
        return read_days(self.cleaned_data["days"], self.year)
