"""Checks that the tests of operations share: of a refusal, of the newest entry of the record, of a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest

from registry.counting.totals.check import differences
from registry.models import AuditEntry
from registry.refusals import OperationRefused
from registry.trees.check import check_all
from tests.counting.recount import Ledger, snapshot
from tests.factories import DAY

WHOLE_FORM = "__all__"


def day(number: int) -> date:
    """The day this many days after the factories' organizations were established."""
    return DAY + timedelta(days=number)


@contextmanager
def refusal(field: str, said: str) -> Iterator[pytest.ExceptionInfo[OperationRefused]]:
    """Check that the block is refused at ``field``, with ``said`` in the text, and changes nothing."""
    before = snapshot()
    with pytest.raises(OperationRefused) as caught:
        yield caught
    assert list(caught.value.message_dict) == [field], caught.value.message_dict
    assert said in "".join(caught.value.message_dict[field])
    assert snapshot() == before


def recorded(verb: str) -> AuditEntry:
    """Return the newest entry of the record, which must be of ``verb``; check that all rows still agree."""
    entry = AuditEntry.objects.order_by("-pk")[0]
    assert entry.verb == verb
    assert entry.actor == "测试"
    assert Ledger().faults() == []
    return entry


def sound() -> None:
    """Check that totals, trees and rows agree."""
    assert (differences(), list(check_all()), Ledger().faults()) == ([], [], [])


def facts(row: Any, *names: str) -> tuple[Any, ...]:
    """Return these columns of a row as they are in the database now."""
    row.refresh_from_db()
    return tuple(getattr(row, name) for name in names)
