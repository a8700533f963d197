"""Walled logbooks: what an entry says is kept encrypted, for its helper and the approver alone.

``Entry.sealed`` holds values and people; ``values``, ``title`` and ``EntryPerson`` stay empty, so no list,
search, file, record or backup can say them. The keys are ``WALL_KEY`` (docs/security.md): the first encrypts,
all decrypt.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from registry import access
from registry.access import AnyUser
from registry.logbooks.models import Entry, EntryPerson
from registry.models import Person
from registry.refusals import refuse

_PEOPLE = "_people"


def may_read(user: AnyUser, entry: Entry) -> bool:
    """Whether the user may read what the entry says: of a walled logbook its helper and the approvers."""
    if not entry.logbook.is_walled:
        return True
    is_helper = user.pk is not None and entry.helper_id == user.pk
    return is_helper or access.may(user, "approve_entry", entry)


def note_people(entry: Entry, people: Sequence[EntryPerson]) -> None:
    """Remember whom a walled entry names, until it is sealed."""
    if entry.logbook.is_walled:
        entry.values[_PEOPLE] = [[each.field, each.person.pk, each.role] for each in people]


def seal(entry: Entry) -> None:
    """Encrypt what a walled entry says and leave nothing of it in the open."""
    if not entry.logbook.is_walled:
        return
    text = json.dumps(entry.values, ensure_ascii=False)
    entry.sealed = _keys(need_keys()).encrypt(text.encode())
    entry.values, entry.title = {}, ""


def open_for(user: AnyUser | None, entry: Entry) -> dict[str, Any]:
    """Put what a walled entry says where others have it, and return it; refuse who may not read it."""
    if not entry.logbook.is_walled or entry.sealed is None:
        return dict(entry.values)
    if user is not None and not may_read(user, entry):
        raise refuse(None, "这是限阅台账,只有经办人和审批人能看内容。")
    try:
        text = _keys(need_keys()).decrypt(bytes(entry.sealed))
    except InvalidToken:
        raise refuse(None, "限阅内容解不开:WALL_KEY 与加密时不同,请管理员补上原来的密钥。") from None
    entry.values = json.loads(text)
    return dict(entry.values)


def need_keys() -> tuple[str, ...]:
    """Return the keys; refuse where the installation has none."""
    if not settings.WALL_KEYS:
        raise refuse(None, "还不能用限阅台账:请管理员先设置密钥 WALL_KEY。")
    return tuple(settings.WALL_KEYS)


def people_of(entry: Entry) -> list[EntryPerson]:
    """Return whom an opened walled entry names."""
    named = entry.values.get(_PEOPLE, [])
    rows = Person.objects.in_bulk([pk for _, pk, _ in named])
    return [
        EntryPerson(entry=entry, field=key, person=rows[pk], role=role)
        for key, pk, role in named
        if pk in rows
    ]


def count_closed() -> tuple[int, int]:
    """Return how many walled entries there are, and how many of them the keys at hand do not open."""
    number = closed = 0
    sealed = Entry.objects.exclude(sealed=None).values_list("sealed", flat=True)
    for content in sealed.iterator(chunk_size=500):
        number += 1
        try:
            _keys(tuple(settings.WALL_KEYS)).decrypt(bytes(content or b""))
        except (InvalidToken, ValueError):  # the latter without any key
            closed += 1
    return number, closed


@lru_cache(maxsize=4)
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys]
    )
