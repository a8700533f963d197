"""What `checkaudit` finds that seals alone do not show: emptied, cut, sealed anew, dated back, forged."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from registry.audit import copies, keys
from registry.audit import seals as record
from registry.audit.proving import Proof, check_record, wanting
from registry.audit.seals import FIRST, seal_all, seal_entries
from registry.models import AuditEntry, AuditProof, AuditSeal, SealedEntry, guards
from tests.audit.test_audit import by_hand, entries, entry, without_guards
from tests.factories import logged_in, make_unit

pytestmark = pytest.mark.django_db

OURS, THEIRS = "our-key-" + "0123456789" * 4, "their-key-" + "0123456789" * 4


@pytest.fixture(autouse=True)
def key(settings: Any) -> None:
    settings.SEAL_KEYS = [OURS]


@pytest.fixture
def copy(settings: Any, tmp_path: Path) -> Path:
    """The file of the bureau."""
    settings.SEAL_COPY = tmp_path / "copy.txt"
    return tmp_path / "copy.txt"


def faults() -> list[str]:
    return [str(fault) for fault in check_record(Proof())]


def kinds() -> list[str]:
    """The English word at the end of each fault."""
    return [fault.rpartition("(")[2].rstrip(")") for fault in faults()]


def sealed(number: int = 1) -> AuditSeal:
    """A seal of so many new entries."""
    entries(number)
    made = seal_entries()
    assert made is not None
    return made


def said(command: str) -> tuple[str, str]:
    """What a command printed, and its complaint."""
    out = io.StringIO()
    try:
        call_command(command, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def empty(*tables: str) -> None:
    for table in tables or ("sealedentry", "auditseal", "auditentry"):
        by_hand(f"DELETE FROM registry_{table}")


# Emptied and cut


def test_an_emptied_record_does_not_fit_the_copy(copy: Path) -> None:
    sealed()
    copies.write_copy()
    assert faults() == []
    empty()
    assert kinds() == ["emptied"]
    assert "库外另存到第 1 号封存" in faults()[0]


def test_an_emptied_record_of_a_registry_in_use_shows_by_itself() -> None:
    assert faults() == []
    make_unit()
    empty()
    assert faults() == ["登记系统中有单位或用户,操作记录却是空的:记录被清空(emptied)"]


def test_emptied_seals_show_by_themselves_when_the_record_is_older() -> None:
    made = entry()
    assert faults() == []
    by_hand("UPDATE registry_auditentry SET at = '2020-02-01 00:00:00+00:00' WHERE id = %s", made.pk)
    assert kinds() == ["no seals"]


def test_a_tail_cut_with_its_seals_does_not_fit_the_copy(copy: Path) -> None:
    for _number in range(3):
        last = sealed()
    copies.write_copy()
    entry_pk = last.entries.get().entry_id
    by_hand("DELETE FROM registry_sealedentry WHERE seal_id = %s", last.pk)
    by_hand("DELETE FROM registry_auditseal WHERE id = %s", last.pk)
    by_hand("DELETE FROM registry_auditentry WHERE id = %s", entry_pk)
    assert kinds() == ["cut off"]
    assert "库外另存到第 3 号封存" in faults()[0]
    assert "只到第 2 号:记录被截去或删除了 1 号" in faults()[0]
    # and what is sealed over it later does not hide it
    sealed()
    assert kinds() == ["sealed anew"]


def test_without_a_copy_it_is_said_what_cannot_be_seen() -> None:
    assert "没有设置库外另存,记录的末尾被截去或全部被清空时查不出来" in list(wanting())


# Sealed anew, and forged


def seal_again() -> None:
    """As somebody who rules the database: change the record and make all seals anew."""
    empty("sealedentry", "auditseal")
    by_hand("UPDATE registry_auditentry SET reason = 'x'")
    list(seal_all())


def test_seals_made_anew_with_another_key_are_not_proven(settings: Any) -> None:
    sealed()
    settings.SEAL_KEYS = [THEIRS]
    seal_again()
    settings.SEAL_KEYS = [OURS]
    assert kinds() == ["key unknown"]


def test_nor_when_they_bear_the_name_of_our_key(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed()
    ours = next(keys.names())
    settings.SEAL_KEYS = [THEIRS]
    monkeypatch.setattr(keys, "name_of", lambda key: ours)
    seal_again()
    monkeypatch.undo()
    settings.SEAL_KEYS = [OURS]
    assert kinds() == ["seal forged"]


def test_with_our_own_key_they_do_not_fit_the_copy(copy: Path) -> None:
    sealed()
    copies.write_copy()
    seal_again()
    assert kinds() == ["sealed anew"]


def forged(number: int) -> AuditSeal:
    made: AuditSeal = AuditSeal.objects.create(
        number=number,
        made_at=timezone.now() + timedelta(days=9000),
        count=1,
        previous=FIRST,
        digest="f" * 64,
        key=next(keys.names()),
        keyed="f" * 64,
    )
    return made


@pytest.mark.parametrize("number", [2, 3, 10**11, 2**63 - 1])
def test_a_forged_number_stops_nobody(number: int) -> None:
    sealed()
    forged(number)
    entries(2)
    assert "封存了 2 条记录,1 批。" in said("sealaudit")[0]
    newest = record.newest()
    assert newest is not None
    assert newest.number == (3 if number == 2 else 2)
    entry()
    assert "封存了 1 条记录,1 批。" in said("sealaudit")[0]
    assert any(f"第 {number} 号封存:不是用本系统的密钥做的" in fault for fault in faults())
    assert not any("seal removed" in fault or "chain broken" in fault for fault in faults())


def test_what_is_counted_to_a_forged_seal_is_missed() -> None:
    """Whoever may add rows marks an entry as sealed, to keep it from the seals."""
    sealed()
    hidden = entry()
    SealedEntry.objects.create(entry=hidden, seal=forged(2), place=1, digest=record.entry_digest(hidden))
    assert "seal forged" in kinds()


def test_a_new_key_proves_beside_the_old(settings: Any) -> None:
    sealed()
    settings.SEAL_KEYS = [THEIRS, OURS]
    assert sealed().key == keys.name_of(THEIRS) != keys.name_of(OURS)
    assert faults() == []
    settings.SEAL_KEYS = [THEIRS]
    assert kinds() == ["key unknown"]
    assert "请把旧密钥也写入 SEAL_KEY" in faults()[0]
    assert sealed().number == 3  # and it goes on


# Dated back


def test_a_later_entry_with_an_earlier_time() -> None:
    entries(2)
    made = entry("倒填")
    by_hand("UPDATE registry_auditentry SET at = '2020-02-01 00:00:00+00:00' WHERE id = %s", made.pk)
    assert kinds() == ["dated back"]  # before it is sealed, too
    list(seal_all())
    assert kinds() == ["dated back"]
    assert f"记录 {made.pk}(2020-02-01 08:00" in faults()[0]


def test_an_earlier_key_that_was_free() -> None:
    free = entry("占位").pk
    by_hand("DELETE FROM registry_auditentry WHERE id = %s", free)
    sealed(2)
    AuditEntry(pk=free, actor="x", verb="export", object_name="插入").save(force_insert=True)
    list(seal_all())
    assert faults() == []  # it may have been written at that time and committed late
    newer = record.newest()
    assert newer is not None
    empty("sealedentry", "auditseal")
    by_hand("DELETE FROM registry_auditentry WHERE id = %s", free)
    list(seal_all())
    AuditEntry(pk=free, actor="x", verb="export", object_name="插入").save(force_insert=True)
    by_hand("UPDATE registry_auditentry SET at = '2020-02-01 00:00:00+00:00' WHERE id = %s", free)
    list(seal_all())
    assert kinds() == ["dated back"]


def test_a_time_to_come() -> None:
    made = entry()
    by_hand("UPDATE registry_auditentry SET at = '2999-01-01 00:00:00+00:00' WHERE id = %s", made.pk)
    assert kinds() == ["dated forward"]


# Guards


def test_missing_guards_are_a_fault() -> None:
    sealed()
    with without_guards():
        missing = guards.missing()
        assert kinds() == ["guard missing"] * len(missing)
        assert said("checkaudit")[1].startswith(f"发现 {len(missing)} 处问题")


# The copy


def test_the_copy_grows_by_a_line_for_each_new_seal(copy: Path) -> None:
    assert copies.write_copy() is None
    first = sealed()
    for _again in range(2):
        printed, complaint = said("sealaudit")
        assert (f"已另存到 {copy}。" in printed, complaint) == (True, "")
    second = sealed()
    said("sealaudit")
    lines = [line for line in copies.read_copy() if not isinstance(line, int)]
    assert [(line.number, line.digest) for line in lines] == [(1, first.digest), (2, second.digest)]
    assert copy.stat().st_mode & 0o777 == 0o640


def test_housekeeping_seals_and_notes_it_outside(copy: Path) -> None:
    entry()
    printed, complaint = said("housekeeping")
    assert (f"已另存到 {copy}。" in printed, complaint) == (True, "")


def test_the_copy_in_a_folder(settings: Any, tmp_path: Path) -> None:
    settings.SEAL_COPY = tmp_path
    sealed()
    said("sealaudit")
    assert len((tmp_path / "seals.txt").read_text("utf-8").splitlines()) == 1


def test_a_copy_that_cannot_be_written_is_said_and_the_record_is_sealed(
    settings: Any, tmp_path: Path
) -> None:
    settings.SEAL_COPY = tmp_path / "no" / "such" / "file"
    entry()
    assert said("sealaudit")[1].startswith(f"没有能另存到 {settings.SEAL_COPY}:")
    assert AuditSeal.objects.count() == 1
    assert kinds() == ["copy missing"]


@pytest.mark.parametrize(
    "change", [lambda text: text.replace("\t1\t", "\t7\t"), lambda text: "x\n" + text, lambda text: text[9:]]
)
def test_a_line_that_is_not_ours_is_found(copy: Path, change: Callable[[str], str]) -> None:
    sealed()
    copies.write_copy()
    copy.write_text(change(copy.read_text("utf-8")), "utf-8")
    assert kinds() == ["copy changed"]


# What was proven is kept, and the page says it


def test_a_check_is_kept_with_what_it_proved(copy: Path) -> None:
    first = sealed(2)
    sealed()
    said("sealaudit")
    printed, complaint = said("checkaudit")
    assert complaint == ""
    at = timezone.localtime(first.made_at)
    assert f"自 {at:%Y-%m-%d %H:%M}(第 1 号封存)起可以证明。" in printed
    kept = AuditProof.objects.get()
    assert (kept.seals, kept.entries, kept.faults, kept.number) == (2, 3, 0, 2)
    assert (kept.since_number, kept.since, kept.copied) == (1, first.made_at, 2)
    assert kept.key == keys.name_of(OURS)


def test_what_comes_after_the_last_fault_is_proven() -> None:
    made = entry()
    seal_entries()
    second = sealed()
    by_hand("UPDATE registry_auditentry SET reason = 'x' WHERE id = %s", made.pk)
    assert said("checkaudit")[1].startswith("发现 1 处问题")
    kept = AuditProof.objects.get()
    assert (kept.faults, kept.since_number, kept.since) == (1, 2, second.made_at)


def test_the_page_of_the_record_says_it(copy: Path) -> None:
    client: Client = logged_in(make_unit(), "auditor")
    page = client.get(reverse("record")).content.decode()
    assert "还没有封存" in page
    assert "还没有校验过,应当每天校验。" in page
    said("sealaudit")
    said("checkaudit")
    page = client.get(reverse("record")).content.decode()
    assert "第 1 号(" in page
    assert "没有问题" in page
    assert "核对到第 1 号" in page
    assert keys.name_of(OURS) in page
    assert OURS not in page
    assert "还没有校验过" not in page


def test_an_old_proof_is_said(monkeypatch: pytest.MonkeyPatch, copy: Path) -> None:
    said("checkaudit")
    assert not [sentence for sentence in wanting() if "校验" in sentence]
    later = timezone.now() + timedelta(days=5)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert "已有 5 天没有校验,应当每天校验" in list(wanting())


# Keeping up


def test_a_long_backlog_is_caught_up_by_those_who_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each seals for a moment; while more is left, the next look comes soon, also at what is days old."""
    monkeypatch.setattr(record, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(record, "BATCH", 3)
    monkeypatch.setattr(record, "DUE_AT", 2)
    sealed(3)
    old = entries(20)
    by_hand("UPDATE registry_auditentry SET at = at - %s WHERE id >= %s", timedelta(days=3), old[0].pk) if (
        connection.vendor == "postgresql"
    ) else by_hand("UPDATE registry_auditentry SET at = datetime(at, '-3 days') WHERE id >= %s", old[0].pk)
    monkeypatch.setattr(record, "BUDGET", 0.0)
    record.seal_when_due()
    assert AuditSeal.objects.count() == 2  # the moment was over after one
    monkeypatch.setattr(record, "BUDGET", 5.0)
    record.seal_when_due()
    assert record.not_sealed() == 0
    assert [seal.count for seal in AuditSeal.objects.order_by("number")] == [3, 3, 3, 3, 3, 3, 3, 2]


def test_while_more_is_left_the_next_look_comes_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "_is_due", lambda: True)
    for is_left, every in ((True, record.LOOK_AGAIN), (False, record.LOOK_EVERY)):
        record._last_look.at = None
        monkeypatch.setattr(record, "seal_for", lambda seconds, is_left=is_left: is_left)
        record.seal_when_due()
        looked = record._last_look.at or 0.0
        assert record._last_look.is_soon(looked + every - 0.01)
        assert not record._last_look.is_soon(looked + every + 0.01)


def test_catching_up_reads_no_more_than_it_seals(
    monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    sealed(5)
    entries(4)
    with django_assert_max_num_queries(10):
        assert record.seal_entries(wait=False, everything=False) is not None
