"""A number for each request, shown on error pages, sent back in a header and kept in the record."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

from registry.views.errors import page_not_found


class RequestNumberMiddleware:
    """Gives each request a short number that a user can read out on the telephone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_number = secrets.token_hex(5)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Number"] = request.request_number  # type: ignore[attr-defined]
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer what is not found with the page that helps under ``DEBUG`` too, as `make run` sets it."""
        if settings.DEBUG and isinstance(exception, Http404):
            return page_not_found(request, exception)
        return None
