"""What is kept for a while only, and what is left over: rows without a file, files without a row."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.db.models import Q
from django.utils import timezone

from registry.files import disk
from registry.files.models import REMOVED_FOR, SENT_FOR, UNCLAIMED_FOR, FileKind, StoredFile, StoredFiles
from registry.housekeeping import Cleaner

FRESH_SECONDS = 3600.0
"""A younger file may be one whose row is being written."""
BATCH = 500


@dataclass
class Leftovers:
    """What ``manage.py orphans`` finds."""

    without_row: list[Path] = field(default_factory=list)
    """Files on disk that no row names."""
    without_file: list[StoredFile] = field(default_factory=list)
    """Rows of which a size is not on disk."""
    changed: list[StoredFile] = field(default_factory=list)
    """Rows whose file is not the one that was written, where that was asked for."""
    unclaimed: list[StoredFile] = field(default_factory=list)
    """Uploads whose form was never saved, and what was removed long ago."""

    @property
    def number(self) -> int:
        """How many."""
        return len(self.without_row) + len(self.without_file) + len(self.changed) + len(self.unclaimed)


def find(*, also_content: bool = False) -> Leftovers:
    """Compare the disk with the rows. ``also_content`` reads every file and compares it, too."""
    found = Leftovers(unclaimed=list(_past().order_by("pk")))
    known: set[str] = set()
    for file in StoredFile.objects.order_by("pk").iterator(BATCH):
        known.add(file.key)
        sizes = (disk.FULL, disk.MIDDLE, disk.THUMB) if file.kind == FileKind.PHOTO else (disk.FULL,)
        if not all(disk.path_of(file.key, size).is_file() for size in sizes):
            found.without_file.append(file)
        elif also_content and _digest(file) != file.sha256:
            found.changed.append(file)
    found.without_row = [path for path, key in disk.paths() if key not in known and _is_old(path)]
    return found


def remove(found: Leftovers) -> int:
    """Remove the files without a row, and what is past its time; rows that lost their file stay."""
    for path in found.without_row:
        path.unlink(missing_ok=True)
    return len(found.without_row) + _forget(found.unclaimed)


def forget_past() -> int:
    """Remove uploads whose form was never saved within a day, and what was removed 30 days ago."""
    number = 0
    while some := list(_past().order_by("pk")[:BATCH]):
        number += _forget(some)
    return number


def _past() -> StoredFiles:
    now = timezone.now()
    was_sent = Q(sent_at__gte=now - SENT_FOR, removed_at=None)
    unclaimed = Q(owner_noun="", uploaded_at__lt=now - UNCLAIMED_FOR) & ~was_sent
    return StoredFile.objects.filter(unclaimed | Q(removed_at__lt=now - REMOVED_FOR))


def _forget(files: Sequence[StoredFile]) -> int:
    """Remove rows that are still past their time, then what they have on disk."""
    gone = 0
    for file in files:
        if _past().filter(pk=file.pk).delete()[0]:  # else its form was saved meanwhile
            disk.remove(file.key)
            gone += 1
    return gone


def _digest(file: StoredFile) -> str:
    with disk.read(file.key) as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > FRESH_SECONDS
    except FileNotFoundError:
        return False


CLEANERS = (Cleaner("未保存和已删除的照片和附件", forget_past, is_quick=False),)
