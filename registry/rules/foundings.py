"""Rows that began on the day of an organization's founding, and move along when that day is corrected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from registry.models import Assignment, Organization, WorkflowState
from registry.rules.findings import Finding, Offer, warning

WITH_MEMBERS, WITH_BELOW = "with-members", "with-below"
"""Keys of the two offers."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Beginning:
    """The placements from the day of the founding, and the organizations below founded on it with theirs."""

    members: tuple[Assignment, ...] = ()
    below: tuple[Organization, ...] = ()
    members_below: tuple[Assignment, ...] = ()

    def only(self, *, members: bool, below: bool) -> Beginning:
        """Return what moves along when only one of them, or none, is wanted."""
        return Beginning(
            self.members if members else (),
            self.below if below else (),
            self.members_below if below else (),
        )

    @property
    def everybody(self) -> tuple[Assignment, ...]:
        """The placements that move along."""
        return (*self.members, *self.members_below)


NOTHING = Beginning()


def beginning_of(organization: Organization, may_touch: Callable[[Organization], bool]) -> Beginning:
    """Return what began with the organization, as far down as all did and ``may_touch`` allows."""
    day = organization.established_on
    found, moved = [], {organization.pk}
    rows = Organization.objects.filter(
        tree_id=organization.tree_id, lft__gt=organization.lft, rght__lt=organization.rght, established_on=day
    ).exclude(state=WorkflowState.WITHDRAWN)
    for row in rows.select_related("unit").order_by("lft"):
        if row.parent_id in moved and may_touch(row):
            moved.add(row.pk)
            found.append(row)
    placed = Assignment.objects.valid().filter(organization__in=moved, started_on=day)
    members = list(placed.select_related("person").order_by("person__order_key", "pk"))
    return Beginning(
        tuple(row for row in members if row.organization_id == organization.pk),
        tuple(found),
        tuple(row for row in members if row.organization_id != organization.pk),
    )


def beginning_warnings(subject: object, began: Beginning, before: date, after: date) -> Iterator[Finding]:
    """Say what began on the old day of a founding, and offer to move it along."""
    if began.members:
        names = _names([row.person.name for row in began.members])
        message = f"有 {len(began.members):,} 人次在原成立日期 {before:%Y-%m-%d} 编入:{names}。"
        offer = Offer(f"同日编入的 {len(began.members):,} 人次一并改为 {after:%Y-%m-%d}", WITH_MEMBERS)
        yield warning("members_began_along", subject, "established_on", message, offer)
    if began.below:
        names = _names([f"“{row.name}”" for row in began.below])
        message = f"有 {len(began.below):,} 个下级组织也在 {before:%Y-%m-%d} 成立:{names}。"
        words = f"这些下级组织及其同日编入的 {len(began.members_below):,} 人次一并改为 {after:%Y-%m-%d}"
        yield warning("below_began_along", subject, "established_on", message, Offer(words, WITH_BELOW))


def _names(names: list[str]) -> str:
    return "、".join(names[:_NAMED]) + ("等" if len(names) > _NAMED else "")
