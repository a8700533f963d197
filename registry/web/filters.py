"""The filters of a list: each has a parameter, a form field, a condition and the words of its chip."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from registry import access, nouns
from registry.models import Basis
from registry.web.fields import DayField, PickerField, ScopedForm, typed_day
from registry.web.selects import DrawnOnce, frozen
from registry.web.text import cleaned

if TYPE_CHECKING:
    from registry.web.tables import Table

LONGEST_TEXT = 60


class _Own(dict[str, forms.Field]):
    """Fields that belong to one form, which takes them as they are; but a picker's parts meet in its copy."""

    def __deepcopy__(self, memo: Any) -> dict[str, forms.Field]:
        return {
            name: deepcopy(each, memo) if isinstance(each, PickerField) else each
            for name, each in self.items()
        }


class FilterForm(ScopedForm):
    """The form of a list's filters: nothing is sent with it, so its fields need no copies."""

    def __init__(self, fields: dict[str, forms.Field], **options: Any) -> None:
        self.base_fields = _Own(fields)  # type: ignore[misc]  # of this form alone
        super().__init__(**options)
        for name, each in self.fields.items():
            found = self.initial.get(name)
            if isinstance(each, PickerField) and isinstance(found, each.noun.model):
                each.keep(found)  # which the list found in scope


@lru_cache(maxsize=500)
def _text_field(label: str) -> forms.Field:
    return forms.CharField(label=label, required=False, max_length=LONGEST_TEXT)


@lru_cache(maxsize=500)
def choice_field(label: str, choices: tuple[Any, ...], *, required: bool = False) -> forms.Field:
    """Return the field of choices of a filter, the same one for the same choices."""
    return forms.ChoiceField(label=label, required=required, choices=choices, widget=DrawnOnce)


@dataclass(frozen=True)
class Filter:
    """One filter of a list. Without ``where`` the list itself reads the value (``table.wanted``)."""

    name: str
    label: str
    where: str | Callable[[Any, Any, Any], Any] = ""
    """The field that must have the value, or a function of the table, the rows and the value."""
    chip: str | Callable[[Any, Any], str] = ""
    """The words of the chip, with ``{}`` for the value, or a function of the table and the value."""
    off: str | None = None
    """The value in the address that switches it off, where it is on by default."""

    is_plain: bool = False
    """Whether the condition hangs on nothing but the day and the value, one of few."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters of the address that the filter's field sends."""
        return (self.name,)

    def is_kept(self, value: Any) -> bool:
        """Whether statements with this value are kept."""
        return self.is_plain

    def field(self, table: Table[Any]) -> forms.Field | None:
        """Return the form field; None leaves it out."""
        return _text_field(self.label)

    def initial(self, table: Table[Any]) -> Any:
        """Return what the field shows."""
        return table.wanted.get(self.name)

    def read(self, table: Table[Any]) -> Any:
        """Return the value in the address, nothing if there is none; a ValueError says why it is not used."""
        return cleaned(table.request.GET.get(self.name, ""))

    def narrow(self, table: Table[Any], rows: Any, value: Any) -> Any:
        """Return the rows that have the value."""
        if callable(self.where):
            return self.where(table, rows, value)
        return rows.filter(**{self.where: value}) if self.where else rows

    def words(self, table: Table[Any], value: Any) -> str:
        """Return the words of the chip."""
        if callable(self.chip):
            return self.chip(table, value)
        return (self.chip or f"{self.label}:{{}}").format(self.shown(table, value))

    def recorded(self, table: Table[Any], value: Any) -> str:
        """Return the words of the chip as the record holds them."""
        return self.words(table, value)

    def shown(self, table: Table[Any], value: Any) -> str:
        """Return the value as users read it."""
        return str(value)


@dataclass(frozen=True)
class TextFilter(Filter):
    """A text that is looked for."""

    chip: str | Callable[[Any, Any], str] = "含“{}”"


@dataclass(frozen=True)
class PersonFilter(TextFilter):
    """A text that finds people: a name, or a number, which those who read the record may see masked only."""

    def recorded(self, table: Table[Any], value: Any) -> str:
        """Return the words with a number masked."""
        return self.words(table, access.masked(value) if any(map(str.isdigit, value)) else value)


@dataclass(frozen=True)
class ChoiceFilter(Filter):
    """One of several values."""

    choices: Iterable[Any] | Callable[[Any], Iterable[Any]] = ()
    """Pairs or groups of pairs, or a function of the table that returns them."""
    anything: str | None = "全部"
    """The words for no choice; None: the choices have an empty one themselves."""
    is_open: bool = False
    """Another value than the choices is looked for too (and not found)."""

    def options(self, table: Table[Any]) -> list[Any]:
        """Return the choices of the field."""
        choices = list(self.choices(table) if callable(self.choices) else self.choices)
        return choices if self.anything is None else [("", self.anything), *choices]

    def field(self, table: Table[Any]) -> forms.Field:
        """Return the form field."""
        return choice_field(self.label, frozen(self.options(table)))

    def read(self, table: Table[Any]) -> Any:
        """Return the value if it is one of the choices."""
        value = super().read(table)
        if value and not self.is_open and value not in self._labels(table):
            raise ValueError(f"筛选条件 {self.name}={value} 不存在,没有使用。")
        return value

    def shown(self, table: Table[Any], value: Any) -> str:
        """Return the label of the value."""
        return self._labels(table).get(value, str(value))

    def _labels(self, table: Table[Any]) -> dict[str, str]:
        return _labels_of(frozen(self.options(table)))


@lru_cache(maxsize=500)
def _labels_of(options: tuple[Any, ...]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for value, label in options:
        pairs = label if isinstance(label, tuple) else [(value, label)]
        labels |= {str(key): word for key, word in pairs}
    return labels


@dataclass(frozen=True)
class DayFilter(Filter):
    """A day."""

    def field(self, table: Table[Any]) -> forms.Field:
        """Return the form field."""
        return DayField(label=self.label, required=False, near=table.question.as_of)

    def read(self, table: Table[Any]) -> date | None:
        """Return the day."""
        try:
            return typed_day(super().read(table), table.question.as_of)
        except ValidationError as error:
            raise ValueError(f"{self.label}没有使用:{error.message}") from None

    def shown(self, table: Table[Any], value: Any) -> str:
        """Return the day as it is written everywhere."""
        day: date = value
        return day.isoformat()


@dataclass(frozen=True)
class UnitFilter(Filter):
    """The unit that the list looks at; the list reads it (``table.unit``), as it decides what is in scope."""

    name: str = "unit"
    label: str = "单位"
    verb: str = access.SEE
    """Only units where the user may do this are offered."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters of the address, with the one for what was typed without scripts."""
        return (self.name, f"{self.name}_text")

    def field(self, table: Table[Any]) -> forms.Field:
        """Return the picker."""
        return PickerField("unit", label=self.label, required=False, verb=self.verb)

    def initial(self, table: Table[Any]) -> Any:
        """Return the unit chosen."""
        return table.unit

    def read(self, table: Table[Any]) -> None:
        """Leave the reading to the list."""


@dataclass(frozen=True)
class RowFilter(Filter):
    """A row of a noun that the user sees, by its code."""

    noun: str = ""

    def field(self, table: Table[Any]) -> forms.Field:
        """Return the picker."""
        return PickerField(self.noun, label=self.label, required=False)

    def read(self, table: Table[Any]) -> Any:
        """Return the row."""
        code = super().read(table)
        if not code:
            return None
        noun = nouns.by_key(self.noun)
        found = noun.model._default_manager.filter(**{noun.page_key: code})
        row = access.visible(table.user, found).first()
        if row is None:
            raise ValueError(f"没有{noun.page_key_label}为“{code}”的{noun.label},没有使用。")
        return row


@dataclass(frozen=True)
class BasisFilter(Filter):
    """The basis of the page's question (口径)."""

    name: str = "basis"
    label: str = "口径"
    is_plain: bool = True

    def field(self, table: Table[Any]) -> forms.Field:
        """Return the form field."""
        return choice_field(self.label, tuple(Basis.choices))

    def initial(self, table: Table[Any]) -> Any:
        """Return the basis in force."""
        return table.question.basis

    def read(self, table: Table[Any]) -> Any:
        """Return the basis, unless it is the usual one."""
        return None if table.question.basis == Basis.CURRENT else table.question.basis

    def shown(self, table: Table[Any], value: Any) -> str:
        """Return the basis with the period it speaks of."""
        question, words = table.question, str(Basis(value).label)
        if question.is_period:
            words += f" {question.first_day.isoformat()} 至 {question.as_of.isoformat()}"
        return words


@dataclass(frozen=True)
class SinceFilter(Filter):
    """The first day of a period; only where the basis asks about one."""

    name: str = "since"
    label: str = "起始日期"

    def field(self, table: Table[Any]) -> forms.Field | None:
        """Return the form field."""
        day = table.question.as_of
        return DayField(label=self.label, required=False, near=day) if table.question.is_period else None

    def initial(self, table: Table[Any]) -> Any:
        """Return the first day in force."""
        return table.question.since

    def read(self, table: Table[Any]) -> None:
        """Leave it to the question; the chip of the basis names it."""
