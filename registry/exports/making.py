"""How a worker makes an export: it asks the same address again, as its user, with the rights of now."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from urllib.parse import unquote_to_bytes, urlencode, urlsplit

from django.core.exceptions import PermissionDenied
from django.core.handlers.wsgi import WSGIRequest
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import resolve
from django_tasks import TaskContext, task

from registry import access
from registry.exports import operations
from registry.exports.models import Export, ExportPart
from registry.models import User
from registry.web.making import Making, TooLong
from registry.work import queue
from registry.work.progress import Abandoned, beating

PART = 1 << 20
_BROKEN = "生成时出错,没有文件。请重试;再次出错请把本页地址告诉管理员。"
_NOT_ALLOWED = "您现在没有权限导出这些内容,或它们已不在您的管理范围内。"


@task(takes_context=True)
def make_task(context: TaskContext, pk: int) -> None:
    """Make an export, for the worker."""
    make(pk, is_last=queue.is_last(context))


def make(pk: int, *, is_last: bool = True) -> None:
    """Make the file of an export that waits; whatever prevents it is said at the export."""
    attempt = operations.claim(pk)
    if not attempt:
        return
    export = Export.objects.select_related("user").get(pk=pk)
    try:
        _make(export, attempt)
    except Abandoned:
        ExportPart.objects.filter(of=pk, attempt=attempt).delete()
    except (Http404, PermissionDenied):
        operations.fail(pk, attempt, _NOT_ALLOWED)
    except TooLong as too_long:
        operations.fail(pk, attempt, f"超过 {too_long.most:,} 行,请加上筛选条件,分几次导出。")
    except Exception as error:
        queue.end_badly(error, f"export {pk}", is_last=is_last)
        operations.fail(pk, attempt, _BROKEN)


def _make(export: Export, attempt: str) -> None:
    user = User.objects.get(pk=export.user_id)
    if not user.is_active or not access.may_somewhere(user, "export"):
        raise PermissionDenied
    rights = operations.rights_of(user)
    say = partial(operations.note_progress, export.pk, attempt)
    with beating(f"export {export.pk}", say) as progress:
        making = Making(progress)
        response = _asked_again(export, user, making)
    made = making.made
    if made is None:  # the address answers otherwise today: with a redirect, a form, a page of its own
        raise PermissionDenied
    size = 0
    for place, content in enumerate(_parts(response)):
        ExportPart.objects.create(of=export, place=place, attempt=attempt, content=content)
        size += len(content)
    facts = {"size": size, "rows": made.rows, "rights": rights, "is_print": made.is_print}
    named = {"file_name": made.file_name, "content_type": made.content_type}
    if not operations.finish(export.pk, attempt, **facts, **named, told=made.told()):
        raise Abandoned


def _asked_again(export: Export, user: User, making: Making) -> HttpResponseBase:
    """Answer the request of the export once more, as its user asked it."""
    parts = urlsplit(export.path)
    body = urlencode([tuple(each) for each in export.data]).encode()
    request: HttpRequest = WSGIRequest(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "worker",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": export.address,
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
        }
    )
    request.user = user
    request.request_number = export.request_number  # type: ignore[attr-defined]
    request.making = making  # type: ignore[attr-defined]
    match = resolve(request.path_info)
    request.resolver_match = match
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    return response


def _parts(response: HttpResponseBase) -> Iterator[bytes]:
    """Yield the content of the answer in parts of one size.

    It is not closed as at the end of a request, which would end the worker's connection as well.
    """
    held = b""
    for chunk in response:
        held += chunk
        while len(held) >= PART:
            yield held[:PART]
            held = held[PART:]
    if held:
        yield held
