"""To be written by a helper (placeholder so that urls import)."""

from typing import Any
from django.http import HttpRequest, HttpResponse


def page(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def side(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def unit_children(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def organization_children(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError
