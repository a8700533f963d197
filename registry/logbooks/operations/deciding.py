"""Lead entries through their steps and their approval; one or many, all or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any

from django.utils import timezone

from registry import audit
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.logbooks import rules, steps
from registry.logbooks.models import Entry, EntryStep
from registry.logbooks.operations.kept import (
    locked,
    people_of,
    python_values,
    rewrite_facts,
)
from registry.logbooks.operations.parts import design_at
from registry.models import Organization
from registry.models.kinds import WorkflowState
from registry.models.writer import write_new
from registry.operations.base import (
    need_approval,
    need_right,
    operation,
    write_each,
)
from registry.refusals import need_reason, refuse
from registry.rules import workflow
from registry.rules.findings import refuse_if

APPROVED = WorkflowState.APPROVED.value


@operation
def step_entry(
    *,
    actor: Actor,
    entry: Entry,
    step: str,
    on: date,
    at: time | None = None,
    decided_by: str = "",
    document_number: str = "",
    note: str = "",
) -> Entry:
    """Let an entry come to a step on a day. Raises ``OperationRefused`` where the step may not follow."""
    (row,) = locked([entry])
    need_right(actor, "step_entry", row)
    design = design_at(row.logbook, row.unit)
    to = design.step_by_key.get(step)
    if to is None:
        raise refuse("step", f"“{row.logbook.name}”没有这个步骤。")
    given = {"decided_by": decided_by, "document_number": document_number, "note": note}
    reached = list(row.steps.all())
    refuse_if(steps.step_refusals([steps.Stepping(row, design, to, reached, on, at, given)]))
    before = design.step_by_key.get(row.step)
    with following(rows=[row]):
        write_new([EntryStep(entry=row, step=step, reached_on=on, reached_at=at, **given)])
        write_each([(row, {"step": step, "changed_by": actor.user})])
        rewrite_facts(row.logbook, [row])
    audit.record(
        actor,
        "step_entry",
        row,
        before={"entry_step": before.label if before else ""},
        after={"entry_step": to.label, **{name: value for name, value in given.items() if value}},
        effective_on=on,
    )
    return row


# --- Approval ---------------------------------------------------------------------------------------


@operation
def submit_entries(*, actor: Actor, entries: Sequence[Entry]) -> list[Entry]:
    """Submit drafts and what was returned; where the logbook needs no approval they count at once."""
    rows = locked(entries)
    need_right(actor, "submit_entry", *rows)
    acts = {row.pk: workflow.SUBMIT if row.logbook.needs_approval else workflow.COMPLETE for row in rows}
    refuse_if(workflow.refusals(workflow.Step(row, acts[row.pk], actor.user) for row in rows))
    proposals = []
    for row in rows:
        design = design_at(row.logbook, row.unit)
        values = python_values(row, design, people_of(actor.user, row))
        proposals.append(
            rules.Proposed(
                row.logbook,
                design,
                row.unit,
                row.happened_on,
                values,
                row.organization,
                row.person,
                row.campaign,
                before=row,
                is_below=row.unit_id in rules.below(row.logbook, [row.unit]),
            )
        )
    refuse_if(rules.entry_refusals(proposals))
    found = []
    for act in dict.fromkeys(acts.values()):
        found += _set_state(actor, act, [row for row in rows if acts[row.pk] is act], "", {}, "submit_entry")
    return found


@operation
def approve_entries(
    *,
    actor: Actor,
    entries: Sequence[Entry],
    approval_number: str = "",
    approving_organization: Organization | None = None,
    approved_on: date | None = None,
) -> list[Entry]:
    """Approve entries that wait, all or none; the day is today unless given."""
    rows = locked(entries)
    need_right(actor, "approve_entry", *rows)
    refuse_if(workflow.refusals(workflow.Step(row, workflow.APPROVE, actor.user) for row in rows))
    values = {
        "approval_number": approval_number.strip(),
        "approving_organization": approving_organization,
        "approved_on": approved_on or timezone.localdate(),
    }
    return _set_state(actor, workflow.APPROVE, rows, "", values, "approve_entry")


@operation
def return_entries(*, actor: Actor, entries: Sequence[Entry], reason: str) -> list[Entry]:
    """Send entries back with a reason: those that wait, and thin ones of a logbook that needs no approval."""
    need_reason(reason, "退回原因")
    rows = locked(entries)
    need_right(actor, "return_entry", *rows)
    acts = {row.pk: workflow.RETURN if row.logbook.needs_approval else workflow.SEND_BACK for row in rows}
    refuse_if(workflow.refusals(workflow.Step(row, acts[row.pk], actor.user) for row in rows))
    found = []
    for act in dict.fromkeys(acts.values()):
        some = [row for row in rows if acts[row.pk] is act]
        found += _set_state(actor, act, some, reason, {"return_reason": reason[:300]}, "return_entry")
    return found


@operation
def withdraw_entry(*, actor: Actor, entry: Entry, reason: str) -> Entry:
    """Take an entry out of all that is counted; the row stays. An approved one needs another person."""
    need_reason(reason, "撤回原因")
    (row,) = locked([entry])
    need_right(actor, "withdraw_entry", row)
    act = workflow.REVOKE if row.state == APPROVED else workflow.WITHDRAW
    refuse_if(workflow.refusals([workflow.Step(row, act)]))
    if row.logbook.needs_approval:
        need_approval(actor, "withdraw_entry", [row], lambda: [("状态", "已批准", "已撤回")])
    return _set_state(actor, act, [row], reason, {}, "withdraw_entry")[0]


@operation
def withdraw_entries(*, actor: Actor, entries: Sequence[Entry], reason: str) -> list[Entry]:
    """Withdraw many, all or none."""
    return [withdraw_entry(actor=actor, entry=row, reason=reason) for row in entries]


def _set_state(
    actor: Actor, act: workflow.Act, rows: list[Entry], reason: str, more: Mapping[str, Any], verb: str
) -> list[Entry]:
    by = {**workflow.values(act, actor.user, timezone.now()), **more}
    with following(rows=rows):
        written = write_each([(row, by) for row in rows])
    audit.record_each(
        actor,
        verb,
        [(row, _changed(old, new), _changed(new, old)) for row, old, new in written],
        reason=reason,
    )
    return rows


def _changed(values: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the record says of values: those that are others now."""
    return {name: value for name, value in workflow.told(values).items() if others.get(name) != value}
