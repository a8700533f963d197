"""Membership by its days, and the home by its days: what past days count."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry.counting.basis import Question, people_rows
from registry.counting.metrics import METRICS
from registry.counting.rollup import count_place, count_units
from registry.counting.totals.check import differences
from registry.models import BEGINNING, Organization, Person, StatusPeriod, Unit
from registry.operations import people, units
from registry.operations.undo import undo_edit
from registry.rules import standing
from registry.trees.check import check_all
from tests.factories import ACTOR, assign, make_organization, make_person, make_unit
from tests.operations.checks import day, facts, recorded, refusal

pytestmark = pytest.mark.django_db

JULY = date(2020, 7, 1)


def statuses(person: Person) -> list[tuple[Any, ...]]:
    return list(person.statuses.order_by("started_on").values_list("status", "started_on", "ended_on"))


def homes(person: Person) -> list[tuple[Any, ...]]:
    rows = person.homes.order_by("started_on")
    return list(rows.values_list("unit__code", "branch__code", "started_on", "ended_on"))


def members(place: Unit | Organization, on: date) -> int:
    """The formal members of a place, after checking that the list behind the number is as long."""
    question, metric = Question(on), METRICS["formal_members"]
    place.refresh_from_db()
    number = count_place(place, question).counts[metric.slug]
    assert people_rows(metric, question, place).count() == number
    if isinstance(place, Unit):
        assert count_units([place], question)[place.pk].counts[metric.slug] == number
    return number


def frontline_members(unit: Unit, on: date) -> int:
    return count_units([unit], Question(on))[unit.pk].counts["frontline_party_members"]


def correct(person: Person, reason: str = "查阅档案", **days: date | None) -> Person:
    return people.edit_person(actor=ACTOR, person=person, changes=days, reason=reason)


def transfer(
    person: Person, unit: Unit, on: date, branch: Organization | None = None, reason: str = ""
) -> Any:
    return people.transfer_person(
        actor=ACTOR, person=person, home_unit=unit, home_branch=branch, on=on, reason=reason
    )


# Membership


def test_who_joined_in_july_is_no_member_in_february() -> None:
    unit = make_unit()
    branch = make_organization(unit)
    person = make_person(unit=unit, joined_on=JULY)
    assign(branch, person)
    assert statuses(person) == [
        ("unknown", BEGINNING, JULY),
        ("probationary_member", JULY, date(2021, 7, 1)),
        ("full_member", date(2021, 7, 1), None),
    ]
    assert [members(unit, on) for on in (day(5), date(2020, 6, 30), JULY)] == [0, 0, 1]
    assert [frontline_members(unit, on) for on in (day(5), date(2020, 6, 30), JULY)] == [0, 0, 1]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [("full_member", BEGINNING)]),
        ({"political_status": "probationary_member"}, [("probationary_member", BEGINNING)]),
        (
            {"political_status": "probationary_member", "joined_on": JULY},
            [("unknown", BEGINNING), ("probationary_member", JULY)],
        ),
        (
            {"joined_on": JULY, "confirmed_on": date(2022, 1, 1)},
            [("unknown", BEGINNING), ("probationary_member", JULY), ("full_member", date(2022, 1, 1))],
        ),
        (
            {"confirmed_on": date(2022, 1, 1)},
            [("probationary_member", BEGINNING), ("full_member", date(2022, 1, 1))],
        ),
        (
            {"joined_on": date(2020, 2, 29)},
            [
                ("unknown", BEGINNING),
                ("probationary_member", date(2020, 2, 29)),
                ("full_member", date(2021, 2, 28)),
            ],
        ),
    ],
)
def test_statuses_begin_with_what_is_known(given: dict[str, Any], expected: list[Any]) -> None:
    assert [spell[:2] for spell in statuses(make_person(**given))] == expected


def test_a_full_member_of_less_than_a_year_was_so_from_the_day_of_joining() -> None:
    """The assumed probation is not over: then what is registered holds, and the form warns of it."""
    lately = timezone.localdate() - timedelta(days=30)
    person = make_person(joined_on=lately)
    assert [spell[:2] for spell in statuses(person)] == [("unknown", BEGINNING), ("full_member", lately)]
    (found,) = standing.warnings([standing.Joining(None, "full_member", lately, None)])
    assert (found.field, "预备期一年" in found.message) == ("confirmed_on", True)
    assert standing.warnings([standing.Joining(None, "full_member", JULY, None)]) == []


def test_a_day_entered_later_corrects_the_counts_of_past_days() -> None:
    unit = make_unit()
    person = make_person(unit=unit)
    assert members(unit, day(5)) == 1
    correct(person, joined_on=JULY)
    assert [members(unit, on) for on in (day(5), JULY)] == [0, 1]
    entry = recorded("edit_person")
    assert (entry.before, entry.after) == ({"joined_on": None}, {"joined_on": "2020-07-01"})
    correct(person, joined_on=day(3))
    assert [members(unit, on) for on in (day(2), day(3))] == [0, 1]
    correct(person, confirmed_on=day(9))
    assert [spell[:2] for spell in statuses(person)[1:]] == [
        ("probationary_member", day(3)),
        ("full_member", day(9)),
    ]
    correct(person, joined_on=None, confirmed_on=None)
    assert [spell[:2] for spell in statuses(person)] == [("full_member", BEGINNING)]
    assert members(unit, day(2)) == 1
    assert differences() == []


def test_the_correction_of_a_day_can_be_set_back() -> None:
    unit = make_unit()
    person = make_person(unit=unit, joined_on=day(3))
    correct(person, joined_on=JULY)
    undo_edit(actor=ACTOR, entry=recorded("edit_person"), reason="看错")
    assert [members(unit, on) for on in (day(2), day(3))] == [0, 1]


def test_what_was_registered_before_joining_stays() -> None:
    person = make_person(political_status="activist")
    people.change_political_status(actor=ACTOR, person=person, status="probationary_member", on=day(9))
    correct(person, joined_on=day(4))
    assert [spell[:2] for spell in statuses(person)] == [
        ("activist", BEGINNING),
        ("probationary_member", day(4)),
    ]


@pytest.mark.parametrize(
    ("status", "days", "field", "said"),
    [
        ("masses", {"joined_on": day(1)}, "joined_on", "政治面貌是“群众”,不应有入党日期"),
        ("masses", {"confirmed_on": day(1)}, "confirmed_on", "不应有转正日期"),
        ("full_member", {"joined_on": day(30_000)}, "joined_on", "晚于今天"),
        ("full_member", {"joined_on": BEGINNING}, "joined_on", "过早"),
        ("full_member", {"joined_on": day(3), "confirmed_on": day(3)}, "confirmed_on", "须晚于入党日期"),
        ("probationary_member", {"joined_on": day(3), "confirmed_on": day(9)}, "confirmed_on", "预备党员"),
    ],
)
def test_days_refused(status: str, days: dict[str, date], field: str, said: str) -> None:
    unit = make_unit()
    with refusal(field, said):
        make_person(unit=unit, political_status=status, **days)
    person = make_person(unit=unit, political_status=status)
    with refusal(field, said):
        correct(person, **days)


def test_a_correction_needs_a_reason_and_fits_the_end_of_the_membership() -> None:
    person = make_person()
    with refusal("reason", "决定以往各日的党员数"):
        correct(person, reason="", joined_on=JULY)
    people.change_political_status(actor=ACTOR, person=person, status="masses", on=day(9))
    with refusal("joined_on", "须早于 2020-02-10"):
        correct(person, joined_on=day(9))


def test_days_follow_changes_of_the_status() -> None:
    person = make_person(political_status="activist")

    def change(status: str, on: int) -> tuple[Any, ...]:
        people.change_political_status(actor=ACTOR, person=person, status=status, on=day(on), reason="更正")
        return facts(person, "joined_on", "confirmed_on")

    assert change("probationary_member", 3) == (day(3), None)
    assert change("full_member", 9) == (day(3), day(9))
    assert change("masses", 20) == (day(3), day(9))
    assert change("probationary_member", 25) == (day(25), None)
    assert change("masses", 25) == (None, None), "a mistake of the same day"
    assert [spell[:2] for spell in statuses(person)][-1] == ("masses", day(20))
    assert list(check_all()) == []


def test_the_check_knows_where_a_membership_begins() -> None:
    person = make_person(number="001", joined_on=JULY)
    StatusPeriod.objects.filter(person=person, started_on=JULY).update(status="masses")
    assert [str(fault) for fault in check_all()] == ["政治面貌 001:没有自入党日期 2020-07-01 起的党员身份"]


# Home


def test_a_home_keeps_the_earlier_days() -> None:
    top = make_unit("top")
    left, right = make_unit("left", top), make_unit("right", top)
    old = make_organization(left, code="old", is_temporary=False)
    new = make_organization(right, code="new", is_temporary=False)
    person = make_person(unit=left, home_branch=old)
    transfer(person, right, day(10), new)
    assert homes(person) == [("left", "old", BEGINNING, day(10)), ("right", "new", day(10), None)]
    assert facts(person, "home_unit_id", "home_branch_id") == (right.pk, new.pk)
    for place, numbers in ((left, [1, 0]), (right, [0, 1]), (top, [1, 1]), (old, [1, 0]), (new, [0, 1])):
        assert [members(place, on) for on in (day(9), day(10))] == numbers, place
    assert (differences(), list(check_all())) == ([], [])


def test_a_temporary_assignment_never_adds_to_formal_membership() -> None:
    home, post = make_unit(), make_unit()
    branch = make_organization(post)
    assign(branch, make_person(unit=home))
    assert (members(post, day(5)), members(branch, day(5)), members(home, day(5))) == (0, 0, 1)


def test_a_home_is_corrected_with_a_reason() -> None:
    one, two, three = make_unit("one"), make_unit("two"), make_unit("three")
    person = make_person(unit=one)
    transfer(person, two, day(10))
    with refusal("on", "始于 2020-02-11"):
        transfer(person, three, day(9))
    for unit, on in ((three, 10), (two, 4)):
        with refusal("reason", "更正原因"):
            transfer(person, unit, day(on))
    transfer(person, three, day(10), reason="选错")
    assert homes(person)[-1][:3] == ("three", None, day(10))
    transfer(person, three, day(4), reason="调令日期")
    assert homes(person) == [("one", None, BEGINNING, day(4)), ("three", None, day(4), None)]
    transfer(person, one, day(4), reason="没有调动")
    assert homes(person) == [("one", None, BEGINNING, None)]
    with refusal("home_unit", "都没有变化"):
        transfer(person, one, day(9))
    with refusal("on", "晚于今天"):
        transfer(person, two, day(30_000))


def test_a_merger_takes_people_over_from_its_day() -> None:
    top = make_unit("top")
    old, new, other = (make_unit(code, top) for code in ("old", "new", "other"))
    stays, left, came = (make_person(name, old if name != "丙" else other) for name in "甲乙丙")
    transfer(left, other, day(20))
    transfer(came, old, day(15))
    units.merge_unit(actor=ACTOR, unit=old, into=new, on=day(10), reason="并")
    assert homes(stays) == [("old", None, BEGINNING, day(10)), ("new", None, day(10), None)]
    assert [each[0] for each in homes(left)] == ["old", "new", "other"]
    assert [each[0] for each in homes(came)] == ["other", "new"]
    assert [members(old, on) for on in (day(9), day(10))] == [2, 0]
    assert [members(new, on) for on in (day(9), day(10), day(15), day(20))] == [0, 2, 3, 2]
    assert (differences(), list(check_all())) == ([], [])
