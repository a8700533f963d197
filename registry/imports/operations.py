"""Importing a workbook, its states: handed in, confirmed, cancelled, claimed by who works on it.

``registry.imports.writing`` checks and writes. The states change by conditional updates with the mark of who
works on it (``attempt``), so that of two who begin the same only one ends it.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone
from django_tasks.base import Task

from registry import access, audit
from registry.audit import Actor
from registry.housekeeping import Cleaner
from registry.importers.verdicts import Verdict
from registry.imports.models import (
    OPEN_STATES,
    UNDO_STATES,
    WAITING_STATES,
    WORKING_STATES,
    Import,
    ImportFile,
    ImportLine,
    ImportState,
)
from registry.models import Grant, Unit, UnitKind, User
from registry.operations.base import fresh, need_oneself, need_right, not_allowed, operation
from registry.operations.take_back import take_back
from registry.refusals import need_reason, refuse
from registry.work import progress, queue
from registry.work.progress import Beat

logger = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=30)
"""Afterwards the workbook and its lines are removed; what was written, and the record of it, stay."""
CHANGED_MEANWHILE = "核对之后数据已变化,什么都没有写入。请重新核对后再写入。"
MEGABYTE = 1024 * 1024
BUREAUS = (UnitKind.BUREAU, UnitKind.DEPARTMENT, UnitKind.MINISTRY)
OVER_STATES = (ImportState.WRITTEN, ImportState.TAKEN_BACK, ImportState.FAILED)
"""What is over: its file is kept as long as there is room for it."""
MAY_CANCEL: tuple[str, ...] = (*OPEN_STATES, ImportState.FAILED.value)


# --- Handing in, confirming, cancelling -----------------------------------------------------------


@operation
def hand_in(*, actor: Actor, user: User, file_name: str, content: bytes) -> Import:
    """Keep a workbook that ``user`` hands in; it waits for its check."""
    need_right(actor, "upload_import")
    need_oneself(actor, "upload_import", user)
    forget_old()
    need_room(user, len(content))
    digest = hashlib.sha256(content).hexdigest()
    handed_in = Import.objects.create(
        user=user,
        file_name=file_name[-200:],
        sha256=digest,
        size=len(content),
        address=actor.address,
        request_number=actor.request_number,
        scope=None if access.sees_everything(user) else [unit.pk for unit in _tops(user)],
    )
    ImportFile.objects.create(of=handed_in, content=content)
    _told(actor, "upload_import", handed_in, sha256=digest)
    return handed_in


@operation
def confirm_import(*, actor: Actor, import_: Import, reason: str = "", without_wrong: bool = False) -> Import:
    """Let a checked import be written. Raises ``OperationRefused`` when it cannot be, or not any more.

    ``without_wrong``: write the right lines, all of them or none, though others are wrong. What is right
    names nothing that is wrong.
    """
    import_ = _own(actor, "confirm_import", import_)
    _need_state(import_, import_.state == ImportState.CHECKED, "写入")
    if import_.number(Verdict.WRONG) and not without_wrong:
        raise refuse(None, "还有错误的行:请下载错误行,改正后重新上传。")
    if not import_.changes_something:
        raise refuse(None, "没有需要写入的变化。")
    if import_.needs_reason:
        need_reason(reason, "原因:有撤销组织、对已计入统计的日期的更正,或姓名和人员类别同时改变的人员")
    return _move(
        actor,
        "confirm_import",
        import_,
        ImportState.CONFIRMED,
        reason=reason.strip()[:200],
        is_partial=without_wrong,
        job=None,
        seen_at=None,
        address=actor.address,
        request_number=actor.request_number,
        asked_at=timezone.now(),
    )


@operation
def cancel_import(*, actor: Actor, import_: Import) -> Import:
    """Give an import up before it is written; the workbook and what was found in it are removed."""
    import_ = _own(actor, "cancel_import", import_)
    _need_state(import_, import_.state in MAY_CANCEL, "取消")
    ImportFile.objects.filter(of=import_).delete()
    ImportLine.objects.filter(of=import_).delete()
    queue.withdraw(import_.job)
    return _move(
        actor,
        "cancel_import",
        import_,
        ImportState.CANCELLED,
        attempt="",
        finished_at=timezone.now(),
        message="已取消,没有写入任何数据。",
    )


@operation
def recheck_import(*, actor: Actor, import_: Import) -> Import:
    """Let an import be checked anew: it failed, the data changed, or who worked on it is gone."""
    import_ = _own(actor, "recheck_import", import_)
    has_file = ImportFile.objects.filter(of=import_).exists()
    _need_state(import_, has_file and may_recheck(import_), "重新核对")
    queue.withdraw(import_.job)
    return _move(
        actor,
        "recheck_import",
        import_,
        ImportState.UPLOADED,
        attempt="",
        job=None,
        seen_at=None,
        asked_at=timezone.now(),
        finished_at=None,
        message="",
        done=0,
    )


@operation
def ask_to_take_back(*, actor: Actor, import_: Import, reason: str) -> Import:
    """Ask for a written import to be taken back, with a reason."""
    import_ = _own(actor, "take_back_import", import_)
    _need_state(import_, import_.may_be_taken_back, "撤回")
    need_reason(reason, "撤回原因")
    return _move(
        actor,
        "take_back_import",
        import_,
        ImportState.UNDO_ASKED,
        attempt="",
        undo_reason=reason.strip()[:200],
        undo_message="",
        job=None,
        seen_at=None,
        address=actor.address,
        request_number=actor.request_number,
        asked_at=timezone.now(),
    )


@operation
def take_import_back(*, actor: Actor, import_: Import, attempt: str) -> Import:
    """Take back everything that the import wrote, or nothing; ``attempt`` is the mark of ``claim``.

    Raises ``OperationRefused`` with what stands in the way.
    """
    import_ = fresh(import_)
    if import_.entry is None:
        raise refuse(None, "没有写入的记录,不能撤回。")
    said = take_back(actor=actor, entry=import_.entry, reason=f"{import_.undo_reason}(撤回导入)")
    mine = Import.objects.filter(pk=import_.pk, attempt=attempt, state=ImportState.UNDOING)
    if not mine.update(state=ImportState.TAKEN_BACK, message=f"已撤回:{said}。", finished_at=timezone.now()):
        raise refuse(None, "该撤回已由他人重新开始。")
    return fresh(import_)


def stay_written(import_pk: int, attempt: str, message: str) -> None:
    """Note that an import could not be taken back: it stays written."""
    Import.objects.filter(pk=import_pk, attempt=attempt, state=ImportState.UNDOING).update(
        state=ImportState.WRITTEN, undo_message=message[:1000]
    )


def readable(user: User, imports: Iterable[Import]) -> list[Import]:
    """Return the imports that ``user`` may still read: their own, from where they may still enter data.

    What a workbook holds of a unit stays with who works there, also when the grant ended or moved.
    """
    own = [each for each in imports if each.user_id == user.pk]
    units = Unit.objects.in_bulk({pk for each in own for pk in each.scope or ()})
    spans, everywhere = access.spans(user, "upload_import"), access.sees_everything(user)

    def may_enter(pk: int) -> bool:
        return pk in units and access.inside(units[pk], spans)

    return [
        each for each in own if everywhere or (each.scope is not None and all(map(may_enter, each.scope)))
    ]


def _tops(user: User) -> list[Unit]:
    return access.top_units(user, "upload_import")


def _own(actor: Actor, verb: str, import_: Import) -> Import:
    """Return the import as it is now; refuse it to who may not read it or may no longer enter data."""
    import_ = fresh(import_)
    need_right(actor, verb)
    need_oneself(actor, verb, import_.user)
    if actor.user is not None and not readable(actor.user, [import_]):
        raise not_allowed(verb)
    return import_


def _need_state(import_: Import, is_fit: bool, what: str) -> None:
    if not is_fit:
        raise refuse(None, f"该导入现在是“{import_.get_state_display()}”,不能{what}。")


def may_recheck(import_: Import) -> bool:
    """Whether checking anew makes sense: nobody works on it, and it is not written."""
    if import_.state in UNDO_STATES:
        return False
    is_idle = import_.state in (ImportState.FAILED, ImportState.CHECKED)
    return is_idle or import_.is_silent or import_.is_unclaimed


def leave_to_worker(import_: Import, task: Task[Any, Any]) -> None:
    """Let a worker do ``task`` with an import that waits. Raises ``OperationRefused`` when too much waits."""
    key = queue.put(task, import_.pk, user=import_.user)
    Import.objects.filter(pk=import_.pk).update(job=key)


def claim(import_pk: int, waiting: ImportState, working: ImportState, *, is_long: bool = False) -> str:
    """Begin to work on an import that waits; return the mark of this attempt, empty when another has it.

    A worker (``is_long``) gets a task that another one held only when that one is gone, so it goes on with
    what was begun; who comes back all the same has lost the mark, and so ends nothing.
    """
    attempt = secrets.token_hex(16)
    waits = Import.objects.filter(pk=import_pk, state__in=[waiting, working] if is_long else [waiting])
    begun = waits.update(state=working, attempt=attempt, seen_at=timezone.now(), done=0, message="")
    return attempt if begun else ""


def put_back(import_pk: int, attempt: str, working: ImportState, waiting: ImportState) -> Import | None:
    """Let an import wait again that turned out to be too long to be done here; None when it is gone."""
    mine = Import.objects.filter(pk=import_pk, attempt=attempt, state=working)
    if not mine.update(state=waiting, attempt="", asked_at=timezone.now(), seen_at=None):
        return None
    return Import.objects.select_related("user").get(pk=import_pk)


def fail(import_pk: int, attempt: str, message: str, *, is_unreadable: bool = False) -> None:
    """Say that an attempt came to nothing; whatever it had begun is taken back already.

    A file that cannot be read serves nobody: it goes at once.
    """
    mine = Import.objects.filter(pk=import_pk, attempt=attempt, state__in=WORKING_STATES)
    failed = mine.update(state=ImportState.FAILED, message=message[:1000], finished_at=timezone.now())
    if failed and is_unreadable:
        ImportFile.objects.filter(of=import_pk).delete()


def release(import_pk: int) -> None:
    """Remove the file of an import that is written whole: no line of it is handed back any more."""
    import_ = Import.objects.get(pk=import_pk)
    if import_.state == ImportState.WRITTEN and not import_.number(Verdict.WRONG):
        ImportFile.objects.filter(of=import_).delete()


def beating(import_pk: int, attempt: str) -> AbstractContextManager[Beat]:
    """Say every few seconds that the work on an import goes on, and how far it is."""
    mine = Import.objects.filter(pk=import_pk, attempt=attempt, state__in=WORKING_STATES)
    return progress.beating(
        f"import {import_pk}", lambda done: mine.update(done=done, seen_at=timezone.now())
    )


def _move(actor: Actor, verb: str, import_: Import, then: ImportState, **values: Any) -> Import:
    """Change the state, unless somebody else just did, and record it."""
    if not Import.objects.filter(pk=import_.pk, state=import_.state).update(state=then, **values):
        raise refuse(None, "该导入的状态刚刚变了,请刷新后再试。")
    _told(actor, verb, import_)
    return fresh(import_)


def _told(actor: Actor, verb: str, import_: Import, **more: str) -> None:
    at = next(iter(_tops(import_.user)), None)
    audit.record_event(
        actor, verb, subject=import_.file_name, unit=at, after={"file": import_.file_name, **more}
    )


def forget_old() -> int:
    """Remove the workbooks and lines of old imports, also of stuck ones, which have failed by then."""
    old = Import.objects.filter(created_at__lt=timezone.now() - KEPT_FOR)
    stuck = [state for state in (*WAITING_STATES, *WORKING_STATES) if state not in UNDO_STATES]
    old.filter(state__in=stuck).update(state=ImportState.FAILED)
    number, _ = ImportFile.objects.filter(of__in=old).delete()
    return number + ImportLine.objects.filter(of__in=old).delete()[0]


CLEANERS = (Cleaner("旧的导入文件", forget_old, is_quick=False),)


# --- Room -----------------------------------------------------------------------------------------


def need_room(user: User, size: int) -> None:
    """Refuse a file for which there is no room left for the user, or for the bureau.

    Files of the user's imports that are over make room by themselves, the oldest first.
    """
    list(User.objects.select_for_update().filter(pk=user.pk))  # who sends ten at once has them counted
    own = Import.objects.filter(user=user, file__isnull=False)
    over = own.filter(state__in=OVER_STATES).order_by("created_at", "pk")
    bureau = bureau_of(user)
    limits = [("您", own, settings.UPLOADS_OF_USER_MB)]
    if bureau is not None:
        there = Grant.objects.filter(unit__in=Unit.objects.in_subtree(bureau)).values("user")
        kept = Import.objects.filter(user__in=there, file__isnull=False)
        limits.append((f"“{bureau.label}”", kept, settings.UPLOADS_OF_BUREAU_MB))
    for whose, kept, megabytes in limits:
        limit = megabytes * MEGABYTE
        for done in [*over, None]:
            held = kept.aggregate(sum=Sum("size"))["sum"] or 0
            if held + size <= limit:
                break
            if done is None:
                raise refuse(
                    "file",
                    f"{whose}保存的导入文件已有 {held / MEGABYTE:,.1f} MB,"
                    f"加上这个文件超过上限 {megabytes:,} MB。"
                    f"{_HOW[whose == '您']}",
                )
            ImportFile.objects.filter(of=done).delete()


_HOW = {
    True: "请在“我的导入”里把已核对的写入,或取消不要的(取消后立即腾出空间),再上传。",
    False: "请把您已核对的导入写入,或取消不要的;仍然不够时,请本局其他用户也这样做,或请系统管理员调高上限。",
}


def bureau_of(user: User) -> Unit | None:
    """Return the bureau whose room a user's uploads take: the nearest one from the user's unit upward."""
    at = next(iter(access.top_units(user, "upload_import")), None)
    if at is None:
        return None
    above: list[Unit] = list(at.get_ancestors(ascending=True, include_self=True))
    return next((unit for unit in above if unit.kind in BUREAUS), above[-1])
