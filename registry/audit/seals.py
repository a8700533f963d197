"""Seal the record in batches, and check that nothing sealed was changed or removed.

A seal's digest is made of its number, time, number of entries, the digest of the seal before, and the
digest of each of its entries in order. Entries are sealed in the order of their keys as far as they
are committed. One that is committed late goes into a later seal, so writing an entry never waits for a
seal.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from registry import locks
from registry.models import AuditEntry, AuditSeal, SealedEntry

logger = logging.getLogger(__name__)

FIRST = "0" * 64
"""Stands for the seal before the first."""

BATCH = 1000
"""The most entries of a seal: a check holds one seal in memory."""

LOOK_EVERY = 30.0
"""Seconds in a process between two checks whether something should be sealed."""

DUE_AFTER = timedelta(minutes=10)
DUE_AT = 500
LATE = timedelta(days=1)
"""No transaction stays open this long. ``manage.py sealaudit`` has no such limit."""

_FIELDS = (
    "id",
    "user_id",
    "actor",
    "address",
    "request_number",
    "verb",
    "noun",
    "object_id",
    "object_name",
    "unit_id",
    "other_unit_id",
    "before",
    "after",
    "reason",
    "undoes_id",
    "part_of_id",
    "rows",
)

_last_look: list[float] = []


def entry_digest(entry: AuditEntry) -> str:
    """Return the hash of everything that an entry holds."""
    content: dict[str, Any] = {name: getattr(entry, name) for name in _FIELDS}
    content["at"] = _moment(entry.at)
    content["effective_on"] = entry.effective_on.isoformat() if entry.effective_on else None
    return _hash(content)


def seal_digest(seal: AuditSeal, entries: Iterable[str]) -> str:
    """Return the hash of a seal over the digests of its entries in order."""
    return _hash(
        {
            "number": seal.number,
            "made_at": _moment(seal.made_at),
            "count": seal.count,
            "previous": seal.previous,
            "entries": list(entries),
        }
    )


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _hash(content: dict[str, Any]) -> str:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# --- Sealing --------------------------------------------------------------------------------------


def unsealed(since: datetime | None = None) -> QuerySet[AuditEntry]:
    """Return the entries that no seal holds yet (with ``since``: of those from then on)."""
    rows: QuerySet[AuditEntry] = AuditEntry.objects.filter(sealed__isnull=True).order_by("pk")
    return rows.filter(at__gte=since) if since is not None else rows


def seal_entries(*, wait: bool = True, everything: bool = True) -> AuditSeal | None:
    """Seal the next entries, at most ``BATCH``; None when there are none.

    Without ``wait`` also None while somebody else seals. Without ``everything`` only entries of the
    last day before the newest seal are looked at, which is quick however long the record is.
    """
    with transaction.atomic():
        if not locks.lock_seals(wait=wait):
            return None
        last = AuditSeal.objects.order_by("-number").first()
        since = last.made_at - LATE if last is not None and not everything else None
        entries = list(unsealed(since)[:BATCH])
        if not entries:
            return None
        seal = AuditSeal(
            number=last.number + 1 if last is not None else 1,
            made_at=timezone.now(),
            count=len(entries),
            previous=last.digest if last is not None else FIRST,
        )
        digests = [entry_digest(entry) for entry in entries]
        seal.digest = seal_digest(seal, digests)
        seal.save()
        SealedEntry.objects.bulk_create(
            SealedEntry(entry=entry, seal=seal, place=place, digest=digest)
            for place, (entry, digest) in enumerate(zip(entries, digests, strict=True), start=1)
        )
    return seal


def seal_all() -> Iterator[AuditSeal]:
    """Seal until nothing is left, each batch in a transaction of its own."""
    while (seal := seal_entries()) is not None:
        yield seal


def seal_when_due() -> None:
    """Seal after a commit if many entries, or old ones, are not sealed yet. Never waits or raises."""
    now = time.monotonic()
    if _last_look and now - _last_look[0] < LOOK_EVERY:
        return
    _last_look[:] = [now]
    try:
        if _is_due():
            with _impatient():
                seal_entries(wait=False, everything=False)
    except OperationalError as error:  # SQLite: somebody else writes; the next one will do it
        logger.info("not sealed now: %s", error)
    except Exception:
        logger.exception("the record could not be sealed")


def _is_due() -> bool:
    last = AuditSeal.objects.order_by("-number").first()
    if last is None or timezone.now() - last.made_at > DUE_AFTER:
        return True
    return unsealed(last.made_at - LATE)[:DUE_AT].count() == DUE_AT


@contextmanager
def _impatient() -> Iterator[None]:
    """On SQLite, do not wait for another writer."""
    if connection.vendor != "sqlite":
        yield
        return
    timeout = int(1000 * connection.settings_dict["OPTIONS"].get("timeout", 5))
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {timeout}")


# --- Proving --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SealFault:
    """What is wrong with the seal of a number."""

    number: int
    message: str

    def __str__(self) -> str:
        return f"第 {self.number} 号封存:{self.message}"


@dataclass
class Proof:
    """What a check has read."""

    seals: int = 0
    entries: int = 0
    newest: AuditSeal | None = None
    found_known: bool = False


def check_seals(proof: Proof, known: str = "") -> Iterator[SealFault]:
    """Yield each break of the seals, one seal in memory at a time, and count in ``proof``.

    ``known`` is the digest of some seal, written down elsewhere: with it a record whose seals were
    all made anew is found out, too.
    """
    expected, previous = 1, FIRST
    for seal in _seals():
        if seal.number != expected:
            missing = f"{expected}" if seal.number == expected + 1 else f"{expected} 至 {seal.number - 1}"
            yield SealFault(seal.number, f"它之前的第 {missing} 号封存被删除(seal removed)")
        elif seal.previous != previous:
            yield SealFault(seal.number, "与前一号封存不衔接,其一被改动(chain broken)")
        yield from _check_seal(seal, proof)
        expected, previous = seal.number + 1, seal.digest
        proof.seals, proof.newest = proof.seals + 1, seal
        proof.found_known = proof.found_known or seal.digest == known
    if known and not proof.found_known:
        yield SealFault(
            expected - 1, f"没有校验值为 {known} 的封存,它在记下之后被改动或删除(known seal missing)"
        )


def _seals() -> Iterator[AuditSeal]:
    number = 0
    while chunk := list(AuditSeal.objects.filter(number__gt=number).order_by("number")[:500]):
        yield from chunk
        number = chunk[-1].number


def _check_seal(seal: AuditSeal, proof: Proof) -> Iterator[SealFault]:
    members = list(SealedEntry.objects.filter(seal=seal).select_related("entry").order_by("place"))
    proof.entries += len(members)
    present = {member.place for member in members}
    gone = [place for place in range(1, seal.count + 1) if place not in present]
    if gone:
        places = "、".join(str(place) for place in gone[:10])
        yield SealFault(
            seal.number,
            f"应有 {seal.count} 条记录,少了 {len(gone)} 条(序位 {places}),被删除(entry removed)",
        )
    changed = 0
    for member in members:
        if entry_digest(member.entry) != member.digest:
            changed += 1
            entry = member.entry
            at = timezone.localtime(entry.at)
            yield SealFault(
                seal.number,
                f"记录 {entry.pk}({at:%Y-%m-%d %H:%M} {entry.actor} {entry.verb} {entry.object_name})"
                "封存后被改动(entry changed)",
            )
    if not gone and seal_digest(seal, [member.digest for member in members]) != seal.digest:
        yield SealFault(
            seal.number,
            "校验值与所封存的记录不符,封存或记录被改动(seal changed)",
        )


def not_sealed() -> int:
    """Return how many entries no seal holds yet."""
    return AuditEntry.objects.count() - SealedEntry.objects.count()
