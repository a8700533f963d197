"""The people: each is made from the seed and a number in order, so any can be made at any time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

from benchmarks.country.chance import mixed
from benchmarks.country.country import COUNTY, Country
from benchmarks.country.scales import FIRST, LAST
from registry.demo.names import invented_name
from registry.models import PersonCategory, PoliticalStatus
from registry.models.kinds import MEMBER_STATUSES
from registry.operations.bulk_rows import PersonRow

_P = PoliticalStatus
_CATEGORIES = [
    *[PersonCategory.OFFICER.value] * 148,
    *[PersonCategory.AUXILIARY.value] * 96,
    *[PersonCategory.CIVILIAN.value] * 12,
]
_ORDER = (
    _P.FULL_MEMBER.value,
    _P.PROBATIONARY_MEMBER.value,
    _P.ACTIVIST.value,
    _P.LEAGUE_MEMBER.value,
    _P.MASSES.value,
)
_SHARES = {
    PersonCategory.OFFICER.value: (180, 12, 18, 20, 26),
    PersonCategory.AUXILIARY.value: (41, 10, 28, 80, 97),
    PersonCategory.CIVILIAN.value: (115, 10, 20, 46, 65),
}
_STATUSES = {
    category: [status for status, share in zip(_ORDER, shares, strict=True) for _ in range(share)]
    for category, shares in _SHARES.items()
}
_TITLES = {
    PersonCategory.OFFICER.value: ("民警", "民警", "民警", "社区民警", "内勤", "警长", "副所长", "中队长"),
    PersonCategory.AUXILIARY.value: ("辅警", "辅警", "勤务辅警", "警务辅助人员"),
    PersonCategory.CIVILIAN.value: ("文职人员", "技术员"),
}
_NAMES = 1 << 15
_DAYS = (LAST - FIRST).days

Changes = tuple[tuple[date, str], ...]


class People:
    """All people of a country, in the order of its units."""

    def __init__(self, country: Country) -> None:
        """Make the names to choose from."""
        self.country = country
        self._seed = mixed(country.seed, 1)
        chance = random.Random(country.seed)
        self._names = [invented_name(chance) for _ in range(_NAMES)]

    def __iter__(self) -> Iterator[PersonRow]:
        """Yield the rows, unit by unit."""
        country = self.country
        for place in range(country.scale.units):
            unit, _ = country.unit(place)
            bureau = country.bureau_at(place)
            branches = STANDING_BRANCHES[bureau.level]
            branch = f"{bureau.code}-dangzhibu-{place % branches + 1}"
            for person in range(country.first_person[place], country.first_person[place + 1]):
                yield self._row(person, unit, branch)

    def status_on(self, person: int, day: date) -> str:
        """Return a person's political status on a day."""
        _, status, changes = self._standing(mixed(self._seed, person))
        for since, changed in changes:
            if since <= day:
                status = changed
        return status

    def is_member_on(self, person: int, day: date) -> bool:
        """Whether a person is in the Party on a day."""
        return self.status_on(person, day) in MEMBER_STATUSES

    def _row(self, person: int, unit: str, branch: str) -> PersonRow:
        bits = mixed(self._seed, person)
        category, status, changes = self._standing(bits)
        joined: date | None = None
        if status == _P.FULL_MEMBER:
            joined = date(1988, 7, 1) + timedelta((bits >> 32) % 11_000)
        elif status == _P.PROBATIONARY_MEMBER:
            # Before anything is founded: whoever is placed in a Party organization belongs to the Party.
            joined = FIRST - timedelta(1 + bits % 300)
            if changes:
                joined = min(joined, changes[0][0] - timedelta(365))
        elif changes:
            joined = changes[0][0]
        titles = _TITLES[category]
        return PersonRow(
            number=self.country.police_number(person),
            name=self._names[(bits >> 16) % _NAMES],
            category=category,
            home_unit=unit,
            status=status,
            changes=changes,
            home_branch=branch if joined else "",
            joined_on=joined,
            title=titles[(bits >> 40) % len(titles)],
            is_sample=True,
        )

    def _standing(self, bits: int) -> tuple[str, str, Changes]:
        """Return category, first status, and how it changed: recruited at the front, made full members."""
        category = _CATEGORIES[bits & 255]
        status = _STATUSES[category][(bits >> 8) & 255]
        changes: Changes = ()
        if status == _P.PROBATIONARY_MEMBER and (bits >> 48) % 10 < 7:
            changes = ((FIRST + timedelta((bits >> 52) % _DAYS), _P.FULL_MEMBER.value),)
        elif status == _P.ACTIVIST and (bits >> 48) % 10 < 2:
            day = FIRST + timedelta((bits >> 52) % _DAYS)
            changes = ((day, _P.PROBATIONARY_MEMBER.value),)
            if day + timedelta(365) <= LAST:
                changes = (*changes, (day + timedelta(365), _P.FULL_MEMBER.value))
        return category, status, changes


STANDING_BRANCHES = {level: 4 if level == COUNTY else 1 for level in range(COUNTY + 1)}
"""How many standing branches a bureau's committee has."""
