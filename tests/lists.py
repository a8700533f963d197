"""The rows of a list without its page: what a drill-down holds, asked a hundred times."""

from __future__ import annotations

from typing import Any

from django.test import RequestFactory

from registry.models import User
from registry.web.tables import Table


def rows_of(table: type[Table[Any]], user: User, **asked: str) -> list[Any]:
    """Return the rows that the list has for the user at an address with these parameters."""
    request = RequestFactory().get("/", asked)
    request.user = user
    return list(table(request).rows)
