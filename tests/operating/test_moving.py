"""``manage.py move_to_postgres``: a SQLite file becomes the PostgreSQL database, whole and proven or not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder

from registry.audit.seals import seal_all
from registry.logbooks.operations.entries import add_entry
from registry.models import AuditEntry, AuditSeal, Organization, Person, TotalChange, Unit, guards
from tests.factories import ACTOR, DAY, assign, make_organization, make_person, make_unit
from tests.logbooks.books import WALLED, make_logbook
from tests.operating.standing import run

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

STRANGE = "反斜线\\ 制表\t 换行\n “引号” \\N 😀"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A SQLite file with a small registry; the PostgreSQL of the tests is empty then."""
    unit = make_unit("bureau")
    branch = make_organization(unit)
    assign(branch, make_person("张三", unit))
    logbook = make_logbook(unit, is_walled=True, design=WALLED)
    add_entry(
        actor=ACTOR,
        logbook=logbook,
        unit=unit,
        happened_on=DAY,
        values={"trouble": "母亲住院", "who": [(Person.objects.get(), "")]},
    )
    list(seal_all())
    place = tmp_path / "registry.sqlite3"
    settings = {**connection.settings_dict, "ENGINE": "django.db.backends.sqlite3", "NAME": str(place)}
    connections.settings["old"] = {**settings, "OPTIONS": {}}
    try:
        _write(place)
    finally:
        del connections.settings["old"], connections["old"]
    call_command("flush", interactive=False, verbosity=0)
    return place


def _write(place: Path) -> None:
    """Write what the tests have on PostgreSQL into a SQLite file."""
    old = connections["old"]
    old.connect()  # the tests let nobody else begin one
    models = apps.get_models(include_auto_created=True)
    with old.schema_editor() as editor:
        for model in apps.get_models():
            editor.create_model(model)
    with old.constraint_checks_disabled(), pytest.MonkeyPatch.context() as patch:
        for model in models:
            for field in model._meta.concrete_fields:  # times stay as they are
                for name in ("auto_now", "auto_now_add"):
                    patch.setattr(field, name, False, raising=False)
            model._base_manager.using("old").bulk_create(model._base_manager.all())
    recorder = MigrationRecorder(old)
    recorder.ensure_schema()
    for app, name in MigrationRecorder(connection).applied_migrations():
        recorder.record_applied(app, name)
    with old.cursor() as cursor:
        cursor.execute("UPDATE registry_unit SET aliases = %s", [STRANGE])
        # a key that was given once is never given again
        cursor.execute("UPDATE sqlite_sequence SET seq = 5000000 WHERE name = 'registry_person'")
    old.close()


def test_everything_is_there_under_its_key_with_seals_guards_and_sequences(file: Path) -> None:
    said = run("move_to_postgres", str(file))
    for line in (
        "单位树、组织树和触发器:无误。",
        "统计数:无误。",
        "操作记录和封存:无误。",
        "限阅台账:无误。",
    ):
        assert line in said
    assert "校验全部通过" in said
    with closing(sqlite3.connect(f"{file}.moved")) as old:
        for model in (Unit, Organization, Person, AuditSeal, TotalChange):
            keys = {key for (key,) in old.execute(f"SELECT id FROM {model._meta.db_table}")}
            assert keys
            assert set(model._base_manager.values_list("pk", flat=True)) == keys
    assert not file.exists()
    assert Unit.objects.get().aliases == STRANGE
    assert make_person("王五", Unit.objects.get()).pk == 5_000_001
    assert guards.missing() == []
    assert AuditEntry.objects.filter(verb="move_database", object_name="registry.sqlite3").count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated")
        assert cursor.fetchone()[0] > 100


def test_a_file_that_is_in_use_is_refused(file: Path) -> None:
    with closing(sqlite3.connect(file)) as user:
        user.execute("PRAGMA journal_mode = WAL")
        user.execute("SELECT count(*) FROM registry_unit").fetchall()
        with pytest.raises(CommandError, match=r"正在使用.*请先停止登记系统"):
            run("move_to_postgres", str(file))


def test_a_row_that_does_not_fit_leaves_both_as_they_were(file: Path) -> None:
    with closing(sqlite3.connect(file)) as old:
        old.execute("UPDATE registry_person SET name = 'a' || char(0)")
        old.commit()
    with pytest.raises(CommandError, match="表 registry_person 没有复制成功,没有迁移"):
        run("move_to_postgres", str(file))
    assert file.exists()
    assert not Unit.objects.exists()
    assert guards.missing() == []


def test_a_changed_record_is_not_moved(file: Path) -> None:
    with closing(sqlite3.connect(file)) as old:
        old.execute("UPDATE registry_auditentry SET actor = 'somebody'")
        old.commit()
    with pytest.raises(CommandError, match=r"校验没有通过\(操作记录和封存\),没有迁移"):
        run("move_to_postgres", str(file))
    assert not Unit.objects.exists()


def test_a_database_with_data_and_another_version_are_refused(file: Path) -> None:
    make_unit("bureau")
    with pytest.raises(CommandError, match="里已有数据,没有迁移,也没有改动它"):
        run("move_to_postgres", str(file))
    with closing(sqlite3.connect(file)) as old:
        old.execute("DELETE FROM django_migrations WHERE app = 'registry'")
        old.commit()
    with pytest.raises(CommandError, match="的表不是现在这个版本的"):
        run("move_to_postgres", str(file))
    with pytest.raises(CommandError, match="没有文件 /no/such"):
        run("move_to_postgres", "/no/such")
