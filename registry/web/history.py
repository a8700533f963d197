"""The record in words: what somebody did, when, what changed and why; and the way to set it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, Q, QuerySet
from django.urls import reverse

from registry import access, nouns
from registry.models import AuditEntry, GrantRole
from registry.operations.undo import can_undo, still_fits
from registry.web.address import Address

LIMIT = 60
"""So many of the newest entries stand on the page of a unit, an organization or a person."""

_HIDDEN = ("moved", "ended")
"""Keys of rows, kept so that a change could be set back: of no use to a reader."""


@dataclass(frozen=True)
class Event:
    """One entry of the record, ready to be shown."""

    entry: AuditEntry
    what: str
    changes: tuple[str, ...]
    undo_url: str = ""


def events(
    entries: Iterable[AuditEntry],
    *,
    names: str = "organization",
    sees_numbers: bool = False,
    undo_url: Callable[[AuditEntry], str] = lambda entry: "",
) -> list[Event]:
    """Return the entries in words, in the order given.

    An assignment's entry names its ``organization`` (on a person's page) or its ``person``.
    """
    return [
        Event(
            entry,
            heading(entry, names),
            tuple(changes(entry, sees_numbers=sees_numbers)),
            undo_url(entry),
        )
        for entry in entries
    ]


def of_page(
    user: access.AnyUser,
    row: Model,
    address: Address,
    *,
    names: str = "organization",
    sees_numbers: bool = False,
) -> dict[str, Any]:
    """Return what the page of a row shows of the record, and where all of it stands.

    An edit that can be set back has its link, for those who may edit what was edited.
    """
    entries = list(of_row(row))
    rows = _edited_rows(row, entries)

    def undo_url(entry: AuditEntry) -> str:
        edited = rows.get((entry.noun, entry.object_id))
        is_open = edited is not None and _fits(entry, edited) and access.may(user, entry.verb, edited)
        return address.url(reverse("record_undo", args=[entry.pk])) if is_open else ""

    shown = events(entries, names=names, sees_numbers=sees_numbers, undo_url=undo_url)
    return {"events": shown, "record_url": record_url(user, row, address)}


def _edited_rows(row: Model, entries: Iterable[AuditEntry]) -> dict[tuple[str, int | None], Model]:
    """Return the rows whose edits are among the entries: the page's own, and those that tie it to others."""
    rows: dict[tuple[str, int | None], Model] = {(nouns.of(row).key, row.pk): row}
    for noun in nouns.all_nouns():
        pks = {entry.object_id for entry in entries if noun.edit and entry.verb == noun.edit}
        if pks and noun.named:
            rows |= {(noun.key, pk): each for pk, each in noun.with_related().in_bulk(pks).items()}
    return rows


def of_row(row: Model) -> QuerySet[AuditEntry]:
    """Return the newest entries about a row, and about what ties it to others (``about``)."""
    entries = AuditEntry.objects.filter(about(nouns.of(row).key, row.pk))
    return entries.select_related("undoes").order_by("-at", "-pk")[:LIMIT]


def about(key: str, pk: int) -> Q:
    """Return the condition of the entries about a row, and about rows that tie it to others: assignments."""
    found = Q(noun=key, object_id=pk)
    for noun in nouns.all_nouns():
        if key in noun.named:
            tied = noun.model._default_manager.filter(**{f"{key}_id": pk}).values("pk")
            found |= Q(noun=noun.key, object_id__in=tied)
    return found


def record_url(user: access.AnyUser, row: Model, address: Address) -> str:
    """Return the address of everything recorded of ``row``, for who reads the record at its unit."""
    if not access.may(user, "read_record", row):
        return ""
    return address.url(reverse("record"), object=f"{nouns.of(row).key}-{row.pk}")


def _fits(entry: AuditEntry, row: Model) -> bool:
    """Whether ``row`` still holds what the entry left; the operation asks again under its lock."""
    about = entry.noun == row._meta.model_name and entry.object_id == row.pk
    return about and can_undo(entry) and still_fits(entry, row)


# --- Words ----------------------------------------------------------------------------------------


def heading(entry: AuditEntry, names: str = "organization") -> str:
    """Return what was done, in a few words."""
    what = nouns.label_of(entry.verb)
    if entry.undoes_id is not None:
        what = f"还原:{what}"
    named = entry.after.get(names)
    if names in _noun_of(entry, "named") and named:
        what = f"{what}:{_text(named)}"
    elif names == entry.noun:
        what = f"{what}:{entry.object_name}"
    return what


def changes(entry: AuditEntry, *, sees_numbers: bool = False) -> list[str]:
    """Return each change as label, value before and value after; what is empty from the start is left out."""
    names = [*entry.before, *(name for name in entry.after if name not in entry.before)]
    shown = [
        name
        for name in names
        if name not in _HIDDEN
        and name not in _noun_of(entry, "named")
        and (name in entry.before or entry.after[name] not in (None, "", False))
    ]
    return [_change(entry, name, sees_numbers=sees_numbers) for name in shown]


def _change(entry: AuditEntry, name: str, *, sees_numbers: bool) -> str:
    label, choices = _field(entry, name)
    masked, private = _noun_of(entry, "masked"), _noun_of(entry, "private")

    def said(value: Any) -> str:
        if isinstance(value, str) and (name in masked or (name in private and not sees_numbers)):
            return access.masked(value) or "空"
        return _said(value, choices)

    if name not in entry.before:
        return f"{label}:{said(entry.after[name])}"
    before = said(entry.before[name])
    if name not in entry.after:
        return f"{label}:{before}"
    after = said(entry.after[name])
    if before == after:  # masked, or said along with what changed
        return f"{label}:已修改({after})" if name in (*masked, *private) else f"{label}:{after}"
    return f"{label}:{before} → {after}"


def _noun_of(entry: AuditEntry, what: str) -> tuple[Any, ...]:
    """Return what the descriptor of an entry's noun says, nothing for an entry without a noun."""
    return getattr(nouns.by_key(entry.noun), what) if nouns.knows(entry.noun) else ()


def _field(entry: AuditEntry, name: str) -> tuple[str, Mapping[Any, Any]]:
    """Return a field's name and choices as the pages show them."""
    if word := nouns.record_words().get(name):
        return word.label, word.values
    models = [nouns.by_key(entry.noun).model] if nouns.knows(entry.noun) else []
    for model in (*models, *_noun_of(entry, "recorded_with")):
        try:
            field: Any = model._meta.get_field(name)
        except FieldDoesNotExist:
            continue
        return str(getattr(field, "verbose_name", name)), dict(getattr(field, "flatchoices", None) or {})
    return name, dict(GrantRole.choices) if name == "role" else {}


def _said(value: Any, choices: Mapping[Any, Any]) -> str:
    if value is None or value == "":
        return "空"
    if value is True or value is False:
        return "是" if value else "否"
    if isinstance(value, Mapping):
        return _text(value)
    if isinstance(value, list):
        return "、".join(_said(each, choices) for each in value) or "空"
    return str(choices.get(value, value))


def _text(value: Any) -> str:
    """Return a row as the record holds it; an entry of an early version holds its name alone."""
    if isinstance(value, Mapping):
        return str(value["text"]) if "text" in value else ";".join(f"{k}={v}" for k, v in value.items())
    return str(value)
