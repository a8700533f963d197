"""The unit tree as it stood on a day.

The MPTT intervals hold today's tree. On an earlier day the tree is today's intervals with the
few units that have moved since taken out of where they are and added where they were. So the cost
grows with the number of later moves, not with the tree. On a day after the last move the answer is
today's interval itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from django.db.models import F, Q

from registry.models.unit import Unit, UnitPlacement


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
class UnitShape:
    """The unit hierarchy of one day."""

    day: date
    superior_then: dict[int, int | None] = field(default_factory=dict)
    """Of each unit that moved after the day: its superior on the day."""
    places: dict[int, _Place] = field(default_factory=dict)
    """Today's intervals of those units and of their superiors then."""

    @classmethod
    def on(cls, day: date) -> UnitShape:
        """Read the moves after ``day``: one query when there are none, three otherwise."""
        moved = set(UnitPlacement.objects.filter(started_on__gt=day).values_list("unit_id", flat=True))
        if not moved:
            return cls(day)
        then: dict[int, int | None] = {}
        placements = UnitPlacement.objects.filter(unit_id__in=moved).order_by(
            "unit_id", F("started_on").asc(nulls_first=True)
        )
        for placement in placements:
            if placement.started_on is None or placement.started_on <= day:
                then[placement.unit_id] = placement.superior_id
            else:
                then.setdefault(placement.unit_id, placement.superior_id)
        ids = set(then) | {superior for superior in then.values() if superior is not None}
        places = {
            pk: _Place(tree_id, lft, rght)
            for pk, tree_id, lft, rght in Unit.objects.filter(pk__in=ids)
            .order_by()
            .values_list("pk", "tree_id", "lft", "rght")
        }
        return cls(day, then, places)

    @property
    def is_todays(self) -> bool:
        """Whether no unit has moved since."""
        return not self.superior_then

    def spans(self, unit: Unit) -> list[Span]:
        """Return the disjoint intervals of today's tree that were ``unit`` and all below it on the day."""
        own = _Place(unit.tree_id, unit.lft, unit.rght)
        if self.is_todays:
            return [Span(*own)]
        result = self._without_moved(own, unit.pk)
        waiting = dict(self.superior_then)
        waiting.pop(unit.pk, None)
        found = True
        while found:
            found = False
            for pk, superior in list(waiting.items()):
                if superior is not None and holds(result, self.places[superior]):
                    del waiting[pk]
                    result += self._without_moved(self.places[pk], pk)
                    found = True
        return _joined(sorted(result))

    def children(self, unit: Unit) -> Iterable[Unit]:
        """Return the units directly below ``unit`` on the day, closed ones too, unordered."""
        moved = set(self.superior_then)
        joined = [pk for pk, superior in self.superior_then.items() if superior == unit.pk]
        children: Iterable[Unit] = Unit.objects.filter(
            Q(parent_id=unit.pk) & ~Q(pk__in=moved) | Q(pk__in=joined)
        ).order_by()
        return children

    def superior_id(self, unit: Unit) -> int | None:
        """Return the id of the unit directly above ``unit`` on the day."""
        if unit.pk in self.superior_then:
            return self.superior_then[unit.pk]
        superior: int | None = unit.parent_id
        return superior

    def path(self, unit: Unit) -> list[Unit]:
        """Return the units from the root down to and with ``unit`` on the day."""
        if self.is_todays:
            return list(unit.get_ancestors(include_self=True))
        path = [unit]
        above = self.superior_id(unit)
        while above is not None:
            superior = Unit.objects.get(pk=above)
            path.append(superior)
            above = self.superior_id(superior)
        return path[::-1]

    def _without_moved(self, place: _Place, pk: int) -> list[Span]:
        """Cut the intervals of the units that moved out of one unit's interval."""
        inside = sorted(
            other
            for other_pk, other in ((p, self.places[p]) for p in self.superior_then)
            if other_pk != pk
            and other.tree_id == place.tree_id
            and place.lft < other.lft
            and other.rght < place.rght
        )
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


def _joined(spans: list[Span]) -> list[Span]:
    """Make one of those that follow each other without a gap: a merger of many stays a short condition."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].tree_id == span.tree_id and joined[-1].hi + 1 == span.lo:
            joined[-1] = joined[-1]._replace(hi=span.hi)
        else:
            joined.append(span)
    return joined


def holds(spans: Iterable[Span], place: _Place | Unit) -> bool:
    """Whether a node lies in the intervals."""
    return any(span.tree_id == place.tree_id and span.lo <= place.lft <= span.hi for span in spans)


def within(spans: Iterable[Span], scope: Iterable[Span] | None) -> list[Span]:
    """Return what the intervals and the scope (None: everything) have in common."""
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
    days = (
        UnitPlacement.objects.filter(started_on__gt=since, started_on__lte=until)
        .values_list("started_on", flat=True)
        .distinct()
    )
    return sorted(day for day in days if day is not None)
