"""What files belong to, and so who sees them and may change them.

A file belongs to a row of a noun. A capability whose rows hold files lists a ``FileOwner`` for its noun as
``file_owners`` on its ``AppConfig``; who sees the row then sees its files, and nobody else. A noun without
one holds no files. What belongs to nothing yet is seen by who uploaded it, and by who the apps say
(``files_seen``: functions of the user and such files that return keys): who decides on a change with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.http import Http404

from registry import access, nouns
from registry.access import AnyUser
from registry.audit import Actor
from registry.files.models import StoredFile

MISSING = "没有这张照片或附件,或不在您的管理范围内。"


def _anything(actor: Actor, row: Any) -> None:
    """Let whoever has the right at the row's unit."""


@dataclass(frozen=True)
class FileOwner:
    """Says of a noun whose rows hold files who sees them.

    ``seen`` narrows rows to those whose files the user sees: by default those that the user sees at all.
    ``need_open`` raises ``OperationRefused`` where the files of a row are not changed beside its form: it is
    approved, or behind a wall.
    """

    noun: str
    seen: Callable[[AnyUser, QuerySet[Any]], QuerySet[Any]] = access.visible
    need_open: Callable[[Actor, Any], None] = _anything


def owner_of(noun: str) -> FileOwner:
    """Return what is said of a noun. Raises ``LookupError`` when its rows hold no files."""
    for owner in nouns.handed_up("file_owners"):
        if owner.noun == noun:
            found: FileOwner = owner
            return found
    raise LookupError(f"rows of {noun} hold no files")


def row_of(file: StoredFile) -> Model | None:
    """Return the row to which a file belongs."""
    if not file.is_claimed:
        return None
    return nouns.by_key(file.owner_noun).model._base_manager.filter(pk=file.owner_id).first()


def visible_files(user: AnyUser, files: Iterable[StoredFile]) -> list[StoredFile]:
    """Return those of ``files`` that ``user`` sees: one query for each noun, however many files."""
    listed = list(files)
    pks: dict[str, set[int | None]] = defaultdict(set)
    for file in listed:
        pks[file.owner_noun].add(file.owner_id)
    seen = {(noun, pk) for noun, some in pks.items() if noun for pk in _seen_rows(user, noun, some)}
    free = [file for file in listed if not file.owner_noun]
    own = {file.pk for file in free if file.uploaded_by_id is not None and file.uploaded_by_id == user.pk}
    if others := [file for file in free if file.pk not in own]:
        own |= {pk for see in nouns.handed_up("files_seen") for pk in see(user, others)}
    return [file for file in listed if (file.owner_noun, file.owner_id) in seen or file.pk in own]


def _seen_rows(user: AnyUser, noun: str, pks: set[int | None]) -> list[int]:
    rows: QuerySet[Any] = nouns.by_key(noun).model._default_manager.filter(pk__in=pks)
    return list(owner_of(noun).seen(user, rows).values_list("pk", flat=True))


def get_file(user: AnyUser, pk: int) -> StoredFile:
    """Return a file that ``user`` sees, a removed one only who may restore it; else raise ``Http404``."""
    seen = visible_files(user, StoredFile.objects.filter(pk=pk).select_related("uploaded_by"))
    if not seen or (seen[0].removed_at and seen[0].is_claimed and not _may_restore(user, seen[0])):
        raise Http404(MISSING)
    return seen[0]


def _may_restore(user: AnyUser, file: StoredFile) -> bool:
    return access.may(user, "restore_file", row_of(file))
