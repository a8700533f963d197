"""What is worked out of an entry: its title, and the rows that are counted, filtered and sorted.

They are made of the entry as it is kept, by its logbook's design, whenever it is written, and never changed
otherwise: so what a number counts is what the entry says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from registry.logbooks.conditions import holds
from registry.logbooks.design import GIVEN, SORTED, Counter, Design, Field, FieldType, Way
from registry.logbooks.models import OWNERS, SUMMED, Entry, EntryFact, EntryPerson, EntryStep, LogbookItem
from registry.logbooks.values import hours_between, is_empty, said
from registry.models import Person


def item_key(part: Field | Counter) -> str:
    """Return the key of the item of a field or a counter: both may be called alike."""
    return f"n.{part.key}" if isinstance(part, Counter) else part.key


def slug_of(code: str, part: Field | Counter) -> str:
    """Return the slug of the item: that of the metric, where it counts."""
    return f"log.{code}.{part.key}" if isinstance(part, Counter) else f"{code}.{part.key}"


def way_of(part: Field | Counter) -> str:
    """Return how the rows of the item are counted."""
    if isinstance(part, Field):
        return ""
    return OWNERS if part.is_distinct else SUMMED


def title_of(
    design: Design, values: Mapping[str, Any], people: Sequence[EntryPerson], person: Person | None
) -> str:
    """Return what an entry is called in lists: its first text, else its first choice and whom it is about.

    Without a ``person`` that is who is named first.
    """
    open_ = [field for field in design.fields if not field.personal]
    for field in open_:
        if field.type == FieldType.TEXT and (text := said(field, values.get(field.key))):
            return text[:80]
    choices = (said(field, values.get(field.key)) for field in open_ if field.type == FieldType.CHOICE)
    named = ([each.person.name for each in people if each.field == field.key] for field in open_)
    names = [person.name] if person is not None else next(filter(None, named), [])
    who = "、".join(names[:3]) + ("等" if len(names) > 3 else "")
    return " · ".join(filter(None, [next(filter(None, choices), ""), who]))[:80]


def facts_of(
    entry: Entry,
    design: Design,
    items: Mapping[str, LogbookItem],
    people: Sequence[EntryPerson],
    steps: Sequence[EntryStep],
    owners: Mapping[int, int],
) -> Iterator[EntryFact]:
    """Yield the rows of an entry: values to look for, and what each counter counts of it.

    ``items`` by ``item_key``; ``owners`` are the keys of ``LoggedPerson`` by person.
    """
    for field in design.fields:
        value = entry.values.get(field.key)
        if field.type in SORTED and not is_empty(value) and item_key(field) in items:
            yield EntryFact(entry=entry, item=items[field.key], **_compared(field, value))
    for each in people:
        if each.field in items:  # to find the entries that name somebody
            yield EntryFact(entry=entry, item=items[each.field], owner_id=owners[each.person_id])
    for counter in design.kept:
        item = items[item_key(counter)]
        yield from _counted(entry, counter, item, people, steps, owners)


def _compared(field: Field, value: Any) -> dict[str, Any]:
    if field.is_number:
        return {"number": value}
    if field.type in (FieldType.UNIT, FieldType.ORGANIZATION):
        return {"number": value}
    return {"text": str(value)[:60]}


def _counted(
    entry: Entry,
    counter: Counter,
    item: LogbookItem,
    people: Sequence[EntryPerson],
    steps: Sequence[EntryStep],
    owners: Mapping[int, int],
) -> Iterable[EntryFact]:
    def row(number: int, **more: Any) -> EntryFact:
        return EntryFact(entry=entry, item=item, number=number, **{"starts_on": entry.happened_on, **more})

    if not holds(counter, entry.values):
        return []
    if counter.way == Way.ENTRIES:
        return [row(1)]
    if counter.way in (Way.PEOPLE, Way.TIMES):
        named = [each for each in people if not counter.field or each.field == counter.field]
        if counter.way == Way.TIMES:
            return [row(len(named))] if named else []
        return [row(1, owner_id=owner) for owner in dict.fromkeys(owners[each.person_id] for each in named)]
    if counter.way == Way.SUM:
        value = entry.values.get(counter.field)
        return [row(value)] if value else []
    if counter.way == GIVEN and counter.field:
        return [row(1)] if entry.values.get(counter.field) is not None else []
    return _stepped(counter, steps, row)


def _stepped(counter: Counter, steps: Sequence[EntryStep], row: Any) -> Iterable[EntryFact]:
    """Return what is counted of the steps: one that was reached, where the entry stands, the hours to it."""
    reached = {each.step: each for each in steps}
    step = reached.get(counter.step)
    if step is None:
        return []
    if counter.way == Way.STAGE:
        return [row(1, starts_on=step.reached_on)]
    if counter.way == Way.OPEN:
        later = [
            each.reached_on
            for each in steps[steps.index(step) + 1 :]
            if not counter.until or each.step in counter.until
        ]
        until = min(later, default=None)
        return [row(1, starts_on=step.reached_on, ends_on=until)]
    since = reached.get(counter.since)
    if since is None:
        return []
    if counter.way == GIVEN:
        return [row(1, starts_on=step.reached_on)]
    hours = hours_between((since.reached_on, since.reached_at), (step.reached_on, step.reached_at))
    return [row(hours, starts_on=step.reached_on)]
