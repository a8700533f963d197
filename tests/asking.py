"""How many questions something asks the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext


def queries(ask: Callable[[], Any]) -> int:
    """Return how many questions the database is asked."""
    with CaptureQueriesContext(connection) as asked:
        ask()
    return len(asked)


def queries_again(ask: Callable[[], Any]) -> int:
    """Return the same when it is asked for the second time: what is read once is there already."""
    ask()
    return queries(ask)
