"""Keeps everybody whose password is due on the page for changing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from registry.accounts.passwords import is_due

_OPEN_WHEN_DUE = {"account_password", "login", "login_code", "logout"}


class PasswordDueMiddleware:
    """Who must set a new password gets nothing else until that is done."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Lead to the page for changing the password."""
        match = request.resolver_match
        if match is None or match.view_name in _OPEN_WHEN_DUE or not is_due(request.user):
            return None
        address = reverse("account_password")
        if request.headers.get("HX-Request") == "true":
            there = urlsplit(request.headers.get("HX-Current-URL", "")).path == address
            return HttpResponse(status=204) if there else HttpResponseClientRedirect(address)
        return HttpResponseRedirect(address)
