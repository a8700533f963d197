"""Organizations with so many people, written straight into the tables: a case needs dozens of them."""

from __future__ import annotations

import itertools
from datetime import date

from registry.models import (
    BEGINNING,
    Assignment,
    Organization,
    OrganizationKind,
    Person,
    PersonPlacement,
    StatusPeriod,
    Unit,
)
from registry.models.base import on_day
from registry.rules.checks import Settings, breaches
from registry.rules.checks.planned import Planned, PlannedMember

DAY = date(2020, 2, 1)
"""The day on which everything here begins."""
_numbers = itertools.count(1)


def people(
    number: int,
    unit: Unit,
    status: str = "full_member",
    *,
    home: Organization | None = None,
    placed: Organization | None = None,
    role: str = "member",
    start: date = DAY,
    end: date | None = None,
) -> list[Person]:
    """So many people of a unit: of a home branch, placed in an organization from ``start`` to ``end``."""
    made = Person.objects.bulk_create(
        Person(
            number=f"9{next(_numbers):07}",
            name=f"员{at:02}",
            category="officer",
            political_status=status,
            home_unit=unit,
            home_branch=home,
        )
        for at in range(number)
    )
    for each in made:
        StatusPeriod.objects.create(person=each, status=status, started_on=BEGINNING)
        PersonPlacement.objects.create(person=each, unit=unit, branch=home, started_on=BEGINNING)
        if placed is not None:
            Assignment.objects.create(
                person=each, organization=placed, role=role, started_on=start, ended_on=end
            )
    return made


def statuses(person: Person, *spells: tuple[str, date]) -> None:
    """Give somebody these statuses, each from its day; what was before is not registered."""
    StatusPeriod.objects.filter(person=person).delete()
    starts = [("unknown", BEGINNING), *spells]
    for at, (status, start) in enumerate(starts):
        end = starts[at + 1][1] if at + 1 < len(starts) else None
        StatusPeriod.objects.create(person=person, status=status, started_on=start, ended_on=end)


def found(slug: str, organization: Organization, day: date) -> list[str]:
    """What one check says of an organization on a day; a form would say it of the same people.

    Of a standing organization a form knows other people than the check: its first members.
    """
    rows = Organization.objects.filter(pk=organization.pk)
    said = [each.message for each in breaches(rows, day, slugs=[slug])]
    is_placed = organization.is_temporary or organization.kind == OrganizationKind.GROUP
    for asked in Settings.read().asked_on(day, [slug]) if is_placed else ():
        if asked.check.judge is not None:
            assert asked.is_breached_by(planned(organization, day)) == bool(said), slug
    return said


def planned(organization: Organization, day: date) -> Planned:
    """The organization with the people placed in it on the day, as a form would have them."""
    placed = Assignment.objects.as_of(day).filter(organization=organization)
    then = dict(
        StatusPeriod.objects.filter(on_day(day), person__in=placed.values("person")).values_list(
            "person_id", "status"
        )
    )
    people_there = [PlannedMember(each.role, then[each.person_id]) for each in placed]
    return Planned(organization.kind, organization.is_temporary, people_there)
