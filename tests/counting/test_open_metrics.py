"""A metric, and a source of rows, that nobody foresaw: declared, and everything counts it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db.models import Q

from registry.counting import metrics as declarations
from registry.counting.basis import Question, counted_rows
from registry.counting.metric import CountSource, Family, Metric
from registry.counting.metrics import METRICS, PLACED, every_metric
from registry.counting.rollup import count_buckets, count_place, rollup
from registry.counting.series import courses, from_rows
from registry.counting.totals.check import differences, fill_missing, rebuild
from registry.counting.totals.fold import fold_counts
from registry.counting.totals.read import read
from registry.counting.totals.write import following
from registry.models import Figure, Source, TotalChange, Unit
from registry.models.hierarchy import UnitHierarchy
from registry.models.kinds import MEMBER_STATUSES
from registry.models.versions import kept_until_changed
from registry.operations.assignments import end_assignment
from registry.operations.organizations import transfer_organization
from registry.operations.people import change_political_status
from registry.operations.units import move_unit
from tests.factories import ACTOR, assign, make_campaign, make_organization, make_person, make_unit
from tests.operations.checks import day

pytestmark = pytest.mark.django_db

REPORTED = CountSource(Figure, starts="as_of", unit="unit", owner="source")
"""An existing table counted in a new way, as a logbook's entries would be: at a unit, on a day, an amount."""

DECLARED = (
    Metric("secretaries", "一线书记", Q(role="secretary"), source=PLACED, distinct=True, measure="人"),
    Metric(
        "member_times",
        "一线党员人次",
        source=PLACED,
        standing=Q(status__in=MEMBER_STATUSES),
        measure="人次",
    ),
    Metric("figures", "报道数", source=REPORTED, measure="条"),
    Metric("articles", "报道", source=REPORTED, distinct=True, measure="篇"),
    Metric("reported_sum", "报道数之和", source=REPORTED, amount="number"),
)
"""What an app declares."""


OF_ARTICLES = Family("of_articles", "各报道的数", source=replace(REPORTED, named="metric"))
FAMILIES = (OF_ARTICLES,)
"""What users make there: each figure says by its metric of which article it is."""


@kept_until_changed(Source)
def made_by_users() -> dict[str, Metric]:
    """One metric for each article that is registered: there are as many as users make."""
    found = Source.objects.order_by("number")
    made = [OF_ARTICLES.member(f"article.{each.number}", each.title) for each in found]
    return {metric.slug: metric for metric in made}


@pytest.fixture
def handed_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if an app had handed these up from the start."""
    config = apps.get_app_config("registry")
    here = "tests.counting.test_open_metrics"
    named = (f"{here}.{name}" for name in ("DECLARED", "FAMILIES", "made_by_users"))
    monkeypatch.setattr(config, "metrics", (*config.metrics, *named))
    declarations._handed_up.cache_clear()
    yield
    monkeypatch.undo()
    declarations._handed_up.cache_clear()


class World:
    """top(left(inner), right) with people, an article and figures; a transfer, a move, a change of status."""

    def __init__(self) -> None:
        self.top = make_unit("top")
        self.left, self.right = make_unit("left", self.top), make_unit("right", self.top)
        self.inner = make_unit("inner", self.left)
        self.articles = [Source.objects.create(number=number, title=f"文{number}") for number in (1, 2)]
        self.report(self.inner, 0, 3, 10)
        self.report(self.inner, 1, 5, 7)
        self.report(self.right, 0, 5, 20)
        campaign = make_campaign()
        branch = make_organization(self.inner, campaign=campaign)
        team = make_organization(self.right, "commando_team")
        one, other = (
            make_person("张三", self.left),
            make_person("李四", self.left, political_status="activist"),
        )
        assign(branch, one, role="secretary")
        ended = assign(team, one)
        assign(branch, other)
        change_political_status(actor=ACTOR, person=other, status="probationary_member", on=day(6))
        end_assignment(actor=ACTOR, assignment=ended, on=day(7))
        transfer_organization(actor=ACTOR, organization=branch, unit=self.right, on=day(8), reason="测试")
        move_unit(actor=ACTOR, unit=self.inner, superior=self.right, on=day(9), reason="测试")

    def report(self, unit: Unit, article: int, on: int, number: int) -> Figure:
        """Do as an operation of the app would: write the row, say whose it is."""
        source = self.articles[article]
        with following(rows=[source]):
            return Figure.objects.create(
                source=source,
                unit=unit,
                code=f"F{Figure.objects.count()}",
                metric=f"article.{source.number}",
                label="x",
                value=str(number),
                number=number,
                as_of=day(on),
            )


def numbers(unit: Unit, on: int, basis: str = "current") -> dict[str, int]:
    """Return the new metrics of the unit with all below it, without zeros."""
    unit.refresh_from_db()
    found = rollup(unit, Question(day(on), basis), metrics=every_metric()).total.counts
    return {slug: number for slug, number in found.items() if number and slug not in BEFORE}


BEFORE = {metric.slug for metric in (*declarations.ORGANIZATION_METRICS, *declarations.PEOPLE_METRICS)}


def test_numbers_of_new_metrics_follow_what_is_written(handed_up: None) -> None:
    world = World()
    assert list(METRICS)[-5:] == [metric.slug for metric in DECLARED]
    assert [metric.slug for metric in every_metric()[-2:]] == ["article.1", "article.2"]
    on_five = {"figures": 3, "articles": 2, "reported_sum": 37, "article.1": 2, "article.2": 1}
    assert numbers(world.top, 5) == {"secretaries": 1, "member_times": 2, **on_five}
    assert numbers(world.left, 5) == {
        **{"secretaries": 1, "member_times": 1, "figures": 2, "articles": 2},
        **{"reported_sum": 17, "article.1": 1, "article.2": 1},
    }
    assert numbers(world.top, 6)["member_times"] == 3
    assert numbers(world.top, 7)["member_times"] == 2
    assert "secretaries" not in numbers(world.left, 8), "the branch has gone to another unit"
    assert numbers(world.left, 9) == {}, "and the unit below, with its figures, too"
    assert numbers(world.right, 9)["reported_sum"] == 37
    assert differences() == []
    fold_counts()
    assert not TotalChange.objects.exists()
    assert differences() == []
    assert numbers(world.right, 9)["reported_sum"] == 37


def test_totals_and_rows_and_lists_agree_on_every_day(handed_up: None) -> None:
    world = World()
    fold_counts()
    world.report(world.left, 1, 4, 5)
    units = [world.top, world.left, world.right, world.inner]
    for unit in units:
        unit.refresh_from_db()
    metrics = every_metric()
    for number in range(12):
        for basis in ("current", "cumulative"):
            question = Question(day(number), basis)
            shape = UnitHierarchy.on(day(number))
            kept = read([unit.pk for unit in units], question, metrics)
            counted = count_buckets(question, {unit.pk: shape.spans(unit) for unit in units}, metrics)
            for unit in units:
                assert kept[unit.pk] == counted[unit.pk].counts, (unit, number, basis)
                for metric in DECLARED:
                    rows = counted_rows(metric, question, unit)
                    if metric.distinct:
                        rows = rows.values(metric.source.owner).distinct()
                    listed = sum(row.number for row in rows) if metric.amount else rows.count()
                    assert listed == kept[unit.pk][metric.slug], (unit, metric.slug, number)


@pytest.mark.parametrize("basis", ["current", "cumulative", "new", "ended"])
def test_a_course_over_days_is_that_of_the_rows(handed_up: None, basis: str) -> None:
    world = World()
    world.top.refresh_from_db()
    question = Question(day(12), basis)
    found = courses(world.top, DECLARED, day(0), day(8), question, (basis,))
    for metric in DECLARED:
        buckets = {world.top.pk: UnitHierarchy.on(day(0)).spans(world.top)}
        expected = from_rows(metric, buckets, day(0), day(8), question)[world.top.pk]
        assert [number for _day, number in found[basis, metric.slug]] == expected, metric.slug
        for number in (4, 5):
            asked = Question(day(number), basis)
            counted = rollup(world.top, asked, metrics=DECLARED).total.counts[metric.slug]
            assert counted == expected[number], (metric.slug, number)


def test_only_what_hangs_on_an_organization_is_on_the_party_line(handed_up: None) -> None:
    world = World()
    branch = make_organization(world.left)
    assign(branch, make_person("王五", world.left), role="secretary")
    line = count_place(branch, Question(day(5)), DECLARED).counts
    assert (line["secretaries"], line["figures"]) == (1, 0)


def test_totals_of_new_metrics_are_made_for_what_is_there_already(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    assert fill_missing() == 0
    config = apps.get_app_config("registry")
    monkeypatch.setattr(config, "metrics", (*config.metrics, "tests.counting.test_open_metrics.DECLARED"))
    declarations._handed_up.cache_clear()
    try:
        assert numbers(world.top, 5) == {}
        assert fill_missing() > 0
        assert numbers(world.top, 5)["reported_sum"] == 37
        assert differences() == []
        assert rebuild(metrics=[METRICS["figures"]]) > 0, "one metric alone can be worked out anew"
        assert differences() == []
    finally:
        monkeypatch.undo()
        declarations._handed_up.cache_clear()


def test_a_row_changed_past_the_operations_is_named_by_the_new_label(handed_up: None) -> None:
    World()
    Figure.objects.filter(number=20).update(number=25)
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("checkcounts", stdout=out)
    assert f"top 自 {date(2020, 2, 6)} 起 现有(全部专项任务):报道数之和 +5\n" in out.getvalue()
    call_command("checkcounts", "--fix", stdout=out)
    assert differences() == []


def test_two_metrics_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    config = apps.get_app_config("registry")
    twice = ("tests.counting.test_open_metrics.DECLARED",) * 2
    monkeypatch.setattr(config, "metrics", twice)
    declarations._handed_up.cache_clear()
    try:
        assert len(METRICS) == len(DECLARED), "the same metric may be named twice"
        twin = Metric("figures", "别的", source=REPORTED)
        monkeypatch.setattr("tests.counting.test_open_metrics.DECLARED", (*DECLARED, twin))
        declarations._handed_up.cache_clear()
        with pytest.raises(ValueError, match="figures"):
            len(METRICS)
    finally:
        monkeypatch.undo()
        declarations._handed_up.cache_clear()
