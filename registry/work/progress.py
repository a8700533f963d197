"""Saying how far long work is, while it is done: every few seconds, on a connection of its own.

The work may be one long transaction that nobody sees into, or be reading: on SQLite who reads does not write.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import DatabaseError, connection

logger = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two words."""


Progress = Callable[[int], None]
"""What long work calls with how much is done."""


def no_progress(done: int) -> None:
    """Do nothing: nobody waits for it."""


class Abandoned(Exception):
    """It was cancelled, or somebody else began it anew: whoever works on it stops."""


@dataclass
class Beat:
    """How far the work is, and whether it is still wanted."""

    done: int = 0
    is_lost: bool = False

    def __call__(self, done: int) -> None:
        self.done = done
        if self.is_lost:
            raise Abandoned


@contextmanager
def beating(what: str, say: Callable[[int], int]) -> Iterator[Beat]:
    """Have ``say`` told every few seconds how much is done; it returns 0 when that is not wanted any more."""
    beat, ended = Beat(), threading.Event()

    def run() -> None:
        try:
            while not ended.wait(EVERY):
                try:
                    if not say(beat.done):
                        beat.is_lost = True
                        return
                except DatabaseError as error:  # SQLite: its one writer is the work itself
                    logger.info("%s: not said that it goes on: %s", what, error)
                    connection.close()
        finally:
            connection.close()

    thread = threading.Thread(target=run, name=what, daemon=True)
    thread.start()
    try:
        yield beat
    finally:
        ended.set()
        thread.join(timeout=30)
