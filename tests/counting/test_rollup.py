"""Roll-ups by examples that can be counted on the fingers; ``tests/test_properties.py`` does the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.counting.basis import Question, assignment_rows, organization_rows, people_rows
from registry.counting.metrics import METRICS, OrganizationMetric, measured
from registry.counting.rollup import count_place, count_units, no_counts, rollup
from registry.counting.totals.check import differences
from registry.models import Organization, Unit
from registry.models.hierarchy import UnitHierarchy
from registry.models.kinds import PENDING_STATES
from registry.operations import assignments, organizations, people, units
from tests.counting.recount import ORGANIZATION_SLUGS, PEOPLE_SLUGS
from tests.factories import ACTOR, assign, make_campaign, make_organization, make_person, make_unit
from tests.operations.checks import day

pytestmark = pytest.mark.django_db


@pytest.fixture
def top() -> Unit:
    return make_unit("top")


def ask(number: int = 10, basis: str = "current", **given: Any) -> Question:
    return Question(day(number), basis, **given)


def counts(unit: Unit, question: Question) -> dict[str, int]:
    """What is not zero for a unit with all below it."""
    unit.refresh_from_db()
    return {slug: number for slug, number in rollup(unit, question).total.counts.items() if number}


def by_child(unit: Unit, question: Question, slug: str) -> dict[str, int]:
    unit.refresh_from_db()
    return {line.unit.code: line.counts[slug] for line in rollup(unit, question).children}


def dissolve(organization: Organization, on: int) -> None:
    organizations.dissolve_organization(actor=ACTOR, organization=organization, on=day(on), reason="测试")


# What is counted as what


def test_every_metric_that_was_promised_is_counted() -> None:
    assert list(METRICS) == [*ORGANIZATION_SLUGS, *PEOPLE_SLUGS]
    assert list(no_counts()) == list(METRICS)
    assert measured(METRICS["frontline_people"]) == "人数"
    assert measured(METRICS["frontline_assignments"]) == "人次"
    assert measured(METRICS["commando_teams"]) == "支"


@pytest.mark.parametrize(
    ("kind", "is_temporary", "slugs"),
    [
        ("committee", True, {"temporary_committees", "temporary_party_orgs"}),
        ("general_branch", True, {"temporary_general_branches", "temporary_party_orgs"}),
        ("branch", True, {"temporary_branches", "temporary_party_orgs"}),
        ("joint_branch", True, {"temporary_joint_branches", "temporary_party_orgs"}),
        ("group", True, {"temporary_groups"}),
        ("branch", False, {"standing_party_orgs"}),
        ("joint_branch", False, {"standing_party_orgs"}),
        ("committee", False, {"standing_party_orgs"}),
        ("group", False, set()),
        ("pioneer_post", False, {"pioneer_posts"}),
        ("pioneer_team", False, {"pioneer_teams", "pioneer_and_commando_teams"}),
        ("commando_team", False, {"commando_teams", "pioneer_and_commando_teams"}),
        ("task_force", False, {"task_forces"}),
        ("work_group", False, {"work_groups"}),
        ("leading_group", False, {"leading_groups"}),
    ],
)
def test_each_kind_counts_as(top: Unit, kind: str, is_temporary: bool, slugs: set[str]) -> None:
    make_organization(top, kind, is_temporary=is_temporary)
    assert counts(top, ask()) == dict.fromkeys(slugs, 1)


def test_people_and_person_times(top: Unit) -> None:
    officer = make_person("甲", top)
    auxiliary = make_person("乙", top, category="auxiliary", political_status="probationary_member")
    outsider = make_person("丙", top, political_status="activist")
    branch, team = make_organization(top), make_organization(top, "commando_team")
    standing = make_organization(top, "branch", is_temporary=False)
    assign(branch, officer)
    assign(team, officer)
    assign(team, auxiliary)
    assign(branch, outsider)
    assign(standing, make_person("丁", top))
    found = counts(top, ask())
    assert {slug: found.get(slug, 0) for slug in PEOPLE_SLUGS} == {
        "team_members": 2,
        "frontline_people": 3,
        "frontline_assignments": 4,
        "frontline_party_members": 2,
        "frontline_auxiliaries": 1,
        "frontline_reinforcements": 0,
        "formal_members": 3,
    }


def test_who_came_down_from_an_office_is_told_by_home_and_host_of_the_day(top: Unit) -> None:
    office, post = make_unit("office", top, kind="division"), make_unit("post", top, kind="checkpoint")
    station = make_unit("station", top, kind="station")
    clerk, constable = make_person("甲", office), make_person("乙", station)
    chief, stays = make_person("丙", top), make_person("丁", office)
    branch = make_organization(post)
    for person in (clerk, constable, chief):
        assign(branch, person)
    assign(make_organization(office, "work_group"), stays)
    slug = "frontline_reinforcements"
    assert by_child(top, ask(), slug) == {"office": 0, "post": 2, "station": 0}
    assert counts(top, ask())[slug] == 2, "that of the constable is help among stations"
    people.transfer_person(actor=ACTOR, person=clerk, home_unit=station, on=day(5), reason="调动")
    assert [counts(top, ask(number))[slug] for number in (4, 5)] == [2, 1]
    organizations.transfer_organization(
        actor=ACTOR, organization=branch, unit=office, on=day(8), reason="收队"
    )
    assert [counts(top, ask(number)).get(slug) for number in (7, 8)] == [1, None]
    units.edit_unit(actor=ACTOR, unit=station, changes={"kind": "division"})
    units.edit_unit(actor=ACTOR, unit=office, changes={"kind": "squadron"})
    assert counts(top, ask(8))[slug] == 3, "the kinds of both units decide, as they are now"
    assert differences() == []


def test_somebody_at_two_children_is_one_person_above(top: Unit) -> None:
    person = make_person(unit=top)
    for code in ("a", "b"):
        assign(make_organization(make_unit(code, top)), person)
    assert by_child(top, ask(), "frontline_people") == {"a": 1, "b": 1}
    found = counts(top, ask())
    assert (found["frontline_people"], found["frontline_assignments"]) == (1, 2)


# Bases and their edges


@pytest.mark.parametrize(
    ("basis", "since", "numbers"),
    [
        # established on day 2, dissolved on day 5
        ("current", None, {1: 0, 2: 1, 4: 1, 5: 0, 6: 0}),
        ("cumulative", None, {1: 0, 2: 1, 5: 1, 9: 1}),
        ("new", None, {1: 0, 2: 1, 3: 0, 5: 0}),
        ("new", 1, {1: 0, 2: 1, 9: 1}),
        ("new", 2, {2: 1, 9: 1}),
        ("new", 3, {3: 0, 9: 0}),
        ("ended", None, {4: 0, 5: 1, 6: 0}),
        ("ended", 5, {5: 1, 9: 1}),
        ("ended", 6, {9: 0}),
        ("ended", 1, {4: 0, 5: 1}),
    ],
)
def test_each_basis_on_each_edge(top: Unit, basis: str, since: int | None, numbers: dict[int, int]) -> None:
    organization = make_organization(top, established_on=day(2))
    assign(organization, make_person(unit=top), started_on=day(2))
    dissolve(organization, 5)
    for number, expected in numbers.items():
        found = rollup(top, ask(number, basis, since=day(since) if since else None)).total.counts
        for slug in ("temporary_branches", "frontline_people", "frontline_assignments"):
            assert found[slug] == expected, (number, slug)


def test_what_is_founded_and_dissolved_on_one_day_stood_on_none(top: Unit) -> None:
    dissolve(make_organization(top, established_on=day(3)), 3)
    expected = {"current": 0, "cumulative": 1, "new": 1, "ended": 1}
    for basis, number in expected.items():
        assert rollup(top, ask(3, basis)).total.counts["temporary_branches"] == number


def test_the_political_status_is_that_of_the_day(top: Unit) -> None:
    person = make_person(unit=top, political_status="activist")
    assign(make_organization(top), person)
    people.change_political_status(actor=ACTOR, person=person, status="probationary_member", on=day(5))
    found = [rollup(top, ask(number)).total.counts["frontline_party_members"] for number in (4, 5)]
    assert found == [0, 1]


def test_a_withdrawn_assignment_counts_on_no_day(top: Unit) -> None:
    assignment = assign(make_organization(top), make_person(unit=top))
    assignments.withdraw_assignment(actor=ACTOR, assignment=assignment, reason="误录")
    for basis in ("current", "cumulative", "new"):
        assert rollup(top, ask(0, basis)).total.counts["frontline_assignments"] == 0


# What is not approved


def test_what_is_not_approved_is_shown_beside(top: Unit) -> None:
    below = make_unit("below", top)
    for state in (*PENDING_STATES, "approved"):
        assign(make_organization(below, state=state), make_person(unit=top))
    mistake = make_organization(below)
    organizations.withdraw_organization(actor=ACTOR, organization=mistake, reason="误录")
    top.refresh_from_db()
    found = rollup(top, ask())
    for line in (found.total, found.children[0]):
        assert line.counts["temporary_branches"] == 1
        assert line.pending["temporary_branches"] == 3
        assert line.counts["frontline_people"] == 1
    metric = METRICS["temporary_branches"]
    assert isinstance(metric, OrganizationMetric)
    assert organization_rows(metric, ask(), top, PENDING_STATES).count() == 3


# Where it is counted


def test_own_and_children_make_the_whole(top: Unit) -> None:
    a = make_unit("a", top)
    for unit in (top, a, make_unit("aa", a), make_unit("b", top)):
        make_organization(unit)
    top.refresh_from_db()
    found = rollup(top, ask())
    slug = "temporary_branches"
    assert (found.total.counts[slug], found.own.counts[slug]) == (4, 1)
    assert by_child(top, ask(), slug) == {"a": 2, "b": 1}
    assert not rollup(top, ask(), children=False).children
    assert found.total == count_units([top], ask())[top.pk]
    assert found.total == count_place(UnitHierarchy.on(day(10)).spans(top), ask())


def test_a_transfer_leaves_the_past_where_it_was(top: Unit) -> None:
    old, new = make_unit("old", top), make_unit("new", top)
    organization = make_organization(old)
    assign(organization, make_person(unit=top))
    organizations.transfer_organization(
        actor=ACTOR, organization=organization, unit=new, on=day(5), reason="测试"
    )
    for slug in ("temporary_branches", "frontline_people"):
        assert by_child(top, ask(4), slug) == {"old": 1, "new": 0}
        assert by_child(top, ask(5), slug) == {"old": 0, "new": 1}
        assert by_child(top, ask(5, "cumulative"), slug) == {"old": 0, "new": 1}


def test_a_moved_unit_leaves_the_past_where_it_was(top: Unit) -> None:
    old, new = make_unit("old", top), make_unit("new", top)
    unit = make_unit("unit", old)
    make_organization(make_unit("below", unit))
    units.move_unit(actor=ACTOR, unit=unit, superior=new, on=day(5), reason="测试")
    slug = "temporary_branches"
    assert by_child(top, ask(4), slug) == {"old": 1, "new": 0}
    assert by_child(top, ask(5), slug) == {"old": 0, "new": 1}
    assert by_child(old, ask(4), slug) == {"unit": 1}
    assert by_child(old, ask(5), slug) == {}
    assert by_child(new, ask(4), slug) == {}


def test_moves_in_both_directions_and_inside_each_other(top: Unit) -> None:
    """What was moved, out of something that was moved, into what was below it before."""
    a = make_unit("a", top)
    b = make_unit("b", a)
    c = make_unit("c", b)
    for unit in (a, b, c):
        make_organization(unit)
    units.move_unit(actor=ACTOR, unit=c, superior=top, on=day(3), reason="测试")
    units.move_unit(actor=ACTOR, unit=a, superior=c, on=day(6), reason="测试")
    expected = {2: (3, 2, 1), 3: (2, 1, 1), 5: (2, 1, 1), 6: (2, 1, 3)}
    for number, numbers in expected.items():
        for unit, expect in zip((a, b, c), numbers, strict=True):
            assert counts(unit, ask(number)) == {"temporary_branches": expect, "temporary_party_orgs": expect}
        assert [each.code for each in UnitHierarchy.on(day(number)).path(Unit.objects.get(code="b"))] == (
            ["top", "a", "b"] if number < 6 else ["top", "c", "a", "b"]
        )


def test_a_merger_of_many_is_one_interval(top: Unit) -> None:
    """The conditions of a past day stay short however many units went over (SQLite knows a limit)."""
    old, into = make_unit("old", top), make_unit("into", top)
    for number in range(12):
        make_organization(make_unit(f"c{number}", old))
    units.merge_unit(actor=ACTOR, unit=old, into=into, on=day(5), reason="并")
    for unit in (old, into):
        unit.refresh_from_db()
    shape = UnitHierarchy.on(day(4))
    assert len(shape.spans(old)) == 2
    assert len(shape.spans(into)) <= 2
    assert counts(old, ask(4))["temporary_branches"] == 12
    assert counts(into, ask(4)) == {}


def test_a_closed_child_is_shown_while_something_counts_there(top: Unit) -> None:
    child = make_unit("child", top, opened_on=day(1))
    organization = make_organization(child, established_on=day(2))
    dissolve(organization, 4)
    units.close_unit(actor=ACTOR, unit=child, on=day(4), reason="撤")
    slug = "temporary_branches"
    assert by_child(top, ask(0), slug) == {}
    assert by_child(top, ask(3), slug) == {"child": 1}
    assert by_child(top, ask(4), slug) == {}
    assert by_child(top, ask(4, "cumulative"), slug) == {"child": 1}


def test_by_campaign(top: Unit) -> None:
    campaign, other = make_campaign("yiqing"), make_campaign("fangxun")
    for each in (campaign, campaign, other, None):
        assign(make_organization(top, campaign=each), make_person(unit=top))
    for each, number in ((campaign, 2), (other, 1), (None, 4)):
        found = rollup(top, ask(campaign=each)).total.counts
        assert (found["temporary_branches"], found["frontline_people"]) == (number, number)


def test_by_party_line(top: Unit) -> None:
    """德城分局's temporary branch answers to the headquarters' general branch, and stands at 德城分局."""
    headquarters, decheng = make_unit("headquarters", top), make_unit("decheng", top)
    general = make_organization(headquarters, "general_branch")
    branch = make_organization(decheng, "branch", parent=general)
    assign(branch, make_person(unit=top))
    make_organization(decheng, "group", parent=branch, state="draft")
    general.refresh_from_db()
    line = count_place(general, ask())
    assert (line.counts["temporary_branches"], line.counts["temporary_general_branches"]) == (1, 1)
    assert (line.counts["frontline_people"], line.pending["temporary_groups"]) == (1, 1)
    assert by_child(top, ask(), "temporary_branches") == {"headquarters": 0, "decheng": 1}
    assert list(organization_rows(METRICS["temporary_branches"], ask(), general)) == [branch]  # type: ignore[arg-type]


def test_the_rows_behind_a_number(top: Unit) -> None:
    person, unit = make_person(unit=top), make_unit("unit", top)
    rows = [assign(make_organization(unit), person) for _ in range(2)]
    top.refresh_from_db()
    assert list(people_rows(METRICS["frontline_people"], ask(), top)) == [person]  # type: ignore[arg-type]
    found = assignment_rows(METRICS["frontline_assignments"], ask(), top)  # type: ignore[arg-type]
    assert set(found) == set(rows)
    assert organization_rows(None, ask(), top).count() == 2


# What it costs


def cost(unit: Unit, question: Question) -> int:
    unit.refresh_from_db()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        rollup(unit, question)
    return len(queries)


def test_as_many_queries_with_one_child_as_with_thirty(top: Unit) -> None:
    def grow(number: int) -> None:
        child = make_unit(f"child-{number}", top)
        assign(make_organization(child), make_person(unit=child))

    grow(0)
    asked = [replace(ask(), basis=basis) for basis in ("current", "cumulative", "new", "ended")]
    one = [cost(top, question) for question in asked]
    for number in range(1, 30):
        grow(number)
    # The moves, the children; the totals; who is at the unit itself: placed and at home. Of a period the
    # roots, and three counts from the rows for the totals, three for the unit itself.
    assert [cost(top, question) for question in asked] == one == [4, 4, 9, 9]


def test_a_day_before_moves_costs_one_query_more(top: Unit) -> None:
    """Those that were below the unit then, however many moved."""
    other = make_unit("other")
    for number in range(3):
        unit = make_unit(f"moved-{number}", top)
        units.move_unit(actor=ACTOR, unit=unit, superior=other, on=day(5), reason="测试")
        assert (cost(top, ask(5)), cost(top, ask(4))) == (4, 5)


def test_a_thousand_children(top: Unit) -> None:
    """SQLite's limits on statements are not met."""
    rows = [
        Unit(
            code=f"c{number}",
            name=f"{number}",
            kind="station",
            parent=top,
            tree_id=top.tree_id,
            lft=2 + 2 * number,
            rght=3 + 2 * number,
            level=1,
        )
        for number in range(1200)
    ]
    Unit._base_manager.bulk_create(rows)
    Unit._base_manager.filter(pk=top.pk).update(rght=2 + 2 * 1200)
    make_organization(Unit.objects.get(code="c7"))
    assert sum(by_child(top, ask(), "temporary_branches").values()) == 1


def test_today_is_the_last_hierarchy(top: Unit) -> None:
    assert UnitHierarchy.on(date.max).is_todays
