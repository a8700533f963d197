"""What is done with photos and files: stored, claimed by the form that they came for, captioned, removed.

What a form adds, leaves out and moves about is written by the operation of its own noun, which calls
``hold_files``: it is one act with the rest, and taken back with it. The other verbs are of a single file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model
from django.utils import timezone

from registry import access, audit, nouns
from registry.audit import Actor
from registry.files import owners
from registry.files.models import StoredFile
from registry.files.pictures import Taken
from registry.models import Unit, User, journal
from registry.operations.base import fresh, need_right, not_allowed, operation
from registry.refusals import need_reason, refuse

MOST_UNCLAIMED = 60
"""So many uploads of one user wait for their form; they go after a day."""
GONE = "有照片或附件已不在(上传后一天没有保存,或已被删除),请重新上传。"


@operation
def store_file(*, actor: Actor, key: str, kind: str, name: str, taken: Taken) -> StoredFile:
    """Enter a file that is on disk under ``key``. It belongs to nothing until its form is saved."""
    need_right(actor, "store_file")
    need_room(actor)
    file = StoredFile.objects.create(
        key=key,
        kind=kind,
        name=name,
        content_type=taken.content_type,
        size=len(taken.whole),
        width=taken.width,
        height=taken.height,
        sha256=taken.sha256,
        uploaded_by=actor.user,
    )
    audit.record_event(
        actor, "store_file", subject=name, unit=_unit_of(actor), after={"file_size": len(taken.whole)}
    )
    return file


def need_room(actor: Actor) -> None:
    """Refuse another upload of who has no right to it, or too many that wait for their form."""
    if actor.user is None:
        return
    need_right(actor, "store_file")
    if StoredFile.objects.unclaimed_by(actor.user).count() >= MOST_UNCLAIMED:
        raise refuse(
            None,
            f"您有 {MOST_UNCLAIMED} 张上传后还没有保存的照片或附件。"
            "请先保存表单,或明天再传(没有保存的过一天清除)。",
        )


def note_sent(user: User, captions: Mapping[int, str]) -> None:
    """Keep what ``user`` wrote under uploads that belong to nothing yet, and that they were sent with a form.

    Nobody else sees them, so nothing is recorded before the form is saved.
    """
    for file in StoredFile.objects.unclaimed_by(user).filter(pk__in=captions):
        values = {"caption": captions[file.pk].strip()[:200], "sent_at": timezone.now()}
        StoredFile.objects.filter(pk=file.pk, owner_noun="").update(**values)


def hold_files(
    actor: Actor, row: Model, files: Sequence[StoredFile | int], *, field: str = ""
) -> tuple[list[str], list[str]]:
    """Let ``row`` hold exactly these ``files`` (or their keys) in ``field``, in this order.

    Called within the operation that writes the row, which asked for the right; what it changes is noted in
    the journal of that act. A file must be the actor's own upload that belongs to nothing, or one that this
    field of the row holds or held. The others that it holds are removed. Returns their names before and
    after, for the record. Raises ``OperationRefused``.
    """
    noun = nouns.of(row).key
    owners.owner_of(noun)
    pks = [file if isinstance(file, int) else file.pk for file in files]
    own = StoredFile.objects.filter(owner_noun=noun, owner_id=row.pk, field=field)
    held = list(own.filter(removed_at=None))
    now = StoredFile.objects.select_for_update().in_bulk(pks)
    for place, pk in enumerate(pks):
        if pk not in now or not _may_hold(actor, now[pk], noun, row.pk, field):
            raise refuse(field or None, GONE)
        values = {"owner_noun": noun, "owner_id": row.pk, "field": field, "place": place, "removed_at": None}
        journal.rewrite(StoredFile.objects.filter(pk=pk), **values)
    left = [file.pk for file in held if file.pk not in now]
    if left:
        journal.rewrite(own.filter(pk__in=left), removed_at=timezone.now())
    return [str(file) for file in held], [str(now[pk]) for pk in pks]


def _may_hold(actor: Actor, file: StoredFile, noun: str, pk: int, field: str) -> bool:
    """Whether it may stand there; of what was submitted, and another approves, by who submitted it."""
    if file.is_claimed:
        return (file.owner_noun, file.owner_id, file.field) == (noun, pk, field)
    whose = {user.pk for user in (actor.user, actor.submitted_by) if user is not None}
    return file.removed_at is None and (not whose or file.uploaded_by_id in whose)


@operation
def caption_file(*, actor: Actor, file: StoredFile, caption: str) -> StoredFile:
    """Say what a photo shows."""
    file, row = _to_change(actor, "caption_file", file)
    caption = caption.strip()[:200]
    if caption != file.caption:
        before, file.caption = file.caption, caption
        StoredFile.objects.filter(pk=file.pk).update(caption=caption)
        _told(actor, "caption_file", file, row, before={"caption": before}, after={"caption": caption})
    return file


@operation
def remove_file(*, actor: Actor, file: StoredFile, reason: str = "") -> StoredFile:
    """Remove a file: it is shown nowhere, can be restored for 30 days, and then goes from the disk.

    One that belongs to a row needs a reason.
    """
    file, row = _to_change(actor, "remove_file", file)
    if file.removed_at is not None:
        raise refuse(None, "已经删除。")
    if row is not None:
        need_reason(reason, "删除原因")
    file.removed_at = timezone.now()
    StoredFile.objects.filter(pk=file.pk, removed_at=None).update(removed_at=file.removed_at)
    _told(actor, "remove_file", file, row, before={"file_kept": str(file)}, reason=reason)
    return file


@operation
def restore_file(*, actor: Actor, file: StoredFile) -> StoredFile:
    """Show a removed file again."""
    file, row = _to_change(actor, "restore_file", file)
    if file.removed_at is None:
        raise refuse(None, "没有删除,不用恢复。")
    file.removed_at = None
    StoredFile.objects.filter(pk=file.pk).update(removed_at=None)
    _told(actor, "restore_file", file, row, after={"file_kept": str(file)})
    return file


def _to_change(actor: Actor, verb: str, file: StoredFile) -> tuple[StoredFile, Model | None]:
    """Return the file as it is now and the row it belongs to; refuse it to who may not change it."""
    file = fresh(file)
    row = owners.row_of(file)
    if row is not None:
        need_right(actor, verb, row)
        owners.owner_of(file.owner_noun).need_open(actor, row)
    elif actor.user is not None:
        need_right(actor, verb)
        if file.is_claimed or file.uploaded_by_id != actor.user.pk:
            raise not_allowed(verb)
    return file, row


def _told(actor: Actor, verb: str, file: StoredFile, row: Model | None, **about: Any) -> None:
    """Record it with the row that the file belongs to, else by the file's name."""
    if row is not None:
        audit.record(actor, verb, row, **about)
    else:
        audit.record(actor, verb, None, name=str(file), unit=_unit_of(actor), **about)


def _unit_of(actor: Actor) -> Unit | None:
    tops = access.top_units(actor.user, "store_file") if actor.user is not None else []
    return next(iter(tops), None)
