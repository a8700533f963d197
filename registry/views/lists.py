"""What list pages share: sorting by a whitelist, paging, and chips for the filters that are on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from registry import access

PAGE_SIZE = 50
CHUNK = 2000
"""So many rows of an export are in memory at a time."""

Made = TypeVar("Made")


def sorted_by(
    request: HttpRequest, rows: QuerySet[Any], columns: Mapping[str, Sequence[str]], default: str
) -> tuple[QuerySet[Any], str]:
    """Order ``rows`` by the address's ``sort`` (``-`` for descending) and return them with the sort in force.

    ``columns`` maps a sort key to the fields it means; anything else falls back to ``default``. The
    primary key comes last, so that pages neither repeat nor lose a row.
    """
    sort = request.GET.get("sort", "")
    key = sort.removeprefix("-")
    if key not in columns:
        sort, key = default, default.removeprefix("-")
    sign = "-" if sort.startswith("-") else ""
    fields = [
        name.removeprefix("-") if sign and name.startswith("-") else f"{sign}{name}" for name in columns[key]
    ]
    return rows.order_by(*fields, "pk"), sort


def without_numbers(
    user: access.AnyUser, columns: Mapping[str, Sequence[str]]
) -> Mapping[str, Sequence[str]]:
    """Return ``columns`` without police numbers for who sees them masked: an order would give them away."""
    if (user.is_authenticated and user.is_superuser) or access.holds(user, access.PERSONAL_ROLES):
        return columns
    told = {
        key: [name for name in fields if name.split("__")[-1] != "number"] for key, fields in columns.items()
    }
    return {key: fields for key, fields in told.items() if fields}


def paged(request: HttpRequest, rows: QuerySet[Any] | Sequence[Any], size: int = PAGE_SIZE) -> Page[Any]:
    """Return the page that the address's ``page`` asks for; a bad number gives the nearest one."""
    return Paginator(rows, size).get_page(request.GET.get("page"))


def chips(request: HttpRequest, shown: Mapping[str, str]) -> list[dict[str, str]]:
    """Return a chip for each filter that is on: ``shown`` maps its parameter to its words."""
    made = []
    for name, label in shown.items():
        query = request.GET.copy()
        query.pop(name, None)
        query.pop("page", None)
        made.append({"label": label, "remove_url": f"{request.path}?{query.urlencode()}"})
    return made


def others(request: HttpRequest, names: Collection[str]) -> list[tuple[str, str]]:
    """Return the address's parameters that a filter form must keep: all but its own fields and the page."""
    return [
        (key, value)
        for key, values in request.GET.lists()
        if key not in names and key != "page"
        for value in values
    ]


def export_url(request: HttpRequest, name: str, *args: str) -> str:
    """Return the address that exports what the page lists: its filters, its order, its day, every page."""
    query = request.GET.copy()
    query.pop("page", None)
    url = reverse(name, args=args)
    return f"{url}?{query.urlencode()}" if query else url


def in_chunks(
    rows: QuerySet[Any] | Sequence[Any], make: Callable[[list[Any]], Iterable[Made]]
) -> Iterator[Made]:
    """Yield what ``make`` makes of the rows, read and made a chunk at a time."""
    found = rows.iterator(chunk_size=CHUNK) if isinstance(rows, QuerySet) else iter(rows)
    while chunk := list(islice(found, CHUNK)):
        yield from make(chunk)
