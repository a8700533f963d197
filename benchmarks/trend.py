"""The daily trend of the root over two years, and those of the units below it at once."""

from __future__ import annotations

import time
from datetime import date, timedelta

from benchmarks import plainsql
from benchmarks.country.scales import FIRST, LAST
from benchmarks.measure import compared_by, timed
from benchmarks.reading import SLOW, NotTheSame, the_root
from benchmarks.table import Table
from registry.counting import series as counting
from registry.counting.basis import Question
from registry.counting.metric import Metric
from registry.counting.metrics import METRICS, OrganizationMetric
from registry.models import Unit
from registry.models.hierarchy import UnitHierarchy
from registry.models.kinds import PARTY_KINDS

SLUGS = ("temporary_party_orgs", "frontline_people")
COLUMNS = {"database": "database, ms", "whole": "whole call, ms", "queries": "queries"}


def measure() -> list[Table]:
    """Measure a metric of organizations and one of distinct people."""
    root = the_root()
    return [*(one_metric(root, slug, FIRST, LAST) for slug in SLUGS), many_units(root, FIRST, LAST)]


def many_units(root: Unit, since: date, until: date) -> Table:
    """Read the trends of the units below the root at once, and one by one."""
    units = list(Unit.objects.filter(parent=root).order_by("tree_id", "lft")[:40])
    metric, question = METRICS[SLUGS[0]], Question(until)
    table = Table("trend", f"Daily trends of {len(units)} units at once", COLUMNS, ratio=compared_by())
    ways = (
        ("registry: all at once", lambda: counting.series_of(units, metric, since, until, question)),
        (
            "one at a time",
            lambda: {unit.pk: counting.series(unit, metric, since, until, question) for unit in units},
        ),
    )
    expected: dict[int, counting.Course] = {}
    for way, count in ways:
        found, timing = timed(count, seconds=SLOW)
        if expected and found != expected:
            raise NotTheSame(f"{way}: another trend of {SLUGS[0]}")
        expected = found
        table.add(
            way,
            database=timing.database_milliseconds,
            whole=timing.milliseconds,
            queries=timing.queries[-1],
        )
    return table


def one_metric(root: Unit, slug: str, since: date, until: date) -> Table:
    """Work one trend out in every way; raise ``NotTheSame`` when two differ."""
    days = (until - since).days + 1
    table = Table("trend", f"Daily trend of the root over two years: {slug}", COLUMNS, ratio=compared_by())
    table.note = f"{days} days, {since} to {until}."
    metric, question = METRICS[slug], Question(until)
    expected: list[int] | None = None
    for way, count, note in (
        ("registry: series", lambda: by_totals(root, metric, since, until, question), ""),
        (
            "registry: from the rows",
            lambda: by_rows(root, metric, since, until, question),
            "one pass for each stretch without moves, swept by date",
        ),
        ("one SQL, no tree", lambda: by_sql(metric, since, until), "each one's days united, then summed up"),
    ):
        try:
            found, timing = timed(count, seconds=SLOW)
        except TooSlow:
            table.add(way, f"given up after {SLOW:.0f} s", database=None, whole=None, queries=None)
            continue
        expected = found if expected is None else expected
        if found != expected:
            place = next(i for i in range(days) if found[i] != expected[i])
            when = since + timedelta(place)
            raise NotTheSame(f"{way}: {slug} on {when}: {found[place]}, expected {expected[place]}")
        table.add(
            way,
            note,
            database=timing.database_milliseconds,
            whole=timing.milliseconds,
            queries=timing.queries[-1],
        )
    return table


class TooSlow(Exception):
    """A way was given up after ``SLOW`` seconds."""


def by_totals(root: Unit, metric: Metric, since: date, until: date, question: Question) -> list[int]:
    """The registry as its pages ask it."""
    return [number for _day, number in counting.series(root, metric, since, until, question)]


def by_rows(root: Unit, metric: Metric, since: date, until: date, question: Question) -> list[int]:
    """The registry as it counts where no totals answer."""
    found: list[int] = []
    begin = time.perf_counter()
    for first, last in counting._stretches(since, until):
        if time.perf_counter() - begin > SLOW:
            raise TooSlow
        buckets = {root.pk: UnitHierarchy.on(first).spans(root)}
        found += counting.from_rows(metric, buckets, first, last, question)[root.pk]
    return found


def by_sql(metric: Metric, since: date, until: date) -> list[int]:
    """Plain SQL without any tree (at the root everything counts): each one's days united, then summed up."""
    if isinstance(metric, OrganizationMetric):
        kinds = plainsql.words(kind for kind in PARTY_KINDS if kind in metric.kinds)
        spells = (
            "SELECT established_on AS first, dissolved_on AS gone FROM registry_organization "
            f"WHERE state = 'approved' AND is_temporary AND kind IN ({kinds})"
        )
    else:
        spells = _UNITED.format(frontline=plainsql.FRONTLINE)
    found = plainsql.rows(
        f"WITH spell AS ({spells}), change(day, number) AS (SELECT first, 1 FROM spell "
        "UNION ALL SELECT gone, -1 FROM spell WHERE gone IS NOT NULL) "
        "SELECT day, SUM(SUM(number)) OVER (ORDER BY day) FROM change GROUP BY day ORDER BY day"
    )
    level_on = {day if isinstance(day, date) else date.fromisoformat(day): int(n) for day, n in found}
    level = next((level_on[day] for day in sorted(level_on, reverse=True) if day < since), 0)
    levels = []
    for offset in range((until - since).days + 1):
        level = level_on.get(since + timedelta(offset), level)
        levels.append(level)
    return levels


_UNITED = (
    "SELECT MIN(first) AS first, NULLIF(MAX(gone), '9999-12-31') AS gone FROM ("
    "SELECT person_id, first, gone, SUM(CASE WHEN before >= first THEN 0 ELSE 1 END) "
    "OVER (PARTITION BY person_id ORDER BY first, gone) AS island FROM ("
    "SELECT person_id, first, gone, MAX(gone) OVER (PARTITION BY person_id ORDER BY first, gone "
    "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM ("
    "SELECT a.person_id, a.started_on AS first, COALESCE(a.ended_on, '9999-12-31') AS gone "
    "FROM registry_assignment a JOIN registry_organization o ON o.id = a.organization_id "
    "WHERE o.state = 'approved' AND NOT a.is_withdrawn AND {frontline}) AS r "
    "WHERE gone > first) AS s) AS i GROUP BY person_id, island"
)
"""The days of each person's assignments, what overlaps or touches made one."""
