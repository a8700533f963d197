"""The filters of a list of entries: one for each field of the design, by what is worked out of an entry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.lookups import Exact
from django.http import Http404

from registry import access, nouns
from registry.logbooks.design import SORTED, About, Design, Field, FieldType
from registry.logbooks.models import EntryFact, EntryPerson, Logbook, LogbookItem
from registry.logbooks.values import kept, read_text
from registry.models import days
from registry.web.filters import ChoiceFilter, Filter, PersonFilter, RowFilter, TextFilter
from registry.web.text import cleaned

FEW = 6_000
"""So many entries that a filter finds are named by their keys."""
PREFIX = "f_"
"""Before the key of a field in the address, where other parameters stand, too."""
_BETWEEN = re.compile(r"\s*(?:至|到|~|—+|–)\s*")
_DASHED = re.compile(r"(?<=\d)\s*-\s*(?=\d)")
_OF_RANGES = (FieldType.NUMBER, FieldType.AMOUNT, FieldType.DATE, FieldType.TIME)
_HOW = {
    FieldType.NUMBER: "如 5 至 20",
    FieldType.AMOUNT: "如 500 至 1000",
    FieldType.DATE: "如 2.1 至 2.29",
    FieldType.TIME: "如 8:00 至 12:00",
}


def having(table: Any, rows: QuerySet[Any], item: LogbookItem, *where: Q, **values: Any) -> QuerySet[Any]:
    """Return the entries of which something is worked out for the item, as the conditions ask.

    Databases guess badly how many texts contain a word, so the first hits are fetched beforehand. A few are
    named by their keys. Where there are many, each entry is asked in the order of the list: a page is soon
    full. ``table.found_first`` keeps the hits: they also say that the list is long.
    """
    facts = EntryFact.objects.filter(*where, item=item, **values)
    asked = item.pk  # it has one filter, of one value in an address
    if asked not in table.found_first:
        found = facts.order_by().values_list("entry", flat=True)
        table.found_first[asked] = list(found[: FEW + 1])
    keys = table.found_first[asked]
    if len(keys) <= FEW:
        return rows.filter(pk__in=keys)
    one = facts.filter(entry=OuterRef("pk")).order_by().annotate(there=Value(1)).values("there")[:1]
    return rows.filter(Exact(Subquery(one), 1))


_A_DAY = Field("", "", FieldType.DATE.value)


@dataclass(frozen=True)
class RangeFilter(Filter):
    """From one value to another, both included, typed into one box: ``500 至 1000``, ``500 至``, ``500``.

    ``of`` is the field whose values are meant; ``where`` says where rows have them.
    """

    of: Field = _A_DAY

    def field(self, table: Any) -> forms.Field:
        """Return the box."""
        box = forms.TextInput(attrs={"placeholder": _HOW[FieldType(self.of.type)], "size": "20"})
        return forms.CharField(label=self.label, required=False, max_length=60, widget=box)

    def initial(self, table: Any) -> str:
        """Return what was typed."""
        return str(super().read(table))

    def read(self, table: Any) -> Any:
        """Return the two ends; None where one is left open."""
        text = super().read(table)
        if not text:
            return None
        between = _BETWEEN if self.of.type == FieldType.DATE else _DASHED
        parts = _BETWEEN.split(text) if _BETWEEN.search(text) else between.split(text)
        try:
            ends = [self._end(table, each) for each in parts[:2]]
        except ValueError as error:
            raise ValueError(f"{self.label}没有使用:{error}") from None
        return (ends[0], ends[-1]) if any(each is not None for each in ends) else None

    def _end(self, table: Any, text: str) -> Any:
        if not text:
            return None
        if self.of.type == FieldType.DATE:
            return days.from_text(text, year=table.question.as_of.year)
        return read_text(self.of, text)

    def shown(self, table: Any, value: Any) -> str:
        """Return the two ends in words."""
        first, last = (_said(each) for each in value)
        return first if first == last else f"{first} 至 {last}".strip()


def _said(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int | Decimal):
        return f"{value:,}"
    return f"{value:%H:%M}" if hasattr(value, "hour") else str(value)


def ends(value: tuple[Any, Any], path: str) -> dict[str, Any]:
    """Return the two ends as conditions on what stands at ``path``."""
    first, last = value
    return {f"{path}__{how}": end for how, end in (("gte", first), ("lte", last)) if end is not None}


def day_filter() -> Filter:
    """Return the filter of the day on which it happened."""
    return RangeFilter("days", "日期", lambda _table, rows, value: rows.filter(**ends(value, "happened_on")))


def filters_of(design: Design, items: Mapping[str, LogbookItem]) -> Iterator[Filter]:
    """Yield the filters of a design: one for each field by which entries are found."""
    for each in design.fields:
        item = items.get(each.key)
        if item is None or (each.type not in SORTED and not each.is_of_people):
            continue
        found = _filter_of(each, item)
        yield replace(found, where=_seen(found.where)) if each.personal else found


def _seen(where: Any) -> Any:
    """Return the condition for what is masked: it finds only where the user may read it."""

    def of_seen(table: Any, rows: Any, value: Any) -> Any:
        return where(table, rows.filter(access.private_seen(table.user, nouns.by_key("entry"))), value)

    return of_seen


def _filter_of(field: Field, item: LogbookItem) -> Filter:
    name, label = f"{PREFIX}{field.key}", field.label
    if field.type in _OF_RANGES:
        path = "number" if field.is_number else "text"

        def within(table: Any, rows: Any, value: Any) -> Any:
            first, last = (None if each is None else kept(field, each) for each in value)
            return having(table, rows, item, **ends((first, last), path))

        return RangeFilter(name, label, within, of=field)
    if field.type == FieldType.CHOICE:
        choices = [(each, each) for each in field.choices]
        return ChoiceFilter(
            name, label, lambda table, rows, value: having(table, rows, item, text=value), choices=choices
        )
    if field.is_of_people:
        return PersonFilter(
            name, label, lambda table, rows, text: _naming(table, rows, item, text), f"{label}:{{}}"
        )
    if field.type in (FieldType.UNIT, FieldType.ORGANIZATION):
        return RowFilter(
            name, label, lambda table, rows, row: having(table, rows, item, number=row.pk), noun=field.type
        )
    return TextFilter(name, label, partial(_holding, item), f"{label}含“{{}}”")


def _holding(item: LogbookItem, table: Any, rows: Any, text: str) -> Any:
    """Return the entries whose text contains ``text``; what has no capitals is compared as it stands."""
    how = "text__contains" if text.upper() == text.lower() else "text__icontains"
    return having(table, rows, item, text__gt="", **{how: text})  # as the index is made


def _naming(table: Any, rows: Any, item: LogbookItem, text: str) -> Any:
    return having(table, rows, item, access.person_matches(table.user, text, "owner__person__"))


def step_filter(design: Design) -> Iterable[Filter]:
    """Return the filter of the step at which an entry stands, where the design has steps."""
    if not design.steps:
        return ()
    return (ChoiceFilter("step", "步骤", "step", choices=[(each.key, each.label) for each in design.steps]),)


@dataclass(frozen=True)
class NamedFilter(RowFilter):
    """A person whom entries are about or name, by the key that may stand in an address."""

    name: str = "person"
    label: str = "涉及人员"
    noun: str = "person"

    def read(self, table: Any) -> Any:
        """Return the person."""
        code = cleaned(table.request.GET.get(self.name, ""))
        if not code:
            return None
        try:
            return access.get_person(table.user, code)
        except Http404 as error:
            raise ValueError(f"{error}没有使用。") from None

    def narrow(self, table: Any, rows: Any, value: Any) -> Any:
        """Return the entries that are about the person or name it, as far as the number counts it."""
        if table.metric is not None and table.metric.distinct:
            facts = EntryFact.objects.filter(table.metric.condition, owner__person=value)
            return rows.filter(Exists(facts.filter(entry=OuterRef("pk"))))
        named = EntryPerson.objects.filter(entry=OuterRef("pk"), person=value)
        return rows.filter(Q(person=value) | Exists(named))

    def shown(self, table: Any, value: Any) -> str:
        """Return the name."""
        return str(value.name)


def row_filters(logbook: Logbook, design: Design) -> Iterator[Filter]:
    """Yield the filters by what entries are about."""
    if logbook.about == About.ORGANIZATION:
        yield RowFilter("organization", "组织", "organization", noun="organization")
    if not logbook.is_walled and (
        logbook.about == About.PERSON or any(each.is_of_people for each in design.fields)
    ):
        yield NamedFilter()
