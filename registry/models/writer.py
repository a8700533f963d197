"""Write many rows of one table: COPY on PostgreSQL, one prepared INSERT on SQLite.

Several times faster than ``bulk_create``, which builds an object and a piece of SQL for each row.
For operations only. Only the database checks the rows.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django.db import connection
from django.db.models import BinaryField, JSONField, Model
from django.utils import timezone
from psycopg2.extras import execute_values

from registry.models import journal
from registry.models.ordering import OrderKey, order_keys

_NULL = r"\N"
"""A text that is exactly this is refused, not mistaken: no column of text may be NULL."""
_PLAIN = (str, int, float, Decimal, date)  # bool is an int, datetime a date


class Writer:
    """Writes rows of ``model`` given as values of ``columns`` (attribute names, ``unit_id``).

    Every other column gets its field's default (called for each row when it is a function), or the current
    time for auto_now fields; a key that is not among the columns comes from the database.
    """

    def __init__(self, model: type[Model], columns: Sequence[str]) -> None:
        """Work out the columns that are not given. Raises ``ValueError`` for an unknown name."""
        fields = {field.attname: field for field in model._meta.concrete_fields}
        if unknown := set(columns) - set(fields):
            raise ValueError(f"{model.__name__} has no {', '.join(sorted(unknown))}")
        self._given = len(columns)
        # Keys of the order are worked out of the columns that are given.
        derived = [field for field in order_keys(model) if field.attname not in columns]
        self._derived = [
            (
                field,
                [
                    (columns.index(name) if name in columns else -1, fields[name].get_default())
                    for name in field.of
                ],
            )
            for field in derived
        ]
        self._constant: list[Any] = []
        self._made: list[Callable[[], Any]] = []
        constant_columns, made_columns = [], []
        now = timezone.now()
        for name, field in fields.items():
            if (
                name in columns
                or field in derived
                or field is model._meta.auto_field
                or getattr(field, "generated", False)
            ):
                continue
            column = field.column
            if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
                constant_columns.append(column)
                self._constant.append(_plain(now))
            elif callable(field.default):
                made_columns.append(column)
                self._made.append(field.get_default)
            else:
                constant_columns.append(column)
                self._constant.append(_plain(field.get_default()))
        derived_columns = [field.column for field in derived]
        names = [fields[name].column for name in columns] + derived_columns + constant_columns + made_columns
        self._table = connection.ops.quote_name(model._meta.db_table)
        self._columns = ", ".join(connection.ops.quote_name(str(name)) for name in names)
        self._width = len(names)

    def write(self, rows: Iterable[Sequence[Any]], *, keep_existing: bool = False) -> None:
        """Write the rows; in one COPY on PostgreSQL, so the iterable must not query the database.

        With ``keep_existing`` a row whose key is there already is left out; COPY cannot do that.
        """
        unless = " ON CONFLICT DO NOTHING" if keep_existing else ""
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql" and keep_existing:
                with connection.wrap_database_errors:
                    execute_values(
                        cursor.cursor,
                        f"INSERT INTO {self._table} ({self._columns}) VALUES %s{unless}",
                        self._complete(rows),
                        page_size=1000,
                    )
            elif connection.vendor == "postgresql":
                file = _text(self._complete(rows))
                # Django's cursor does not wrap errors of copy_expert.
                with connection.wrap_database_errors:
                    cursor.copy_expert(
                        f"COPY {self._table} ({self._columns}) FROM STDIN WITH (FORMAT csv, NULL '{_NULL}')",
                        file,
                    )
            else:
                marks = ", ".join(["%s"] * self._width)
                cursor.executemany(
                    f"INSERT INTO {self._table} ({self._columns}) VALUES ({marks}){unless}",
                    [[_stored(value) for value in row] for row in self._complete(rows)],
                )

    def _complete(self, rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
        constant, made = self._constant, self._made
        for row in rows:
            if len(row) != self._given:
                raise ValueError(f"{self._table}: {len(row)} values for {self._given} columns")
            keys = [
                field.key_of([row[at] if at >= 0 else default for at, default in places])
                for field, places in self._derived
            ]
            yield [*row, *keys, *constant, *[_plain(make()) for make in made]]


def reserve_ids(model: type[Model], number: int) -> Sequence[int]:
    """Return ``number`` primary keys that nothing else will get, so that rows can name each other."""
    table = model._meta.db_table
    if not number:
        return ()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                [table, number],
            )
            return [int(pk) for (pk,) in cursor.fetchall()]
        # On SQLite the writing transaction is the only one, and AUTOINCREMENT follows the highest key.
        cursor.execute("SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = %s", [table])
        first = int(cursor.fetchone()[0]) + 1
    return range(first, first + number)


def analyze(*models: type[Model]) -> None:
    """Let PostgreSQL look at tables that grew much, or it plans the rest as if they were small."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in models)}")


def check_references(moment: str) -> None:
    """Say when PostgreSQL checks foreign keys: deferred, it keeps a note of every row until the end."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET CONSTRAINTS ALL {moment}")


def write_new(rows: Sequence[Model]) -> None:
    """Write new rows of one model and give them their keys, unless they have them; one is just saved."""
    if len(rows) == 1:
        rows[0].save(force_insert=True)
        journal.note_new(rows)
        return
    if not rows:
        return
    model = type(rows[0])
    if rows[0].pk is None:
        for row, pk in zip(rows, reserve_ids(model, len(rows)), strict=True):
            row.pk = pk
    names = [
        field.attname
        for field in model._meta.concrete_fields
        if not any(getattr(field, made, False) for made in ("auto_now", "auto_now_add", "generated"))
        and not isinstance(field, OrderKey)
    ]
    Writer(model, names).write(_as_kept(model, names, map(attrgetter(*names), rows)))
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias
    journal.note_new(rows)


def _as_kept(
    model: type[Model], names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterable[Sequence[Any]]:
    """Return the rows with JSON as text, and on PostgreSQL bytes as COPY reads them."""
    known = {field.attname: field for field in model._meta.concrete_fields}
    json_at = {place for place, name in enumerate(names) if isinstance(known[name], JSONField)}
    bytes_at = {place for place, name in enumerate(names) if isinstance(known[name], BinaryField)}
    if not json_at | bytes_at:
        return rows

    def kept(place: int, value: Any) -> Any:
        if place in json_at:
            return json.dumps(value, ensure_ascii=False)
        if place in bytes_at and value is not None and connection.vendor == "postgresql":
            return f"\\x{bytes(value).hex()}"
        return value

    return ([kept(place, value) for place, value in enumerate(row)] for row in rows)


def _text(rows: Iterable[list[Any]]) -> io.StringIO:
    """Return the rows as the CSV that COPY reads, with an unquoted ``\\N`` for None."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows(
        [_NULL if value is None else value for value in row] for row in rows
    )
    file.seek(0)
    return file


def _stored(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, time)) and not isinstance(value, datetime) else value


def _plain(value: Any) -> Any:
    """Refuse a default whose stored form differs from its Python value (JSON, files)."""
    if isinstance(value, datetime) and connection.vendor != "postgresql":
        return connection.ops.adapt_datetimefield_value(value)
    if value is not None and not isinstance(value, _PLAIN):
        raise TypeError(f"a default that is {type(value).__name__} cannot be written at once")
    return value
