"""An export's states: asked for, cancelled, claimed by the worker that makes it, ready, gone."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from registry import access, audit
from registry.audit import Actor
from registry.exports.models import KEPT_FOR, UNDER_WAY, Export, ExportPart, ExportState
from registry.housekeeping import Cleaner
from registry.models import User
from registry.operations.base import fresh, need_oneself, need_right, operation
from registry.refusals import refuse
from registry.work import queue

LISTED_FOR = timedelta(days=30)
"""Afterwards an export is no longer in the list of its user; the record keeps it."""
MEGABYTE = 1024 * 1024


@operation
def ask_export(
    *, actor: Actor, user: User, title: str, path: str, data: list[list[str]], back: str = "", total: int = 0
) -> Export:
    """Keep what ``user`` asks for: the address of a list, print or sheet, with what was sent there.

    ``back`` is the page from which it was asked for.
    """
    need_right(actor, "ask_export")
    need_oneself(actor, "ask_export", user)
    held = Export.objects.filter(user=user, state=ExportState.READY).aggregate(sum=Sum("size"))["sum"] or 0
    if held > settings.EXPORTS_OF_USER_MB * MEGABYTE:
        raise refuse(
            None,
            f"您保留的导出文件已有 {held / MEGABYTE:,.1f} MB,超过上限 {settings.EXPORTS_OF_USER_MB:,} MB。"
            "请在“我的导出”里删除不再需要的,或等它们过期(24 小时),再导出。",
        )
    made = Export.objects.create(
        user=user,
        title=title[:200],
        path=path,
        data=data,
        back=back,
        total=total,
        address=actor.address,
        request_number=actor.request_number,
    )
    _told(actor, "ask_export", made)
    return made


@operation
def cancel_export(*, actor: Actor, export: Export) -> Export:
    """Give an export up, or remove its file before its time."""
    export = fresh(export)
    need_right(actor, "cancel_export")
    need_oneself(actor, "cancel_export", export.user)
    may_be = Export.objects.filter(pk=export.pk, state__in=[*UNDER_WAY, ExportState.READY])
    if not may_be.update(state=ExportState.CANCELLED, attempt="", finished_at=timezone.now()):
        raise refuse(None, f"该导出现在是“{export.get_state_display()}”,不用取消。")
    queue.withdraw(export.job)
    ExportPart.objects.filter(of=export).delete()
    _told(actor, "cancel_export", export)
    return fresh(export)


def _told(actor: Actor, verb: str, export: Export) -> None:
    at = next(iter(access.top_units(export.user)), None)
    audit.record_event(actor, verb, subject=export.title, unit=at)


def claim(pk: int) -> str:
    """Begin to make an export; return the mark of this attempt, empty when it is not wanted any more.

    A task comes to a worker again only when the one before is gone, so what that one began is begun anew.
    """
    attempt = secrets.token_hex(16)
    wanted = Export.objects.filter(pk=pk, state__in=UNDER_WAY)
    if not wanted.update(state=ExportState.MAKING, attempt=attempt, rows=0, message=""):
        return ""
    ExportPart.objects.filter(of=pk).exclude(attempt=attempt).delete()
    return attempt


def note_progress(pk: int, attempt: str, rows: int) -> int:
    """Note how many rows are written; return 0 when they are not wanted any more."""
    return int(_mine(pk, attempt).update(rows=rows))


def finish(pk: int, attempt: str, **facts: Any) -> bool:
    """Say that the file is whole; return whether it is still wanted."""
    now = timezone.now()
    ready = {"state": ExportState.READY, "finished_at": now, "expires_at": now + KEPT_FOR}
    return bool(_mine(pk, attempt).update(**ready, **facts))


def fail(pk: int, attempt: str, message: str) -> None:
    """Say why there is no file."""
    _mine(pk, attempt).update(state=ExportState.FAILED, message=message[:500], finished_at=timezone.now())
    ExportPart.objects.filter(of=pk, attempt=attempt).delete()


def _mine(pk: int, attempt: str) -> Any:
    return Export.objects.filter(pk=pk, attempt=attempt, state=ExportState.MAKING)


def rights_of(user: User) -> list[list[str]]:
    """Return what a user's rights are today, to be compared with those with which a file was made."""
    held = {(role, unit.code) for role, unit in access.roles_held(user)}
    return [["superuser", str(user.is_superuser)], *sorted([role, code] for role, code in held)]


def forget_old() -> int:
    """Remove the files whose time is over, and exports of long ago; return how many rows went."""
    now = timezone.now()
    past = Export.objects.filter(state=ExportState.READY, expires_at__lte=now)
    number, _ = ExportPart.objects.filter(of__in=past).delete()
    past.update(state=ExportState.EXPIRED)
    old = Export.objects.filter(created_at__lt=now - LISTED_FOR).exclude(state__in=UNDER_WAY)
    return number + old.delete()[0]


CLEANERS = (Cleaner("导出文件", forget_old, is_quick=False),)
