"""Middleware: request number, client address, body size, headers, read-only times, end of sessions."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from typing import cast

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.middleware import get_user
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from registry.models import modes
from registry.models.faults import Fault, fault_of
from registry.models.hierarchy import remembering
from registry.models.modes import Mode
from registry.models.session import SessionStore
from registry.web.errors import fault_page, page_not_found, too_large

RENEWED_AFTER = timedelta(minutes=1)


class _Middleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


class RequestNumberMiddleware(_Middleware):
    """Gives each request a short number that users can give on the telephone."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_number = secrets.token_hex(5)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Number"] = request.request_number  # type: ignore[attr-defined]
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Show our own pages under ``DEBUG`` too, which `make run` sets: 404, and what is no bug of ours."""
        if settings.DEBUG and isinstance(exception, Http404):
            return page_not_found(request, exception)
        if fault := fault_of(exception):
            return fault_page(request, fault, exception)
        return None


class ClientAddressMiddleware(_Middleware):
    """Takes the client's address from a trusted proxy; without one the header is ignored."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
        if forwarded and settings.TRUSTED_PROXIES and _trusted(request.META.get("REMOTE_ADDR", "")):
            for word in reversed(forwarded.split(",")):
                address = word.strip()
                if not _is_address(address):
                    break
                request.META["REMOTE_ADDR"] = address
                if not _trusted(address):
                    break
        return self.get_response(request)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _trusted(text: str) -> bool:
    return _is_address(text) and any(ip_address(text) in network for network in settings.TRUSTED_PROXIES)


class BodySizeMiddleware(_Middleware):
    """Refuses requests that are too large before they are read."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > settings.MAX_BODY_BYTES:
            return too_large(request)
        return self.get_response(request)


class HeadersMiddleware(_Middleware):
    """Tells browsers to keep no page (static files do not come here) and to give no access to devices."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Cache-Control"] = "no-store, private"
        response.headers["Permissions-Policy"] = settings.PERMISSIONS_POLICY
        return response


class HierarchyMiddleware(_Middleware):
    """Reads the moves of units and the roots once for each request that only reads."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return self.get_response(request)
        with remembering():
            return self.get_response(request)


class ReadOnlyMiddleware(_Middleware):
    """Refuses forms while the registry is read-only, before the operations do: what was filled in stays."""

    _open = ("login", "login_code", "logout")
    """Who reads must come in."""

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        """Answer every form with the page that says so."""
        match = request.resolver_match
        if request.method in ("GET", "HEAD", "OPTIONS") or modes.standing().mode == Mode.NORMAL:
            return None
        if match is not None and match.view_name in self._open:
            return None
        return fault_page(request, Fault.READ_ONLY)


class SessionEndMiddleware(_Middleware):
    """Ends sessions that are too old and renews those in use, with one write a minute at most."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # The user himself, not what Django has until somebody asks: a list asks a thousand times.
        request.user = get_user(request)
        if request.user.is_authenticated:
            session, now = cast(SessionStore, request.session), timezone.now()
            if session.started_at is not None and session.started_at + settings.SESSION_LONGEST <= now:
                auth.logout(request)
            elif session.seen_at is not None and session.seen_at + RENEWED_AFTER <= now:
                session.modified = True
        return self.get_response(request)
