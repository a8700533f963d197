"""Ask the database itself whether it is sound, before anything is concluded from what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_MOST = 5
"""So many of the database's own findings are shown."""
_SIGNS = ("malformed", "not a database", "corrupt", "disk I/O error")


class Check(BaseCommand):
    """A command that checks what the registry holds: first it checks that the database can be read at all."""

    def execute(self, *args: Any, **options: Any) -> Any:
        """Run it. Raises ``CommandError`` (exit 1) when the database is not sound."""
        need_sound_database(connections[DEFAULT_DB_ALIAS])
        with _said_in_words():
            return super().execute(*args, **options)


def need_sound_database(connection: BaseDatabaseWrapper, *, check: str = "integrity_check") -> None:
    """Refuse a SQLite file that is not sound: a copy taken while it was written to, a fault of the disk.

    ``check``: SQLite's own; ``quick_check`` leaves the indexes out. PostgreSQL checks the pages that it
    reads itself. Raises ``CommandError``.
    """
    if connection.vendor != "sqlite":
        return
    with _said_in_words(), connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {check}")
        found = [str(line) for (line,) in cursor.fetchall()]
    if found != ["ok"]:
        raise CommandError(_broken(";".join(found[:_MOST])))


@contextmanager
def _said_in_words() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        if not any(sign in str(error) for sign in _SIGNS):
            raise
        raise CommandError(_broken(str(error))) from error


def _broken(said: str) -> str:
    return (
        f"数据库文件已损坏,其中的内容不可信,未作其他校验。数据库自己的说明:{said}。"
        "请停止使用这个文件,用完好的备份恢复;备份正在使用的 SQLite 库要用 sqlite3 的 .backup 命令,"
        "不能直接复制文件。"
    )
