"""To be written by a helper (placeholder so that urls import)."""

from typing import Any
from django.http import HttpRequest, HttpResponse


def add(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def edit(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def move(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def merge(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def close(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError
