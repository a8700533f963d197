"""The bench itself: its ways of reading agree on a small country, and it notices when one does not."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from benchmarks import plainsql, reading, trend
from benchmarks.country.load import Scale as Country
from benchmarks.country.load import synthesize
from benchmarks.country.scales import FIRST
from benchmarks.reading import NotTheSame
from benchmarks.results import Scale, report
from benchmarks.table import Table, by_size, from_json, to_json
from registry.counting.basis import Question

TINY = Country(
    provinces=2,
    cities=4,
    counties=9,
    units=120,
    organizations=300,
    people=1500,
    assignments=800,
    moves=6,
)
WAYS = [
    "registry: totals.read",
    "registry: rollup",
    "registry: from the rows",
    "one-pass SQL",
    "recursive CTE",
    "django-mptt add_related_count",
    "floor: one GROUP BY kind, no tree",
    "floor: one COUNT(DISTINCT person), no tree",
]


@pytest.fixture
def country(db: None) -> None:
    synthesize(TINY, 1, lambda noun, written: None)


def test_all_ways_of_reading_agree_and_are_timed(country: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SLOW", 0.1)
    tables = [*reading.measure(), trend.one_metric(reading.the_root(), *SHORT)]
    now, ever, past, new, ended, daily = tables
    assert [line.way for line in now.lines] == WAYS
    assert [line.way for line in ever.lines] == WAYS
    for table in (past, new, ended):
        assert [line.way for line in table.lines] == [way for way in WAYS if "mptt" not in way]
    assert [line.way for line in daily.lines] == [
        "registry: series",
        "registry: from the rows",
        "one SQL, no tree",
    ]
    assert all(line.numbers["whole"] > 0 for table in tables for line in table.lines)
    # It is no comparison of nothing with nothing.
    found = reading.by_totals(Question(timezone.localdate(), basis="cumulative"), [reading.the_root()])
    assert found[reading.the_root().pk]["frontline_people"] > 100

    machine = {"cores": "2"}
    scale = Scale("small", "a database", {"units": 120}, from_json(json.loads(json.dumps(to_json(tables)))))
    said = report(machine, [scale, scale])
    for way in WAYS:
        assert f"| {way} |" in said


SHORT = ("frontline_people", FIRST, FIRST.replace(month=4))


def test_a_way_that_counts_otherwise_stops_the_bench(country: None, monkeypatch: pytest.MonkeyPatch) -> None:
    root, question = reading.the_root(), Question(reading.busiest_day())
    ways = tuple(way for way in reading.ANY_DAY if way[0] in ("registry: totals.read", "one-pass SQL"))
    reading.one_question("the busiest day", root, question, ways)
    monkeypatch.setattr(plainsql, "FRONTLINE", "o.kind = 'branch'")
    with pytest.raises(NotTheSame, match="one-pass SQL: unit"):
        reading.one_question("the busiest day", root, question, ways)


def test_the_cost_against_size_has_a_column_for_each_scale() -> None:
    small, large = (
        Table("reading", "A question", {"whole": "whole call, ms"}, ratio="whole") for _ in range(2)
    )
    small.add("ours", whole=1.0)
    large.add("ours", whole=1.5)
    large.add("theirs", whole=3000.0)
    (table,) = by_size([("region", small), ("nation", large)])
    assert table.cells() == [
        ["way", "region", "nation"],
        ["ours", "1.00", "1.50"],
        ["theirs", "", "3,000"],
    ]
    assert large.cells()[1:] == [["ours", "1.50", "1.00"], ["theirs", "3,000", "2,000"]]
