"""The photos and files of a change that waits: as they are and would be; seen by who decides on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from registry import access, nouns
from registry.access import AnyUser
from registry.approvals import submissions
from registry.approvals.models import Submission
from registry.files.album import files_of
from registry.files.models import StoredFile
from registry.operations.packing import keys_in

_FILE = StoredFile._meta.label_lower


@dataclass(frozen=True)
class Photos:
    """What a field holds now, and what it would hold."""

    before: list[StoredFile]
    after: list[StoredFile]


def changed_files(submission: Submission) -> list[Photos]:
    """Return the files of each field that an open change would give others, while it waits."""
    row = submissions.about_of(submission) if submission.state in submissions.OPEN else None
    if row is None or nouns.of(row).key not in {each.noun for each in nouns.handed_up("file_owners")}:
        return []
    found = []
    for field, pks in _fields(submission, row):
        held = files_of(row, field)
        if pks != [file.pk for file in held]:
            there = StoredFile.objects.in_bulk(pks)
            found.append(Photos(held, [there[pk] for pk in pks if pk in there]))
    return found


def _fields(submission: Submission, row: Any) -> Iterator[tuple[str, list[int]]]:
    """Yield the fields of files that the change names, with the keys of what they would hold."""
    holds = {file.field for file in files_of(row)}
    for field, value in submission.facts.get("changes", {}).get("all", {}).items():
        keys = list(keys_in(value)) if isinstance(value, list) else []
        if keys and all(label == _FILE for label, _pk in keys):
            yield field, [pk for _label, pk in keys]
        elif value == [] and field in holds:
            yield field, []


def files_to_decide(user: AnyUser, files: Collection[StoredFile]) -> set[int]:
    """Return the keys of those uploads that stand in a change on which the user may decide."""
    senders = {file.uploaded_by_id for file in files}
    waiting = access.visible(user, Submission.objects.all(), "approve_submission")
    rows = waiting.filter(submitted_by__in=senders - {None}, state__in=submissions.OPEN)
    named = {
        pk for facts in rows.values_list("facts", flat=True) for label, pk in keys_in(facts) if label == _FILE
    }
    return named & {file.pk for file in files}
