"""What must be so of the steps of entries: each follows another, with what it needs, in its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time

from registry.logbooks.design import Design, Step
from registry.logbooks.models import Entry, EntryStep
from registry.logbooks.values import hours_between
from registry.rules.findings import Finding, Severity, Wrong, for_each, in_future

NEEDS = {"document_number": "文号", "decided_by": "决定机关或人员", "note": "说明"}
"""What a step may ask for."""


@dataclass(frozen=True, eq=False, slots=True)
class Stepping:
    """A step that an entry would come to."""

    entry: Entry
    design: Design
    step: Step
    reached: Sequence[EntryStep]
    on: date
    at: time | None = None
    given: Mapping[str, str] = field(default_factory=dict)


@for_each
def step_refusals(proposal: Stepping) -> Wrong:
    """Check that a step may follow where the entry stands, on that day, and that what it needs is given."""
    step, entry = proposal.step, proposal.entry
    if any(each.step == step.key for each in proposal.reached):
        yield "step_once", "step", f"“{entry}”已经到过“{step.label}”。"
    elif step not in proposal.design.following(entry.step):
        now = proposal.design.step_by_key.get(entry.step)
        yield (
            "step_follows",
            "step",
            f"“{entry}”现在是“{now.label if now else '未开始'}”,不能转到“{step.label}”。",
        )
    yield from in_future("on", proposal.on)
    last = max((each.reached_on for each in proposal.reached), default=entry.happened_on)
    if proposal.on < last:
        yield "steps_in_order", "on", f"日期不能早于上一步的 {last:%Y-%m-%d}。"
    for name in step.needs:
        if not proposal.given.get(name, "").strip():
            yield "step_needs", name, f"请填写{NEEDS[name]}。"


def step_hints(proposals: Sequence[Stepping]) -> list[Finding]:
    """Say where a step comes later than the design asks (快报快审快批快奖)."""
    found = []
    for proposal in proposals:
        hours, last = proposal.step.hours, proposal.reached[-1] if proposal.reached else None
        if hours is None or last is None:
            continue
        passed = hours_between((last.reached_on, last.reached_at), (proposal.on, proposal.at))
        if passed > hours:
            message = f"“{proposal.step.label}”应在上一步后 {hours} 小时内,现在是 {passed} 小时。"
            found.append(Finding("step_in_time", Severity.WARN, "on", message, proposal))
    return found
