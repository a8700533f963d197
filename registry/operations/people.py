"""What can be done with people: add, edit, change political status, transfer the home unit and branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from typing import Any

from django.db.models import prefetch_related_objects

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.models import Organization, Person, Unit
from registry.models.kinds import MEMBER_STATUSES
from registry.models.writer import write_new
from registry.nouns.person import PERSON
from registry.operations import spells
from registry.operations.base import (
    Written,
    changed,
    edited,
    fresh_all,
    need_right,
    operation,
    renew,
    validate_all,
    write_each,
)
from registry.refusals import refuse
from registry.rules import people as rules
from registry.rules import standing
from registry.rules.findings import refuse_if
from registry.search import index as search

EDITABLE = PERSON.editable
_RELATIONS = ("home_unit", "home_branch", "source", "merged_into")
_COUNTED = {"category", "joined_on", "confirmed_on"}
"""The plain facts that numbers depend on."""


@operation
def add_person(*, actor: Actor, **facts: Any) -> Person:
    """Add a person of these ``facts``; see ``add_people``."""
    return add_people(actor=actor, people=[Person(**facts)])[0]


@operation
def add_people(*, actor: Actor, people: Sequence[Person], reason: str = "") -> Sequence[Person]:
    """Add new people, each to the ``home_unit``.

    The political status holds from its days as far as they are known (``rules.standing``), the home from the
    beginning.
    """
    locks.use_units({person.home_unit for person in people})
    renew(people, "home_unit", "home_branch")
    need_right(actor, "add_person", *people)
    findings = [
        *rules.refusals([rules.Membership(person.home_unit, person.home_branch) for person in people]),
        *standing.refusals([_joining(person) for person in people]),
    ]
    validate_all(people, findings, exclude=_RELATIONS, unique="number")
    numbers = [rules.Numbering(each.number, each.name) for each in people]
    refuse_if(rules.number_findings(numbers, actor.user))
    with following() as touched:
        write_new(people)
        spells.begin(people)
        touched.add(people=people)
    search.index_rows(people)
    names = [*EDITABLE, "political_status", "home_unit", "home_branch"]
    added: list[Written[Person]] = [(person, {}, audit.fields_of(person, names)) for person in people]
    audit.record_each(actor, "add_person", added, reason=reason)
    return people


@operation
def edit_person(
    *,
    actor: Actor,
    person: Person,
    changes: Mapping[str, Any],
    version: int | None = None,
    reason: str = "",
) -> Person:
    """Change plain facts of a person (``EDITABLE``). Raises ``EditConflict`` when ``version`` is old."""
    return edit_people(actor=actor, changes=[(person, changes)], version=version, reason=reason)[0]


@operation
def edit_people(
    *,
    actor: Actor,
    changes: Sequence[tuple[Person, Mapping[str, Any]]],
    version: int | None = None,
    reason: str = "",
) -> list[Person]:
    """Change plain facts (``EDITABLE``) of many people, of each its own.

    The days of joining and confirmation say since when somebody was a member, so they need a reason and the
    counts of past days follow.
    """
    people = locked([person for person, _ in changes])
    need_right(actor, "edit_person", *people)
    candidates = [
        (person, edited(person, values, version, exclude=_RELATIONS)[1])
        for person, (_, values) in zip(people, changes, strict=True)
    ]
    wanted = [(person, values) for person, values in candidates if values]
    refuse_if(rules.renaming_refusals([_renaming(person, values, reason) for person, values in wanted]))
    renumbered = [person for person, values in wanted if "number" in values]
    numbers = [rules.Numbering(each.number, each.name, each.pk) for each in renumbered]
    refuse_if(rules.number_findings(numbers, actor.user))
    joining = [(person, values) for person, values in wanted if values.keys() & {"joined_on", "confirmed_on"}]
    refuse_if(standing.refusals([_rejoining(person, values, reason) for person, values in joining]))
    counted = [person for person, values in wanted if values.keys() & _COUNTED]
    with following(people=counted) if counted else nullcontext():
        known = standing.spells_of(person.pk for person, _ in joining)
        before = {person.pk: person.joined_on for person, _ in joining}
        written = write_each(wanted)
        spells.write_statuses(
            {
                person.pk: standing.dated(
                    known[person.pk], person.joined_on, person.confirmed_on, before[person.pk]
                )
                for person, _ in joining
            }
        )
    search.index_names({values["name"] for _, values in wanted if "name" in values})
    audit.record_each(actor, "edit_person", written, reason=reason)
    return people


@operation
def change_political_status(
    *, actor: Actor, person: Person, status: str, on: date, reason: str = ""
) -> Person:
    """Give the person another political status from day ``on``; earlier days keep theirs.

    On the first day of the status that holds now it is a correction, which needs a reason. Who becomes a
    probationary member joined on that day, who becomes a full one after it was confirmed on it.
    """
    return change_political_statuses(actor=actor, changes=[(person, status, on)], reason=reason)[0]


@operation
def change_political_statuses(
    *, actor: Actor, changes: Sequence[tuple[Person, str, date]], reason: str = ""
) -> list[Person]:
    """Give many people another political status, each from its day; see ``change_political_status``."""
    people = locked([person for person, _, _ in changes])
    need_right(actor, "change_political_status", *people)
    wanted = {person.pk: (status, on) for person, (_, status, on) in zip(people, changes, strict=True)}
    refuse_if(
        rules.status_refusals([rules.StatusChange(person, *wanted[person.pk], reason) for person in people])
    )
    with following(people=people):
        known = standing.spells_of(wanted)
        spells.write_statuses(
            {pk: spells.begun(known[pk], status, on) for pk, (status, on) in wanted.items()}
        )
        written = write_each([(person, _new_status(person, *wanted[person.pk])) for person in people])
    audit.record_all(
        [
            audit.entry(
                actor,
                "change_political_status",
                person,
                before=before,
                after=after,
                reason=reason,
                effective_on=wanted[person.pk][1],
            )
            for person, before, after in written
        ]
    )
    return people


def _new_status(person: Person, status: str, on: date) -> dict[str, Any]:
    """Return what changes of the person's row: the status, and the days that come or go with it."""
    joined, confirmed = person.joined_on, person.confirmed_on
    was_member = person.political_status in MEMBER_STATUSES and joined != on
    if status == standing.PROBATIONARY:
        joined, confirmed = (joined if was_member else on), None
    elif status == standing.FULL and person.political_status == standing.PROBATIONARY and joined != on:
        confirmed = on
    elif status not in MEMBER_STATUSES:
        joined, confirmed = (None if day == on else day for day in (joined, confirmed))
    new = {"political_status": status, "joined_on": joined, "confirmed_on": confirmed}
    return {"political_status": status} | changed(person, new)


@operation
def transfer_person(
    *,
    actor: Actor,
    person: Person,
    home_unit: Unit,
    home_branch: Organization | None = None,
    on: date,
    reason: str = "",
) -> Person:
    """Move the formal membership to another unit and branch from day ``on``; earlier days keep theirs.

    Temporary placements stay as they are. On the day on which the present home begins it is a correction;
    the same home from another day corrects that day. A correction needs a reason.
    """
    return transfer_people(actor=actor, moves=[(person, home_unit, home_branch)], on=on, reason=reason)[0]


@operation
def transfer_people(
    *,
    actor: Actor,
    moves: Sequence[tuple[Person, Unit, Organization | None]],
    on: date,
    reason: str = "",
) -> list[Person]:
    """Move the formal membership of many people, each to a unit and branch of its own, from one day."""
    locks.use_units({unit for _, unit, _ in moves})
    people = locked([person for person, _, _ in moves])
    units = fresh_all([unit for _, unit, _ in moves])
    need_right(actor, "transfer_person", *people)
    need_right(actor, "transfer_person", *units)
    known = {branch.pk: branch for branch in fresh_all([branch for _, _, branch in moves if branch])}
    branches = [known[branch.pk] if branch else None for _, _, branch in moves]
    homes = list(zip(people, units, branches, strict=True))
    refuse_if(
        [
            *rules.refusals([rules.Membership(unit, branch) for _, unit, branch in homes]),
            *rules.home_refusals([rules.HomeChange(*home, on, reason) for home in homes]),
        ]
    )
    with following(people=people):
        _write_homes(homes, on)
        written = write_each(
            [
                (person, changed(person, {"home_unit": unit, "home_branch": branch}))
                for person, unit, branch in homes
            ]
        )
    audit.record_each(actor, "transfer_person", written, reason=reason, effective_on=on)
    return people


def _renaming(person: Person, values: Mapping[str, Any], reason: str) -> rules.Renaming:
    return rules.Renaming(person, values.get("name"), values.get("category"), reason)


def _write_homes(homes: Sequence[tuple[Person, Unit, Organization | None]], on: date) -> None:
    """Begin the homes on the day; one like that before it continues it, one like the present is moved."""
    past = spells.homes_of(person.pk for person, _, _ in homes)
    new = {}
    for person, unit, branch in homes:
        home: spells.Home = (unit.pk, branch.pk if branch else None)
        known = past[person.pk]
        new[person.pk] = spells.begun(known[:-1] if known[-1][0] == home else known, home, on)
    spells.write_homes(new)


def _joining(person: Person) -> standing.Joining:
    """Return the membership of a new person."""
    return standing.Joining(None, person.political_status, person.joined_on, person.confirmed_on)


def _rejoining(person: Person, values: Mapping[str, Any], reason: str) -> standing.Joining:
    """Return the membership of somebody whose days are corrected."""
    joined, confirmed = (values.get(name, getattr(person, name)) for name in ("joined_on", "confirmed_on"))
    return standing.Joining(person, person.political_status, joined, confirmed, reason)


def locked(people: Sequence[Person]) -> list[Person]:
    """Return the rows with their formal membership, kept from other writers until the transaction ends."""
    rows = Person.objects.select_for_update(no_key=True).order_by("pk")
    now = {row.pk: row for row in rows.filter(pk__in={person.pk for person in people})}
    if len(now) < len({person.pk for person in people}):
        raise refuse(None, "该人员已不存在,请刷新后重试。")
    for row in now.values():
        if row.merged_into_id is not None:
            raise refuse(None, f"“{row.name}”的这个条目已并入另一条目,请到该条目办理。")
    prefetch_related_objects(list(now.values()), "home_unit", "home_branch")
    return [now[person.pk] for person in people]
