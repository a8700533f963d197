"""Write what a person was, and where at home, from one day to another: the whole row of spells at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise, zip_longest
from typing import Any, TypeVar

from django.db.models import Q

from registry.models import BEGINNING, Person, PersonPlacement, StatusPeriod, Unit
from registry.models.journal import note_change, remove, rewrite
from registry.models.writer import write_new
from registry.operations.base import changed, write_values
from registry.rules.standing import Spell, dated

T = TypeVar("T")
Home = tuple[int, int | None]
"""The keys of the home unit and the home branch."""
HomeSpell = tuple[Home, date]


_STATUS = ("status", "started_on", "ended_on")
_HOME = ("unit_id", "branch_id", "started_on", "ended_on")


def begin(people: Sequence[Person]) -> None:
    """Write the first spells of new people: their status by its days, and their home."""
    statuses = {
        person.pk: dated([(person.political_status, BEGINNING)], person.joined_on, person.confirmed_on)
        for person in people
    }
    write_new(
        [
            StatusPeriod(person_id=pk, status=status, started_on=start, ended_on=end)
            for pk, spells in statuses.items()
            for (status, start), end in _with_ends(spells)
        ]
    )
    write_new(
        [
            PersonPlacement(
                person_id=person.pk,
                unit_id=person.home_unit_id,
                branch_id=person.home_branch_id,
                started_on=BEGINNING,
            )
            for person in people
        ]
    )


def begun(known: Sequence[tuple[T, date]], value: T, on: date) -> list[tuple[T, date]]:
    """Return the spells with one of ``value`` from the day on; one of the same value before it goes on."""
    kept = [spell for spell in known if spell[1] < on]
    return kept if kept and kept[-1][0] == value else [*kept, (value, on)]


def write_statuses(spells: Mapping[int, Sequence[Spell]]) -> None:
    """Give people these statuses instead of those that they have."""
    rows = {
        pk: [(status, start, end) for (status, start), end in _with_ends(each)] for pk, each in spells.items()
    }
    _rewrite(StatusPeriod, _STATUS, rows)


def homes_of(people: Iterable[int]) -> dict[int, list[HomeSpell]]:
    """Return the homes of these people, each from its day, the earliest first."""
    found: dict[int, list[HomeSpell]] = defaultdict(list)
    rows = PersonPlacement.objects.filter(person__in=list(people)).order_by("started_on")
    for person, unit, branch, start in rows.values_list("person_id", "unit_id", "branch_id", "started_on"):
        found[person].append(((unit, branch), start))
    return found


def write_homes(spells: Mapping[int, Sequence[HomeSpell]], end: date | None = None) -> None:
    """Give people these homes instead of those that they have; the last ends with their service."""
    rows = {
        pk: [(unit, branch, start, until) for ((unit, branch), start), until in _with_ends(each, end)]
        for pk, each in spells.items()
    }
    _rewrite(PersonPlacement, _HOME, rows)


def move_homes(unit: Unit, into: Unit, on: date) -> None:
    """Move the homes of everybody at a unit to another unit from a day on.

    An entry that was joined to another stays as it was left: it counts nowhere.
    """
    at_unit = PersonPlacement.objects.filter(unit=unit, person__merged_into__isnull=True)
    rows = at_unit.filter(Q(ended_on__isnull=True) | Q(ended_on__gt=on))
    rewrite(rows.filter(started_on__gte=on), unit=into)
    split = list(rows.filter(started_on__lt=on))
    rewrite(rows.filter(started_on__lt=on), ended_on=on)
    write_new(
        [
            PersonPlacement(
                person_id=row.person_id,
                unit=into,
                branch_id=row.branch_id,
                started_on=on,
                ended_on=row.ended_on,
            )
            for row in split
        ]
    )


def _rewrite(model: Any, names: Sequence[str], wanted: Mapping[int, Sequence[tuple[Any, ...]]]) -> None:
    """Give people these dated rows: those that are there are changed, then what is missing is added."""
    there: dict[int, list[Any]] = defaultdict(list)
    for row in model.objects.filter(person__in=list(wanted)).order_by("started_on"):
        there[row.person_id].append(row)
    remove(model.objects.filter(pk__in=[row.pk for pk in wanted for row in there[pk][len(wanted[pk]) :]]))
    staying: list[Any] = []
    moving: list[list[Any]] = []
    new = []
    for pk in sorted(wanted):
        ups: list[Any] = []
        downs: list[Any] = []
        for row, values in zip(there[pk], wanted[pk], strict=False):
            after = changed(row, dict(zip(names, values, strict=True)))
            if after:
                note_change(row, {name: getattr(row, name) for name in after}, after)
                start = after.get("started_on", row.started_on)
                away = ups if start > row.started_on else downs if start < row.started_on else staying
                away.append((row, after))
        moving.append([*reversed(ups), *downs])  # so that no two begin on one day meanwhile
        new += [
            model(person_id=pk, **dict(zip(names, each, strict=True)))
            for each in wanted[pk][len(there[pk]) :]
        ]
    write_values(staying)
    for step in zip_longest(*moving):  # of each person one row
        write_values([change for change in step if change is not None])
    write_new(new)


def _with_ends(
    spells: Sequence[tuple[T, date]], last: date | None = None
) -> list[tuple[tuple[T, date], date | None]]:
    """Return each spell with its end, which is the beginning of the next."""
    ends = [after for (_, _), (_, after) in pairwise(spells)]
    return list(zip(spells, [*ends, last], strict=True))
