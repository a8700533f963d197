"""What machines ask: whether the process lives, and whether it may be sent requests. And maintenance."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from registry.models import modes
from registry.models.modes import Mode
from registry.operating import health
from registry.operating.health import OK
from registry.operating.metrics import metrics
from registry.web.errors import maintenance_page


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that the process lives. It touches nothing: neither database nor session nor disk."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Return what stands and what does not, by code: 503 when this server should be sent no requests.

    A worker that is silent or a disk that fills up is named, but keeps no page from being shown; with
    ``?strict`` anything that is wrong is answered by 503, for who only looks at the status. It says no more.
    """
    lines = health.ready()
    stops = any(line.stops for line in lines)
    wrong = [line.wrong for line in lines if line.state != OK]
    content = {"ready": not stops, **{line.code: line.state == OK for line in lines}, "wrong": wrong}
    is_bad = bool(wrong) if "strict" in request.GET else stops
    response = JsonResponse(content, status=503 if is_bad else 200)
    response._has_been_logged = True  # type: ignore[attr-defined]  # it is asked every few seconds
    return response


MACHINES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": metrics,
}


class FrontMiddleware:
    """Answers machines before session and name of the host are looked at, everybody during maintenance."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or let the page answer."""
        if asked := MACHINES.get(request.path_info):
            return asked(request)
        standing = modes.standing()
        if standing.mode == Mode.MAINTENANCE:
            return maintenance_page(request, standing.said)
        return self.get_response(request)
