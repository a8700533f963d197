"""To be written by a helper (placeholder so that urls import)."""

from typing import Any
from django.http import HttpRequest, HttpResponse


def add(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def assign(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def end_many(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def edit(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def status(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def transfer(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def role(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def end(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def withdraw(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError
