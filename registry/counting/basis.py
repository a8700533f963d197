"""The question of a count, and the rows that answer it.

A count is always (metric, unit or organization, counting basis, date or period). One question has
one hierarchy: that of its ``as_of`` day. The roll-up, the drill-down and the reconciliation all
take their rows from here, so a number and its list cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from registry.counting.metric import APPROVED, CountSource, Metric
from registry.counting.metrics import ORGANIZATIONS, PLACED
from registry.models import Assignment, Basis, Campaign, Organization, Person, Unit
from registry.models.base import in_spans, on_day
from registry.models.hierarchy import (
    Rows,
    Span,
    UnitHierarchy,
    as_values,
    everything,
    from_values,
    is_inside,
    placed_in,
    rows_in,
    within,
)
from registry.models.prepared import Rows as Found
from registry.models.prepared import Values, read_objects, read_rows, statement_of

Place = Unit | Organization | list[Span]
"""A unit with all below it, an organization with its Party line, or intervals of the unit tree."""


@dataclass(frozen=True)
class Question:
    """What to count: basis, days, campaign and scope, without the metric and the place.

    * current: what counts on ``as_of`` (``start <= day < end``);
    * cumulative: what has ever started up to and with ``as_of``;
    * new: what started in ``since..as_of``, both days included;
    * ended: what ended in ``since..as_of``: the first day on which it no longer counted.

    ``since`` is for new and ended only and is ``as_of`` when left out (that one day).
    ``scope`` are the intervals of today's unit tree that the user sees (None: everything). Rows at other
    units are never counted, whatever the date and the campaign.
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
        return self.scope is None or is_inside(self.scope, unit)

    def seen(self, path: str) -> Q:
        """Return the scope as a condition on rows that reach their unit through ``path`` (with ``__``)."""
        return Q() if self.scope is None or everything(self.scope) else in_spans(self.scope, path)

    def placed(self, rows: Rows, path: str = "host__unit__") -> Rows:
        """Return those of ``rows`` whose unit of the day is in the scope."""
        return rows if self.scope is None else placed_in(rows, self.scope, path)

    def on(self, day: date) -> Question:
        """Return the same question on another day."""
        return replace(self, as_of=day)

    def current(self) -> Question:
        """Return the same question about what stands on the day, whatever its basis."""
        return replace(self, basis=Basis.CURRENT.value, since=None)

    def dates(self, start: str, end: str) -> Q:
        """Return the basis as a condition on two half-open date fields; without an end nothing ends."""
        if self.basis == Basis.CURRENT and end:
            return on_day(self.as_of, start, end)
        if self.basis in (Basis.CURRENT, Basis.CUMULATIVE):
            return Q(**{f"{start}__lte": self.as_of})
        if self.basis == Basis.ENDED and not end:
            return Q(pk__in=[])
        field = start if self.basis == Basis.NEW else end
        return Q(**{f"{field}__gte": self.first_day, f"{field}__lte": self.as_of})


def rows_of(
    source: CountSource, question: Question, place: Place | None = None, states: tuple[str, ...] = APPROVED
) -> QuerySet[Any]:
    """Return the rows of a source that the question asks about, as ``CountSource.on`` joins them.

    ``place`` is a unit with all below it on the day, an organization with all below it on the Party line,
    or intervals of the unit tree (None: everywhere).
    """
    rows = source.on(question.as_of, states).filter(question.dates(source.starts, source.ends))
    if question.campaign:
        rows = rows.filter(**{source.campaign: question.campaign}) if source.campaign else rows.none()
    if place is None or isinstance(place, Organization):
        rows = question.placed(rows, source.at)
    if isinstance(place, Organization):
        path = source.organization
        return rows.none() if path is None else rows.filter(_below(place, path))
    if place is None:
        return rows
    spans = place if isinstance(place, list) else UnitHierarchy.on(question.as_of).spans(place)
    return placed_in(rows, within(spans, question.scope), source.at)


Made = Callable[..., Any]
"""Makes a ``values_list`` query of a question, the intervals of a place (None: everywhere), and a shape."""


def read(make: Made, question: Question, place: list[Span], *shape: Hashable) -> Found:
    """Return the rows of ``make(question, place, *shape)``, whose statement is put together only once.

    ``make`` is a function of a module and takes days, campaign and intervals as they come
    (``models/prepared.py``). The scope of the question is in the intervals.
    """
    asked = _prepared(make, question, place, shape)
    return read_rows(*asked) if asked else []


def read_at(make: Made, question: Question, unit: int, *shape: Hashable) -> Found:
    """Return the rows of ``make(question, unit, *shape)``, asked at one unit alone, by its key."""
    given = [*_given(question), unit]
    named = (question.basis, bool(question.since), bool(question.campaign), shape)
    return read_rows(_at_one_unit, given, make, *named, planned_once=True)


def objects(make: Made, question: Question, place: list[Span], *shape: Hashable) -> list[Any]:
    """Return the objects of that query, where it is one of objects."""
    asked = _prepared(make, question, place, shape)
    return read_objects(*asked) if asked else []


def statement(
    make: Made, question: Question, place: list[Span], *shape: Hashable
) -> tuple[str, tuple[Any, ...]] | None:
    """Return the statement of that query and its parameters; None: it can have no rows."""
    asked = _prepared(make, question, place, shape)
    return statement_of(*asked) if asked else None


def _prepared(
    make: Made, question: Question, place: list[Span], shape: tuple[Hashable, ...]
) -> tuple[Any, ...] | None:
    spans = within(place, question.scope)
    if not spans:
        return None
    ends, number = as_values(spans)
    return (
        _of_values,
        [*_given(question), *ends],
        make,
        question.basis,
        bool(question.since),
        bool(question.campaign),
        number,
        shape,
    )


def _of_values(
    values: Values,
    make: Made,
    basis: str,
    has_since: bool,
    has_campaign: bool,
    number: int | None,
    shape: Any,
) -> Any:
    """Put question and intervals together again out of the values, and make the query of them."""
    asked, ends = _question_of(values, basis, has_since, has_campaign)
    return make(asked, from_values(ends, number), *shape)


def _at_one_unit(
    values: Values, make: Made, basis: str, has_since: bool, has_campaign: bool, shape: Any
) -> Any:
    """Do the same with question and unit."""
    asked, (unit,) = _question_of(values, basis, has_since, has_campaign)
    return make(asked, unit, *shape)


def _given(question: Question) -> list[date | int]:
    """Return the values of a question: its days and its campaign."""
    campaign = [question.campaign.pk] if question.campaign else []
    return [question.as_of, question.first_day, *campaign]


def _question_of(
    values: Values, basis: str, has_since: bool, has_campaign: bool
) -> tuple[Question, list[Any]]:
    """Put the question together again, and return it with the values that are left."""
    as_of, first_day, *others = values
    campaign = Campaign(pk=others.pop(0)) if has_campaign else None
    return Question(as_of, basis, first_day if has_since else None, campaign), others


def _below(organization: Organization, path: str) -> Q:
    span = organization.lft, organization.rght
    return Q(**{f"{path}tree_id": organization.tree_id, f"{path}lft__range": span})


def inside(placed: Sequence[Any], spans: Iterable[Span]) -> list[Any]:
    """Return those rows that stand in the intervals; ``placed`` are as for ``rows_in``."""
    return [row for span in spans for row in rows_in(placed, span)]


def counted_rows(
    metric: Metric, question: Question, place: Place | None = None, states: tuple[str, ...] = APPROVED
) -> QuerySet[Any]:
    """Return the rows behind a number; where it counts distinct owners, they may have several."""
    return rows_of(metric.source, question, place, states).filter(metric.on_day)


def organizations(question: Question, states: tuple[str, ...] = APPROVED) -> QuerySet[Organization]:
    """Return the organizations that the question asks about, with their host of the day as ``host``."""
    return rows_of(ORGANIZATIONS, question, None, states)


def assignments(question: Question) -> QuerySet[Assignment]:
    """Return the frontline assignments that the question asks about.

    ``host`` is the organization's placement and ``standing`` the person's political status of the day.
    """
    return rows_of(PLACED, question)


def organization_rows(
    metric: Metric | None, question: Question, place: Place, states: tuple[str, ...] = APPROVED
) -> QuerySet[Organization]:
    """Return the organizations behind a number (every kind when ``metric`` is None)."""
    rows = rows_of(ORGANIZATIONS, question, place, states)
    return rows if metric is None else rows.filter(metric.on_day)


def assignment_rows(
    metric: Metric, question: Question, place: Place, states: tuple[str, ...] = APPROVED
) -> QuerySet[Assignment]:
    """Return the assignments behind a number of people or person-times."""
    return counted_rows(metric, question, place, states)


def people_rows(
    metric: Metric, question: Question, place: Place, states: tuple[str, ...] = APPROVED
) -> QuerySet[Person]:
    """Return the distinct people behind a number of people."""
    return Person.objects.filter(pk__in=assignment_rows(metric, question, place, states).values("person_id"))
