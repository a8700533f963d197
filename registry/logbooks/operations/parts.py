"""The design that holds at a unit, and the fields and counters of a logbook by the number of their item."""

from __future__ import annotations

from collections.abc import Iterable

from registry.logbooks.design import Design, Field, read_fields
from registry.logbooks.models import AddedFields, Entry, EntryPerson, Logbook, LogbookItem
from registry.logbooks.rules import is_at_or_below
from registry.models import Unit


def added_fields(logbook: Logbook) -> tuple[Field, ...]:
    """Return the fields that units added to a logbook."""
    rows = AddedFields.objects.filter(logbook=logbook).order_by("pk")
    return tuple(each for row in rows for each in read_fields(row.fields))


def design_at(logbook: Logbook, unit: Unit) -> Design:
    """Return the design by which entries at a unit are written: with the fields added there and above."""
    return designs_at(logbook, [unit])[unit.pk]


def designs_at(logbook: Logbook, units: Iterable[Unit]) -> dict[int, Design]:
    """Return the design that holds at each of the units, by key."""
    added = AddedFields.objects.filter(logbook=logbook).select_related("unit").order_by("pk")
    parts = [(row.unit, read_fields(row.fields)) for row in added]
    made = logbook.made
    return {
        unit.pk: made.with_fields(
            each for above, fields in parts if is_at_or_below(above, unit) for each in fields
        )
        for unit in units
    }


def whole_design(logbook: Logbook) -> Design:
    """Return the design with every field that any unit added: what lists and files show."""
    return logbook.made.with_fields(added_fields(logbook))


def used_fields(logbook: Logbook) -> set[str]:
    """Return the keys of the fields that entries hold values of."""
    entries = Entry.objects.filter(logbook=logbook)
    if logbook.is_walled:
        return {each.key for each in logbook.made.fields} if entries.exists() else set()
    keys = {each.key for each in (*logbook.made.fields, *added_fields(logbook))}
    used = set(EntryPerson.objects.filter(entry__logbook=logbook).values_list("field", flat=True).distinct())
    return used | {key for key in keys - used if entries.filter(values__has_key=key).exists()}


def items_of(logbook: Logbook) -> dict[str, LogbookItem]:
    """Return the items of a logbook by key (``facts.item_key``)."""
    return {each.key: each for each in LogbookItem.objects.filter(logbook=logbook)}
