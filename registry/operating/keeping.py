"""Which backups there are and were proven, which go, and the proof: restored elsewhere, with every check."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from registry.models import Backup
from registry.operating import layout, programs
from registry.operating.restoring import Say
from registry.operating.writing import alone, in_words

_NOT_THERE = (
    *("LOG_DIR", "BACKUP_DIR", "READ_ONLY", "MAINTENANCE", "DATABASE_REPLICA_URL", "EMAIL_HOST"),
    "PROMETHEUS_MULTIPROC_DIR",
)
"""Settings that the place of a proof is without."""
DUE_AFTER = timedelta(hours=26)
"""Without a backup for so long, housekeeping makes one: a timer of each night comes before it."""


def last_backup() -> Backup | None:
    """Return the newest backup that was written."""
    return Backup.objects.first()


def last_proven() -> Backup | None:
    """Return the newest backup that was restored elsewhere with every check clean: what the registry can come
    back from for sure.
    """
    return Backup.objects.exclude(proven_at=None).first()


def is_due() -> bool:
    """Whether housekeeping makes a backup: there is a place for it, and the last one is old."""
    if settings.BACKUP_DIR is None:
        return False
    last = last_backup()
    return last is None or last.taken_at < timezone.now() - DUE_AFTER


# --- The proof ------------------------------------------------------------------------------------


def prove(backup: Path, say: Say) -> None:
    """Restore a backup into a place of its own, which goes afterwards, and run every check there.

    Whole and clean it gets the file PROVEN. Raises ``CommandError`` otherwise.
    """
    manifest = layout.read_manifest(backup)
    if manifest.vendor != connection.vendor:
        raise CommandError(f"{backup} 是另一种数据库的备份,不能在这里校验。")
    with in_words(backup.parent), _place(backup) as environment:
        command = [
            sys.executable,
            str(Path(settings.BASE_DIR) / "manage.py"),
            "restore",
            str(backup),
            "--proof",
        ]
        with subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        ) as child:
            assert child.stdout is not None
            last = ""
            for line in child.stdout:
                last = line.rstrip("\n")
                say(last)
        if child.returncode:
            why = last.removeprefix("CommandError: ") or f"返回 {child.returncode}"
            raise CommandError(f"备份 {backup.name} 没有通过校验:{why}")
        (backup / layout.PROVEN).write_text(timezone.now().isoformat() + "\n", "utf-8")
        (backup / layout.PROVEN).chmod(0o600)


@contextmanager
def _place(backup: Path) -> Iterator[dict[str, str]]:
    """Yield the environment of a registry that stands somewhere else, empty."""
    with tempfile.TemporaryDirectory(prefix=layout.SCRATCH, dir=backup.parent) as scratch:
        seals = backup / layout.SEALS
        environment = os.environ | {
            "FILES_DIR": f"{scratch}/files",
            "SEAL_COPY": str(seals) if seals.is_file() else "",
            "STATE_DIR": f"{scratch}/state",
            "PYTHONUNBUFFERED": "1",
            "PYTHONIOENCODING": "utf-8",
        }
        environment |= dict.fromkeys(_NOT_THERE, "")
        if connection.vendor == "sqlite":
            yield environment | {"DATABASE_URL": f"sqlite:///{scratch}/registry.sqlite3"}
            return
        with programs.database_for_proof() as url:
            yield environment | {"DATABASE_URL": url}


# --- Rotation -------------------------------------------------------------------------------------


def rotate(folder: Path) -> list[str]:
    """Remove the backups that are too many; return their names.

    Kept are the newest of each of the last days and weeks that have one, the newest of all, and the newest
    that was proven.
    """
    with in_words(folder), alone(folder):
        backups = layout.backups_in(folder)
        kept = _kept(backups)
        gone = [backup for backup in backups if backup not in kept]
        for backup in gone:
            aside = folder / f"{layout.REMOVED}{backup.name}"  # never half a backup under its name
            shutil.rmtree(backup.rename(aside))
    return [backup.name for backup in gone]


def _kept(backups: list[Path]) -> set[Path]:
    kept = set(backups[:1])
    kept.update([backup for backup in backups if (backup / layout.PROVEN).is_file()][:1])
    days: dict[date, Path] = {}
    weeks: dict[tuple[int, int], Path] = {}
    for backup in backups:
        day = datetime.strptime(backup.name[9:17], "%Y%m%d").date()  # noqa: DTZ007
        days.setdefault(day, backup)
        weeks.setdefault(day.isocalendar()[:2], backup)
    kept.update([days[day] for day in sorted(days, reverse=True)[: settings.BACKUP_DAILY]])
    kept.update([weeks[week] for week in sorted(weeks, reverse=True)[: settings.BACKUP_WEEKLY]])
    return kept
