"""An entry as lists and its page show it, and the columns of a list, made from the design."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import F, Model

from registry import access
from registry.counting.shown import Number
from registry.logbooks.design import OF_FILES, SORTED, Design, Field, FieldType
from registry.logbooks.models import Entry, EntryPerson, LogbookItem
from registry.logbooks.pages.books import TONES, state_word
from registry.logbooks.values import ROWS, is_empty, number_of, said
from registry.models.addresses import page_address
from registry.models.hierarchy import Span
from registry.spreadsheets.sheets import Cell, Kind
from registry.web.address import Address
from registry.web.columns import Column, tag_cell, tick_column
from registry.web.links import row_url

Named = Mapping[tuple[str, int], Model]
"""The units and organizations that values name (``values.rows_named``)."""
MASK = "••••"
BY_VALUE = "by_value"
"""What a list that is sorted by a field is annotated with."""
_FIRST, _SECOND, _THIRD = 2, 4, 2
"""So many fields are always shown, up to so many on a narrow desk, and so many more on a usual one."""
_KINDS = {
    FieldType.NUMBER: Kind.NUMBER,
    FieldType.AMOUNT: Kind.NUMBER,
    FieldType.PHOTOS: Kind.NUMBER,
    FieldType.FILE: Kind.NUMBER,
    FieldType.DATE: Kind.DATE,
    FieldType.TIME: Kind.TIME,
    FieldType.DOCUMENT: Kind.CODE,
}


def key_of(field: Field) -> str:
    """Return the name of a field's column in the address, where other columns have names, too."""
    return f"f_{field.key}"


class ValuesFirst(F):
    """A field to sort by: whatever the direction, rows without a value come last, in both databases."""

    def asc(self, **kwargs: Any) -> Any:
        """Return the ascending order."""
        return super().asc(nulls_last=True, **kwargs)

    def desc(self, **kwargs: Any) -> Any:
        """Return the descending order."""
        return super().desc(nulls_last=True, **kwargs)


@dataclass(frozen=True)
class ListedEntry:
    """One entry with what a list shows of it."""

    user: access.AnyUser
    address: Address
    entry: Entry
    design: Design
    people: Mapping[str, Sequence[EntryPerson]] = field(default_factory=dict)
    rows: Named = field(default_factory=dict)
    personal: Sequence[Span] = ()
    """Where the user sees what is masked for others."""
    files: Mapping[str, int] = field(default_factory=dict)
    """How many photos and files it holds, by field."""
    counted: Number = 0
    """What the number of the list counts of it."""

    @property
    def pk(self) -> int:
        """Its key, for the box that ticks it."""
        return self.entry.pk

    @property
    def url(self) -> str:
        """Its page."""
        return self.address.url(page_address("entry", self.entry.code))

    @property
    def unit_url(self) -> str:
        """The page of its unit."""
        return row_url(self.user, self.entry.unit, self.address)

    @property
    def title(self) -> str:
        """What it is called: what it says, else what it is about and when."""
        return str(self.entry)

    @property
    def state(self) -> str:
        """Its state, in words."""
        return state_word(self.entry.logbook, self.entry.state)

    @property
    def tone(self) -> str:
        """The tone of its state."""
        return TONES[self.entry.state]

    @property
    def step(self) -> str:
        """The step at which it stands."""
        step = self.design.step_by_key.get(self.entry.step)
        return step.label if step is not None else ""

    def value(self, field: Field) -> Cell:
        """Return the value of a field as a list and a file hold it, masked where it is."""
        if field.is_of_people:
            named = self.people.get(field.key, ())
            text = "、".join(
                f"{one.person.name}({one.role})" if one.role else one.person.name for one in named
            )
            return self._told(field, text or None)
        if field.type in OF_FILES:
            return self.files.get(field.key) or None
        value = self.entry.values.get(field.key)
        if is_empty(value):
            return None
        if field.is_number and not field.personal:
            return number_of(field, value)
        if field.type == FieldType.DATE and not field.personal:
            return date.fromisoformat(value)
        return self._told(field, said(field, value, self.rows))

    def value_url(self, field: Field) -> str:
        """Return the page of the unit or organization that a field names, where the user sees it."""
        row = self.rows.get((field.type, self.entry.values.get(field.key)))
        return (
            row_url(self.user, row, self.address)
            if row is not None and access.may(self.user, access.SEE, row)
            else ""
        )

    def _told(self, field: Field, text: str | None) -> str | None:
        if not text or not field.personal or access.inside(self.entry.unit, self.personal):
            return text
        return MASK


def columns_of(
    design: Design, items: Mapping[str, LogbookItem], about: str, *, is_walled: bool
) -> list[Column[Any]]:
    """Return the columns of the list of a logbook: day, what it is called, unit, fields, step, state."""
    fields = () if is_walled else design.fields
    first = next(
        (each for each in fields if each.type == FieldType.TEXT and each.required and not each.personal),
        None,
    )
    columns: list[Column[Any]] = [
        tick_column("pk"),
        Column(
            first.label if first is not None else "摘要",
            "title",
            key=key_of(first) if first is not None else "title",
            sort=_sort_of(first, items) if first is not None else (),
            url="url",
            is_sample="entry.is_sample",
            css="text",
            only="page",
            is_heading=True,
        ),
        Column("日期", "entry.happened_on", Kind.DATE, key="date", sort=("happened_on",)),
    ]
    if about == "organization":
        columns.append(
            Column("组织", "entry.organization.name", key="organization", url=_about_url, css="text")
        )
    elif about == "person":
        columns.append(Column("人员", "entry.person.name", key="person", url=_about_url, css="nowrap"))
    room, of_state = (_SECOND - 1, 3) if design.steps else (_SECOND, 2)
    columns += [
        Column(
            "单位",
            "entry.unit.name",
            key="unit",
            sort=("unit__tree_id", "unit__lft", "-happened_on"),
            text="entry.unit.label",
            url="unit_url",
        ),
        *_of_fields(fields, first, items, room),
        *([Column("步骤", "step", key="step", sort=("step", "-happened_on"))] if design.steps else []),
        Column("状态", "state", key="state", sort=("state", "-happened_on"), cell=tag_cell, rank=of_state),  # type: ignore[arg-type]
        Column("条目编号", "entry.code", Kind.CODE, only="file", is_key=True),
        Column("单位代码", "entry.unit.code", Kind.CODE, only="file", is_key=True),
    ]
    return columns


def _of_fields(
    fields: Sequence[Field], first: Field | None, items: Mapping[str, LogbookItem], room: int
) -> Iterator[Column[Any]]:
    """Yield a column for each field; ``room``: so many are shown on a narrow desk."""
    shown = [each for each in fields if each is not first and each.type != FieldType.LONG_TEXT]
    for each in fields:
        place = shown.index(each) if each in shown else len(fields) + room
        rank = 1 + bisect_right((_FIRST, room, room + _THIRD), place)
        yield _column_of(each, rank, items, is_first=each is first)


def _column_of(each: Field, rank: int, items: Mapping[str, LogbookItem], *, is_first: bool) -> Column[Any]:
    title = f"{each.label}({each.measure})" if each.measure else each.label
    return Column(
        title,
        lambda line: line.value(each),
        Kind.TEXT if each.personal else _KINDS.get(FieldType(each.type), Kind.TEXT),
        key=key_of(each),
        sort=() if each.personal or is_first else _sort_of(each, items),
        url=(lambda line: line.value_url(each)) if each.type in ROWS else "",
        css="text" if each.type in (FieldType.TEXT, FieldType.LONG_TEXT) else "",
        rank=rank,  # type: ignore[arg-type]
        # What is personal does not leave the registry in files; the first one names the row on the page.
        only="page" if each.personal else "file" if is_first else "",
    )


def _sort_of(each: Field, items: Mapping[str, LogbookItem]) -> Sequence[Any]:
    return (ValuesFirst(BY_VALUE), "-happened_on") if each.type in SORTED and each.key in items else ()


def _about_url(line: ListedEntry) -> str:
    row = line.entry.organization or line.entry.person
    return (
        row_url(line.user, row, line.address)
        if row is not None and access.may(line.user, access.SEE, row)
        else ""
    )
