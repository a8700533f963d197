"""The totals under concurrent writers, on real connections to PostgreSQL."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from django.db import connection, transaction

from registry.counting.basis import Question
from registry.counting.metrics import METRICS
from registry.counting.totals import read as reading
from registry.counting.totals.check import differences
from registry.counting.totals.fold import fold_counts
from registry.logbooks.operations.entries import add_entry
from registry.models import Organization, Person, TotalChange, Unit
from registry.operations.assignments import assign_person
from registry.operations.units import move_unit
from tests.factories import ACTOR, DAY, assign, make_organization, make_person, make_unit
from tests.logbooks.books import make_logbook
from tests.test_concurrency import at_once

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
LATER = date(2020, 3, 1)


def count(unit: Unit, metric: str) -> int:
    return reading.read([unit.pk], Question(LATER), [METRICS[metric]])[unit.pk][metric]


def test_a_writer_who_is_not_done_keeps_nobody_under_the_same_root_waiting():
    top = make_unit("top")
    for code in ("left", "right"):
        unit = make_unit(code, top)
        make_organization(unit, "committee", code=f"{code}-committee", is_temporary=False)
    founded, goes_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            make_organization(
                Unit.objects.get(code="left"), parent=Organization.objects.get(code="left-committee")
            )
            founded.set()
            assert goes_on.wait(60)

    def quick() -> int:
        assert founded.wait(60)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '5s'")
            make_organization(
                Unit.objects.get(code="right"), parent=Organization.objects.get(code="right-committee")
            )
            return count(Unit.objects.get(code="top"), "temporary_branches")
        finally:
            goes_on.set()

    assert at_once([slow, quick]) == [None, 1], "the second is counted before the first has ended"
    assert count(top, "temporary_branches") == 2
    assert differences() == []


def test_one_person_named_in_a_logbook_by_eight_at_once_is_one_person():
    top = make_unit("top")
    units = [make_unit(f"unit-{number}", top) for number in range(8)]
    person, logbook = make_person(unit=top), make_logbook(top)

    def enter(unit: Unit) -> None:
        values = {"place": "东门", "staff": [(Person.objects.get(pk=person.pk), "")]}
        add_entry(actor=ACTOR, logbook=logbook, unit=unit, happened_on=DAY, values=values)

    done = at_once([lambda unit=unit: enter(unit) for unit in units])
    assert done == [None] * 8
    assert (count(top, "log.sampling.people"), count(top, "log.sampling.entries")) == (1, 8)
    assert [count(unit, "log.sampling.people") for unit in units] == [1] * 8
    assert differences() == []


def test_one_person_placed_by_eight_at_once_is_one_person():
    top = make_unit("top")
    units = [make_unit(f"unit-{number}", top) for number in range(8)]
    branches = [make_organization(unit) for unit in units]
    person = make_person(unit=top)

    def place(branch: Organization) -> None:
        assign_person(
            actor=ACTOR,
            organization=Organization.objects.get(pk=branch.pk),
            person=Person.objects.get(pk=person.pk),
            started_on=DAY,
        )

    done = at_once([lambda branch=branch: place(branch) for branch in branches])
    assert done == [None] * 8
    assert (count(top, "frontline_people"), count(top, "frontline_assignments")) == (1, 8)
    assert [count(unit, "frontline_people") for unit in units] == [1] * 8
    assert differences() == []


def test_folding_and_moving_meanwhile_loses_nothing_and_shows_nothing_twice():
    top = make_unit("top")
    left, right = make_unit("left", top), make_unit("right", top)
    inner = make_unit("inner", left)
    branches = [make_organization(unit, code=f"b-{unit.code}") for unit in (left, right, inner)]
    people = [make_person(unit=top) for _ in range(30)]
    writing = threading.Event()
    seen: list[int] = []

    def write(branch: Organization) -> None:
        try:
            for person in people:
                assign(Organization.objects.get(pk=branch.pk), Person.objects.get(pk=person.pk))
        finally:
            writing.set()

    def fold() -> int:
        folded = 0
        while not writing.is_set():
            folded += fold_counts()
        return folded

    def move() -> None:
        for number in range(1, 7):
            unit = Unit.objects.get(code="inner")
            superior = Unit.objects.get(code="right" if number % 2 else "left")
            move_unit(actor=ACTOR, unit=unit, superior=superior, on=date(2020, 2, 1 + number), reason="测试")

    def read() -> None:
        while not writing.is_set():
            seen.append(count(top, "frontline_people"))

    jobs = [lambda branch=branch: write(branch) for branch in branches]
    done = at_once([*jobs, fold, fold, move, read])
    assert [each for each in done if isinstance(each, BaseException)] == []
    assert sum(done[3:5]) > 0, "something was folded while the others wrote"
    assert seen == sorted(seen), "a number that only grows never falls while it is folded"
    assert count(top, "frontline_people") == 30
    assert count(top, "frontline_assignments") == 90
    assert differences() == []
    fold_counts()
    assert not TotalChange.objects.exists()
    assert differences() == []
