"""Metrics and what they count: every number and the totals are made from these declarations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from django.db.models import (
    Case,
    Count,
    Expression,
    F,
    FilteredRelation,
    Model,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)

from registry.models.base import on_day
from registry.models.kinds import PENDING_STATES, WorkflowState

M = TypeVar("M", bound="Metric")
EVERY = Q()
"""The condition that holds of every row."""
APPROVED: tuple[str, ...] = (WorkflowState.APPROVED.value,)
APPROVED_OR_PENDING: tuple[str, ...] = (*APPROVED, *PENDING_STATES)


@dataclass(frozen=True, eq=False)
class CountSource:
    """A table whose rows are counted: the unit, the days and the owner of each row.

    Every text is a path of fields from the row. A row stands at the unit of its dated placement (``host``),
    or always at one unit (``unit``).
    """

    model: type[Model]
    starts: str
    """The first day on which a row counts."""
    ends: str = ""
    """The first day on which it no longer counts; without it what has begun goes on counting."""
    host: str = ""
    """Dated placements with ``unit``, ``started_on`` and ``ended_on``."""
    unit: str = ""
    where: Q = EVERY
    """Which rows count at all."""
    state: str = ""
    """The workflow state, where rows that are not approved are shown beside the number."""
    owner: str = "pk"
    """The owner of the row: distinct metrics count each owner once."""
    campaign: str = ""
    organization: str | None = None
    """The organization that the row hangs on (with its ``__``; empty: it is one), if any."""
    dated: str = ""
    """Dated rows of the owner, of which one holds on each day: political status, stage."""
    home: str = ""
    """Dated rows of the owner with the ``unit`` at which it is at home."""
    hangs_on: str = ""
    """The row that each hangs on: when that one is written, its owners are counted anew."""
    named: str = ""
    """The metric that each row is of, by its slug, where users make the metrics: see ``Family``."""

    @property
    def owners(self) -> type[Model]:
        """The model of the owners."""
        return self.model if self.owner == "pk" else _walked(self.model, self.owner).related_model

    @property
    def hung_on(self) -> type[Model]:
        """The model of the rows that each hangs on."""
        return _walked(self.model, self.hangs_on).related_model  # type: ignore[no-any-return]

    @property
    def at(self) -> str:
        """The path to the unit on the day, with its ``__``, in the rows that ``on`` returns."""
        return "host__unit__" if self.host else f"{self.unit}__"

    def rows(self, states: tuple[str, ...] = APPROVED) -> QuerySet[Any]:
        """Return the rows that count, in these workflow states; what has no workflow is approved."""
        rows = self.model._default_manager.filter(self.where).order_by()
        if self.unit:
            rows = rows.filter(**{f"{self.unit}__isnull": False})
        if self.state:
            return rows.filter(**{f"{self.state}__in": states})
        return rows if set(APPROVED) <= set(states) else rows.none()

    def on(self, day: date, states: tuple[str, ...] = APPROVED) -> QuerySet[Any]:
        """Join the placement of the day as ``host``, the owner's dated rows as ``standing`` and ``home``."""
        rows = self.rows(states)
        for name, path in (("standing", self.dated), ("home", self.home)):
            if path:
                rows = rows.annotate(**{name: _of_day(path, day)})
        return rows.annotate(host=_of_day(self.host, day)).filter(host__isnull=False) if self.host else rows

    def follows_organization(self, conditions: Iterable[Q]) -> bool:
        """Whether what a row counts, under one of the conditions or none, depends on its organization."""
        if not self.organization:
            return self.organization is not None
        paths = [self.starts, self.ends, self.host, self.unit, self.state, self.campaign]
        paths += [path for condition in (self.where, *conditions) for path in paths_of(condition)]
        return any(path.startswith(self.organization) for path in paths)

    @property
    def placed(self) -> str:
        """The path to the units of a row on any day, with its ``__``."""
        return f"{self.host}__unit__" if self.host else f"{self.unit}__"

    def dated_rows(self, path: str, condition: Q) -> tuple[QuerySet[Any], str]:
        """Return the dated rows at a path that the condition holds of, and the column of their owner."""
        relation = _walked(self.model, path)
        rows = relation.related_model._base_manager.filter(condition).order_by()
        return rows, relation.field.attname


@dataclass(frozen=True, eq=False)
class Metric:
    """A number: which rows of a source, and how they are counted.

    The rows themselves (the default), their distinct owners, or the sum of a whole number (``amount``).
    """

    slug: str
    label: str
    condition: Q = EVERY
    source: CountSource = field(kw_only=True)
    measure: str = field(default="个", kw_only=True)
    distinct: bool = field(default=False, kw_only=True)
    amount: str = field(default="", kw_only=True)
    standing: Q = field(default=EVERY, kw_only=True)
    """What must hold of the owner's dated row of the day."""
    home: Q = field(default=EVERY, kw_only=True)
    """What must hold of the unit at which the owner is at home on the day; beside it no ``standing``."""
    hosted: Q = field(default=EVERY, kw_only=True)
    """What must hold of the unit at which the row stands on the day."""
    parts: tuple[str, ...] = field(default=(), kw_only=True)
    """The metrics of which this is the sum: then no totals are kept of it."""
    page: str = field(default="", kw_only=True)
    """The name of the page that lists its rows."""
    group: str = field(default="", kw_only=True)
    """Under which words it is offered where somebody chooses among many: 组织活动 · 宣誓."""
    family: Family | None = field(default=None, kw_only=True)
    """With which others of its source it is counted."""
    scale: int = field(default=1, kw_only=True)
    """So many of what is kept are one of what is shown: an amount is kept in fen (``counting/shown.py``)."""
    ratio: tuple[Metric, Metric] | None = field(default=None, kw_only=True)
    """The two of which it is the quotient: an average. Each is counted, divided only where shown."""
    made_by: tuple[str, int] | None = field(default=None, kw_only=True)
    """The row that makes it one, by noun and key: who does not see that one is not offered the metric."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9_.-]{1,100}", self.slug):
            raise ValueError(f"no slug for a metric: {self.slug!r}")
        if bool(self.source.named) != bool(self.family or isinstance(self, Family)):
            raise ValueError(f"{self.slug}: a metric of a named source is made by its family, no other is")
        if self.home and (self.standing or not self.source.home):
            raise ValueError(f"{self.slug}: a metric asks one dated row of the owner")

    @property
    def title(self) -> str:
        """Its name with that of its group, where metrics of several groups are listed."""
        within, label = self.group.rpartition(" · ")[2], str(self.label)
        return f"{within}:{label}" if self.family and within not in label else label

    @property
    def on_day(self) -> Q:
        """Which rows it counts, as a condition on the rows of a day (``CountSource.on``)."""
        return (
            self.condition
            & prefixed(self.hosted, self.source.at)
            & prefixed(self.standing, "standing__")
            & prefixed(self.home, "home__unit__")
        )

    @property
    def dated(self) -> tuple[str, Q] | None:
        """The path to the dated rows of the owner that it asks, and what must hold of them."""
        if self.home:
            return self.source.home, prefixed(self.home, "unit__")
        return (self.source.dated, self.standing) if self.standing else None

    @property
    def placed(self) -> Q:
        """Which rows it counts where they are joined to every unit at which they stand."""
        return self.condition & prefixed(self.hosted, self.source.placed)

    @property
    def ever(self) -> Q:
        """Which rows it may count, on some day."""
        path, condition = self.dated or ("", EVERY)
        return self.placed & prefixed(condition, f"{path}__")

    def marked(self) -> Any:
        """Return what a row adds: its owner, its key or its amount; NULL where it is not counted."""
        what = F(self.amount or (self.source.owner if self.distinct else "pk"))
        return Case(When(self.on_day, then=what), default=None) if self.on_day else what

    def added(self, marks: str) -> Expression:
        """Return the aggregate of ``marked`` rows."""
        return Sum(marks, default=0) if self.amount else Count(marks, distinct=self.distinct)

    def added_sql(self, column: str) -> str:
        """Return the same in SQL."""
        if self.amount:
            return f"COALESCE(SUM({column}), 0)"
        return f"COUNT({'DISTINCT ' if self.distinct else ''}{column})"


@dataclass(frozen=True, eq=False)
class Family(Metric):
    """All metrics of a ``named`` source that are counted in one way: the rows, their owners, or an amount.

    Each row says itself of which of them it is. So totals are kept of hundreds as if it were one, and making
    one more changes no statement.
    """

    def member(self, slug: str, label: str, kind: type[M] = Metric, **facts: Any) -> M:  # type: ignore[assignment]
        """Return the metric that counts the rows that are named so, with more ``facts`` of its ``kind``.

        The slug has a dot: so nobody who asks for a declared metric has to ask which ones users made.
        """
        if "." not in slug:
            raise ValueError(f"no slug for a metric that users made: {slug!r}")
        return kind(
            slug,
            label,
            self.condition & Q(**{self.source.named: slug}),
            source=self.source,
            distinct=self.distinct,
            amount=self.amount,
            standing=self.standing,
            family=self,
            **facts,
        )


def paths_of(condition: Q) -> Iterator[str]:
    """Yield the paths of fields that a condition names."""
    children: list[Any] = list(condition.children)
    for child in children:
        yield from paths_of(child) if isinstance(child, Q) else (child[0],)


def prefixed(condition: Q, prefix: str) -> Q:
    """Return the same condition on rows that are reached through ``prefix``."""
    found = Q(_connector=condition.connector, _negated=condition.negated)
    children: list[Any] = list(condition.children)
    found.children = [
        prefixed(child, prefix) if isinstance(child, Q) else (f"{prefix}{child[0]}", child[1])
        for child in children
    ]
    return found


def is_approved(source: CountSource) -> Any:
    """Return 1 for an approved row, 0 for another."""
    if not source.state:
        return Value(1)
    return Case(When(**{f"{source.state}__in": APPROVED}, then=Value(1)), default=Value(0))


def _of_day(path: str, day: date) -> FilteredRelation:
    return FilteredRelation(path, condition=on_day(day, prefix=f"{path}__"))


def _walked(model: type[Model], path: str) -> Any:
    """Return the last relation of a path."""
    relation: Any = None
    for name in path.split("__"):
        relation = (relation.related_model if relation else model)._meta.get_field(name)
    return relation
