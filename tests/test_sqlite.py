"""On SQLite, where one writes at a time: who meets a large import reads on, and is told what goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from registry import locks
from registry.models import Organization
from registry.operations import organizations
from tests.factories import ACTOR, make_organization, make_unit, make_user

pytestmark = [
    pytest.mark.skipif(connection.vendor != "sqlite", reason="elsewhere many write at once"),
    pytest.mark.django_db(transaction=True),
]


@contextmanager
def somebody_writing(seconds: float = 60) -> Iterator[None]:
    """Let somebody else have written, and not be done, while the block runs."""
    begun, end = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with transaction.atomic():
                make_unit()
                begun.set()
                end.wait(timeout=seconds)
        finally:
            connection.close()

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    assert begun.wait(timeout=20)
    try:
        yield
    finally:
        end.set()
        thread.join(timeout=20)


def busy_timeout() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        return int(cursor.fetchone()[0])


def test_who_meets_an_import_reads_on_and_is_told_within_about_a_second() -> None:
    unit = make_unit("ours")
    make_organization(unit, code="there")
    client = Client(raise_request_exception=False)
    client.force_login(make_user("clerk", unit, "clerk"))
    facts = {"kind": "branch", "name": "新支部", "is_temporary": "on", "established_on": "2020-02-03"}
    client.get("/units/ours/register/")
    with somebody_writing():
        assert client.get("/units/ours/").status_code == 200
        assert client.get("/organizations/there/").status_code == 200
        began = time.monotonic()
        answer = client.post("/units/ours/register/", facts)
        assert 0.9 < time.monotonic() - began < 5
        assert (answer.status_code, "正在写入大批数据" in answer.content.decode()) == (503, True)
    assert Organization.objects.count() == 1


def test_an_operation_says_busy_and_who_has_time_waits_longer() -> None:
    unit = make_unit("ours")
    organization = make_organization(unit)

    def dissolve() -> Any:
        return organizations.dissolve_organization(
            actor=ACTOR, organization=organization, on=organization.established_on, reason="测试"
        )

    with somebody_writing(), pytest.raises(locks.Busy):
        dissolve()
    with somebody_writing(1.5), locks.patient(20):
        assert busy_timeout() == 20_000
        dissolve()
    assert busy_timeout() == 1_000
    organization.refresh_from_db()
    assert organization.dissolved_on is not None
