"""The database user that serves (``deploy/roles.sql``): all work goes on, the record is out of reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import ProgrammingError, connection, transaction

from registry import audit
from registry.audit.proving import wanting
from registry.audit.seals import seal_entries
from registry.models import AuditEntry, Organization, Person, guards
from registry.operations.organizations import dissolve_organization
from registry.operations.rebuilding import rebuild_counts
from tests.factories import ACTOR, DAY, assign, make_organization, make_person, make_unit
from tests.imports.test_operations import Office

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

ROLES = (Path(__file__).resolve().parent.parent / "deploy" / "roles.sql").read_text("utf-8")
RECORD = sorted(guards.APPEND_ONLY.values())


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def as_serving() -> Iterator[None]:
    """The connection of a test, as a session of the user that serves."""
    sql("SELECT pg_advisory_xact_lock(7111, 0)")  # the users are those of the whole server
    sql(ROLES)
    sql(ROLES)  # as after each migrate
    sql("SET LOCAL SESSION AUTHORIZATION registry_serving")
    yield
    sql("SET LOCAL SESSION AUTHORIZATION DEFAULT")


def test_an_import_goes_on(as_serving: None) -> None:
    """It writes rows at once, takes keys from the sequences, and counts in temporary tables."""
    office = Office()
    made = office.write(
        人员=[("8001", "张三", "民警", "正式党员", "suo"), ("8002", "李四", "民警", "正式党员", "suo")]
    )
    assert (made.state, Person.objects.filter(number__in=("8001", "8002")).count()) == ("written", 2)


def refused(statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), transaction.atomic():
        sql(statement)


def test_the_work_goes_on(as_serving: None) -> None:
    """Registering, placing, counting, dissolving, recording, sealing, checking."""
    unit = make_unit("bureau")
    branch = make_organization(unit)
    assign(branch, make_person("张三", unit))
    dissolve_organization(actor=ACTOR, organization=branch, on=DAY, reason="任务结束")
    rebuild_counts(actor=ACTOR)
    assert (Organization.objects.count(), Person.objects.count()) == (1, 1)
    seal = seal_entries()
    assert seal is not None
    assert seal.count == AuditEntry.objects.count() > 4
    assert guards.missing() == []
    sql("SELECT last_value FROM registry_unit_id_seq")  # as pg_dump asks it
    assert not [sentence for sentence in wanting() if "权限最小" in sentence]


@pytest.mark.parametrize("table", RECORD)
def test_the_record_is_out_of_reach(as_serving: None, table: str) -> None:
    audit.record_event(ACTOR, "export", subject="某事")
    guard = next(name for name, guarded in guards.APPEND_ONLY.items() if guarded == table)
    for statement in (
        f"UPDATE {table} SET id = id",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
        f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        f"ALTER TABLE {table} DISABLE TRIGGER {guard}",
        f"ALTER TABLE {table} ADD COLUMN more integer",
        f"DROP TRIGGER {guard} ON {table}",
        f"DROP TABLE {table} CASCADE",
        f"CREATE TRIGGER other BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {guard}()",
        f"CREATE OR REPLACE FUNCTION {guard}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN END $$",
        "CREATE TABLE other (id integer)",
        "SET session_replication_role = replica",
        "DELETE FROM django_migrations",
        "SELECT setval(pg_get_serial_sequence('registry_auditentry', 'id'), 1)",
    ):
        refused(statement)
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize("table", ["registry_unit", "registry_person", "registry_assignment"])
def test_no_guard_is_switched_off(as_serving: None, table: str) -> None:
    for statement in (f"ALTER TABLE {table} DISABLE TRIGGER USER", f"TRUNCATE {table} CASCADE"):
        refused(statement)


def test_every_table_of_the_record_is_named() -> None:
    """A new one must not be forgotten in the file."""
    for table in RECORD:
        assert f"'{table}'" in ROLES


def test_the_owner_is_told(db: None) -> None:
    """Who serves as the owner of the tables reads it on the page of the record."""
    assert [sentence for sentence in wanting() if "权限最小" in sentence]
