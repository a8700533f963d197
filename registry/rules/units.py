"""Rules of units: adding, correcting the opening day, changing the superior, merging, closing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone

from registry import nouns
from registry.models import (
    Organization,
    OrganizationPlacement,
    Person,
    PersonPlacement,
    Unit,
    UnitPlacement,
    WorkflowState,
)
from registry.models.base import ends_after
from registry.models.hierarchy import UnitHierarchy, move_days, remembering
from registry.rules import separation
from registry.rules.findings import Finding, Wrong, first_of, for_each, in_future, unblamed, warning

REGION_CODE = r"^\d{6}$"


@dataclass(frozen=True, eq=False, slots=True)
class Addition:
    """A unit as it would be added below ``superior`` (None: a root of its own)."""

    superior: Unit | None
    opened_on: date | None = None
    name: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Opening:
    """A corrected opening day."""

    unit: Unit
    opened_on: date | None


@dataclass(frozen=True, eq=False, slots=True)
class Move:
    """Units that would stand under another superior from a day on (None: none)."""

    units: Sequence[Unit]
    superior: Unit | None
    on: date


@dataclass(frozen=True, eq=False, slots=True)
class Closing:
    """A unit that would be closed on a day; ``into``: the unit that takes over what is left at it."""

    unit: Unit
    on: date
    into: Unit | None = None


@dataclass(frozen=True)
class Leaving:
    """What is at a unit on a day: goes over when it is merged, stands in the way of closing it."""

    units: int
    organizations: int
    people: int


def name_warnings(proposals: Sequence[Addition]) -> Iterator[Finding]:
    """Warn where the superior has an open unit of that name already, or gets two at once."""
    superiors = {each.superior.pk for each in proposals if each.superior is not None} - {None}
    below = Q(parent__in=superiors)
    if any(each.superior is None for each in proposals):
        below |= Q(parent__isnull=True)
    rows = Unit.objects.filter(below, name__in={each.name for each in proposals}, closed_on__isnull=True)
    same: dict[tuple[object, str], str] = {(row.parent_id, row.name): row.code for row in rows}
    for each in proposals:
        superior = each.superior
        key = (superior.pk or id(superior) if superior is not None else None, each.name)
        if key in same:
            where = f"“{superior.label}”下" if superior is not None else ""
            other = f"({same[key]})" if same[key] else ""
            message = f"{where}已有同名单位“{each.name}”{other},请核对是不是同一个单位。"
            yield warning("name_new_below", each, "name", message)
        same.setdefault(key, "")


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


def move_refusals(proposals: Sequence[Move]) -> list[Finding]:
    """Return what is wrong with new superiors: a question or two more for each superior and day."""
    refused = first_of(_check_move, proposals)
    fine = unblamed(proposals, refused)
    with remembering():
        refused += first_of(_check_circle, fine)
    fine = unblamed(fine, refused)
    refused += first_of(_check_roles, fine)
    fine = unblamed(fine, refused)
    moved = [unit.pk for proposal in fine for unit in proposal.units]
    rows = UnitPlacement.objects.filter(unit__in=moved, ended_on__isnull=True)
    since = dict(rows.values_list("unit_id", "started_on"))
    return [*refused, *first_of(lambda proposal: _check_day(proposal, since), fine)]


def _check_roles(proposal: Move) -> Wrong:
    if proposal.superior is not None:
        for message in separation.met_by_moving(proposal.units, proposal.superior):
            yield "roles_exclude", "superior", message


def closing_refusals(proposals: Sequence[Closing]) -> list[Finding]:
    """Return why units cannot be closed, or merged into another.

    Apps whose rows stand at units hand up rules of their own, as ``closing_rules``: such functions as this.
    """
    refused = first_of(_check_closing, proposals)
    fine = unblamed(proposals, refused)
    for rule in (_later_events, *nouns.handed_up("closing_rules")):
        refused += rule(fine) if fine else []
        fine = unblamed(fine, refused)
    fine = [proposal for proposal in fine if proposal.into is None]
    left = what_is_left(fine) if fine else {}
    return [*refused, *first_of(lambda proposal: _check_left(proposal, left[proposal]), fine)]


def what_is_left(proposals: Sequence[Closing]) -> dict[Closing, Leaving]:
    """Count what is left at each unit on the day."""
    units = [proposal.unit.pk for proposal in proposals]
    first = min(proposal.on for proposal in proposals)
    children, standing = open_children(units, first), standing_at(units, first)
    homes = homes_at(units, first)
    below, organizations, people = (
        list(rows.order_by().values_list(at, end).annotate(number=Count("pk")))
        for rows, at, end in (
            (children, "parent_id", "closed_on"),
            (standing, "unit_id", "dissolved_on"),
            (homes, "unit_id", "ended_on"),
        )
    )

    def after(rows: list[tuple[int, date | None, int]], proposal: Closing) -> int:
        return sum(
            number
            for at, end, number in rows
            if at == proposal.unit.pk and (end is None or end > proposal.on)
        )

    return {
        proposal: Leaving(after(below, proposal), after(organizations, proposal), after(people, proposal))
        for proposal in proposals
    }


def left_at(unit: Unit, on: date) -> Leaving:
    """Count what is left at one unit: what a merger takes over, and what hinders closing it."""
    proposal = Closing(unit, on)
    return what_is_left([proposal])[proposal]


def standing_at(units: Sequence[int], on: date) -> QuerySet[Organization]:
    """Return organizations that are at the units today and stand on the day or after it."""
    rows: QuerySet[Organization] = (
        Organization.objects.filter(unit__in=units)
        .exclude(state=WorkflowState.WITHDRAWN)
        .filter(ends_after(on, "dissolved_on"))
        .order_by("pk")
    )
    return rows


def homes_at(units: Sequence[int], on: date) -> QuerySet[PersonPlacement]:
    """Return where people are at home at the units on the day or after it."""
    return PersonPlacement.objects.filter(ends_after(on), unit__in=units, person__merged_into__isnull=True)


def people_at(units: Sequence[int], on: date) -> QuerySet[Person]:
    """Return the people who are at home at the units on the day or after it."""
    return Person.objects.filter(pk__in=homes_at(units, on).values("person_id"))


def open_children(units: Sequence[int], on: date) -> QuerySet[Unit]:
    """Return the units directly below that are open on the day or after it."""
    rows: QuerySet[Unit] = Unit.objects.filter(ends_after(on, "closed_on"), parent__in=units)
    return rows.order_by("lft")


@for_each
def refusals(proposal: Addition) -> Wrong:
    """Check a unit that would be added."""
    superior = proposal.superior
    if superior is not None and superior.closed_on is not None:
        message = f"“{superior.name}”已于 {superior.closed_on:%Y-%m-%d} 撤并,不能再设下级单位。"
        yield "superior_open", "superior", message
    yield from in_future("opened_on", proposal.opened_on)


def _check_opening(proposal: Opening, first: date | None) -> Wrong:
    opened, closed = proposal.opened_on, proposal.unit.closed_on
    if opened is None:
        return
    yield from in_future("opened_on", opened)
    if closed is not None and opened > closed:
        yield "closes_after_opening", "opened_on", f"本单位已于 {closed:%Y-%m-%d} 撤并,设立日期不能晚于该日。"
    if first is not None and first < opened:
        yield "host_open", "opened_on", f"{first:%Y-%m-%d} 已有组织在本单位成立,设立日期不能晚于该日。"


def _check_move(proposal: Move) -> Wrong:
    superior, on = proposal.superior, proposal.on
    yield from in_future("on", on)
    for unit in proposal.units:
        if unit.parent_id == (superior.pk if superior else None):
            message = f"“{unit.name}”现在的上级单位就是“{superior.name if superior else '无'}”。"
            yield "superior_changes", "superior", message
    if superior is not None and not superior.is_open_on(on):
        yield "superior_open", "superior", f"“{superior.name}”在 {on:%Y-%m-%d} 不存在或已撤并。"
    if superior is not None and superior.closed_on is not None:
        yield "superior_open", "superior", f"“{superior.name}”已于 {superior.closed_on:%Y-%m-%d} 撤并。"


def _check_circle(proposal: Move) -> Wrong:
    """On every day from ``on`` the superior must stand outside the units' own subtrees."""
    superior = proposal.superior
    if superior is None:
        return
    days = [proposal.on, *move_days(proposal.on, timezone.localdate())]
    for day in days:
        path = {ancestor.pk for ancestor in UnitHierarchy.on(day).path(superior)}
        for unit in proposal.units:
            if unit.pk in path:
                when = "" if day == days[-1] else f"在 {day:%Y-%m-%d} "
                message = f"“{superior.name}”{when}就在“{unit.name}”之下,不能作为它的上级。"
                yield "superior_not_below", "superior", message


def _check_day(proposal: Move, since: dict[int, date | None]) -> Wrong:
    """A change of superior lies after the one before it (``since``) and within the unit's life."""
    on = proposal.on
    for unit in proposal.units:
        before = since[unit.pk]
        if before is not None and on < before:
            message = f"“{unit.name}”在 {before:%Y-%m-%d} 已调整过上级单位,生效日期不能早于该日。"
            yield "superiors_in_order", "on", message
        if unit.opened_on is not None and on < unit.opened_on:
            message = f"“{unit.name}”设立于 {unit.opened_on:%Y-%m-%d},生效日期不能早于该日。"
            yield "move_within_life", "on", message
        if unit.closed_on is not None and on >= unit.closed_on:
            message = f"“{unit.name}”已于 {unit.closed_on:%Y-%m-%d} 撤并,生效日期须早于该日。"
            yield "move_within_life", "on", message


def _check_closing(proposal: Closing) -> Wrong:
    unit, on, into = proposal.unit, proposal.on, proposal.into
    yield from in_future("on", on)
    if unit.closed_on is not None:
        yield "not_closed", "", f"“{unit.name}”已于 {unit.closed_on:%Y-%m-%d} 撤并。"
    if into is not None and unit.pk == into.pk:
        yield "merged_into_another", "into", "不能并入自身。"
    if unit.opened_on is not None and on < unit.opened_on:
        message = f"“{unit.name}”设立于 {unit.opened_on:%Y-%m-%d},撤并日期不能早于该日。"
        yield "closes_after_opening", "on", message
    if into is None:
        return
    if not into.is_open_on(on) or into.closed_on is not None:
        yield "merged_into_another", "into", f"“{into.name}”在 {on:%Y-%m-%d} 不存在或已撤并。"
    if any(ancestor.pk == unit.pk for ancestor in UnitHierarchy.on(on).path(into)):
        yield "merged_into_another", "into", f"“{into.name}”在“{unit.name}”之下,请先调整上级单位。"


def _later_events(proposals: Sequence[Closing]) -> list[Finding]:
    """Nothing may have come to a unit, or have left it, after the day it ends."""
    units = [proposal.unit.pk for proposal in proposals]
    first = min(proposal.on for proposal in proposals)
    later = Q(started_on__gt=first) | Q(ended_on__gt=first)
    stays = (
        OrganizationPlacement.objects.filter(later, unit__in=units)
        .exclude(organization__state=WorkflowState.WITHDRAWN)
        .order_by("pk")
        .values_list("unit_id", "organization__name", "started_on", "ended_on")
    )
    below = UnitPlacement.objects.filter(later, superior__in=units).order_by("pk")
    subordinates = below.values_list("superior_id", "unit__name", "started_on", "ended_on")
    events = [(row, "到", "离开") for row in stays] + [(row, "划入", "划出") for row in subordinates]

    def check(proposal: Closing) -> Wrong:
        on = proposal.on
        for (at, name, start, end), came, left in events:
            if at != proposal.unit.pk:
                continue
            if start is not None and start > on:
                message = f"“{name}”在 {start:%Y-%m-%d} 才{came}本单位,日期不能早于该日。"
                yield "closes_after_events", "on", message
            if end is not None and end > on:
                message = f"“{name}”到 {end:%Y-%m-%d} 才{left}本单位,日期不能早于该日。"
                yield "closes_after_events", "on", message

    return first_of(check, proposals)


def _check_left(proposal: Closing, left: Leaving) -> Wrong:
    words = {"个下级单位": left.units, "个未撤销的组织": left.organizations, "名人员": left.people}
    said = "、".join(f"{number} {what}" for what, number in words.items() if number)
    if said:
        yield "closes_empty", "", f"“{proposal.unit.name}”还有{said},请先调整或改用“并入其他单位”。"
