"""An installation of its own for tests that start processes: folders, settings, a SQLite file with tables."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings

PLACES = {"/var/lib/registry": "data", "/var/log/registry": "logs", "/var/backups/registry": "backups"}
"""The folders that install.sh makes, and where they are here."""


class Installed(NamedTuple):
    """Where it is, and the environment of its processes."""

    root: Path
    environment: dict[str, str]


def copy_tables(made: Path) -> None:
    """Copy the tables of the tests (`migrate` would take 15 seconds) and say that they were migrated."""
    with (
        closing(sqlite3.connect(settings.DATABASES["default"]["NAME"])) as source,
        closing(sqlite3.connect(made)) as copy,
    ):
        source.backup(copy)
        with override_settings(MIGRATION_MODULES={}):
            written = sorted(MigrationLoader(None).disk_migrations)
        copy.execute(
            "CREATE TABLE IF NOT EXISTS django_migrations (id integer PRIMARY KEY AUTOINCREMENT, "
            "app varchar(255), name varchar(255), applied datetime)"
        )
        copy.executemany(
            "INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, '2026-01-01')",
            written,
        )
        copy.commit()


@pytest.fixture
def installed(tmp_path: Path, db: None) -> Installed:
    """An empty registry with the settings that install.sh writes."""
    for name in PLACES.values():
        (tmp_path / name).mkdir(mode=0o700)
    copy_tables(tmp_path / "data" / "registry.sqlite3")
    return Installed(
        tmp_path,
        {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": f"sqlite:///{tmp_path}/data/registry.sqlite3",
            "SECRET_KEY": "0123456789abcdef" * 4,
            "SEAL_KEY": "fedcba9876543210" * 2,
            "WALL_KEY": "00112233445566778899aabbccddeeff",
            "ALLOWED_HOSTS": "registry.example,localhost,127.0.0.1",
            "TRUSTED_PROXIES": "127.0.0.1",
            "FILES_DIR": str(tmp_path / "data" / "files"),
            "STATE_DIR": str(tmp_path / "data" / "state"),
            "LOG_DIR": str(tmp_path / "logs"),
            "SEAL_COPY": str(tmp_path / "data" / "seals.txt"),
            "BACKUP_DIR": str(tmp_path / "backups"),
            "WEB_WORKERS": "1",
        },
    )
