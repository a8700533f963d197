"""The descriptor of a noun: what every list, form, sheet, search, record and grant needs to know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Model, Q, QuerySet

from registry.models import Unit
from registry.models.base import in_spans
from registry.models.hierarchy import Span, everything
from registry.nouns.columns import Layout
from registry.nouns.verbs import Verb

Rows = QuerySet[Any]
Shown = Callable[[str], str]
"""Returns a field of a row as the user may see it: whole, or masked."""


@dataclass(frozen=True)
class PickerQuery:
    """The parameters of a picker's address: whether it is for a verb, the days, and others."""

    is_for_verb: bool
    as_of: date
    today: date
    given: Mapping[str, str]


@dataclass(frozen=True)
class Picker:
    """How a row is chosen in a form.

    It is sent by ``key`` and may also be typed by what is in ``typed``. ``note`` are the grey words beside
    a chosen row, ``marks`` further remarks in the list of hits. ``narrow`` leaves out rows by the picker's
    address. ``beyond`` returns rows that may be chosen, by name, from outside the scope: for a unit
    where the user may do ``beyond_verb``.
    """

    key: str
    placeholder: str
    note: Callable[[Any, Shown], str]
    typed: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    marks: Callable[[Any], list[str]] = lambda row: []
    narrow: Callable[[Rows, PickerQuery], Rows] = lambda rows, query: rows
    beyond: Callable[[Unit], Rows] | None = None
    beyond_verb: str = ""


@dataclass(frozen=True)
class Texts:
    """The fields by which a noun is searched: names, aliases and codes.

    ``terms`` is the table of terms, with a key to the row named as the noun is. ``by_name``: terms are
    kept once for each name, not for each row. From a row the terms are called ``terms``.
    """

    terms: type[Model]
    names: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    by_name: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields that are searched."""
        return (*self.names, *self.aliases, *self.codes)


@dataclass(frozen=True)
class Noun:
    """One kind of thing that is registered.

    * ``key`` is its name in code, in the record and in grants, ``plural`` in addresses and sheets;
      ``measure`` is the Chinese measure word.
    * ``unit_path`` leads from a row to the unit it belongs to ("": the row is a unit; None: to no unit).
    * ``other_unit_path`` leads to a second unit in whose record the row shows: a placed person's home unit.
    * ``within`` filters rows to intervals of the unit tree, where ``unit_path`` is not enough; with ``few``
      there are only a handful of rows, so each one may be checked.
    * ``is_seen_below``: rows of the units above are seen, too, and those of no unit; what is done with them
      goes by their unit. ``handed_to`` leads to units to which a row is handed down: where there are any,
      only who sees one of them, or stands below one, sees it below.
    * ``page`` is the name of its page's address, which has ``page_key``; ``page_at`` leads from a row
      without a page of its own to the one that has. ``public_key`` stands for a private ``page_key``.
      ``stands_for`` leads from a row that was merged into another to that one, which its key then finds.
      ``list_page`` is the name of its list's address, which looks for ``q``.
    * ``edit`` is the verb that changes plain facts (``editable``), which can be set back.
    * ``masked`` fields are never shown or recorded in full, ``private`` ones only to who may see them.
    * ``named`` are the nouns that a row connects: its entries also show in the records of these.
    * ``recorded_with`` are further models whose fields its entries hold.
    """

    key: str
    plural: str
    label: str
    model: type[Model]
    measure: str = "个"
    verbs: tuple[Verb, ...] = ()
    unit_path: str | None = None
    other_unit_path: str = ""
    within: Callable[[Rows, list[Span], bool], Rows] | None = None
    is_seen_below: bool = False
    handed_to: str = ""
    related: tuple[str, ...] = ()
    page: str = ""
    page_at: str = ""
    list_page: str = ""
    page_key: str = "code"
    page_key_label: str = "代码"
    public_key: str = ""
    stands_for: str = ""
    edit: str = ""
    editable: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    recorded_with: tuple[type[Model], ...] = ()
    sheet: Layout | None = None
    picker: Picker | None = None
    texts: Texts | None = None

    @property
    def layout(self) -> Layout:
        """The layout of its sheet, where it has one."""
        if self.sheet is None:
            raise LookupError(f"{self.key} has no sheet")
        return self.sheet

    @property
    def chosen_by(self) -> Picker:
        """Its picker, where it has one."""
        if self.picker is None:
            raise LookupError(f"{self.key} has no picker")
        return self.picker

    @property
    def searched(self) -> Texts:
        """What it is searched by, where it is in the search index."""
        if self.texts is None:
            raise LookupError(f"{self.key} is not in the search index")
        return self.texts

    def hides(self, field: str, *, sees_private: bool) -> bool:
        """Whether a field is said only masked: to everybody, or to who does not see private fields."""
        return field in self.masked or (field in self.private and not sees_private)

    def with_related(self) -> Rows:
        """Return all rows, each with what its page shows beside it."""
        rows: Rows = self.model._default_manager.all()
        return rows.select_related(*self.related) if self.related else rows

    def unit_of(self, row: Any) -> Unit | None:
        """Return the unit to which a row belongs."""
        if self.unit_path is None:
            return None
        unit: Unit | None = follow(row, self.unit_path)
        return unit

    def other_unit_of(self, row: Any) -> Unit | None:
        """Return the second unit in whose record the row shows; None where it is the unit itself."""
        other: Unit | None = follow(row, self.other_unit_path) if self.other_unit_path else None
        own = self.unit_of(row)
        return None if other is None or (own is not None and own.pk == other.pk) else other

    def inside(self, rows: Rows, spans: Iterable[Span], *, few: bool = False) -> Rows:
        """Return those of ``rows`` that belong to a unit in the intervals; all, where it has no unit."""
        spans = list(spans)
        if self.within is not None:
            return self.within(rows, spans, few)
        if self.unit_path is None or everything(spans):
            return rows
        return rows.filter(in_spans(spans, f"{self.unit_path}__" if self.unit_path else ""))

    def seen(self, rows: Rows, spans: Iterable[Span], *, few: bool = False) -> Rows:
        """Return those of ``rows`` that are seen from the intervals: inside, and above if declared."""
        spans = list(spans)
        if not self.is_seen_below or everything(spans):
            return self.inside(rows, spans, few=few)
        unit = f"{self.unit_path}__"
        seen = in_spans(spans, unit) | Q(**{f"{self.unit_path}__isnull": True})
        return rows.filter(seen | over(spans, unit) & self._handed_down(spans))

    def _handed_down(self, spans: list[Span]) -> Q:
        """Return the condition that a row of a unit above is meant for somebody in the intervals."""
        if not self.handed_to:
            return Q()
        # By keys: joined to the units, a row would come once for each of them.
        unit, rows = f"{self.handed_to}__", self.model._default_manager
        handed = rows.filter(**{f"{self.handed_to}__isnull": False})
        meant = rows.filter(in_spans(spans, unit) | over(spans, unit))
        return ~Q(pk__in=handed.values("pk")) | Q(pk__in=meant.values("pk"))

    def __str__(self) -> str:
        return self.label


def over(spans: Iterable[Span], path: str) -> Q:
    """Return the condition that the unit at ``path`` stands above one of the intervals, or at its top."""
    found = Q(pk__in=[])
    for span in spans:
        above = {"tree_id": span.tree_id, "lft__lte": span.lo, "rght__gte": span.hi}
        found |= Q(**{f"{path}{name}": value for name, value in above.items()})
    return found


def follow(row: Any, path: str) -> Any:
    """Return what the relations of ``path`` lead to from ``row``; None where one is empty."""
    for name in path.split("__") if path else ():
        row = getattr(row, name) if row is not None else None
    return row
