"""Restore a backup into an empty place, and prove what then stands there."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from registry.audit import copies
from registry.files import disk
from registry.models import Session
from registry.operating import layout, programs, proof
from registry.operating.layout import Manifest
from registry.operating.writing import find_faults, rows_now, sqlite_file

Say = Callable[[str], object]
_NEW = ".restoring"


def restore_backup(backup: Path, say: Say, *, is_proof: bool = False) -> Manifest:
    """Restore a backup and run every check. Raises ``CommandError`` where it refuses, or one is not clean.

    With ``is_proof`` the place is thrown away afterwards: files are linked where the disk can.
    """
    manifest = layout.read_manifest(backup)
    sums = layout.verify(backup, manifest)
    _need_fitting(manifest)
    say(f"备份 {backup.name} 完整:{len(sums)} 个文件都与校验值相符。")
    files = [name for name in sums if layout.FILE.fullmatch(name)]
    _need_empty(set(files))
    _need_newest(backup, manifest)
    _put_files(backup, files, is_proof=is_proof)
    say(f"已放回 {len(files):,} 个照片和附件的文件。")
    _put_database(backup, manifest)
    _compare(manifest)
    say(f"已恢复数据库:{len(manifest.rows)} 张表,{sum(manifest.rows.values()):,} 行,与备份时相同。")
    _put_seals(backup)
    if _waiting():
        call_command("migrate", interactive=False, verbosity=0)
        say("备份来自较早的版本,已把表更新到现在的版本(migrate)。")
    Session.objects.all().delete()  # who logged out since would be logged in again
    faults = 0
    for line in proof.checks():
        say(str(line))
        faults += not line.is_clean
    if faults:
        raise CommandError(f"已恢复,但有 {faults} 项校验没有通过,见上。请先查明,再投入使用。")
    return manifest


# --- What is refused ------------------------------------------------------------------------------


def _need_fitting(manifest: Manifest) -> None:
    if manifest.vendor != connection.vendor:
        kinds = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
        raise CommandError(
            f"这是 {kinds[manifest.vendor]} 库的备份,而 DATABASE_URL 指的是 "
            f"{kinds.get(connection.vendor, '别的')} 库。请先恢复成同一种库;"
            "从 SQLite 换到 PostgreSQL 用 manage.py move_to_postgres。"
        )
    known = MigrationLoader(None).disk_migrations
    apps = {app for app, _name in known}  # what a library left that is gone does not matter
    newer = [f"{app}.{name}" for app, name in manifest.migrations if app in apps and (app, name) not in known]
    if newer:
        version = f"({manifest.version})" if manifest.version else ""
        raise CommandError(f"备份来自较新的版本{version},本版本不认识 {newer[0]}。请先安装那个版本。")


def _need_empty(files: set[str]) -> None:
    """Refuse a place that holds anything that this backup does not."""
    if connection.vendor == "sqlite":
        where = f"数据库文件 {sqlite_file()}"
        hint = "请把它移到别处,或把 DATABASE_URL 指到一个还没有的文件"
    else:
        where = f"数据库 {connection.settings_dict['NAME']}"
        hint = "请建一个空库(createdb),不要先运行 migrate"
    if connection.introspection.table_names():
        raise CommandError(f"{where} 里已有表,没有恢复,也没有改动它。{hint}。")
    for path, _key in disk.paths():
        if f"files/{path.parent.name}/{path.name}" not in files:
            raise CommandError(
                f"FILES_DIR({settings.FILES_DIR})里已有别的文件,没有恢复,也没有改动它。"
                "请把它移到别处,或把 FILES_DIR 指到空文件夹。"
            )


def _need_newest(backup: Path, manifest: Manifest) -> None:
    """Refuse silently losing what was recorded since: the notes outside the database know of it."""
    place = copies.place()
    if place is None or not place.is_file() or _same(place, backup / layout.SEALS):
        return
    noted = max((line.number for line in copies.read_copy() if not isinstance(line, int)), default=0)
    if noted > manifest.seal:
        raise CommandError(
            f"库外另存({place})已记到第 {noted} 号封存,这份备份只到第 {manifest.seal} 号:"
            "其间的登记不在备份里。有更新的备份请用更新的;没有,请把那个文件改名保存(它是丢失了什么的凭据),再运行一次。"
        )


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.samefile(other)


def _waiting() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


# --- What is put back -----------------------------------------------------------------------------


def _put_files(backup: Path, names: list[str], *, is_proof: bool) -> None:
    """Put the files where they belong; those of a restoration that was cut short are put there again."""
    base = Path(settings.FILES_DIR)
    for name in names:
        target = base / name.removeprefix("files/")
        target.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        target.unlink(missing_ok=True)
        if is_proof:
            try:
                os.link(backup / name, target)
                continue
            except OSError:
                pass  # a disk without links
        shutil.copyfile(backup / name, target)
        target.chmod(0o600)
    if not is_proof:
        os.sync()


def _put_database(backup: Path, manifest: Manifest) -> None:
    """Put the database there as a whole, or not at all."""
    copy = backup / manifest.database
    if connection.vendor == "postgresql":
        programs.run(
            programs.program("pg_restore", max(manifest.server, programs.server_major())),
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
            str(copy),
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        return
    connection.close()
    target = sqlite_file()
    new = target.with_name(target.name + _NEW)
    new.unlink(missing_ok=True)
    shutil.copyfile(copy, new)
    new.chmod(0o600)
    with closing(sqlite3.connect(new)) as restored:
        faults = find_faults(restored)
    if faults:
        new.unlink()
        raise CommandError(f"备份里的数据库文件已损坏:{faults[0]}。请改用另一份备份。")
    for ending in ("-wal", "-shm"):
        target.with_name(target.name + ending).unlink(missing_ok=True)
    os.sync()
    new.rename(target)


def _compare(manifest: Manifest) -> None:
    there = rows_now()
    different = [name for name, number in manifest.rows.items() if there.get(name) != number]
    if different:
        raise CommandError(
            f"恢复出来的行数与备份时不同:{'、'.join(different[:10])}。请把恢复出来的库移开,改用另一份备份。"
        )


def _put_seals(backup: Path) -> None:
    """Begin the notes outside the database with those of the backup, where there are none."""
    place = copies.place()
    noted = backup / layout.SEALS
    if place is None or place.exists():
        return
    if noted.is_file():
        shutil.copyfile(noted, place)
    else:
        copies.write_copy()
