"""The service record of a person in a campaign: organizations, roles, days, opinions, the receipt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import prefetch_related_objects

from registry import access, nouns
from registry.models import Assignment, Campaign, Organization, Person
from registry.service.models import Opinion, Receipt
from registry.service.served import seen_at_home, served

Deeds = Callable[[Campaign, Sequence[Person], date], Mapping[int, Sequence[tuple[str, str]]]]
"""What an app hands up as ``service_facts``: what else each person (by key) did, as label and text."""
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Spell:
    """Somebody in one organization in one role, from the first day to the day on which it no longer held."""

    assignment: Assignment
    started_on: date
    until: date
    """The day after the last one that counts: the end, or the day after that of the record."""
    is_open: bool

    @property
    def organization(self) -> Organization:
        """Where it was."""
        return self.assignment.organization

    @property
    def role(self) -> str:
        """The role in words."""
        return str(self.assignment.get_role_display())

    @property
    def ended_on(self) -> date | None:
        """The day on which it ended; None while it goes on."""
        return None if self.is_open else self.until

    @property
    def days(self) -> int:
        """Whole days: the day of the end is not one."""
        return (self.until - self.started_on).days

    @property
    def document_number(self) -> str:
        """The document of the appointment, else that by which the organization was approved."""
        return self.assignment.document_number or self.organization.approval_number


@dataclass(frozen=True)
class Record:
    """What one person did in a campaign, as far as the user sees it."""

    campaign: Campaign
    person: Person
    day: date
    spells: Sequence[Spell]
    opinions: Sequence[Opinion] = ()
    receipt: Receipt | None = None
    is_whole: bool = True
    """Whether the user sees all of it, not only what was done in the user's scope."""
    deeds: Sequence[tuple[str, str]] = ()

    @property
    def number(self) -> str:
        """The number that its paper and the receipt on it carry."""
        return f"{self.campaign.started_on:%Y}-{self.campaign.pk:03}-{self.person.pk:06}"

    @property
    def days(self) -> int:
        """On how many days the person was there, each counted once."""
        return days_of((spell.started_on, spell.until) for spell in self.spells)

    @property
    def first_day(self) -> date | None:
        """The first day."""
        return min((spell.started_on for spell in self.spells), default=None)

    @property
    def last_day(self) -> date | None:
        """The last day that counts."""
        return max((spell.until - ONE_DAY for spell in self.spells), default=None)

    @property
    def is_open(self) -> bool:
        """Whether the person is still there."""
        return any(spell.is_open for spell in self.spells)

    @property
    def organizations(self) -> list[Organization]:
        """The organizations, each once, in the order in which the person came."""
        return list({spell.organization.pk: spell.organization for spell in self.spells}.values())

    @property
    def is_outdated(self) -> bool:
        """Whether the days are others than those that were signed."""
        return self.receipt is not None and self.is_whole and self.receipt.days != self.days

    @property
    def state(self) -> tuple[str, str]:
        """Tone and words of how it stands with the receipt."""
        if self.receipt is not None:
            return ("warn", "签收后有变动") if self.is_outdated else ("ok", "已签收")
        return ("info", "服务中") if self.is_open else ("warn", "待签收")


def days_of(spans: Iterable[tuple[date, date]]) -> int:
    """Return how many days lie in the intervals (start, the day after the last), each counted once."""
    days, reached = 0, date.min
    for start, until in sorted(spans):
        days += max(0, (until - max(start, reached)).days)
        reached = max(reached, until)
    return days


def spell_of(assignment: Assignment, campaign: Campaign, day: date) -> Spell:
    """Return an assignment as it counts up to ``day``: not beyond the end of the campaign."""
    ends = [end for end in (assignment.ended_on, campaign.ended_on) if end is not None and end <= day]
    until = min(ends, default=day + ONE_DAY)
    return Spell(assignment, assignment.started_on, until, not ends)


def records_of(
    user: access.AnyUser | None, campaign: Campaign, people: Sequence[Person], day: date
) -> list[Record]:
    """Return the records of these people up to ``day`` as ``user`` sees them (None: whole).

    As many queries for many as for one. Who sees somebody only through an organization in scope sees what was
    done there, as on the person's page.
    """
    prefetch_related_objects(people, "home_unit", "home_branch__unit")
    spells: dict[int, list[Assignment]] = defaultdict(list)
    rows = served(campaign, day).filter(person__in=people).select_related("organization__unit")
    for row in rows.order_by("started_on", "pk"):
        spells[row.person_id].append(row)
    opinions: dict[int, list[Opinion]] = defaultdict(list)
    written = Opinion.objects.filter(person__in=people, organization__campaign=campaign)
    for opinion in written.select_related("organization__unit").order_by("written_at", "pk"):
        opinions[opinion.person_id].append(opinion)
    receipts = {
        receipt.person_id: receipt
        for receipt in Receipt.objects.valid().filter(campaign=campaign, person__in=people).order_by("pk")
    }
    handed: list[Deeds] = nouns.handed_up("service_facts")
    deeds = [facts(campaign, people, day) for facts in handed]
    scope = [] if user is None else access.spans(user)
    whole = {person.pk: user is None or seen_at_home(user, person) for person in people}

    def seen(person: Person, rows: Sequence[Any]) -> list[Any]:
        return [row for row in rows if whole[person.pk] or access.inside(row.organization.unit, scope)]

    return [
        Record(
            campaign,
            person,
            day,
            [spell_of(row, campaign, day) for row in seen(person, spells[person.pk])],
            seen(person, opinions[person.pk]),
            receipts.get(person.pk),
            whole[person.pk],
            [fact for each in deeds for fact in each.get(person.pk, ())] if whole[person.pk] else [],
        )
        for person in people
    ]
