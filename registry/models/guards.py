"""Triggers, on both databases, for what must never be and a CHECK constraint cannot express.

* a parent that is its own descendant (both trees);
* an organization under a kind that cannot hold it (made from ``kinds.ALLOWED_PARENTS``);
* an assignment outside its organization's life;
* an assignment after the end of somebody's service, or of an entry that was joined to another;
* the same person twice in one organization at the same time;
* a change or removal of an entry of the record; on PostgreSQL also TRUNCATE of its tables.

They change by a migration only (``InstallGuards``), in its transaction: either all are as the code says
or all stay as they were. ``missing`` says which are not there as the code says.

A violation reaches Django as ``IntegrityError`` with the guard's name in its text. The operations check all
of this first, with messages in Chinese; the guards are for everything else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.operations.base import Operation

from registry.models.kinds import ALLOWED_PARENTS, NO_SUPERIOR
from registry.models.unit import MAX_DEPTH

FAR = "9999-12-31"

APPEND_ONLY = {
    "guard_auditentry_append_only": "registry_auditentry",
    "guard_auditseal_append_only": "registry_auditseal",
    "guard_sealedentry_append_only": "registry_sealedentry",
    "guard_auditproof_append_only": "registry_auditproof",
}
"""Guard -> the table whose rows can only be added and read.

Who owns the tables can switch a guard off: the application's user should not (deploy/roles.sql).
"""

LOCK_SECONDS = 5
"""So long a migration waits for a table that somebody writes; others wait behind it meanwhile."""


def _pairs() -> str:
    """Return every allowed pair of kinds as a SQL list of ``child/parent`` strings."""
    pairs = [
        f"'{child}/{parent}'"
        for child, parents in ALLOWED_PARENTS.items()
        for parent in parents
        if parent != NO_SUPERIOR
    ]
    return ", ".join(pairs)


_KIND_VIOLATED = f"""
    EXISTS (SELECT 1 FROM registry_organization p WHERE p.id = NEW.parent_id
            AND NEW.kind || '/' || p.kind NOT IN ({_pairs()}))
    OR EXISTS (SELECT 1 FROM registry_organization c WHERE c.parent_id = NEW.id
            AND c.kind || '/' || NEW.kind NOT IN ({_pairs()}))"""

_LIFE_VIOLATED = """
    NOT NEW.is_withdrawn AND EXISTS (
        SELECT 1 FROM registry_organization o WHERE o.id = NEW.organization_id AND (
            NEW.started_on < o.established_on
            OR (o.dissolved_on IS NOT NULL AND COALESCE(NEW.ended_on, '{far}') > o.dissolved_on)))"""

_ORGANIZATION_LIFE_VIOLATED = """
    EXISTS (SELECT 1 FROM registry_assignment a WHERE a.organization_id = NEW.id AND NOT a.is_withdrawn AND (
        a.started_on < NEW.established_on
        OR (NEW.dissolved_on IS NOT NULL AND COALESCE(a.ended_on, '{far}') > NEW.dissolved_on)))"""

_TWICE_VIOLATED = """
    NOT NEW.is_withdrawn AND EXISTS (
        SELECT 1 FROM registry_assignment a
        WHERE a.person_id = NEW.person_id AND a.organization_id = NEW.organization_id
          AND a.id <> NEW.id AND NOT a.is_withdrawn
          AND a.started_on < COALESCE(NEW.ended_on, '{far}')
          AND NEW.started_on < COALESCE(a.ended_on, '{far}'))"""


_SERVICE_VIOLATED = """
    NOT NEW.is_withdrawn AND EXISTS (
        SELECT 1 FROM registry_person p WHERE p.id = NEW.person_id AND (
            p.merged_into_id IS NOT NULL
            OR (p.left_on IS NOT NULL AND COALESCE(NEW.ended_on, '{far}') > p.left_on)))"""

_PERSON_SERVICE_VIOLATED = """
    (NEW.left_on IS NOT NULL OR NEW.merged_into_id IS NOT NULL) AND EXISTS (
        SELECT 1 FROM registry_assignment a WHERE a.person_id = NEW.id AND NOT a.is_withdrawn AND (
            NEW.merged_into_id IS NOT NULL OR COALESCE(a.ended_on, '{far}') > NEW.left_on))"""


def _chain(table: str) -> str:
    """Walk up as many levels as a tree may have: SQLite allows no recursive query in a trigger."""
    joins = "\n".join(
        f"    LEFT JOIN {table} n{i} ON n{i}.id = n{i - 1}.parent_id" for i in range(1, MAX_DEPTH)
    )
    ids = ", ".join(f"n{i}.id" for i in range(MAX_DEPTH))
    return (
        f"EXISTS (SELECT 1 FROM {table} n0\n{joins}\n    WHERE n0.id = NEW.parent_id AND NEW.id IN ({ids}))"
    )


def _recursion(table: str) -> str:
    return f"""EXISTS (
        WITH RECURSIVE up(id, parent_id) AS (
            SELECT n.id, n.parent_id FROM {table} n WHERE n.id = NEW.parent_id
            UNION SELECT n.id, n.parent_id FROM {table} n JOIN up ON n.id = up.parent_id)
        SELECT 1 FROM up WHERE up.id = NEW.id)"""


class _Guard(NamedTuple):
    name: str
    table: str
    moment: str
    events: tuple[str, ...]
    columns: tuple[str, ...]
    violated: str

    @property
    def is_of_rows(self) -> bool:
        """Whether it looks at each row; TRUNCATE has none."""
        return self.events != ("TRUNCATE",)


def _guards(vendor: str) -> list[_Guard]:
    cycle = _recursion if vendor == "postgresql" else _chain
    far = f"DATE '{FAR}'" if vendor == "postgresql" else f"'{FAR}'"

    def guard(name: str, table: str, columns: str, violated: str) -> _Guard:
        """Return the guard of a row that is added, or changed in one of the columns."""
        return _Guard(
            f"guard_{name}",
            f"registry_{table}",
            "AFTER",
            ("INSERT", "UPDATE"),
            tuple(columns.split(", ")),
            violated.replace("'{far}'", far),
        )

    dates = "started_on, ended_on, is_withdrawn"
    found = [
        guard("unit_own_descendant", "unit", "parent_id", cycle("registry_unit")),
        guard("organization_own_descendant", "organization", "parent_id", cycle("registry_organization")),
        guard("organization_kind_under_kind", "organization", "parent_id, kind", _KIND_VIOLATED),
        guard("assignment_outside_life", "assignment", f"organization_id, {dates}", _LIFE_VIOLATED),
        guard(
            "organization_life", "organization", "established_on, dissolved_on", _ORGANIZATION_LIFE_VIOLATED
        ),
        guard("assignment_after_service", "assignment", f"person_id, {dates}", _SERVICE_VIOLATED),
        guard("person_service", "person", "left_on, merged_into_id", _PERSON_SERVICE_VIOLATED),
        guard("assignment_twice", "assignment", f"person_id, organization_id, {dates}", _TWICE_VIOLATED),
    ]
    for name, table in APPEND_ONLY.items():
        found.append(_Guard(name, table, "BEFORE", ("UPDATE", "DELETE"), (), "1 = 1"))
        if vendor == "postgresql":
            found.append(_Guard(f"{name}_whole", table, "BEFORE", ("TRUNCATE",), (), "1 = 1"))
    return found


class _Trigger(NamedTuple):
    """A trigger of the database."""

    name: str
    table: str
    definition: Any
    """What it does, as the database tells it (``_present``)."""
    sql: str
    """What creates it."""


_BITS = {"BEFORE": 2, "AFTER": 0, "INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}
"""How PostgreSQL notes when a trigger runs (``pg_trigger.tgtype``); one for each row has 1 more."""


def _triggers(vendor: str) -> Iterator[_Trigger]:
    """Yield the triggers: one for each guard, on SQLite one for each event."""
    for guard in _guards(vendor):
        name, table, moment, events, columns, violated = guard
        of = f" OF {', '.join(columns)}" if columns else ""
        clauses = [event + (of if event == "UPDATE" else "") for event in events]
        if vendor == "postgresql":
            each = "ROW" if guard.is_of_rows else "STATEMENT"
            body = (
                f" BEGIN\nIF {violated} THEN RAISE EXCEPTION '{name}' USING ERRCODE = 'check_violation'; "
                "END IF;\nRETURN NULL; END "
            )
            bits = guard.is_of_rows + _BITS[moment] + sum(_BITS[event] for event in events)
            yield _Trigger(
                name,
                table,
                (True, bits, sorted(columns), name, body),
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$; "
                f"CREATE TRIGGER {name} {moment} {' OR '.join(clauses)} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION {name}()",
            )
            continue
        for event, clause in zip(events, clauses, strict=True):
            one = f"{name}_{event.lower()}"
            statement = (
                f"CREATE TRIGGER {one} {moment} {clause} ON {table} FOR EACH ROW\n"
                f"WHEN {violated}\nBEGIN SELECT RAISE(ABORT, '{name}'); END"
            )
            yield _Trigger(one, table, statement, statement)


def fingerprint() -> str:
    """Return what stands for all guards of this code, on both databases; a migration names it."""
    texts = [each.sql for vendor in ("postgresql", "sqlite") for each in _triggers(vendor)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def drop(using: str = DEFAULT_DB_ALIAS) -> None:
    """Remove all guards."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for name, table in _present(connection):
            _drop(cursor, name, table)


def install(using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the guards as the code says, all or none; one that is so already is not touched."""
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        wanted = {(each.name, each.table): each for each in _triggers(connection.vendor)}
        present = _present(connection)
        for place, definition in present.items():
            if place not in wanted or wanted[place].definition != definition:
                _drop(cursor, *place)
        for place, trigger in wanted.items():
            if present.get(place) != trigger.definition:
                cursor.execute(trigger.sql)


def _drop(cursor: Any, name: str, table: str) -> None:
    on = f" ON {table}" if cursor.db.vendor == "postgresql" else ""
    cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def missing() -> list[str]:
    """Return the names of the triggers that are missing, switched off, or do something else."""
    connection = connections[DEFAULT_DB_ALIAS]
    present = _present(connection)
    return [
        each.name
        for each in _triggers(connection.vendor)
        if present.get((each.name, each.table)) != each.definition
    ]


def _present(connection: BaseDatabaseWrapper) -> dict[tuple[str, str], Any]:
    """Return the definition of each guard in the database, by its name and table."""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute(
                "SELECT name, tbl_name, sql FROM sqlite_master "
                "WHERE type = 'trigger' AND name LIKE 'guard\\_%%' ESCAPE '\\'",
                [],
            )
            return {(str(name), str(table)): sql for name, table, sql in cursor.fetchall()}
        cursor.execute(
            "SELECT t.tgname, c.relname, t.tgenabled IN ('O', 'A') AND t.tgqual IS NULL, t.tgtype, "
            "ARRAY(SELECT a.attname::text FROM unnest(t.tgattr) AS key JOIN pg_attribute a "
            'ON a.attrelid = t.tgrelid AND a.attnum = key ORDER BY a.attname::text COLLATE "C"), '
            "p.proname, p.prosrc "
            "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid "
            "WHERE NOT t.tgisinternal AND pg_table_is_visible(c.oid) AND t.tgname LIKE 'guard\\_%%'",
            [],
        )
        return {(str(row[0]), str(row[1])): tuple(row[2:]) for row in cursor.fetchall()}


class InstallGuards(Operation):
    """Make the guards as the code says, by a migration.

    It names the guards that it is for. When the code has others by now, a later migration makes those: this
    one then does nothing, since tables may still lack what they speak of.
    """

    reduces_to_sql = False

    def __init__(self, guards: str) -> None:
        self.guards = guards

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change no model."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Install them."""
        if self.guards == fingerprint():
            install(schema_editor.connection.alias)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Remove them."""
        drop(schema_editor.connection.alias)

    def describe(self) -> str:
        """Return what ``migrate --plan`` says."""
        return "Make the guards (triggers) as the code says"


class DropGuards(InstallGuards):
    """Remove the guards for the other operations of a migration, which ends with ``InstallGuards``.

    SQLite rebuilds a table to alter it, which fails while a trigger names that table.
    """

    def __init__(self) -> None:
        super().__init__("")

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Remove them, until the migration's end or for as long as nothing is written."""
        drop(schema_editor.connection.alias)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Install them again."""
        install(schema_editor.connection.alias)

    def describe(self) -> str:
        """Return what ``migrate --plan`` says."""
        return "Remove the guards (triggers) until the migration's end"
