"""Enter what happened, mend it, lead it through its steps and its approval; one or many, all or none."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils import timezone

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.logbooks import agreed, rules, walls
from registry.logbooks.design import Design
from registry.logbooks.models import Entry, EntryPerson, EntryStep, Logbook
from registry.logbooks.operations.kept import (
    by_entry,
    difference,
    entering,
    hold_files_of,
    is_same,
    locked,
    owners_of,
    people_of,
    python_values,
    rewrite_facts,
    rows_in,
    take_values,
    told,
    write_facts,
)
from registry.logbooks.operations.parts import design_at, designs_at
from registry.logbooks.values import tidied
from registry.models import Campaign, Organization, Person, Source, Unit
from registry.models.journal import remove, rewrite
from registry.models.kinds import WorkflowState
from registry.models.writer import write_new
from registry.operations.base import (
    check_version,
    fresh,
    fresh_all,
    need_approval,
    need_right,
    operation,
    write_each,
)
from registry.refusals import refuse
from registry.rules import workflow
from registry.rules.findings import refuse_if
from registry.search import index as search

FIXED = ("happened_on", "unit", "organization", "person", "campaign")
"""What an entry has beside the fields of its logbook, as ``changes`` of ``edit_entry`` name it."""
APPROVED, SUBMITTED = WorkflowState.APPROVED.value, WorkflowState.SUBMITTED.value


@dataclass(frozen=True, eq=False, slots=True)
class New:
    """An entry that would be entered: ``values`` by the keys of the fields (``registry.logbooks.values``)."""

    unit: Unit
    happened_on: date
    values: Mapping[str, Any] = field(default_factory=dict)
    organization: Organization | None = None
    person: Person | None = None
    campaign: Campaign | None = None
    steps: Sequence[Mapping[str, Any]] = ()
    """Steps that it has come to already: step, reached_on, and what else ``EntryStep`` holds."""
    source: Source | None = None
    """The article that reports it."""


# --- Entering and mending ---------------------------------------------------------------------------


@operation
def add_entry(
    *,
    actor: Actor,
    logbook: Logbook,
    unit: Unit,
    happened_on: date,
    values: Mapping[str, Any],
    organization: Organization | None = None,
    person: Person | None = None,
    campaign: Campaign | None = None,
    is_draft: bool = False,
) -> Entry:
    """Enter what happened at a unit on a day: it counts once approved, or at once if the logbook says so."""
    new = New(unit, happened_on, values, organization, person, campaign)
    return add_entries(actor=actor, logbook=logbook, entries=[new], is_draft=is_draft)[0]


@operation
def add_entries(
    *,
    actor: Actor,
    logbook: Logbook,
    entries: Sequence[New],
    is_draft: bool = False,
    is_sample: bool = False,
    reason: str = "",
) -> list[Entry]:
    """Enter many in one logbook. A draft may lack what is required, until it is submitted."""
    locks.use_units(each.unit for each in entries)
    logbook = fresh(logbook)
    asked = {each.unit.pk: each.unit for each in entries}
    units = {unit.pk: unit for unit in fresh_all(list(asked.values()))}
    need_right(actor, "add_entry", *units.values())
    designs = designs_at(logbook, units.values())
    below = rules.below(logbook, units.values())
    stands = _standing(logbook, [getattr(each, logbook.about) for each in entries])
    given = [
        {
            key: tidied(designs[e.unit.pk].by_key[key], v) if key in designs[e.unit.pk].by_key else v
            for key, v in e.values.items()
        }
        for e in entries
    ]
    proposals = [
        rules.Proposed(
            logbook,
            designs[each.unit.pk],
            units[each.unit.pk],
            each.happened_on,
            values,
            each.organization,
            each.person,
            each.campaign,
            is_below=each.unit.pk in below,
            is_draft=is_draft,
            stands=said,
        )
        for each, values, said in zip(entries, given, stands, strict=True)
    ]
    refuse_if(rules.entry_refusals(proposals))
    rows = [
        Entry(
            code=secrets.token_hex(6),
            logbook=logbook,
            edition=logbook.edition,
            unit=each.unit,
            organization=each.organization,
            person=each.person,
            campaign=each.campaign,
            happened_on=each.happened_on,
            source=each.source,
            is_sample=is_sample,
            helper=actor.user if logbook.is_walled else None,
        )
        for each in entries
    ]
    now = timezone.now()
    act = workflow.DRAW_UP if is_draft else entering(logbook)
    for row, each, values in zip(rows, entries, given, strict=True):
        row.state = act.to.value
        workflow.entered(row, actor.user, now)
        take_values(row, designs[row.unit_id], values)
        reached = _reached(each, designs[row.unit_id])
        row.step = str(reached[-1]["step"]) if reached else ""
        walls.seal(row)
    write_new(rows)
    people = [
        EntryPerson(entry=row, field=key, person=person, role=role, place=place)
        for row, values in zip(rows, given, strict=True)
        if not logbook.is_walled
        for key, value in values.items()
        if designs[row.unit_id].by_key[key].is_of_people
        for place, (person, role) in enumerate(value or ())
    ]
    steps = [
        EntryStep(entry=row, **step)
        for row, each in zip(rows, entries, strict=True)
        for step in _reached(each, designs[row.unit_id])
    ]
    write_new(people)
    write_new(steps)
    for row in rows:
        hold_files_of(actor, row, designs[row.unit_id], row.values)
    owners = owners_of(logbook, {each.person_id for each in people})
    with following(rows=[*rows, *owners.values()]):
        write_facts(logbook, rows, people, steps, owners)
    search.index_rows(rows)
    people_by, named = by_entry(people), rows_in(rows, designs)
    audit.record_all(
        [
            audit.entry(
                actor,
                "add_entry",
                row,
                after=told(row, designs[row.unit_id], people_by.get(row.pk, ()), named),
                reason=reason,
                effective_on=row.happened_on,
            )
            for row in rows
        ]
    )
    return rows


@operation
def edit_entry(
    *,
    actor: Actor,
    entry: Entry,
    changes: Mapping[str, Any],
    version: int | None = None,
    reason: str = "",
) -> Entry:
    """Change what an entry says: ``changes`` names fields of its logbook, and those of ``FIXED``.

    Of an approved entry of a logbook that needs approval it is submitted for another person to approve.
    """
    (row,) = locked([entry])
    logbook = row.logbook
    unit = changes.get("unit", row.unit)
    locks.use_units([unit, row.unit])
    unit = fresh(unit)
    need_right(actor, "edit_entry", row, unit)
    design = design_at(logbook, unit)
    people = people_of(actor.user, row)
    before = python_values(row, design, people)
    given = {key: tidied(design.by_key[key], value) for key, value in changes.items() if key in design.by_key}
    fixed = {name: changes[name] for name in FIXED if name in changes and changes[name] != getattr(row, name)}
    differing = {key: value for key, value in given.items() if not is_same(before.get(key), value)}
    check_version(row, version, fixed)
    if version is not None and version != row.version and differing:
        raise refuse(None, "在您填写期间,他人已修改本条目,请刷新后核对再改。")
    if not fixed and not differing:
        return row
    refuse_if(
        rules.entry_refusals(
            [
                rules.Proposed(
                    logbook,
                    design,
                    unit,
                    fixed.get("happened_on", row.happened_on),
                    {**before, **given},
                    fixed.get("organization", row.organization),
                    fixed.get("person", row.person),
                    fixed.get("campaign", row.campaign),
                    before=row,
                    is_below=unit.pk in rules.below(logbook, [unit]),
                    is_draft=row.state == WorkflowState.DRAFT,
                    stands=_standing(logbook, [fixed.get(logbook.about)], without=[row.pk])[0],
                )
            ]
        )
    )
    lines = difference(row, design, fixed, {key: before.get(key) for key in differing}, differing)
    if logbook.needs_approval and logbook.is_walled:
        _need_approval_of_walled(actor, row, design, fixed, differing)
    elif logbook.needs_approval:
        need_approval(actor, "edit_entry", [row], lambda: lines)
    row.person = fixed.get("person", row.person)  # the title names whom it is about
    take_values(row, design, {**before, **given})
    values = {
        **fixed,
        "values": row.values,
        "title": row.title,
        "edition": logbook.edition,
        "changed_by": actor.user,
    }
    stored = fresh(row)
    held = {name: getattr(stored, name) for name in values}
    walls.seal(row)
    if logbook.is_walled:
        values |= {"values": row.values, "sealed": row.sealed, "title": row.title}
    for name, value in held.items():
        setattr(row, name, value)
    named = {
        key: list(differing[key] or ())
        for key in differing
        if design.by_key[key].is_of_people and not logbook.is_walled
    }
    owners = owners_of(logbook, {person.pk for people in named.values() for person, _role in people})
    with following(rows=[row, *owners.values()]):
        write_each([(row, values)])
        remove(row.people.filter(field__in=named))
        write_new(
            [
                EntryPerson(entry=row, field=key, person=person, role=role, place=place)
                for key, people in named.items()
                for place, (person, role) in enumerate(people)
            ]
        )
        hold_files_of(actor, row, design, differing)
        if "happened_on" in fixed and design.steps:
            rewrite(row.steps.filter(step=design.steps[0].key), reached_on=row.happened_on)
        rewrite_facts(logbook, [row])
    search.index_rows([row])
    shown = lines if not logbook.is_walled else []
    audit.record(
        actor,
        "edit_entry",
        row,
        before={label: old for label, old, _ in shown},
        after={label: new for label, _, new in shown},
        reason=reason,
        effective_on=row.happened_on,
    )
    return row


def _standing(logbook: Logbook, about: Sequence[Any], without: Collection[int] = ()) -> list[str]:
    """Return in words which entry of each of these stands already, where there may be only one of each.

    ``without``: the keys of entries that do not matter.
    """
    if logbook.made.single is None:
        return [""] * len(about)
    agreed.lock_single(logbook)
    live = agreed.live_entries(logbook, {row.pk for row in about if row is not None}, without)
    told = {pk: agreed.told_entry(row) for pk, row in live.items()}
    found = []
    for row in about:
        found.append(told.get(row.pk, "") if row is not None else "")
        if row is not None:
            told.setdefault(row.pk, "本次所填的另一条")
    return found


def _reached(new: New, design: Design) -> list[Mapping[str, Any]]:
    """Return the steps that a new entry has come to: the first is reached on its day."""
    given = {str(each["step"]) for each in new.steps}
    if design.steps and design.steps[0].key not in given:
        return [{"step": design.steps[0].key, "reached_on": new.happened_on}, *new.steps]
    return list(new.steps)


def _need_approval_of_walled(
    actor: Actor, row: Entry, design: Design, fixed: Mapping[str, Any], differing: Mapping[str, Any]
) -> None:
    """Ask for approval of what counts alone: what a walled entry says is kept nowhere in the open."""
    if not fixed:
        return
    if row.state == APPROVED and differing:
        raise refuse(None, "限阅台账已批准的条目,内容与日期、单位请分两次修改。")
    lines = difference(row, design, fixed, {}, {})
    need_approval(actor, "edit_entry", [row], lambda: lines, changes=dict(fixed))
