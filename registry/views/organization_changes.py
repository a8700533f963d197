"""To be written by a helper (placeholder so that urls import)."""

from typing import Any
from django.http import HttpRequest, HttpResponse


def register(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def suggest(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def edit(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def move(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def transfer(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def dissolve(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def withdraw(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def submit(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def approve(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


def send_back(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError
