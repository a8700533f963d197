"""Rules of the end of service: when it may be, what must not come after it, and joining two entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from registry.models import Assignment, Leaving, Person, PersonPlacement
from registry.models.base import ends_after
from registry.rules.findings import Wrong, for_each, in_future, without_reason
from registry.rules.placements import MOST_NAMED


@dataclass(frozen=True, eq=False, slots=True)
class Departure:
    """The end of somebody's service; a correction if it has ended already."""

    person: Person
    leaving: str
    on: date
    reason: str


@dataclass(frozen=True, eq=False, slots=True)
class Joint:
    """Two entries of one person, of which ``person`` stays."""

    person: Person
    other: Person
    reason: str


def held_after(person: Person, on: date) -> QuerySet[Assignment]:
    """Return what the person holds on the day or after it, where nothing was ended before."""
    rows = Assignment.objects.valid().filter(ends_after(on), person=person)
    return rows.select_related("person", "organization__unit").order_by("started_on", "pk")


@for_each
def refusals(proposal: Departure) -> Wrong:
    """Check the end of somebody's service."""
    person, on = proposal.person, proposal.on
    yield from in_future("on", on)
    if proposal.leaving not in Leaving.values:
        yield "leaving_known", "leaving", "请选择离职类别。"
    yield from without_reason("leaving_needs_reason", proposal.reason, "离职原因")
    if (person.left_on, person.leaving, person.left_why) == (on, proposal.leaving, proposal.reason):
        yield "leaving_changes", "on", "离职的登记没有变化。"
    since = PersonPlacement.objects.filter(person=person).latest("started_on").started_on
    if on <= since:
        yield "leaving_in_order", "on", f"现在的所属单位始于 {since:%Y-%m-%d},离职日期须晚于该日。"
    later = list(held_after(person, on).filter(started_on__gt=on)[: MOST_NAMED + 1])
    if later:
        named = "、".join(
            f"“{row.organization.name}”({row.started_on:%Y-%m-%d})" for row in later[:MOST_NAMED]
        )
        said = "等" if len(later) > MOST_NAMED else ""
        yield "leaving_before_placed", "on", f"此后还编入了{named}{said},请先撤回这些编入,或改离职日期。"


@for_each
def joint_refusals(proposal: Joint) -> Wrong:
    """Check whether two entries can be joined."""
    person, other = proposal.person, proposal.other
    if person.pk == other.pk:
        yield "joint_two", "other", "请选择另一个条目。"
    for each in (person, other):
        if each.merged_into_id is not None:
            yield "joint_once", "other", f"“{each.name}”的条目已经并入别的条目。"
    yield from without_reason("joint_needs_reason", proposal.reason, "合并原因")


def overlapping(mine: Sequence[Assignment], theirs: Sequence[Assignment]) -> dict[int, list[Assignment]]:
    """Return for each of theirs those of mine in the same organization that share a day with it."""
    found: dict[int, list[Assignment]] = {}
    for row in theirs:
        same = [
            each
            for each in mine
            if each.organization_id == row.organization_id
            and (row.ended_on is None or each.started_on < row.ended_on)
            and (each.ended_on is None or row.started_on < each.ended_on)
        ]
        if same:
            found[row.pk] = same
    return found
