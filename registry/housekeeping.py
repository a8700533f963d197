"""What is kept for a while only goes by itself: by the worker, a command, and whoever saves something.

Apps hand their cleaners up as ``cleaners``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import Error

from registry import nouns
from registry.models.faults import is_read_only

logger = logging.getLogger(__name__)

EVERY = 3600.0
"""Seconds after which a process that serves pages cleans again."""
_last: list[float] = []


@dataclass(frozen=True)
class Cleaner:
    """Removes what is too old; returns how many rows went. It bears that two processes do it at once."""

    name: str
    do: Callable[[], int]
    is_quick: bool = True
    """Whether somebody who saves a form may wait for it; the others are for the worker and the command."""


def clean(*, only_quick: bool = False) -> dict[str, int]:
    """Run every cleaner, unless the registry is read-only; when one fails, the others still run."""
    done: dict[str, int] = {}
    if is_read_only():
        return done
    for cleaner in nouns.handed_up("cleaners"):
        if only_quick and not cleaner.is_quick:
            continue
        try:
            done[cleaner.name] = cleaner.do()
        except Error as error:
            logger.warning("%s: not cleaned now: %s", cleaner.name, error)
        except Exception:
            logger.exception("%s: could not be cleaned", cleaner.name)
    return done


def clean_when_due() -> None:
    """Clean what is quick, once an hour in each process: nothing grows for ever where there is no timer."""
    now = time.monotonic()
    if not _last or now - _last[0] >= EVERY:
        _last[:] = [now]
        clean(only_quick=True)
