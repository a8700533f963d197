"""A registry that stands in a database of its own, as other processes see it, with a photo on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def migrated(transactional_db: None, settings: Any) -> Iterator[None]:
    """The tables of the tests are made from the models: note the migrations that make the same."""
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.recorder import MigrationRecorder

    if connection.vendor == "postgresql":  # there the tests migrate
        yield
        return
    settings.MIGRATION_MODULES = {}
    recorder = MigrationRecorder(connection)
    recorder.ensure_schema()
    for app, name in MigrationLoader(None).disk_migrations:
        recorder.record_applied(app, name)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE django_migrations")


@pytest.fixture
def registry(migrated: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A bureau with a branch, somebody in it, and its photo; sealed."""
    from registry.audit.seals import seal_all
    from tests.factories import assign, make_organization, make_person, make_unit
    from tests.operating.standing import address, keep_photo, programs_of_the_wheel

    programs = programs_of_the_wheel()
    settings.FILES_DIR = tmp_path / "files"
    settings.PG_BIN = Path(programs) if programs else None
    settings.BACKUP_PROOF_URL = os.environ.get("DATABASE_URL", "")
    for name, value in (
        ("PG_BIN", programs),
        ("FILES_DIR", str(tmp_path / "files")),
        ("DATABASE_URL", address()),
    ):
        monkeypatch.setenv(name, value)
    unit = make_unit("bureau")
    branch = make_organization(unit)
    assign(branch, make_person("张三", unit))
    stored = keep_photo(branch)
    list(seal_all())
    return stored


@pytest.fixture
def backup(registry: Any, tmp_path: Path) -> Path:
    """A backup of it."""
    from tests.operating.standing import run

    run("backup", str(tmp_path / "backups"))
    (made,) = (tmp_path / "backups").iterdir()
    return made
