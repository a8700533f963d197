"""The desk (我的待办): what waits for a user, as capabilities hand it up by lists on their ``AppConfig``.

* ``desk_numbers`` names a ``Waiting`` each: rows that wait for whoever may do its verb at their unit. The
  number in the navigation is how many these are together; cards list the rows of the same declaration.
* ``desk_cards`` names functions of the request that return a card (template, what it shows as ``panel``), or
  None where nothing is there.
* ``desk_panels`` names functions of the user that return lines of what else is owed (``links.PanelLine``).
* ``desk_reminders`` names functions of the user that return how much of that somebody reminded of (催办).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from registry import access, nouns
from registry.models.base import in_spans
from registry.models.hierarchy import Span, everything
from registry.models.prepared import Values, read_rows
from registry.web.links import PanelLine

MOST = 1000
"""More than so many are not counted for the navigation."""


@dataclass(frozen=True, eq=False)
class Waiting:
    """Rows that wait for whoever may do ``verb`` at their unit, beside those that nobody decides alone.

    ``rows`` makes the query for the key of a user; it may not look at the key (``models.prepared``).
    """

    verb: str
    rows: Callable[[int], QuerySet[Any]]
    unit: str = "unit__"

    def of(self, user: access.AnyUser) -> QuerySet[Any]:
        """Return what waits for ``user``."""
        return self._inside(user.pk or 0, access.spans(user, self.verb))

    def _inside(self, user: int, spans: list[Span]) -> QuerySet[Any]:
        rows = self.rows(user)
        return rows if everything(spans) else rows.filter(in_spans(spans, self.unit))


def declared() -> list[Waiting]:
    """Return everything that may wait for somebody, in the order of the settings."""
    return nouns.handed_up("desk_numbers")


def number(user: access.AnyUser) -> int:
    """Return how much waits for ``user``, ``MOST`` at most: one query, none for who decides nothing."""
    values: list[Any] = [user.pk or 0]
    shape: list[tuple[int, int]] = []
    for at, each in enumerate(declared()):
        spans = access.spans(user, each.verb)
        if not spans:
            continue
        known = [] if everything(spans) else spans
        shape.append((at, len(known)))
        values += [end for span in known for end in span]
    return len(read_rows(_waiting, values, *shape)) if shape else 0


def _waiting(values: Values, *shape: tuple[int, int]) -> Any:
    """Return the keys of all that waits, without what was read: only their number is used."""
    user, *ends = values
    every = declared()
    made = []
    for at, number_of_spans in shape:
        spans = [Span(*ends[3 * place : 3 * place + 3]) for place in range(number_of_spans)]
        ends = ends[3 * number_of_spans :]
        rows = every[at].rows(user)
        rows = rows.filter(in_spans(spans, every[at].unit)) if spans else rows
        made.append(rows.order_by().values_list("pk"))
    first, *others = made
    return (first.union(*others, all=True) if others else first)[:MOST]


def cards(request: HttpRequest) -> list[tuple[str, dict[str, Any]]]:
    """Return the cards that capabilities add to the desk, in the order of the settings."""
    return [card for make in nouns.handed_up("desk_cards") if (card := make(request)) is not None]


def owed(user: access.AnyUser) -> list[PanelLine]:
    """Return the lines of what else is owed, in the order of the settings."""
    return [line for make in nouns.handed_up("desk_panels") for line in make(user)]


def reminded(user: access.AnyUser) -> int:
    """Return how much of what is owed somebody reminded the user of: the mail of the day says it."""
    return sum(count(user) for count in nouns.handed_up("desk_reminders"))
