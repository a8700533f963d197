"""The record in words: what somebody did, when, what changed and why; and the way to set it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, QuerySet
from django.urls import reverse

from registry import access, audit
from registry.models import (
    Assignment,
    AuditEntry,
    Campaign,
    Grant,
    GrantRole,
    Organization,
    Person,
    Source,
    Unit,
    User,
)
from registry.operations.undo import can_undo, still_fits
from registry.web.address import Address

LIMIT = 60
"""So many of the newest entries stand on the page of a unit, an organization or a person."""

NOUNS: dict[str, type[Model]] = {
    "unit": Unit,
    "organization": Organization,
    "person": Person,
    "assignment": Assignment,
    "campaign": Campaign,
    "source": Source,
    "user": User,
    "grant": Grant,
}

_WORDS = {
    "members": "编入人数",
    "assignments": "结束编入(人次)",
    "units": "单位数",
    "organizations": "组织数",
    "people": "人数",
    "with": "随同撤销",
    "figures": "报道数",
    "second_factor": "二次验证",
    "codes": "恢复码个数",
    "sessions": "会话数",
    "step": "验证方式",
    "rows": "行数",
    "new_rows": "新增行数",
    "changed_rows": "修改行数",
    "sha256": "文件校验值",
    "file": "文件",
    "filters": "筛选条件",
}
"""What an entry holds beside the fields of its row."""

_VALUES = {
    "step": {"password": "密码", "code": "验证码", "authenticator": "验证器", "recovery": "恢复码"},
}
_HIDDEN = ("moved", "ended")
"""Keys of rows, kept so that a change could be set back: of no use to a reader."""

_NAMED = ("person", "organization")
"""What an assignment's entry names: said in the heading, not among the changes."""

PRIVATE = ("phone", "number")


@dataclass(frozen=True)
class Event:
    """One entry of the record, ready to be shown."""

    entry: AuditEntry
    what: str
    changes: tuple[str, ...]
    undo_url: str = ""

    @property
    def at(self) -> datetime:
        """When."""
        return self.entry.at

    @property
    def actor(self) -> str:
        """Who."""
        return self.entry.actor

    @property
    def effective_on(self) -> date | None:
        """The day from which it counts."""
        return self.entry.effective_on

    @property
    def reason(self) -> str:
        """Why."""
        return self.entry.reason

    @property
    def undoes(self) -> AuditEntry | None:
        """The entry whose change was set back."""
        return self.entry.undoes


def events(
    entries: Iterable[AuditEntry],
    *,
    names: str = "organization",
    sees_numbers: bool = False,
    row: Model | None = None,
    undo_at: Address | None = None,
) -> list[Event]:
    """Return the entries in words, in the order given.

    An assignment's entry names its ``organization`` (on a person's page) or its ``person``. With
    ``undo_at`` (the user may edit ``row``) an edit of it that can be set back has its link.
    """
    return [
        Event(
            entry,
            heading(entry, names),
            tuple(changes(entry, sees_numbers=sees_numbers)),
            undo_at.url(reverse("record_undo", args=[entry.pk]))
            if undo_at is not None and row is not None and _fits(entry, row)
            else "",
        )
        for entry in entries
    ]


def of_unit(unit: Unit) -> QuerySet[AuditEntry]:
    """Return the newest entries about the unit itself."""
    return _newest(AuditEntry.objects.filter(noun="unit", object_id=unit.pk))


def of_organization(organization: Organization) -> QuerySet[AuditEntry]:
    """Return the newest entries about the organization and its assignments."""
    placed = Assignment.objects.filter(organization=organization).values("pk")
    about = AuditEntry.objects.filter(noun="organization", object_id=organization.pk)
    return _newest(about | AuditEntry.objects.filter(noun="assignment", object_id__in=placed))


def of_person(person: Person) -> QuerySet[AuditEntry]:
    """Return the newest entries about a person and the person's assignments."""
    placed = Assignment.objects.filter(person=person).values("pk")
    about = AuditEntry.objects.filter(noun="person", object_id=person.pk)
    return _newest(about | AuditEntry.objects.filter(noun="assignment", object_id__in=placed))


def record_url(user: access.AnyUser, unit: Unit, row: Model, address: Address) -> str:
    """Return the address of everything recorded of ``row``, for who reads the record at its unit."""
    if not access.inside(unit, access.spans(user, access.AUDIT_ROLES)):
        return ""
    return address.url(reverse("record"), object=f"{row._meta.model_name}-{row.pk}")


def _newest(rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
    return rows.select_related("undoes").order_by("-at", "-pk")[:LIMIT]


def _fits(entry: AuditEntry, row: Model) -> bool:
    """Whether ``row`` still holds what the entry left; the operation asks again under its lock."""
    about = entry.noun == row._meta.model_name and entry.object_id == row.pk
    return about and can_undo(entry) and still_fits(entry, row)


# --- Words ----------------------------------------------------------------------------------------


def heading(entry: AuditEntry, names: str = "organization") -> str:
    """Return what was done, in a few words."""
    what = audit.VERBS.get(entry.verb, entry.verb)
    if entry.undoes_id is not None:
        what = f"还原:{what}"
    named = entry.after.get(names)
    if entry.noun == "assignment" and named:
        what = f"{what}:{_text(named)}"
    return what


def changes(entry: AuditEntry, *, sees_numbers: bool = False) -> list[str]:
    """Return each change as label, value before and value after; what is empty from the start is left out."""
    names = [*entry.before, *(name for name in entry.after if name not in entry.before)]
    shown = [
        name
        for name in names
        if name not in _HIDDEN
        and not (entry.noun == "assignment" and name in _NAMED)
        and (name in entry.before or entry.after[name] not in (None, "", False))
    ]
    return [_change(entry, name, sees_numbers=sees_numbers) for name in shown]


def _change(entry: AuditEntry, name: str, *, sees_numbers: bool) -> str:
    label, choices = _field(entry.noun, name)

    def said(value: Any) -> str:
        if name in PRIVATE and isinstance(value, str) and (name == "phone" or not sees_numbers):
            return access.masked(value) or "空"
        return _said(value, choices)

    if name not in entry.before:
        return f"{label}:{said(entry.after[name])}"
    before = said(entry.before[name])
    if name not in entry.after:
        return f"{label}:{before}"
    after = said(entry.after[name])
    if before == after:  # masked, or said along with what changed
        return f"{label}:已修改({after})" if name in PRIVATE else f"{label}:{after}"
    return f"{label}:{before} → {after}"


def _field(noun: str, name: str) -> tuple[str, Mapping[Any, Any]]:
    """Return a field's name and choices as the pages show them."""
    if name in _WORDS:
        return _WORDS[name], _VALUES.get(name, {})
    models: Sequence[type[Model]] = [NOUNS[noun]] if noun in NOUNS else []
    if noun == "user":
        models = [User, Grant]
    for model in models:
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
