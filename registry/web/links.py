"""Links from the numbers of a page to the rows behind them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from django.db.models import Model
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from registry import access, nouns
from registry.counting.metrics import METRICS
from registry.models import Person, Unit
from registry.models.addresses import list_address, page_address
from registry.models.hierarchy import Span
from registry.nouns.noun import follow
from registry.web.address import Address

PENDING = "pending"
"""In the address of a list: what is not approved."""


class Tab(NamedTuple):
    """A tab of a page: its words, its address, whether it is open, its number of rows if known."""

    label: str
    url: str
    on: bool
    number: int | None = None


class PanelLine(NamedTuple):
    """A line of what is owed (on a desk, at a closing): its words, how much, and where it is done."""

    label: str
    number: int
    url: str = ""
    said: str = ""
    """What more there is to say of it: who was reminded, how often."""
    by: date | None = None
    """The day by which it is to be done."""

    @property
    def is_late(self) -> bool:
        """Whether that day is over."""
        return self.by is not None and self.by < timezone.localdate()


def rows_page(slug: str) -> str:
    """Return the name of the page that lists the rows behind a metric."""
    return METRICS[slug].page


def rows_behind(
    address: Address,
    code: str,
    slug: str,
    *,
    own: bool = False,
    pending: bool = False,
    **changes: str | None,
) -> str:
    """Return the address of the rows behind ``slug`` at the unit with ``code`` on the page's question.

    ``own``: those at the unit itself only; ``pending``: the unapproved ones; ``changes`` as in
    ``Address.query``.
    """
    return address.url(
        list_address(rows_page(slug)),
        unit=code,
        metric=slug,
        own="1" if own else None,
        state=PENDING if pending else None,
        **changes,
    )


class RowLinks:
    """``rows_behind`` for a page with hundreds of numbers: each address is built once for all units."""

    _CODE = "~"
    """In place of the unit's code, which needs no quoting in an address either."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._known: dict[tuple[str, bool, bool], tuple[str, str]] = address.known
        self._page: tuple[str, str] = ("", "")

    def page(self, unit: Unit) -> str:
        """Return the address of the page of ``unit``."""
        if not self._page[0]:
            before, _code, after = self._address.url(unit.get_absolute_url()).partition(f"/{unit.code}/")
            self._page = f"{before}/", f"/{after}"
        before, after = self._page
        return f"{before}{unit.code}{after}"

    def url(self, unit: Unit, slug: str, *, own: bool = False, pending: bool = False) -> str:
        """Return the address of the rows behind ``slug`` at ``unit``, as ``rows_behind`` does."""
        key = slug, own, pending
        if key not in self._known:
            url = rows_behind(self._address, self._CODE, slug, own=own, pending=pending)
            before, _code, after = url.partition(f"unit={self._CODE}")
            self._known[key] = f"{before}unit=", after
        before, after = self._known[key]
        return f"{before}{unit.code}{after}"


def row_url(user: access.AnyUser, row: Model, address: Address, name: str = "") -> str:
    """Return the address of a row's page (or of its action ``name``), "" when it has none.

    It contains a private number only for users who see it. This reads the row's unit: lists select it along.
    """
    noun = nouns.of(row)
    if noun.page_at:
        return row_url(user, follow(row, noun.page_at), address, name)
    return address.url(page_address(name or noun.page, access.handle(user, row))) if noun.page else ""


def way_to(address: Address, row: Model, words: str = "查看{}") -> SafeString:
    """Return the link that follows a line of what was done: to the page of a unit or an organization."""
    url = address.url(row.get_absolute_url())  # type: ignore[attr-defined]
    return format_html(' <a href="{}">{}</a>', url, words.format(getattr(row, "label", row)))


def linked(address: Address, row: Any, scope: Sequence[Span]) -> SafeString:
    """Return the name of a unit or an organization, as a link where it is inside ``scope``."""
    unit = nouns.of(row).unit_of(row)
    if unit is None or not access.inside(unit, scope):
        return format_html("{}", row.name)
    return format_html('<a href="{}">{}</a>', address.url(row.get_absolute_url()), row.name)


def buttons(
    user: access.AnyUser,
    row: Model,
    address: Address,
    *wanted: tuple[str, str, str] | tuple[str, str, str, str],
) -> list[dict[str, Any]]:
    """Return the buttons of what the user may do with a row: each is verb, address, label and tone."""
    return [
        {"label": label, "url": row_url(user, row, address, name), "tone": tone[0] if tone else ""}
        for verb, name, label, *tone in wanted
        if access.may(user, verb, row)
    ]


def person_url(user: access.AnyUser, person: Person, address: Address, name: str = "person") -> str:
    """Return the address of a person's page (or of its action ``name``)."""
    return row_url(user, person, address, name)
