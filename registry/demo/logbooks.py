"""The logbooks of the demo: all that ship with the product, in use at the root, with what happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.conf import settings

from registry.audit import Actor
from registry.demo import facts
from registry.demo.happenings import EntryRow
from registry.demo.photos import SHOWN, photos_for
from registry.logbooks.design import Design, FieldType
from registry.logbooks.models import Logbook
from registry.logbooks.operations.deciding import approve_entries
from registry.logbooks.operations.entries import New, add_entries
from registry.logbooks.operations.logbooks import copy_shipped, end_logbook
from registry.logbooks.shipped import shipped
from registry.logbooks.values import read_text
from registry.models import Campaign, Organization, Person, Source, Unit

STARTED, REVISED = date(2020, 1, 1), date(2026, 5, 11)
"""Since when the logbooks are in use; on the second day the regulation on recruitment was revised."""
PEACE = date(2020, 6, 1)
"""From this day on the entries belong to no campaign (X24)."""
PRESUMED = "报道未载明的日期、人数等为演示推定。"
INVENTED = "演示补足。"
BATCH = 500
"""So many people are looked up at once."""


@dataclass(frozen=True)
class _Rows:
    """The rows that entries name: people by number, units and organizations by code."""

    people: Mapping[str, Person]
    units: Mapping[str, Unit]
    organizations: Mapping[str, Organization]


def load_logbooks(actor: Actor, root: Unit, rows: Iterable[EntryRow]) -> int:
    """Take every shipped logbook into use at ``root`` and enter the rows; return how many were entered.

    Walled ones stay without entries where the installation has no key for them.
    """
    books = _switch_on(actor, root)
    wanted: dict[tuple[str, int | None, bool], list[EntryRow]] = defaultdict(list)
    for row in rows:
        if settings.WALL_KEYS or not books[row.logbook].is_walled:
            wanted[row.logbook, row.source, row.is_sample].append(row)
    known = _rows_of(wanted.values())
    campaign = Campaign.objects.get(code=facts.CAMPAIGN)
    titles = {int(row["source"]): row["title"] for row in facts.table("sources")}
    sources = {each.number: each for each in Source.objects.all()}
    pictured = set(SHOWN)
    number = 0
    for (code, source, is_sample), some in wanted.items():
        told = [f"来源 {source}《{titles[source]}》。"] if source is not None else []
        entries = [_entry(row, books[code].made, known, campaign, sources.get(source or 0)) for row in some]
        if code in pictured:
            pictured.remove(code)
            entries[0] = _with_photos(actor, books[code], entries[0])
        made = add_entries(
            actor=actor,
            logbook=books[code],
            entries=entries,
            is_sample=is_sample,
            reason="".join([*told, INVENTED if is_sample else PRESUMED]),
        )
        number += len(made)
        ready = [entry for entry, row in zip(made, some, strict=True) if not row.waits]
        if books[code].needs_approval and ready:
            last = max(entry.happened_on for entry in ready)
            approve_entries(
                actor=actor, entries=ready, approval_number="演示〔2020〕台账批复", approved_on=last
            )
    return number


def _switch_on(actor: Actor, root: Unit) -> dict[str, Logbook]:
    """Copy every shipped logbook; those on recruitment for the days of their edition of the regulation."""
    later = ["recruitment"]
    codes = [code for code in shipped() if code not in later]
    made = copy_shipped(actor=actor, unit=root, codes=codes, started_on=STARTED, is_sample=True)
    made += copy_shipped(actor=actor, unit=root, codes=later, started_on=REVISED, is_sample=True)
    books = {book.shipped: book for book in made}
    reason = "细则已修订,改用2026年版"
    books["recruitment_2014"] = end_logbook(
        actor=actor, logbook=books["recruitment_2014"], on=REVISED, reason=reason
    )
    return books


def _rows_of(groups: Iterable[list[EntryRow]]) -> _Rows:
    people: set[str] = set()
    for row in (row for some in groups for row in some):
        design = shipped()[row.logbook].design
        people.add(row.person)
        for key, value in row.values.items():
            if design.by_key[key].is_of_people:
                people.update(_numbers(value))
    numbers = sorted(people)
    found: dict[str, Person] = {}
    for start in range(0, len(numbers), BATCH):
        some = Person.objects.filter(number__in=numbers[start : start + BATCH])
        found |= {person.number: person for person in some}
    return _Rows(
        found,
        {unit.code: unit for unit in Unit.objects.all()},
        {each.code: each for each in Organization.objects.all()},
    )


def _numbers(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _with_photos(actor: Actor, logbook: Logbook, entry: New) -> New:
    """Return the entry with photos in the field that takes them."""
    key = next(each.key for each in logbook.made.asked if each.type == FieldType.PHOTOS)
    what = f"{logbook.name},{entry.unit.label},{entry.happened_on}"
    return replace(entry, values={**entry.values, key: photos_for(actor, what)})


def _entry(row: EntryRow, design: Design, known: _Rows, campaign: Campaign, source: Source | None) -> New:
    """Return what is entered: what a form fills in by itself, then what the row says."""
    filled_in = {each.key: each.default for each in design.asked if each.default}
    values = filled_in | {key: value for key, value in row.values.items() if value is not None}
    is_wartime = campaign.started_on <= row.day < PEACE
    return New(
        known.units[row.unit],
        row.day,
        {key: _value(design, key, value, known) for key, value in values.items()},
        known.organizations[row.organization] if row.organization else None,
        known.people[row.person] if row.person else None,
        campaign if is_wartime else None,
        steps=row.steps,
        source=source,
    )


def _value(design: Design, key: str, value: Any, known: _Rows) -> Any:
    field = design.by_key[key]
    if field.is_of_people:
        return [(known.people[number], "") for number in _numbers(value)]
    if field.type == FieldType.UNIT:
        return known.units[value]
    if field.type == FieldType.ORGANIZATION:
        return known.organizations[value]
    return read_text(field, value) if isinstance(value, str) else value
