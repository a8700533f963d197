"""What the tests of operations share: a refusal says what is wrong, where, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest

from registry.models import AuditEntry
from registry.refusals import OperationRefused
from tests.counting.recount import Ledger, snapshot
from tests.factories import DAY

WHOLE_FORM = "__all__"


def day(number: int) -> date:
    """So many days after the day on which the factories' organizations are established."""
    return DAY + timedelta(days=number)


@contextmanager
def refusal(field: str, said: str) -> Iterator[pytest.ExceptionInfo[OperationRefused]]:
    """What is done inside must be refused at ``field`` with words that hold ``said``, and change nothing."""
    before = snapshot()
    with pytest.raises(OperationRefused) as told:
        yield told
    assert list(told.value.message_dict) == [field], told.value.message_dict
    assert said in "".join(told.value.message_dict[field])
    assert snapshot() == before


def recorded(verb: str) -> AuditEntry:
    """The newest entry of the record, which must be of ``verb``; all rows must still fit together."""
    entry = AuditEntry.objects.order_by("-pk")[0]
    assert entry.verb == verb
    assert entry.actor == "测试"
    assert Ledger().faults() == []
    return entry


def facts(row: Any, *names: str) -> tuple[Any, ...]:
    """Named columns of a row as the database holds them now."""
    row.refresh_from_db()
    return tuple(getattr(row, name) for name in names)
