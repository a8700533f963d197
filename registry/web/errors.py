"""Error pages: what is wrong, what to do, the way on and back, and the number of the request.

They keep the campaign and the date of the address; what was filled in when the server failed is sent again.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template import loader
from django.utils.http import url_has_allowed_host_and_scheme

from registry import access, nouns
from registry.models import Grant, GrantRole
from registry.refusals import RefusedByRole
from registry.web import kept
from registry.web.address import KEPT

MOST_NAMED = 5
"""The most people that the page of a refusal names as able to do it."""


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show the 404 page, with the Chinese sentence of ``Http404("…")`` if there is one."""
    message = exception.args[0] if exception.args and isinstance(exception.args[0], str) else ""
    return render(request, "errors/404.html", {"message": message, "back": _back(request)}, status=404)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show the 403 page: which roles may do it, and who has them there, as far as the user sees it."""
    context: dict[str, Any] = {"back": _back(request)}
    if isinstance(exception, RefusedByRole):
        context |= _refused(request.user, exception)
    return render(request, "errors/403.html", context, status=403)


def _refused(user: access.AnyUser, refused: RefusedByRole) -> dict[str, Any]:
    verb, scope = nouns.verb(refused.verb), access.spans(user)
    if refused.row is not None:
        units = [unit for unit in nouns.units_of([refused.row]) if unit is not None]
    else:
        units = access.top_units(user)
    able: dict[int, Grant] = {}
    for unit in units:
        for grant in access.who_may(verb.slug, unit):
            if access.inside(grant.unit, scope):
                able.setdefault(grant.user_id, grant)
    return {
        "verb": verb.label,
        "roles": "或".join(str(GrantRole(role).label) for role in verb.roles),
        "held": [f"{unit.label} {GrantRole(role).label}" for role, unit in access.roles_held(user)],
        "able": [
            {"name": str(grant.user), "unit": grant.unit.label, "role": grant.get_role_display()}
            for grant in list(able.values())[:MOST_NAMED]
        ],
    }


def _back(request: HttpRequest) -> str:
    """Return the page from which the user came; "" where that is unknown or the page itself."""
    came = request.META.get("HTTP_REFERER", "")
    try:
        own = {request.get_host()}
    except DisallowedHost:
        return ""
    if not came or not url_has_allowed_host_and_scheme(came, own, require_https=request.is_secure()):
        return ""
    parts = urlsplit(came)
    page = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return "" if page == request.get_full_path() else page


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
    """Show the 500 page with the request number; needs neither database nor context.

    What was filled in stands on it, to be sent again.
    """
    return _standing_alone(request, "errors/500.html", 500, _sent(request))


def _sent(request: HttpRequest) -> dict[str, Any]:
    """Return what a form sent, with address and token to send it again; nothing if it held secrets."""
    try:
        if request.method != "POST" or not kept.pack(request):
            return {}
        fields = [(name, value) for name, values in request.POST.lists() for value in values]
        sent = [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"]
        return {"sent": sent, "path": request.get_full_path(), "token": get_token(request)}
    except Exception:  # the page of a fault must not fail
        return {}


def _kept_address(request: HttpRequest) -> str:
    """Return the campaign and the date as a query; "" where the address itself cannot be read."""
    try:
        return urlencode({key: request.GET[key][:40] for key in KEPT if request.GET.get(key)})
    except TooManyFieldsSent:
        return ""


def _standing_alone(
    request: HttpRequest, name: str, status: int, context: dict[str, Any] | None = None
) -> HttpResponse:
    keep = _kept_address(request)
    context = {
        "request_number": getattr(request, "request_number", ""),
        "home": f"/?{keep}" if keep else "/",
        "search": f"/search/?{keep}" if keep else "/search/",
        "back": _back(request),
        **(context or {}),
    }
    return HttpResponse(loader.get_template(name).render(context), status=status)
