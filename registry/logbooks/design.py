"""What a logbook is made of: fields, steps and what it counts, as data.

A design is kept as JSON with its logbook (``Logbook.design``), comes as TOML with those that ship with the
product (``shipped/``), and is made on a page. This module reads and writes that form; ``rules.py`` says what
must be so of it. Keys are short lower-case names: they stand in values, addresses, sheets and metrics, and
never change; labels may.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property, lru_cache
from typing import Any

from django.db.models import TextChoices

KEY = re.compile(r"[a-z][a-z0-9_]{0,29}")
"""What a key of a field, a step or a counter looks like."""


class FieldType(TextChoices):
    """What a field holds."""

    TEXT = "text", "文字"
    LONG_TEXT = "long_text", "长文字"
    NUMBER = "number", "整数"
    AMOUNT = "amount", "金额(元)"
    DATE = "date", "日期"
    TIME = "time", "时间"
    CHOICE = "choice", "选项"
    PERSON = "person", "人员"
    PEOPLE = "people", "人员(可多人)"
    ORGANIZATION = "organization", "组织"
    UNIT = "unit", "单位"
    PHOTOS = "photos", "照片"
    FILE = "file", "附件"
    DOCUMENT = "document", "文号"


OF_PARTS = 100
"""An amount is kept in fen: so many of them are a yuan."""
DAY = "happened_on"
"""How a condition names the day of the entry itself, beside the dates of its fields."""
OF_PEOPLE: tuple[str, ...] = (FieldType.PERSON.value, FieldType.PEOPLE.value)
OF_NUMBERS: tuple[str, ...] = (FieldType.NUMBER.value, FieldType.AMOUNT.value)
OF_FILES: tuple[str, ...] = (FieldType.PHOTOS.value, FieldType.FILE.value)
SORTED: tuple[str, ...] = (
    *OF_NUMBERS,
    FieldType.DATE.value,
    FieldType.TIME.value,
    FieldType.CHOICE.value,
    FieldType.DOCUMENT.value,
    FieldType.TEXT.value,
    FieldType.UNIT.value,
    FieldType.ORGANIZATION.value,
)
"""The types by whose values a list is filtered and sorted; people are filtered, too."""


class About(TextChoices):
    """What an entry is about. Where it is not the unit itself, that row must be named."""

    UNIT = "unit", "单位"
    ORGANIZATION = "organization", "组织"
    PERSON = "person", "人员"


class Group(TextChoices):
    """Under which heading a logbook stands."""

    ACTIVITY = "activity", "组织活动"
    TASKS = "tasks", "任务与调度"
    SUPERVISION = "supervision", "督导"
    RECRUITMENT = "recruitment", "发展党员"
    COMMENDATION = "commendation", "表彰"
    CARE = "care", "关爱帮扶"
    STUDY = "study", "学习教育"
    PUBLICITY = "publicity", "宣传"
    SUPPLIES = "supplies", "物资保障"
    DOCUMENTS = "documents", "文件"
    OTHER = "other", "其他"


class Way(TextChoices):
    """How a counter counts: what its label says, of the entries at a place."""

    ENTRIES = "entries", "条目数"
    PEOPLE = "people", "人员,不重复"
    TIMES = "times", "人员,重复计"
    SUM = "sum", "数字相加"
    STAGE = "stage", "到过某一步的条目数"
    OPEN = "open", "停在某一步的条目数"
    HOURS = "hours", "两步之间的小时数相加"
    AVERAGE = "average", "数字的平均"
    AVERAGE_HOURS = "average_hours", "两步之间的平均小时数"


AVERAGES: Mapping[str, Way] = {Way.AVERAGE.value: Way.SUM, Way.AVERAGE_HOURS.value: Way.HOURS}
"""The ways that divide, and how what is divided is added up."""
OF_HOURS: tuple[str, ...] = (Way.HOURS.value, Way.AVERAGE_HOURS.value)
"""The ways that count the hours from one step to another."""
GIVEN = "given"
"""The way of what an average is divided by: entries that have the number. Nobody chooses it."""


@dataclass(frozen=True)
class Field:
    """A field of an entry.

    ``lower`` and ``upper`` bound a number, or how many people or photos; ``choices`` are those of a choice,
    or the roles of people. ``personal``: masked for who works with no personal data, and left out of files.
    ``ended``: old entries show it, new ones do not ask for it.

    ``when`` names a field before it: it is asked for only where that one is filled in, or holds a choice of
    ``among``; with ``always`` it may be filled in anyway, and must be only there. Its value is ``at_least``
    and ``at_most`` that of the fields of the same type that they name (of dates also the entry's own day).
    """

    key: str
    label: str
    type: str
    required: bool = False
    help: str = ""
    default: str = ""
    lower: int | None = None
    upper: int | None = None
    choices: tuple[str, ...] = ()
    personal: bool = False
    ended: bool = False
    when: str = ""
    among: tuple[str, ...] = ()
    always: bool = False
    at_least: str = ""
    at_most: str = ""

    @property
    def is_of_people(self) -> bool:
        """Whether it names people."""
        return self.type in OF_PEOPLE

    @property
    def is_number(self) -> bool:
        """Whether its values can be added up."""
        return self.type in OF_NUMBERS

    @property
    def measure(self) -> str:
        """The measure word of what it holds, where its type says it."""
        return "元" if self.type == FieldType.AMOUNT else ""

    @property
    def type_label(self) -> str:
        """Its type in words."""
        return str(FieldType(self.type).label)

    @property
    def scale(self) -> int:
        """How many of what is kept make one of what is shown: a hundred fen are a yuan."""
        return OF_PARTS if self.type == FieldType.AMOUNT else 1

    @property
    def range_label(self) -> str:
        """What may be chosen or how large it may be, in words."""
        if self.choices:
            return "、".join(self.choices)
        if self.upper is None:
            return f"不小于 {self.lower:,}" if self.lower else ""
        return f"不大于 {self.upper:,}" if self.lower is None else f"{self.lower:,} 至 {self.upper:,}"


@dataclass(frozen=True)
class Step:
    """A step that an entry goes through, in the order of the design.

    ``after`` are the steps that it may follow (none: the one before it; the first one begins an entry).
    ``hours``: within so many hours of that step; later is said, not refused. ``needs`` are those of
    ``document_number``, ``decided_by`` and ``note`` that must be given.
    """

    key: str
    label: str
    after: tuple[str, ...] = ()
    hours: int | None = None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Counter:
    """A number that a logbook yields.

    ``field`` is the field of people or of the number that is added up; ``step`` the step that is counted,
    or to which the hours run, ``since`` from which; ``until`` are the steps that end what is open (none: any
    that follows). Only entries count whose choice ``when`` is one of ``among``. ``on_top``: offered among the
    figures on top of a page of a unit.
    """

    key: str
    label: str
    way: str
    field: str = ""
    step: str = ""
    since: str = ""
    measure: str = "次"
    on_top: bool = False
    until: tuple[str, ...] = ()
    when: str = ""
    among: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[Counter, ...]:
        """What is kept of it: itself; of an average the sum, and the number that it is divided by."""
        if self.way not in AVERAGES:
            return (self,)
        total = replace(self, key=f"{self.key}.sum", way=AVERAGES[self.way].value, on_top=False)
        return total, replace(total, key=f"{self.key}.n", way=GIVEN, measure="条")

    @property
    def is_distinct(self) -> bool:
        """Whether each person counts once, however often named."""
        return self.way == Way.PEOPLE


@dataclass(frozen=True)
class Single:
    """Whatever an entry is about has no second one while it is live: neither withdrawn nor at the step."""

    until: str = ""


@dataclass(frozen=True)
class Watch:
    """The units that ``field`` names need an entry in another logbook every so many days, such as a visit.

    ``by`` is the other logbook, by its code or that of the shipped one; ``step`` the step at which an entry
    stands as long as it names them (none: always).
    """

    field: str
    by: str
    days: int = 7
    step: str = ""


@dataclass(frozen=True)
class Placing:
    """People of the field ``offered`` are placed in an organization by one act, at the step.

    Who was placed stands in ``chosen`` then, and where in ``into``.
    """

    offered: str
    chosen: str
    into: str
    step: str


AGREED: Mapping[str, type[Single | Watch | Placing]] = {"single": Single, "watch": Watch, "placing": Placing}
"""What may be agreed on for a logbook beside its fields, steps and counters."""


@dataclass(frozen=True)
class Design:
    """The fields, steps and counters of a logbook, and what else is agreed on."""

    fields: tuple[Field, ...] = ()
    steps: tuple[Step, ...] = ()
    counters: tuple[Counter, ...] = ()
    single: Single | None = None
    watch: Watch | None = None
    placing: Placing | None = None

    @cached_property
    def by_key(self) -> Mapping[str, Field]:
        """The fields by key, those that were ended too."""
        return {each.key: each for each in self.fields}

    @cached_property
    def kept(self) -> tuple[Counter, ...]:
        """Everything that is counted: an average as what is divided and what it is divided by."""
        return tuple(part for counter in self.counters for part in counter.kept)

    @cached_property
    def step_by_key(self) -> Mapping[str, Step]:
        """The steps by key."""
        return {each.key: each for each in self.steps}

    @property
    def asked(self) -> tuple[Field, ...]:
        """The fields that new entries are asked for."""
        return tuple(each for each in self.fields if not each.ended)

    def label_of(self, key: str) -> str:
        """Return how a field is called, or the day of the entry."""
        return self.by_key[key].label if key in self.by_key else "日期" if key == DAY else key

    def before(self, step: Step) -> tuple[str, ...]:
        """Return the keys of the steps that ``step`` may follow; none: it begins an entry."""
        place = self.steps.index(step)
        return step.after or ((self.steps[place - 1].key,) if place else ())

    def following(self, key: str) -> tuple[Step, ...]:
        """Return the steps that may come after the one called ``key``; without one, the first."""
        if not key:
            return self.steps[:1]
        return tuple(step for step in self.steps if key in self.before(step))

    def with_fields(self, more: Iterable[Field]) -> Design:
        """Return the design with the fields that a unit below added."""
        return replace(self, fields=(*self.fields, *more))

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept: only what differs from the rule."""
        return {
            "fields": [_plain(each) for each in self.fields],
            "steps": [_plain(each) for each in self.steps],
            "counters": [_plain(each) for each in self.counters],
            **{name: asdict(each) for name, each in self.agreed.items()},
        }

    @property
    def agreed(self) -> dict[str, Single | Watch | Placing]:
        """What is agreed on, by name."""
        return {name: each for name in AGREED if (each := getattr(self, name)) is not None}


def read(data: Mapping[str, Any]) -> Design:
    """Return the design of its JSON or TOML. Raises ``ValueError`` where a name is not known."""
    return Design(
        tuple(_made(Field, each) for each in data.get("fields", ())),
        tuple(_made(Step, each) for each in data.get("steps", ())),
        tuple(_made(Counter, each) for each in data.get("counters", ())),
        **{name: _made(kind, data[name]) for name, kind in AGREED.items() if name in data},
    )


def read_fields(data: Iterable[Mapping[str, Any]]) -> tuple[Field, ...]:
    """Return fields of their JSON."""
    return tuple(_made(Field, each) for each in data)


def _made(kind: Any, data: Mapping[str, Any]) -> Any:
    known = {each.name for each in fields(kind)}
    if unknown := set(data) - known:
        raise ValueError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in data.items()})


def _plain(part: Any) -> dict[str, Any]:
    given = {each.name: each.default for each in fields(part)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(part).items()
        if value != given[name]
    }


@lru_cache(maxsize=1024)
def read_cached(text: str) -> Design:
    """Return the design of its JSON as text; the same text gives the same object."""
    return read(json.loads(text))
