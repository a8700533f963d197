"""What a count asks, and the rows that answer it.

A count is always (metric, unit or organization, counting basis, date or period). One question has
one hierarchy: that of its ``as_of`` day. The roll-up, the drill-down and the reconciliation all
take their rows from here, so a number and its list cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from django.db.models import FilteredRelation, Q, QuerySet

from registry.counting.metrics import FRONTLINE, OrganizationMetric, PeopleMetric
from registry.models import Assignment, Basis, Campaign, Organization, Person, Unit, WorkflowState
from registry.models.base import in_spans, on_day
from registry.models.shape import Rows, Span, UnitShape, everything, holds, placed_in, within

APPROVED: tuple[str, ...] = (WorkflowState.APPROVED.value,)


@dataclass(frozen=True)
class Question:
    """What is asked of the registry, without the metric and the place.

    * current: what counts on ``as_of`` (``start <= day < end``);
    * cumulative: what has ever started up to and with ``as_of``;
    * new: what started in ``since..as_of``, both days included;
    * ended: what ended in ``since..as_of``: the first day on which it no longer counted.

    ``since`` is for new and ended only and is ``as_of`` when left out (that one day).
    ``scope`` are the intervals of today's unit tree that the asker sees (None: everything). Rows
    at other units do not exist for the asker, so that no date and no campaign widens the scope.
    """

    as_of: date
    basis: str = Basis.CURRENT.value
    since: date | None = None
    campaign: Campaign | None = None
    scope: tuple[Span, ...] | None = None

    @property
    def first_day(self) -> date:
        """The first day of the period of new and ended."""
        return self.since or self.as_of

    @property
    def is_period(self) -> bool:
        """Whether the basis asks about a period, not about a day."""
        return self.basis in (Basis.NEW, Basis.ENDED)

    def sees(self, unit: Unit) -> bool:
        """Whether ``unit`` lies in the scope."""
        return self.scope is None or holds(self.scope, unit)

    def seen(self, path: str) -> Q:
        """Return the scope as a condition on rows that reach their unit through ``path`` (with ``__``)."""
        return Q() if self.scope is None or everything(self.scope) else in_spans(self.scope, path)

    def placed(self, rows: Rows) -> Rows:
        """Return those of ``rows`` whose ``host`` of the day is in the scope."""
        return rows if self.scope is None else placed_in(rows, self.scope, "host__unit__")

    def on(self, day: date) -> Question:
        """Return the same question on another day."""
        return replace(self, as_of=day)

    def dates(self, start: str, end: str) -> Q:
        """Return the basis as a condition on two half-open date fields."""
        if self.basis == Basis.CURRENT:
            return on_day(self.as_of, start, end)
        if self.basis == Basis.CUMULATIVE:
            return Q(**{f"{start}__lte": self.as_of})
        field = start if self.basis == Basis.NEW else end
        return Q(**{f"{field}__gte": self.first_day, f"{field}__lte": self.as_of})


def organizations(question: Question, states: tuple[str, ...] = APPROVED) -> QuerySet[Organization]:
    """Return the organizations that the question asks about, with their host of the day as ``host``."""
    return question.placed(_organizations(question, states))


def assignments(question: Question) -> QuerySet[Assignment]:
    """Return the frontline assignments that the question asks about.

    ``host`` is the organization's placement and ``standing`` the person's political status of the day.
    """
    return question.placed(_assignments(question))


def _organizations(question: Question, states: tuple[str, ...]) -> QuerySet[Organization]:
    rows: QuerySet[Organization] = (
        Organization.objects.filter(question.dates("established_on", "dissolved_on"), state__in=states)
        .hosted_on(question.as_of)
        .order_by()
    )
    return rows.filter(campaign=question.campaign) if question.campaign else rows


def _assignments(question: Question) -> QuerySet[Assignment]:
    rows = (
        Assignment.objects.valid()
        .filter(
            FRONTLINE,
            question.dates("started_on", "ended_on"),
            organization__state__in=APPROVED,
        )
        .annotate(
            host=FilteredRelation(
                "organization__placements",
                condition=on_day(question.as_of, prefix="organization__placements__"),
            ),
            standing=FilteredRelation(
                "person__statuses", condition=on_day(question.as_of, prefix="person__statuses__")
            ),
        )
        .filter(host__isnull=False)
        .order_by()
    )
    return rows.filter(organization__campaign=question.campaign) if question.campaign else rows


def _at(rows: Rows, place: Unit | list[Span], question: Question) -> Rows:
    """Return those at the place and in the scope: one condition for both."""
    spans = place if isinstance(place, list) else UnitShape.on(question.as_of).spans(place)
    return placed_in(rows, within(spans, question.scope), "host__unit__")


def organization_rows(
    metric: OrganizationMetric | None,
    question: Question,
    place: Unit | Organization | list[Span],
    states: tuple[str, ...] = APPROVED,
) -> QuerySet[Organization]:
    """Return the organizations behind a number (every kind when ``metric`` is None).

    ``place`` is a unit with all below it on the day, an organization with all below it on the
    Party line, or intervals of the unit tree.
    """
    rows = _organizations(question, states)
    if metric is not None:
        rows = rows.filter(metric.condition)
    if isinstance(place, Organization):
        return question.placed(rows).filter(tree_id=place.tree_id, lft__range=(place.lft, place.rght))
    return _at(rows, place, question)


def assignment_rows(
    metric: PeopleMetric, question: Question, place: Unit | Organization | list[Span]
) -> QuerySet[Assignment]:
    """Return the assignments behind a number of people or person-times."""
    rows = _assignments(question).filter(metric.condition)
    if isinstance(place, Organization):
        return question.placed(rows).filter(
            organization__tree_id=place.tree_id, organization__lft__range=(place.lft, place.rght)
        )
    return _at(rows, place, question)


def people_rows(
    metric: PeopleMetric, question: Question, place: Unit | Organization | list[Span]
) -> QuerySet[Person]:
    """Return the distinct people behind a number of people."""
    return Person.objects.filter(pk__in=assignment_rows(metric, question, place).values("person_id"))
