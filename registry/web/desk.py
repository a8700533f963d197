"""The desk (我的待办): what waits for a user, as capabilities hand it up by lists on their ``AppConfig``.

* ``desk_decides`` names a ``Deciding`` each: rows that wait to be approved or returned, and those that came
  back. Those of all kinds stand in one list, the oldest first, and are decided together by one document.
* ``desk_numbers`` names a ``Waiting`` each: other rows that wait for whoever may do its verb at their unit.
  The number in the navigation is how many all these are together.
* ``desk_cards`` names functions of the request that return a card (template, what it shows as ``panel``), or
  None where nothing is there.
* ``desk_panels`` names functions of the user that return lines of what else is owed (``links.PanelLine``).
* ``desk_reminders`` names functions of the user that return how much of that somebody reminded of (催办).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from registry import access, nouns
from registry.models import WorkflowState
from registry.models.base import in_spans
from registry.models.hierarchy import Span, as_values, everything, from_values
from registry.models.prepared import Values, read_rows
from registry.web.address import Address
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


class Said(NamedTuple):
    """What was checked beforehand of something that waits: its tone, a word, what it is about, and more."""

    tone: str
    word: str
    title: str
    message: str
    citation: str = ""


@dataclass(frozen=True, eq=False)
class Deciding:
    """Rows of one noun that somebody approves or returns, with what the desk says of each.

    ``approve`` and ``send_back`` are operations that take the rows by the plural of the noun, and what the
    forms of ``web.deciding`` send. The rows have the columns of ``models.approvable``.
    """

    waiting: Waiting
    approve: Callable[..., Any]
    send_back: Callable[..., Any]
    word: Callable[[Any], str]
    """What would be done: 成立."""
    checks: Callable[[Sequence[Any], date], Mapping[int, Sequence[Said]]]
    """What stands in the way of rows on a day, by their keys, the worst first."""
    differences: Callable[[Any], list[tuple[str, str, str]]]
    """(label, as it is, as it would be) of one row."""
    returned: Waiting
    """What came back and waits for who mends it."""
    mending: Callable[[Any], Sequence[tuple[str, str]]]
    """The ways to mend what came back: words and addresses."""
    note: str
    """What holds until it is decided."""
    consequence: str
    """What approving it does, in a sentence."""
    effect: Callable[[Any, Address], str] = lambda row, address: ""
    """What approving one row does to the counts."""
    overdue: Callable[[Any, date], int] = lambda row, day: 0
    """By how many days it should have been decided."""
    related: tuple[str, ...] = ("unit", "submitted_by")
    beside: tuple[str, ...] = ()
    """What of their surroundings is decided on, too (``operations.seen``)."""

    @property
    def noun(self) -> nouns.Noun:
        """The noun of the rows."""
        return nouns.by_key(self.waiting.verb.removeprefix("approve_"))

    def rows(self, user: access.AnyUser) -> QuerySet[Any]:
        """Return what waits for the user's decision, the oldest first."""
        return self._of(self.waiting, user).select_related(*self.related).order_by("submitted_at", "pk")

    def back(self, user: access.AnyUser) -> QuerySet[Any]:
        """Return what came back to the user."""
        rows = self._of(self.returned, user).select_related("unit", "decided_by")
        return rows.order_by("decided_at", "pk")

    def _of(self, waiting: Waiting, user: access.AnyUser) -> QuerySet[Any]:
        """Return what waits for the user; nothing, and no query, for who may do nothing about it."""
        is_asked = access.may_somewhere(user, waiting.verb)
        return waiting.of(user) if is_asked else self.noun.model._default_manager.none()

    def own(self, user: access.AnyUser) -> QuerySet[Any]:
        """Return what the user submitted or changed last, and others have still to decide."""
        mine = Q(submitted_by=user.pk or 0) | Q(changed_by=user.pk or 0)
        rows = self.noun.model._default_manager.filter(mine, state=WorkflowState.SUBMITTED)
        return access.visible(user, rows).select_related(*self.related).order_by("submitted_at", "pk")

    def key(self, row: Any) -> str:
        """Return by what the desk names the row."""
        return f"{self.noun.key}-{row.pk}"


def deciding() -> list[Deciding]:
    """Return everything that is decided on the desk, in the order of the settings."""
    return nouns.handed_up("desk_decides")


def deciding_of(row: Any) -> Deciding:
    """Return how a row is decided on."""
    return next(each for each in deciding() if each.noun is nouns.of(row))


def declared() -> list[Waiting]:
    """Return everything that may wait for somebody, in the order of the settings."""
    decided = [waiting for each in deciding() for waiting in (each.waiting, each.returned)]
    return [*decided, *nouns.handed_up("desk_numbers")]


def number(user: access.AnyUser) -> int:
    """Return how much waits for ``user``, ``MOST`` at most: one query, none for who decides nothing."""
    values: list[Any] = [user.pk or 0]
    shape: list[tuple[int, int | None]] = []
    for at, each in enumerate(declared()):
        spans = access.spans(user, each.verb)
        if not spans:
            continue
        ends, intervals = as_values(spans)
        shape.append((at, intervals))
        values += ends
    return len(read_rows(_waiting, values, *shape)) if shape else 0


def _waiting(values: Values, *shape: tuple[int, int | None]) -> Any:
    """Return the keys of all that waits, without what was read: only their number is used."""
    user, *ends = values
    every = declared()
    made = []
    for at, intervals in shape:
        spans = from_values(ends, intervals)
        ends = ends[3 * (intervals or 0) :]
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
