"""What happened at the posts: entries of logbooks that the articles report, and invented ones beside them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

from registry.demo import facts
from registry.demo.sample import SEED, Sample
from registry.models.kinds import MEMBER_STATUSES

Step = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry to load; ``values`` names people by number (in a tuple), units and organizations by code."""

    logbook: str
    unit: str
    day: date
    values: dict[str, Any] = field(default_factory=dict)
    organization: str = ""
    person: str = ""
    steps: Sequence[Step] = ()
    source: int | None = None
    """The number of the article that reports it, or some of it."""
    is_sample: bool = True
    waits: bool = False
    """It is left unapproved, in a logbook whose entries need approval."""


class Happenings:
    """Collects the entries: the same ones on every load, drawn apart from the other rows of the demo."""

    def __init__(self, sample: Sample) -> None:
        self.sample, self.random = sample, random.Random(SEED + 1)
        self.rows: list[EntryRow] = []
        self._taken: set[str] = set()

    def add(
        self,
        logbook: str,
        unit: str,
        day: date,
        *,
        organization: str = "",
        person: str = "",
        steps: Sequence[Step] = (),
        source: int | None = None,
        waits: bool = False,
        **values: Any,
    ) -> None:
        """Add an invented entry."""
        self.rows.append(
            EntryRow(
                logbook,
                unit,
                day,
                values,
                organization=organization,
                person=person,
                steps=steps,
                source=source,
                waits=waits,
            )
        )

    def people(self, unit: str, number: int, **which: Any) -> tuple[str, ...]:
        """Return some of the unit's invented people, or of those of the units below it."""
        found = [n for n in self._staff(unit) if self._fits(n, **which)]
        return tuple(self.random.sample(found, min(len(found), number)))

    def person(self, unit: str, **which: Any) -> tuple[str, ...]:
        """Return one of the unit's people, as the value of a field."""
        return self.people(unit, 1, **which)

    def others(self, unit: str, number: int, *, below: bool = False, **which: Any) -> tuple[str, ...]:
        """Return people of the unit (``below``: or of one below it) whom no earlier call has returned."""
        staff = self._below(unit) if below else self._staff(unit)
        found = [n for n in staff if n not in self._taken and self._fits(n, **which)]
        chosen = self.random.sample(found, number)
        self._taken.update(chosen)
        return tuple(chosen)

    def some(self, unit: str, number: int, **which: Any) -> tuple[str, ...]:
        """Return people of the unit, or of the nearest above that has so many; others may get them, too."""
        while len(found := [n for n in self._staff(unit) if self._fits(n, **which)]) < number:
            unit = self.sample.units[unit].parent
        return tuple(found[:number])

    def branch_of(self, unit: str) -> str:
        """Return the standing branch of the unit's members, or of the nearest unit above it that has one."""
        while unit not in self.sample.home_branch:
            unit = self.sample.units[unit].parent
        return self.sample.home_branch[unit]

    def day(self, first: date, last: date) -> date:
        """Return a day of a period, both ends in it."""
        return first + timedelta(self.random.randint(0, (last - first).days))

    def within(self, root: str, *kinds: str) -> list[str]:
        """Return the codes of the units at or below ``root``, of these kinds."""
        found, level = [], [root]
        while level:
            found += level
            level = [row.code for row in self.sample.units.values() if row.parent in level]
        return [code for code in found if not kinds or self.sample.units[code].kind in kinds]

    def _staff(self, unit: str) -> list[str]:
        return self.sample.staff.get(unit) or self._below(unit)

    def _below(self, unit: str) -> list[str]:
        return [number for code in self.within(unit) for number in self.sample.staff.get(code, ())]

    def _fits(
        self, number: str, category: str = "", members: bool = False, statuses: Sequence[str] = ()
    ) -> bool:
        person = self.sample.people[number]
        wanted = MEMBER_STATUSES if members else statuses
        return category in ("", person.category) and (not wanted or person.status in wanted)


def step(key: str, on: date, at: time | None = None, by: str = "", number: str = "", note: str = "") -> Step:
    """Return a step that an entry has come to."""
    return {
        "step": key,
        "reached_on": on,
        "reached_at": at,
        "decided_by": by,
        "document_number": number,
        "note": note,
    }


def reported() -> Iterable[EntryRow]:
    """Yield what the articles report (``data/entries.csv``); what they do not state is presumed."""
    sources = {row["id"]: int(row["source"]) for row in facts.table("events")}
    for row in facts.table("entries"):
        steps = [part.split("=") for part in row["steps"].split("; ") if part]
        yield EntryRow(
            row["logbook"],
            row["unit_code"],
            date.fromisoformat(row["day"]),
            dict(part.split("=", 1) for part in row["values"].split("; ")),
            organization=row["organization_code"],
            steps=[step(key, date.fromisoformat(on), by=by) for key, on, by in steps],
            source=sources[row["event"]],
            is_sample=False,
        )


def recruit(has: Happenings, number: str, source: int | None = None) -> None:
    """Somebody who was recruited at the front: applied, met, approved, sworn."""
    row = has.sample.people[number]
    day = row.changes[0][0]
    assert day is not None
    has.add(
        "recruitment_2014",
        row.home_unit,
        day - timedelta(20),
        person=number,
        source=source,
        steps=[
            step("met", day - timedelta(3)),
            step("approved", day, by="上级党委", number="演示〔2020〕火线发展"),
            step("sworn", day + timedelta(5)),
        ],
        way="火线发展",
        branch=row.home_branch,
        basis="演示〔2020〕1号",
        introducers=has.some(row.home_unit, 2, statuses=("full_member",)),
        voters_due=9,
        voters_present=8,
        voters_for=8,
    )
