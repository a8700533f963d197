"""One line in the log for each request: who asked for what kind of page, how long it took, how many queries.

The address stands there as its pattern (``units/<slug:code>/``): what was asked for may name a person, and
the record of operations says what was done.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse

from registry.operating import metrics, slow
from registry.operating.front import MACHINES

logger = logging.getLogger("registry.requests")
slow_queries = logging.getLogger("registry.slow")

LONGEST_SHOWN = 1_000
"""Characters of a slow query; what it was given is left out."""


class Tally:
    """Counts the queries of a request, and logs those that take long."""

    is_measuring = True
    """It goes along where the connection is changed for another (``registry.operating.replica``)."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.number, self.seconds = 0, 0.0

    def __call__(self, execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        """Run a query, as a wrapper of the connection."""
        began = time.perf_counter()
        try:
            return execute(sql, *args)
        finally:
            spent = time.perf_counter() - began
            self.number += 1
            self.seconds += spent
            if 1000 * spent >= settings.SLOW_QUERY_MS:
                facts = {"route": route_of(self.request), "ms": round(1000 * spent)}
                slow_queries.warning(
                    "a query took %d ms: %s",
                    1000 * spent,
                    " ".join(str(sql)[:LONGEST_SHOWN].split()),
                    extra={"request": self.request, "facts": facts},
                )


class RequestLogMiddleware:
    """Measures each request that is no machine's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Let the page answer, then note how."""
        if request.path_info in MACHINES:
            return self.get_response(request)
        tally, began = Tally(request), time.perf_counter()
        with connection.execute_wrapper(tally):
            response = self.get_response(request)
        seconds = time.perf_counter() - began
        metrics.note_request(response.status_code, seconds)
        _log(request, response, tally, seconds)
        return response


def _log(request: HttpRequest, response: HttpResponse, tally: Tally, seconds: float) -> None:
    is_slow = 1000 * seconds >= settings.SLOW_PAGE_MS
    number = str(getattr(request, "request_number", ""))
    if is_slow:
        slow.note(route_of(request), seconds, number)
    elif not settings.LOG_REQUESTS:
        return
    facts = {
        "method": request.method,
        "route": route_of(request),
        "status": response.status_code,
        "user": getattr(getattr(request, "_cached_user", None), "pk", None),
        "ms": round(1000 * seconds),
        "queries": tally.number,
        "query_ms": round(1000 * tally.seconds),
    }
    said = "slow request" if is_slow else "request"
    logger.log(
        logging.WARNING if is_slow else logging.INFO,
        "%s %s",
        said,
        " ".join(f"{name}={value}" for name, value in facts.items()),
        extra={"request": request, "facts": facts},
    )


def route_of(request: HttpRequest) -> str:
    """Return the pattern of the address; that of a page that is not there is not kept."""
    match = request.resolver_match
    return match.route or "/" if match is not None else "-"
