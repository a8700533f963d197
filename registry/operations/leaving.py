"""The end of somebody's service (离职): planned, done, corrected, taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from typing import Any

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.locks import TreeChanged
from registry.models import Assignment, AuditEntry, Person, User
from registry.operations.acts import undone
from registry.operations.assignments import record_changes
from registry.operations.base import fresh, need_right, operation, write_each
from registry.operations.people import locked
from registry.operations.spells import homes_of, write_homes
from registry.refusals import need_reason, refuse
from registry.rules import leaving as rules
from registry.rules import people as people_rules
from registry.rules import placements
from registry.rules.findings import refuse_if


@dataclass(frozen=True)
class LeavingPlan:
    """The assignments that would end with somebody's service, and the users of this person."""

    assignments: tuple[Assignment, ...]
    users: tuple[User, ...]


def plan_leaving(*, person: Person, on: date) -> LeavingPlan:
    """Say what would end on the day."""
    rows = [row for row, end in _ends(person, on) if row.ended_on != end]
    return LeavingPlan(tuple(rows), tuple(person.users.order_by("pk")))


@operation
def end_service(*, actor: Actor, person: Person, leaving: str, on: date, reason: str) -> Person:
    """End the service of a person on day ``on``, with all that the person holds then, wherever it is.

    For who has left already it corrects kind, day and reason: what ended with it ends on the new day.
    """
    person = fresh(person)
    rows = _lock(person, on)
    (person,) = locked([person])
    need_right(actor, "end_service", person)
    refuse_if(rules.refusals([rules.Departure(person, leaving, on, reason)]))
    facts = {"left_on": on, "leaving": leaving, "left_why": reason.strip()}
    return _write(actor, "end_service", person, facts, rows, reason)


@operation
def restore_service(*, actor: Actor, person: Person, reason: str) -> Person:
    """Take the end of a person's service back: what ended with it goes on as before.

    Refused, saying why, when the home unit was closed meanwhile or an organization cannot take the person.
    """
    need_reason(reason, "恢复原因")
    person = fresh(person)
    locks.use_units([person.home_unit])
    rows = _lock(person, None)
    (person,) = locked([person])
    need_right(actor, "restore_service", person)
    if person.left_on is None:
        raise refuse(None, "该人员在职,不用恢复。")
    refuse_if(people_rules.refusals([people_rules.Membership(person.home_unit)]))
    facts = {"left_on": None, "leaving": "", "left_why": ""}
    return _write(actor, "restore_service", person, facts, rows, reason)


def _ends(person: Person, on: date | None) -> list[tuple[Assignment, date | None]]:
    """Return the assignments that end with the service, or ended with it, each with its new end.

    The new end is the day, or an earlier end that the assignment had.
    """
    known = _ended_before(person)
    mine = (
        Assignment.objects.valid().select_related("person", "organization__unit").order_by("started_on", "pk")
    )
    with_it = list(mine.filter(pk__in=known, ended_on=person.left_on)) if person.left_on else []
    after = list(rules.held_after(person, on)) if on is not None else []
    ends = []
    for row in {row.pk: row for row in (*with_it, *after)}.values():
        until = known.get(row.pk, row.ended_on)
        ends.append((row, until if on is None or (until is not None and until <= on) else on))
    return ends


def _ended_before(person: Person) -> dict[int, date | None]:
    """Return the earlier end of each assignment that ended with the service; nothing while it goes on.

    The record holds it: what the end, and each correction of it, found in the rows that it wrote.
    """
    known: dict[int, date | None] = {}
    if person.left_on is None:
        return known
    verbs = ("end_service", "restore_service")
    entries = AuditEntry.objects.filter(noun="person", object_id=person.pk, verb__in=verbs).exclude(undone())
    for verb, rows in entries.order_by("pk").values_list("verb", "rows"):
        if verb == "restore_service":
            known = {}
            continue
        for _place, label, pk, before, _after in rows:
            if label == Assignment._meta.label_lower and "ended_on" in (before or {}):
                until = before["ended_on"]
                known.setdefault(pk, date.fromisoformat(until) if until else None)
    return known


def _lock(person: Person, on: date | None) -> set[int]:
    """Take the locks of the trees in which something changes; return the organizations."""
    organizations = {row.organization for row, _ in _ends(person, on)}
    locks.lock_organization_trees(organizations)
    return {organization.pk for organization in organizations}


def _write(
    actor: Actor, verb: str, person: Person, facts: Mapping[str, Any], known: set[int], reason: str
) -> Person:
    """Write the end of the service, the home and the assignments that follow it, and the record."""
    on = facts["left_on"]
    ends = _ends(person, on)
    if {row.organization_id for row, _ in ends} - known:
        raise TreeChanged  # placed somewhere else meanwhile: begin anew
    moved = [(row, {"ended_on": end}) for row, end in ends if row.ended_on != end]
    _ask_longer(person, facts, moved)
    goes_on = on is None or (person.left_on is not None and on > person.left_on)
    with following(people=[person]):
        # The database refuses assignments that go on after the service, so what is longer comes second.
        entries = write_each([(person, facts)]) if goes_on else []
        ended = write_each(moved)
        write_homes(homes_of([person.pk]), on)
        entries = entries or write_each([(person, facts)])
    ((_, old, new),) = entries
    number = {"assignments": len(ended)} if ended else {}
    about: dict[str, Any] = {"reason": reason, "effective_on": on}
    audit.record(actor, verb, person, before=old, after={**new, **number}, **about)
    said = "end_assignment" if on is not None else "edit_assignment"
    record_changes(actor, said, [(*each, each[2]["ended_on"]) for each in ended], reason)
    return person


def _ask_longer(
    person: Person, facts: Mapping[str, Any], moved: Sequence[tuple[Assignment, Mapping[str, Any]]]
) -> None:
    """Ask the rules about assignments that go on longer than now."""
    would_be = copy(person)
    for name, value in facts.items():
        setattr(would_be, name, value)
    longer = [
        placements.Placement(would_be, row.organization, row.role, row.started_on, new["ended_on"], row)
        for row, new in moved
        if row.ended_on is not None and (new["ended_on"] is None or new["ended_on"] > row.ended_on)
    ]
    refuse_if(placements.refusals(longer), started_on="", ended_on="", person="", role="")
