"""What operations on entries need: values as a door gives them, what the record says, what is counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

from django.db.models import Model, prefetch_related_objects

from registry import audit
from registry.access import AnyUser
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.files.operations import hold_files
from registry.logbooks import walls
from registry.logbooks.design import OF_FILES, Design, Field
from registry.logbooks.facts import facts_of, title_of
from registry.logbooks.models import Entry, EntryFact, EntryPerson, EntryStep, Logbook, LoggedPerson
from registry.logbooks.operations.parts import items_of, whole_design
from registry.logbooks.values import is_empty, kept, number_of, rows_named, said
from registry.models.journal import note_new, remove
from registry.models.writer import Writer, reserve_ids, write_new
from registry.operations.base import (
    fresh_all,
    operation,
)
from registry.rules import workflow
from registry.search.index import batches


def entering(logbook: Logbook) -> workflow.Act:
    """Return the act by which a complete entry is entered."""
    return workflow.ENTER if logbook.needs_approval else workflow.RECORD


@operation
def recount_entries(*, actor: Actor, logbook: Logbook) -> None:
    """Work out anew what the entries of a logbook add to its numbers: its counters were changed."""
    keys = Entry.objects.filter(logbook=logbook).order_by("pk").values_list("pk", flat=True)
    for some in batches(list(keys), 2000):
        rows = list(Entry.objects.filter(pk__in=some).order_by("pk"))
        with following(rows=rows):
            rewrite_facts(logbook, rows)


def python_values(row: Entry, design: Design, people: Iterable[EntryPerson]) -> dict[str, Any]:
    """Return the values of an entry as a door gives them (``registry.logbooks.values``)."""
    found: dict[str, Any] = {}
    named = rows_named(
        (design.by_key[key], value) for key, value in row.values.items() if key in design.by_key
    )
    for key, value in row.values.items():
        each = design.by_key.get(key)
        if each is None:
            continue
        if (each.type, value if isinstance(value, int) else None) in named:
            found[key] = named[each.type, value]
        elif each.is_number:
            found[key] = number_of(each, value)
        elif each.type == "date":
            found[key] = date.fromisoformat(value)
        elif each.type == "time":
            found[key] = time.fromisoformat(value)
        else:
            found[key] = value
    for each_person in people:
        found.setdefault(each_person.field, []).append((each_person.person, each_person.role))
    return found


def rows_in(rows: Iterable[Entry], designs: Mapping[int, Design]) -> dict[tuple[str, int], Model]:
    """Return the units and organizations that entries name, as ``rows_named``; ``designs`` by unit."""
    return rows_named(
        (designs[row.unit_id].by_key[key], value)
        for row in rows
        for key, value in row.values.items()
        if key in designs[row.unit_id].by_key
    )


def told(
    row: Entry, design: Design, people: Sequence[EntryPerson], named: Mapping[tuple[str, int], Model]
) -> dict[str, Any]:
    """Return what the record says of a new entry; of a walled logbook nothing of its content.

    ``named`` are the rows that its values name (``rows_in``).
    """
    about = {**audit.fields_of(row, ["logbook", "unit", "happened_on"])}
    about |= {
        name: audit.plain(getattr(row, name))
        for name in ("organization", "person", "campaign")
        if getattr(row, name)
    }
    if row.logbook.is_walled:
        return about
    said_ = [
        f"{each.label}:{said(each, row.values.get(each.key), named)}"
        for each in design.fields
        if not each.personal and not is_empty(row.values.get(each.key))
    ]
    for each in design.fields:
        names = [one.person.name for one in people if one.field == each.key and not each.personal]
        if names:
            said_.append(f"{each.label}:{'、'.join(names)}")
    return {**about, "entry_values": ";".join(said_)}


def difference(
    row: Entry, design: Design, fixed: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """Return what an edit changes: (label, as it is, as it would be)."""
    meta: Any = Entry._meta
    lines = [
        (str(meta.get_field(name).verbose_name), word_of(getattr(row, name)), word_of(value))
        for name, value in fixed.items()
    ]
    return [
        *lines,
        *(
            (each.label, _told(each, before.get(key)), _told(each, after[key]))
            for key in after
            for each in [design.by_key[key]]
        ),
    ]


def people_of(user: AnyUser | None, row: Entry) -> list[EntryPerson]:
    """Return whom an entry names; a walled one is opened for the user."""
    if row.logbook.is_walled:
        walls.open_for(user, row)
        return walls.people_of(row)
    return list(row.people.select_related("person"))


def _told(field: Field, value: Any) -> str:
    """Return a value for the record: of photos their number."""
    return said(field, value) if field.type in OF_FILES else word_of(value)


def hold_files_of(actor: Actor, row: Entry, design: Design, keys: Iterable[str]) -> None:
    """Let an entry hold the photos and files that its values name, in these fields."""
    for key in keys:
        if key in design.by_key and design.by_key[key].type in OF_FILES:
            hold_files(actor, row, row.values.get(key, []), field=key)


def word_of(value: Any) -> str:
    """Return a value as a door gives it in words."""
    if isinstance(value, list | tuple):
        return "、".join(word_of(each[0] if isinstance(each, tuple) else each) for each in value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


def is_same(before: Any, after: Any) -> bool:
    """Whether two values of a field say the same; nothing given is the same as an empty text."""
    if is_empty(before) and is_empty(after):
        return True
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        return list(before) == list(after)
    return bool(before == after)


def take_values(row: Entry, design: Design, values: Mapping[str, Any]) -> None:
    """Give the entry its values as they are kept, and its title."""
    row.values = {
        key: value
        for key, given in values.items()
        if key in design.by_key and (value := kept(design.by_key[key], given)) is not None
    }
    people = [
        EntryPerson(field=key, person=person, role=role)
        for key, value in values.items()
        if key in design.by_key and design.by_key[key].is_of_people
        for person, role in value or ()
    ]
    row.title = title_of(design, row.values, people, row.person)
    walls.note_people(row, people)


def by_entry(people: Iterable[EntryPerson]) -> dict[int, list[EntryPerson]]:
    """Return the people by the key of their entry."""
    found: dict[int, list[EntryPerson]] = {}
    for each in people:
        found.setdefault(each.entry_id, []).append(each)
    return found


def owners_of(logbook: Logbook, people: Iterable[int]) -> dict[int, LoggedPerson]:
    """Return the owner of what is counted of each person in a logbook, by the person's key; add new ones.

    Asked before ``following``, which is given them: what they counted before is known only then.
    """
    wanted = set(people)
    rows = LoggedPerson.objects.filter(logbook=logbook)
    known = {each.person_id: each for each in rows.filter(person__in=wanted)}
    if missing := sorted(wanted - known.keys()):
        keys = dict(zip(missing, reserve_ids(LoggedPerson, len(missing)), strict=True))
        new = Writer(LoggedPerson, ("id", "logbook_id", "person_id"))
        # Somebody else may name one of them for the first time, too.
        new.write([(keys[pk], logbook.pk, pk) for pk in missing], keep_existing=True)
        known |= {each.person_id: each for each in rows.filter(person__in=missing)}
        note_new(known[pk] for pk in missing if known[pk].pk == keys[pk])
    return known


def rewrite_facts(logbook: Logbook, rows: Sequence[Entry]) -> None:
    """Work out anew what is counted of the entries, within ``following``."""
    remove(EntryFact.objects.filter(entry__in=rows))
    people = list(EntryPerson.objects.filter(entry__in=rows).select_related("person"))
    steps = list(EntryStep.objects.filter(entry__in=rows).order_by("pk"))
    write_facts(logbook, rows, people, steps, owners_of(logbook, {each.person_id for each in people}))


def write_facts(
    logbook: Logbook,
    rows: Sequence[Entry],
    people: Sequence[EntryPerson],
    steps: Sequence[EntryStep],
    owners: Mapping[int, LoggedPerson],
) -> None:
    """Write what is counted of the entries, by the design as it is everywhere below the logbook's unit."""
    design, items = whole_design(logbook), items_of(logbook)
    named = by_entry(people)
    reached: dict[int, list[EntryStep]] = {}
    for step in steps:
        reached.setdefault(step.entry_id, []).append(step)
    keys = {pk: owner.pk for pk, owner in owners.items()}
    write_new(
        [
            fact
            for row in rows
            for fact in facts_of(row, design, items, named.get(row.pk, ()), reached.get(row.pk, ()), keys)
        ]
    )


def locked(entries: Sequence[Entry]) -> list[Entry]:
    """Return the rows as they are now, kept from other writers, with what they name."""
    keys = [row.pk for row in entries]
    list(Entry.objects.select_for_update(of=("self",)).filter(pk__in=keys).order_by("pk").values_list("pk"))
    rows = fresh_all(entries)
    prefetch_related_objects(
        rows, "logbook__unit", "logbook__handed", "unit", "organization", "person", "campaign"
    )
    return rows
