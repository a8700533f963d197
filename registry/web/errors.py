"""Error pages: what is wrong, what to do, and the number of the request."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template import loader

from registry.web import kept


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show the 404 page, with the Chinese sentence of ``Http404("…")`` if there is one."""
    message = exception.args[0] if exception.args and isinstance(exception.args[0], str) else ""
    return render(request, "errors/404.html", {"message": message}, status=404)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show the 403 page."""
    return render(request, "errors/403.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show the 400 page, or the 413 page when the request was too large."""
    if isinstance(exception, RequestDataTooBig):
        return too_large(request)
    return _standing_alone(request, "errors/400.html", 400)


def too_large(request: HttpRequest) -> HttpResponse:
    """Show the 413 page: the request was too large."""
    return _standing_alone(request, "errors/413.html", 413)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Show that a form did not come from this site, or is older than the last login.

    What is older comes back in its form, filled as it was: the user saves it again.
    """
    own = f"{request.scheme}://{request.get_host()}"
    if (
        request.user.is_authenticated
        and request.headers.get("Origin") == own
        and (packed := kept.pack(request))
    ):
        kept.keep(request, packed)
        return HttpResponseRedirect(request.get_full_path())
    return _standing_alone(request, "errors/csrf.html", 403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Show the 500 page with the request number; needs neither database nor context."""
    return _standing_alone(request, "errors/500.html", 500)


def _standing_alone(request: HttpRequest, name: str, status: int) -> HttpResponse:
    body = loader.get_template(name).render({"request_number": getattr(request, "request_number", "")})
    return HttpResponse(body, status=status)
