"""The pages of photos and files: sending one, showing one, the page about one and what is done with it."""

from __future__ import annotations

import logging
import re
from typing import Any

from django import forms
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from registry import access
from registry.files import disk, operations
from registry.files.models import REMOVED_FOR, FileKind, StoredFile
from registry.files.owners import MISSING, get_file, owner_of, row_of
from registry.files.receiving import receive
from registry.models import User
from registry.refusals import OperationRefused
from registry.web.address import actor_of, address_of
from registry.web.changes import Job, Subject
from registry.web.fields import ReasonForm, ScopedForm, wide
from registry.web.links import row_url

logger = logging.getLogger(__name__)

_FIELD = re.compile(r"[A-Za-z][\w-]{0,60}")


@require_http_methods(["GET", "HEAD", "POST"])
def file_upload(request: HttpRequest) -> HttpResponse:
    """Store one file of a form that is being filled in; answer how it stands there, or 422 with why not.

    Asked without sending anything: how one's own uploads stand in a form that was kept as a draft.
    """
    access.need_somewhere(request.user, "store_file")
    if request.method != "POST":
        return _drafted(request)
    kind, name = request.POST.get("kind", ""), request.POST.get("name", "")
    uploads = request.FILES.getlist("file")[:1]
    if kind not in FileKind.values or not _FIELD.fullmatch(name) or not uploads:
        return HttpResponse("没有收到文件。", status=400, content_type="text/plain; charset=utf-8")
    done = receive(actor_of(request), uploads, kind)
    if done.refused:
        status = 503 if done.is_busy else 422
        return HttpResponse(done.refused[0], status=status, content_type="text/plain; charset=utf-8")
    return render(request, "files/_item.html", {"file": done.stored[0], "name": name}, status=201)


def _drafted(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    name, words = request.GET.get("name", ""), request.GET.getlist("pk")[: operations.MOST_UNCLAIMED]
    pks = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 19]
    mine = StoredFile.objects.unclaimed_by(request.user).filter(kind=request.GET.get("kind", ""))
    found = mine.in_bulk(pks) if _FIELD.fullmatch(name) else {}
    items = [
        render_to_string("files/_item.html", {"file": found[pk], "name": name}) for pk in pks if pk in found
    ]
    return HttpResponse("".join(items))


@require_safe
def file_shown(request: HttpRequest, pk: int, size: str) -> HttpResponseBase:
    """The bytes: a photo as a picture, anything else only to be kept, never opened in the browser."""
    file = get_file(request.user, pk)
    if size not in ((disk.FULL, disk.MIDDLE, disk.THUMB) if file.is_photo else (disk.FULL,)):
        raise Http404(MISSING)
    try:
        content = disk.read(file.key, size)
    except FileNotFoundError:
        logger.error("file %s is not on disk", file.pk)
        raise Http404(f"这张照片或附件不在服务器的盘上,请把编号 {file.pk} 告诉系统管理员。") from None
    name = f"{file.name.rpartition('.')[0] or file.name}.jpg" if file.is_photo else file.name
    response = FileResponse(
        content, as_attachment=not file.is_photo, filename=name, content_type=file.content_type
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@require_safe
def file_page(request: HttpRequest, pk: int) -> HttpResponse:
    """A photo as it fits on a screen, who uploaded it, what it belongs to."""
    file, address = get_file(request.user, pk), address_of(request)
    row = row_of(file)
    context = {
        "file": file,
        "title": str(file),
        "tag": "已删除" if file.removed_at else "",
        "facts": _facts(file),
        "owner": row,
        "owner_url": row_url(request.user, row, address) if row is not None else "",
        "actions": _actions(request, file, row),
        "kept_until": file.removed_at + REMOVED_FOR if file.removed_at else None,
    }
    return render(request, "files/file.html", context)


def _facts(file: StoredFile) -> list[tuple[str, str]]:
    rows = [
        ("说明", file.caption),
        ("原文件名", file.name),
        (
            "大小",
            f"{filesizeformat(file.size)}" + (f",{file.width}×{file.height} 像素" if file.width else ""),
        ),
        ("上传", f"{file.uploaded_by or '系统'} {file.uploaded_at.astimezone():%Y-%m-%d %H:%M}"),
    ]
    return [(label, value) for label, value in rows if value]


def _actions(request: HttpRequest, file: StoredFile, row: Any) -> list[dict[str, Any]]:
    address = address_of(request)
    if not _may_change(request, file, row):
        return []
    wanted = (
        [("file_restore", "恢复", "main")]
        if file.removed_at
        else [("file_caption", "修改说明", ""), ("file_remove", "删除", "")]
    )
    return [
        {"label": label, "url": address.url(reverse(name, args=[file.pk])), "tone": tone}
        for name, label, tone in wanted
    ]


def _may_change(request: HttpRequest, file: StoredFile, row: Any) -> bool:
    if row is None:
        return True  # one's own upload
    if not access.may(request.user, "remove_file", row):
        return False
    try:
        owner_of(file.owner_noun).need_open(actor_of(request), row)
    except OperationRefused:
        return False
    return True


# --- Changing one ---------------------------------------------------------------------------------


class CaptionForm(ScopedForm):
    """What a photo shows."""

    held = ("caption",)
    caption = forms.CharField(label="说明", max_length=200, required=False, widget=wide())


def _found(request: HttpRequest, pk: int, verb: str) -> StoredFile:
    file = get_file(request.user, pk)
    if (row := row_of(file)) is not None:
        access.need(request.user, verb, row, MISSING)
    else:
        access.need_somewhere(request.user, verb)
    return file


def _around(job: Job) -> dict[str, Any]:
    page = job.url(job.row)
    return {
        "file": job.row,
        "cancel_url": page,
        "crumbs": [{"name": str(job.row), "url": page}, {"name": job.title}],
    }


_FILE = Subject("file", _found, _around, "files/confirm.html")

caption = _FILE.change(
    operations.caption_file,
    CaptionForm,
    "修改说明",
    submit_label="保存",
    done=lambda job, file: "已修改说明。",
)
remove = _FILE.change(
    operations.remove_file,
    ReasonForm,
    "删除照片或附件",
    submit_label="删除",
    sentences=lambda job: [f"{REMOVED_FOR.days} 天内可以在这一页恢复,之后从盘上清除。"],
    done=lambda job, file: "已删除。",
)
restore = _FILE.change(
    operations.restore_file,
    ScopedForm,
    "恢复照片或附件",
    submit_label="恢复",
    done=lambda job, file: "已恢复。",
)
