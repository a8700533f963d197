"""Breaches are judged by the edition of their day and the bureau's own numbers, and counted as listed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from registry.models import Organization, RuleException, RuleSetting, Unit
from registry.operations import organizations, units
from registry.rules.checks import (
    BY_SLUG,
    CHECKS,
    Cites,
    Edition,
    Level,
    Number,
    asking,
    breaches,
    breaching,
    count_breaches,
    organizations_at,
)
from registry.rules.checks.asking import Settings
from tests.factories import ACTOR, make_organization, make_unit
from tests.rules.checks.building import DAY, found, people, statuses

pytestmark = pytest.mark.django_db
LATER = date(2020, 3, 1)


@pytest.fixture
def unit() -> Unit:
    return make_unit("city", name="德州市公安局")


def edition_of(slug: str, organization: Organization, day: date) -> list[str]:
    rows = Organization.objects.filter(pk=organization.pk)
    return [each.edition.citation for each in breaches(rows, day, slugs=[slug])]


@pytest.mark.parametrize(
    ("slug", "first", "citation"),
    [
        ("branch_min_full_members", date(2018, 10, 28), "《中国共产党支部工作条例(试行)》第四条"),
        ("general_branch_size", date(2019, 12, 27), "《中国共产党党和国家机关基层组织工作条例》第五至七条"),
        ("temp_branch_appointed", date(2018, 10, 28), "《中国共产党支部工作条例(试行)》"),
        ("temp_general_branch_size", date(2018, 10, 28), ""),
        ("group_leader", date(2018, 10, 28), "《中国共产党支部工作条例(试行)》第十三条"),
    ],
)
def test_a_check_speaks_from_the_first_day_of_its_edition(
    unit: Unit, slug: str, first: date, citation: str
) -> None:
    kind = {"general_branch_size": "general_branch", "temp_general_branch_size": "general_branch"}
    organization = make_organization(
        unit,
        kind.get(slug, "group" if slug == "group_leader" else "branch"),
        is_temporary="temp" in slug,
        established_on=date(2015, 1, 1),
    )
    assert edition_of(slug, organization, first - timedelta(days=1)) == []
    assert edition_of(slug, organization, first) == [citation]


@pytest.mark.parametrize(
    ("became", "citation"),
    [
        (date(2018, 10, 27), []),
        (date(2018, 10, 28), ["《中国共产党支部工作条例(试行)》"]),
        (date(2026, 5, 10), ["《中国共产党支部工作条例(试行)》"]),
        (date(2026, 5, 11), ["《中国共产党发展党员工作细则(2026年)》第二十二条"]),
    ],
)
def test_what_happened_is_judged_by_the_edition_of_its_day_whenever_it_is_asked(
    unit: Unit, became: date, citation: list[str]
) -> None:
    branch = make_organization(unit, established_on=date(2018, 1, 1))
    [rising] = people(1, unit, placed=branch, start=date(2018, 1, 1))
    statuses(rising, ("probationary_member", became))
    assert edition_of("temp_no_admission", branch, date(2026, 11, 1)) == citation


@pytest.mark.parametrize(
    ("full", "citation"),
    [
        (date(2014, 5, 27), []),
        (date(2014, 5, 28), ["《中国共产党发展党员工作细则(2014年)》"]),
        (date(2026, 5, 10), ["《中国共产党发展党员工作细则(2014年)》"]),
        (date(2026, 5, 11), ["《中国共产党发展党员工作细则(2026年)》第三十一至三十三条"]),
    ],
)
def test_a_probation_is_judged_by_the_edition_of_the_day_of_its_end(
    unit: Unit, full: date, citation: list[str]
) -> None:
    home = make_organization(unit, is_temporary=False, established_on=date(2010, 1, 1))
    [member] = people(1, unit, home=home)
    statuses(member, ("probationary_member", full - timedelta(days=100)), ("full_member", full))
    assert edition_of("join_probation_short", home, date(2026, 11, 1)) == citation


@pytest.mark.parametrize(
    ("day", "citation"),
    [
        (date(2026, 5, 10), "《中国共产党发展党员工作细则(2014年)》"),
        (date(2026, 5, 11), "《中国共产党发展党员工作细则(2026年)》第三十一至三十三条"),
    ],
)
def test_a_state_is_judged_by_the_edition_of_the_day_that_is_asked_about(
    unit: Unit, day: date, citation: str
) -> None:
    home = make_organization(unit, is_temporary=False)
    [rising] = people(1, unit, home=home)
    statuses(rising, ("probationary_member", date(2024, 1, 1)))
    assert edition_of("join_probation", home, day) == [citation]


def test_what_no_published_text_asks_is_a_hint() -> None:
    for check in CHECKS:
        if any(edition.cites == Cites.NONE for edition in check.editions):
            assert check.level == Level.HINT, check.slug
            assert {edition.citation for edition in check.editions} == {""}
    with pytest.raises(ValueError, match="an article stands where it is cited"):
        Edition(DAY, None, "条例", "", Cites.ARTICLE)


def test_editions_of_a_check_follow_each_other_without_a_gap() -> None:
    for check in CHECKS:
        ends = [edition.until for edition in check.editions]
        assert [*ends[:-1], None] == ends
        assert ends[:-1] == [edition.since for edition in check.editions[1:]], check.slug


def test_the_bureau_switches_a_check_off_and_sets_its_number_from_a_day_on(unit: Unit) -> None:
    branch = make_organization(unit)
    people(4, unit, placed=branch)
    slug = "temp_branch_min_full_members"
    RuleSetting.objects.create(slug=slug, thresholds={"least": 5}, since=date(2020, 2, 10))
    RuleSetting.objects.create(slug=slug, is_on=False, since=date(2020, 2, 20))
    days = {9: [], 10: ["编入的正式党员只有 4 人,不足 5 人。"], 20: []}
    assert {day: found(slug, branch, date(2020, 2, day)) for day in days} == days
    assert slug in count_breaches(unit, date(2020, 2, 19)).numbers
    assert slug not in count_breaches(unit, date(2020, 2, 20)).numbers


def grant(organization: Organization, slug: str, start: date, end: date) -> RuleException:
    return RuleException.objects.create(
        slug=slug,
        organization=organization,
        document_number="省公党〔2020〕9号",
        reason="人手不足",
        started_on=start,
        ended_on=end,
    )


def test_an_exception_sets_a_breach_aside_and_lapses(unit: Unit) -> None:
    slug, branch = "temp_branch_appointed", make_organization(unit)
    granted = grant(branch, slug, date(2020, 2, 10), date(2020, 2, 20))
    days = {9: None, 10: granted, 19: granted, 20: None}
    rows = Organization.objects.all()
    assert {day: breaches(rows, date(2020, 2, day), slugs=[slug])[0].excepted for day in days} == days
    numbers = {day: count_breaches(unit, date(2020, 2, day)).numbers[slug] for day in (19, 20)}
    assert numbers == {19: Number(0, 1), 20: Number(1, 0)}
    assert list(breaching(rows, date(2020, 2, 19), slug)) == []
    assert list(breaching(rows, date(2020, 2, 19), slug, is_excepted=True)) == [branch]
    assert list(breaching(rows, date(2020, 2, 20), slug, is_excepted=None)) == [branch]


def test_an_exception_for_what_happened_has_to_hold_on_its_day(unit: Unit) -> None:
    """February 2020: the document allowed admissions of that month, whenever they are looked at."""
    slug, branch = "temp_no_admission", make_organization(unit)
    for became in (date(2020, 2, 20), date(2020, 3, 1)):
        [rising] = people(1, unit, placed=branch)
        statuses(rising, ("probationary_member", became))
    granted = grant(branch, slug, date(2020, 2, 1), date(2020, 3, 1))
    judged = breaches(Organization.objects.all(), date(2020, 6, 1), slugs=[slug])
    assert [each.excepted for each in judged] == [granted, None]
    assert count_breaches(unit, date(2020, 6, 1)).numbers[slug] == Number(1, 1)


def test_an_exception_of_another_check_or_organization_sets_nothing_aside(unit: Unit) -> None:
    slug, branch, other = "temp_branch_appointed", make_organization(unit), make_organization(unit)
    grant(branch, "temp_branch_approved", DAY, LATER)
    grant(other, slug, DAY, LATER)
    rows = Organization.objects.filter(pk=branch.pk)
    assert [each.excepted for each in breaches(rows, DAY, slugs=[slug])] == [None]


def test_two_secretaries_are_two_breaches_each_of_its_person(unit: Unit) -> None:
    slug, branch = "temp_secretary_full_member", make_organization(unit)
    both = people(2, unit, "masses", placed=branch, role="secretary")
    people(1, unit, placed=branch, role="secretary")
    judged = breaches(Organization.objects.all(), LATER, slugs=[slug])
    assert {each.person_id for each in judged} == {each.pk for each in both}
    assert count_breaches(unit, LATER).numbers[slug] == Number(2)


def test_numbers_go_by_the_host_and_the_hierarchy_of_the_day(unit: Unit) -> None:
    """A branch is transferred, then its old host is moved: each day has the numbers of its shape."""
    slug = "temp_branch_appointed"
    left, right = make_unit("left", unit), make_unit("right", unit)
    station = make_unit("station", left)
    branch = make_organization(station)
    organizations.transfer_organization(
        actor=ACTOR,
        organization=branch,
        unit=Unit.objects.get(pk=right.pk),
        on=date(2020, 2, 20),
        reason="换防",
    )
    make_organization(station)
    units.move_unit(
        actor=ACTOR,
        unit=Unit.objects.get(pk=station.pk),
        superior=Unit.objects.get(pk=right.pk),
        on=date(2020, 2, 25),
        reason="改隶",
    )
    unit = Unit.objects.get(pk=unit.pk)

    def numbers(day: int) -> dict[str, int]:
        counted = count_breaches(unit, date(2020, 2, day), slugs=[slug])
        lines = {line.unit.code: line.numbers[slug].breaches for line in counted.children}
        return {"all": counted.numbers[slug].breaches, "own": counted.own[slug].breaches, **lines}

    assert numbers(19) == {"all": 2, "own": 0, "left": 2, "right": 0}
    assert numbers(20) == {"all": 2, "own": 0, "left": 1, "right": 1}
    assert numbers(25) == {"all": 2, "own": 0, "left": 0, "right": 2}


def test_what_is_not_approved_is_judged_for_who_approves_but_not_counted(unit: Unit) -> None:
    slug, branch = "temp_branch_appointed", make_organization(unit, state="submitted")
    withdrawn = make_organization(unit)
    Organization.objects.filter(pk=withdrawn.pk).update(state="withdrawn")
    judged = breaches(Organization.objects.all(), LATER, slugs=[slug])
    assert [each.organization_id for each in judged] == [branch.pk]
    assert count_breaches(unit, LATER).numbers[slug] == Number(0)
    assert not organizations_at(unit, LATER).exists()


def test_a_scope_leaves_out_what_is_not_seen(unit: Unit) -> None:
    slug = "temp_branch_appointed"
    left, right = make_unit("left", unit), make_unit("right", unit)
    for host in (left, right):
        make_organization(host)
    from registry.models.hierarchy import UnitHierarchy

    left, unit = Unit.objects.get(pk=left.pk), Unit.objects.get(pk=unit.pk)
    scope = UnitHierarchy.on(LATER).spans(left)
    counted = count_breaches(unit, LATER, slugs=[slug], scope=scope)
    assert counted.numbers == {slug: Number(1)}
    assert [line.unit.code for line in counted.children] == ["left"]


def test_each_check_is_one_query_however_many_organizations_there_are(
    unit: Unit, django_assert_num_queries: Any
) -> None:
    queries = len(CHECKS) + 5  # and the moves, the roots, the children, the settings, the organizations' keys
    for _ in range(2):
        make_organization(make_unit("", unit))
        with django_assert_num_queries(queries):
            count_breaches(unit, LATER)


def test_a_statement_is_put_together_without_asking_the_database(
    unit: Unit, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """It is kept: what it read then would be asked about from then on."""
    asked, rows = Settings.read().asked_on(LATER), organizations_at(unit, LATER)
    assert {each.slug for each in asked} == {check.slug for check in CHECKS}
    with django_assert_num_queries(0):
        for each in asked:
            for make in (asking._numbers, asking._lines):
                for is_few in (True, False):
                    str(make(each, rows, is_few).query)


def test_a_check_is_found_by_its_slug() -> None:
    assert [BY_SLUG[check.slug] for check in CHECKS] == list(CHECKS)
    with pytest.raises(LookupError):
        BY_SLUG["nothing"]
