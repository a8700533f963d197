"""Rules of units: adding, correcting the opening day, changing the superior, merging, closing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Min

from registry.models import OrganizationPlacement, Unit, WorkflowState
from registry.rules.findings import Finding, first_of, in_future, refusal

REGION_CODE = r"^\d{6}$"


@dataclass(frozen=True, eq=False, slots=True)
class Addition:
    """A unit as it would be added below ``superior`` (None: a root of its own)."""

    superior: Unit | None
    opened_on: date | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Opening:
    """A corrected opening day."""

    unit: Unit
    opened_on: date | None


def refusals(proposals: Sequence[Addition]) -> list[Finding]:
    """Return what is wrong with units that would be added."""
    return first_of(_check_addition, proposals)


def opening_refusals(proposals: Sequence[Opening]) -> list[Finding]:
    """Return what is wrong with corrected opening days."""
    rows = (
        OrganizationPlacement.objects.filter(unit__in=[proposal.unit.pk for proposal in proposals])
        .exclude(organization__state=WorkflowState.WITHDRAWN)
        .order_by()
        .values("unit_id")
        .annotate(first=Min("started_on"))
    )
    first = {row["unit_id"]: row["first"] for row in rows}
    return first_of(lambda proposal: _check_opening(proposal, first.get(proposal.unit.pk)), proposals)


def _check_addition(proposal: Addition) -> Iterator[Finding]:
    superior = proposal.superior
    if superior is not None and superior.closed_on is not None:
        message = f"“{superior.name}”已于 {superior.closed_on:%Y-%m-%d} 撤并,不能再设下级单位。"
        yield refusal("superior_open", proposal, "superior", message)
    yield from in_future(proposal, "opened_on", proposal.opened_on)


def _check_opening(proposal: Opening, first: date | None) -> Iterator[Finding]:
    opened, closed = proposal.opened_on, proposal.unit.closed_on
    if opened is None:
        return
    yield from in_future(proposal, "opened_on", opened)
    if closed is not None and opened > closed:
        message = f"本单位已于 {closed:%Y-%m-%d} 撤并,设立日期不能晚于该日。"
        yield refusal("closes_after_opening", proposal, "opened_on", message)
    if first is not None and first < opened:
        message = f"{first:%Y-%m-%d} 已有组织在本单位成立,设立日期不能晚于该日。"
        yield refusal("host_open", proposal, "opened_on", message)
