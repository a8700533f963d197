"""The worker: takes what waits, one task after the other, and outlives its database.

``django_tasks_db`` has the task, the table and how a task is run; its own loop ends with the first error of
the database, takes no turns and leaves what a killed worker held. So the loop is ours (decision 0036).
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

from django.db import Error, close_old_connections, connection
from django.utils.crypto import get_random_string
from django.utils.module_loading import import_string
from django_tasks_db.management.commands import db_worker
from django_tasks_db.models import DBTaskResult

from registry import nouns
from registry.models.faults import is_read_only
from registry.work import beats, queue
from registry.work.queue import Chore

logger = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
"""Seconds until the database is asked again after an error; twice as long after each further one."""
LOOKS_EVERY = 5.0
"""Seconds between two looks for tasks whose worker is gone."""


class Worker(db_worker.Worker):
    """One worker process."""

    def __init__(self, *, interval: float = 1.0, batch: bool = False, name: str = "") -> None:
        super().__init__(
            queue_names=["*"],
            interval=interval,
            batch=batch,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=name or get_random_string(20),
            excluded_queue_names=[],
        )
        self._chores: list[Chore] = nouns.handed_up("chores")
        self._due: dict[str, float] = {}
        self._looked: float | None = None

    def run(self) -> None:
        """Work until told to stop; with ``batch`` until nothing waits."""
        logger.info("worker %s began", self.worker_id)
        with beats.beating(self.worker_id):
            wait = FIRST_WAIT
            while self.running:
                try:
                    close_old_connections()
                    if is_read_only() and not self.batch:  # what waits is done afterwards
                        time.sleep(self.interval)
                        continue
                    did_something = self.step()
                    if not (did_something or self.batch):
                        self._do_chores()
                except Error as error:
                    logger.warning("the database does not answer, trying again in %s s: %s", wait, error)
                    connection.close()
                    self._looked = None
                    time.sleep(wait)
                    wait = min(2 * wait, LONGEST_WAIT)
                    continue
                wait = FIRST_WAIT
                if did_something or not self.running:
                    continue
                if self.batch:
                    return
                time.sleep(self.interval)

    def step(self) -> bool:
        """Do the next task; return whether there was one."""
        now = time.monotonic()
        if self._looked is None or now - self._looked >= LOOKS_EVERY:
            queue.take_up_again(self.worker_id)
            self._looked = now
        task = queue.claim(self.worker_id)
        if task is None:
            return False
        self._looked = None  # should it be left unfinished, that is seen at once
        self.run_task(task)
        return True

    def run_task(self, db_task_result: DBTaskResult[Any, Any]) -> None:
        """Run a task; one that the database did not let end is begun again a little later."""
        super().run_task(db_task_result)
        failed, attempts = db_task_result.exception_class_path, len(db_task_result.worker_ids)
        is_transient = bool(failed) and issubclass(import_string(failed), queue.TRANSIENT)
        if is_transient and attempts < queue.MOST_ATTEMPTS:
            queue.try_again(db_task_result)

    def _do_chores(self) -> None:
        now = time.monotonic()
        for chore in self._chores:
            if not self.running or self._due.get(chore.name, 0.0) > now:
                continue
            self._due[chore.name] = now + max(chore.every, timedelta(seconds=1)).total_seconds()
            try:
                chore.do()
            except Error:
                raise
            except Exception:
                logger.exception("the chore %r failed", chore.name)
