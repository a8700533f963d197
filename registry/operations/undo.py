"""Setting an edit back from its entry in the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Model

from registry import audit, nouns
from registry.audit import Actor
from registry.models import AuditEntry
from registry.models.base import Registered
from registry.nouns import Noun
from registry.operations.base import operation, shown
from registry.refusals import need_reason, refuse


@dataclass(frozen=True)
class Step:
    """One field that is set back, in words."""

    name: str
    label: str
    now: str
    then: str


def can_undo(entry: AuditEntry) -> bool:
    """Whether an entry is of a kind that can be set back; whether it still fits is asked by ``plan_undo``."""
    noun = nouns.edited_by(entry.verb)
    return (
        noun is not None and bool(known(entry, entry.before)) and entry.before.keys() == _left(entry).keys()
    )


def known(entry: AuditEntry, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the record holds in full; a telephone number, which it holds masked, cannot be set back."""
    return {name: value for name, value in values.items() if name not in _noun(entry).masked}


def _left(entry: AuditEntry) -> dict[str, Any]:
    """Return the values that the edit left, without the rows that its row ties together."""
    named = _noun(entry).named
    return {name: value for name, value in entry.after.items() if name not in named}


def left_out(entry: AuditEntry) -> list[str]:
    """Return what those fields are called that stay as they are."""
    noun = _noun(entry)
    fields: Any = noun.model._meta
    return [str(fields.get_field(name).verbose_name) for name in entry.after if name in noun.masked]


def still_fits(entry: AuditEntry, row: Model) -> bool:
    """Whether ``row`` still holds what the entry left."""
    return all(
        _key(audit.plain(getattr(row, name))) == _key(left)
        for name, left in known(entry, _left(entry)).items()
    )


def plan_undo(*, entry: AuditEntry) -> list[Step]:
    """Say what setting back would change. Raises as ``undo_edit`` would."""
    row = _row(entry)
    values = _values(row, entry)
    return [
        Step(
            name,
            str(row._meta.get_field(name).verbose_name),  # type: ignore[union-attr]
            shown(row, name, getattr(row, name)),
            shown(row, name, value),
        )
        for name, value in values.items()
    ]


@operation
def undo_edit(*, actor: Actor, entry: AuditEntry, reason: str) -> Registered:
    """Set the fields of an edit back to what they were before it, by the same operation.

    The new entry names the one that it sets back. Refused when a field has had another value since:
    then the two values are named, and what to do is for a person to decide.
    """
    need_reason(reason, "还原原因")
    row = _row(entry)
    edits = {each.__name__: each for each in nouns.handed_up("edits")}
    edited: Registered = edits[entry.verb](
        **{_noun(entry).key: row},
        actor=replace(actor, undoes=entry),
        changes=_values(row, entry),
        version=row.version,
        reason=reason,
    )
    return edited


def _noun(entry: AuditEntry) -> Noun:
    noun = nouns.edited_by(entry.verb)
    if noun is None:
        raise LookupError(f"{entry.verb} edits no noun")
    return noun


def _row(entry: AuditEntry) -> Registered:
    """Return the row that was edited, as it is now; its version guards what is read here."""
    if not can_undo(entry):
        labels = "、".join(noun.label for noun in nouns.all_nouns() if noun.edit)
        raise refuse(None, f"只有对{labels}资料的修改可以还原。")
    model: Any = _noun(entry).model
    row: Registered | None = model._base_manager.filter(pk=entry.object_id).first()
    if row is None:
        raise refuse(None, "该记录的对象已不存在。")
    return row


def _values(row: Registered, entry: AuditEntry) -> dict[str, Any]:
    """Return the values before the edit. Refuses when the row no longer holds those after it."""
    changed_since = []
    for name, left in known(entry, _left(entry)).items():
        now = getattr(row, name)
        if _key(audit.plain(now)) != _key(left):
            label = row._meta.get_field(name).verbose_name  # type: ignore[union-attr]
            changed_since.append(
                f"{label}:当时改为“{shown(row, name, left)}”,现在是“{shown(row, name, now)}”"
            )
    if changed_since:
        raise refuse(None, f"此后又有修改,不能还原。{';'.join(changed_since)}。")
    return {name: _value(row, name, value) for name, value in known(entry, entry.before).items()}


def _value(row: Model, name: str, stored: Any) -> Any:
    field: Any = row._meta.get_field(name)
    if not field.is_relation:
        return field.to_python(stored)
    if stored is None:
        return None
    related = field.related_model._base_manager.filter(pk=_key(stored)).first()
    if related is None:
        raise refuse(None, f"{field.verbose_name}“{shown(row, name, stored)}”已不存在,不能还原。")
    return related


def _key(stored: Any) -> Any:
    return stored["pk"] if isinstance(stored, Mapping) else stored
