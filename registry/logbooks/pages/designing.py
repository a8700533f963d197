"""The form on which a logbook is made and changed: its facts, and a line for each field, step and counter.

Every button is a way to send the form: what adds, moves or takes off a line answers with the form as it would
be, and only 存草稿, 启用 and 保存 write. So it works without scripts, and nothing typed is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory

from registry.logbooks import conditions
from registry.logbooks.design import (
    DAY,
    OF_HOURS,
    About,
    Counter,
    Design,
    Field,
    FieldType,
    Group,
    Step,
    Way,
)
from registry.logbooks.models import Logbook
from registry.logbooks.nouns import LOGBOOK
from registry.logbooks.pages.agreeing import AgreedForm, agreed_of, said_line
from registry.logbooks.steps import NEEDS
from registry.refusals import OperationRefused
from registry.web.fields import DayField, PickerField, ScopedForm

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


Offered = Sequence[tuple[str, str]]
"""Keys and names of other lines of the form."""
_NONE = ("", "–")


def _among() -> forms.CharField:
    return forms.CharField(
        label="条件的选项", required=False, max_length=200, help_text="用顿号隔开;条件不是选项字段时留空。"
    )


class _Line(forms.Form):
    """A line of the design; its key stays with it. ``more`` is folded away, ``more_said`` names it."""

    key = forms.CharField(required=False, widget=forms.HiddenInput)
    label = forms.CharField(label="名称", max_length=30, required=False)

    more: tuple[str, ...] = ()
    more_said = ""

    def folded(self) -> list[forms.BoundField]:
        """What is folded away."""
        return [self[name] for name in self.more]

    def let_choose(self, name: str, choices: Offered) -> None:
        """Let a field be chosen of these."""
        self.fields[name].choices = choices  # type: ignore[attr-defined]


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
    when = forms.ChoiceField(
        label="填写条件", required=False, help_text="只在前面的某个字段填了、或选了某些选项时才填。"
    )
    among = _among()
    always = forms.BooleanField(label="不满足条件也可填,满足时必填", required=False)
    at_least = forms.ChoiceField(label="不早于或不小于", required=False)
    at_most = forms.ChoiceField(label="不晚于或不大于", required=False)
    personal = forms.BooleanField(label="个人信息,不导出", required=False)
    ended = forms.BooleanField(label="停用,新条目不再填", required=False)

    more = (
        *("choices", "help", "default", "lower", "upper", "when", "among", "always", "at_least", "at_most"),
        *("personal", "ended"),
    )
    more_said = "选项、说明、范围、条件"

    def offer(self, before: Offered, compared: Offered) -> None:
        """Let conditions name the fields that stand before it, and those with which it is compared."""
        self.let_choose("when", [_NONE, *before])
        for name in ("at_least", "at_most"):
            self.let_choose(name, [_NONE, (DAY, "条目的日期"), *compared])

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
            when=sent["when"],
            among=split_choices(sent["among"]),
            always=sent["always"],
            at_least=sent["at_least"],
            at_most=sent["at_most"],
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
    when = forms.ChoiceField(label="只计某些选项", required=False, help_text="如只计“级别”为省级的条目。")
    among = _among()
    until = forms.MultipleChoiceField(
        label="停到哪一步为止",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="停在某一步的条目数用;不勾选时,到了下一步就不再计。",
    )

    more = ("when", "among", "until")
    more_said = "只计某些选项、停到哪一步为止"

    def offer(self, fields: Offered, steps: Offered, choices: Offered) -> None:
        """Let what is counted be chosen among the fields and steps of the form."""
        given = [
            ("", "条目"),
            *((f"field:{key}", label) for key, label in fields),
            *((f"step:{key}", f"步骤:{label}") for key, label in steps),
        ]
        self.let_choose("what", given)
        self.let_choose("since", [_NONE, *steps])
        self.let_choose("until", steps)
        self.let_choose("when", [_NONE, *choices])

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
            since=sent["since"] if sent["way"] in OF_HOURS else "",
            measure=sent["measure"].strip() or "次",
            on_top=sent["on_top"],
            until=tuple(sent["until"]) if sent["way"] == Way.OPEN else (),
            when=sent["when"],
            among=split_choices(sent["among"]),
        )


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
    handed = PickerField(
        "unit",
        multiple=True,
        label="使用单位",
        required=False,
        help_text="只给选中的下级单位及其下级用,其他单位看不到;不选:本单位及全部下级。",
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    parts: tuple[str, ...] = ("fields", "steps", "counters")
    facts: tuple[str, ...] = LOGBOOK.editable

    def __init__(
        self,
        *args: Any,
        begin: Design | None = None,
        above: Sequence[Field] = (),
        books: Sequence[tuple[str, str]] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.begin, self.books = begin or Design(), books
        self.above = above
        """The fields of the unit above, on which others may depend."""

    @cached_property
    def agreed(self) -> AgreedForm:
        """What else is agreed on; as sent where it was, else as the design has it."""
        form = AgreedForm(
            self.data if self._is_agreed_sent else None, prefix="agreed", initial=agreed_of(self.begin)
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
        made = {
            name: _set_of(name)(prefix=name, initial=_keyed(name, lines[name], self.above))
            for name in self.parts
        }
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
        lines = list(made["fields"])
        there = [((each.key, each.label), each.type) for each in self.above]
        named = [(said_line(line), str(line["type"].value())) for line in lines]
        for place, line in enumerate(lines):
            type_ = named[place][1]
            others = [*there, *named[:place], *named[place + 1 :]] if type_ in conditions.COMPARED else []
            line.offer(
                [each for each, _type in (*there, *named[:place])],
                [each for each, other in others if other == type_],
            )
        steps = [said_line(line) for line in made.get("steps", ())]
        choices = [each for each, type_ in named if type_ == FieldType.CHOICE.value]
        for line in made.get("counters", ()):
            line.offer([each for each, _type in named], steps, choices)
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
        keys = {name: _keys(self._typed(name), name, self.above) for name in self.parts}
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
    handed = None  # type: ignore[assignment]  # the logbook says who uses it

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
        if name != "steps":
            line["among"] = LISTED.join(each.among)
        if name == "fields":
            line["choices"] = LISTED.join(each.choices)
        elif name == "steps":
            line |= {"after": " ".join(each.after), "needs": list(each.needs)}
        else:
            line["until"] = list(each.until)
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


def _keyed(name: str, lines: list[dict[str, Any]], above: Sequence[Field]) -> list[dict[str, Any]]:
    """Give each line without a key the next free one."""
    taken = {line.get("key") for line in lines} | {each.key for each in above}
    for line in lines:
        if not line.get("key"):
            line["key"] = _free(name, taken)
            taken.add(line["key"])
    return lines


def _keys(lines: list[dict[str, Any]], name: str, above: Sequence[Field]) -> dict[str, str]:
    """Return the key of each line by its prefix; new ones get the next free key."""
    return {f"{name}-{place}": line["key"] for place, line in enumerate(_keyed(name, lines, above))}


def _free(name: str, taken: Iterable[Any]) -> str:
    number = 1
    while f"{_LETTER[name]}{number}" in taken:
        number += 1
    return f"{_LETTER[name]}{number}"
