"""The workers' signs of life: each says every few seconds, on a connection of its own, that it lives.

On SQLite nothing can be written while the one writer writes, so there a worker touches a file beside the
database instead: its time is the sign, and says the truth also in the middle of a long write.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from django.db import Error, connection
from django.utils import timezone

from registry.work.models import Worker

logger = logging.getLogger(__name__)

BEAT = 2.0
"""Seconds between two signs of life."""
SILENT_AFTER = timedelta(seconds=15)
"""Who gave no sign for so long is gone."""
FORGOTTEN_AFTER = timedelta(days=1)


def beat(name: str) -> None:
    """Say that this worker lives."""
    if (file := _file(name)) is not None:
        file.touch(mode=0o600)
        return
    Worker.objects.update_or_create(
        pk=name,
        defaults={"seen_at": timezone.now()},
        create_defaults={"host": socket.gethostname()[:100], "process": os.getpid()},
    )


def stop(name: str) -> None:
    """Say that this worker ends."""
    if (file := _file(name)) is not None:
        file.unlink(missing_ok=True)
        return
    with suppress(Error):
        Worker.objects.filter(pk=name).delete()


def living() -> dict[str, datetime]:
    """Return the workers that live, each with the time of its last sign."""
    return _signs(timezone.now() - SILENT_AFTER)


def last_sign() -> datetime | None:
    """Return when a worker was last heard of; None where none was within a day, or it ended well."""
    return max(_signs(timezone.now() - FORGOTTEN_AFTER).values(), default=None)


def _signs(since: datetime) -> dict[str, datetime]:
    if (pattern := _file("*")) is not None:
        return {name: at for name, at in _touched(pattern) if at >= since}
    return dict(Worker.objects.filter(seen_at__gte=since).values_list("name", "seen_at"))


def forget_the_gone() -> None:
    """Remove what those left that were killed long ago."""
    since = timezone.now() - FORGOTTEN_AFTER
    if (pattern := _file("*")) is not None:
        for name, at in _touched(pattern):
            if at < since:
                stop(name)
    else:
        Worker.objects.filter(seen_at__lt=since).delete()


@contextmanager
def beating(name: str) -> Iterator[None]:
    """Give signs of life until the end of the block, whatever block and database do meanwhile."""
    if _is_in_memory():  # of a test, which has one connection
        beat(name)
        yield
        stop(name)
        return
    ended = threading.Event()

    def run() -> None:
        while True:
            try:
                beat(name)
            except (Error, OSError) as error:
                logger.warning("no sign of life could be given: %s", error)
                with suppress(Error):
                    connection.close()
            if ended.wait(BEAT):
                break
        with suppress(Error, OSError):
            stop(name)
        with suppress(Error):
            connection.close()

    thread = threading.Thread(target=run, name="signs-of-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=5)


def _file(name: str) -> Path | None:
    """Return the file that a worker touches; None where its sign is a row."""
    if connection.vendor != "sqlite" or _is_in_memory():
        return None
    return Path(f"{connection.settings_dict['NAME']}-worker-{name}")


def _is_in_memory() -> bool:
    place = str(connection.settings_dict["NAME"])
    return connection.vendor == "sqlite" and (":memory:" in place or "mode=memory" in place)


def _touched(pattern: Path) -> Iterator[tuple[str, datetime]]:
    for file in pattern.parent.glob(pattern.name):
        with suppress(FileNotFoundError):
            at = datetime.fromtimestamp(file.stat().st_mtime, tz=timezone.get_current_timezone())
            yield file.name.removeprefix(pattern.name.removesuffix("*")), at
