"""What logbooks count: each counter of each logbook is a metric, of one of two families."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from django.db.models import Q

from registry.counting.metric import CountSource, Family, Metric
from registry.logbooks.design import Counter, Design, Group, Way
from registry.logbooks.facts import slug_of
from registry.logbooks.models import OWNERS, SUMMED, EntryFact, Logbook
from registry.models.versions import kept_until_changed

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
    named="item__slug",
)
"""Numbers that are added up: an entry is 1, of people each time, of a number what it says."""
NAMED = replace(COUNTED, where=Q(item__way=OWNERS), owner="owner")
"""People who are named, each once in a logbook however often."""
SUMS = Family("logbook_sums", "台账合计", source=COUNTED, amount="number")
EACH = Family("logbook_people", "台账人数", source=NAMED, distinct=True)
FAMILIES = (SUMS, EACH)


@dataclass(frozen=True, eq=False)
class LogbookMetric(Metric):
    """A number of a logbook; its rows are the entries of which it is worked out."""

    logbook: str = field(kw_only=True)
    """The code of the logbook."""
    way: str = field(kw_only=True)


def metrics_of(logbook: Logbook) -> list[LogbookMetric]:
    """Return the metrics of a logbook's counters, in their order."""
    design = logbook.made
    return [_metric_of(logbook, design, counter) for counter in design.counters]


def _metric_of(logbook: Logbook, design: Design, counter: Counter) -> LogbookMetric:
    """Return the metric of a counter: of an average the quotient of two, with the rows of its sum."""
    family = EACH if counter.way == Way.PEOPLE else SUMS
    named = design.by_key.get(counter.field) if counter.way in (Way.SUM, Way.AVERAGE) else None
    kept = [
        family.member(
            slug_of(logbook.code, part),
            counter.label,
            LogbookMetric,
            measure=counter.measure,
            page="entries_counted",
            group=f"{Group(logbook.group).label} · {logbook.name}",
            scale=named.scale if named is not None else 1,
            made_by=("logbook", logbook.pk),
            logbook=logbook.code,
            way=counter.way,
        )
        for part in counter.kept
    ]
    if len(kept) == 1:
        return kept[0]
    total, number = kept
    return replace(total, slug=slug_of(logbook.code, counter), ratio=(total, number))


@kept_until_changed(Logbook)
def logbook_metrics() -> dict[str, Metric]:
    """Return the metrics of every logbook that has been in use, by slug."""
    books = Logbook.objects.exclude(started_on=None).order_by("pk")
    made = [metric for logbook in books for metric in metrics_of(logbook)]
    return {metric.slug: metric for metric in made}
