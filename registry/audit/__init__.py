"""The record: one entry for every operation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from django.apps import apps
from django.db.models import Model

from registry import access, nouns
from registry.models import AuditEntry, Organization, Unit, User, journal
from registry.models.writer import Writer


@dataclass(frozen=True)
class Decision:
    """The decision of a Party organization: which one, the number and the day of its document."""

    by: Organization | None = None
    number: str = ""
    on: date | None = None


@dataclass(frozen=True)
class Actor:
    """Who does something, and from where."""

    user: User | None = None
    name: str = "系统"
    address: str = ""
    request_number: str = ""
    undoes: AuditEntry | None = None
    """The entry that this operation undoes."""
    submitted_by: User | None = None
    """Who submitted what this actor approves, and so does as well."""
    decision: Decision | None = None
    """The decision by which this actor carries out what was submitted."""
    decides: bool = False
    """The act is itself the decision about what is approved (a campaign that is closed as a whole)."""

    @classmethod
    def system(cls, name: str) -> Actor:
        """An actor without a login: a command or the demo."""
        return cls(name=name)


def plain(value: Any) -> Any:
    """Return ``value`` as JSON can hold it: rows by key and name, dates in ISO form.

    The key is what a value is set back from; the name is what the history shows, also when the row
    has another one by then.
    """
    if isinstance(value, Model):
        return {"pk": value.pk, "text": str(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if value is None or isinstance(value, str | int | bool | float):
        return value
    return str(value)


def fields_of(instance: Model, names: list[str]) -> dict[str, Any]:
    """Return the named fields of ``instance`` for an entry."""
    return {name: plain(getattr(instance, name)) for name in names}


def entry(
    actor: Actor,
    verb: str,
    instance: Model | None,
    *,
    unit: Unit | None = None,
    other_unit: Unit | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
    effective_on: date | None = None,
    name: str = "",
) -> AuditEntry:
    """Return one entry, not written yet.

    ``verb`` is the operation's name (``establish_organization``), declared by its noun; ``unit`` is that of
    the row when left out, ``other_unit`` one whose record names it as well; ``before`` and ``after`` hold
    only what changed, and masked what the noun masks; ``effective_on`` is the day from which the change
    counts; ``name`` is what the record calls the row, where the row itself has no name.
    """
    noun = nouns.of(instance) if instance is not None else None

    def told(values: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the values without what nobody is told; private ones are masked for who reads them."""
        return {
            key: access.told(noun, key, value, sees_private=True)
            if noun is not None and isinstance(value, str)
            else plain(value)
            for key, value in (values or {}).items()
        }

    return AuditEntry(
        user=actor.user,
        actor=actor.name,
        address=actor.address,
        request_number=actor.request_number,
        verb=verb,
        noun=str(instance._meta.model_name) if instance is not None else "",
        object_id=instance.pk if instance is not None else None,
        object_name=(name or str(instance))[:200],
        unit=unit or (noun.unit_of(instance) if noun is not None else None),
        other_unit=other_unit or (noun.other_unit_of(instance) if noun is not None else None),
        effective_on=effective_on,
        before=told(before),
        after=told(after),
        reason=reason,
        undoes=actor.undoes,
    )


def record(actor: Actor, verb: str, instance: Model | None, **about: Any) -> AuditEntry:
    """Write one entry (see ``entry``), inside the operation's own transaction."""
    made = entry(actor, verb, instance, **about)
    _keep_rows([made])
    made.part_of = journal.first_entry(made)
    made.save()
    return made


def record_each(
    actor: Actor,
    verb: str,
    changes: Iterable[tuple[Model, Mapping[str, Any], Mapping[str, Any]]],
    **about: Any,
) -> None:
    """Write one entry for each changed row (row, before, after); see ``entry``."""
    record_all([entry(actor, verb, row, before=old, after=new, **about) for row, old, new in changes])


def record_all(entries: Sequence[AuditEntry]) -> None:
    """Write the entries of an operation that did the same to many rows: one act, which begins with the first.

    An entry keeps what was written to its row; the first keeps everything else that was written.
    """
    _keep_rows(entries)
    for first in entries[:1]:
        first.part_of = journal.first_entry(first)
        first.save()
    if len(entries) < 2:
        return
    for each in entries[1:]:
        each.part_of = entries[0].part_of or entries[0]
    names = [
        field.attname
        for field in AuditEntry._meta.concrete_fields
        if not field.primary_key and field.attname != "at"
    ]
    values = attrgetter(*names)
    places = [names.index(name) for name in ("before", "after", "rows")]

    def row(made: AuditEntry) -> list[Any]:
        found = list(values(made))
        for place in places:
            found[place] = json.dumps(found[place], ensure_ascii=False)
        return found

    Writer(AuditEntry, names).write([row(each) for each in entries[1:]])


def _keep_rows(entries: Sequence[AuditEntry]) -> None:
    """Put what was written since the last entry into these, without what the nouns mask."""
    noted = journal.take()
    if not noted or not entries:
        return
    own: dict[tuple[str, int | None], AuditEntry] = {}
    for each in entries:
        own.setdefault((each.noun, each.object_id), each)
    hidden: dict[str, tuple[str, ...]] = {}
    for label in {label for _, label, *_ in noted}:
        model = apps.get_model(label)
        hidden[label] = nouns.of(model).masked if nouns.describes(model) else ()
    for place, label, pk, before, after in noted:
        masked = hidden[label]
        if masked and before is not None and after is not None:
            before, after = (
                {name: value for name, value in values.items() if name not in masked}
                for values in (before, after)
            )
            if not after:
                continue
        at = own.get((label.rpartition(".")[2], pk), entries[0])
        at.rows.append([place, label, pk, before, after])


def record_event(
    actor: Actor,
    verb: str,
    *,
    subject: str,
    unit: Unit | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Write one entry for what happened without a row of its own: a login, an export, a look at a number.

    ``subject`` says in words whom or what it was about (a user name, a file); ``after`` what else is
    worth knowing (filters, numbers).
    """
    return record(actor, verb, None, unit=unit, after=after, name=subject)
