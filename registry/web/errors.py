"""Error pages: what is wrong, what to do, the way on and back, and the number of the request.

They keep the campaign and the date of the address, say what is known of a form that was sent
(``registry.web.once``), and send again what was filled in.
"""

from __future__ import annotations

import logging
import sys
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template import loader
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe

from registry import access, nouns
from registry.models import Grant, GrantRole
from registry.models.faults import Fault, fault_of
from registry.refusals import RefusedByRole
from registry.web import kept, once
from registry.web.address import KEPT
from registry.web.once import FIELD

logger = logging.getLogger("registry.faults")

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
    for grants in access.who_may([(verb.slug, unit) for unit in units]):
        for grant in grants:
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
    """Show the 400 page, or the 413 page when the request was too large.

    A session that could not be saved is answered so, too, after the act was committed: the page says which.
    """
    if isinstance(exception, RequestDataTooBig):
        return too_large(request)
    if fault := fault_of(exception):
        return fault_page(request, fault, exception)
    ended = isinstance(exception, SessionInterrupted)
    return _standing_alone(request, "errors/400.html", 400, {"ended": ended, **_known(request)})


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

    It says whether what was sent is saved; what was filled in stands on it, to be sent again. Where database
    or disk are at fault, it is the page that says so.
    """
    error = sys.exc_info()[1]
    if fault := fault_of(error):
        return fault_page(request, fault, error)
    return _standing_alone(request, "errors/500.html", 500, _known(request))


STATUS = {Fault.FULL: 507}
RETRY_AFTER = {Fault.DOWN: 10, Fault.BUSY: 15, Fault.READ_ONLY: 300}
"""After how many seconds it may be tried again."""


def fault_page(request: HttpRequest, fault: Fault, error: BaseException | None = None) -> HttpResponse:
    """Show what is wrong with database or disk, and what is known of the form that was sent.

    The log has one line: nobody needs the traceback of a database that is away. Without an ``error`` it was
    closed on purpose, of which no administrator needs to be told.
    """
    status = STATUS.get(fault, 503)
    known = _known(request, asks=fault != Fault.DOWN)
    response = _standing_alone(request, "errors/fault.html", status, {"fault": fault.value, **known})
    if fault in RETRY_AFTER:
        response.headers["Retry-After"] = str(RETRY_AFTER[fault])
    said = str(error).strip().partition("\n")[0] if error is not None else "maintenance"
    logger.log(
        logging.INFO if error is None else logging.ERROR,
        "%s %s: %s (%s)",
        request.method,
        request.path,
        fault.value,
        said,
        extra={"request": request, "same": fault.value},
    )
    response._has_been_logged = True  # type: ignore[attr-defined]  # by Django: it would add the traceback
    return response


def maintenance_page(request: HttpRequest, said: str) -> HttpResponse:
    """Show that the registry is closed for a while, and what was said of it; asks no database."""
    response = _standing_alone(request, "errors/maintenance.html", 503, {"said": said})
    response.headers["Retry-After"] = str(RETRY_AFTER[Fault.READ_ONLY])
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _known(request: HttpRequest, *, asks: bool = True) -> dict[str, Any]:
    """Return what is known of a form that was sent: saved, not saved or unknown, and how to send it again.

    Without ``asks`` the database is not asked.
    """
    if request.method != "POST":
        return {"outcome": ""}
    try:
        if not request.POST:  # what was sent could not be read: every form sends its token
            return {"outcome": "nothing"}
        if not request.POST.get(FIELD):
            return {"outcome": "unsure", **_sent(request)}
    except Exception:  # it was not read to its end, so nothing was done
        return {"outcome": "nothing"}
    if not asks:
        return {"outcome": "unknown", **_sent(request)}
    try:
        found = once.found(request)
    except Exception:
        return {"outcome": "unknown", **_sent(request)}
    if found is None:
        return {"outcome": "nothing", **_sent(request)}
    return {"outcome": "saved", "said": mark_safe(found.said), "result": found.address}


def _sent(request: HttpRequest) -> dict[str, Any]:
    """Return what a form sent, with address and token to send it again; nothing if it held secrets."""
    try:
        if not kept.is_kept(request):
            return {}
        fields = [(name, value) for name, values in request.POST.lists() for value in values]
        sent = [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"]
        return {"sent": sent, "path": request.get_full_path(), "token": get_token(request)} if sent else {}
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
