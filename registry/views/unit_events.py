"""What happened at a unit and below it, and what stands at the unit itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, Max, Min, Q
from django.utils.translation import gettext as _

from registry.counting.basis import APPROVED, Question, organization_rows
from registry.models import Assignment, Basis, Organization, OrganizationPlacement, Unit
from registry.models.base import in_spans
from registry.models.kinds import LEADING_ROLES, PENDING_STATES, ROLE_ORDER
from registry.models.shape import Span

RECENT_DAYS = 30
EVENTS_SHOWN = 10
STANDING_SHOWN = 50


@dataclass(frozen=True)
class Event:
    """An organization was founded, dissolved or transferred."""

    day: date
    word: str
    tone: str
    organization: Organization
    place: str


def period(question: Question) -> Question:
    """Return the days of "recently", up to the day asked."""
    since = question.as_of - timedelta(days=RECENT_DAYS - 1)
    return replace(question, basis=Basis.NEW.value, since=since)


def recent(question: Question, spans: list[Span]) -> list[Event]:
    """Return the newest events of the last thirty days inside the intervals, the newest first."""
    recently = period(question)
    events: list[Event] = []
    for basis, field, word, tone in (
        (Basis.NEW, "established_on", _("成立"), "ok"),
        (Basis.ENDED, "dissolved_on", _("撤销"), "plain"),
    ):
        asked = replace(recently, basis=basis.value)
        rows = (
            organization_rows(None, asked, spans)
            .annotate(host_name=F("host__unit__name"))
            .order_by(f"-{field}", "-pk")[:EVENTS_SHOWN]
        )
        events += [Event(getattr(row, field), word, tone, row, row.host_name) for row in rows]
    events += _transfers(recently, spans)
    events.sort(key=lambda event: (event.day, event.organization.pk), reverse=True)
    return events[:EVENTS_SHOWN]


def _transfers(recently: Question, spans: list[Span]) -> list[Event]:
    """Transfers to, from and within the intervals: two placements of one organization that meet on a day."""
    days = {"started_on__gte": recently.first_day, "started_on__lte": recently.as_of}
    placements = OrganizationPlacement.objects.filter(organization__state__in=APPROVED)
    if recently.campaign:
        placements = placements.filter(organization__campaign=recently.campaign)
    begun = placements.filter(**days, started_on__gt=F("organization__established_on"))
    # The days on which an organization came here, or left here.
    came = begun.filter(in_spans(spans, "unit__")).order_by("-started_on")[:EVENTS_SHOWN]
    left = placements.filter(
        in_spans(spans, "unit__"), ended_on__gte=recently.first_day, ended_on__lte=recently.as_of
    ).order_by("-ended_on")[:EVENTS_SHOWN]
    meetings = {(pk, day) for pk, day in came.values_list("organization_id", "started_on")}
    meetings |= {(pk, day) for pk, day in left.values_list("organization_id", "ended_on") if day is not None}
    if not meetings:
        return []
    both = (
        placements.filter(organization_id__in={pk for pk, _day in meetings})
        .select_related("organization", "unit")
        .order_by()
    )
    before = {(each.organization_id, each.ended_on): each for each in both}
    after = {(each.organization_id, each.started_on): each for each in both}
    return [
        Event(
            day,
            _("转移"),
            "info",
            after[pk, day].organization,
            _("%(before)s 转到 %(after)s")
            % {"before": before[pk, day].unit.name, "after": after[pk, day].unit.name},
        )
        for pk, day in meetings
        if (pk, day) in before and (pk, day) in after
    ]


def last_change(question: Question, spans: list[Span]) -> date | None:
    """Return the day of the last change up to the day asked; the first one's when there was none before."""
    rows = Organization.objects.filter(in_spans(spans, "placements__unit__"), state__in=APPROVED).order_by()
    if question.campaign:
        rows = rows.filter(campaign=question.campaign)
    day = question.as_of
    found = rows.aggregate(
        founded=Max("established_on", filter=Q(established_on__lte=day)),
        placed=Max("placements__started_on", filter=Q(placements__started_on__lte=day)),
        dissolved=Max("dissolved_on", filter=Q(dissolved_on__lte=day)),
        first=Min("established_on"),
    )
    first = found.pop("first")
    last: date | None = max((each for each in found.values() if each), default=first)
    return last


@dataclass(frozen=True)
class Standing:
    """An organization that stands at the unit itself."""

    organization: Organization
    depth: int
    leaders: list[Assignment]
    members: int

    @property
    def indent(self) -> range:
        """As often as the line is moved in."""
        return range(min(self.depth, 4))


def standing_at(unit: Unit, question: Question) -> tuple[list[Standing], int]:
    """Return what stands at the unit itself on the day (approved or not yet), and how many there are."""
    asked = replace(question, basis=Basis.CURRENT.value, since=None)
    here = [Span(unit.tree_id, unit.lft, unit.lft)]
    rows = organization_rows(None, asked, here, (*APPROVED, *PENDING_STATES))
    shown: list[Any] = list(rows.order_by("tree_id", "lft")[:STANDING_SHOWN])
    number = len(shown) if len(shown) < STANDING_SHOWN else rows.count()
    pks = [row.pk for row in shown]
    placed = Assignment.objects.as_of(question.as_of).filter(organization_id__in=pks)
    members = dict(
        placed.order_by().values_list("organization_id").annotate(Count("person_id", distinct=True))
    )
    leaders: dict[int, list[Assignment]] = {}
    leading = placed.filter(role__in=LEADING_ROLES).select_related("person__home_unit")
    for assignment in leading.order_by("pk"):
        leaders.setdefault(assignment.organization_id, []).append(assignment)
    found: list[Standing] = []
    above: list[Organization] = []
    for row in shown:
        while above and not (above[-1].tree_id == row.tree_id and row.rght < above[-1].rght):
            above.pop()
        heads = sorted(leaders.get(row.pk, []), key=lambda each: ROLE_ORDER[each.role])[:1]
        found.append(Standing(row, len(above), heads, members.get(row.pk, 0)))
        above.append(row)
    return found, number
