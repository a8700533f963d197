"""To be written by a helper (placeholder so that urls import)."""

from typing import Any
from django.http import HttpRequest, HttpResponse


def units(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def organizations(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def people(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError
