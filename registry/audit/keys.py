"""The keys of the seals. They lie outside the database, so that who rules it can make no seal that is proven.

The first key of ``SEAL_KEY`` makes new seals; the others only prove those that they made before.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from registry.models import AuditSeal


def names() -> Iterator[str]:
    """Yield the name of each key: it tells which key made a seal, and nothing of the key."""
    for key in settings.SEAL_KEYS:
        yield name_of(key)


def name_of(key: str) -> str:
    """Return the name of a key."""
    made = hmac.new(key.encode(), b"name of this key", hashlib.sha256).digest()
    return f"{int.from_bytes(made[:8], 'big') % 10**10:010}"


def keyed(seal: AuditSeal) -> str:
    """Return the keyed hash over a seal, by the key that it names. Raises ``KeyError`` without that key."""
    key = {name_of(each): each for each in settings.SEAL_KEYS}[seal.key]
    text = canonical(
        {
            "number": seal.number,
            "made_at": moment(seal.made_at),
            "count": seal.count,
            "previous": seal.previous,
            "digest": seal.digest,
        }
    )
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def is_known(seal: AuditSeal) -> bool:
    """Whether the key that a seal names is at hand."""
    return seal.key in names()


def proves(seal: AuditSeal) -> bool:
    """Whether a key at hand made this seal, and nobody changed it since."""
    return is_known(seal) and hmac.compare_digest(keyed(seal), seal.keyed)


def canonical(content: dict[str, Any]) -> str:
    """Return the one text that stands for ``content``."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def moment(at: datetime) -> str:
    """Return a time in the one form that is hashed."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
