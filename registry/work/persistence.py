"""What the worker does when somebody else writes the same: it lets go of everything and tries again."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

from django.db import OperationalError

from registry import locks
from registry.refusals import refuse

T = TypeVar("T")

BUSY = "其他人正在写入同样的单位、组织或人员,等候多时仍未结束。这一次什么都没有写入,请稍后再试。"
PATIENCE = 10.0
"""Seconds that the worker waits for locks while it holds others."""
TRIES, PAUSE = 30, 2.0


def persistently(work: Callable[[], T], *, is_long: bool) -> T:
    """Do work that is all or nothing; refuse it when the locks are not to be had.

    In a request, which is not ``is_long``, there is one try, as long as a user waits for a page.
    """
    for left in reversed(range(TRIES if is_long else 1)):
        try:
            with locks.patient(PATIENCE if is_long else None), _undisturbed() if is_long else nullcontext():
                return work()
        except OperationalError as error:
            if not isinstance(error, locks.Busy) and not locks.is_busy(error):
                raise
            if not left:
                raise refuse(None, BUSY) from None
            time.sleep(PAUSE)
    raise AssertionError("unreachable")


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep Python from looking again and again through a million rows for what is no longer needed.

    An eighth of the time for which the locks are held.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
