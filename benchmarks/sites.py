"""Places across the country where an organization may be founded, with people for it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q

from benchmarks.country.scales import FIRST, LAST
from registry.audit import Actor
from registry.models import Organization, OrganizationKind, Person, Role, Unit, WorkflowState
from registry.operations.organizations import Member, establish_organization

ACTOR = Actor.system("bench")
MEMBERS = 10


@dataclass(frozen=True)
class Site:
    """A unit, the standing committee above it, and ten of its people."""

    unit: Unit
    parent: Organization
    people: list[Person]


def sites(number: int, seed: int, *, around: int | None = None) -> list[Site]:
    """Return ``number`` places from all standing committees but the root's; some may come twice.

    ``around``: below so many committees only.
    """
    chosen = random.Random(seed)
    standing = Organization.objects.filter(
        kind=OrganizationKind.COMMITTEE,
        is_temporary=False,
        state=WorkflowState.APPROVED,
        dissolved_on=None,
        unit__level__gt=0,
    )
    committees = list(standing.order_by("pk").values_list("pk", flat=True))
    if around:
        committees = chosen.sample(committees, min(around, len(committees)))
    places: list[Site] = []
    known: dict[int, tuple[Organization, list[Unit], list[Person]] | None] = {}
    while len(places) < number:
        pk = chosen.choice(committees)
        if pk not in known:
            known[pk] = _around(Organization.objects.select_related("unit").get(pk=pk))
        if (near := known[pk]) is not None:
            parent, units, people = near
            places.append(Site(chosen.choice(units), parent, chosen.sample(people, MEMBERS)))
        elif all(each is None for each in known.values()) and len(known) == len(committees):
            raise RuntimeError("nowhere are there ten people: synthesize a scale first")
    return places


def _around(committee: Organization) -> tuple[Organization, list[Unit], list[Person]] | None:
    """Return a committee with the units next below its own and some hundred of their people.

    Many, as who is in dozens of organizations is counted far more slowly than people are in use.
    """
    unit = committee.unit
    units = list(Unit.objects.filter(Q(pk=unit.pk) | Q(parent=unit), closed_on=None).order_by("pk"))
    people = list(Person.objects.filter(home_unit__in=units).order_by("pk")[:600])
    return (committee, units, people) if len(people) >= MEMBERS else None


def a_day(chosen: random.Random) -> date:
    """Return one of the days of the two years."""
    return FIRST + timedelta(chosen.randrange((LAST - FIRST).days + 1))


def found(site: Site, code: str, day: date) -> Organization:
    """Found a temporary branch at a place with ten members."""
    return establish_organization(
        actor=ACTOR,
        unit=site.unit,
        kind=OrganizationKind.BRANCH.value,
        name=f"{site.unit.label}临时党支部",
        code=code,
        is_temporary=True,
        established_on=day,
        state=WorkflowState.APPROVED.value,
        parent=site.parent,
        members=[
            Member(person, Role.MEMBER.value if place else Role.SECRETARY.value)
            for place, person in enumerate(site.people)
        ],
    )
