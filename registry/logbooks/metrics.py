"""What logbooks count: each counter of each logbook is a metric, of one of two families."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Q

from registry.counting.metric import CountSource, Metric
from registry.logbooks.design import Counter, Way
from registry.logbooks.facts import slug_of
from registry.logbooks.models import OWNERS, SUMMED, EntryFact, Logbook

COUNTED = CountSource(
    EntryFact,
    starts="starts_on",
    ends="ends_on",
    unit="entry__unit",
    where=Q(item__way=SUMMED),
    state="entry__state",
    owner="entry",
    campaign="entry__campaign",
    organization="entry__organization__",
    hangs_on="entry",
)
"""Numbers that are added up: an entry is 1, of people each time, of a number what it says."""
NAMED = CountSource(
    EntryFact,
    starts="starts_on",
    ends="ends_on",
    unit="entry__unit",
    where=Q(item__way=OWNERS),
    state="entry__state",
    owner="owner",
    campaign="entry__campaign",
    organization="entry__organization__",
    hangs_on="entry",
)
"""People who are named, each once in a logbook however often."""


@dataclass(frozen=True, eq=False)
class LogbookMetric(Metric):
    """A number of a logbook; its rows are the entries of which it is worked out."""

    logbook: str = field(kw_only=True)
    """The code of the logbook."""
    way: str = field(kw_only=True)


def metric_of(logbook: Logbook, counter: Counter) -> LogbookMetric:
    """Return the metric of a counter."""
    slug = slug_of(logbook.code, counter)
    is_distinct = counter.way == Way.PEOPLE
    return LogbookMetric(
        slug,
        counter.label,
        Q(item__slug=slug),
        source=NAMED if is_distinct else COUNTED,
        measure=counter.measure,
        distinct=is_distinct,
        amount="" if is_distinct else "number",
        page="entries_counted",
        logbook=logbook.code,
        way=counter.way,
    )


def logbook_metrics() -> list[Metric]:
    """Return the metrics of every logbook that has been in use."""
    books = Logbook.objects.exclude(started_on=None).order_by("pk")
    return [metric_of(logbook, counter) for logbook in books for counter in logbook.made.counters]
