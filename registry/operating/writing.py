"""Write a backup while the registry serves: whole, or not at all.

The notes of the seals come first, then the database as of one moment, then the files. A file is written
before its row and removed after it, and what belongs to a row stays for 30 days after the row let it go; so
copied after the database, every file that a row of the copy holds is there. Copied before it, the photos of
the meantime would be missing.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.utils import timezone

from registry.audit import copies
from registry.files import disk
from registry.files.models import FileKind, StoredFile
from registry.operating import layout, programs
from registry.operating.layout import Manifest

_BLOCK = 1 << 20
_SPARE = 64 << 20
"""So many bytes must stay free beside what is written."""
_WHY = {
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "超过了磁盘配额",
    errno.EACCES: "没有写入的权限",
    errno.EPERM: "没有写入的权限",
    errno.EROFS: "磁盘是只读的",
    errno.ENOTDIR: "它不是文件夹",
}


@dataclass
class Made:
    """A backup that was written."""

    path: Path
    taken_at: datetime
    files: int = 0
    size: int = 0
    missing: list[str] = field(default_factory=list)


def write_backup(folder: Path) -> Made:
    """Write a backup into a folder of its own below ``folder``. Raises ``CommandError`` in words."""
    with in_words(folder):
        _need_database()
        _need_apart(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone(folder):
            clear_leftovers(folder)
            _need_room(folder)
            taken_at = timezone.now()
            name = layout.free_name(folder, taken_at)
            place = folder / f"{layout.UNFINISHED}{name}"
            place.mkdir(mode=0o700)
            try:
                made = _write(place, name, taken_at, next(iter(layout.backups_in(folder)), None))
                os.sync()
                made.path = place.rename(folder / name)
                _sync_folder(folder)
            except BaseException:
                shutil.rmtree(place, ignore_errors=True)
                raise
    return made


@contextmanager
def in_words(folder: Path) -> Iterator[None]:
    """Say in Chinese what the system refuses."""
    try:
        yield
    except OSError as error:
        why = _WHY.get(error.errno or 0, error.strerror or str(error))
        where = error.filename or folder
        raise CommandError(f"没有备份成功,{where}:{why}。没有留下写了一半的备份。") from error


def clear_leftovers(folder: Path) -> None:
    """Remove what a command that was killed left: nobody else is at it. Hold ``alone``."""
    for beginning in (layout.UNFINISHED, layout.REMOVED, layout.SCRATCH):
        for left in folder.glob(f"{beginning}*"):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one command at a time write into the folder."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CommandError(f"另一个备份正在写入 {folder},请待它结束后再运行。") from None
    finally:
        os.close(lock)


def _need_database() -> None:
    if connection.vendor == "sqlite" and not sqlite_file().is_file():
        raise CommandError(f"没有数据库文件 {sqlite_file()},没有可以备份的。")


def sqlite_file() -> Path:
    """Return the file of the database in use, on SQLite."""
    return Path(str(connection.settings_dict["NAME"]))


def _need_apart(folder: Path) -> None:
    """Refuse a folder among the files that are backed up."""
    if folder.resolve().is_relative_to(Path(settings.FILES_DIR).resolve()):
        raise CommandError(f"{folder} 在照片和附件的文件夹(FILES_DIR)里,请另选一个文件夹,最好在另一块盘上。")


def is_on_the_same_disk(folder: Path) -> bool:
    """Whether a broken disk would take the backup with the data."""
    places = [Path(settings.FILES_DIR)]
    if connection.vendor == "sqlite":
        places.append(sqlite_file())
    with suppress(OSError):
        return any(place.stat().st_dev == folder.stat().st_dev for place in places if place.exists())
    return False


def _need_room(folder: Path) -> None:
    """Refuse a disk that has no room for the database; the files are mostly there already."""
    if connection.vendor == "sqlite":
        needed = sqlite_file().stat().st_size
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database()) / 4")  # packed, without indexes
            needed = int(cursor.fetchone()[0])
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise CommandError(
            f"{folder} 所在的磁盘放不下备份:约需 {(needed + _SPARE) >> 20:,} MB,只剩 {free >> 20:,} MB。"
            "请腾出空间或另选一块盘。"
        )


def _sync_folder(folder: Path) -> None:
    place = os.open(folder, os.O_RDONLY)
    with suppress(OSError):
        os.fsync(place)
    os.close(place)


# --- What is written ------------------------------------------------------------------------------


def _write(place: Path, name: str, taken_at: datetime, last: Path | None) -> Made:
    made = Made(place, taken_at)
    sums: dict[str, str] = {}
    if (noted := copies.place()) is not None and noted.is_file():
        _new_file(place / layout.SEALS, noted.read_bytes())
    with _copied(place) as (database, cursor):
        rows = {table: _count(cursor, table) for table in _tables(cursor)}
        _copy_files(cursor, made, sums, last)
        manifest = Manifest(
            name=name,
            taken_at=taken_at.isoformat(),
            vendor=connection.vendor,
            server=programs.server_major(),
            version=layout.code_version(),
            migrations=_migrations(cursor),
            rows=rows,
            files=made.files,
            missing=made.missing,
            seal=_newest_seal(cursor),
        )
    _new_file(place / layout.SETTINGS, _settings().encode())
    _new_file(place / layout.MANIFEST, manifest.text().encode())
    for each in (database, layout.SETTINGS, layout.MANIFEST, layout.SEALS):
        if (place / each).is_file():
            sums[each] = layout.digest_of(place / each)
            made.size += (place / each).stat().st_size
    text = "".join(f"{digest}  {each}\n" for each, digest in sorted(sums.items()))
    _new_file(place / layout.SUMS, text.encode())
    return made


def _create(path: Path) -> BinaryIO:
    """Open a new file, for its user alone."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _new_file(path: Path, content: bytes) -> None:
    with _create(path) as file:
        file.write(content)


def _settings() -> str:
    lines = [f"{name}={value}" for name, value in settings.SETTINGS_WITHOUT_SECRETS.items()]
    return "# 备份时的设置;密钥和密码不在其中,须另行保管\n" + "".join(f"{line}\n" for line in lines)


@contextmanager
def _copied(place: Path) -> Iterator[tuple[str, Any]]:
    """Copy the database; yield the file's name and a cursor that sees what is in the copy, and no more."""
    name = layout.DATABASES[connection.vendor]
    if connection.vendor == "sqlite":
        copy_sqlite(place / name)
        with closing(sqlite3.connect(place / name)) as copy:
            yield name, copy.cursor()
        return
    dump = programs.program("pg_dump", programs.server_major())
    _new_file(place / name, b"")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        programs.run(
            dump,
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            "--lock-wait-timeout=60s",
            f"--snapshot={cursor.fetchone()[0]}",
            f"--file={place / name}",
        )
        yield name, cursor


def copy_sqlite(to: Path) -> None:
    """Copy the SQLite file by its online backup, as of one moment. Raises ``CommandError``."""
    source = sqlite_file()
    _new_file(to, b"")
    with closing(sqlite3.connect(source, timeout=60)) as here, closing(sqlite3.connect(to)) as there:
        try:
            here.backup(there)
            there.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
            faults = find_faults(there)
        except sqlite3.OperationalError as error:
            if "full" in str(error):
                raise OSError(errno.ENOSPC, str(error)) from error
            raise
        except sqlite3.DatabaseError as error:
            faults = [str(error)]
    if faults:
        raise CommandError(
            f"数据库文件 {source} 已损坏,没有备份:{';'.join(faults[:5])}。请用最近一份完好的备份恢复。"
        )


def find_faults(database: sqlite3.Connection) -> list[str]:
    """Return what SQLite finds wrong with a file; nothing where it is sound."""
    found = [str(line) for (line,) in database.execute("PRAGMA integrity_check")]
    return [] if found == ["ok"] else found


def _tables(cursor: Any) -> list[str]:
    if connection.vendor == "sqlite":
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
    else:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    return sorted(name for (name,) in cursor.fetchall())


def _count(cursor: Any, table: str) -> int:
    cursor.execute(f'SELECT count(*) FROM "{table}"')
    return int(cursor.fetchone()[0])


def rows_now() -> dict[str, int]:
    """Return the number of rows of each table of the database in use."""
    with connection.cursor() as cursor:
        return {table: _count(cursor, table) for table in _tables(cursor)}


def _migrations(cursor: Any) -> list[list[str]]:
    cursor.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
    return [list(row) for row in cursor.fetchall()]


def _newest_seal(cursor: Any) -> int:
    cursor.execute("SELECT COALESCE(MAX(number), 0) FROM registry_auditseal")
    return int(cursor.fetchone()[0])


# --- Photos and files -----------------------------------------------------------------------------


def _copy_files(cursor: Any, made: Made, sums: dict[str, str], last: Path | None) -> None:
    """Copy what the rows of the copy name. What the last backup has is linked: a file never changes."""
    before = layout.read_sums(last) if last is not None else {}
    table = StoredFile._meta.db_table
    cursor.execute(
        f"SELECT key, kind, name, sha256, owner_noun <> '' AND removed_at IS NULL FROM {table} ORDER BY id"
    )
    for key, kind, name, sha256, is_held in cursor.fetchall():
        sizes = (disk.FULL, disk.MIDDLE, disk.THUMB) if kind == FileKind.PHOTO else (disk.FULL,)
        is_whole = True
        for size in sizes:
            source = disk.path_of(key, size)
            inside = f"files/{key[:2]}/{source.name}"
            wanted = sha256 if size == disk.FULL else before.get(inside, "")
            target = made.path / inside
            target.parent.parent.mkdir(mode=0o700, exist_ok=True)
            target.parent.mkdir(mode=0o700, exist_ok=True)
            if last is not None and before.get(inside) == wanted and _linked(last / inside, wanted, target):
                digest, is_whole = wanted, is_whole and source.is_file()
            else:
                try:
                    digest = _copy(source, target)
                except FileNotFoundError:
                    is_whole = False
                    continue
                is_whole = is_whole and (size != disk.FULL or digest == wanted)
            sums[inside] = digest
            made.files += 1
            made.size += target.stat().st_size
        if is_held and not is_whole:
            made.missing.append(f"{name}({key})")


def _linked(there: Path, digest: str, target: Path) -> bool:
    """Link the file of the last backup, if it is still what it was and the disk knows links."""
    with suppress(OSError):
        if layout.digest_of(there) == digest:
            os.link(there, target)
            return True
    return False


def _copy(source: Path, target: Path) -> str:
    """Copy a file; return its digest. Raises ``FileNotFoundError``."""
    digest = hashlib.sha256()
    with open(source, "rb") as file, _create(target) as copy:
        while block := file.read(_BLOCK):
            digest.update(block)
            copy.write(block)
    return digest.hexdigest()
