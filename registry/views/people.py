"""To be written by a helper (placeholder so that urls import)."""

from typing import Any
from django.http import HttpRequest, HttpResponse


def people(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def person(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError
