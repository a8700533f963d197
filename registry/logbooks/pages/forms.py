"""The forms of entries, made from the design of the logbook at the unit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError

from registry.files.fields import MOST, FilesField
from registry.logbooks.conditions import conditions_said
from registry.logbooks.design import OF_FILES, Design, Field, FieldType, Step
from registry.logbooks.models import Logbook
from registry.logbooks.rules import FIXED
from registry.logbooks.steps import NEEDS
from registry.logbooks.values import LONGEST, read_text
from registry.web.campaigns import CampaignField
from registry.web.fields import DayField, PickerField, ScopedForm, document_field, reason_field, wide
from registry.web.selects import DrawnOnce

PREFIX = "v_"
"""Before the key of a field of the design: other fields of the form have names, too."""
DRAFT, NEXT = "draft", "next"
"""What a button beside 提交 sends as ``save_as``."""
FEW = 6
"""So many choices are shown as buttons; more as a box."""
ABOUT = ("organization", "person")


class ValueField(forms.CharField):
    """A number or a time, read as everywhere: 1,200, 500元, 8点30."""

    def __init__(self, field: Field, **options: Any) -> None:
        self.of = field
        box = forms.TextInput(
            attrs={"inputmode": "text" if field.type == FieldType.TIME else "decimal", "size": "12"}
        )
        super().__init__(max_length=40, widget=box, **options)

    def clean(self, value: Any) -> Any:
        """Return the value; say what is wrong with it."""
        try:
            found = read_text(self.of, str(value or ""))
        except ValueError as error:
            raise ValidationError(str(error)) from None
        if found is None and self.required:
            raise ValidationError(self.error_messages["required"], code="required")
        return found

    def prepare_value(self, value: Any) -> Any:
        """Return the value as it is typed."""
        return f"{value:%H:%M}" if hasattr(value, "hour") else value


def field_of(each: Field, *, is_draft: bool, told: str = "") -> forms.Field:
    """Return the form field of a field of the design; a draft may lack what is required.

    ``told`` are its conditions in words. Where it has one, the rules say whether it is required.
    """
    asks = "选择" if each.type == FieldType.CHOICE else "填写"
    given: dict[str, Any] = {
        "label": f"{each.label}({each.measure})" if each.measure else each.label,
        "required": each.required and not (is_draft or each.when),
        "help_text": " ".join(filter(None, (_help(each), f"{told}。" if told else ""))),
        "initial": each.default or None,
    }
    said: dict[str, Any] = {"error_messages": {"required": f"请{asks}“{each.label}”。"}}
    if each.is_number or each.type == FieldType.TIME:
        return ValueField(each, **given, **said)
    if each.type == FieldType.DATE:
        return DayField(**given, **said)
    if each.type in OF_FILES:
        return _files(each, given)
    if each.type == FieldType.CHOICE:
        return _choice(each, given | said)
    if each.type in (FieldType.UNIT, FieldType.ORGANIZATION):
        return PickerField(each.type, **given)
    if each.is_of_people:
        roles = [("", "–"), *((role, role) for role in each.choices)] if each.choices else []
        many = each.type == FieldType.PEOPLE
        return PickerField("person", multiple=many, roles=roles if many else (), **given)
    box = forms.Textarea(attrs={"rows": "4"}) if each.type == FieldType.LONG_TEXT else forms.TextInput()
    return forms.CharField(max_length=LONGEST[each.type], widget=box, **given, **said)


def _files(each: Field, given: Mapping[str, Any]) -> forms.Field:
    kind, most = ("photo", MOST) if each.type == FieldType.PHOTOS else ("file", 1)
    return FilesField(kind, most=each.upper or most, label=given["label"], required=given["required"])


def _choice(each: Field, given: Mapping[str, Any]) -> forms.Field:
    choices = [(choice, choice) for choice in each.choices]
    if len(choices) > FEW:
        return forms.ChoiceField(choices=[("", "请选择"), *choices], widget=DrawnOnce, **given)
    none = [] if each.required else [("", "不填")]
    return forms.ChoiceField(choices=[*choices, *none], widget=forms.RadioSelect, **given)


def _help(each: Field) -> str:
    if each.help or not each.is_number:
        return each.help
    return f"{each.range_label}。" if each.range_label else ""


class EntryForm(ScopedForm):
    """An entry of a logbook: day, unit, what it is about, the fields of the design, the campaign."""

    happened_on = DayField(label="日期")
    unit = PickerField("unit", label="单位", verb="add_entry")
    organization = PickerField("organization", label="组织")
    person = PickerField("person", label="人员")
    campaign = CampaignField()
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    reason = reason_field("修改原因")

    unsent = ("save_as",)

    def __init__(
        self, *args: Any, logbook: Logbook, design: Design, is_new: bool = True, **kwargs: Any
    ) -> None:
        self.logbook, self.design = logbook, design
        super().__init__(*args, **kwargs)
        is_draft = self.is_bound and self.save_as == DRAFT
        fields = dict(self.fields)
        for name in ABOUT:
            if logbook.about != name:
                fields.pop(name)
        for name in ("version", "reason") if is_new else ():
            fields.pop(name)
        last = {name: fields.pop(name) for name in ("campaign", "version", "reason") if name in fields}
        for each in self.asked:
            made = field_of(each, is_draft=is_draft, told=conditions_said(design, each))
            made.when = bool(each.when) and (each.required or each.always)  # type: ignore[attr-defined]
            fields[f"{PREFIX}{each.key}"] = deepcopy(made)  # a picker's parts meet
        self.fields = fields | last
        self.begin_fields()
        for name, row in self.initial.items():
            if isinstance(self.fields.get(name), PickerField):
                self._keep(cast(PickerField, self.fields[name]), row)
        cast(CampaignField, self.fields["campaign"]).offer(self.user, self.initial.get("campaign_row"))
        self.may_be_future = tuple(
            f"{PREFIX}{each.key}" for each in self.asked if each.type == FieldType.DATE
        )
        self.renames = {each.key: f"{PREFIX}{each.key}" for each in self.asked}

    @property
    def conditions(self) -> str:
        """Which fields are shown only where another one says so, for js/conditions.js; "" for none."""
        found = {
            f"{PREFIX}{each.key}": [f"{PREFIX}{each.when}", *each.among]
            for each in self.asked
            if each.when and not each.always
        }
        return json.dumps(found, ensure_ascii=False) if found else ""

    @property
    def save_as(self) -> str:
        """Which button was pressed: none is 提交."""
        return str(self.data.get("save_as", ""))

    @property
    def asked(self) -> list[Field]:
        """The fields of the design that the form has."""
        return list(self.design.asked)

    @staticmethod
    def _keep(field: PickerField, value: Any) -> None:
        for each in value if isinstance(value, list | tuple) else [value]:
            field.keep(each[0] if isinstance(each, tuple) else each)

    @property
    def personal(self) -> list[str]:
        """The fields of personal data, which no browser keeps."""
        return [f"{PREFIX}{each.key}" for each in self.asked if each.personal]

    @property
    def required_number(self) -> int:
        """How many fields must be filled in."""
        return sum(each.required for each in self.fields.values())

    def values(self) -> dict[str, Any]:
        """Return the values of the design's fields as the operations take them; people with their roles."""
        found = {}
        for each in self.asked:
            value = self.cleaned_data.get(f"{PREFIX}{each.key}")
            if each.is_of_people:
                rows = value if isinstance(value, list) else [value] if value is not None else []
                value = [row if isinstance(row, tuple) else (row, "") for row in rows]
            found[each.key] = value
        return found

    def facts(self) -> dict[str, Any]:
        """Return what an entry has beside its values."""
        return {name: self.cleaned_data[name] for name in FIXED if name in self.cleaned_data}

    def arguments(self) -> dict[str, Any]:
        """Return what ``edit_entry`` takes."""
        return {
            "changes": {**self.facts(), **self.values()},
            "version": self.cleaned_data.get("version"),
            "reason": self.cleaned_data.get("reason", ""),
        }


def initial_of(values: Mapping[str, Any], design: Design) -> dict[str, Any]:
    """Return values of an entry as the form begins with them."""
    found = {}
    for key, value in values.items():
        each = design.by_key.get(key)
        if each is None or each.ended or each.type in OF_FILES:
            continue
        if each.is_of_people:
            named = [(person, role) for person, role in value or ()]
            value = named if each.choices else [person for person, _role in named]
        if each.type == FieldType.PERSON:
            first = next(iter(value), None)
            value = first[0] if isinstance(first, tuple) else first
        found[f"{PREFIX}{key}"] = value
    return found


class StepForm(ScopedForm):
    """A step that an entry comes to: when, by whom, with which document."""

    step = forms.CharField(widget=forms.HiddenInput)
    on = DayField(label="日期")
    at = ValueField(
        Field("at", "时间", FieldType.TIME.value), label="时间", required=False, help_text="如 8:30,可不填。"
    )
    decided_by = forms.CharField(label="决定机关或人员", max_length=80, required=False)
    document_number = document_field("文号")
    note = forms.CharField(label="说明", max_length=300, required=False, widget=wide())

    def need(self, step: Step) -> None:
        """Ask for what the step needs."""
        for name in step.needs:
            self.fields[name].required = True
            self.fields[name].error_messages["required"] = f"请填写{NEEDS[name]}。"
