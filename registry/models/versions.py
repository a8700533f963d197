"""What is worked out of all rows of a small table, kept in each process until one of them changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar

from registry.models.base import Registered
from registry.models.hierarchy import remembered
from registry.models.prepared import Values, read_rows

T = TypeVar("T")


def kept_until_changed(*models: type[Registered]) -> Callable[[Callable[[], T]], Callable[[], T]]:
    """Keep what a function returns until a row of the models is added, written or removed, by any process.

    That is asked by one small query a model, once in a request that only reads. It is seen by key, version
    and time of each row, which nobody has to remember to renew, and an act taken back renews, too.
    """

    def keep(make: Callable[[], T]) -> Callable[[], T]:
        kept: tuple[Any, T] | None = None

        @wraps(make)
        def found() -> T:
            nonlocal kept
            versions, known = remembered(found, partial(_versions, models)), kept
            if known is None or known[0] != versions:
                # The rows may be newer than these versions: then they are read once more next time.
                kept = known = versions, make()
            return known[1]

        return found

    return keep


def _versions(models: tuple[type[Registered], ...]) -> list[list[tuple[Any, ...]]]:
    return [read_rows(_rows, [], model, planned_once=True) for model in models]


def _rows(_values: Values, model: type[Registered]) -> Any:
    return model._base_manager.order_by("pk").values_list("pk", "version", "updated_at")
