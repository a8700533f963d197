"""What organizations and people add to the numbers of the units above them, day by day.

The same definitions as ``basis``, turned round: not "who counts at this unit on this day" but "where
and from which day to which does this one count". The ledger of counts is the sum of these.
Distinct people are exact: a person counts at a unit on the union of the days of all assignments below it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

from django.db import connection

from registry.counting.metrics import ORGANIZATION_METRICS
from registry.models import Assignment, OrganizationPlacement, PersonCategory, StatusPeriod
from registry.models import WorkflowState as State
from registry.models.kinds import FORMATION_KINDS, MEMBER_STATUSES, TEAM_KINDS
from registry.models.tally import ALL_CAMPAIGNS, COLUMNS
from registry.models.unit import UnitPlacement

BEGINNING, FOREVER = date.min, date.max
PLACE = {column: place for place, column in enumerate(COLUMNS)}

Vector = list[int]
Spell = tuple[date, date]


class Key(NamedTuple):
    """One row of the ledger: a unit, a campaign (0: all), a basis, a day."""

    unit: int
    campaign: int
    is_cumulative: bool
    day: date


class Tally(defaultdict[Key, Vector]):
    """Changes of the numbers, by key."""

    def __init__(self) -> None:
        super().__init__(lambda: [0] * len(COLUMNS))

    def add(
        self, unit: int, campaign: int, cumulative: bool, spell: Spell, column: str, sign: int = 1
    ) -> None:
        """Count one from the beginning of ``spell`` (half-open) and no more from its end."""
        place = PLACE[column]
        self[Key(unit, campaign, cumulative, spell[0])][place] += sign
        if spell[1] != FOREVER:
            self[Key(unit, campaign, cumulative, spell[1])][place] -= sign

    def less(self, other: Tally) -> Tally:
        """Return what must be added to ``other`` to get this, without what is zero."""
        result = Tally()
        for key in self.keys() | other.keys():
            vector = [mine - theirs for mine, theirs in zip(self[key], other[key], strict=True)]
            if any(vector):
                result[key] = vector
        return result


class Ancestry:
    """Which units stood above a unit, from which day to which; itself among them, always."""

    def __init__(self, units: Collection[int]) -> None:
        self._placements: dict[int, list[tuple[int | None, date, date]]] = defaultdict(list)
        self._chains: dict[int, list[tuple[int, date, date]]] = {}
        self.know(units)

    def know(self, units: Collection[int]) -> None:
        """Read the dated superiors of ``units`` and of everything above them: one query."""
        wanted = sorted({unit for unit in units if unit not in self._placements})
        if not wanted:
            return
        table = UnitPlacement._meta.db_table
        columns = "unit_id, superior_id, started_on, ended_on"
        ids = ", ".join(str(int(unit)) for unit in wanted)
        statement = (
            f"WITH RECURSIVE up({columns}) AS (SELECT {columns} FROM {table} WHERE unit_id IN ({ids}) "
            f"UNION SELECT p.unit_id, p.superior_id, p.started_on, p.ended_on "
            f"FROM {table} p JOIN up ON p.unit_id = up.superior_id) SELECT {columns} FROM up"
        )
        found: dict[int, list[tuple[int | None, date, date]]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute(statement)
            for unit, superior, start, end in cursor.fetchall():
                found[unit].append((superior, _day(start) or BEGINNING, _day(end) or FOREVER))
        self._placements.update(found)

    def above(self, unit: int) -> list[tuple[int, date, date]]:
        """Return (unit, from, to) for everything that ever stood above ``unit``, and ``unit`` itself."""
        chain = self._chains.get(unit)
        if chain is None:
            chain = self._chains[unit] = list(self._up(unit, BEGINNING, FOREVER))
        return chain

    def _up(self, unit: int, begin: date, stop: date) -> Iterator[tuple[int, date, date]]:
        """Walk up within a period: over all time two units may each have stood above the other."""
        yield unit, begin, stop
        for superior, start, end in self._placements[unit]:
            first, last = max(begin, start), min(stop, end)
            if superior is not None and first < last:
                yield from self._up(superior, first, last)


def _day(value: date | str | None) -> date | None:
    """SQLite hands dates of raw statements out as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def _column_of(kind: str, is_temporary: bool) -> str | None:
    """Return the column in which an organization of a kind is counted."""
    for metric in ORGANIZATION_METRICS:
        if metric.slug in PLACE and metric.holds(kind, is_temporary):
            return metric.slug
    return None


def of_organizations(pks: Collection[int], ancestry: Ancestry, into: Tally) -> None:
    """Add what the organizations themselves count. Two queries."""
    rows = list(
        OrganizationPlacement.objects.filter(
            organization_id__in=pks, organization__state=State.APPROVED
        ).values_list(
            "unit_id",
            "started_on",
            "ended_on",
            "organization__kind",
            "organization__is_temporary",
            "organization__established_on",
            "organization__dissolved_on",
            "organization__campaign_id",
        )
    )
    ancestry.know({row[0] for row in rows})
    for unit, placed_from, placed_to, kind, is_temporary, established, dissolved, campaign in rows:
        column = _column_of(kind, is_temporary)
        if column is None:
            continue
        begin, until = max(established, placed_from), placed_to or FOREVER
        for cumulative, stop in ((False, min(dissolved or FOREVER, until)), (True, until)):
            for ancestor, first, last in ancestry.above(unit):
                spell = (max(begin, first), min(stop, last))
                if spell[0] < spell[1]:
                    for key in _campaigns(campaign):
                        into.add(ancestor, key, cumulative, spell, column)


def of_people(
    pks: Collection[int], ancestry: Ancestry, into: Tally, only: Collection[int] | None = None
) -> None:
    """Add what people's frontline assignments count (``only``: at these units alone). Three queries."""
    rows = list(
        Assignment.objects.filter(person_id__in=pks, is_withdrawn=False, organization__state=State.APPROVED)
        .order_by()
        .values_list(
            "person_id",
            "started_on",
            "ended_on",
            "person__category",
            "organization__kind",
            "organization__is_temporary",
            "organization__campaign_id",
            "organization__placements__unit_id",
            "organization__placements__started_on",
            "organization__placements__ended_on",
        )
    )
    rows = [row for row in rows if row[5] or row[4] in FORMATION_KINDS]
    ancestry.know({row[7] for row in rows})
    people = {row[0] for row in rows}
    member_days: dict[int, list[Spell]] = defaultdict(list)
    statuses = StatusPeriod.objects.filter(person_id__in=people, status__in=MEMBER_STATUSES)
    for person, start, end in statuses.values_list("person_id", "started_on", "ended_on"):
        member_days[person].append((start, end or FOREVER))
    held: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        held[row[0]].append(row[1:])
    # Whoever came to the same place on the same day counts the same: worked out once.
    alike = Counter((tuple(its_rows), tuple(member_days[person])) for person, its_rows in held.items())
    for (its_rows, days), number in alike.items():
        _of_alike(its_rows, days, number, ancestry, into, only)


def _of_alike(
    rows: Iterable[tuple[Any, ...]],
    member_days: Iterable[Spell],
    number: int,
    ancestry: Ancestry,
    into: Tally,
    only: Collection[int] | None,
) -> None:
    """Add what ``number`` people count who have the same assignments and were members on the same days."""
    spells: dict[tuple[int, int, bool], list[tuple[date, date, bool]]] = defaultdict(list)
    is_auxiliary = False
    for start, end, category, kind, _temporary, campaign, unit, placed_from, placed_to in rows:
        is_auxiliary = category == PersonCategory.AUXILIARY
        begin, until = max(start, placed_from), placed_to or FOREVER
        for cumulative, stop in ((False, min(end or FOREVER, until)), (True, until)):
            for ancestor, first, last in ancestry.above(unit):
                if only is not None and ancestor not in only:
                    continue
                spell = (max(begin, first), min(stop, last))
                if spell[0] < spell[1]:
                    for key in _campaigns(campaign):
                        spells[ancestor, key, cumulative].append((*spell, kind in TEAM_KINDS))
    for (ancestor, key, cumulative), found in spells.items():
        for begin, stop, _team in found:
            into.add(ancestor, key, cumulative, (begin, stop), "frontline_assignments", number)
        present = list(united((begin, stop) for begin, stop, _team in found))
        for spell in present:
            into.add(ancestor, key, cumulative, spell, "frontline_people", number)
            if is_auxiliary:
                into.add(ancestor, key, cumulative, spell, "frontline_auxiliaries", number)
        for spell in united((begin, stop) for begin, stop, team in found if team):
            into.add(ancestor, key, cumulative, spell, "team_members", number)
        for spell in united(_common(present, member_days)):
            into.add(ancestor, key, cumulative, spell, "frontline_party_members", number)


def people_in(organizations: Collection[int]) -> set[int]:
    """Return the people who are or were in the organizations."""
    rows = Assignment.objects.filter(organization_id__in=organizations)
    return set(rows.order_by().values_list("person_id", flat=True).distinct())


def united(spells: Iterable[Spell]) -> Iterator[Spell]:
    """Merge overlapping and touching spells."""
    ordered = sorted(spells)
    if not ordered:
        return
    begin, stop = ordered[0]
    for next_begin, next_stop in ordered[1:]:
        if next_begin > stop:
            yield begin, stop
            begin, stop = next_begin, next_stop
        else:
            stop = max(stop, next_stop)
    yield begin, stop


def _common(spells: Iterable[Spell], others: Iterable[Spell]) -> Iterator[Spell]:
    others = list(others)
    for begin, stop in spells:
        for other_begin, other_stop in others:
            first, last = max(begin, other_begin), min(stop, other_stop)
            if first < last:
                yield first, last


def _campaigns(campaign: int | None) -> tuple[int, ...]:
    return (ALL_CAMPAIGNS,) if campaign is None else (ALL_CAMPAIGNS, campaign)
