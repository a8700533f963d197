"""Taking files in: each is judged by itself, so that one that is refused does not hold up the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict

from registry.audit import Actor
from registry.files import disk, operations, papers, pictures
from registry.files.models import FileKind, StoredFile, new_key
from registry.files.pictures import BadFile, Taken, TooBusy
from registry.models import User
from registry.models.text import normalize_text
from registry.refusals import OperationRefused
from registry.web.address import actor_of

MOST_BYTES = 20 * 1024 * 1024
ENDS = {"_photos": FileKind.PHOTO, "_files": FileKind.FILE}
"""What the name of a box for files ends with: the name of the field stands before it."""
REFUSED = "_refused"
"""What the name ends with under which the form keeps why files were not taken."""
_LONGEST = 120
_CAPTION = re.compile(r"_caption_([0-9]{1,18})$", re.ASCII)
_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*]')


Upload: TypeAlias = "UploadedFile[Any]"


@dataclass
class Received:
    """What became of some uploads."""

    stored: list[StoredFile] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Why the others were not taken, each by its name."""
    is_busy: bool = False
    """Whether one was not looked at, as many came in: it can be sent again as it is."""


def receive(actor: Actor, uploads: Sequence[Upload], kind: str) -> Received:
    """Store what can be stored, and say of the rest, by name, why not. Called outside an operation."""
    done = Received()
    for upload in uploads:
        name = clean_name(upload.name or "")
        try:
            done.stored.append(_store(actor, name, upload, kind))
        except BadFile as refusal:
            done.refused.append(f"“{name}”{refusal}。")
            done.is_busy |= isinstance(refusal, TooBusy)
        except OperationRefused as refusal:
            done.refused.append(f"“{name}”没有上传:{' '.join(refusal.messages)}")
    return done


def take_in(request: HttpRequest) -> None:
    """Store the files that came with a form, put their numbers into its data, and keep what is said of them.

    For forms with file fields, before they are bound: so a form that comes back, or that is sent again, has
    what was uploaded, with scripts or without.
    """
    if request.method != "POST" or not isinstance(request.user, User):
        return
    captions = {
        int(match[1]): str(text) for name, text in request.POST.items() if (match := _CAPTION.search(name))
    }
    if captions:
        operations.note_sent(request.user, captions)
    if not request.FILES:
        return
    data, left = request.POST.copy(), MultiValueDict[str, Upload]()
    for box in request.FILES:
        end = next((end for end in ENDS if box.endswith(end)), None)
        if end is None:
            left.setlist(box, request.FILES.getlist(box))
            continue
        done = receive(actor_of(request), request.FILES.getlist(box), ENDS[end])
        for file in done.stored:
            data.appendlist(box.removesuffix(end), str(file.pk))
        for said in done.refused:
            data.appendlist(box.removesuffix(end) + REFUSED, said)
    request.POST = data  # type: ignore[assignment]
    request._files = left  # type: ignore[attr-defined]


def taken(name: str, content: bytes, kind: str) -> Taken:
    """Return a file as it will be kept. Raises ``BadFile``."""
    if not content:
        raise BadFile("是空的(0 字节),没有内容")
    if len(content) > MOST_BYTES:
        raise BadFile("超过 20 MB")
    return pictures.draw(content) if kind == FileKind.PHOTO else papers.take(name, content)


def clean_name(name: str) -> str:
    """Return a file's name without folders, without what nobody sees, and not too long; its ending stays."""
    name = _NOT_IN_NAMES.sub("_", normalize_text(re.split(r"[\\/]", name)[-1])).strip(". ") or "未命名"
    stem, dot, ending = name.rpartition(".")
    if len(name) <= _LONGEST or not dot or len(ending) > 10:
        return name[:_LONGEST]
    return f"{stem[: _LONGEST - len(ending) - 1]}.{ending}"


def _store(actor: Actor, name: str, upload: Upload, kind: str) -> StoredFile:
    """Draw or check it, write it, and only then enter it, with nothing locked meanwhile."""
    if (upload.size or 0) > MOST_BYTES:
        raise BadFile("超过 20 MB")
    operations.need_room(actor)
    kept, key = taken(name, upload.read(), kind), new_key()
    disk.write(key, kept.parts)
    try:
        return operations.store_file(actor=actor, key=key, kind=kind, name=name, taken=kept)
    except BaseException:
        disk.remove(key)
        raise
