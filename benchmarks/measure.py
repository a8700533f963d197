"""Measure the time of a call, and the part of it spent in the database."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import connection

R = TypeVar("R")


@dataclass
class Timing:
    """The seconds of several runs of one thing."""

    whole: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    queries: list[int] = field(default_factory=list)

    @property
    def runs(self) -> int:
        """How often it was run."""
        return len(self.whole)

    @property
    def milliseconds(self) -> float:
        """The median of the whole call."""
        return 1000 * statistics.median(self.whole)

    @property
    def database_milliseconds(self) -> float | None:
        """The median of the time in the database: from sending each statement to having its rows.

        None on SQLite, which runs a statement while its rows are fetched, in the caller's own time.
        """
        if connection.vendor == "sqlite":
            return None
        return 1000 * statistics.median(self.database)

    @property
    def p95_milliseconds(self) -> float:
        """The time that 95 of 100 calls stay below."""
        return 1000 * percentile(self.whole, 95)

    def add(self, whole: float, database: float, queries: int) -> None:
        """Add one run."""
        self.whole.append(whole)
        self.database.append(database)
        self.queries.append(queries)


def compared_by() -> str:
    """Return the column by which ways of reading are compared: the database's time where there is one."""
    return "whole" if connection.vendor == "sqlite" else "database"


def percentile(values: list[float], percent: int) -> float:
    """Return the smallest value that ``percent`` of 100 values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


@dataclass
class InDatabase:
    """The time that one call spent in the database."""

    seconds: float = 0.0
    queries: int = 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Run and time one statement for Django."""
        begin = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += time.perf_counter() - begin
            self.queries += 1


@contextmanager
def one_run(timing: Timing) -> Iterator[None]:
    """Time the block and add it to ``timing``."""
    spent = InDatabase()
    with connection.execute_wrapper(spent):
        begin = time.perf_counter()
        yield
        whole = time.perf_counter() - begin
    timing.add(whole, spent.seconds, spent.queries)


def timed(call: Callable[[], R], *, runs: int = 9, seconds: float = 60.0) -> tuple[R, Timing]:
    """Return the result of ``call`` and the times of ``runs`` runs; fewer when ``seconds`` are over.

    The first run warms the caches and does not count, unless it took a tenth of ``seconds``.
    """
    timing = Timing()
    begin = time.perf_counter()
    with one_run(timing):
        result = call()
    if timing.whole[0] < seconds / 10:
        timing = Timing()
    while timing.runs < runs and (not timing.runs or time.perf_counter() - begin < seconds):
        with one_run(timing):
            result = call()
    return result, timing
