"""To be written by a helper (placeholder so that urls import)."""

from typing import Any
from django.http import HttpRequest, HttpResponse


def search(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError
