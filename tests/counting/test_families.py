"""Metrics that users make: hundreds of one source are counted as one, and each is the number of its rows.

The figures of articles stand for the rows of a logbook: each says by its metric what it is of, by its
qualifier whether its number is added up or its source (as a person is) counted once, and its organization
stands for the entry that has a state and a campaign.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.counting import metrics as declarations
from registry.counting.basis import Question, counted_rows
from registry.counting.metric import CountSource, Family, Metric
from registry.counting.metrics import METRICS, every_metric, kept_metrics, made_metrics
from registry.counting.rollup import count_buckets, count_place, rollup
from registry.counting.series import courses_of
from registry.counting.totals.check import differences, fill_missing, rebuild
from registry.counting.totals.fold import fold_counts
from registry.counting.totals.statement import changes
from registry.counting.totals.whole import at_hosts, overlaps, weeks
from registry.counting.totals.write import following
from registry.models import Campaign, Figure, Organization, Source, Total, TotalChange, Unit
from registry.models.hierarchy import Span, UnitHierarchy, remembering
from registry.models.kinds import PENDING_STATES
from registry.models.versions import kept_until_changed
from registry.operations.organizations import dissolve_organization
from registry.operations.units import move_unit
from registry.refusals import OperationRefused
from tests.counting.recount import Ledger
from tests.factories import ACTOR, assign, make_campaign, make_organization, make_person, make_unit

pytestmark = pytest.mark.django_db

COUNTED = CountSource(
    Figure,
    starts="as_of",
    ends="latest",
    unit="unit",
    where=Q(qualifier="exact"),
    state="organization__state",
    campaign="organization__campaign",
    organization="organization__",
    owner="organization",
    named="metric",
)
SUMS = Family("sums", "各项合计", source=COUNTED, amount="number")
EACH = Family(
    "each", "各项人数", source=replace(COUNTED, where=Q(qualifier="about"), owner="source"), distinct=True
)
FAMILIES = (SUMS, EACH)
MADE: dict[str, Metric] = {
    metric.slug: metric
    for metric in (
        *(SUMS.member(f"log.{word}", f"{word}次数", measure="次") for word in ("oath", "award", "visit")),
        *(EACH.member(f"log.{word}.people", f"{word}人数") for word in ("oath", "award")),
    )
}
OF_WAY = {"exact": ("log.oath", "log.award", "log.visit"), "about": ("log.oath.people", "log.award.people")}
FIRST = date(2020, 2, 1)


def made() -> dict[str, Metric]:
    return MADE


@contextmanager
def handed_up() -> Iterator[None]:
    """As if an app had handed the families up from the start."""
    config, here = apps.get_app_config("registry"), "tests.counting.test_families"
    more = (*config.metrics, f"{here}.FAMILIES", f"{here}.made")
    with mock.patch.object(config, "metrics", more):
        declarations._handed_up.cache_clear()
        try:
            yield
        finally:
            declarations._handed_up.cache_clear()


@pytest.fixture
def families() -> Iterator[None]:
    with handed_up():
        yield


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


# --- The random world -----------------------------------------------------------------------------


class RandomLogbooks:
    """Entries with rows of five metrics at seven units, some of which move; written, corrected, taken out."""

    def __init__(self, pick: random.Random) -> None:
        self.pick = pick
        self.campaign = make_campaign()
        self.units = [make_unit("top")]
        for number in range(6):
            self.units.append(make_unit(f"u{number}", pick.choice(self.units[:3])))
        self.entries = [
            make_organization(
                self.units[0],
                state=pick.choice(["approved", "approved", "approved", "draft", "submitted"]),
                campaign=pick.choice([self.campaign, None]),
            )
            for _ in range(6)
        ]
        self.people = [Source.objects.create(number=number, title=f"人{number}") for number in range(4)]
        for _ in range(4):
            self.write(pick.randint(1, 12))
            self.move()
            self.correct()
        self.write(5)

    def facts(self) -> dict[str, Any]:
        pick = self.pick
        starts = pick.choice([None, *(day(pick.randrange(12)) for _ in range(9))])
        ends = starts and pick.choice([None, starts + timedelta(days=pick.randrange(6))])
        return {
            "unit": pick.choice([*self.units, *self.units, None]),
            "as_of": starts,
            "latest": ends,
            "number": pick.choice([None, 1, 1, 3, 40, 3 * 10**9]),
        }

    def write(self, number: int) -> None:
        """Add rows of entries that may have some already, by one act."""
        pick, rows = self.pick, []
        for _ in range(number):
            way = pick.choice(["exact", "about"])
            words = {"qualifier": way, "metric": pick.choice(OF_WAY[way]), "label": "x", "value": "1"}
            row = {"organization": pick.choice(self.entries), "source": pick.choice(self.people)}
            rows.append(Figure(code=f"F{pick.getrandbits(60)}", **words, **row, **self.facts()))
        with following(rows=[*self.entries, *self.people]):
            Figure.objects.bulk_create(rows)

    def correct(self) -> None:
        """Change a row, take one out, and approve an entry."""
        for number, row in enumerate(Figure.objects.order_by("?")[:2]):
            with following(rows=[row.organization, row.source]):
                if number:
                    row.delete()
                else:
                    Figure.objects.filter(pk=row.pk).update(**self.facts())
        entry = self.pick.choice(self.entries)
        with following(organizations=[entry]):
            Organization.objects.filter(pk=entry.pk).update(state=self.pick.choice(["approved", "returned"]))

    def move(self) -> None:
        unit, superior = self.pick.sample(list(Unit.objects.order_by("pk"))[1:], 2)
        on = day(self.pick.randrange(3, 12))
        with suppress(OperationRefused):  # as where it would come below itself
            move_unit(actor=ACTOR, unit=unit, superior=superior, on=on, reason="测试")


# --- The recount ----------------------------------------------------------------------------------


def counts_on(question: Question, row: Figure) -> bool:
    """Whether a row counts, whatever its entry's state."""
    starts, ends, on, first = row.as_of, row.latest, question.as_of, question.since or question.as_of
    if row.unit_id is None or starts is None:
        return False
    if question.campaign and row.organization.campaign_id != question.campaign.pk:
        return False
    if question.basis == "current":
        return starts <= on and (ends is None or ends > on)
    if question.basis == "cumulative":
        return starts <= on
    return first <= ((starts if question.basis == "new" else ends) or date.max) <= on


def recount(ledger: Ledger, question: Question) -> dict[bool, dict[tuple[int, bool, str], int]]:
    """Every number by (unit, whether of the unit alone, slug), approved and not, without what is zero."""
    sums: dict[tuple[bool, int, bool, str], int] = defaultdict(int)
    owners: dict[tuple[bool, int, bool, str], set[int]] = defaultdict(set)
    for row in Figure.objects.select_related("organization"):
        state = row.organization.state
        if not counts_on(question, row) or state == "withdrawn":
            continue
        places = [(row.unit_id, True)]
        places += [(unit, False) for unit in ledger.upward(row.unit_id, question.as_of)]
        for unit, is_alone in places:
            key = state == "approved", unit, is_alone, row.metric
            if row.qualifier == "about":
                owners[key].add(row.source_id)
            else:
                sums[key] += row.number or 0
    found: dict[bool, dict[tuple[int, bool, str], int]] = {True: {}, False: {}}
    for (is_approved, *key), number in [*sums.items(), *((key, len(each)) for key, each in owners.items())]:
        if number:
            found[is_approved][tuple(key)] = number
    return found


def here(found: dict[Any, int], unit: int, is_alone: bool) -> dict[tuple[int, bool, str], int]:
    return {key: number for key, number in found.items() if key[:2] == (unit, is_alone)}


def told(counts: dict[str, int], unit: int, *, is_alone: bool = False) -> dict[tuple[int, bool, str], int]:
    return {(unit, is_alone, slug): number for slug, number in counts.items() if number}


def check(ledger: Ledger, question: Question, units: list[Unit]) -> None:
    """Roll-up, rows and lists against the recount."""
    expected = recount(ledger, question)
    metrics = tuple(MADE.values())
    shape = UnitHierarchy.on(question.as_of)
    counted = count_buckets(question, {unit.pk: shape.spans(unit) for unit in units}, metrics)
    for unit in units:
        found = rollup(unit, question, metrics=metrics)
        for line, is_alone in ((found.total, False), (found.own, True)):
            assert told(line.counts, unit.pk, is_alone=is_alone) == here(expected[True], unit.pk, is_alone)
            assert told(line.pending, unit.pk, is_alone=is_alone) == here(expected[False], unit.pk, is_alone)
        assert (counted[unit.pk].counts, counted[unit.pk].pending) == (
            found.total.counts,
            found.total.pending,
        )
        for child in found.children:
            assert told(child.counts, child.unit.pk) == here(expected[True], child.unit.pk, False)
        one, other = metrics[0], metrics[3]
        few = count_place([Span(unit.tree_id, unit.lft, unit.lft)], question, (one, other))
        assert few.counts == {each.slug: found.own.counts[each.slug] for each in (one, other)}
        for metric in metrics:
            for states, is_approved in ((("approved",), True), (PENDING_STATES, False)):
                rows = counted_rows(metric, question, unit, states)
                if metric.distinct:
                    listed = rows.values("source").distinct().count()
                else:
                    listed = sum(row.number or 0 for row in rows)
                assert listed == expected[is_approved].get((unit.pk, False, metric.slug), 0)


def check_courses(ledger: Ledger, units: list[Unit], campaign: Campaign | None) -> None:
    metrics, bases = tuple(MADE.values()), ["current", "cumulative", "new", "ended"]
    found = courses_of(units, metrics, day(0), day(12), Question(day(12), campaign=campaign), bases)
    for number in (4, 11):
        for basis in bases:
            expected = recount(ledger, Question(day(number), basis, campaign=campaign))[True]
            for unit in units:
                for metric in metrics:
                    course = dict(found[unit.pk, basis, metric.slug])
                    assert course[day(number)] == expected.get((unit.pk, False, metric.slug), 0)


FEW = 2 if connection.vendor == "postgresql" else 3


@settings(max_examples=FEW)
@given(seed=st.integers(0, 2**32))
def test_every_number_equals_the_recount_whatever_was_written_and_moved(seed: int) -> None:
    with handed_up(), transaction.atomic():
        pick = random.Random(seed)
        world = RandomLogbooks(pick)
        units, ledger = list(Unit.objects.order_by("pk")), Ledger()
        for is_folded in (False, True):
            if is_folded:
                fold_counts()
            assert differences() == []
            for basis in ("current", "cumulative", "new", "ended"):
                number, campaign = pick.randrange(13), pick.choice([None, world.campaign])
                since = None if basis in ("current", "cumulative") else day(number - pick.choice([0, 6]))
                check(ledger, Question(day(number), basis, since, campaign), pick.sample(units, 3))
            check_courses(ledger, pick.sample(units, 2), pick.choice([None, world.campaign]))
        transaction.set_rollback(True)


# --- What it costs --------------------------------------------------------------------------------


def test_statements_do_not_grow_with_the_number_of_metrics(
    families: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = make_unit()
    owners = dict.fromkeys((metric.source.owners for metric in kept_metrics()), "1 = 1")

    def texts() -> list[str]:
        said = [make(kept_metrics(), owners)[0] for make in (changes, at_hosts, overlaps, weeks)]
        with CaptureQueriesContext(connection) as queries:
            count_place([Span(top.tree_id, top.lft, top.rght)], Question(day(1)), tuple(MADE.values()))
        return [*said, *(query["sql"] for query in queries)]

    def of(number: int) -> dict[str, Metric]:
        return {f"log.n{at}": SUMS.member(f"log.n{at}", f"第{at}项") for at in range(number)}

    monkeypatch.setitem(globals(), "MADE", of(100))
    before = texts()
    monkeypatch.setitem(globals(), "MADE", of(300))
    assert len(every_metric()) > 300
    assert [len(text) for text in texts()] == [len(text) for text in before]


def test_who_founds_places_and_dissolves_asks_nothing_of_what_users_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def queries() -> list[str]:
        unit = make_unit()
        person = make_person(unit=unit)
        with CaptureQueriesContext(connection) as captured:
            organization = make_organization(unit)
            assign(organization, person)
            organization.refresh_from_db()
            dissolve_organization(actor=ACTOR, organization=organization, on=day(9), reason="测试")
        return [query["sql"] for query in captured]

    config = apps.get_app_config("registry")
    # As entries of a logbook: what an organization is changes nothing of them.
    source = replace(COUNTED, state="", campaign="source__unit", owner="source")
    own = Family("own", "台账", source=source, amount="number")
    queries()  # what is prepared once
    before = len(queries())
    monkeypatch.setattr(config, "metrics", (*config.metrics, "tests.counting.test_families.OWN"))
    monkeypatch.setitem(globals(), "OWN", (own,))
    declarations._handed_up.cache_clear()
    assert own in kept_metrics()
    said = queries()
    monkeypatch.undo()
    declarations._handed_up.cache_clear()
    assert not [text for text in said if "registry_figure" in text]
    assert len(said) == before


def test_what_users_made_is_read_once_a_page_and_only_where_it_is_asked_for() -> None:
    read = []

    @kept_until_changed(Source)
    def articles() -> tuple[str, ...]:
        read.append(1)
        return tuple(Source.objects.order_by("number").values_list("title", flat=True))

    source = Source.objects.create(number=1, title="一")
    assert articles() == articles() == ("一",)
    with remembering(), CaptureQueriesContext(connection) as queries:
        assert articles() == articles() == ("一",)
    assert (len(read), len(queries)) == (1, 1)
    Source.objects.create(number=2, title="二")
    assert articles() == ("一", "二")
    Source.objects.filter(pk=source.pk).update(title="首", version=2)
    assert articles() == ("首", "二"), "as another process would have written it"
    Source.objects.filter(number=2).delete()
    assert articles() == ("首",)
    with CaptureQueriesContext(connection) as queries:
        assert METRICS.get("temporary_branches")
        assert METRICS.get("cases") is None
        assert kept_metrics()
    assert len(queries) == 0


# --- Totals that are missing or wrong -------------------------------------------------------------


def entry(unit: Unit, metric: str, number: int, **facts: Any) -> Figure:
    way = "about" if metric.endswith("people") else "exact"
    organization = make_organization(unit)
    source = Source.objects.create(number=Source.objects.count() + 1, title="人")
    with following(rows=[organization, source]):
        return Figure.objects.create(
            code=f"F{Figure.objects.count()}",
            metric=metric,
            qualifier=way,
            number=number,
            label="x",
            value="1",
            as_of=day(1),
            **{"organization": organization, "unit": unit, "source": source, **facts},
        )


def test_a_wrong_number_is_named_by_what_users_call_it_and_mended(families: None) -> None:
    top = make_unit("top")
    low = make_unit("low", top)
    entry(low, "log.oath", 3)
    entry(low, "log.award.people", 1)
    assert differences() == []
    Figure.objects.filter(metric="log.oath").update(number=5)
    assert {line for line in differences() if line.startswith("low")} == {
        f"low 自 {day(1)} 起 现有(全部专项任务):oath次数 +2",
        f"low 自 {day(1)} 起 累计(全部专项任务):oath次数 +2",
        f"low 自 {day(1)} 起 七日内新增(全部专项任务):oath次数 +2",
        f"low 自 {day(8)} 起 七日内新增(全部专项任务):oath次数 -2",
    }
    assert rebuild(metrics=[METRICS["log.oath"]])
    assert differences() == []


def test_totals_are_made_for_what_is_there_already() -> None:
    top = make_unit("top")
    entry(top, "log.oath", 3)
    entry(top, "log.oath.people", 1)
    with handed_up():
        assert fill_missing() > 0
        assert differences() == []
        assert fill_missing() == 0
        assert rollup(top, Question(day(1)), metrics=list(MADE.values())).total.counts == {
            **{"log.oath": 3, "log.award": 0, "log.visit": 0},
            **{"log.oath.people": 1, "log.award.people": 0},
        }
        entry(top, "log.visit", 7)
        assert fill_missing() == 0, "a metric more is followed from its first row on"
        fold_counts()
        assert not TotalChange.objects.exists()
        gone = Total.objects.filter(metric="log.visit", campaign_key=0, is_cumulative=False)
        assert gone.update(metric="log.gone") == 1
        assert [line.split(":")[1] for line in differences()] == ["visit次数 +7、log.gone -7"]


def test_metrics_of_users_and_of_the_code_are_told_apart_by_their_slugs(families: None) -> None:
    assert list(made_metrics()) == list(MADE)
    assert METRICS["log.oath"] is MADE["log.oath"]
    assert "log.oath" in METRICS
    assert "log.oath" not in list(METRICS), "to go through them is to go through the declared ones"
    assert "log.none" not in METRICS
    assert not set(MADE.values()) & set(kept_metrics())
    assert {SUMS, EACH} <= set(kept_metrics())
    with pytest.raises(ValueError, match="that users made"):
        SUMS.member("oath", "宣誓")
    with pytest.raises(ValueError, match="its family"):
        Metric("log.oath", "宣誓", source=COUNTED)
