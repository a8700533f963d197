"""The record: complete, append-only, sealed in batches, and what the proof finds."""

from __future__ import annotations

import ast
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

import registry
from registry import audit, nouns
from registry.audit import Actor, plain
from registry.audit import seals as record
from registry.audit.proving import Proof, check_record, keep
from registry.audit.seals import FIRST, not_sealed, seal_all, seal_entries
from registry.models import AuditEntry, AuditSeal, SealedEntry, guards
from registry.models.audit import AppendOnlyError
from registry.operations import units
from registry.refusals import OperationRefused
from tests.factories import ACTOR, make_campaign, make_unit, make_user

pytestmark = pytest.mark.django_db
SOURCES = Path(registry.__file__).parent


def entry(subject: str = "某事") -> AuditEntry:
    return audit.record_event(ACTOR, "export", subject=subject)


def entries(number: int) -> list[AuditEntry]:
    return [entry(f"第 {place} 件") for place in range(number)]


def faults(known: str = "") -> list[str]:
    return [str(fault) for fault in check_record(Proof(), known)]


@contextmanager
def without_guards() -> Iterator[None]:
    """As somebody who rules the database can do it."""
    guards.drop()
    try:
        yield
    finally:
        guards.install()


def by_hand(sql: str, *values: Any) -> None:
    with without_guards(), connection.cursor() as cursor:
        cursor.execute(sql, values)


# What an entry holds


def test_an_event_without_a_row() -> None:
    unit, user = make_unit(), make_user("li")
    actor = Actor(user, "李", "10.1.2.3", "abc123")
    made = audit.record_event(actor, "login", subject="li", unit=unit, after={"on": date(2020, 2, 1)})
    made.refresh_from_db()
    assert (made.user, made.actor, made.address, made.request_number) == (user, "李", "10.1.2.3", "abc123")
    assert (made.verb, made.noun, made.object_id, made.object_name) == ("login", "", None, "li")
    assert (made.unit, made.before, made.after) == (unit, {}, {"on": "2020-02-01"})


def test_a_row_is_held_by_key_and_name() -> None:
    campaign = make_campaign()
    assert plain(campaign) == {"pk": campaign.pk, "text": "疫情防控"}
    assert plain([campaign, None, date(2020, 2, 1)]) == [plain(campaign), None, "2020-02-01"]
    assert plain({"a": campaign}) == {"a": plain(campaign)}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the bare name of what it calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), node


def texts(node: ast.AST) -> set[str]:
    """The words an expression can be: a text, or one of two."""
    found = [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]
    return {each.value for each in found if isinstance(each, ast.Constant) and isinstance(each.value, str)}


RECORDING = (
    "record",
    "record_each",
    "record_changes",
    "record_event",
    "entry",
    "_record",
    "_step",
    "_set_state",
)
"""The functions whose second argument is the verb."""


def test_every_verb_in_the_code_has_its_word() -> None:
    """Whoever adds what is recorded declares its verb."""
    written: set[str] = set()
    for path in SOURCES.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name, call in calls(tree):
            if name in RECORDING and len(call.args) > 1:
                written |= texts(call.args[1])
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and any(getattr(to, "id", "") == "verb" for to in node.targets):
                written |= texts(node.value)
    assert {"edit_unit", "change_role", "transfer_organization"} <= written
    assert written - set(nouns.all_verbs()) == set()


def test_every_operation_records() -> None:
    """Each function marked as an operation reaches the record, itself or through what it calls."""
    called: dict[str, set[str]] = {}
    operations: list[str] = []
    for path in SOURCES.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                called.setdefault(node.name, set()).update(name for name, _call in calls(node))
                if any(getattr(mark, "id", "") == "operation" for mark in node.decorator_list):
                    operations.append(node.name)
    records = {"record", "record_event"}
    while more := {name for name, names in called.items() if names & records} - records:
        records |= more
    assert len(operations) > 30
    silent = {
        # Tidying of sessions, each a part of what is recorded: a login, a new password.
        *("forget_sessions", "forget_ended_sessions", "spend_one_time_password"),
    }
    assert set(operations) - records == silent


# Append-only


def test_the_application_neither_changes_nor_removes_an_entry() -> None:
    made = entry()
    made.reason = "改"
    for attempt in (
        made.save,
        made.delete,
        lambda: AuditEntry.objects.update(reason="改"),
        lambda: AuditEntry.objects.filter(pk=made.pk).delete(),
        lambda: AuditEntry.objects.bulk_update([made], ["reason"]),
        lambda: AuditEntry._base_manager.all().delete(),
        lambda: AuditEntry._base_manager.update(reason="改"),
    ):
        with pytest.raises(AppendOnlyError):
            attempt()
    made.refresh_from_db()
    assert made.reason == ""


@pytest.mark.parametrize("table", list(guards.APPEND_ONLY.values()))
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_database_neither_changes_nor_removes_a_row(table: str, statement: str) -> None:
    entry()
    seal_entries()
    keep(Proof())
    name = next(name for name, guarded in guards.APPEND_ONLY.items() if guarded == table)
    with pytest.raises(IntegrityError, match=name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))
    assert (AuditEntry.objects.count(), AuditSeal.objects.count(), SealedEntry.objects.count()) == (1, 1, 1)


def test_the_guards_of_the_record_are_missed() -> None:
    name = "guard_auditentry_append_only"
    gone = name if connection.vendor == "postgresql" else f"{name}_delete"
    on = " ON registry_auditentry" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {gone}{on}")
    assert guards.missing() == [gone]
    guards.install()
    assert guards.missing() == []


# Seals


def test_seals_hold_each_other() -> None:
    first = entries(3)
    one = seal_entries()
    second = entries(2)
    two = seal_entries()
    assert one is not None
    assert two is not None
    assert (one.number, one.count, one.previous) == (1, 3, FIRST)
    assert (two.number, two.count, two.previous) == (2, 2, one.digest)
    assert [row.entry for row in one.entries.order_by("place")] == first
    assert [row.entry for row in two.entries.order_by("place")] == second
    assert seal_entries() is None
    assert faults() == []


def test_an_entry_that_is_committed_late_goes_into_a_later_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    late, early = entry("晚"), entry("早")
    hidden = AuditEntry.objects.exclude(pk=late.pk)
    with monkeypatch.context() as patch:
        patch.setattr(record, "unsealed", lambda: hidden.filter(sealed__isnull=True).order_by("pk"))
        seal_entries()
    seal_entries(everything=False)
    assert early.sealed.seal.number == 1
    assert late.pk < early.pk
    assert late.sealed.seal.number == 2
    assert faults() == []


def test_a_long_record_is_sealed_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "BATCH", 4)
    entries(10)
    assert [seal.count for seal in seal_all()] == [4, 4, 2]
    assert faults() == []
    assert not_sealed() == 0


def test_a_proof_asks_as_many_queries_for_a_seal_whatever_it_holds(
    django_assert_max_num_queries: Any,
) -> None:
    entries(1)
    seal_entries()
    entries(40)
    seal_entries()
    with django_assert_max_num_queries(7):
        assert faults() == []


def test_a_changed_entry_is_named() -> None:
    made = entries(3)
    seal_entries()
    by_hand("UPDATE registry_auditentry SET reason = 'x' WHERE id = %s", made[1].pk)
    found = faults()
    assert len(found) == 1
    assert f"记录 {made[1].pk}" in found[0]
    assert "第 1 号封存" in found[0]
    assert "entry changed" in found[0]


@pytest.mark.parametrize(
    "change",
    [
        "at = '2020-01-01 00:00:00+00:00'",
        "actor = 'x'",
        "address = 'x'",
        "request_number = 'x'",
        "verb = 'x'",
        "noun = 'x'",
        "object_id = 99",
        "object_name = 'x'",
        "effective_on = '2020-01-01'",
        "before = '{\"a\": 1}'",
        "after = '{\"a\": 1}'",
        "reason = 'x'",
        "undoes_id = id",
    ],
)
def test_a_change_of_any_column_is_found(change: str) -> None:
    made = entry()
    seal_entries()
    by_hand(f"UPDATE registry_auditentry SET {change} WHERE id = %s", made.pk)
    assert [("entry changed" in fault) for fault in faults()] == [True]


def test_a_changed_user_or_unit_is_found() -> None:
    made, user, unit = entry(), make_user(), make_unit()
    seal_entries()
    by_hand("UPDATE registry_auditentry SET user_id = %s WHERE id = %s", user.pk, made.pk)
    assert len(faults()) == 1
    by_hand("UPDATE registry_auditentry SET user_id = NULL, unit_id = %s WHERE id = %s", unit.pk, made.pk)
    assert len(faults()) == 1


def test_a_removed_entry_is_missed() -> None:
    made = entries(3)
    seal_entries()
    by_hand("DELETE FROM registry_sealedentry WHERE entry_id = %s", made[1].pk)
    by_hand("DELETE FROM registry_auditentry WHERE id = %s", made[1].pk)
    found = faults()
    assert len(found) == 1
    assert "应有 3 条记录,少了 1 条(序位 2)" in found[0]
    assert "entry removed" in found[0]


def test_an_entry_changed_together_with_its_digest() -> None:
    made = entries(2)
    seal_entries()
    by_hand("UPDATE registry_auditentry SET reason = 'x' WHERE id = %s", made[0].pk)
    made[0].refresh_from_db()
    digest = record.entry_digest(made[0])
    by_hand("UPDATE registry_sealedentry SET digest = %s WHERE entry_id = %s", digest, made[0].pk)
    assert ["seal changed" in fault for fault in faults()] == [True]


def test_a_removed_seal_is_missed() -> None:
    for _ in range(3):
        entry()
        seal_entries()
    second = AuditSeal.objects.get(number=2)
    by_hand("DELETE FROM registry_sealedentry WHERE seal_id = %s", second.pk)
    by_hand("DELETE FROM registry_auditseal WHERE number = 2")
    found = faults()
    assert found == ["第 3 号封存:它之前的第 2 号封存被删除(seal removed)"]
    assert not_sealed() == 1


def test_a_seal_made_anew_no_longer_fits_the_next() -> None:
    made = entries(1)
    seal_entries()
    entry()
    seal_entries()
    by_hand("UPDATE registry_auditentry SET reason = 'x' WHERE id = %s", made[0].pk)
    made[0].refresh_from_db()
    digest = record.entry_digest(made[0])
    seal = AuditSeal.objects.get(number=1)
    by_hand("UPDATE registry_sealedentry SET digest = %s WHERE entry_id = %s", digest, made[0].pk)
    by_hand("UPDATE registry_auditseal SET digest = %s WHERE number = 1", record.seal_digest(seal, [digest]))
    assert faults() == [
        "第 1 号封存:不是用本系统的密钥做的,是伪造的或被改动(seal forged)",
        "第 2 号封存:与前一号封存不衔接,其一被改动(chain broken)",
    ]


def test_a_digest_that_was_written_down_finds_out_what_was_wholly_rewritten() -> None:
    made = entry()
    seal = seal_entries()
    assert seal is not None
    assert faults(seal.digest) == []
    by_hand("DELETE FROM registry_sealedentry")
    by_hand("DELETE FROM registry_auditseal")
    by_hand("UPDATE registry_auditentry SET reason = 'x' WHERE id = %s", made.pk)
    seal_entries()
    assert faults() == []
    assert ["known seal missing" in fault for fault in faults(seal.digest)] == [True]


# Sealing as one goes


def test_nothing_is_sealed_before_it_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "LOOK_EVERY", 0.0)
    entry()
    record.seal_when_due()
    assert AuditSeal.objects.count() == 1  # the first at once
    entry()
    record.seal_when_due()
    assert AuditSeal.objects.count() == 1
    monkeypatch.setattr(record, "DUE_AT", 1)
    record.seal_when_due()
    assert AuditSeal.objects.count() == 2
    entry()
    monkeypatch.setattr(record, "DUE_AT", 500)
    monkeypatch.setattr(record, "DUE_AFTER", timedelta(0))
    record.seal_when_due()
    assert AuditSeal.objects.count() == 3
    assert faults() == []


def test_it_is_looked_at_only_now_and_then(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    record.seal_when_due()
    with django_assert_num_queries(0):
        record.seal_when_due()


def test_a_seal_that_fails_does_not_fail_the_operation(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def fails() -> None:
        raise RuntimeError("no seal today")

    monkeypatch.setattr(record, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(record, "_is_due", fails)
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        unit = make_unit()
    assert callbacks
    assert unit.pk
    assert not AuditSeal.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_operation_seals_after_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "LOOK_EVERY", 0.0)
    make_unit()
    assert AuditSeal.objects.get().count == 1
    with pytest.raises(OperationRefused):
        units.add_unit(actor=ACTOR, code="WRONG CODE", name="", kind="bureau", superior=None)
    assert AuditEntry.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_who_seals_does_not_stand_in_the_way_of_who_writes_or_seals() -> None:
    """While one seals in an open transaction, another writes, looks, and goes on at once."""
    entry()
    seen: list[Any] = []

    def other() -> None:
        try:
            seen.append(entry("同时").pk)
            seen.append(seal_entries(wait=False))
        finally:
            connection.close()

    with transaction.atomic():
        assert seal_entries() is not None
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(timeout=20)
        assert not thread.is_alive()
    assert seen[1] is None
    assert not_sealed() == 1
    assert seal_entries() is not None
    assert faults() == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_on_sqlite_a_seal_does_not_wait_for_another_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "LOOK_EVERY", 0.0)
    entry()
    started, go_on = threading.Event(), threading.Event()

    def writer() -> None:
        try:
            with transaction.atomic():
                entry("长")
                started.set()
                go_on.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=writer)
    thread.start()
    assert started.wait(20)
    before = timezone.now()
    record.seal_when_due()
    assert timezone.now() - before < timedelta(seconds=5)
    go_on.set()
    thread.join(20)
    assert AuditSeal.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone()[0] == 1_000
    record.seal_when_due()
    assert AuditSeal.objects.get().count == 2


# The commands


def said(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def test_the_commands() -> None:
    assert "校验了 0 个封存、0 条记录;尚未封存 0 条。" in said("checkaudit")
    entries(3)
    assert "尚未封存 3 条" in said("checkaudit")
    assert "封存了 3 条记录,1 批。" in said("sealaudit")
    digest = AuditSeal.objects.get().digest
    assert f"第 1 号,校验值 {digest}" in said("sealaudit")
    told = said("checkaudit", "--known", digest)
    assert "校验了 1 个封存、3 条记录;尚未封存 0 条。" in told
    assert "无改动、无删除" in told


def test_the_command_fails_on_a_break() -> None:
    made = entry()
    seal_entries()
    by_hand("UPDATE registry_auditentry SET reason = 'x' WHERE id = %s", made.pk)
    out = io.StringIO()
    with pytest.raises(CommandError, match="发现 1 处问题"):
        call_command("checkaudit", stdout=out)
    assert "entry changed" in out.getvalue()
    with pytest.raises(CommandError, match="发现 2 处问题"):
        call_command("checkaudit", "--known", "0" * 63 + "1", stdout=out)
