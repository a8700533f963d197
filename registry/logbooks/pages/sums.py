"""What a list of entries comes to: the numbers of its logbook over the rows that the filters leave.

Without filters they are read from the totals, with days alone those of what happened on these days, too. Else
they are added up from the entries that are left; of a long list only when somebody asks for it (``sums=1``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Sum
from django.urls import reverse

from registry.counting.basis import rows_of
from registry.counting.metric import Metric
from registry.counting.rollup import kept, kept_between
from registry.counting.shown import Number, counted_for, shown_counts
from registry.logbooks.design import Way
from registry.logbooks.metrics import COUNTED, NAMED, LogbookMetric, metrics_of
from registry.logbooks.models import Entry
from registry.web.lists import with_query

if TYPE_CHECKING:
    from registry.logbooks.pages.tables import EntryTable

AT_ONCE = 2_000
"""So many rows of a filtered list are added up without being asked."""
ASKED = "sums"
"""The parameter of the address that asks to add up a long list."""
_OF_THE_DAY: tuple[str, ...] = (Way.ENTRIES, Way.TIMES, Way.SUM, Way.AVERAGE)
"""The ways that count on the day of the entry itself, and nobody only once: days can be taken from days."""


@dataclass(frozen=True)
class Figure:
    """A number of the whole list, and its rows."""

    label: str
    number: Number
    measure: str
    url: str

    def __str__(self) -> str:
        return f"{self.label} {self.number:,} {self.measure}".strip()


@dataclass(frozen=True)
class Sums:
    """The numbers over a list; ``more_url`` adds up those that are left out because the list is long."""

    figures: Sequence[Figure] = ()
    more_url: str = ""


def sums_of(table: EntryTable) -> Sums:
    """Return what the list comes to."""
    metrics = [table.metric] if table.metric is not None else metrics_of(table.logbook)
    if not metrics:
        return Sums()
    counts = _counted(table, metrics)
    page = reverse("entries_counted")
    figures = [
        Figure(
            each.label,
            counts[each.slug],
            each.measure,
            with_query(table.request, page, metric=each.slug, sort=None, **{ASKED: None}),
        )
        for each in metrics
        if each.slug in counts and (counts[each.slug] or each.way == Way.ENTRIES or each is table.metric)
    ]
    is_left_out = len(counts) < len(metrics)
    return Sums(figures, with_query(table.request, **{ASKED: "1"}) if is_left_out else "")


def _counted(table: EntryTable, metrics: Sequence[LogbookMetric]) -> Mapping[str, Number]:
    """Return the numbers that are known, by slug."""
    place = table.at.whole
    if not table.is_filtered and place is not None:
        found = kept(place, table.question, metrics)
        if found is not None:
            return found
    is_long = table.is_filtered and (not table.length.is_exact or table.length.number > AT_ONCE)
    if not is_long or table.request.GET.get(ASKED) == "1":
        return shown_counts(metrics, _added(table, counted_for(metrics)))
    days = table.wanted.get("days")
    if place is None or not days or sum(map(bool, table.wanted.values())) > 1:
        return {}
    those = [each for each in metrics if each.way in _OF_THE_DAY]
    first, last = days
    until = table.question.as_of if last is None else min(last, table.question.as_of)
    return (kept_between(place, table.question, first, until, those) if those else None) or {}


def _added(table: EntryTable, metrics: Collection[Metric]) -> dict[str, int]:
    """Add up what is worked out of the entries that are left: one query for each way to count."""
    found = {each.slug: 0 for each in metrics}
    # Those that are few are named by their keys: nothing has to be found a second time.
    is_few = bool(table.found_first) and table.length.is_exact and table.rows.model is Entry
    keys = list(table.rows.order_by().values_list("pk", flat=True)) if is_few else None
    for source in (COUNTED, NAMED):
        slugs = [each.slug for each in metrics if each.source is source]
        if not slugs:
            continue
        if keys is None:
            rows = table.facts(source, table.states)
        else:
            rows = rows_of(source, table.question, table.at.rows, table.states).filter(entry__in=keys)
        rows = rows.filter(item__slug__in=slugs)
        added = Count("owner", distinct=True) if source is NAMED else Sum("number")
        found |= dict(rows.order_by().values("item__slug").annotate(n=added).values_list("item__slug", "n"))
    return found
