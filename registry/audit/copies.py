"""The newest seal, noted outside the database: a record that was cut, emptied or rewritten does not fit it.

``SEAL_COPY`` names the file (or the folder of ``seals.txt``), which should lie where the database's
administrator cannot write. ``manage.py sealaudit`` appends a line for the newest seal, proven by its key.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from registry.audit import keys
from registry.audit.seals import newest
from registry.models import AuditSeal


class Noted(NamedTuple):
    """A line of the file: the seal of this number was this one."""

    line: int
    number: int
    made_at: datetime
    digest: str


def place() -> Path | None:
    """Return the file; None when the setting names none."""
    named: Path | None = settings.SEAL_COPY
    return named / "seals.txt" if named is not None and named.is_dir() else named


def write_copy() -> AuditSeal | None:
    """Append the newest seal, unless the file ends with it; return it. Raises ``OSError``."""
    file, seal = place(), newest()
    if file is None or seal is None or not keys.proves(seal):
        return None
    line = _line(seal)
    if not (file.exists() and file.read_text("utf-8").endswith(line)):
        with os.fdopen(
            os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640), "a", encoding="utf-8"
        ) as end:
            end.write(line)
            end.flush()
            os.fsync(end.fileno())
    return seal


def _line(seal: AuditSeal) -> str:
    local = timezone.localtime(seal.made_at).isoformat(timespec="microseconds")
    fields = (local, str(seal.number), str(seal.count), seal.previous, seal.digest, seal.key, seal.keyed)
    return "\t".join(fields) + "\n"


def read_copy() -> Iterator[Noted | int]:
    """Yield the lines of the file; for one that is not ours its number. Raises ``OSError``."""
    file = place()
    if file is None:
        return
    with file.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            yield _noted(number, line) or number


def _noted(line: int, text: str) -> Noted | None:
    try:
        made_at, number, count, previous, digest, key, keyed = text.rstrip("\n").split("\t")
        seal = AuditSeal(
            number=int(number),
            made_at=datetime.fromisoformat(made_at),
            count=int(count),
            previous=previous,
            digest=digest,
            key=key,
            keyed=keyed,
        )
        return Noted(line, seal.number, seal.made_at, digest) if keys.proves(seal) else None
    except ValueError:
        return None
