"""A series per day equals the roll-up of each day, also across moves."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.counting.basis import Question
from registry.counting.metrics import METRICS
from registry.counting.rollup import rollup
from registry.counting.series import days_between, series, series_of
from registry.models import Basis, Unit
from registry.models.hierarchy import Span
from registry.operations import organizations, people, units
from tests.counting.recount import Ledger
from tests.factories import ACTOR, assign, make_campaign, make_organization, make_person, make_unit
from tests.operations.checks import day

pytestmark = pytest.mark.django_db


@pytest.fixture
def top() -> Unit:
    return make_unit("top")


def numbers(unit: Unit, slug: str, first: int, last: int, question: Question | None = None) -> list[int]:
    """The series' numbers, after holding each against the roll-up of its day."""
    unit.refresh_from_db()
    question = question or Question(day(last))
    found = series(unit, METRICS[slug], day(first), day(last), question)
    assert [moment for moment, _ in found] == days_between(day(first), day(last))
    for moment, number in found:
        assert rollup(unit, question.on(moment)).total.counts[slug] == number, moment
    return [number for _, number in found]


@pytest.mark.parametrize(
    ("basis", "expected"),
    [
        ("current", [0, 1, 1, 2, 1, 1]),
        ("cumulative", [0, 1, 1, 2, 2, 2]),
        ("new", [0, 1, 0, 1, 0, 0]),
        ("ended", [0, 0, 0, 0, 1, 0]),
    ],
)
def test_each_basis(top: Unit, basis: str, expected: list[int]) -> None:
    first = make_organization(top, established_on=day(1))
    assign(first, make_person(unit=top), started_on=day(1))
    second = make_organization(top, established_on=day(3))
    assign(second, make_person(unit=top), started_on=day(3))
    organizations.dissolve_organization(actor=ACTOR, organization=first, on=day(4), reason="测试")
    for slug in ("temporary_branches", "frontline_people", "frontline_assignments"):
        assert numbers(top, slug, 0, 5, Question(day(5), basis)) == expected


def test_across_moves_and_transfers(top: Unit) -> None:
    old, new = make_unit("old", top), make_unit("new", top)
    unit = make_unit("unit", old)
    organization = make_organization(unit)
    assign(organization, make_person(unit=top))
    units.move_unit(actor=ACTOR, unit=unit, superior=new, on=day(3), reason="测试")
    organizations.transfer_organization(
        actor=ACTOR, organization=organization, unit=old, on=day(6), reason="测试"
    )
    for slug in ("temporary_branches", "frontline_people"):
        assert numbers(old, slug, 0, 7) == [1, 1, 1, 0, 0, 0, 1, 1]
        assert numbers(new, slug, 0, 7) == [0, 0, 0, 1, 1, 1, 0, 0]
        assert numbers(top, slug, 0, 7) == [1] * 8


def test_somebody_in_two_organizations_is_one_person_on_each_day(top: Unit) -> None:
    person = make_person(unit=top)
    assign(make_organization(top), person, started_on=day(1), ended_on=day(4))
    assign(make_organization(top), person, started_on=day(3), ended_on=day(6))
    assert numbers(top, "frontline_people", 0, 7) == [0, 1, 1, 1, 1, 1, 0, 0]
    assert numbers(top, "frontline_assignments", 0, 7) == [0, 1, 1, 2, 1, 1, 0, 0]
    cumulative = Question(day(7), "cumulative")
    assert numbers(top, "frontline_people", 0, 7, cumulative) == [0, 1, 1, 1, 1, 1, 1, 1]


def test_members_by_the_status_of_each_day(top: Unit) -> None:
    person = make_person(unit=top, political_status="activist")
    assign(make_organization(top), person)
    for status, on in (("probationary_member", 2), ("full_member", 4), ("masses", 6)):
        people.change_political_status(actor=ACTOR, person=person, status=status, on=day(on))
    assert numbers(top, "frontline_party_members", 0, 7) == [0, 0, 1, 1, 1, 1, 0, 0]


def test_by_campaign(top: Unit) -> None:
    campaign = make_campaign()
    assign(make_organization(top, campaign=campaign), make_person(unit=top))
    assign(make_organization(top), make_person(unit=top))
    for slug in ("temporary_branches", "frontline_people"):
        assert numbers(top, slug, 0, 1, Question(day(1), campaign=campaign)) == [1, 1]
        assert numbers(top, slug, 0, 1) == [2, 2]


def test_a_long_series_costs_no_more_than_a_short_one(top: Unit) -> None:
    make_organization(top)

    def cost(last: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            series(top, METRICS["temporary_branches"], day(0), day(last), Question(day(last)))
        return len(queries)

    assert cost(1) == cost(90) == 1


# --- Many units at once ---------------------------------------------------------------------------


def scope_without(*units: Unit) -> tuple[Span, ...]:
    """The scope of a user who sees everything in the tree but these units."""
    for unit in units:
        unit.refresh_from_db()
    edges = sorted((unit.lft, unit.rght) for unit in units)
    starts, ends = [1, *(rght + 1 for _, rght in edges)], [*(lft - 1 for lft, _ in edges), 10_000]
    return tuple(Span(units[0].tree_id, lo, hi) for lo, hi in zip(starts, ends, strict=True) if lo <= hi)


@pytest.mark.parametrize("basis", Basis.values)
@pytest.mark.parametrize("is_cut", [False, True], ids=["all", "cut"])
def test_many_units_at_once_are_each_as_alone_and_as_recounted(top: Unit, basis: str, is_cut: bool) -> None:
    """Also where a unit moved, and where the scope cuts through one of them, so that no totals answer."""
    left, right = make_unit("left", top), make_unit("right", top)
    station, hidden = make_unit("station", left), make_unit("hidden", left)
    stays = make_organization(station, established_on=day(1))
    gone = make_organization(left, "pioneer_post", established_on=day(2))
    person = make_person(unit=top)
    for placed in (stays, gone, make_organization(hidden), make_organization(right)):
        assign(placed, person, started_on=day(3))
    units.move_unit(actor=ACTOR, unit=station, superior=right, on=day(5), reason="测试")
    organizations.dissolve_organization(actor=ACTOR, organization=gone, on=day(7), reason="测试")
    for unit in (top, left, right):
        unit.refresh_from_db()
    scope = scope_without(hidden) if is_cut else None
    question = Question(day(8), basis, scope=scope)
    ledger, days = Ledger(), days_between(day(0), day(8))
    counted = {moment: ledger.count(basis, moment)[0] for moment in days if not is_cut}
    for slug in ("temporary_branches", "frontline_people"):
        found = series_of([top, left, right], METRICS[slug], day(0), day(8), question)
        for unit in (top, left, right):
            assert found[unit.pk] == series(unit, METRICS[slug], day(0), day(8), question)
            if not is_cut:
                assert found[unit.pk] == [(moment, counted[moment][unit.pk][slug]) for moment in counted]
                continue
            for moment in (day(3), day(5)):  # when most begins, and when the station moves
                number = rollup(unit, question.on(moment)).total.counts[slug]
                assert dict(found[unit.pk])[moment] == number, (slug, unit, moment)


@pytest.mark.parametrize("basis", ["current", "new"])
def test_three_children_cost_as_many_queries_as_one(top: Unit, basis: str) -> None:
    children = [make_unit(f"child{number}", top) for number in range(3)]
    for child in children:
        make_organization(child)

    def cost(number: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            asked = Question(day(30), basis)
            found = series_of(children[:number], METRICS["temporary_branches"], day(0), day(30), asked)
        assert len(found) == number
        return len(queries)

    assert cost(1) == cost(3) == (1 if basis == "current" else 2)
