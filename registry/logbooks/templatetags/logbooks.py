"""What the page of a design asks of its form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms, template

from registry.logbooks.design import FieldType

register = template.Library()
_FIRST = {
    "FieldLine": ("label", "type", "required"),
    "StepLine": ("label", "hours", "needs"),
    "CounterLine": ("label", "way", "what", "since", "measure", "on_top"),
}
_SAMPLES = {
    FieldType.PERSON.value: "姓名、拼音或警号",
    FieldType.PEOPLE.value: "姓名、拼音或警号,可多人",
    FieldType.DATE.value: "如 2月29日",
    FieldType.TIME.value: "如 8:30",
    FieldType.UNIT.value: "单位名称、拼音或代码",
    FieldType.ORGANIZATION.value: "组织名称、拼音或代码",
    FieldType.PHOTOS.value: "选择或拖入照片",
    FieldType.FILE.value: "选择或拖入附件",
}


@register.filter
def part(sets: Mapping[str, Any], name: str) -> Any:
    """Return the lines of a part of the design."""
    return sets[name]


@register.filter
def shown_first(line: forms.Form) -> list[forms.BoundField]:
    """Return the fields of a line that are always shown."""
    return [line[name] for name in _FIRST[type(line).__name__]]


@register.filter
def buttons(line: forms.Form) -> tuple[tuple[str, str, str], ...]:
    """Return the buttons of a line: verb, sign, and what a screen reader says."""
    return (("up", "↑", "上移"), ("down", "↓", "下移"), ("drop", "✕", "删去"))


@register.filter
def told_more(line: Any) -> str:
    """Return what is folded away in words, or what could be filled in there."""
    said = []
    for name in line.more:
        value = line[name].value()
        field = line.fields[name]
        if isinstance(field, forms.BooleanField):
            said += [str(line[name].label)] if value not in (False, None, "", "False") else []
        elif isinstance(field, forms.ChoiceField):
            chosen = value if isinstance(value, list) else [value]
            choices: Any = field.choices
            words = [str(label) for key, label in choices if key and key in chosen]
            said += [f"{line[name].label}:{'、'.join(words)}"] if words else []
        elif value not in (None, ""):
            said.append(f"{line[name].label}:{value}")
    return " · ".join(said) or str(line.more_said)


@register.filter
def is_wrong(line: Any) -> bool:
    """Whether something of what is folded away is wrong."""
    return any(line[name].errors for name in line.more)


@register.filter
def sample(kind: str) -> str:
    """Return what stands in an empty box of a type."""
    return _SAMPLES.get(kind, "")
