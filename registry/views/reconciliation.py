"""To be written by a helper (placeholder so that urls import)."""

from typing import Any
from django.http import HttpRequest, HttpResponse


def reconciliation(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def sources(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def source(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError
