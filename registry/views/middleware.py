"""A number for each request, shown on error pages, sent back in a header and kept in the record."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class RequestNumberMiddleware:
    """Gives each request a short number that a user can read out on the telephone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_number = secrets.token_hex(5)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Number"] = request.request_number  # type: ignore[attr-defined]
        return response
