"""The assignments: most people have none, some serve in several organizations.

A bureau's organizations take their people from a part of the bureau's people, who are sent again and again.
A temporary Party organization takes Party members only.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

from benchmarks.country.chance import mixed
from benchmarks.country.country import Bureau, Country
from benchmarks.country.organizations import Organizations
from benchmarks.country.people import People
from benchmarks.country.scales import LAST
from registry.models import OrganizationKind, Role, WorkflowState
from registry.models.kinds import PARTY_KINDS
from registry.operations.bulk_rows import AssignmentRow, OrganizationRow

_SENT = 0.35
"""The share of a bureau's people who are ever sent."""
_SIZES = (3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20)
_POSTS = (1, 2, 3, 3, 4, 5)
_SMALL = (OrganizationKind.GROUP.value, OrganizationKind.PIONEER_POST.value)
_PARTY_ROLES = (
    Role.SECRETARY.value,
    Role.DEPUTY_SECRETARY.value,
    Role.ORGANIZATION_COMMITTEE_MEMBER.value,
    Role.PUBLICITY_COMMITTEE_MEMBER.value,
    Role.DISCIPLINE_COMMITTEE_MEMBER.value,
)
_LEADERS = (Role.LEADER.value, Role.DEPUTY_LEADER.value)


class Assignments:
    """All assignments of a country."""

    def __init__(self, country: Country, organizations: Organizations, people: People) -> None:
        """Prepare; rows are made while iterating."""
        self.country, self.organizations, self.people = country, organizations, people

    def __iter__(self) -> Iterator[AssignmentRow]:
        """Yield the rows, organization by organization; in all as many as the scale says, or a few less."""
        each = self.country.scale.assignments / max(1, self.organizations.founded)
        left, due = self.country.scale.assignments, 0.0
        chance = random.Random(self.country.seed + 3)
        for bureau, row in self.organizations.with_bureaus():
            if left <= 0:
                return
            if not row.is_temporary and row.kind in PARTY_KINDS:
                continue  # standing
            due += each
            if row.state == WorkflowState.WITHDRAWN:
                continue
            size = chance.choice(_POSTS if row.kind in _SMALL else _SIZES)
            if size > 2 * due + 1:
                continue  # its people are not registered
            for assignment in self._members(bureau, row, min(size + int(due / 8), left), chance):
                yield assignment
                due -= 1
                left -= 1

    def _members(
        self, bureau: Bureau, row: OrganizationRow, size: int, chance: random.Random
    ) -> Iterator[AssignmentRow]:
        chosen = self._chosen(bureau, row, size, chance)
        is_party = row.kind in PARTY_KINDS
        numbers = [self.country.police_number(person) for person in chosen]
        for i, number in enumerate(numbers):
            role = Role.MEMBER.value
            if is_party and (i == 0 or (i < len(_PARTY_ROLES) and len(chosen) >= 3 + 2 * i)):
                role = _PARTY_ROLES[i]
            elif not is_party and (i == 0 or (i == 1 and len(chosen) >= 6)):
                role = _LEADERS[i]
            start, end = _spell(row, chance, first=i == 0)
            document = row.approval_number if role != Role.MEMBER else ""
            yield AssignmentRow(number, row.code, start, role, end, document, is_sample=True)
            last = row.dissolved_on or LAST
            if end is not None and (last - end).days > 3 and chance.random() < 0.1:  # is called back
                start = end + timedelta(chance.randint(0, (last - end).days - 2))
                yield AssignmentRow(number, row.code, start, role, row.dissolved_on, document, is_sample=True)

    def _chosen(self, bureau: Bureau, row: OrganizationRow, size: int, chance: random.Random) -> list[int]:
        """Return different people of the bureau: Party members where needed, and to lead."""
        everybody = self.country.people_of(bureau)
        if not everybody:
            return []
        sent = max(min(len(everybody), 40), int(len(everybody) * _SENT))
        is_party = row.kind in PARTY_KINDS
        tries = chance.sample(range(sent), min(sent, 2 * size + 4 if is_party else size))
        shift = mixed(self.country.seed + 4, bureau.place) % len(everybody)
        people = (everybody[(shift + i * len(everybody) // sent) % len(everybody)] for i in tries)
        if not is_party:
            return sorted(people, key=lambda person: not self.people.is_member_on(person, row.established_on))
        chosen: list[int] = []
        for person in people:
            if len(chosen) == size:
                break
            if self.people.is_member_on(person, row.established_on):
                chosen.append(person)
        return chosen


def _spell(row: OrganizationRow, chance: random.Random, *, first: bool) -> tuple[date, date | None]:
    """Return the start and end of an assignment, within the organization's life."""
    begin, end = row.established_on, row.dissolved_on
    days = ((end or LAST) - begin).days
    start = begin
    if not first and days > 4 and chance.random() < 0.25:
        start = begin + timedelta(chance.randint(1, days // 2))
    if days > 4 and chance.random() < 0.25:
        early = start + timedelta(chance.randint(1, max(1, ((end or LAST) - start).days)))
        return start, min(early, end or LAST)
    return start, end
