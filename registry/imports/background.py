"""How a workbook is taken through its import: opened, checked, written, its wrong rows handed back.

A small one is done at once, in the request that asks; a long one by ``manage.py work``. Whatever goes
wrong on the way leaves the import 失败, with a reason and a way to try again, and nothing half written.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django_tasks import TaskContext, task

from registry.audit import Actor
from registry.importers.layouts import layouts_seen
from registry.importers.verdicts import Verdict
from registry.imports import operations as imports
from registry.imports.models import Import, ImportFile, ImportLine, ImportState
from registry.imports.writing import check_import, prepare, write_import
from registry.imports.wrong_rows import error_filename, with_errors
from registry.models import User
from registry.nouns.columns import Layout
from registry.refusals import OperationRefused
from registry.spreadsheets.hostile import TooSlow, given, unpacked_bytes
from registry.spreadsheets.reading import Book, Problem, Unreadable, open_book
from registry.work import queue
from registry.work.persistence import persistently
from registry.work.progress import Abandoned, Progress, no_progress

logger = logging.getLogger(__name__)

SMALL_ROWS = 500
"""So many rows are checked, and written, in the request itself: less than half a second of work."""
SMALL_BYTES = 600_000
"""A file of more bytes, as they are once unpacked, is not even opened there."""
SECONDS = 0.4
"""So long a request reads a file that looks small; then the worker takes it."""

_BROKEN = "处理时出错,什么都没有写入。请重试;再次出错请把本页地址告诉管理员。"

__all__ = ["Unreadable", "check_again", "confirm", "error_filename", "hand_in", "mistakes", "undo"]


def hand_in(*, actor: Actor, user: User, file_name: str, content: bytes) -> Import:
    """Keep a workbook and have it checked.

    Raises ``Unreadable`` when a small one cannot be read at all, ``OperationRefused`` when there is no room
    for it, or too much of the user waits.
    """
    is_small = _looks_small(user, file_name, content)
    with transaction.atomic():
        handed_in = imports.hand_in(actor=actor, user=user, file_name=file_name, content=content)
        if not is_small:
            imports.leave_to_worker(handed_in, check_task)
    if is_small:
        check_now(handed_in.pk)
    return handed_in


def _looks_small(user: User, file_name: str, content: bytes) -> bool:
    """Whether a file that nobody trusts can be read here: by its sizes first, then by the clock."""
    with _on_disk(content, file_name) as path:
        if unpacked_bytes(path) > SMALL_BYTES:
            return False
        try:
            with given(SECONDS):
                return _rows(open_book(path, file_name, _layouts(user))) <= SMALL_ROWS
        except TooSlow:
            return False


def check_again(*, actor: Actor, import_: Import) -> None:
    """Have an import checked anew. Raises ``OperationRefused``."""
    is_small = import_.job is None and import_.total <= SMALL_ROWS
    with transaction.atomic():
        rechecked = imports.recheck_import(actor=actor, import_=import_)
        if not is_small:
            imports.leave_to_worker(rechecked, check_task)
    if is_small:
        check_now(import_.pk)


def confirm(*, actor: Actor, import_: Import, reason: str, without_wrong: bool = False) -> None:
    """Confirm a checked import and have it written. Raises ``OperationRefused``."""
    is_small = import_.job is None and import_.total <= SMALL_ROWS
    with transaction.atomic():
        confirmed = imports.confirm_import(
            actor=actor, import_=import_, reason=reason, without_wrong=without_wrong
        )
        if not is_small:
            imports.leave_to_worker(confirmed, write_task)
    if is_small:
        write_now(confirmed.pk)


def undo(*, actor: Actor, import_: Import, reason: str) -> None:
    """Have a written import taken back. Raises ``OperationRefused`` when it may not be."""
    with transaction.atomic():
        asked = imports.ask_to_take_back(actor=actor, import_=import_, reason=reason)
        is_small = asked.total <= SMALL_ROWS
        if not is_small:
            imports.leave_to_worker(asked, undo_task)
    if is_small:
        undo_now(asked.pk)


@task(takes_context=True)
def undo_task(context: TaskContext, import_pk: int) -> None:
    """Take a long import back, for the worker."""
    undo_now(import_pk, is_long=True, is_last=queue.is_last(context))


def undo_now(import_pk: int, *, is_long: bool = False, is_last: bool = True) -> None:
    """Take an import back that waits for it; what prevents it is noted at the import."""
    attempt = imports.claim(import_pk, ImportState.UNDO_ASKED, ImportState.UNDOING, is_long=is_long)
    if not attempt:
        return
    import_ = Import.objects.select_related("user").get(pk=import_pk)
    try:
        with imports.beating(import_pk, attempt) if is_long else nullcontext():
            persistently(
                lambda: imports.take_import_back(actor=_actor_of(import_), import_=import_, attempt=attempt),
                is_long=is_long,
            )
    except OperationRefused as refusal:
        imports.stay_written(import_pk, attempt, " ".join(refusal.messages))
    except Exception as error:
        queue.end_badly(error, f"import {import_pk} (taking back)", is_last=is_last)
        imports.stay_written(import_pk, attempt, "处理时出错,什么都没有撤回。请重试。")


def _actor_of(import_: Import) -> Actor:
    return Actor(import_.user, str(import_.user), import_.address, import_.request_number)


@task(takes_context=True)
def check_task(context: TaskContext, import_pk: int) -> None:
    """Check a long import, for the worker."""
    check_now(import_pk, is_long=True, is_last=queue.is_last(context))


@task(takes_context=True)
def write_task(context: TaskContext, import_pk: int) -> None:
    """Write a long import, for the worker."""
    write_now(import_pk, is_long=True, is_last=queue.is_last(context))


def check_now(import_pk: int, *, is_long: bool = False, is_last: bool = True) -> None:
    """Check an import that waits for it; nothing when another does, or it was cancelled."""
    attempt = imports.claim(import_pk, ImportState.UPLOADED, ImportState.CHECKING, is_long=is_long)
    if not attempt:
        return

    def work(book: Book, progress: Progress) -> None:
        notices = [*book.notices, *(f"“{sheet.title}”没有读取:{sheet.reason}。" for sheet in book.ignored)]
        check_import(
            import_pk=import_pk,
            attempt=attempt,
            tables=book.tables,
            notices=notices,
            total=_rows(book),
            progress=progress,
        )

    try:
        with nullcontext() if is_long else given(SECONDS):
            _work(import_pk, attempt, work, is_long=is_long, is_last=is_last)
    except TooSlow:
        with transaction.atomic():
            waits = imports.put_back(import_pk, attempt, ImportState.CHECKING, ImportState.UPLOADED)
            if waits is not None:
                imports.leave_to_worker(waits, check_task)


def write_now(import_pk: int, *, is_long: bool = False, is_last: bool = True) -> None:
    """Write an import that waits for it; nothing when another does, or it was cancelled."""
    attempt = imports.claim(import_pk, ImportState.CONFIRMED, ImportState.WRITING, is_long=is_long)
    if not attempt:
        return
    import_ = Import.objects.select_related("user").get(pk=import_pk)
    actor = _actor_of(import_)

    def work(book: Book, progress: Progress) -> None:
        with tempfile.TemporaryDirectory(prefix="import-") as folder:
            persistently(lambda: prepare(book.tables, Path(folder)), is_long=is_long)
            persistently(
                lambda: write_import(
                    actor=actor, import_=import_, attempt=attempt, tables=book.tables, progress=progress
                ),
                is_long=is_long,
            )
        imports.release(import_pk)

    _work(import_pk, attempt, work, is_long=is_long, is_last=is_last)


def _work(
    import_pk: int, attempt: str, work: Callable[[Book, Progress], None], *, is_long: bool, is_last: bool
) -> None:
    """Open the workbook and do ``work``; whatever stops it is said at the import.

    What the database stops is begun again by the worker, unless this attempt ``is_last``.
    """
    beating: AbstractContextManager[Progress]
    beating = imports.beating(import_pk, attempt) if is_long else nullcontext(no_progress)
    try:
        with beating as progress, _file_of(import_pk) as (path, name, layouts):
            work(open_book(path, name, layouts), progress)
    except Abandoned:
        logger.info("import %s: given up, it was cancelled or begun anew", import_pk)
    except Unreadable as unreadable:
        imports.fail(import_pk, attempt, str(unreadable), is_unreadable=True)
    except OperationRefused as refusal:
        said = " ".join(refusal.messages)
        imports.fail(import_pk, attempt, said if "没有写入" in said else f"{said}什么都没有写入,请重新核对。")
    except ObjectDoesNotExist:
        imports.fail(import_pk, attempt, "上传的文件已清理,请重新上传。")
    except TooSlow:
        raise
    except Exception as error:
        queue.end_badly(error, f"import {import_pk}", is_last=is_last)
        imports.fail(import_pk, attempt, _BROKEN)


def mistakes(import_: Import, target: IO[bytes]) -> int:
    """Write the wrong rows of an import, with their reasons, as the user's own file; return how many.

    Raises ``Unreadable`` or ``ImportFile.DoesNotExist`` when the file is gone.
    """
    problems: dict[str, dict[int, list[Problem]]] = {}
    wrong = ImportLine.objects.filter(of=import_, verdict=Verdict.WRONG).order_by("place")
    for sheet, number, found in wrong.values_list("sheet", "number", "problems").iterator():
        problems.setdefault(sheet, {})[number] = [
            Problem(each["address"], each["slug"], each["message"]) for each in found
        ]
    with _file_of(import_.pk) as (path, name, layouts):
        return with_errors(path, name, problems, target, layouts)


def _rows(book: Book) -> int:
    return sum(table.total for table in book.tables)


@contextmanager
def _file_of(import_pk: int) -> Iterator[tuple[Path, str, list[Layout]]]:
    """Put the file of an import on the disk: its path, its name, and the sheets that its user may hand in."""
    kept = ImportFile.objects.select_related("of__user").get(of=import_pk)
    with _on_disk(bytes(kept.content), kept.of.file_name) as path:
        name, layouts = kept.of.file_name, _layouts(kept.of.user)
        del kept
        yield path, name, layouts


def _layouts(user: User) -> list[Layout]:
    return list(layouts_seen(user).values())


@contextmanager
def _on_disk(content: bytes, file_name: str) -> Iterator[Path]:
    """Put the file where its lines can be read from it, and take it away at the end."""
    with tempfile.TemporaryDirectory(prefix="import-") as folder:
        path = Path(folder) / f"workbook{Path(file_name).suffix[:8]}"
        path.write_bytes(content)
        yield path
