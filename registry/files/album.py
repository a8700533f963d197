"""What rows hold, for their own pages and for albums: the photos of a unit or a campaign."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Model, QuerySet

from registry import nouns
from registry.access import AnyUser
from registry.files import owners
from registry.files.models import FileKind, StoredFile


def files_of(row: Model, field: str | None = None) -> list[StoredFile]:
    """Return what a row that the user sees holds, in a field or in all, in order."""
    return list(StoredFile.objects.held_by(nouns.of(row).key, [row.pk], field))


def files_by_row(noun: str, pks: Iterable[int]) -> dict[int, list[StoredFile]]:
    """Return what each of many rows of a noun holds, by one query."""
    found: dict[int, list[StoredFile]] = {pk: [] for pk in pks}
    for file in StoredFile.objects.held_by(noun, list(found)):
        found[file.owner_id or 0].append(file)
    return found


def photos_of(user: AnyUser, noun: str, rows: QuerySet[Any]) -> QuerySet[StoredFile]:
    """Return the photos of those ``rows`` of a noun whose files ``user`` sees, the newest first.

    For the album of a unit or a campaign: ``rows`` are the entries there. One query, to be cut into pages.
    """
    seen = owners.owner_of(noun).seen(user, rows).order_by().values("pk")
    return StoredFile.objects.held_by(noun, seen).filter(kind=FileKind.PHOTO).order_by("-uploaded_at", "-pk")
