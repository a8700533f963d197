"""The unit tree as it stood on a day.

The MPTT intervals hold today's tree. The tree of an earlier day is today's intervals, with the few units
that moved since taken out of their new places and added at their old ones. So the cost grows with the
number of later moves, not with the tree; after the last move the answer is today's interval.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from django.db.models import F, QuerySet
from django.db.models.expressions import RawSQL

from registry.models.base import in_spans
from registry.models.prepared import Values, read_objects, read_rows
from registry.models.unit import Unit, UnitPlacement

Rows = TypeVar("Rows", bound=QuerySet[Any, Any])
T = TypeVar("T")


class Span(NamedTuple):
    """The nodes of one tree whose ``lft`` lies in ``lo..hi``, both ends included."""

    tree_id: int
    lo: int
    hi: int


class _Place(NamedTuple):
    tree_id: int
    lft: int
    rght: int


@dataclass(frozen=True)
class Moves:
    """The units that got another superior after a day, for the shapes of that day and later."""

    since: date
    placements: dict[int, list[tuple[date | None, int | None]]]
    """Of each such unit: (first day, superior), the earliest first."""
    places: dict[int, _Place]
    """Today's intervals of those units and of all their superiors."""

    @classmethod
    def after(cls, day: date) -> Moves:
        """Read the moves after ``day``: one query, or none if enough is remembered."""
        known = _KNOWN.get()
        if known is not None and known.moves is not None and known.moves.since <= day:
            return known.moves
        moves = cls._read(day)
        if known is not None:
            known.moves = moves
        return moves

    @classmethod
    def _read(cls, day: date) -> Moves:
        placements: dict[int, list[tuple[date | None, int | None]]] = {}
        places: dict[int, _Place] = {}
        for unit, superior, start, *numbers in read_rows(_moved, [day]):
            placements.setdefault(unit, []).append((start, superior))
            places[unit] = _Place(*numbers[:3])
            if superior is not None:
                places[superior] = _Place(*numbers[3:])
        for placed in placements.values():
            placed.sort(key=lambda each: each[0] or date.min)
        return cls(day, placements, places)

    def shape(self, day: date) -> UnitHierarchy:
        """Return the hierarchy of ``day``, which is not before the day of these moves."""
        if day not in self._shapes:
            self._shapes[day] = self._shape(day)
        return self._shapes[day]

    @cached_property
    def _shapes(self) -> dict[date, UnitHierarchy]:
        """What was made of these moves."""
        return {}

    def _shape(self, day: date) -> UnitHierarchy:
        then: dict[int, int | None] = {}
        for unit, placed in self.placements.items():
            if not any(start is not None and start > day for start, _superior in placed):
                continue
            then[unit] = placed[0][1]
            for start, superior in placed:
                if start is None or start <= day:
                    then[unit] = superior
        ids = then.keys() | {superior for superior in then.values() if superior is not None}
        return UnitHierarchy(day, then, {pk: self.places[pk] for pk in ids})

    def days(self, since: date, until: date) -> list[date]:
        """Return the days in ``since < day <= until`` on which some unit got another superior."""
        starts = {start for placed in self.placements.values() for start, _superior in placed if start}
        return sorted(day for day in starts if since < day <= until)


def _moved(values: Values) -> QuerySet[Any]:
    """Return every placement of the units that moved after a day: (unit, superior, start, both's places)."""
    moved = UnitPlacement.objects.filter(started_on__gt=values[0]).order_by().values("unit_id")
    ends = [f"{end}__{name}" for end in ("unit", "superior") for name in _Place._fields]
    rows = UnitPlacement.objects.filter(unit_id__in=moved).order_by()
    return rows.values_list("unit_id", "superior_id", "started_on", *ends)


class _Known:
    """The parts of the hierarchy that were read during a request."""

    def __init__(self) -> None:
        self.moves: Moves | None = None
        self.roots: list[Unit] | None = None
        self.more: dict[Hashable, Any] = {}


_KNOWN: ContextVar[_Known | None] = ContextVar("registry_hierarchy", default=None)


@contextmanager
def remembering(*, anew: bool = False) -> Iterator[None]:
    """Remember the moves and the roots inside the block, which must change nothing.

    ``anew``: also where an outer block remembers what another server said.
    """
    if _KNOWN.get() is not None and not anew:
        yield
        return
    token = _KNOWN.set(_Known())
    try:
        yield
    finally:
        _KNOWN.reset(token)


def remembered(key: Hashable, read: Callable[[], T]) -> T:
    """Return what ``read`` returns, which is asked once within a block that remembers."""
    known = _KNOWN.get()
    if known is None:
        return read()
    if key not in known.more:
        known.more[key] = read()
    found: T = known.more[key]
    return found


def roots() -> list[Unit]:
    """Return the root units: one query, or none if they are remembered."""
    known = _KNOWN.get()
    if known is not None and known.roots is not None:
        return known.roots
    units = read_objects(_roots, [], planned_once=True)
    if known is not None:
        known.roots = units
    return units


def _roots(_values: Values) -> QuerySet[Any]:
    return Unit.objects.filter(parent__isnull=True).order_by("tree_id")


def _units(values: Values) -> QuerySet[Any]:
    return Unit.objects.filter(pk__in=values).order_by()


def _above(values: Values) -> QuerySet[Any]:
    """Return the units above one: step by step, as an index on places would go through half the tree."""
    table = Unit._meta.db_table
    way = RawSQL(
        f"WITH RECURSIVE way(id) AS (SELECT parent_id FROM {table} WHERE id = %s UNION ALL "
        f"SELECT node.parent_id FROM {table} node JOIN way ON node.id = way.id) "
        "SELECT id FROM way WHERE id IS NOT NULL",
        [values[0]],
    )
    return Unit.objects.filter(pk__in=way).order_by()


def _children(values: Values) -> QuerySet[Any]:
    return Unit.objects.filter(parent_id=values[0]).order_by()


def everything(spans: Iterable[Span]) -> bool:
    """Whether the intervals contain every unit, so that a condition on them can be left out.

    One query (none if the roots are remembered), and only if some interval begins where a tree does.
    """
    spans = list(spans)
    if all(span.lo != 1 for span in spans):
        return False
    return all(
        any(span.tree_id == root.tree_id and span.lo <= root.lft and root.rght <= span.hi for span in spans)
        for root in roots()
    )


def as_values(spans: Iterable[Span] | None) -> tuple[list[int], int | None]:
    """Return the intervals as values of a kept statement, and their number; None: everywhere."""
    found = None if spans is None else list(spans)
    if found is None or everything(found):
        return [], None
    return [end for span in found for end in span], len(found)


def from_values(ends: Values, number: int | None) -> list[Span] | None:
    """Put the intervals together again out of their ends; None: everywhere."""
    if number is None:
        return None
    return [Span(*ends[at : at + 3]) for at in range(0, 3 * number, 3)]


def placed_in(rows: Rows, spans: Iterable[Span], path: str) -> Rows:
    """Return those of ``rows`` whose unit, at ``path`` (with its ``__``), is in the intervals.

    Uses the join that ``rows`` have already: a further ``filter`` on a relation to many would join it
    again, and include rows of other days.
    """
    spans = list(spans)
    if everything(spans):
        return rows
    joined: Rows = rows.annotate(at_tree_id=F(f"{path}tree_id"), at_lft=F(f"{path}lft"))
    return joined.filter(in_spans(spans, "at_"))


@dataclass(frozen=True)
class UnitHierarchy:
    """The unit hierarchy of one day."""

    day: date
    superior_then: dict[int, int | None] = field(default_factory=dict)
    """The superior on the day of each unit that moved after it."""
    places: dict[int, _Place] = field(default_factory=dict)
    """Today's intervals of those units and of their superiors then."""

    @classmethod
    def on(cls, day: date) -> UnitHierarchy:
        """Read the moves after ``day``: one query, or none if they are remembered."""
        return Moves.after(day).shape(day)

    @property
    def is_todays(self) -> bool:
        """Whether no unit has moved since."""
        return not self.superior_then

    def spans(self, unit: Unit) -> list[Span]:
        """Return the disjoint intervals of today's tree that were ``unit`` and all below it on the day."""
        own = _Place(unit.tree_id, unit.lft, unit.rght)
        if self.is_todays or not rows_in(self._touched, own):
            return [Span(*own)]
        if (unit.pk, own) not in self._known:
            self._known[unit.pk, own] = self._spans(unit.pk, own)
        return list(self._known[unit.pk, own])

    @cached_property
    def _known(self) -> dict[tuple[int, _Place], list[Span]]:
        """The intervals that were asked for: a page asks for those of its unit again and again."""
        return {}

    def _spans(self, unit: int, own: _Place) -> list[Span]:
        result = waiting = self._without_moved(own, unit)
        taken = {unit}
        while waiting:
            joined = [
                pk
                for span in waiting
                for _tree_id, _lft, superior in rows_in(self._superiors, span)
                for pk in self._below[superior]
                if pk not in taken
            ]
            taken.update(joined)
            waiting = [
                span for pk in dict.fromkeys(joined) for span in self._without_moved(self.places[pk], pk)
            ]
            result = result + waiting
        return _joined(sorted(result))

    @cached_property
    def _touched(self) -> list[tuple[int, int, int]]:
        """The units that moved since and their superiors then, by where they are: (tree, place, id)."""
        return sorted((place.tree_id, place.lft, pk) for pk, place in self.places.items())

    @cached_property
    def _moved(self) -> list[tuple[int, int, int]]:
        """The same of those that moved alone."""
        return [each for each in self._touched if each[2] in self.superior_then]

    @cached_property
    def _superiors(self) -> list[tuple[int, int, int]]:
        """The same of their superiors then alone."""
        return [each for each in self._touched if each[2] in self._below]

    @cached_property
    def _below(self) -> dict[int, list[int]]:
        """Of each superior then, the units below it that moved since."""
        found: dict[int, list[int]] = {}
        for pk, superior in self.superior_then.items():
            if superior is not None:
                found.setdefault(superior, []).append(pk)
        return found

    def children(self, unit: Unit) -> Iterable[Unit]:
        """Return the units directly below ``unit`` on the day, also closed ones, unordered."""
        found = read_objects(_children, [unit.pk], planned_once=True)
        children = [each for each in found if each.pk not in self.superior_then]
        joined = self._below.get(unit.pk, ())
        return [*children, *read_objects(_units, joined)] if joined else children

    def superior_id(self, unit: Unit) -> int | None:
        """Return the id of the unit directly above ``unit`` on the day."""
        if unit.pk in self.superior_then:
            return self.superior_then[unit.pk]
        superior: int | None = unit.parent_id
        return superior

    def path(self, unit: Unit) -> list[Unit]:
        """Return the units from the root down to and with ``unit`` on the day.

        One query, and one more for each unit on the way that moved since.
        """
        path, above = [unit], self.superior_id(unit)
        known = units_above(unit) if above is not None else {}
        while above is not None:
            if above not in known:
                superior = Unit.objects.get(pk=above)
                known |= {superior.pk: superior} | units_above(superior)
            path.append(known[above])
            above = self.superior_id(known[above])
        return path[::-1]

    def _without_moved(self, place: _Place, pk: int) -> list[Span]:
        """Cut the intervals of the units that moved out of one unit's interval."""
        inside = [self.places[other] for _tree, _lft, other in rows_in(self._moved, place) if other != pk]
        spans, start = [], place.lft
        for other in inside:
            if other.lft < start:  # inside one already cut out
                continue
            if other.lft > start:
                spans.append(Span(place.tree_id, start, other.lft - 1))
            start = other.rght + 1
        if start <= place.rght:
            spans.append(Span(place.tree_id, start, place.rght))
        return spans


def units_above(unit: Unit) -> dict[int, Unit]:
    """Return the units above one today, by id."""
    return {each.pk: each for each in read_objects(_above, [unit.pk], planned_once=True)}


def rows_in(placed: Sequence[Any], interval: Span | _Place) -> Sequence[Any]:
    """Return the rows that lie in an interval; they are tuples in order, which begin with tree and place."""
    tree_id, lo, hi = interval
    return placed[bisect_left(placed, (tree_id, lo)) : bisect_left(placed, (tree_id, hi + 1))]


def _joined(spans: list[Span]) -> list[Span]:
    """Join intervals without a gap between them, to keep the condition short after many moves."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].tree_id == span.tree_id and joined[-1].hi + 1 == span.lo:
            joined[-1] = joined[-1]._replace(hi=span.hi)
        else:
            joined.append(span)
    return joined


def is_inside(spans: Iterable[Span], place: _Place | Unit) -> bool:
    """Whether a node lies in the intervals."""
    return holds(spans, place.tree_id, place.lft)


def holds(spans: Iterable[Span], tree_id: int, lft: int) -> bool:
    """Whether the intervals hold a place of today's tree."""
    return any(span.tree_id == tree_id and span.lo <= lft <= span.hi for span in spans)


def within(spans: Iterable[Span], scope: Iterable[Span] | None) -> list[Span]:
    """Return the intersection of the intervals and the scope (None: everything)."""
    if scope is None:
        return list(spans)
    return sorted(
        Span(span.tree_id, max(span.lo, other.lo), min(span.hi, other.hi))
        for span in spans
        for other in scope
        if span.tree_id == other.tree_id and max(span.lo, other.lo) <= min(span.hi, other.hi)
    )


def move_days(since: date, until: date) -> list[date]:
    """Return the days in ``since < day <= until`` on which some unit got another superior."""
    return Moves.after(since).days(since, until)
