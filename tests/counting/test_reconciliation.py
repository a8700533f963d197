"""A reported figure beside the registered count, judged by its qualifier."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.counting.reconciliation import Verdict, figures_within, judge, reconcile
from registry.models import Figure, Source, Unit
from registry.operations import organizations, units
from tests.factories import ACTOR, make_organization, make_unit
from tests.operations.checks import day

_numbers = itertools.count(1)


@pytest.mark.parametrize(
    ("qualifier", "reported", "agrees", "differs"),
    [
        ("exact", 18, [18], [17, 19]),
        ("at_least", 800, [800, 801, 5000], [799, 0]),
        ("nearly", 100, [95, 99, 100], [94, 101]),
        ("nearly", 1000, [950, 1000], [949, 1001]),
        ("about", 100, [95, 100, 105], [94, 106]),
        ("about", 140, [133, 147], [132, 148]),
        ("about", 10, [10], [9, 11]),
        ("nearly", 20, [19, 20], [18, 21]),
    ],
)
def test_judged_by_the_qualifier(
    qualifier: str, reported: int, agrees: list[int], differs: list[int]
) -> None:
    assert all(judge(qualifier, reported, registered) for registered in agrees)
    assert not any(judge(qualifier, reported, registered) for registered in differs)


def test_five_percent_is_five_percent_at_every_size() -> None:
    """In whole numbers: 0.95 times something is not always what it should be."""
    for twentieth in range(1, 2000):
        reported = 20 * twentieth
        assert judge("nearly", reported, reported - twentieth)
        assert not judge("nearly", reported, reported - twentieth - 1)
        assert judge("about", reported, reported + twentieth)
        assert not judge("about", reported, reported + twentieth + 1)


def make_figure(unit: Unit | None, number: int | None = 2, **facts: Any) -> Figure:
    mark = next(_numbers)
    source, _ = Source.objects.get_or_create(number=1, defaults={"title": "战疫一线党旗红"})
    return Figure.objects.create(
        **{
            "code": f"F{mark}",
            "source": source,
            "metric": "temporary_branches",
            "label": "临时党支部",
            "value": str(number),
            "number": number,
            "qualifier": "exact",
            "unit": unit,
            "as_of": day(10),
            **facts,
        }
    )


@pytest.fixture
def unit() -> Unit:
    """Two branches stand on day 10; one more was dissolved before."""
    unit = make_unit("unit")
    for _ in range(2):
        make_organization(make_unit(superior=unit))
    gone = make_organization(unit)
    organizations.dissolve_organization(actor=ACTOR, organization=gone, on=day(5), reason="测试")
    unit.refresh_from_db()
    return unit


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("facts", "registered", "verdict"),
    [
        ({}, 2, Verdict.AGREES),
        ({"number": 3}, 2, Verdict.DIFFERS),
        ({"number": 3, "basis": "cumulative"}, 3, Verdict.AGREES),
        ({"number": 3, "as_of": day(4)}, 3, Verdict.AGREES),
        ({"number": 2, "qualifier": "at_least", "basis": "cumulative"}, 3, Verdict.AGREES),
        ({"as_of": None, "earliest": day(1), "latest": day(10)}, 2, Verdict.AGREES),
        ({"as_of": None, "earliest": day(-3), "latest": day(-1)}, 0, Verdict.DIFFERS),
        ({"metric": "donated_money"}, None, Verdict.REPORTED_ONLY),
        ({"is_comparable": False}, None, Verdict.REPORTED_ONLY),
        ({"number": None}, None, Verdict.REPORTED_ONLY),
        ({"as_of": None}, None, Verdict.REPORTED_ONLY),
        ({"unit": None}, None, Verdict.REPORTED_ONLY),
    ],
)
def test_compared_on_the_same_basis_and_day(
    unit: Unit, facts: dict[str, Any], registered: int | None, verdict: Verdict
) -> None:
    figure = make_figure(**{"unit": unit, **facts})
    (comparison,) = reconcile([figure])
    assert (comparison.registered, comparison.verdict) == (registered, verdict)
    assert bool(comparison.explanation) == (verdict != Verdict.AGREES)
    if registered is None or figure.number is None:
        assert comparison.difference is None
    else:
        assert comparison.difference == registered - figure.number


@pytest.mark.django_db
def test_counted_in_the_hierarchy_of_the_day(unit: Unit) -> None:
    child = Unit.objects.filter(parent=unit)[0]
    units.move_unit(actor=ACTOR, unit=child, superior=make_unit("other"), on=day(11), reason="测试")
    before, after = make_figure(unit, 2), make_figure(unit, 1, as_of=day(11))
    assert [each.verdict for each in reconcile(figures_within(Unit.objects.get(pk=unit.pk)))] == [
        Verdict.AGREES
    ] * 2
    assert [figure.day for figure in (before, after)] == [day(10), day(11)]


@pytest.mark.django_db
def test_figures_of_the_units_below_are_listed(unit: Unit) -> None:
    child = Unit.objects.filter(parent=unit)[0]
    mine, below = make_figure(unit), make_figure(child, 1)
    make_figure(make_unit("other"))
    assert set(figures_within(unit)) == {mine, below}


@pytest.mark.django_db
def test_as_many_queries_with_ten_figures_of_a_day_as_with_one(unit: Unit) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            reconcile(figures_within(unit))
        return len(queries)

    make_figure(unit)
    one = cost()
    for number in range(9):
        make_figure(unit, number, metric="pioneer_posts")
    assert cost() == one
