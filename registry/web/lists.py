"""What list pages share: sorting by a whitelist, paging, and chips for the filters that are on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from django.core.paginator import EmptyPage, Page, PageNotAnInteger, Paginator
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.expressions import Expression
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property

from registry import access
from registry.models.hierarchy import everything
from registry.models.prepared import Make, Values, read_by_keys
from registry.nouns import Noun

PAGE_SIZE = 50
CHUNK = 2000
"""So many rows of an export are in memory at a time."""

Made = TypeVar("Made")
SortField = str | Expression
"""A field to sort by, or what stands for it."""


def sorted_by(
    request: HttpRequest, rows: Any, columns: Mapping[str, Sequence[Any] | Callable[[Any], Any]], default: str
) -> tuple[Any, str]:
    """Order ``rows`` by the address's ``sort`` (``-`` for descending) and return them with the sort in force.

    ``columns`` maps a sort key to the fields it means (of rows that are no query: to a function of a row);
    anything else falls back to ``default``. The primary key comes last, so that pages neither repeat nor
    lose a row.
    """
    by, sort = order_of(request, columns, default)
    if callable(by):
        first = columns[default.removeprefix("-")]
        assert callable(first)
        return sorted(sorted(rows, key=first), key=by, reverse=sort.startswith("-")), sort
    return in_order(rows, by, sort), sort


def order_of(request: HttpRequest, columns: Mapping[str, Any], default: str) -> tuple[Any, str]:
    """Return the fields that the address sorts by, and the sort in force, as ``sorted_by``."""
    sort = request.GET.get("sort", "")
    if sort.removeprefix("-") not in columns:
        sort = default
    return columns[sort.removeprefix("-")], sort


def in_order(rows: QuerySet[Any], by: Sequence[Any], sort: str) -> QuerySet[Any]:
    """Order the rows by the fields of a sort, downward if it says so; the primary key comes last."""
    return rows.order_by(*(_directed(field, is_down=sort.startswith("-")) for field in by), "pk")


def _directed(field: SortField, *, is_down: bool) -> Any:
    """Return a field to sort by, the other way round if the list is sorted downward."""
    if not isinstance(field, str):
        return field.desc() if is_down else field.asc()
    return field if not is_down else field.removeprefix("-") if field.startswith("-") else f"-{field}"


@dataclass(frozen=True)
class PrivateField:
    """A private field of a noun to sort by, which rows reach through ``path``: a police number."""

    noun: Noun
    name: str
    path: str = ""

    def seen_by(self, user: access.AnyUser) -> list[SortField]:
        """Return what ``user`` sorts by: an order would tell what is masked, so that has none.

        Who sees nothing of it cannot sort by it; who sees some finds all others at one end.
        """
        field = f"{self.path}{self.name}"
        if everything(access.spans(user, access.PERSONAL)):
            return [field]
        if not access.may_somewhere(user, access.PERSONAL):
            return []
        seen = access.private_seen(user, self.noun, self.path)
        return [Case(When(seen, then=F(field)), default=Value(""))]


def sorts_of(user: access.AnyUser, columns: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the sorts of ``columns`` that ``user`` has, private fields as the user may sort by them."""
    found = {
        key: by
        if callable(by)
        else [
            field
            for each in by
            for field in (each.seen_by(user) if isinstance(each, PrivateField) else [each])
        ]
        for key, by in columns.items()
    }
    return {key: by for key, by in found.items() if by}


LONGEST_COUNTED = 100_000
"""So many rows of a list are counted; of a longer one it is said that there are more."""

LONGEST_SORTED = 20_000
"""A longer list is sorted only by what an index holds."""


@dataclass(frozen=True)
class Length:
    """How many rows a list has; not ``is_exact``: more than that."""

    number: int
    is_exact: bool = True


def length_of(rows: QuerySet[Any], most: int | None = None) -> Length:
    """Count the rows, as far as that is quick: up to ``most``, or ``LONGEST_COUNTED``."""
    most = LONGEST_COUNTED if most is None else most
    found: int = rows.order_by().values("pk")[: most + 1].count()
    return Length(min(found, most), found <= most)


class LongPage(Page[Any]):
    """A page of a list that may be longer than was counted: the next one is there if it has a row."""

    paginator: LongPaginator
    follows: bool = False

    def has_next(self) -> bool:
        """Whether a page follows."""
        return self.follows

    def next_page_number(self) -> int:
        """Return the number of the page that follows."""
        return self.number + 1

    def previous_page_number(self) -> int:
        """Return the number of the page before, also beyond the pages that were counted."""
        return self.number - 1

    def end_index(self) -> int:
        """Return the place of the last row of this page in the list."""
        return (self.number - 1) * self.paginator.per_page + len(self.object_list)


class AnyPart(Protocol):
    """A part of a list in order, and how many rows it has."""

    @property
    def number(self) -> int:
        """How many rows it has, or more."""

    def keys(self, first: int, end: int) -> Iterable[Any]:
        """Return the keys of the rows from one place to another."""


@dataclass(frozen=True)
class Part:
    """A part that is a query set."""

    ordered: QuerySet[Any]
    number: int

    def keys(self, first: int, end: int) -> Iterable[Any]:
        """Return the keys of the rows from one place to another."""
        return self.ordered.values_list("pk", flat=True)[first:end]


@dataclass(frozen=True)
class Shown:
    """The rows of one page with what a line shows, read by their keys: the statement is put together once.

    ``make`` is a function of a module, which takes ``values`` (days, keys) and returns all rows.
    """

    make: Make
    values: Values = ()

    def read(self, keys: Sequence[int]) -> list[Any]:
        """Return the rows with these keys, in no order."""
        return read_by_keys(self.make, self.values, keys)


class LongPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of a list whose rows are found by their keys first.

    So sorting and skipping carry keys alone; what a line shows (``shown``) is read for one page.
    ``parts`` are the rows in parts that follow one another, where that is quicker than sorting all of them.
    """

    def __init__(
        self,
        ordered: Any,
        shown: Any,
        size: int,
        length: Length,
        parts: Sequence[AnyPart] = (),
    ) -> None:
        super().__init__(ordered, size)
        self.shown, self.length = shown, length
        self.parts = parts or (Part(ordered, LAST * size),)
        self.is_longer = not length.is_exact

    @cached_property
    def count(self) -> int:
        """The number of rows; of a list that is too long, how many were counted."""
        return self.length.number

    def get_page(self, number: Any) -> LongPage:
        """Return the page asked for; a bad number gives the nearest one."""
        if not self.count:
            return LongPage([], 1, self)
        try:
            wanted = self.validate_number(number)
        except PageNotAnInteger:
            wanted = 1
        except EmptyPage:
            wanted = int(number) if self.is_longer and 0 < int(number) < LAST else self.num_pages
        return self._page(wanted) or self._page(1) or LongPage([], 1, self)

    def _page(self, number: int) -> LongPage | None:
        first = (number - 1) * self.per_page
        keys = self._keys(first, first + self.per_page + 1)
        if not keys:
            return None
        wanted = keys[: self.per_page]
        if isinstance(self.shown, Shown):
            found = self.shown.read(wanted)
        else:
            found = list(self.shown.order_by().filter(pk__in=wanted))
        rows = {row.pk: row for row in found}
        page = LongPage([rows[key] for key in wanted if key in rows], number, self)
        page.follows = len(keys) > self.per_page
        return page

    def _keys(self, first: int, end: int) -> list[Any]:
        """Return the keys of the rows from one place to another."""
        keys: list[Any] = []
        for part in self.parts:
            if first < part.number and end > 0:
                keys += part.keys(max(first, 0), min(end, part.number))
            first, end = first - part.number, end - part.number
        return keys


LAST = 10_000_000
"""No list has so many pages."""


def paged_long(
    request: HttpRequest,
    ordered: QuerySet[Any] | None,
    length: Length,
    shown: QuerySet[Any] | Shown | None = None,
    size: int = PAGE_SIZE,
    parts: Sequence[AnyPart] = (),
) -> LongPage:
    """Return the page of a long list that the address's ``page`` asks for, in two queries.

    ``shown`` are the rows with what a line needs, where ``ordered`` does without; ``parts`` as above, which
    stand for ``ordered``.
    """
    paginator = LongPaginator(ordered, ordered if shown is None else shown, size, length, parts)
    return paginator.get_page(request.GET.get("page", 1))


def paged(request: HttpRequest, rows: QuerySet[Any] | Sequence[Any], size: int = PAGE_SIZE) -> Page[Any]:
    """Return the page that the address's ``page`` asks for; a bad number gives the nearest one."""
    return Paginator(rows, size).get_page(request.GET.get("page"))


def with_query(request: HttpRequest, path: str = "", /, **changes: str | None) -> str:
    """Return ``path`` (the page itself) with the address's parameters, changed; None leaves one out.

    The number of the page is left out, too.
    """
    changes = {"page": None, **changes}
    pairs = [pair for name, pair in _pairs(request) if name not in changes]
    pairs += [urlencode({name: value}) for name, value in changes.items() if value is not None]
    path = path or request.path
    return f"{path}?{'&'.join(pairs)}" if pairs else path


def _pairs(request: HttpRequest) -> list[tuple[str, str]]:
    """Return each parameter of the address with how an address writes it: a page has dozens of them."""
    known: list[tuple[str, str]] | None = getattr(request.GET, "_registry_pairs", None)
    if known is None:
        given = [(name, value) for name, values in request.GET.lists() for value in values]
        known = [(name, urlencode({name: value})) for name, value in given]
        request.GET._registry_pairs = known  # type: ignore[attr-defined]
    return known


def chips(
    request: HttpRequest, shown: Mapping[str, str], off: Mapping[str, str | None] | None = None
) -> list[dict[str, str]]:
    """Return a chip for each filter that is on: ``shown`` maps its parameter to its words.

    ``off`` maps a filter that is on by default to the value in the address that switches it off.
    """
    off = off or {}
    return [
        {
            "label": label,
            "remove_url": with_query(request, **{name: off.get(name)}),
            "word": "显示" if off.get(name) else "",
        }
        for name, label in shown.items()
    ]


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
    return with_query(request, reverse(name, args=args))


def in_chunks(
    rows: QuerySet[Any] | Sequence[Any], make: Callable[[list[Any]], Iterable[Made]]
) -> Iterator[Made]:
    """Yield what ``make`` makes of the rows, read and made a chunk at a time."""
    found = rows.iterator(chunk_size=CHUNK) if isinstance(rows, QuerySet) else iter(rows)
    while chunk := list(islice(found, CHUNK)):
        yield from make(chunk)
