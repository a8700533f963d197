"""``manage.py migrate``: Django's own, one at a time, which waits for nobody long and fills new totals."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from registry import locks
from registry.counting.totals.check import fill_missing
from registry.management.soundness import need_sound_database

WAIT = 60.0
"""Seconds to wait for another ``migrate``."""
_MIGRATING = 7110
"""The advisory lock (``registry.locks`` has the others)."""


class Command(migrate.Command):
    def execute(self, *args: Any, **options: Any) -> Any:
        """Run it alone, unless the database is not sound: its checks already ask the database."""
        connection = connections[options["database"]]
        with _alone(connection):
            need_sound_database(connection, check="quick_check")
            return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate. Raises ``CommandError`` when a table in use was waited for in vain."""
        try:
            super().handle(*args, **options)
            whole = not (options["app_label"] or options["plan"] or options["check_unapplied"])
            if whole and options["database"] == DEFAULT_DB_ALIAS:
                fill_missing()
        except OperationalError as error:
            if not isinstance(error, locks.Busy) and not locks.is_busy(error):
                raise
            raise CommandError(
                "要变更的表正在写入(例如正在导入),没有等到,这一步没有作任何改动。请稍后再运行 migrate。"
            ) from error


@contextmanager
def _alone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Migrate when no other ``migrate`` does: two would each make the same tables."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            _wait(lambda: _answer(cursor, f"SELECT pg_try_advisory_lock({_MIGRATING}, 0)"))
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT pg_advisory_unlock({_MIGRATING}, 0)")
        return
    place = Path(str(connection.settings_dict["NAME"])).parent
    if connection.is_in_memory_db() or not place.is_dir():  # type: ignore[attr-defined]
        yield
        return
    folder = os.open(place, os.O_RDONLY)
    try:
        _wait(lambda: _locked(folder))
        yield
    finally:
        os.close(folder)


def _answer(cursor: Any, question: str) -> bool:
    cursor.execute(question)
    return bool(cursor.fetchone()[0])


def _locked(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(take: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not take():
        if time.monotonic() > end:
            raise CommandError("另一个 migrate 正在进行,没有等到。请待它结束后再运行。")
        time.sleep(0.2)
