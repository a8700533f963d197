"""What happened at a unit and below it, and what stands at the unit itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Subquery

from registry.counting.basis import Question, organization_rows
from registry.counting.metric import APPROVED
from registry.models import Assignment, Basis, Organization, OrganizationPlacement, Unit
from registry.models.base import in_spans
from registry.models.hierarchy import Span, everything
from registry.models.kinds import LEADING_ROLES, PENDING_STATES, ROLE_ORDER

RECENT_DAYS = 30
EVENTS_SHOWN = 10
STANDING_SHOWN = 50


class Named(NamedTuple):
    """What is shown of an organization."""

    pk: int
    code: str
    name: str
    is_sample: bool


@dataclass(frozen=True)
class Event:
    """An organization was founded, dissolved or transferred."""

    day: date
    word: str
    tone: str
    organization: Named
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
        (Basis.NEW, "established_on", "成立", "ok"),
        (Basis.ENDED, "dissolved_on", "撤销", "plain"),
    ):
        asked = replace(recently, basis=basis.value)
        rows = organization_rows(None, asked, spans).order_by(f"-{field}", "-pk")
        shown = rows.values_list(field, F("host__unit__name"), *Named._fields)[:EVENTS_SHOWN]
        events += [Event(day, word, tone, Named(*named), place) for day, place, *named in shown]
    events += _transfers(recently, spans)
    events.sort(key=lambda event: (event.day, event.organization.pk), reverse=True)
    return events[:EVENTS_SHOWN]


def _transfers(recently: Question, spans: list[Span]) -> list[Event]:
    """Transfers to, from and within the intervals: two placements of one organization that meet on a day."""
    after = OrganizationPlacement.objects.filter(
        organization=OuterRef("organization"), started_on=OuterRef("ended_on")
    )
    left = OrganizationPlacement.objects.filter(
        organization__state__in=APPROVED, ended_on__gte=recently.first_day, ended_on__lte=recently.as_of
    )
    if recently.campaign:
        left = left.filter(organization__campaign=recently.campaign)
    if not everything(spans):
        left = left.filter(in_spans(spans, "unit__") | Exists(after.filter(in_spans(spans, "unit__"))))
    rows = left.order_by("-ended_on", "-organization").values_list(
        "ended_on",
        "unit__name",
        Subquery(after.values("unit__name")[:1]),
        *(f"organization__{name}" for name in Named._fields),
    )
    said = "%(before)s 转到 %(after)s"
    return [
        Event(day, "转隶", "info", Named(*named), said % {"before": before, "after": to})
        for day, before, to, *named in rows[:EVENTS_SHOWN]
        if to is not None
    ]


def last_change(question: Question, spans: list[Span]) -> date | None:
    """Return the day of the last change up to the day asked; the first one's when there was none before."""
    here = Q() if everything(spans) else in_spans(spans, "placements__unit__")
    rows = Organization.objects.filter(here, state__in=APPROVED).order_by()
    moves = Q(organization__in=rows.values("pk"))
    if question.campaign:
        rows = rows.filter(campaign=question.campaign)
        moves &= Q(organization__campaign=question.campaign)
    day = question.as_of
    found = [
        rows.filter(established_on__lte=day).aggregate(day=Max("established_on"))["day"],
        rows.filter(dissolved_on__lte=day).aggregate(day=Max("dissolved_on"))["day"],
        # A placement begins when the organization is established, or when it is transferred.
        OrganizationPlacement.objects.filter(moves, ended_on__lte=day).aggregate(day=Max("ended_on"))["day"],
    ]
    last: date | None = max((each for each in found if each), default=None)
    return last or rows.aggregate(day=Min("established_on"))["day"]


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


_LEADER = (
    "organization_id",
    "role",
    *(f"person__{name}" for name in ("key", "number", "name", "is_sample")),
    *(f"person__home_unit__{name}" for name in ("tree_id", "lft", "rght")),
)
"""What is shown of a leader, and what says whether the number is."""


def standing_at(unit: Unit, question: Question) -> tuple[list[Standing], int]:
    """Return what stands at the unit itself on the day (approved or not yet), and how many there are."""
    asked = question.current()
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
    leading = placed.filter(role__in=LEADING_ROLES).select_related("person__home_unit").only(*_LEADER)
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


def waiting(unit: Unit, question: Question, states: Collection[str]) -> dict[str, int]:
    """Return how many organizations stand at the unit and below it on the day in each of these states."""
    here = [Span(unit.tree_id, unit.lft, unit.rght)]
    rows = organization_rows(None, question.current(), here, tuple(states)).order_by()
    return dict(rows.values_list("state").annotate(Count("pk")))
