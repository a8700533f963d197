"""``python -m benchmarks.country``: an invented country that is valid, the same each time, and has a past."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper
from django.db.models import Count, F, Q

from benchmarks.country.assignments import Assignments
from benchmarks.country.command import Command
from benchmarks.country.country import Country
from benchmarks.country.load import SCALES, Scale, synthesize
from benchmarks.country.organizations import Organizations
from benchmarks.country.people import People
from benchmarks.country.progress import ProgressBar
from benchmarks.country.scales import FIRST, LAST
from registry.models import (
    Assignment,
    AuditEntry,
    Campaign,
    Organization,
    OrganizationPlacement,
    Person,
    StatusPeriod,
    Unit,
    UnitPlacement,
)
from registry.models.hierarchy import UnitHierarchy
from registry.models.kinds import MEMBER_STATUSES, PARTY_KINDS, TEAM_KINDS
from registry.trees.check import check_all
from tests.factories import make_unit

TINY = Scale(
    provinces=2,
    cities=4,
    counties=9,
    units=120,
    organizations=400,
    people=3000,
    assignments=1200,
    moves=6,
)


def said_nothing(noun: str, written: int) -> None:
    pass


def rows(scale: Scale, seed: int) -> list[Any]:
    country = Country(scale, seed)
    people, organizations = People(country), Organizations(country)
    return [
        row
        for nouns in (country, organizations, people, Assignments(country, organizations, people))
        for row in nouns
    ]


def synthesized(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(Command(), *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


# --- What is invented, before it is loaded ---------------------------------------------------------


def test_the_same_seed_makes_the_same_rows_and_another_makes_others() -> None:
    assert rows(TINY, 7) == rows(TINY, 7)
    assert rows(TINY, 7) != rows(TINY, 8)


def test_rows_can_be_read_again_from_the_start() -> None:
    country = Country(TINY, 7)
    people, organizations = People(country), Organizations(country)
    for nouns in (country, organizations, people, Assignments(country, organizations, people)):
        assert list(islice(nouns, 50)) == list(nouns)[:50]


def test_a_unit_asked_for_by_place_is_the_one_that_is_read_there() -> None:
    country = Country(TINY, 7)
    for place, row in enumerate(country):
        assert country.unit(place) == (row.code, row.short_name)
    assert country.first_person[-1] == TINY.people


@pytest.mark.parametrize("name", SCALES)
def test_the_scales_have_the_units_and_people_that_they_say_on_five_levels(name: str) -> None:
    scale = SCALES[name]
    country = Country(scale, 1)
    levels = Counter(bureau.level for bureau in country.bureaus)
    assert levels == {0: 1, 1: scale.provinces, 2: scale.cities, 3: scale.counties}
    assert country.bureaus[0].units == scale.units
    assert country.first_person[-1] == scale.people
    assert min(bureau.units for bureau in country.bureaus) > 10
    assert len({bureau.name for bureau in country.bureaus if bureau.level == 2}) == scale.cities
    assert sum(1 for _ in islice(Organizations(country), 10)) == 10


def test_the_nation_is_as_large_as_asked() -> None:
    nation = SCALES["nation"]
    assert (nation.provinces, nation.cities, nation.counties) == (31, 340, 3000)
    assert (nation.units, nation.organizations) == (120_000, 150_000)
    assert (nation.people, nation.assignments) == (2_000_000, 1_000_000)


# --- Loaded -------------------------------------------------------------------------------------


def build_world() -> dict[str, int]:
    """The tiny country, loaded once for this file."""
    return synthesize(TINY, 7, said_nothing)


@pytest.fixture
def country(world: dict[str, int]) -> dict[str, int]:
    return world


def test_it_is_valid_and_as_large_as_asked(country: dict[str, int]) -> None:
    assert [str(fault) for fault in check_all()] == []
    stored = {
        "units": Unit.objects.count(),
        "organizations": Organization.objects.count(),
        "people": Person.objects.count(),
        "assignments": Assignment.objects.count(),
    }
    assert stored == country
    asked = {noun: getattr(TINY, noun) for noun in stored}
    assert stored | {"assignments": 0} == asked | {"assignments": 0}
    assert abs(stored["assignments"] - TINY.assignments) <= 30
    levels = Unit.objects.values_list("level").annotate(Count("pk")).order_by("level")
    assert list(levels) == [(0, 1), (1, 2), (2, 4), (3, 9), (4, 104)]
    assert list(AuditEntry.objects.filter(verb="bulk_load").values_list("unit__code", flat=True)) == [
        "gonganbu",
        "gonganbu",
    ]


def test_everything_is_marked_as_sample(country: dict[str, int]) -> None:
    for model in (Unit, Organization, Person, Assignment, Campaign):
        assert model.objects.exists()
        assert not model.objects.filter(is_sample=False).exists()


def test_it_goes_on_over_two_years(country: dict[str, int]) -> None:
    founded = Organization.objects.filter(established_on__gte=FIRST)
    assert not founded.filter(established_on__gt=LAST).exists()
    assert not founded.filter(dissolved_on__gt=LAST).exists()
    assert founded.filter(dissolved_on__isnull=False).count() > founded.count() / 2
    assert founded.filter(dissolved_on__isnull=True).exists()
    assert len(set(founded.values_list("established_on", flat=True))) > 60
    assert not founded.filter(parent__isnull=True).exists()
    standing = Organization.objects.filter(established_on__lt=FIRST)
    assert set(standing.filter(parent__isnull=True).values_list("kind", flat=True)) == {"committee"}
    assert not standing.filter(is_temporary=True).exists()
    assert set(founded.values_list("state", flat=True)) >= {"approved", "submitted"}


def test_people_are_a_mix(country: dict[str, int]) -> None:
    sent = Assignment.objects.values("person").annotate(times=Count("pk"))
    assert 0 < sent.count() < Person.objects.count() / 2
    assert sent.filter(times__gt=1).count() > sent.count() / 20
    assert Assignment.objects.filter(organization__kind__in=TEAM_KINDS).exists()
    assert Assignment.objects.filter(ended_on__isnull=True).exists()
    assert set(Person.objects.values_list("category", flat=True)) == {"officer", "auxiliary", "civilian"}
    assert StatusPeriod.objects.count() > Person.objects.count()
    in_party = Assignment.objects.filter(organization__kind__in=PARTY_KINDS)
    on_the_day = Q(
        person__statuses__status__in=MEMBER_STATUSES,
        person__statuses__started_on__lte=F("organization__established_on"),
    )
    assert in_party.filter(on_the_day).distinct().count() == in_party.count()
    secretaries = Assignment.objects.filter(role="secretary").values_list("organization__kind", flat=True)
    assert secretaries
    assert set(secretaries) <= set(PARTY_KINDS)


def test_units_moved_and_organizations_were_transferred(country: dict[str, int]) -> None:
    moves = list(UnitPlacement.objects.filter(started_on__isnull=False).select_related("unit", "superior"))
    assert 0 < len(moves) <= TINY.moves
    for move in moves:
        assert move.started_on is not None
        assert move.superior is not None
        before = UnitPlacement.objects.get(unit=move.unit, ended_on=move.started_on).superior
        assert before is not None
        assert before != move.superior
        day_before = UnitHierarchy.on(FIRST)
        assert move.unit in Unit.objects.in_spans(day_before.spans(before))
        assert move.unit not in Unit.objects.in_spans(day_before.spans(move.superior))
        assert move.unit in Unit.objects.in_spans(UnitHierarchy.on(LAST).spans(move.superior))
    transfers = OrganizationPlacement.objects.filter(ended_on__isnull=False)
    assert transfers.exists()
    for transfer in transfers.select_related("organization"):
        organization = transfer.organization
        assert transfer.ended_on is not None
        assert organization.established_on < transfer.ended_on
        assert organization.dissolved_on is None or transfer.ended_on < organization.dissolved_on


def test_a_registry_that_holds_something_is_left_alone(db: None) -> None:
    unit = make_unit("a")
    with pytest.raises(CommandError, match="已有数据"):
        synthesized("--scale", "region")
    assert list(Unit.objects.all()) == [unit]


def test_nothing_stays_when_it_breaks_off(db: None) -> None:
    def break_off(noun: str, written: int) -> None:
        if noun == "assignments":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(TINY, 7, break_off)
    assert not Unit.objects.exists()
    assert not Campaign.objects.exists()


# --- The command ---------------------------------------------------------------------------------


def test_the_command_loads_and_says_how_far_it_is(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCALES, "region", replace(TINY, assignments=300))
    out, err = synthesized("--scale", "region", "--seed", "3")
    assert "单位 120、组织 400、人员 3000、编入 " in out
    nouns = list(dict.fromkeys(line.split()[0] for line in err.splitlines()))
    assert nouns == ["单位", "组织", "人员", "编入", "统计"]
    assert "3,000/3,000 100%" in err
    assert "\r" not in err


@pytest.mark.parametrize("arguments", [[], ["--scale", "moon"], ["--scale", "region", "--seed", "x"]])
def test_a_bad_argument_is_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        synthesized(*arguments)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_bar_grows_in_place() -> None:
    terminal = Terminal()
    bar = ProgressBar(OutputWrapper(terminal), {"units": 200})
    bar("units", 50)
    bar("units", 200)
    bar("organizations", 5)
    bar.close()
    lines = terminal.getvalue().split("\n")
    assert [line.count("\r") for line in lines] == [2, 1, 0]
    assert "50/200  25%" in lines[0]
    assert "200/200 100%" in lines[0]
    assert "组织" in lines[1]


def test_elsewhere_there_is_a_line_for_every_tenth_at_most() -> None:
    log = io.StringIO()
    bar = ProgressBar(OutputWrapper(log), {"units": 1000})
    for written in range(1, 1001):
        bar("units", written)
    bar.close()
    assert len(log.getvalue().splitlines()) == 10


def test_elsewhere_the_last_number_is_said_though_less_came_than_was_expected() -> None:
    log = io.StringIO()
    bar = ProgressBar(OutputWrapper(log), {"assignments": 100})
    for written in (96, 97, 98):
        bar("assignments", written)
    bar.close()
    assert [line.split()[1] for line in log.getvalue().splitlines()] == ["96/100", "98/100"]
