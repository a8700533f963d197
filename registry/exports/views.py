"""The pages of exports that a worker makes: one's own list, how far one is, its file."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST, require_safe

from registry import access, audit
from registry.exports import operations
from registry.exports.models import Export, ExportPart
from registry.exports.tables import ListedExport, drawn
from registry.models import Unit, User
from registry.refusals import OperationRefused
from registry.web.address import actor_of, address_of
from registry.work import queue

RECENT = 100


@require_safe
def exports(request: HttpRequest) -> HttpResponse:
    """One's own exports, and whether a worker makes them."""
    address = address_of(request)
    rows = Export.objects.filter(user=_who_may(request)).defer("data")[:RECENT]
    context = {"grid": drawn(list(rows), address), "load": queue.load()}
    return render(request, "exports/list.html", context)


@require_safe
def export_page(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is; the file, when there is one."""
    export = _own(request, pk)
    listed = ListedExport(address_of(request), export)
    exports_url = address_of(request).url(reverse("exports"))
    context = {
        "export": export,
        "is_open": export.is_ready or export.is_under_way,
        "state": listed.state,
        "tone": listed.tone,
        "title": export.title,
        "crumbs": [{"name": "我的导出", "url": exports_url}, {"name": export.title}],
    }
    return render(request, "exports/export.html", context)


@require_safe
def export_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer htmx how far it is; when it is done, have the whole page loaded again."""
    export = _own(request, pk)
    listed = ListedExport(address_of(request), export)
    response = render(request, "exports/_progress.html", {"export": export, "state": listed.state})
    if not export.is_under_way:
        response.headers["HX-Refresh"] = "true"
    return response


@require_POST
def export_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hand the file out and record it; not any more when the rights of its user are others now."""
    export = _own(request, pk)
    if not export.is_ready:
        messages.error(request, "文件已过期或已删除,请重新导出。" if export.is_past else "文件还没有生成。")
        return _back(request, export)
    assert isinstance(request.user, User)
    if operations.rights_of(request.user) != export.rights:
        _cancel(request, export)
        messages.error(request, "生成之后您的权限有变化,文件已删除。请回到原来的页面重新导出。")
        return _back(request, export)
    told = export.told
    audit.record_event(
        actor_of(request),
        told["verb"],
        subject=told["subject"],
        unit=Unit.objects.filter(pk=told["unit"]).first() if told["unit"] else None,
        after=told["after"],
    )
    if export.is_print:
        sheet = b"".join(_content(export)).decode()
        context = {
            "paper": {"title": export.title},
            "extent": f"A4,共 {export.rows:,} 行",
            "back": export.get_absolute_url(),
            "sheet": mark_safe(sheet),
        }
        return render(request, "parts/print.html", context)
    response = StreamingHttpResponse(_content(export), content_type=export.content_type)
    response.headers["Content-Length"] = str(export.size)
    response.headers["Content-Disposition"] = content_disposition_header(True, export.file_name) or ""
    return response


@require_POST
def export_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Give it up, or remove its file."""
    export = _own(request, pk)
    if _cancel(request, export):
        messages.success(request, f"已取消导出“{export.title}”,文件已删除。")
        return HttpResponseRedirect(address_of(request).url(reverse("exports")))
    return _back(request, export)


def _cancel(request: HttpRequest, export: Export) -> bool:
    try:
        operations.cancel_export(actor=actor_of(request), export=export)
    except OperationRefused as refusal:
        messages.error(request, " ".join(refusal.messages))
        return False
    return True


def _content(export: Export) -> Iterator[bytes]:
    """Yield the file part by part: one of them is in memory."""
    parts = ExportPart.objects.filter(of=export, attempt=export.attempt).order_by("place")
    for pk in list(parts.values_list("pk", flat=True)):
        yield bytes(ExportPart.objects.values_list("content", flat=True).get(pk=pk))


def _who_may(request: HttpRequest) -> User:
    """Return the user, who may export somewhere."""
    access.need_somewhere(request.user, "export")
    assert isinstance(request.user, User)
    return request.user


def _own(request: HttpRequest, pk: int) -> Export:
    export = Export.objects.select_related("user").filter(pk=pk, user=_who_may(request)).first()
    if export is None:
        raise Http404("没有这次导出,或不是您提交的。")
    return export


def _back(request: HttpRequest, export: Export) -> HttpResponseRedirect:
    return HttpResponseRedirect(address_of(request).url(export.get_absolute_url()))
