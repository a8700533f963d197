"""Random logbooks against a recount in plain Python: on any day, after moves, corrections and withdrawals."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.counting.basis import Question
from registry.counting.rollup import count_place, rollup
from registry.counting.series import courses
from registry.counting.totals.check import differences
from registry.counting.totals.fold import fold_counts
from registry.logbooks.metrics import LogbookMetric, logbook_metrics
from registry.logbooks.models import Entry, Logbook
from registry.logbooks.operations.deciding import step_entry, withdraw_entry
from registry.logbooks.operations.entries import add_entry, edit_entry
from registry.logbooks.operations.logbooks import add_logbook, edit_logbook
from registry.models import Unit
from registry.models.hierarchy import UnitHierarchy
from registry.operations.units import move_unit
from tests.factories import ACTOR, make_person, make_unit

pytestmark = pytest.mark.django_db

FIRST = date(2020, 2, 1)
FIELDS: list[dict[str, Any]] = [
    {"key": "level", "label": "级别", "type": "choice", "choices": ["市级", "省级", "部级"]},
    {"key": "staff", "label": "人员", "type": "people"},
    {"key": "number", "label": "数量", "type": "number"},
    {"key": "cost", "label": "花费", "type": "amount"},
]
STEPS = [{"key": "a", "label": "登记"}, {"key": "b", "label": "办理", "after": ["a"]},
         {"key": "c", "label": "办结", "after": ["a", "b"]}]  # fmt: skip
WAYS: dict[str, dict[str, Any]] = {
    "entries": {},
    "people": {"field": "staff"},
    "times": {"field": "staff"},
    "sum": {"field": "cost"},
    "average": {"field": "cost"},
    "stage": {"step": "b"},
    "open": {"step": "a"},
    "hours": {"since": "a", "step": "c"},
    "average_hours": {"since": "a", "step": "c"},
}


def day(number: int) -> date:
    """Return a day of the test."""
    return FIRST + timedelta(days=number)


class RandomLogbook:
    """A logbook with every way to count, each for all entries or for some choices only, and what is done."""

    def __init__(self, pick: random.Random) -> None:
        self.pick = pick
        self.top = make_unit("top", kind="department")
        self.halls = [make_unit(f"hall{n}", self.top, kind="bureau") for n in range(2)]
        self.stations = [make_unit(f"station{n}", self.halls[n % 2], kind="station") for n in range(3)]
        self.people = [make_person(f"人{n}", self.top, number=f"00100{n}") for n in range(3)]
        self.logbook: Logbook = add_logbook(
            actor=ACTOR, unit=self.top, name="台账", code="book", needs_approval=False, started_on=FIRST,
            design={"fields": FIELDS, "steps": STEPS, "counters": list(self.counters())},
        )  # fmt: skip
        self.entries: list[Entry] = []

    def counters(self) -> Iterator[dict[str, Any]]:
        """Yield a counter of each way, at random narrowed; sums of both kinds of number."""
        for way, given_ in WAYS.items():
            narrowed = self.pick.choice(
                [{}, {"when": "level", "among": self.pick.sample(["市级", "省级", "部级"], 2)}]
            )
            until = {"until": ["c"]} if way == "open" and self.pick.random() < 0.6 else {}
            yield {"key": way, "label": way, "way": way, **given_, **narrowed, **until}
        yield {"key": "whole", "label": "whole", "way": "average", "field": "number"}

    def values(self) -> dict[str, Any]:
        """Return what an entry says; some of it nothing."""
        pick = self.pick
        staff = pick.sample(self.people, pick.randrange(3))
        found = {
            "level": pick.choice(["市级", "省级", "部级", None]),
            "staff": [(person, "") for person in staff],
            "number": pick.choice([None, 0, 7]),
            "cost": pick.choice([None, 500, Decimal("12.05"), Decimal("0.10")]),
        }
        return {key: value for key, value in found.items() if value is not None}

    def write(self) -> None:
        """Do something: enter, correct, step, withdraw, move a station, or change the counters."""
        pick = self.pick
        what = pick.choice(["enter", "enter", "edit", "step", "step", "withdraw", "move", "design"])
        if what == "enter" or not self.entries:
            unit = Unit.objects.get(pk=pick.choice(self.stations).pk)
            on = day(pick.randrange(15))
            self.entries.append(
                add_entry(actor=ACTOR, logbook=self.logbook, unit=unit, happened_on=on, values=self.values())
            )
        elif what == "move":
            station, hall = pick.choice(self.stations).pk, pick.choice(self.halls).pk
            row, to = Unit.objects.get(pk=station), Unit.objects.get(pk=hall)
            last = row.placements.order_by("-pk").first()
            if row.parent_id != hall and last is not None and (last.started_on or FIRST) < day(14):
                move_unit(actor=ACTOR, unit=row, superior=to, on=day(14 + pick.randrange(3)), reason="调整")
        elif what == "design":
            made = {"fields": FIELDS, "steps": STEPS, "counters": list(self.counters())}
            self.logbook = edit_logbook(actor=ACTOR, logbook=self.logbook, changes={}, design=made)
        else:
            self._change(what, pick.choice(self.entries))

    def _change(self, what: str, entry: Entry) -> None:
        entry = Entry.objects.select_related("logbook").get(pk=entry.pk)
        if entry.state == "withdrawn":
            return
        if what == "edit":
            changes = {"level": None, "number": None, "cost": None, **self.values()}
            edit_entry(actor=ACTOR, entry=entry, changes=changes)
        elif what == "withdraw":
            withdraw_entry(actor=ACTOR, entry=entry, reason="误录")
        elif entry.step != "c":
            step = "c" if entry.step == "b" else self.pick.choice("bc")
            last = max(each.reached_on for each in entry.steps.all())
            step_entry(actor=ACTOR, entry=entry, step=step, on=last + timedelta(self.pick.randrange(4)))


def recount(book: Logbook, counter: Any, units: set[int], on: date) -> int | Decimal:
    """Count what a counter counts at these units on a day, with nothing but the entries as they are kept."""
    rows = list(Entry.objects.filter(logbook=book, unit__in=units).exclude(state="withdrawn"))
    if counter.when:
        rows = [e for e in rows if e.values.get(counter.when) in counter.among]
    there = [e for e in rows if e.happened_on <= on]
    people = [p.person_id for e in there for p in e.people.all()]
    reached = [{s.step: s.reached_on for s in e.steps.all()} for e in rows]
    if counter.way in ("sum", "average"):
        scale = 100 if counter.field == "cost" else 1
        found = [Decimal(e.values[counter.field]) / scale for e in there if counter.field in e.values]
    else:
        found = [
            Decimal((at[counter.step] - at[counter.since]).days * 24)
            for at in reached
            if counter.since and counter.step in at and at[counter.step] <= on
        ]
    if counter.way.startswith("average"):
        return (sum(found) / len(found)).quantize(Decimal("0.1"), "ROUND_HALF_UP") if found else 0
    ends = set(counter.until) or {"b", "c"}
    return {
        "entries": len(there),
        "people": len(set(people)),
        "times": len(people),
        "stage": sum("b" in at and at["b"] <= on for at in reached),
        "open": sum(
            at["a"] <= on and not any(step in at and at[step] <= on for step in ends) for at in reached
        ),
    }.get(counter.way, sum(found))


def check(book: Logbook, metrics: list[LogbookMetric], units: list[Unit], on: date) -> None:
    """Compare every counter of every unit on a day: totals, rows, and the recount."""
    shape, question = UnitHierarchy.on(on), Question(on)
    for unit in units:
        spans = shape.spans(unit)
        below = {
            u.pk
            for u in Unit.objects.all()
            for s in spans
            if s.lo <= u.lft <= s.hi and s.tree_id == u.tree_id
        }
        kept = rollup(unit, question, metrics=metrics).total.counts
        counted = count_place(spans, question, metrics).counts
        for metric, counter in zip(metrics, book.made.counters, strict=True):
            wanted = recount(book, counter, below, on)
            assert kept[metric.slug] == counted[metric.slug] == wanted, (unit.code, on, counter)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=2, deadline=None)
def test_the_counts_of_random_logbooks_equal_a_recount_on_any_day(seed: int) -> None:
    with transaction.atomic():
        made = RandomLogbook(random.Random(seed))
        for _ in range(18):
            made.write()
        if seed % 2:
            fold_counts()
        book = Logbook.objects.get(code="book")
        metrics = [each for each in logbook_metrics().values() if isinstance(each, LogbookMetric)]
        units = list(Unit.objects.exclude(kind="station"))
        for number in (0, 9, 16, 30):
            check(book, metrics, units, day(number))
        found = courses(units[0], metrics, day(5), day(20), Question(day(20)), ["current"])
        last = rollup(units[0], Question(day(20)), metrics=metrics).total.counts
        assert {slug: course[-1][1] for (_basis, slug), course in found.items()} == last
        assert differences() == []
        transaction.set_rollback(True)
