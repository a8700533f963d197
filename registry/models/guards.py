"""Triggers, on both databases, for what must never be and a CHECK constraint cannot express.

* a parent that is its own descendant (both trees);
* an organization under a kind that cannot hold it (made from ``kinds.ALLOWED_PARENTS``);
* an assignment outside its organization's life;
* an assignment after the end of somebody's service, or of an entry that was joined to another;
* the same person twice in one organization at the same time;
* a change or removal of an entry of the record.

A violation reaches Django as ``IntegrityError`` with the guard's name in its text. The operations check all
of this first, with messages in Chinese; the guards are for everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

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
    violated: str


def _guards(vendor: str) -> list[_Guard]:
    cycle = _recursion if vendor == "postgresql" else _chain
    far = f"DATE '{FAR}'" if vendor == "postgresql" else f"'{FAR}'"

    def guard(name: str, table: str, columns: str, violated: str) -> _Guard:
        """Return the guard of a row that is added, or changed in one of the columns."""
        events = ("INSERT", f"UPDATE OF {columns}")
        return _Guard(f"guard_{name}", f"registry_{table}", "AFTER", events, violated.replace("'{far}'", far))

    dates = "started_on, ended_on, is_withdrawn"
    return [
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
        *(
            _Guard(name, table, "BEFORE", ("UPDATE", "DELETE"), "1 = 1")
            for name, table in APPEND_ONLY.items()
        ),
    ]


def _triggers(vendor: str) -> Iterator[tuple[str, str, str]]:
    """Yield (name, table, SQL that creates it): one trigger for each guard, on SQLite one for each event."""
    for name, table, moment, events, violated in _guards(vendor):
        if vendor == "postgresql":
            yield (
                name,
                table,
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
                f"IF {violated} THEN RAISE EXCEPTION '{name}' USING ERRCODE = 'check_violation'; END IF;\n"
                f"RETURN NULL; END $$; CREATE TRIGGER {name} {moment} {' OR '.join(events)} ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {name}()",
            )
            continue
        for event in events:
            one = f"{name}_{event.split()[0].lower()}"
            yield (
                one,
                table,
                f"CREATE TRIGGER {one} {moment} {event} ON {table} FOR EACH ROW\n"
                f"WHEN {violated}\nBEGIN SELECT RAISE(ABORT, '{name}'); END",
            )


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
    drop(using=using)
    with connection.cursor() as cursor:
        for _name, table, statement in _triggers(connection.vendor):
            if table in tables:  # unless migrated back to before it
                cursor.execute(statement)


def missing() -> list[str]:
    """Return the names of the triggers that are missing or switched off."""
    connection = connections[DEFAULT_DB_ALIAS]
    present = set(_present(connection, working=True))
    return [name for name, table, _sql in _triggers(connection.vendor) if (name, table) not in present]


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
