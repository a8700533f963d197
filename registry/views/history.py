"""The record in words: what somebody did, when, and what changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, QuerySet

from registry.models import Assignment, AuditEntry, Organization, Person, Unit

_NOUNS: dict[str, type[Model]] = {
    "person": Person,
    "assignment": Assignment,
    "organization": Organization,
    "unit": Unit,
}

VERBS = {
    "add_person": "登记人员",
    "edit_person": "修改资料",
    "change_political_status": "变更政治面貌",
    "transfer_person": "调整所属单位和组织关系",
    "assign_person": "编入",
    "change_role": "调整职责",
    "end_assignment": "结束编入",
    "withdraw_assignment": "撤回误录的编入",
    "establish_organization": "登记组织",
    "edit_organization": "修改资料",
    "move_organization": "调整上级组织",
    "transfer_organization": "转隶到其他单位",
    "dissolve_organization": "撤销组织",
    "withdraw_organization": "撤回误录的组织",
    "submit_organization": "提交审批",
    "approve_organization": "批准",
    "return_organization": "退回",
}

_WORDS = {
    "members": "编入人数",
    "assignments": "结束编入(人次)",
    "organizations": "组织数",
    "with": "随同撤销",
}
"""What an entry holds beside the fields of its row."""

_LEFT_OUT = ("person", "organization")
"""What an assignment's entry names: said in the heading, not among the changes."""


@dataclass(frozen=True)
class Event:
    """One entry of the record, ready to be shown."""

    at: datetime
    actor: str
    what: str
    changes: tuple[str, ...]
    effective_on: date | None
    reason: str


def events(entries: Iterable[AuditEntry], *, names: str = "organization") -> list[Event]:
    """Return the entries in words, in the order given.

    An assignment's entry names its ``organization`` (on a person's page) or its ``person``.
    """
    return [_event(entry, names) for entry in entries]


def of_person(person: Person, limit: int = 100) -> QuerySet[AuditEntry]:
    """Return the newest entries about a person and the person's assignments."""
    assignments = Assignment.objects.filter(person=person).values("pk")
    about = AuditEntry.objects.filter(noun="person", object_id=person.pk) | AuditEntry.objects.filter(
        noun="assignment", object_id__in=assignments
    )
    return about[:limit]


def _event(entry: AuditEntry, named: str) -> Event:
    what = VERBS.get(entry.verb, entry.verb)
    if entry.noun == "assignment" and entry.after.get(named):
        what = f"{what}:{entry.after[named]}"
    model = _NOUNS.get(entry.noun)
    names = [*entry.before, *(name for name in entry.after if name not in entry.before)]
    changes = [
        _change(model, name, entry)
        for name in names
        if not (entry.noun == "assignment" and name in _LEFT_OUT)
        and (name in entry.before or entry.after[name])
    ]
    return Event(entry.at, entry.actor, what, tuple(changes), entry.effective_on, entry.reason)


def _change(model: type[Model] | None, name: str, entry: AuditEntry) -> str:
    label, after = _word(model, name, entry.after.get(name))
    if name not in entry.before:
        return f"{label}:{after}"
    return f"{label}:{_word(model, name, entry.before[name])[1]} → {after}"


def _word(model: type[Model] | None, name: str, value: Any) -> tuple[str, str]:
    """Return a field's name and value as the pages show them."""
    label, choices = _WORDS.get(name, name), {}
    if model is not None and name not in _WORDS:
        try:
            field: Any = model._meta.get_field(name)
        except FieldDoesNotExist:
            pass
        else:
            label = str(getattr(field, "verbose_name", name))
            choices = dict(getattr(field, "flatchoices", None) or {})
    if value is None or value == "":
        return label, "空"
    if value is True or value is False:
        return label, "是" if value else "否"
    return label, str(choices.get(value, value))
