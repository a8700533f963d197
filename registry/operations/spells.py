"""Write what a person was, and where at home, from one day to another: the whole row of spells at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import TypeVar

from django.db.models import Q

from registry.models import BEGINNING, Person, PersonPlacement, StatusPeriod, Unit
from registry.models.journal import remove, rewrite
from registry.models.writer import write_new
from registry.rules.standing import Spell, dated

T = TypeVar("T")
Home = tuple[int, int | None]
"""The keys of the home unit and the home branch."""
HomeSpell = tuple[Home, date]


def begin(people: Sequence[Person]) -> None:
    """Write the first spells of new people: their status by its days, and their home."""
    statuses = {
        person.pk: dated([(person.political_status, BEGINNING)], person.joined_on, person.confirmed_on)
        for person in people
    }
    write_new([row for pk, spells in statuses.items() for row in _status_rows(pk, spells)])
    write_new(
        [
            PersonPlacement(
                person=person,
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
    remove(StatusPeriod.objects.filter(person__in=list(spells)))
    write_new([row for pk in sorted(spells) for row in _status_rows(pk, spells[pk])])


def homes_of(people: Iterable[int]) -> dict[int, list[HomeSpell]]:
    """Return the homes of these people, each from its day, the earliest first."""
    found: dict[int, list[HomeSpell]] = defaultdict(list)
    rows = PersonPlacement.objects.filter(person__in=list(people)).order_by("started_on")
    for person, unit, branch, start in rows.values_list("person_id", "unit_id", "branch_id", "started_on"):
        found[person].append(((unit, branch), start))
    return found


def write_homes(spells: Mapping[int, Sequence[HomeSpell]], ends: Mapping[int, date | None]) -> None:
    """Give people these homes instead of those that they have; the last ends with their service."""
    remove(PersonPlacement.objects.filter(person__in=list(spells)))
    write_new(
        [
            PersonPlacement(person_id=pk, unit_id=unit, branch_id=branch, started_on=start, ended_on=end)
            for pk in sorted(spells)
            for ((unit, branch), start), end in _with_ends(spells[pk], ends.get(pk))
        ]
    )


def move_homes(unit: Unit, into: Unit, on: date) -> None:
    """Let everybody who is at home at a unit on the day or after it be so at another from then on."""
    rows = PersonPlacement.objects.filter(unit=unit).filter(Q(ended_on__isnull=True) | Q(ended_on__gt=on))
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


def _status_rows(pk: int, spells: Sequence[Spell]) -> list[StatusPeriod]:
    return [
        StatusPeriod(person_id=pk, status=status, started_on=start, ended_on=end)
        for (status, start), end in _with_ends(spells)
    ]


def _with_ends(
    spells: Sequence[tuple[T, date]], last: date | None = None
) -> list[tuple[tuple[T, date], date | None]]:
    """Return each spell with its end, which is the beginning of the next."""
    ends = [after for (_, _), (_, after) in pairwise(spells)]
    return list(zip(spells, [*ends, last], strict=True))
