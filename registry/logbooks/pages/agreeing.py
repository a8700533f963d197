"""What a logbook agrees on beside its fields, steps and counters: the part of its form, and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django import forms

from registry.logbooks.design import OF_PEOPLE, Design, FieldType, Placing, Single, Watch


class AgreedForm(forms.Form):
    """What else is agreed on: one live entry of each, units that wait, people who are placed."""

    single = forms.BooleanField(label="每个登记对象只能有一条有效条目", required=False)
    single_until = forms.ChoiceField(label="到哪一步后可以另记", required=False)
    watch_field = forms.ChoiceField(label="到期提醒:哪个字段的单位", required=False)
    watch_by = forms.ChoiceField(label="看哪本台账有没有登记", required=False)
    watch_days = forms.IntegerField(
        label="多少天没有就列出",
        required=False,
        initial=7,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    watch_step = forms.ChoiceField(label="只看停在哪一步的条目", required=False)
    placing_offered = forms.ChoiceField(label="一次编入:报名人员字段", required=False)
    placing_chosen = forms.ChoiceField(label="选定人员字段", required=False)
    placing_into = forms.ChoiceField(label="编入的组织字段", required=False)
    placing_step = forms.ChoiceField(label="编入后到哪一步", required=False)

    def offer(
        self, fields: Sequence[forms.Form], steps: Sequence[forms.Form], books: Sequence[tuple[str, str]]
    ) -> None:
        """Let fields and steps of the form be chosen, fields by their type, and other logbooks."""
        of_steps = [said_line(line) for line in steps]
        given: dict[str, list[tuple[str, str]]] = {
            **dict.fromkeys(("single_until", "watch_step", "placing_step"), of_steps),
            "watch_by": list(books),
        }
        for name, types in (
            ("watch_field", (FieldType.UNIT,)),
            ("placing_offered", OF_PEOPLE),
            ("placing_chosen", OF_PEOPLE),
            ("placing_into", (FieldType.ORGANIZATION,)),
        ):
            given[name] = [said_line(line) for line in fields if line["type"].value() in types]
        for name, choices in given.items():
            self.fields[name].choices = [("", "–"), *choices]  # type: ignore[attr-defined]

    @property
    def made(self) -> dict[str, Any]:
        """What is agreed on, as a design has it."""
        sent = self.cleaned_data
        found: dict[str, Any] = {}
        if sent["single"]:
            found["single"] = Single(sent["single_until"])
        if sent["watch_field"]:
            days = sent["watch_days"] or 0
            found["watch"] = Watch(sent["watch_field"], sent["watch_by"], days, sent["watch_step"])
        if sent["placing_into"]:
            names = ("placing_offered", "placing_chosen", "placing_into", "placing_step")
            found["placing"] = Placing(*(sent[name] for name in names))
        return found


def agreed_of(design: Design) -> dict[str, Any]:
    """Return what a design agrees on, as the form shows it."""
    found = {
        f"{name}_{key}": value for name, each in design.agreed.items() for key, value in asdict(each).items()
    }
    return {"single": design.single is not None, **found}


def told_agreed(made: Design, books: dict[str, str]) -> list[tuple[str, str]]:
    """Return what else a design agrees on, in words."""
    found, steps, fields = [], made.step_by_key, made.by_key
    if made.single is not None:
        until = f",到“{steps[made.single.until].label}”后可以另记" if made.single.until else ""
        found.append(("只能有一条", f"每个登记对象只有一条有效条目{until}。"))
    if made.watch is not None:
        by = books.get(made.watch.by, made.watch.by)
        label = fields[made.watch.field].label
        found.append(("到期提醒", f"“{label}”{made.watch.days} 天没有“{by}”的,在条目页列出。"))
    if made.placing is not None:
        labels = [fields[key].label for key in (made.placing.chosen, made.placing.into)]
        step = steps[made.placing.step].label
        found.append(("一次编入", f"“{labels[0]}”一次编入“{labels[1]}”,条目到“{step}”。"))
    return found


def said_line(line: forms.Form) -> tuple[str, str]:
    """Return key and name of a line, as others offer it to be chosen."""
    value = line["key"].value(), line["label"].value()
    return str(value[0] or ""), str(value[1] or "(未命名)")
