"""Forms about sources and the figures that they report."""

from __future__ import annotations

from copy import copy
from typing import Any, cast

from django import forms

from registry.counting.metrics import METRICS, made_metrics, measured
from registry.models import Basis, DateBasis, Figure, FigureCategory, Qualifier, Source
from registry.models.source import REPORTED_ONLY
from registry.nouns.source import FIGURE, SOURCE
from registry.reports.words import ONLY_REPORTED, number_in
from registry.rules import sources as rules
from registry.rules.findings import warnings
from registry.web import fields
from registry.web.fields import DayField, PickerField, ScopedForm, reason_field, wide
from registry.web.metrics import MetricField, declared_choices


def _text(label: str, longest: int, **options: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=longest, required=False, **options)


def _long(label: str) -> forms.CharField:
    return _text(label, 2000, widget=forms.Textarea(attrs={"rows": "3"}))


class _SourceFacts(ScopedForm):
    """The plain facts of a source."""

    title = forms.CharField(label="标题", max_length=200, widget=wide())
    publisher = _text("发布单位", 80, help_text="例如 某某日报、厅官网。")
    published_on = DayField(label="发布日期", required=False)
    region = _text("地区", 80)
    reporting_organ = _text("报送单位", 120)
    earliest = DayField(label="最早", required=False, help_text="不知道发布日期时,填可能的范围。")
    latest = DayField(label="最晚", required=False)
    date_basis = forms.ChoiceField(
        label="日期依据", required=False, choices=[("", "未说明"), *DateBasis.choices]
    )
    note = _long("说明")

    folded = ("earliest", "latest", "date_basis", "note")
    fold_label = "日期范围、依据、说明(选填)"


class AddSourceForm(_SourceFacts):
    """A new source, at a unit."""

    unit = PickerField(
        "unit", label="登记单位", verb="add_source", help_text="它和它的下级、上级单位都能看到。"
    )

    field_order = ("title", "publisher", "published_on", "region", "reporting_organ", "unit")


class EditSourceForm(fields.EditForm, _SourceFacts):
    """Change the facts of a source."""

    reason = reason_field("修改原因")

    held = SOURCE.editable


class _FigureFacts(ScopedForm):
    """What a source says: a number of something, of a unit, on a day."""

    metric = forms.ChoiceField(label="指标", help_text="系统统计的指标才与登记数核对。")
    made = MetricField(label="台账指标", required=False, help_text="与台账的登记数核对的,在这里查找。")
    label = _text("指标名称", 80, help_text="文中的说法;留空用指标的名称。")
    value = forms.CharField(label="报道值", max_length=40, help_text="照原文,例如 13、3000余、约10万。")
    qualifier = forms.ChoiceField(label="表述", choices=Qualifier.choices)
    measure = _text("计量单位", 20, help_text="留空用指标的计量单位。")
    basis = forms.ChoiceField(label="口径", choices=Basis.choices)
    unit = PickerField("unit", label="单位", required=False, help_text="含下级;不填只作登记。")
    as_of = DayField(label="截至日期", required=False)
    is_comparable = forms.BooleanField(label="范围清楚,可以核对", required=False)
    earliest = DayField(
        label="最早", required=False, help_text="不知道哪一天时,填可能的范围,按最后一天核对。"
    )
    latest = DayField(label="最晚", required=False)
    number = forms.IntegerField(
        label="数值", required=False, min_value=0, max_value=10**15, help_text="报道值里看得出数字的不用填。"
    )
    category = forms.ChoiceField(
        label="类别", required=False, choices=[("", "未分类"), *FigureCategory.choices]
    )
    organization = PickerField(
        "organization", label="文中的组织", required=False, help_text="只说一个组织的,不与单位的登记数核对。"
    )
    note = _long("说明")
    tension = _long("各来源之间的出入")

    folded = ("earliest", "latest", "number", "category", "organization", "note", "tension")
    fold_label = "日期范围、数值、类别、组织、说明(选填)"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        metric = cast(forms.ChoiceField, self.fields["metric"])
        metric.choices = [("", "请选择"), *declared_choices(), ("其他", [(REPORTED_ONLY, ONLY_REPORTED)])]
        metric.required = not made_metrics()
        if metric.required:
            del self.fields["made"]
        else:
            metric.help_text = "填指标或台账指标中的一项;系统统计的才与登记数核对。"

    def clean(self) -> dict[str, Any]:
        """Fill in what follows from the rest: the name and measure of a metric, the number in a text."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if made := cleaned.pop("made", ""):
            if cleaned.get("metric"):
                self.add_error("made", "指标和台账指标只选一个,请去掉其中一个。")
            cleaned["metric"] = made
        elif not cleaned.get("metric") and "metric" not in self.errors:
            self.add_error("metric", "请选择指标。")
        metric = METRICS.get(cleaned.get("metric", ""))
        if metric is not None:
            cleaned["label"] = cleaned.get("label") or metric.title
            cleaned["measure"] = cleaned.get("measure") or measured(metric)
        elif cleaned.get("metric") and not cleaned.get("label"):
            self.add_error("label", "只作登记的,请写明指标名称。")
        said = number_in(cleaned.get("value", ""))
        if said is not None:
            cleaned["number"] = said
        return cleaned

    def facts(self) -> dict[str, Any]:
        """Return the facts of the figure."""
        return {name: self.cleaned_data[name] for name in FIGURE.editable}

    def proposed(self) -> Figure:
        """Return the figure as it would be."""
        raise NotImplementedError

    def warnings(self) -> list[str]:
        """Return what should be looked at before saving; asked of a valid form."""
        return warnings(rules.figure_warnings([self.proposed()], METRICS))


class AddFigureForm(_FigureFacts):
    """One more figure of a source (``row``)."""

    def proposed(self) -> Figure:
        """Return the new figure."""
        return Figure(source=self.row, **self.facts())


class EditFigureForm(fields.EditForm, _FigureFacts):
    """Correct a figure."""

    reason = reason_field("修改原因")

    held = FIGURE.editable

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("unit", "organization"):
            cast(PickerField, self.fields[name]).keep(getattr(self.row, name))
        if self.row.metric not in METRICS:
            self.initial["metric"] = REPORTED_ONLY
        elif self.row.metric in made_metrics():
            self.initial["metric"], self.initial["made"] = "", [self.row.metric]

    def clean(self) -> dict[str, Any]:
        """Keep the name that a figure had as its metric when it stays reported only."""
        cleaned = super().clean()
        if cleaned.get("metric") == REPORTED_ONLY and self.row.metric not in METRICS:
            cleaned["metric"] = self.row.metric
        return cleaned

    def proposed(self) -> Figure:
        """Return the figure as it would be."""
        figure: Figure = copy(self.row)
        for name, value in self.facts().items():
            setattr(figure, name, value)
        return figure


def first_figure(source: Source) -> dict[str, Any]:
    """Return what the form of a new figure begins with: the source's unit and day."""
    return {
        "unit": source.unit,
        "as_of": source.published_on,
        "qualifier": Qualifier.EXACT.value,
        "basis": Basis.CURRENT.value,
        "is_comparable": True,
        "earliest": None if source.published_on else source.earliest,
        "latest": None if source.published_on else source.latest,
    }
