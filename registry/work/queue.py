"""What waits for a worker, and whose turn it is.

The table is that of django-tasks-db; a task's queue is its user. Users take turns: next is the one who has
the least at work and whose last task began longest ago, so a hundred tasks of one user hold up nobody.

A task whose worker is gone is put back and begun anew by the next worker, a few times at most. So whatever
is queued must bear to be begun twice: it claims its row with a mark (``attempt``) and ends only what it
still holds (``registry.imports``, ``registry.exports``).
"""

from __future__ import annotations

import io
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.management import call_command
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Count, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django_tasks import TaskContext, TaskResultStatus
from django_tasks.base import Task
from django_tasks_db.models import DBTaskResult

from registry.housekeeping import Cleaner
from registry.models import User
from registry.refusals import refuse
from registry.work import beats

logger = logging.getLogger(__name__)

TRANSIENT = (OperationalError, InterfaceError)
"""What the database raises when it is away, or does not give a lock in time."""
MOST_OF_ONE = 5
"""So many tasks of one user wait or are at work."""
AT_ONCE_OF_ONE = 1
"""So many tasks of one user are at work at a time, however many workers are idle."""
MOST_ATTEMPTS = 3
"""So often a task is begun when its worker, or the database, is gone in the middle."""
AGAIN_AFTER = timedelta(seconds=5)
"""After so long a task is begun again that the database did not let end."""
KEPT_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Chore:
    """Something that a worker does by itself, again and again. Apps hand theirs up as ``chores``.

    It must bear that two workers do it at once, and be short: what waits in the queue waits for it too.
    """

    name: str
    every: timedelta
    do: Callable[[], object]


def put(task: Task[Any, Any], *args: Any, user: User) -> uuid.UUID:
    """Have a worker do ``task`` for ``user``; return the key under which it waits.

    Raises ``OperationRefused`` when too much of that user waits already. Call it inside the transaction
    that writes what the task works on.
    """
    unfinished = DBTaskResult.objects.filter(queue_name=_queue_of(user), status__in=_UNFINISHED).count()
    if unfinished >= MOST_OF_ONE:
        raise refuse(
            None,
            f"您已有 {unfinished} 项导入或导出在等待或正在处理,最多 {MOST_OF_ONE} 项。"
            "请等其中一项完成,或取消不要的,再提交。",
        )
    return uuid.UUID(str(task.using(queue_name=_queue_of(user)).enqueue(*args).id))


def withdraw(key: uuid.UUID | None) -> None:
    """Take a task out of the queue that nobody wants any more; one at work goes on and finds out itself."""
    if key is not None:
        DBTaskResult.objects.filter(pk=key, status=TaskResultStatus.READY).delete()


def _queue_of(user: User) -> str:
    return f"user-{user.pk}"


_UNFINISHED = (TaskResultStatus.READY, TaskResultStatus.RUNNING)


# --- What a page says of it -----------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """How it stands with a task."""

    is_queued: bool = False
    is_at_work: bool = False
    ahead: int = 0
    """How many tasks may be done before it."""
    has_worker: bool = True
    """Whether a worker lives, and will take it."""

    @property
    def is_lost(self) -> bool:
        """Whether no worker will do it any more: it was given up, or is done."""
        return not self.is_queued and not self.is_at_work


def standing(key: uuid.UUID | None) -> Standing:
    """Return how it stands with a task."""
    return _standings([key])[key]


def note_standings(rows: Iterable[Any]) -> None:
    """Read at once how it stands with the tasks (``job``) of many rows; each keeps it as its ``standing``."""
    there = list(rows)
    found = _standings([row.job for row in there])
    for row in there:
        row.standing = found[row.job]


def _standings(keys: Sequence[uuid.UUID | None]) -> dict[uuid.UUID | None, Standing]:
    tasks = DBTaskResult.objects.filter(pk__in={key for key in keys if key}, status__in=_UNFINISHED)
    found: dict[uuid.UUID | None, Standing] = dict.fromkeys(keys, Standing())
    if not tasks:
        return found
    living = beats.living()
    running = set(DBTaskResult.objects.running().values_list("pk", flat=True))
    ready = DBTaskResult.objects.filter(status=TaskResultStatus.READY)
    waiting = list(ready.order_by().values_list("queue_name", "enqueued_at"))
    for task in tasks:
        if task.status == TaskResultStatus.RUNNING and task.worker_ids[-1] in living:
            found[task.pk] = Standing(is_at_work=True)
            continue
        ahead = len(running - {task.pk})
        if task.status == TaskResultStatus.READY:
            ahead += _ahead_of(task, waiting)
        found[task.pk] = Standing(is_queued=True, ahead=ahead, has_worker=bool(living))
    return found


def _ahead_of(task: DBTaskResult[Any, Any], waiting: Sequence[tuple[str, datetime]]) -> int:
    """Return how many that wait may be done before it: of each other user as many as of its own, and it."""
    own: int = sum(queue == task.queue_name and at < task.enqueued_at for queue, at in waiting)
    others = Counter(queue for queue, _at in waiting if queue != task.queue_name)
    return own + sum(min(number, own + 1) for number in others.values())


@dataclass(frozen=True)
class Load:
    """What the workers have to do."""

    workers: int
    at_work: int
    waiting: int
    users: int

    @property
    def unfinished(self) -> int:
        """What waits, and what is at work or was when its worker ended."""
        return self.at_work + self.waiting


def load() -> Load:
    """Return what is at work and what waits."""
    ready = DBTaskResult.objects.filter(status=TaskResultStatus.READY)
    return Load(
        len(beats.living()),
        DBTaskResult.objects.running().count(),
        ready.count(),
        ready.order_by().values("queue_name").distinct().count(),
    )


def oldest_waiting() -> datetime | None:
    """Return since when the task waits that waits longest and could be taken."""
    waiting = DBTaskResult.objects.ready().order_by("enqueued_at")
    found: datetime | None = waiting.values_list("enqueued_at", flat=True).first()
    return found


# --- What a worker does with it -------------------------------------------------------------------


def claim(worker: str) -> DBTaskResult[Any, Any] | None:
    """Return the task whose turn it is, marked as this worker's; None when there is none.

    Looks first without a lock: on SQLite an idle worker then never waits for who writes.
    """
    if not DBTaskResult.objects.ready().exists():
        return None
    with transaction.atomic():
        task = _in_turn().select_for_update(skip_locked=True, of=("self",)).first()
        if task is not None:
            task.claim(worker)
    return task


def _in_turn() -> QuerySet[DBTaskResult[Any, Any]]:
    of_user = DBTaskResult.objects.order_by().filter(queue_name=OuterRef("queue_name"))
    running = of_user.running().values("queue_name").annotate(n=Count("pk")).values("n")
    last = of_user.filter(started_at__isnull=False).order_by("-started_at").values("started_at")[:1]
    return (
        DBTaskResult.objects.ready()
        .annotate(
            at_work=Coalesce(Subquery(running, output_field=IntegerField()), 0), last_began=Subquery(last)
        )
        .filter(at_work__lt=AT_ONCE_OF_ONE)
        .order_by("at_work", F("last_began").asc(nulls_first=True), "enqueued_at", "pk")
    )


def take_up_again(worker: str) -> int:
    """Put back what is held by workers that are gone; return how many.

    ``worker`` asks between two tasks: what stands as its own was left when the database was away.
    """
    running = list(DBTaskResult.objects.running())
    if not running:
        return 0
    living, number = beats.living(), 0
    for task in running:
        holder = task.worker_ids[-1] if task.worker_ids else ""
        if holder in living and holder != worker:
            continue
        held = DBTaskResult.objects.filter(
            pk=task.pk, status=TaskResultStatus.RUNNING, started_at=task.started_at
        )
        if len(task.worker_ids) < MOST_ATTEMPTS:
            number += held.update(status=TaskResultStatus.READY)
            logger.warning("task %s of a worker that is gone was put back", task.pk)
        else:
            held.update(
                status=TaskResultStatus.FAILED,
                finished_at=timezone.now(),
                exception_class_path="registry.work.queue.GivenUp",
                traceback=f"begun {len(task.worker_ids)} times, and each time the worker ended",
            )
            logger.error("task %s was given up after %s workers", task.pk, len(task.worker_ids))
    return number


def is_last(context: TaskContext) -> bool:
    """Whether this attempt at a task is the last: then it says itself that it came to nothing."""
    return context.attempt >= MOST_ATTEMPTS


def try_again(task: DBTaskResult[Any, Any]) -> None:
    """Put a task back that the database did not let end: away, or busy for too long."""
    failed = DBTaskResult.objects.filter(pk=task.pk, status=TaskResultStatus.FAILED)
    failed.update(status=TaskResultStatus.READY, run_after=timezone.now() + AGAIN_AFTER)


def _forget_what_is_done() -> int:
    beats.forget_the_gone()
    return int(DBTaskResult.objects.finished().filter(finished_at__lt=timezone.now() - KEPT_FOR).delete()[0])


CLEANERS = (Cleaner("已完成的后台任务", _forget_what_is_done),)


def _keep_house() -> None:
    call_command("housekeeping", short=True, stdout=io.StringIO())


def end_badly(error: Exception, what: str, *, is_last: bool) -> None:
    """Log that ``what`` came to nothing, in the block that caught the error, so that the row can be told.

    Raises the error again where the task will be begun anew: the database went away, and it is not the last
    attempt.
    """
    if isinstance(error, TRANSIENT) and not is_last:
        raise error
    logger.exception("%s came to nothing", what)
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()  # the database may have been what failed


CHORES = (Chore("housekeeping", timedelta(hours=1), _keep_house),)
