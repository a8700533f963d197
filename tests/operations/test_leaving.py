"""The end of service, and joining two entries of one person: what each changes on which day."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from registry import access
from registry.counting.basis import Question
from registry.counting.rollup import count_units
from registry.models import BEGINNING, Assignment, AuditEntry, Person, Unit
from registry.operations import assignments, leaving, merging, organizations, people, units
from registry.operations.take_back import take_back
from tests.factories import ACTOR, assign, make_organization, make_person, make_unit, make_user
from tests.operations.checks import WHOLE_FORM, day, facts, refusal, sound

pytestmark = pytest.mark.django_db


def leave(person: Person, on: int = 10, how: str = "retired", reason: str = "到龄") -> Person:
    return leaving.end_service(actor=ACTOR, person=person, leaving=how, on=day(on), reason=reason)


def count(unit: Unit, slug: str, *days: int) -> list[int]:
    return [count_units([unit], Question(day(on)))[unit.pk].counts[slug] for on in days]


def days(person: Person) -> list[tuple[Any, ...]]:
    rows = person.assignments.filter(is_withdrawn=False).order_by("organization__code", "started_on")
    return list(rows.values_list("organization__code", "role", "started_on", "ended_on"))


# The end of service


def test_who_leaves_is_nowhere_from_that_day() -> None:
    unit, post = make_unit(), make_unit()
    person = make_person("张三", unit)
    secretary = assign(make_organization(post), person, role="secretary")
    over = assign(make_organization(unit), person, ended_on=day(5))
    later = assign(make_organization(unit), person, ended_on=day(20))
    plan = leaving.plan_leaving(person=person, on=day(10))
    assert [row.pk for row in plan.assignments] == [secretary.pk, later.pk]
    leave(person)
    assert [facts(row, "ended_on") for row in (secretary, over, later)] == [(day(10),), (day(5),), (day(10),)]
    assert facts(person, "left_on", "leaving", "left_why") == (day(10), "retired", "到龄")
    assert count(unit, "formal_members", 9, 10) == [1, 0]
    assert count(post, "frontline_people", 9, 10) == [1, 0]
    entry = AuditEntry.objects.get(verb="end_service")
    assert (entry.object_id, entry.effective_on, entry.reason) == (person.pk, day(10), "到龄")
    assert (entry.after["leaving"], entry.after["assignments"]) == ("retired", 2)
    assert set(AuditEntry.objects.filter(verb="end_assignment").values_list("unit", flat=True)) == {
        post.pk,
        unit.pk,
    }
    sound()


def test_nobody_is_placed_after_the_service_at_any_door() -> None:
    person = make_person("张三", number="00000001")
    branch, other = make_organization(make_unit()), make_organization(make_unit())
    placed = assign(branch, person, ended_on=day(5))
    leave(person)
    with refusal("started_on", "张三(••••01) 已于 2020-02-11 退休"):
        assign(other, person)
    with refusal("started_on", "编入须在该日前结束"):
        assign(other, person, started_on=day(12), ended_on=day(13))
    assign(other, person, ended_on=day(10))
    unit = make_unit()
    with refusal(WHOLE_FORM, "已于 2020-02-11 退休"):
        people.transfer_person(actor=ACTOR, person=person, home_unit=unit, on=day(12))
    with pytest.raises(IntegrityError), transaction.atomic():  # and not past the operations
        Assignment.objects.filter(pk=placed.pk).update(ended_on=day(11))
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.filter(pk=person.pk).update(left_on=day(9))


def test_the_end_is_corrected() -> None:
    unit = make_unit()
    person = make_person(unit=unit)
    row, short = (
        assign(make_organization(unit), person),
        assign(make_organization(unit), person, ended_on=day(14)),
    )
    leave(person)
    leave(person, 20, "transferred", "调往省厅")
    assert [facts(each, "ended_on") for each in (row, short)] == [(day(20),), (day(14),)]
    assert facts(person, "left_on", "leaving") == (day(20), "transferred")
    leave(person, 3, "transferred", "调令")
    assert [facts(each, "ended_on") for each in (row, short)] == [(day(3),), (day(3),)]
    assert count(unit, "frontline_people", 2, 3) == [1, 0]
    with refusal("on", "没有变化"):
        leave(person, 3, "transferred", "调令")
    sound()


def test_the_end_is_taken_back_in_one_act() -> None:
    unit = make_unit()
    person = make_person(unit=unit)
    row, short = (
        assign(make_organization(unit), person),
        assign(make_organization(unit), person, ended_on=day(14)),
    )
    before = days(person)
    leave(person)
    leave(person, 12, "died", "更正")
    leaving.restore_service(actor=ACTOR, person=person, reason="登记错人")
    assert days(person) == before
    assert facts(person, "left_on", "leaving", "left_why") == (None, "", "")
    assert [facts(each, "ended_on") for each in (row, short)] == [(None,), (day(14),)]
    assert count(unit, "formal_members", 9, 12) == [1, 1]
    assert AuditEntry.objects.get(verb="restore_service").reason == "登记错人"
    sound()
    with refusal(WHOLE_FORM, "在职"):
        leaving.restore_service(actor=ACTOR, person=person, reason="再")


def test_what_stands_in_the_way_of_taking_it_back_is_said() -> None:
    unit = make_unit()
    person = make_person(unit=unit)
    branch = make_organization(make_unit())
    assign(branch, person)
    leave(person)
    organizations.dissolve_organization(actor=ACTOR, organization=branch, on=day(15), reason="任务结束")
    with refusal(WHOLE_FORM, "已于 2020-02-16 撤销"):
        leaving.restore_service(actor=ACTOR, person=person, reason="误")
    other = make_person(unit=make_unit("gone"))
    leave(other)
    units.close_unit(actor=ACTOR, unit=other.home_unit, on=day(11), reason="撤")
    with refusal("home_unit", "已撤并"):
        leaving.restore_service(actor=ACTOR, person=other, reason="误")


@pytest.mark.parametrize(
    ("on", "how", "reason", "field", "said"),
    [
        (30_000, "retired", "到龄", "on", "晚于今天"),
        (10, "vanished", "到龄", "leaving", "请选择"),
        (10, "retired", " ", "reason", "离职原因"),
        (3, "retired", "到龄", "on", "此后还编入了“甲”(2020-02-06)"),
        (1, "retired", "到龄", "on", "须晚于该日"),
    ],
)
def test_the_end_refused(on: int, how: str, reason: str, field: str, said: str) -> None:
    unit = make_unit()
    person = make_person(unit=make_unit())
    people.transfer_person(actor=ACTOR, person=person, home_unit=unit, on=day(2))
    assign(make_organization(unit, name="甲"), person, started_on=day(5))
    with refusal(field, said):
        leave(person, on, how, reason)


# Two entries of one person


def merge(person: Person, other: Person, *take: str) -> Person:
    return merging.merge_person(actor=ACTOR, person=person, other=other, take=take, reason="重复登记")


def test_two_entries_become_one() -> None:
    top = make_unit("top")
    left, right = make_unit("left", top), make_unit("right", top)
    kept = make_person("张三", left, number="kept", joined_on=date(2010, 7, 1), title="民警")
    other = make_person("张叁", right, number="other", political_status="masses", title="所长")
    here, there = make_organization(left, code="here"), make_organization(right, code="there")
    assign(here, kept)
    assign(there, other, role="leader")
    assert count(top, "frontline_people", 5) == [2]
    merge(kept, other, "title")
    assert days(kept) == [("here", "member", day(0), None), ("there", "leader", day(0), None)]
    assert (count(top, "frontline_people", 5), count(top, "formal_members", 5)) == ([1], [1])
    assert facts(kept, "name", "title", "political_status") == ("张三", "所长", "full_member")
    assert facts(other, "merged_into_id", "number") == (kept.pk, "other")
    entries = AuditEntry.objects.filter(verb="merge_person")
    assert set(entries.values_list("object_id", flat=True)) == {kept.pk, other.pk}
    sound()
    manager = make_user(unit=top)
    assert access.get_person(manager, "other").pk == kept.pk
    assert list(access.visible(manager, Person.objects.all())) == [kept]
    with refusal(WHOLE_FORM, "已并入"):
        people.edit_person(actor=ACTOR, person=other, changes={"note": "新"})
    with refusal("members", "已并入"):
        assign(here, other, started_on=day(20))


def test_status_and_home_come_with_their_days() -> None:
    left, right = make_unit("left"), make_unit("right")
    kept = make_person(unit=left, political_status="unknown")
    other = make_person(unit=left, joined_on=day(3), confirmed_on=date(2021, 3, 1))
    people.transfer_person(actor=ACTOR, person=other, home_unit=right, on=day(8))
    merge(kept, other, "political_status", "home_unit")
    assert facts(kept, "political_status", "joined_on", "confirmed_on", "home_unit_id") == (
        "full_member",
        day(3),
        date(2021, 3, 1),
        right.pk,
    )
    assert (count(left, "formal_members", 2, 3, 8), count(right, "formal_members", 7, 8)) == (
        [0, 1, 0],
        [0, 1],
    )
    sound()


@pytest.mark.parametrize(
    ("mine", "theirs", "left"),
    [
        ((5, 10), (0, None), [(0, 5, "leader"), (5, 10, "member"), (10, None, "leader")]),
        ((5, None), (0, None), [(0, 5, "leader"), (5, None, "member")]),
        ((0, None), (5, 10), [(0, None, "member")]),
        ((0, 5), (5, 10), [(0, 5, "member"), (5, 10, "leader")]),
        ((0, 5), (3, 10), [(0, 5, "member"), (5, 10, "leader")]),
        ((0, 5), (0, 5), [(0, 5, "member")]),
    ],
)
def test_overlapping_placements_in_one_organization(
    mine: tuple[int, Any], theirs: tuple[int, Any], left: list[Any]
) -> None:
    """On each day on which both were there, the entry that stays is right."""
    unit = make_unit()
    branch = make_organization(unit)
    kept, other = make_person(unit=unit), make_person(unit=unit)
    for person, (start, end), role in ((kept, mine, "member"), (other, theirs, "leader")):
        assign(branch, person, role=role, started_on=day(start), ended_on=day(end) if end else None)
    merge(kept, other)
    assert sorted((row[2], row[3] or date.max, row[1]) for row in days(kept)) == [
        (day(start), day(end) if end else date.max, role) for start, end, role in left
    ]
    assert not other.assignments.exists()
    sound()


def test_an_entry_that_was_joined_leads_on() -> None:
    first, second, third = (make_person(number=number) for number in ("1", "2", "3"))
    merge(second, first)
    merge(third, second)
    assert set(third.merged.values_list("number", flat=True)) == {"1", "2"}


def test_an_entry_that_was_joined_stays_when_its_unit_is_merged() -> None:
    """It counts nowhere: its home and its dated homes stay what they were when it was joined."""
    old, new = make_unit("old"), make_unit("new")
    kept, other = make_person(unit=old), make_person(unit=old)
    merge(kept, other)
    units.merge_unit(actor=ACTOR, unit=old, into=new, on=day(10), reason="并")
    homes = [
        list(each.homes.order_by("started_on").values_list("unit__code", flat=True)) for each in (kept, other)
    ]
    assert homes == [["old", "new"], ["old"]]
    for each in (kept, other):
        each.refresh_from_db()
    assert (kept.home_unit, other.home_unit) == (new, old)
    sound()


def test_entries_that_cannot_be_joined() -> None:
    kept, other = make_person(number="1"), make_person(number="2")
    with refusal("other", "请选择另一个条目"):
        merge(kept, kept)
    with refusal("reason", "合并原因"):
        merging.merge_person(actor=ACTOR, person=kept, other=other, reason=" ")
    assign(make_organization(make_unit()), other)
    leave(kept)
    with refusal(WHOLE_FORM, "已于 2020-02-11 退休"):
        merge(kept, other)
    leaving.restore_service(actor=ACTOR, person=kept, reason="调回")
    merge(kept, other)
    with refusal(WHOLE_FORM, "已并入另一条目"):
        merge(other, kept)
    assert assignments.Assignment.objects.get().person_id == kept.pk
    assert kept.homes.get().started_on == BEGINNING


def test_the_record_takes_the_end_back_as_well() -> None:
    unit = make_unit()
    person = make_person(unit=unit)
    assign(make_organization(unit), person)
    before = days(person)
    leave(person)
    take_back(actor=ACTOR, entry=AuditEntry.objects.get(verb="end_service"), reason="误登")
    assert days(person) == before
    assert facts(person, "left_on", "leaving") == (None, "")
    leave(person, 12)
    leaving.restore_service(actor=ACTOR, person=person, reason="误登")
    assert days(person) == before
    sound()
