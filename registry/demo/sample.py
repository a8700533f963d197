"""Sample rows: the same ones on every load, each flagged as sample."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from registry.demo import facts
from registry.demo.names import invented_name
from registry.models.kinds import FORMATION_KINDS, MEMBER_STATUSES
from registry.operations.bulk import AssignmentRow, Load, OrganizationRow, PersonRow, UnitRow

SEED = 20200126
_COMMITTEE_ROLES = (
    "deputy_secretary",
    "organization_committee_member",
    "publicity_committee_member",
    "discipline_committee_member",
)
_STATUSES = ("full_member", "probationary_member", "activist", "league_member", "masses")
_STATUS_WEIGHTS = {
    "officer": (70, 5, 7, 8, 10),
    "auxiliary": (16, 4, 11, 31, 38),
    "civilian": (45, 4, 8, 18, 25),
}
_TITLES = {
    "officer": ("民警", "民警", "民警", "民警", "社区民警", "内勤", "警长", "副所长", "副大队长", "中队长"),
    "auxiliary": ("辅警", "辅警", "警务辅助人员", "勤务辅警"),
    "civilian": ("文职人员", "技术员"),
}
_HEADS = ("所长", "教导员", "大队长", "政委", "副政委", "支队长", "主任")


class Sample:
    """Collects the rows of the demo: those that the facts name, then invented ones."""

    def __init__(self) -> None:
        self.random = random.Random(SEED)
        self.units: dict[str, UnitRow] = {row.code: row for row in facts.unit_rows()}
        self.organizations: dict[str, OrganizationRow] = {row.code: row for row in facts.organization_rows()}
        self.people: dict[str, PersonRow] = {row.number: row for row in facts.people_rows(self.organizations)}
        self.assignments: list[AssignmentRow] = facts.assignment_rows(self.organizations)
        self.staff: dict[str, list[str]] = defaultdict(list)
        """Numbers of the sample people by home unit."""
        self.home_branch: dict[str, str] = {}
        """The standing branch of a unit's members."""
        self._numbers: dict[str, int] = defaultdict(int)
        self._documents = 0

    def load(self) -> Load:
        """Return everything as one load."""
        return Load(
            units=list(self.units.values()),
            organizations=list(self.organizations.values()),
            people=list(self.people.values()),
            assignments=self.assignments,
        )

    def below(self, code: str) -> list[UnitRow]:
        """Return the units directly below."""
        return [row for row in self.units.values() if row.parent == code]

    def unit(self, code: str, name: str, kind: str, parent: str, short_name: str = "") -> UnitRow:
        """Add a sample unit."""
        above = self.units[parent]
        row = UnitRow(
            code=code,
            name=name,
            kind=kind,
            parent=parent,
            short_name=short_name or name,
            region_code=above.region_code,
            is_sample=True,
        )
        assert code not in self.units, code
        self.units[code] = row
        return row

    def organization(
        self,
        code: str,
        name: str,
        kind: str,
        unit: str,
        on: date,
        *,
        parent: str = "",
        standing: bool = False,
        dissolved_on: date | None = None,
        task_body: str = "",
        state: str = "approved",
    ) -> OrganizationRow:
        """Add a sample organization: temporary and of the campaign unless ``standing``."""
        assert code not in self.organizations, code
        formation = kind in FORMATION_KINDS
        approved = state == "approved" and not standing
        row = OrganizationRow(
            code=code,
            name=name,
            kind=kind,
            unit=unit,
            established_on=on,
            parent=parent,
            is_temporary=not standing and not formation,
            campaign="" if standing else facts.CAMPAIGN,
            task_body=task_body,
            dissolved_on=dissolved_on,
            approval_number=self._document() if approved and self.random.random() < 0.8 else "",
            dissolution_number=self._document() if dissolved_on else "",
            state=state,
            is_sample=True,
        )
        self.organizations[code] = row
        return row

    def standing_branch(self, unit: str, parent: str, name: str, code: str = "") -> None:
        """Add a standing branch at ``unit``: where the members of its staff belong."""
        row = self.organization(
            code or f"{unit}-dangzhibu", name, "branch", unit, date(2015, 1, 1), parent=parent, standing=True
        )
        self.home_branch[unit] = row.code

    def person(
        self,
        unit: str,
        *,
        category: str = "",
        status: str = "",
        head: bool = False,
        joins_on: date | None = None,
    ) -> str:
        """Add a sample person at ``unit`` and return the number; ``joins_on``: recruited on that day."""
        draw = self.random
        # Leaders are officers already: with them it comes to 70, 27 and 3 in a hundred.
        category = category or draw.choices(("officer", "auxiliary", "civilian"), (62, 34, 4))[0]
        if joins_on:
            status = "activist"
        status = status or draw.choices(_STATUSES, _STATUS_WEIGHTS[category])[0]
        region = self._region(unit)
        prefix = "0" if category == "auxiliary" else ""
        self._numbers[prefix + region] += 1
        number = f"{prefix}{region}{self._numbers[prefix + region]:04d}"
        branch = self._branch_above(unit) if joins_on or status in MEMBER_STATUSES else ""
        joined_on = joins_on
        if status == "full_member":
            joined_on = date(draw.randint(1990, 2018), draw.choice((6, 7, 12)), draw.randint(1, 28))
        elif status == "probationary_member":
            joined_on = date(2019, draw.randint(5, 12), draw.randint(1, 28))
        self.people[number] = PersonRow(
            number=number,
            name=invented_name(draw, mongolian=region.startswith("15")),
            category=category,
            home_unit=unit,
            status=status,
            changes=((joins_on, "probationary_member"),) if joins_on else (),
            home_branch=branch,
            joined_on=joined_on,
            title=draw.choice(_HEADS if head else _TITLES[category]),
            phone=f"000-{draw.randint(0, 99_999_999):08d}",
            is_sample=True,
        )
        self.staff[unit].append(number)
        return number

    def place(
        self,
        organization: OrganizationRow,
        numbers: Iterable[str],
        roles: Iterable[str] = (),
        *,
        latest: date | None = None,
    ) -> None:
        """Assign people to an organization: ``roles`` for the first of them, the rest as members.

        Most start on the first day; one member in eight starts up to a week later (not after ``latest``),
        and a few leave before the end.
        """
        given = list(roles)
        first, last = organization.established_on, organization.dissolved_on
        for number in numbers:
            role = given.pop(0) if given else "member"
            started, ended = first, last
            if role == "member":
                limit = min(day for day in (last, latest, first + timedelta(7)) if day is not None)
                if self.random.random() < 0.12:
                    started += timedelta(self.random.randint(0, max(0, (limit - first).days - 1)))
                elif self.random.random() < 0.03:
                    leaves = first + timedelta(self.random.randint(6, 20))
                    ended = leaves if last is None else min(last, leaves)
            self.assignments.append(
                AssignmentRow(
                    person=number,
                    organization=organization.code,
                    started_on=started,
                    role=role,
                    ended_on=ended,
                    document_number=organization.approval_number if role != "member" else "",
                    is_sample=True,
                )
            )

    def fill_branch(self, organization: OrganizationRow, size: int, *, full: int | None = None) -> list[str]:
        """Give a temporary branch its people, half of them from the staff, and return their numbers.

        The secretary is a full member; ``full``: how many full members there are at most.
        """
        unit = organization.unit
        members = [n for n in self.staff[unit] if self._status(n) in MEMBER_STATUSES]
        known = self.random.sample(members, min(len(members), size // 2))
        known += [
            self.person(unit, category="officer", status="full_member") for _ in range(size - len(known))
        ]
        if full is not None:
            few = [n for n in known if self._status(n) == "full_member"][:full]
            known = few + [self.person(unit, status="probationary_member") for _ in range(size - len(few))]
        known.sort(key=lambda n: (self._status(n) != "full_member", self.people[n].category != "officer"))
        roles = ["secretary"]
        if size >= 7:
            roles += _COMMITTEE_ROLES[: self.random.choice((2, 3, 4))]
        elif size >= 4:
            roles.append(self.random.choice(_COMMITTEE_ROLES))
        self.place(organization, known, roles)
        return known

    def fill_formation(
        self, organization: OrganizationRow, size: int, known: Iterable[str] = ()
    ) -> list[str]:
        """Give a team, post, group or task force new people after those ``known``, with a leader."""
        unit = organization.unit
        numbers = list(known)
        if size and not numbers:
            numbers.append(self.person(unit, category="officer", status="full_member", head=size > 8))
        numbers += [self.person(unit) for _ in range(size - len(numbers))]
        roles = ["leader", "deputy_leader"] if len(numbers) > 8 else ["leader"]
        self.place(organization, numbers, roles)
        return numbers

    def members_of(self, unit: str, number: int) -> list[str]:
        """Return up to ``number`` of the unit's sample people who are Party members."""
        members = [n for n in self.staff[unit] if self._status(n) in MEMBER_STATUSES]
        return self.random.sample(members, min(len(members), number))

    def full_name(self, unit: str) -> str:
        """Return the unit's name for the names of its organizations: 新城区分局城关派出所."""
        row = self.units[unit]
        above = self.units.get(row.parent)
        small = row.kind in ("station", "brigade", "squadron", "checkpoint")
        if small and above is not None and above.kind in ("bureau", "sub_bureau"):
            return f"{above.short_name}{row.short_name}"
        return row.short_name

    def _status(self, number: str) -> str:
        return self.people[number].status

    def _region(self, unit: str) -> str:
        row = self.units[unit]
        while not row.region_code and row.parent:
            row = self.units[row.parent]
        return row.region_code

    def _branch_above(self, unit: str) -> str:
        code = unit
        while code:
            if code in self.home_branch:
                return self.home_branch[code]
            code = self.units[code].parent
        return ""

    def _document(self) -> str:
        self._documents += 1
        return f"演示〔2020〕{self._documents}号"
