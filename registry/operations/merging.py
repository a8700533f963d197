"""Joining two entries of one person (合并重复人员): one stays, the other leads to it and counts nowhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from registry import audit, locks, nouns
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.locks import TreeChanged
from registry.models import Assignment, Person, PersonPlacement, StatusPeriod
from registry.models.writer import write_new
from registry.operations.assignments import record_changes
from registry.operations.base import changed, need_right, operation, write_each
from registry.operations.people import locked
from registry.operations.spells import homes_of, write_homes, write_statuses
from registry.refusals import refuse
from registry.rules import leaving as rules
from registry.rules import people as people_rules
from registry.rules import placements
from registry.rules.findings import refuse_if
from registry.rules.standing import spells_of
from registry.search import index as search

FACTS = ("name", "category", "title", "phone", "note", "source")
TAKEN: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in FACTS},
    "political_status": ("political_status", "joined_on", "confirmed_on"),
    "home_unit": ("home_unit", "home_branch"),
}
"""What can be taken from the other entry, each with the fields of the row that go together."""


@dataclass(frozen=True)
class Resolved:
    """One assignment of the other entry as it will be: moved whole, cut, in two, or withdrawn."""

    assignment: Assignment
    parts: tuple[Assignment, ...]
    """The assignments of the entry that stays; the first is the row itself."""

    @property
    def said(self) -> str:
        """The same in words."""
        row, name = self.assignment, self.assignment.organization.name
        if not self.parts:
            return f"“{name}”自 {row.started_on:%Y-%m-%d} 的编入与留下的条目重叠,作重复撤回。"
        if len(self.parts) == 1 and _days(self.parts[0]) == _days(row):
            return f"“{name}”自 {row.started_on:%Y-%m-%d} 的编入转到留下的条目。"
        spells = "、".join(
            f"{part.started_on:%Y-%m-%d} 至 {part.ended_on:%Y-%m-%d}"
            if part.ended_on
            else f"{part.started_on:%Y-%m-%d} 起"
            for part in self.parts
        )
        return f"“{name}”的编入与留下的条目重叠,重叠的日期按留下的条目,其余({spells})转入。"


def plan_merging(*, person: Person, other: Person) -> list[Resolved]:
    """Return what becomes of each assignment of the other entry."""
    mine, theirs = _assignments(person), _assignments(other)
    clashes = rules.overlapping(mine, theirs)
    return [_resolved(row, clashes.get(row.pk, ())) for row in theirs]


@operation
def merge_person(
    *, actor: Actor, person: Person, other: Person, take: Collection[str] = (), reason: str
) -> Person:
    """Join the entry ``other`` to ``person``, who is the same person: everything it has is moved.

    ``take`` names what is taken from the other entry (``TAKEN``): its statuses with their days come with the
    political status, its homes with the home unit. Where both were in one organization on one day, the entry
    that stays is right. It cannot be taken back.
    """
    known = {row.organization for each in (person, other) for row in _assignments(each)}
    locks.use_units({person.home_unit, other.home_unit})
    locks.lock_organization_trees(known)
    person, other = locked([person, other])
    need_right(actor, "merge_person", person, other)
    refuse_if(rules.joint_refusals([rules.Joint(person, other, reason)]))
    if {row.organization for each in (person, other) for row in _assignments(each)} - known:
        raise TreeChanged
    plan = plan_merging(person=person, other=other)
    _ask(person, plan)
    if "home_unit" in take and person.left_on is None:
        refuse_if(people_rules.refusals([people_rules.Membership(other.home_unit)]), home_unit="take")
    names = [name for what in TAKEN if what in take for name in TAKEN[what]]
    with following(people=[person, other]):
        _take_dated(person, other, take)
        written, new = _move_assignments(person, plan)
        for join in nouns.handed_up("person_joiners"):
            join(person, other)
        _move_links(person, other)
        facts = changed(person, {name: getattr(other, name) for name in names})
        ((_, old, now),) = write_each([(person, facts)])
        ((_, before, after),) = write_each([(other, {"merged_into": person})])
    search.index_names({person.name})
    about: dict[str, Any] = {"reason": reason}
    joined = {"joined": other, "assignments_moved": len(written) + len(new)}
    audit.record(actor, "merge_person", person, before=old, after={**now, **joined}, **about)
    audit.record(actor, "merge_person", other, before=before, after=after, **about)
    record_changes(actor, "edit_assignment", [(row, {}, {}, row.started_on) for row, _, _ in written], reason)
    return person


def _assignments(person: Person) -> list[Assignment]:
    rows = Assignment.objects.valid().filter(person=person).select_related("organization__unit", "person")
    return list(rows.order_by("started_on", "pk"))


def _days(row: Assignment) -> tuple[Any, ...]:
    return row.started_on, row.ended_on


def _resolved(row: Assignment, clashes: Sequence[Assignment]) -> Resolved:
    """Cut out of an assignment the days on which another one of the same person holds in the same place."""
    parts: list[Assignment] = []
    start = row.started_on
    for clash in clashes:
        if clash.started_on > start:
            parts.append(_part(row, start, clash.started_on))
        if clash.ended_on is None:
            return Resolved(row, tuple(parts))
        start = max(start, clash.ended_on)
    if row.ended_on is None or start < row.ended_on or not clashes:
        parts.append(_part(row, start, row.ended_on))
    return Resolved(row, tuple(parts))


def _part(row: Assignment, start: Any, end: Any) -> Assignment:
    part = copy(row)
    part.started_on, part.ended_on = start, end
    return part


def _ask(person: Person, plan: Sequence[Resolved]) -> None:
    """Ask whether the person may be placed as the other entry was: the service may have ended."""
    proposals = [
        placements.Placement(person, part.organization, part.role, part.started_on, part.ended_on)
        for each in plan
        for part in each.parts
    ]
    refuse_if(placements.life_refusals(proposals), started_on="", ended_on="", person="", role="")


def _take_dated(person: Person, other: Person, take: Collection[str]) -> None:
    """Take over the dated statuses and homes of the other entry."""
    if "political_status" in take:
        write_statuses({person.pk: spells_of([other.pk])[other.pk]})
    if "home_unit" in take:
        write_homes({person.pk: homes_of([other.pk])[other.pk]}, person.left_on)


def _move_assignments(person: Person, plan: Sequence[Resolved]) -> tuple[list[Any], list[Assignment]]:
    """Write the assignments of the other entry to the one that stays."""
    changes: list[tuple[Assignment, dict[str, Any]]] = []
    new = []
    for each in plan:
        row, parts = each.assignment, each.parts
        if not parts:
            changes.append((row, {"person": person, "is_withdrawn": True}))
            continue
        days = {"started_on": parts[0].started_on, "ended_on": parts[0].ended_on}
        changes.append((row, {"person": person} | changed(row, days)))
        for part in parts[1:]:
            part.pk, part.person, part.version = None, person, 1
            part._state.adding = True
            new.append(part)
    written = write_each(changes)
    write_new(new)
    return written, new


def _move_links(person: Person, other: Person) -> None:
    """Point whatever else names the other entry (users, entries merged before) to the one that stays."""
    for relation in person._meta.related_objects:
        model, name = relation.related_model, relation.field.name
        if model in (StatusPeriod, PersonPlacement):
            continue  # they stay with the entry, which counts nowhere
        rows = model._base_manager.filter(**{name: other})
        if relation.one_to_one and rows.exists() and model._base_manager.filter(**{name: person}).exists():
            raise refuse(None, f"两个条目都关联了{model._meta.verbose_name},请先解除其中一个。")
        rows.update(**{name: person})
