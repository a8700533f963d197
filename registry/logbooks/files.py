"""The photos and files of entries: who sees them, and when they are changed beside the form."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from registry import access
from registry.access import AnyUser
from registry.audit import Actor
from registry.files.owners import FileOwner
from registry.logbooks.models import Entry
from registry.models import WorkflowState
from registry.refusals import refuse


def _seen(user: AnyUser, rows: QuerySet[Any]) -> QuerySet[Any]:
    return access.visible(user, rows).filter(logbook__is_walled=False)


def _need_open(actor: Actor, row: Entry) -> None:
    if row.state == WorkflowState.APPROVED and row.logbook.needs_approval:
        raise refuse(None, "这一条已批准:照片和附件请在条目的表单里修改,由另一人批准。")


ENTRY = FileOwner("entry", seen=_seen, need_open=_need_open)
