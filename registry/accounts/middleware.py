"""Redirects to the login without losing what was filled in, and to the new password when one is due."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth import middleware
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from registry.accounts.forms import LoginForm
from registry.accounts.lockout import login_page
from registry.accounts.passwords import is_due
from registry.web import kept

_OPEN_WHEN_DUE = {"account_password", "login", "login_code", "logout"}


class LoginRequiredMiddleware(middleware.LoginRequiredMiddleware):
    """Every page needs a login; a form that is sent after the login ended is not lost."""

    def handle_no_permission(  # type: ignore[override]  # a page, where Django has a redirect
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        """Redirect to the login page; when a form was sent, answer with that page, which sends it along."""
        packed = kept.pack(request) if request.method == "POST" else ""
        if not packed:
            return super().handle_no_permission(request, view_func)
        return login_page(request, LoginForm(request), goal=request.get_full_path(), packed=packed)


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
