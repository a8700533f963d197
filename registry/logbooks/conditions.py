"""Conditions between the fields of an entry, as data: when one is asked for, and how two values compare.

The rules of a design ask ``check_field`` and ``check_counter`` whether a condition can be kept, those of an
entry ask ``check_values``; the form draws what ``is_asked`` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.logbooks.design import (
    DAY,
    OF_NUMBERS,
    Counter,
    Design,
    Field,
    FieldType,
    Way,
)
from registry.logbooks.values import is_empty
from registry.rules.findings import Wrong

OF_DAYS: tuple[str, ...] = (FieldType.DATE.value, FieldType.TIME.value)
COMPARED: tuple[str, ...] = (*OF_NUMBERS, *OF_DAYS)
"""The types whose values are compared."""


def holds(part: Field | Counter, values: Mapping[str, Any]) -> bool:
    """Whether the condition of a field or a counter holds of an entry's values."""
    if not part.when:
        return True
    value = values.get(part.when)
    return value in part.among if part.among else not is_empty(value)


def is_asked(field: Field, values: Mapping[str, Any]) -> bool:
    """Whether a field may be filled in, as the others are."""
    return field.always or holds(field, values)


def is_required(field: Field, values: Mapping[str, Any]) -> bool:
    """Whether a field must be filled in, as the others are."""
    return (field.required or field.always) and holds(field, values)


# --- In words -----------------------------------------------------------------------------------------


def condition_said(design: Design, part: Field | Counter) -> str:
    """Return in words on what a field or a counter depends: “发展方式”为火线发展、追认."""
    label = design.label_of(part.when)
    return f"“{label}”为{'、'.join(part.among)}" if part.among else f"填了“{label}”"


def conditions_said(design: Design, field: Field) -> str:
    """Return in words when a field is asked for, and with which others its value is compared."""
    said = []
    if field.when:
        said.append(f"{condition_said(design, field)}时{'必填' if field.always else '填写'}")
    is_day = field.type in OF_DAYS
    for other, words in (
        (field.at_least, "不早于" if is_day else "不小于"),
        (field.at_most, "不晚于" if is_day else "不大于"),
    ):
        if other:
            said.append(f"{words}“{design.label_of(other)}”")
    return ";".join(said)


# --- Of a design --------------------------------------------------------------------------------------


def check_field(place: str, each: Field, design: Design) -> Wrong:
    """Check that a field depends on one that stands before it, and is compared with one of its type."""
    if each.when:
        earlier = design.fields[: design.fields.index(each)]
        other = next((one for one in earlier if one.key == each.when), None)
        if other is None:
            message = f"字段“{each.label}”的条件要用排在它前面的字段,请调整顺序或条件。"
            yield "when_before", f"{place}.when", message
        else:
            yield from _check_among(place, f"字段“{each.label}”", each, other)
    elif each.among or each.always:
        yield "when_given", f"{place}.when", f"字段“{each.label}”写了条件的值,请选是哪个字段的值。"
    for name in ("at_least", "at_most"):
        key = getattr(each, name)
        if not key:
            continue
        named = design.by_key.get(key)
        type_ = FieldType.DATE.value if key == DAY else named.type if named is not None else ""
        if key == each.key or type_ != each.type or each.type not in COMPARED:
            message = f"字段“{each.label}”只能与另一个同类型的字段(日期、时间、整数或金额)比较,请重选。"
            yield "compared_alike", f"{place}.{name}", message


def check_counter(place: str, counter: Counter, design: Design, *, is_walled: bool) -> Wrong:
    """Check on which choice a counter depends, and which steps end what it counts as open."""
    label = counter.label
    if counter.when:
        other = design.by_key.get(counter.when)
        if is_walled:
            message = f"限阅台账不按内容计数,请去掉指标“{label}”的条件。"
            yield "walled_counts", f"{place}.when", message
        elif other is None or other.type != FieldType.CHOICE:
            yield "when_choice", f"{place}.when", f"指标“{label}”只能按选项字段的选项来计,请重选。"
        elif not counter.among:
            message = f"指标“{label}”请写明计哪些选项,如 {other.choices[0]}。"
            yield "among_given", f"{place}.among", message
        else:
            yield from _check_among(place, f"指标“{label}”", counter, other)
    elif counter.among:
        yield "when_given", f"{place}.when", f"指标“{label}”写了只计的选项,请选是哪个字段的选项。"
    for key in counter.until if counter.way == Way.OPEN else ():
        if key not in design.step_by_key or key == counter.step:
            message = f"指标“{label}”请另选一步作为结束的一步。"
            yield "until_known", f"{place}.until", message


def _check_among(place: str, what: str, part: Field | Counter, other: Field) -> Wrong:
    if part.among and other.type != FieldType.CHOICE:
        message = f"{what}的条件只能写选项字段的选项;“{other.label}”请留空,意思是填了就算。"
        yield "among_choices", f"{place}.among", message
    elif unknown := [choice for choice in part.among if choice not in other.choices]:
        message = f"{what}的条件里,“{other.label}”没有选项“{unknown[0]}”,可选:{'、'.join(other.choices)}。"
        yield "among_choices", f"{place}.among", message


# --- Of an entry --------------------------------------------------------------------------------------


def check_values(design: Design, values: Mapping[str, Any], day: Any) -> Wrong:
    """Check what fields that are filled in say beside others: each message stands at its field."""
    for each in design.asked:
        value = values.get(each.key)
        if is_empty(value):
            continue
        if not is_asked(each, values):
            said, label = condition_said(design, each), design.label_of(each.when)
            yield "only_when", each.key, f"“{each.label}”只在{said}时填写,请清空或改“{label}”。"
        for key, is_least in ((each.at_least, True), (each.at_most, False)):
            other = day if key == DAY else values.get(key) if key else None
            if not is_empty(other) and type(other) is not str and _is_beyond(value, other, is_least=is_least):
                yield "compared", each.key, _compared(design, each, key, other, is_least=is_least)


def _is_beyond(value: Any, other: Any, *, is_least: bool) -> bool:
    try:
        return bool(value < other if is_least else value > other)
    except TypeError:  # of the wrong type, which is said by itself
        return False


def _compared(design: Design, each: Field, key: str, other: Any, *, is_least: bool) -> str:
    is_day = each.type in OF_DAYS
    how = ("早于" if is_least else "晚于") if is_day else ("小于" if is_least else "大于")
    said = f"{other:%H:%M}" if each.type == FieldType.TIME else f"{other}" if is_day else f"{other:,}"
    return f"“{each.label}”不能{how}“{design.label_of(key)}”的 {said},请核对。"
