"""The totals after each kind of change: exact on every day, distinct people included."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.counting.basis import Question
from registry.counting.metrics import METRICS
from registry.counting.rollup import count_buckets
from registry.counting.totals import check, tables
from registry.counting.totals import read as reading
from registry.counting.totals.check import differences
from registry.counting.totals.fold import fold_counts
from registry.counting.totals.many import following_many
from registry.models import AuditEntry, Organization, Total, TotalChange, Unit
from registry.models.hierarchy import UnitHierarchy
from registry.operations.approving import approve_organization, return_organization
from registry.operations.assignments import assign_people, end_assignment, withdraw_assignment
from registry.operations.organizations import (
    dissolve_organization,
    edit_organization,
    transfer_organization,
    withdraw_organization,
)
from registry.operations.people import change_political_status, edit_person
from registry.operations.take_back import take_back
from registry.operations.units import merge_unit, move_unit
from tests.factories import ACTOR, DAY, assign, make_campaign, make_organization, make_person, make_unit

pytestmark = pytest.mark.django_db


def day(number: int) -> date:
    """1 February 2020 and so many days."""
    return DAY + timedelta(days=number)


def count(unit: Unit, metric: str, *days: int, basis: str = "current", campaign=None) -> list[int]:
    """Return the metric of the unit on the days, as the totals have it now."""
    return [
        reading.read([unit.pk], Question(day(number), basis, campaign=campaign), [*METRICS.values()])[
            unit.pk
        ][metric]
        for number in days
    ]


def both(unit: Unit, metric: str, on: int) -> tuple[int, int]:
    """Return the metric on the day as the totals have it: approved, and not."""
    metrics = [METRICS[metric]]
    approved, pending = reading.read_with_pending([unit.pk], Question(day(on)), metrics)[unit.pk]
    return approved[metric], pending[metric]


@pytest.fixture
def country():
    """top(left(inner), right)"""
    top = make_unit("top")
    left, right = make_unit("left", top), make_unit("right", top)
    return top, left, right, make_unit("inner", left)


@pytest.fixture(params=["appended", "folded"])
def settled(request):
    """Fold after each step, or never: the numbers are the same."""
    return fold_counts if request.param == "folded" else lambda: 0


def test_one_person_in_three_places_is_one_person_until_the_last_ends(country, settled):
    top, left, right, inner = country
    person = make_person(unit=inner)
    held = [assign(make_organization(unit), person) for unit in (left, right, inner)]
    settled()
    assert count(top, "frontline_people", -1, 0, 30) == [0, 1, 1]
    assert count(top, "frontline_assignments", 0) == [3]
    assert count(left, "frontline_people", 0) == [1]
    end_assignment(actor=ACTOR, assignment=held[0], on=day(5))
    end_assignment(actor=ACTOR, assignment=held[1], on=day(7))
    settled()
    assert count(left, "frontline_people", 4, 5) == [1, 1]
    assert count(right, "frontline_people", 6, 7) == [1, 0]
    end_assignment(actor=ACTOR, assignment=held[2], on=day(9))
    settled()
    assert count(top, "frontline_people", 8, 9) == [1, 0]
    assert count(top, "frontline_people", 9, basis="cumulative") == [1]
    withdraw_assignment(actor=ACTOR, assignment=held[2], reason="测试")
    assert count(top, "frontline_people", 6, 7) == [1, 0]
    assert count(inner, "frontline_people", 9, basis="cumulative") == [0]
    assert differences() == []


def test_what_is_not_approved_is_kept_beside_and_crosses_over_with_its_approval(country, settled):
    top, left, right, _inner = country
    person = make_person(unit=left)
    assign(make_organization(left), person)
    entered = make_organization(right, state="submitted")
    for placed in (person, make_person(unit=right)):
        assign(entered, placed, started_on=day(3))
    settled()
    assert both(top, "temporary_branches", 5) == (1, 1)
    assert [both(top, "frontline_people", on) for on in (2, 3)] == [(1, 0), (1, 2)], (
        "one person stands in both"
    )
    assert [both(unit, "frontline_people", 3) for unit in (left, right)] == [(1, 0), (0, 2)]
    return_organization(actor=ACTOR, organization=entered, reason="补正")
    settled()
    assert both(top, "frontline_people", 3) == (1, 2)
    assert differences() == []
    again = make_organization(right, state="submitted")
    assign(again, person)
    approve_organization(actor=ACTOR, organization=again)
    withdraw_organization(actor=ACTOR, organization=entered, reason="误录")
    settled()
    assert both(top, "frontline_people", 3) == (1, 0)
    assert both(right, "temporary_branches", 3) == (1, 0)
    assert differences() == []


def test_days_within_longer_days_count_once_and_team_days_for_themselves(country, settled):
    top, left, right, _inner = country
    person = make_person(unit=left)
    assign(make_organization(left), person, ended_on=day(20))
    settled()
    assign(make_organization(right, "commando_team"), person, started_on=day(5), ended_on=day(8))
    settled()
    assert count(top, "frontline_people", 4, 5, 8, 19, 20) == [1, 1, 1, 1, 0]
    assert count(top, "frontline_party_members", 4, 5, 8, 19, 20) == [1, 1, 1, 1, 0]
    assert count(top, "frontline_assignments", 4, 5, 8, 20) == [1, 2, 1, 0]
    assert count(top, "team_members", 4, 5, 7, 8) == [0, 1, 1, 0]
    assert differences() == []


def test_members_go_where_their_organization_goes(country, settled):
    top, left, right, _inner = country
    team = make_organization(left, "pioneer_team")
    assign(team, make_person(unit=left))
    settled()
    transfer_organization(actor=ACTOR, organization=team, unit=right, on=day(5), reason="测试")
    settled()
    assert count(left, "team_members", 4, 5) == [1, 0]
    assert count(right, "team_members", 4, 5) == [0, 1]
    withdraw_organization(actor=ACTOR, organization=team, reason="误录")
    assert count(top, "team_members", 4, 5) == [0, 0]
    assert differences() == []


def test_a_move_leaves_the_days_before_it_with_the_old_superior(country, settled):
    top, left, right, inner = country
    branch = make_organization(inner)
    assign_people(
        actor=ACTOR,
        organization=branch,
        members=[(make_person(unit=inner), "member") for _ in range(3)],
        started_on=day(0),
    )
    settled()
    move_unit(actor=ACTOR, unit=inner, superior=right, on=day(10), reason="测试")
    settled()
    assert count(left, "frontline_people", 9, 10) == [3, 0]
    assert count(right, "frontline_people", 9, 10) == [0, 3]
    assert count(top, "frontline_people", 0, 9, 10, 20) == [3, 3, 3, 3]
    assert count(left, "temporary_branches", 10, basis="cumulative") == [0]
    assert count(inner, "temporary_branches", 9, 10) == [1, 1]
    assert differences() == []


def test_a_merger_takes_over_what_stands_and_leaves_what_ended(country, settled):
    top, left, right, inner = country
    ended, standing = make_organization(inner), make_organization(inner)
    dissolve_organization(actor=ACTOR, organization=ended, on=day(3), reason="测试")
    settled()
    merge_unit(actor=ACTOR, unit=inner, into=right, on=day(10), reason="测试")
    settled()
    assert count(inner, "temporary_branches", 2, 3, 10) == [2, 1, 0]
    assert count(left, "temporary_branches", 2, 9, 10) == [2, 1, 0]
    assert count(right, "temporary_branches", 9, 10) == [0, 1]
    assert count(left, "temporary_branches", 10, basis="cumulative") == [1]
    assert count(top, "temporary_branches", 10) == [1]
    assert Unit.objects.get(pk=inner.pk).closed_on == day(10)
    assert standing.pk
    assert differences() == []


def test_corrections_in_the_past_move_every_day_between(country, settled):
    top, left, right, inner = country
    campaign = make_campaign()
    post = make_organization(inner, "pioneer_post", campaign=campaign, established_on=day(5))
    settled()
    edit_organization(actor=ACTOR, organization=post, changes={"established_on": day(1)}, reason="更正")
    assert count(top, "pioneer_posts", 0, 1, 4, campaign=campaign) == [0, 1, 1]
    settled()
    edit_organization(actor=ACTOR, organization=post, changes={"campaign": None}, reason="更正")
    assert count(top, "pioneer_posts", 1, campaign=campaign) == [0]
    assert count(top, "pioneer_posts", 1) == [1]
    settled()
    transfer_organization(actor=ACTOR, organization=post, unit=right, on=day(3), reason="测试")
    assert count(left, "pioneer_posts", 2, 3) == [1, 0]
    assert count(right, "pioneer_posts", 2, 3) == [0, 1]
    settled()
    withdraw_organization(actor=ACTOR, organization=post, reason="误录")
    assert count(top, "pioneer_posts", 1, 30) == [0, 0]
    assert differences() == []


def test_what_a_person_is_counts_on_the_days_it_holds(country, settled):
    top, left, _right, _inner = country
    person = make_person(unit=left, political_status="activist")
    assign(make_organization(left), person)
    settled()
    change_political_status(actor=ACTOR, person=person, status="probationary_member", on=day(6))
    edit_person(actor=ACTOR, person=person, changes={"category": "auxiliary"})
    settled()
    assert count(top, "frontline_party_members", 5, 6) == [0, 1]
    assert count(top, "frontline_auxiliaries", 0, 6) == [1, 1]
    assert differences() == []


def weeks_from_rows(units: list[Unit], number: int, basis: str, campaign) -> dict[int, dict[str, int]]:
    """Return every metric of the units for the week up to the day, from the rows."""
    asked = Question(day(number), basis, since=day(number - 6), campaign=campaign)
    shape = UnitHierarchy.on(asked.as_of)
    lines = count_buckets(asked, {unit.pk: shape.spans(unit) for unit in units})
    return {pk: line.counts for pk, line in lines.items()}


def test_what_is_new_and_has_ended_in_a_week_is_kept_at_the_top(country, settled):
    top, left, right, inner = country
    campaign = make_campaign()
    again, joins = make_person("张三", inner), make_person("李四", inner, political_status="activist")
    first = make_organization(left, campaign=campaign)
    second = make_organization(inner, "commando_team", campaign=campaign)
    third = make_organization(right, established_on=day(2))
    early = assign(first, again)
    assign(second, joins)
    settled()
    end_assignment(actor=ACTOR, assignment=early, on=day(3))
    assign(third, again, started_on=day(4))
    assign(second, again, started_on=day(5))
    change_political_status(actor=ACTOR, person=joins, status="probationary_member", on=day(3))
    settled()
    transfer_organization(actor=ACTOR, organization=second, unit=right, on=day(6), reason="转隶")
    move_unit(actor=ACTOR, unit=inner, superior=right, on=day(7), reason="隶属调整")
    dissolve_organization(actor=ACTOR, organization=third, on=day(9), reason="完成")
    settled()
    everywhere, seen = [top, left, right], set()
    for unit in everywhere:
        unit.refresh_from_db()
    for number in range(-1, 18):
        for basis in ("new", "ended"):
            for chosen in (None, campaign):
                asked = Question(day(number), basis, since=day(number - 6), campaign=chosen)
                assert reading.answers(asked, units=everywhere)
                found = reading.read([unit.pk for unit in everywhere], asked, [*METRICS.values()])
                assert found == weeks_from_rows(everywhere, number, basis, chosen), (number, basis, chosen)
                seen.add(found[top.pk]["frontline_people"])
    assert seen == {0, 1, 2}, "somebody who began twice in a week is one person"
    assert differences() == []


def test_a_unit_that_comes_to_the_top_or_leaves_it_takes_its_weeks_along(country, settled):
    top, _left, _right, inner = country
    organization = make_organization(inner)
    assign(organization, make_person(unit=inner), started_on=day(1))
    assert not Total.objects.filter(unit=inner, metric__contains=":").exists()
    settled()
    move_unit(actor=ACTOR, unit=inner, superior=top, on=day(3), reason="隶属调整")
    settled()
    inner.refresh_from_db()
    for number in range(10):
        asked = Question(day(number), "new", since=day(number - 6))
        assert reading.answers(asked, units=[inner])
        found = reading.read([inner.pk], asked, [*METRICS.values()])
        assert found == weeks_from_rows([inner], number, "new", None)
    take_back(actor=ACTOR, entry=AuditEntry.objects.filter(verb="move_unit").latest("pk"), reason="误操作")
    fold_counts()
    assert not Total.objects.filter(unit=inner, metric__contains=":").exists()
    assert differences() == []


@pytest.mark.parametrize(
    ("since", "basis", "answers"), [(-6, "new", True), (-6, "ended", True), (-5, "new", False)]
)
def test_other_periods_and_units_further_down_are_counted_from_the_rows(country, since, basis, answers):
    top, left, _right, inner = country
    asked = Question(day(0), basis, since=day(since))
    assert reading.answers(asked, units=[top, left]) is answers
    assert not reading.answers(asked, units=[top, left, inner])
    assert not reading.answers(asked), "on other days the unit may have stood elsewhere"


def test_a_change_appends_a_row_for_each_unit_above_and_costs_no_more_queries():
    def cost(unit: Unit) -> tuple[int, int]:
        branch, person = make_organization(unit), make_person(unit=unit)
        before = TotalChange.objects.count()
        with CaptureQueriesContext(connection) as queries:
            assign(branch, person)
        return TotalChange.objects.count() - before, len(queries)

    unit = make_unit()
    rows, queries = cost(unit)
    assert rows == 12, (
        "people, person-times, Party members of one unit: 现有, 累计, the week's first and last day"
    )
    for _ in range(5):
        unit = make_unit(superior=unit)
    assert cost(unit) == (48, queries), "and of the five above it, of which one is at the top, too"


def test_many_people_at_once_are_as_right_as_few(country, monkeypatch):
    top, left, right, inner = country
    monkeypatch.setattr(tables, "FEW", 3)
    monkeypatch.setattr(check, "PIECE", 4)
    people = [make_person(unit=inner) for _ in range(10)]
    branch = make_organization(inner)
    assign_people(
        actor=ACTOR,
        organization=branch,
        members=[(person, "member") for person in people],
        started_on=day(0),
    )
    move_unit(actor=ACTOR, unit=inner, superior=right, on=day(2), reason="测试")
    assert count(left, "frontline_people", 1, 2) == [10, 0]
    assert differences() == []
    assert differences([left.pk, right.pk]) == []
    numbers = reading.read([unit.pk for unit in country], Question(day(2)), [*METRICS.values()])
    check.rebuild()
    assert not TotalChange.objects.exists()
    assert reading.read([unit.pk for unit in country], Question(day(2)), [*METRICS.values()]) == numbers
    assert numbers[top.pk]["frontline_people"] == 10
    assert set(numbers[top.pk]) == set(METRICS)


def test_of_many_organizations_at_once_nobody_need_be_in_one(country):
    top, left, *_others = country
    made = [make_organization(left).pk for _ in range(2)]
    with following_many(made):
        Organization.objects.filter(pk__in=made).update(dissolved_on=day(3))
    assert count(top, "temporary_branches", 2, 3) == [2, 0]
    assert differences() == []
