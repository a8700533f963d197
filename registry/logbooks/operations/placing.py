"""Place people whom an entry names in an organization: volunteers who were chosen (M05)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from registry import locks
from registry.audit import Actor
from registry.logbooks.models import Entry
from registry.logbooks.operations.deciding import step_entry
from registry.logbooks.operations.entries import edit_entry
from registry.logbooks.operations.kept import people_of, python_values
from registry.logbooks.operations.parts import design_at
from registry.models import Organization, Person, Role
from registry.operations.assignments import assign_people
from registry.operations.base import fresh, operation
from registry.refusals import refuse


@operation
def place_chosen(
    *,
    actor: Actor,
    entry: Entry,
    people: Sequence[Person],
    organization: Organization,
    on: date,
    document_number: str = "",
) -> Entry:
    """Place people of an entry in an organization from a day on; the entry says so and comes to its step.

    One act, taken back as a whole. What stands behind approval is not changed: there the entry must say
    already who was chosen.
    """
    locks.use_units([entry.unit])
    locks.lock_organization_trees([organization])
    row = fresh(entry)
    design = design_at(row.logbook, row.unit)
    placing = design.placing
    if placing is None:
        raise refuse(None, f"“{row.logbook.name}”没有约定编入。")
    named = python_values(row, design, people_of(actor.user, row))
    offered = {person.pk for key in (placing.offered, placing.chosen) for person, _role in named.get(key, ())}
    if strange := [person for person in people if person.pk not in offered]:
        raise refuse("people", f"“{strange[0].name}”没有报名,请从报名人员中勾选。")
    roles = {person.pk: role for person, role in named.get(placing.chosen, ())}
    chosen = [(person, roles.get(person.pk, "")) for person in people]
    is_said = set(roles) == {person.pk for person in people}
    changes = {placing.into: organization, **({} if is_said else {placing.chosen: chosen})}
    if not row.logbook.needs_approval:
        edit_entry(actor=actor, entry=row, changes=changes)
    elif not is_said:
        label = design.by_key[placing.chosen].label
        raise refuse("people", f"本台账批准后才能改:请先修改“{label}”,批准后再编入,或按已选定的人员勾选。")
    made = step_entry(actor=actor, entry=row, step=placing.step, on=on, document_number=document_number)
    assign_people(
        actor=actor,
        members=[(person, Role.MEMBER.value) for person in people],
        organization=organization,
        started_on=on,
        document_number=document_number,
    )
    return made
