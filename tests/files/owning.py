"""For tests: organizations hold files, those of 甲's second branch behind a wall."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from registry import access
from registry.access import AnyUser
from registry.audit import Actor
from registry.files.owners import FileOwner
from registry.refusals import refuse

WALLED = "walled"
LOCKED = "locked"


def seen(user: AnyUser, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Those the user sees, without what is behind the wall."""
    return access.visible(user, rows).exclude(code=WALLED)


def need_open(actor: Actor, row: Any) -> None:
    """Refuse to change the files of one beside its form."""
    if row.code == LOCKED:
        raise refuse(None, "已批准,请在表单里修改。")


ORGANIZATION = FileOwner("organization", seen=seen, need_open=need_open)
