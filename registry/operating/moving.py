"""From a SQLite file to PostgreSQL, table by table, in one transaction: all there and proven, or nothing.

Rows keep their keys, so seals, links and everything that names a row stay right. Foreign keys and guards are
taken away for the copy and made again in the same transaction: PostgreSQL then checks each key for all rows
at once, which is much quicker than row by row, and the guards are as the code says.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import TextIOBase
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader

from registry.models import Session, guards
from registry.operating import proof
from registry.operating.restoring import Say
from registry.operating.writing import find_faults

_OURS = "django_migrations"
"""Migrating wrote it already, the same."""
_MOVED = ".moved"


@dataclass(frozen=True)
class _Column:
    name: str
    kind: str
    """As PostgreSQL calls it."""


def move_to_postgres(file: Path, say: Say) -> int:
    """Copy a SQLite file into the empty database in use, prove it, and put the file aside; return the rows.

    Raises ``CommandError``; then nothing was changed, but for the empty tables.
    """
    if connection.vendor != "postgresql":
        raise CommandError(
            "DATABASE_URL 还不是 PostgreSQL。请把它设为新的库(表的所有者),再运行:"
            "DATABASE_URL=postgres://… manage.py move_to_postgres 旧库文件"
        )
    with _source(file) as source:
        _need_same_migrations(source, file)
        _need_empty()
        call_command("migrate", interactive=False, verbosity=0)
        _need_no_rows()
        with transaction.atomic():
            rows = _copy_everything(source, say)
            Session.objects.all().delete()
            faults = []
            for line in proof.checks():
                say(str(line))
                faults += [] if line.is_clean else [line.check]
            if faults:
                raise CommandError(f"校验没有通过({'、'.join(faults)}),没有迁移:新库仍是空的,旧库没有改动。")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return rows


# --- The old database -----------------------------------------------------------------------------


@contextmanager
def _source(file: Path) -> Iterator[sqlite3.Connection]:
    """Open the file so that nobody else has it; put it aside in the end: later rows would be lost."""
    if not file.is_file():
        raise CommandError(f"没有文件 {file}。")
    with closing(sqlite3.connect(file, timeout=1, isolation_level=None)) as source:
        try:
            source.execute("PRAGMA journal_mode = DELETE")  # refused while anybody else has the file open
            source.execute("BEGIN EXCLUSIVE")
            faults = find_faults(source)
        except sqlite3.OperationalError as error:
            raise CommandError(
                f"{file} 正在使用({error})。请先停止登记系统"
                "(systemctl stop registry-web registry-worker),再运行。"
            ) from error
        except sqlite3.DatabaseError as error:
            faults = [str(error)]
        if faults:
            raise CommandError(f"{file} 已损坏或不是 SQLite 库:{';'.join(faults[:5])}。")
        yield source
        source.execute("ROLLBACK")
    file.rename(file.with_name(file.name + _MOVED))


def _need_same_migrations(source: sqlite3.Connection, file: Path) -> None:
    try:
        applied = set(source.execute("SELECT app, name FROM django_migrations"))
    except sqlite3.OperationalError:
        raise CommandError(f"{file} 不是登记系统的库。") from None
    loader = MigrationLoader(None)
    if applied != set(loader.disk_migrations) | set(loader.replacements):
        raise CommandError(
            f"{file} 的表不是现在这个版本的。请先对它运行一次 migrate(DATABASE_URL 仍指向它),再迁移。"
        )


# --- The new one ----------------------------------------------------------------------------------


def _need_empty() -> None:
    """Refuse a database with rows; one that was only migrated will do."""
    if "registry_unit" in connection.introspection.table_names():
        _need_no_rows()


def _need_no_rows() -> None:
    with connection.cursor() as cursor:
        for table in ("registry_unit", "registry_user", "registry_auditentry", "registry_person"):
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table})")
            if cursor.fetchone()[0]:
                raise CommandError(
                    f"数据库 {connection.settings_dict['NAME']} 里已有数据,没有迁移,也没有改动它。"
                    "请建一个空库(createdb)。"
                )


def _copy_everything(source: sqlite3.Connection, say: Say) -> int:
    with connection.cursor() as cursor:
        tables = _tables(cursor)
        missing = set(_sqlite_tables(source)) - set(tables) - {_OURS}
        if missing:
            raise CommandError(f"新库里没有旧库的表 {'、'.join(sorted(missing))},没有迁移。")
        guards.drop()
        keys = _drop_foreign_keys(cursor)
        cursor.execute(f"TRUNCATE {', '.join(_quoted(table) for table in tables)}")
        total = 0
        for table, columns in tables.items():
            total += _copy(cursor, source, table, columns)
        say(f"已复制 {len(tables)} 张表,{total:,} 行。")
        for statement in keys:
            cursor.execute(statement)
        _set_sequences(cursor, source)
    guards.install()
    say(f"外键 {len(keys)} 个、触发器和序列已就位。")
    return total


def _tables(cursor: Any) -> dict[str, list[_Column]]:
    """Return the columns of each table that hold values of their own."""
    cursor.execute(
        "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c "
        "JOIN information_schema.tables t USING (table_schema, table_name) "
        "WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' "
        "AND c.is_generated = 'NEVER' AND c.table_name <> %s ORDER BY c.table_name, c.ordinal_position",
        [_OURS],
    )
    rows = cursor.fetchall()
    return {
        table: [_Column(name, kind) for _, name, kind in columns]
        for table, columns in itertools.groupby(rows, key=lambda row: row[0])
    }


def _sqlite_tables(source: sqlite3.Connection) -> list[str]:
    listed = source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [name for (name,) in listed if not name.startswith("sqlite_")]


def _drop_foreign_keys(cursor: Any) -> list[str]:
    """Take all foreign keys away; return the statements that make them again."""
    cursor.execute(
        "SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c "
        "JOIN pg_class r ON r.oid = c.conrelid "
        "WHERE c.contype = 'f' AND r.relnamespace = current_schema()::regnamespace ORDER BY 1, 2"
    )
    made = []
    for table, name, definition in cursor.fetchall():
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {_quoted(name)}")
        made.append(f"ALTER TABLE {table} ADD CONSTRAINT {_quoted(name)} {definition}")
    return made


def _set_sequences(cursor: Any, source: sqlite3.Connection) -> None:
    """Let each sequence go on after the highest key that was ever given, also of a row that is gone."""
    given = dict(source.execute("SELECT name, seq FROM sqlite_sequence"))
    cursor.execute(
        "SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_name), column_name) "
        "FROM information_schema.columns WHERE table_schema = current_schema() AND table_name <> %s "
        "AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL",
        [_OURS],
    )
    for table, column, sequence in cursor.fetchall():
        cursor.execute(f"SELECT COALESCE(MAX({_quoted(column)}), 0) FROM {_quoted(table)}")
        last = max(int(cursor.fetchone()[0]), int(given.get(table, 0)))
        cursor.execute("SELECT setval(%s, %s, %s)", [sequence, max(last, 1), last > 0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# --- One table ------------------------------------------------------------------------------------


def _copy(cursor: Any, source: sqlite3.Connection, table: str, columns: list[_Column]) -> int:
    """Copy a table; return how many rows. Raises ``CommandError`` with what PostgreSQL does not take."""
    names = ", ".join(_quoted(column.name) for column in columns)
    rows = source.execute(f"SELECT {names} FROM {_quoted(table)}")
    lines = _Lines(rows, [_WRITERS.get(column.kind, _text) for column in columns])
    try:
        with connection.wrap_database_errors:
            cursor.copy_expert(f"COPY {_quoted(table)} ({names}) FROM STDIN", lines, 1 << 16)
    except Exception as error:
        raise CommandError(f"表 {table} 没有复制成功,没有迁移:{error}") from error
    there = source.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()[0]
    if there != lines.number:
        raise CommandError(f"表 {table} 应有 {there} 行,复制了 {lines.number} 行,没有迁移。")
    return lines.number


class _Lines(TextIOBase):
    """The rows as the text that COPY reads, made while it reads."""

    def __init__(self, rows: Iterator[tuple[Any, ...]], writers: list[Callable[[Any], str]]) -> None:
        self._rows, self._writers, self.number = rows, writers, 0

    def read(self, size: int | None = -1) -> str:
        """Return the next rows, whole: about ``size`` characters."""
        wanted, made, length = size if size and size > 0 else 1 << 16, [], 0
        for row in self._rows:
            line = "\t".join(
                r"\N" if value is None else write(value)
                for value, write in zip(row, self._writers, strict=True)
            )
            made.append(line + "\n")
            self.number += 1
            length += len(line) + 1
            if length >= wanted:
                break
        return "".join(made)


def _text(value: Any) -> str:
    text = str(value)
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:
        text = text.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")
    return text


def _boolean(value: Any) -> str:
    return "t" if value else "f"


def _bytes(value: Any) -> str:
    return rf"\\x{bytes(value).hex()}"


def _moment(value: Any) -> str:
    """A time; Django writes most of them into SQLite without their zone, which is UTC."""
    text = str(value)
    return text if "+" in text[19:] else f"{text}+00"


def _days(value: Any) -> str:
    """A list of days or numbers, which SQLite holds as JSON."""
    return "{" + ",".join(str(each) for each in json.loads(value)) + "}"


_WRITERS: dict[str, Callable[[Any], str]] = {
    "boolean": _boolean,
    "bytea": _bytes,
    "timestamp with time zone": _moment,
    "ARRAY": _days,
}
"""How a value of a column is written; the others are text to both."""
