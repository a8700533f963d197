"""Seal the record in batches (``registry.audit.proving`` checks that nothing sealed was changed or removed).

A seal's digest is made of its number, time, number of entries, the digest of the seal before, and the
digest of each of its entries in order; a hash with a key that is not in the database stands over it. Entries
are sealed in the order of their keys as far as they are committed. One that is committed late goes into a
later seal, so writing an entry never waits for a seal.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from registry import locks
from registry.audit import keys
from registry.models import AuditEntry, AuditSeal, SealedEntry

logger = logging.getLogger(__name__)

FIRST = "0" * 64
"""Stands for the seal before the first."""

BATCH = 1000
"""The most entries of a seal: a check holds one seal in memory."""

LOOK_EVERY = 30.0
"""Seconds in a process between two checks whether something should be sealed."""
BUDGET, LOOK_AGAIN = 0.2, 1.0
"""So long one who committed something seals at most; with more left, that process looks again so soon."""

DUE_AFTER = timedelta(minutes=10)
DUE_AT = 500
LATE = timedelta(hours=2)
"""No transaction stays open this long. ``manage.py sealaudit`` has no such limit."""

_FORGED = 1000
"""Seals that nobody's key made are passed over, so many at most."""
_HIGHEST = 10**12
"""No number that we gave is so high."""

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


@dataclass
class _Look:
    """When this process last looked whether something should be sealed, and whether more was left then."""

    at: float | None = None
    is_behind: bool = False

    def is_soon(self, now: float) -> bool:
        """Whether it is too soon for the next one."""
        return self.at is not None and now - self.at < min(
            LOOK_EVERY, LOOK_AGAIN if self.is_behind else LOOK_EVERY
        )


_last_look = _Look()


def entry_digest(entry: AuditEntry) -> str:
    """Return the hash of everything that an entry holds."""
    content: dict[str, Any] = {name: getattr(entry, name) for name in _FIELDS}
    content["at"] = keys.moment(entry.at)
    content["effective_on"] = entry.effective_on.isoformat() if entry.effective_on else None
    return _hash(content)


def seal_digest(seal: AuditSeal, entries: Iterable[str]) -> str:
    """Return the hash of a seal over the digests of its entries in order."""
    return _hash(
        {
            "number": seal.number,
            "made_at": keys.moment(seal.made_at),
            "count": seal.count,
            "previous": seal.previous,
            "entries": list(entries),
        }
    )


def _hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(keys.canonical(content).encode()).hexdigest()


def newest() -> AuditSeal | None:
    """Return the newest seal that a key of ours made: a forged one stops nothing.

    When there is none (the key was lost), the newest with a number that we may have given.
    """
    seals = AuditSeal.objects.order_by("-number")
    first = seals.first()
    if first is None or keys.proves(first):
        return first
    found: AuditSeal | None = next((seal for seal in seals[:_FORGED] if keys.proves(seal)), None)
    return found or seals.filter(number__lt=_HIGHEST).first()


def unsealed() -> QuerySet[AuditEntry]:
    """Return the entries that no seal holds yet, in the order of their keys."""
    return AuditEntry.objects.filter(sealed__isnull=True).order_by("pk")


def not_sealed() -> int:
    """Return how many entries no seal holds yet."""
    return AuditEntry.objects.count() - SealedEntry.objects.count()


def highest_sealed() -> int:
    """Return the highest key of an entry that a seal holds."""
    return SealedEntry.objects.aggregate(highest=Max("entry_id"))["highest"] or 0


def seal_entries(*, wait: bool = True, everything: bool = True) -> AuditSeal | None:
    """Seal the next entries, at most ``BATCH``; None when there are none.

    Without ``wait`` also None while somebody else seals. Without ``everything`` it looks at what has a
    higher key than all that is sealed, and at what was written shortly before the newest seal, which is
    quick however long the record is.
    """
    with transaction.atomic():
        if not locks.lock_seals(wait=wait):
            return None
        last = newest()
        entries = list(unsealed()[:BATCH]) if everything else _next_entries(last)
        if not entries:
            return None
        seal = AuditSeal(
            number=_free_number(last),
            made_at=timezone.now(),
            count=len(entries),
            previous=last.digest if last is not None else FIRST,
            key=next(keys.names()),
        )
        digests = [entry_digest(entry) for entry in entries]
        seal.digest = seal_digest(seal, digests)
        seal.keyed = keys.keyed(seal)
        seal.save()
        SealedEntry.objects.bulk_create(
            SealedEntry(entry=entry, seal=seal, place=place, digest=digest)
            for place, (entry, digest) in enumerate(zip(entries, digests, strict=True), start=1)
        )
    return seal


def _next_entries(last: AuditSeal | None) -> list[AuditEntry]:
    highest = highest_sealed()
    entries = list(unsealed().filter(pk__gt=highest)[:BATCH])
    if last is not None:
        late = unsealed().filter(pk__lt=highest, at__gte=last.made_at - LATE)
        entries = [*late[:BATCH], *entries][:BATCH]
    return entries


def _free_number(last: AuditSeal | None) -> int:
    """Return the number after ``last``; those of forged seals are left out."""
    number: int = last.number + 1 if last is not None else 1
    while AuditSeal.objects.filter(number=number).exists():
        number += 1
    return number


def seal_all() -> Iterator[AuditSeal]:
    """Seal until nothing is left, each batch in a transaction of its own."""
    for everything in (False, True):  # looking at the whole record once is enough
        while (seal := seal_entries(everything=everything)) is not None:
            yield seal


def seal_when_due() -> None:
    """Seal after a commit if many entries, or old ones, are not sealed yet. Never waits or raises."""
    now = time.monotonic()
    if _last_look.is_soon(now):
        return
    _last_look.at, _last_look.is_behind = now, False
    try:
        if _is_due():
            with locks.sqlite_waits(0):
                _last_look.is_behind = seal_for(BUDGET)
    except OperationalError as error:  # SQLite: somebody else writes; the next one will do it
        logger.info("not sealed now: %s", error)
    except Exception:
        logger.exception("the record could not be sealed")


def seal_for(seconds: float) -> bool:
    """Seal batch by batch for so long, unless somebody else does; return whether more is left."""
    end = time.monotonic() + seconds
    while (seal := seal_entries(wait=False, everything=False)) is not None:
        if seal.count < BATCH:
            return False
        if time.monotonic() >= end:
            return True
    return False


def _is_due() -> bool:
    last = newest()
    if last is None or timezone.now() - last.made_at > DUE_AFTER:
        return True
    return unsealed().filter(pk__gt=highest_sealed())[:DUE_AT].count() == DUE_AT
