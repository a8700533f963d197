"""Shared by the models: versions against lost updates, the sample flag, half-open dates."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models import F, Q
from django.db.models.base import ModelState
from django.db.models.lookups import In
from django.db.models.query_utils import DeferredAttribute

from registry.models.text import StoredAs

_Set = TypeVar("_Set")
_Get = TypeVar("_Get")


class Registered(models.Model):
    """A row that people edit.

    ``version`` grows by one with each edit, so that the second of two people who opened the same form is
    warned and does not overwrite the first; ``is_sample`` marks invented rows (演示).
    """

    version = models.PositiveIntegerField("版本", default=1, editable=False)
    is_sample = models.BooleanField("演示数据", default=False, editable=False)
    created_at = models.DateTimeField("录入时间", auto_now_add=True)
    updated_at = models.DateTimeField("修改时间", auto_now=True)

    class Meta:
        abstract = True

    @classmethod
    def from_db(  # type: ignore[override]  # its types are those of a newer Django
        cls, db: str | None, field_names: Collection[str], values: Collection[Any]
    ) -> Self:
        """Make the row of what was read, at once and not field by field: a page makes hundreds of them."""
        made, state = cls.__new__(cls), ModelState()
        state.adding, state.db = False, db
        held = made.__dict__
        held.update(zip(field_names, values, strict=True), _state=state)
        if hasattr(cls, "_mptt_meta"):  # what MPTT compares a row with that is saved
            held["_mptt_cached_fields"] = {"parent": held.get("parent_id", DeferredAttribute)}
        return made


class Link(StoredAs, models.ForeignKey[_Set, _Get]):
    """A relation to a row that is not deleted while it is linked; what may be NULL may be left blank."""

    stored_as = "django.db.models.ForeignKey"

    def __init__(self, to: Any, label: str | None = None, *, null: bool = False, **options: Any) -> None:
        given = {"on_delete": models.PROTECT, "blank": null, "verbose_name": label, **options}
        super().__init__(to, null=null, **given)


def on_day(day: date, start: str = "started_on", end: str = "ended_on", prefix: str = "") -> Q:
    """Return the condition ``start <= day < end``: the row counts on ``day``.

    ``prefix`` is a relation path with its trailing ``__``. An empty end means still open.
    """
    return Q(**{f"{prefix}{start}__lte": day}) & ends_after(day, f"{prefix}{end}")


def ends_after(day: Any, end: str = "ended_on") -> Q:
    """Return the condition that a row ends after ``day``, a date or an expression; an empty end is open."""
    return Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gt": day})


def ends_not_before_start(
    name: str, start: str = "started_on", end: str = "ended_on"
) -> models.CheckConstraint:
    """Return the constraint that the end is not before the start."""
    condition = Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gte": F(start)})
    return models.CheckConstraint(
        condition=condition, name=name, violation_error_message="结束日期不能早于开始日期。"
    )


def one_each_day(name: str, *owner: str) -> list[models.BaseConstraint]:
    """Return the constraints of dated rows of which ``owner`` has one on each day, the last without end.

    The owner may be two rows together: a joint branch and a unit that it covers.
    """
    return [
        models.CheckConstraint(condition=ends_after(F("started_on")), name=f"{name}_ends_after_start"),
        models.UniqueConstraint(fields=owner, condition=Q(ended_on__isnull=True), name=f"{name}_one_open"),
        models.UniqueConstraint(fields=[*owner, "started_on"], name=f"{name}_one_start"),
    ]


def in_spans(spans: Iterable[Any], path: str = "") -> Q:
    """Return the condition that a row, through ``path``, is inside one of the intervals.

    ``path`` is a relation path with its trailing ``__`` to the tree's model. No spans: no rows.
    """
    condition = Q(pk__in=[])
    for span in spans:
        condition |= Q(**{f"{path}tree_id": span.tree_id, f"{path}lft__range": (span.lo, span.hi)})
    return condition


class OneOf(In):
    """The condition that a column is one of the many keys that a query finds: ``OneOf(F("unit"), keys)``.

    PostgreSQL finds the keys first and then walks once along the column's index. Of ``IN`` it thinks that
    each key is better looked up alone, or the whole table read.
    """

    def get_rhs_op(self, connection: Any, rhs: Any) -> str:
        """Return the comparison."""
        if connection.vendor == "postgresql":
            return f"= ANY (ARRAY {rhs})"
        found: str = super().get_rhs_op(connection, rhs)
        return found


class AmongKeys(In):
    """The condition that a key is one of the many that a query finds: ``AmongKeys(F("pk"), keys)``.

    Where SQLite walks along another index it would look up each key anew for each value there, thousands of
    times; the plus sign makes it look each row up among the keys.
    """

    def process_lhs(self, compiler: Any, connection: Any, lhs: Any = None) -> Any:
        """Return the column, on SQLite so that no index is looked for."""
        sql, params = super().process_lhs(compiler, connection, lhs)
        return (f"+{sql}" if connection.vendor == "sqlite" else sql), params
