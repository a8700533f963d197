"""Triggers, on both databases, for what must never be and a CHECK constraint cannot express.

* a parent that is its own descendant (both trees);
* an organization under a kind that cannot hold it (made from ``kinds.ALLOWED_PARENTS``);
* an assignment outside its organization's life;
* the same person twice in one organization at the same time;
* a change or removal of an entry of the record.

A violation reaches Django as ``IntegrityError`` with the guard's name in its text. The operations check all
of this first, with messages in Chinese; the guards are for everything else.
"""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from registry.models.kinds import ALLOWED_PARENTS, NO_SUPERIOR
from registry.models.unit import MAX_DEPTH

FAR = "9999-12-31"

APPEND_ONLY = {
    "guard_auditentry_append_only": "registry_auditentry",
    "guard_auditseal_append_only": "registry_auditseal",
    "guard_sealedentry_append_only": "registry_sealedentry",
}
"""Guard -> the table whose rows can only be added and read.

TRUNCATE is a separate right on PostgreSQL: the application's user should not own the tables
(docs/decisions/0009-record.md).
"""


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


def _guards(vendor: str) -> list[tuple[str, str, str, str]]:
    """Return (name, table, columns whose update matters, condition that is a violation)."""
    cycle = _recursion if vendor == "postgresql" else _chain
    far = f"DATE '{FAR}'" if vendor == "postgresql" else f"'{FAR}'"

    def dated(text: str) -> str:
        return text.replace("'{far}'", far)

    return [
        ("guard_unit_own_descendant", "registry_unit", "parent_id", cycle("registry_unit")),
        (
            "guard_organization_own_descendant",
            "registry_organization",
            "parent_id",
            cycle("registry_organization"),
        ),
        ("guard_organization_kind_under_kind", "registry_organization", "parent_id, kind", _KIND_VIOLATED),
        (
            "guard_assignment_outside_life",
            "registry_assignment",
            "organization_id, started_on, ended_on, is_withdrawn",
            dated(_LIFE_VIOLATED),
        ),
        (
            "guard_organization_life",
            "registry_organization",
            "established_on, dissolved_on",
            dated(_ORGANIZATION_LIFE_VIOLATED),
        ),
        (
            "guard_assignment_twice",
            "registry_assignment",
            "person_id, organization_id, started_on, ended_on, is_withdrawn",
            dated(_TWICE_VIOLATED),
        ),
    ]


def statements(vendor: str) -> list[str]:
    """Return the statements that create the guards of the trees and the dates on a database of ``vendor``."""
    made: list[str] = []
    for name, table, columns, violated in _guards(vendor):
        if vendor == "postgresql":
            made.append(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
                f"IF {violated} THEN RAISE EXCEPTION '{name}' USING ERRCODE = 'check_violation'; END IF;\n"
                "RETURN NULL; END $$"
            )
            made.append(
                f"CREATE TRIGGER {name} AFTER INSERT OR UPDATE OF {columns} ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {name}()"
            )
        else:
            for moment, event in (("insert", "INSERT"), ("update", f"UPDATE OF {columns}")):
                made.append(
                    f"CREATE TRIGGER {name}_{moment} AFTER {event} ON {table} FOR EACH ROW\n"
                    f"WHEN {violated}\nBEGIN SELECT RAISE(ABORT, '{name}'); END"
                )
    return made


def _append_only(vendor: str, name: str, table: str) -> list[str]:
    if vendor == "postgresql":
        return [
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
            f"RAISE EXCEPTION '{name}' USING ERRCODE = 'check_violation'; END $$",
            f"CREATE TRIGGER {name} BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]
    return [
        f"CREATE TRIGGER {name}_{moment} BEFORE {moment.upper()} ON {table} FOR EACH ROW\n"
        f"BEGIN SELECT RAISE(ABORT, '{name}'); END"
        for moment in ("update", "delete")
    ]


def drop(sender: object = None, using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """Remove the existing guards (before a migration)."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for name, table in _present(connection):
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def install(sender: object = None, using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """Create the guards for the current models (after a migration)."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    wanted: list[str] = []
    if {table for _, table, _, _ in _guards(connection.vendor)} <= tables:
        wanted += statements(connection.vendor)
    for name, table in APPEND_ONLY.items():
        if table in tables:  # unless migrated back to before it
            wanted += _append_only(connection.vendor, name, table)
    drop(using=using)
    with connection.cursor() as cursor:
        for statement in wanted:
            cursor.execute(statement)


def missing(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Return the names of the triggers that are missing or switched off."""
    connection = connections[using]
    one = connection.vendor == "postgresql"
    wanted = [
        (f"{name}{suffix}", table)
        for name, table, _, _ in _guards(connection.vendor)
        for suffix in (("",) if one else ("_insert", "_update"))
    ]
    wanted += [
        (f"{name}{suffix}", table)
        for name, table in APPEND_ONLY.items()
        for suffix in (("",) if one else ("_update", "_delete"))
    ]
    present = set(_present(connection, working=True))
    return [name for name, table in wanted if (name, table) not in present]


def _present(connection: BaseDatabaseWrapper, *, working: bool = False) -> list[tuple[str, str]]:
    if connection.vendor == "postgresql":
        enabled = "AND t.tgenabled <> 'D'" if working else ""
        query = (
            "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            f"WHERE NOT t.tgisinternal {enabled} AND t.tgname LIKE 'guard\\_%%'"
        )
    else:
        query = (
            "SELECT name, tbl_name FROM sqlite_master "
            "WHERE type = 'trigger' AND name LIKE 'guard\\_%%' ESCAPE '\\'"
        )
    with connection.cursor() as cursor:
        cursor.execute(query, [])
        return [(str(name), str(table)) for name, table in cursor.fetchall()]
