"""The form on which a logbook is made and changed: its facts, and a line for each field, step and counter.

Every button is a way to send the form: what adds, moves or takes off a line answers with the form as it would
be, and only 存草稿, 启用 and 保存 write. So it works without scripts, and nothing typed is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory

from registry.logbooks.design import (
    OF_PEOPLE,
    About,
    Counter,
    Design,
    Field,
    FieldType,
    Group,
    Placing,
    Single,
    Step,
    Watch,
    Way,
)
from registry.logbooks.models import Logbook
from registry.logbooks.nouns import LOGBOOK
from registry.logbooks.rules import NEEDS
from registry.refusals import OperationRefused
from registry.web.fields import DayField, ScopedForm

LISTED = "、"
"""What stands between choices."""
MOST = 60
"""So many fields, steps or counters a logbook may have: a page with more cannot be read."""
_OPENED = (("no", "公开:范围内都可看"), ("yes", "限阅:只有经办人和审批人看内容"))
_APPROVED = (("yes", "批准后计数"), ("no", "不审批,登记即计数"))


def _whole(label: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, required=False, widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )


class _Line(forms.Form):
    """A line of the design; its key stays with it."""

    key = forms.CharField(required=False, widget=forms.HiddenInput)
    label = forms.CharField(label="名称", max_length=30, required=False)


class FieldLine(_Line):
    """A field: name, type and whether it must be filled in; the rest is folded away."""

    type = forms.ChoiceField(label="类型", choices=FieldType.choices)
    required = forms.BooleanField(label="必填", required=False)
    choices = forms.CharField(
        label="选项或角色",
        required=False,
        max_length=600,
        help_text="用顿号隔开,如 早、中、夜;人员字段填角色,如 带队。",
    )
    help = forms.CharField(label="填写说明", required=False, max_length=100)
    default = forms.CharField(label="预填", required=False, max_length=100)
    lower = _whole("最小")
    upper = _whole("最大")
    personal = forms.BooleanField(label="个人信息,不导出", required=False)
    ended = forms.BooleanField(label="停用,新条目不再填", required=False)

    more = ("choices", "help", "default", "lower", "upper", "personal", "ended")

    def folded(self) -> list[forms.BoundField]:
        """What is folded away."""
        return [self[name] for name in self.more]

    def made(self) -> Field:
        """Return the field that the line says."""
        sent = self.cleaned_data
        return Field(
            key=sent["key"],
            label=" ".join(sent["label"].split()),
            type=sent["type"],
            required=sent["required"],
            help=sent["help"],
            default=sent["default"],
            lower=sent["lower"],
            upper=sent["upper"],
            choices=split_choices(sent["choices"]),
            personal=sent["personal"],
            ended=sent["ended"],
        )


class StepLine(_Line):
    """A step, in the order of the lines."""

    hours = _whole("限时(小时)")
    needs = forms.MultipleChoiceField(
        label="必须填写", choices=tuple(NEEDS.items()), required=False, widget=forms.CheckboxSelectMultiple
    )
    after = forms.CharField(required=False, widget=forms.HiddenInput)

    def made(self, known: Iterable[str]) -> Step:
        """Return the step that the line says."""
        sent = self.cleaned_data
        after = tuple(key for key in sent["after"].split() if key in set(known))
        return Step(sent["key"], " ".join(sent["label"].split()), after, sent["hours"], tuple(sent["needs"]))


class CounterLine(_Line):
    """A number that the logbook yields."""

    way = forms.ChoiceField(label="怎么数", choices=Way.choices)
    what = forms.ChoiceField(label="数什么", required=False)
    since = forms.ChoiceField(label="从哪一步", required=False)
    measure = forms.CharField(label="单位", max_length=6, required=False)
    on_top = forms.BooleanField(label="上首页", required=False)

    def offer(self, fields: Sequence[tuple[str, str]], steps: Sequence[tuple[str, str]]) -> None:
        """Let what is counted be chosen among the fields and steps of the form."""
        given = [
            ("", "条目"),
            *((f"field:{key}", label) for key, label in fields),
            *((f"step:{key}", f"步骤:{label}") for key, label in steps),
        ]
        self.fields["what"].choices = given  # type: ignore[attr-defined]
        self.fields["since"].choices = [("", "–"), *steps]  # type: ignore[attr-defined]

    def made(self) -> Counter:
        """Return the counter that the line says."""
        sent = self.cleaned_data
        kind, _, key = sent["what"].partition(":")
        return Counter(
            key=sent["key"],
            label=" ".join(sent["label"].split()),
            way=sent["way"],
            field=key if kind == "field" else "",
            step=key if kind == "step" else "",
            since=sent["since"] if sent["way"] == Way.HOURS else "",
            measure=sent["measure"].strip() or "次",
            on_top=sent["on_top"],
        )


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
        self, fields: Sequence[_Line], steps: Sequence[_Line], books: Sequence[tuple[str, str]]
    ) -> None:
        """Let fields and steps of the form be chosen, fields by their type, and other logbooks."""
        of_steps = [_said(line) for line in steps]
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
            given[name] = [_said(line) for line in fields if line["type"].value() in types]
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


def _agreed(design: Design) -> dict[str, Any]:
    """Return what a design agrees on, as the form shows it."""
    found = {
        f"{name}_{key}": value for name, each in design.agreed.items() for key, value in asdict(each).items()
    }
    return {"single": design.single is not None, **found}


SETS: Mapping[str, type[_Line]] = {"fields": FieldLine, "steps": StepLine, "counters": CounterLine}
_LETTER = {"fields": "f", "steps": "s", "counters": "n"}


class DesignForm(ScopedForm):
    """A logbook: how it is called and used, and its design. ``parts`` names what of the design is shown."""

    name = forms.CharField(label="名称", max_length=40)
    group = forms.ChoiceField(label="类别", choices=Group.choices, initial=Group.OTHER)
    about = forms.ChoiceField(
        label="登记对象", choices=About.choices, help_text="条目记的是单位的事、某个组织的事,还是某个人的事。"
    )
    purpose = forms.CharField(label="用途", max_length=200, required=False)
    is_walled = forms.ChoiceField(label="查看", choices=_OPENED, widget=forms.RadioSelect, initial="no")
    needs_approval = forms.ChoiceField(
        label="审批", choices=_APPROVED, widget=forms.RadioSelect, initial="yes"
    )
    started_on = DayField(
        label="启用日期", help_text="这一天及以后的事可以登记;要补录以前的事,请填更早的日期。"
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    parts: tuple[str, ...] = ("fields", "steps", "counters")
    facts: tuple[str, ...] = LOGBOOK.editable

    def __init__(
        self,
        *args: Any,
        begin: Design | None = None,
        books: Sequence[tuple[str, str]] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.begin, self.books = begin or Design(), books

    @cached_property
    def agreed(self) -> AgreedForm:
        """What else is agreed on; as sent where it was, else as the design has it."""
        form = AgreedForm(
            self.data if self._is_agreed_sent else None, prefix="agreed", initial=_agreed(self.begin)
        )
        form.offer(list(self.sets["fields"]), list(self.sets["steps"]), self.books)
        return form

    @property
    def _is_agreed_sent(self) -> bool:
        return self.is_bound and "steps" in self.parts and "agreed-there" in self.data

    @cached_property
    def sets(self) -> dict[str, BaseFormSet[Any]]:
        """The lines of each part, as sent, or as the design has them."""
        data = self.data if self.is_bound else None
        made = {
            name: _set_of(name)(data, prefix=name, initial=None if data else _lines(name, self.begin))
            for name in self.parts
        }
        return self._with_choices(made)

    def act(self, what: str) -> None:
        """Do what a button of a line asks for (``add:fields``, ``up:fields:2``): nothing is written."""
        verb, _, rest = what.partition(":")
        part, _, place = rest.partition(":")
        lines = {name: self._typed(name) for name in self.parts}
        if part in lines:
            _moved(lines[part], verb, int(place) if place.isdigit() else -1, part)
        made = {name: _set_of(name)(prefix=name, initial=_keyed(name, lines[name])) for name in self.parts}
        self.__dict__["sets"] = self._with_choices(made)

    def _typed(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of a part as they were typed, right or wrong, in their order."""
        kind, found = SETS[name], []
        for prefix in self._order(name):
            line = kind(self.data, prefix=prefix)
            found.append({key: line[key].data for key in line.fields})
        return found

    def _order(self, name: str) -> list[str]:
        total = str(self.data.get(f"{name}-TOTAL_FORMS", "0"))
        number = min(int(total), MOST) if total.isdigit() else 0
        return [f"{name}-{place}" for place in range(number)]

    def _with_choices(self, made: dict[str, BaseFormSet[Any]]) -> dict[str, BaseFormSet[Any]]:
        if "counters" in made:
            named = {name: [_said(line) for line in made[name]] for name in ("fields", "steps")}
            for line in made["counters"]:
                line.offer(named["fields"], named["steps"])
        return made

    def is_valid(self) -> bool:
        """Whether the facts and every line can be read; the rules of a design are asked by the operation."""
        readable = [each.is_valid() for each in self.sets.values()]
        if self._is_agreed_sent:
            readable.append(self.agreed.is_valid())
        return super().is_valid() and all(readable)

    def clean(self) -> dict[str, Any] | None:
        """Say above the form where a line cannot be read."""
        for part in self.sets.values():
            for place, line in enumerate(part):
                for messages in line.errors.values():
                    self.add_error(None, f"第 {place + 1} 行:{messages[0]}")
        for messages in self.agreed.errors.values() if self._is_agreed_sent else ():
            self.add_error(None, f"约定:{messages[0]}")
        return super().clean()

    @property
    def made(self) -> dict[str, Any]:
        """The design that the form says, as operations take it. Lines without a name are left out."""
        keys = {name: _keys(self._typed(name), name) for name in self.parts}
        lines: dict[str, list[Any]] = {}
        for name, part in self.sets.items():
            known = [line for line in part if (line.cleaned_data.get("label") or "").strip()]
            for line in part:
                line.cleaned_data["key"] = keys[name][line.prefix]
            lines[name] = known
        fields = [line.made() for line in lines.get("fields", ())]
        steps = [
            line.made([each.cleaned_data["key"] for each in lines["steps"]])
            for line in lines.get("steps", ())
        ]
        counters = [line.made() for line in lines.get("counters", ())]
        agreed = self.begin.agreed if not self._is_agreed_sent else self.agreed.made
        return Design(tuple(fields), tuple(steps), tuple(counters), **agreed).as_json()

    @property
    def told(self) -> dict[str, Any]:
        """The facts that the form says, as operations take them."""
        sent = {name: self.cleaned_data[name] for name in self.facts if name in self.fields}
        return sent | {name: sent[name] == "yes" for name in ("is_walled", "needs_approval")}

    def apply_refusal(self, error: OperationRefused) -> None:
        """Show what is wrong at the line it names (``fields.2.label``), and above."""
        for name, messages in error.message_dict.items():
            part, _, rest = name.partition(".")
            place, _, _of = rest.partition(".")
            lines = [
                line for line in self.sets.get(part, ()) if (line.cleaned_data.get("label") or "").strip()
            ]
            if place.isdigit() and int(place) < len(lines):
                line = lines[int(place)]
                for message in messages:
                    line.add_error(_of if _of in line.fields else None, message)
            for message in messages:
                self.add_error(name if name in self.fields else None, message)


class OwnFieldsForm(DesignForm):
    """The fields that a unit below adds to a logbook."""

    parts = ("fields",)
    facts = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in DesignForm.facts:
            del self.fields[name]


def facts_of(logbook: Logbook) -> dict[str, Any]:
    """Return the facts of a logbook as the form shows them."""
    given = {name: getattr(logbook, name) for name in DesignForm.facts}
    return given | {name: "yes" if given[name] else "no" for name in ("is_walled", "needs_approval")}


def split_choices(text: str) -> tuple[str, ...]:
    """Return the choices that are typed with any usual mark between them, each once."""
    for mark in (",", "，", ";", "；", "\n", "/"):
        text = text.replace(mark, LISTED)
    return tuple(dict.fromkeys(each.strip() for each in text.split(LISTED) if each.strip()))


def _set_of(name: str) -> type[BaseFormSet[Any]]:
    return formset_factory(SETS[name], extra=0, max_num=MOST, absolute_max=MOST, validate_max=True)


def _lines(name: str, design: Design) -> list[dict[str, Any]]:
    """Return the lines of a part of a design, as the form shows them."""
    found = []
    for each in getattr(design, name):
        line = {**{key: getattr(each, key) for key in each.__dataclass_fields__}}
        if name == "fields":
            line["choices"] = LISTED.join(each.choices)
        elif name == "steps":
            line |= {"after": " ".join(each.after), "needs": list(each.needs)}
        else:
            line["what"] = f"field:{each.field}" if each.field else f"step:{each.step}" if each.step else ""
        found.append(line)
    return found


def _moved(lines: list[dict[str, Any]], verb: str, place: int, part: str) -> None:
    """Add, take off or move a line."""
    if verb == "add" and len(lines) < MOST:
        lines.append(
            {"type": FieldType.TEXT.value, "way": Way.ENTRIES.value, "measure": "次", "is_new": True}
        )
    elif not 0 <= place < len(lines):
        return
    elif verb == "drop":
        del lines[place]
    elif verb in ("up", "down"):
        other = place + (-1 if verb == "up" else 1)
        if 0 <= other < len(lines):
            lines[place], lines[other] = lines[other], lines[place]


def _keyed(name: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each line without a key the next free one."""
    taken = {line.get("key") for line in lines}
    for line in lines:
        if not line.get("key"):
            line["key"] = _free(name, taken)
            taken.add(line["key"])
    return lines


def _keys(lines: list[dict[str, Any]], name: str) -> dict[str, str]:
    """Return the key of each line by its prefix; new ones get the next free key."""
    return {f"{name}-{place}": line["key"] for place, line in enumerate(_keyed(name, lines))}


def _free(name: str, taken: Iterable[Any]) -> str:
    number = 1
    while f"{_LETTER[name]}{number}" in taken:
        number += 1
    return f"{_LETTER[name]}{number}"


def _said(line: _Line) -> tuple[str, str]:
    """Return key and name of a line, as a counter offers them."""
    value = line["key"].value(), line["label"].value()
    return str(value[0] or ""), str(value[1] or "(未命名)")
