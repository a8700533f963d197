"""People: add, edit, change political status, transfer the formal membership."""

from __future__ import annotations

from typing import Any

import pytest

from registry.audit import plain
from registry.models import BEGINNING, AuditEntry, Person, StatusPeriod
from registry.operations import organizations, people, units
from registry.refusals import EditConflict
from tests.factories import ACTOR, assign, make_organization, make_person, make_unit
from tests.operations.checks import WHOLE_FORM, day, facts, recorded, refusal

pytestmark = pytest.mark.django_db


def change_status(person: Person, status: str, on: int) -> Person:
    return people.change_political_status(
        actor=ACTOR, person=person, status=status, on=day(on), reason="火线入党"
    )


def statuses(person: Person) -> list[tuple[Any, ...]]:
    return list(person.statuses.order_by("started_on").values_list("status", "started_on", "ended_on"))


def test_add() -> None:
    unit = make_unit()
    branch = make_organization(unit, "branch", is_temporary=False)
    person = make_person("张三", unit, number="370001", home_branch=branch, title="民警")
    assert (person.home_unit, person.home_branch, person.political_status) == (unit, branch, "full_member")
    assert statuses(person) == [("full_member", BEGINNING, None)]
    entry = recorded("add_person")
    assert (entry.object_id, entry.unit_id) == (person.pk, unit.pk)
    assert (entry.after["number"], entry.after["home_branch"]) == ("370001", plain(branch))


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"number": "taken"}, "number", "已"),
        ({"number": ""}, "number", ""),
        ({"name": ""}, "name", ""),
        ({"category": "robot"}, "category", ""),
        ({"political_status": "saint"}, "political_status", ""),
        ({"joined_on": day(30_000)}, "joined_on", "晚于今天"),
    ],
)
def test_add_refused(given: dict[str, Any], field: str, said: str) -> None:
    unit = make_unit()
    make_person(unit=unit, number="taken")
    with refusal(field, said):
        make_person(unit=unit, **given) if "name" not in given else make_person(given["name"], unit)


def test_add_refused_at_a_closed_unit_or_in_a_branch_that_keeps_no_membership() -> None:
    unit, closed = make_unit(), make_unit()
    units.close_unit(actor=ACTOR, unit=closed, on=day(1), reason="撤")
    with refusal("home_unit", "已撤并"):
        make_person(unit=closed)
    temporary, team = make_organization(unit), make_organization(unit, "commando_team")
    gone = make_organization(unit, is_temporary=False)
    organizations.dissolve_organization(actor=ACTOR, organization=gone, on=day(1), reason="测试")
    mistake = make_organization(unit, is_temporary=False)
    organizations.withdraw_organization(actor=ACTOR, organization=mistake, reason="误")
    for branch, said in (
        (temporary, "须在常设党组织"),
        (team, "须在常设党组织"),
        (gone, "已撤销或撤回"),
        (mistake, "已撤销或撤回"),
    ):
        with refusal("home_branch", said):
            make_person(unit=unit, home_branch=branch)


def test_edit() -> None:
    person = make_person("张三")
    people.edit_person(actor=ACTOR, person=person, changes={"name": "张四", "home_unit": None}, version=1)
    assert facts(person, "name", "version") == ("张四", 2)
    entry = recorded("edit_person")
    assert (entry.before, entry.after) == ({"name": "张三"}, {"name": "张四"})
    number = AuditEntry.objects.count()
    people.edit_person(actor=ACTOR, person=person, changes={"name": "张四"})
    assert AuditEntry.objects.count() == number


def test_edit_refused() -> None:
    person, other = make_person("张三"), make_person()
    with refusal("number", "已"):
        people.edit_person(actor=ACTOR, person=person, changes={"number": other.number})
    with refusal("category", ""):
        people.edit_person(actor=ACTOR, person=person, changes={"category": "robot"})
    with refusal("joined_on", "晚于今天"):
        people.edit_person(actor=ACTOR, person=person, changes={"joined_on": day(30_000)})
    people.edit_person(actor=ACTOR, person=person, changes={"category": "auxiliary"})
    with refusal(WHOLE_FORM, "人员类别:现在是“辅警”,您填的是“民警”") as told:
        people.edit_person(actor=ACTOR, person=person, changes={"category": "officer"}, version=1)
    assert isinstance(told.value, EditConflict)


def test_a_political_status_keeps_the_earlier_days() -> None:
    person = make_person(political_status="activist")
    change_status(person, "probationary_member", 3)
    change_status(person, "full_member", 9)
    assert statuses(person) == [
        ("activist", BEGINNING, day(3)),
        ("probationary_member", day(3), day(9)),
        ("full_member", day(9), None),
    ]
    assert facts(person, "political_status") == ("full_member",)
    entry = recorded("change_political_status")
    assert (entry.before, entry.after) == (
        {"political_status": "probationary_member", "confirmed_on": None},
        {"political_status": "full_member", "confirmed_on": day(9).isoformat()},
    )
    assert facts(person, "joined_on", "confirmed_on") == (day(3), day(9))
    assert (entry.effective_on, entry.reason) == (day(9), "火线入党")
    change_status(person, "masses", 9)
    assert statuses(person)[-1] == ("masses", day(9), None)


def test_a_political_status_refused() -> None:
    person = make_person(political_status="activist")
    with refusal("political_status", "没有变化"):
        change_status(person, "activist", 3)
    with refusal("political_status", "请选择政治面貌"):
        change_status(person, "saint", 3)
    with refusal("on", "晚于今天"):
        change_status(person, "masses", 30_000)
    change_status(person, "masses", 3)
    with refusal("on", "始于 2020-02-04"):
        change_status(person, "activist", 2)


def test_transfer_leaves_the_temporary_placements() -> None:
    unit, other = make_unit(), make_unit()
    person = make_person(unit=unit)
    branch = make_organization(other, is_temporary=False)
    assignment = assign(make_organization(unit), person)
    people.transfer_person(
        actor=ACTOR, person=person, home_unit=other, home_branch=branch, on=day(3), reason="调动"
    )
    assert facts(person, "home_unit_id", "home_branch_id") == (other.pk, branch.pk)
    assert facts(assignment, "ended_on", "is_withdrawn") == (None, False)
    entry = recorded("transfer_person")
    assert entry.before == {"home_unit": plain(unit), "home_branch": None}
    assert entry.after == {"home_unit": plain(other), "home_branch": plain(branch)}
    assert (entry.unit_id, entry.reason) == (other.pk, "调动")


def test_transfer_refused() -> None:
    unit, closed = make_unit(), make_unit()
    person = make_person(unit=unit)
    units.close_unit(actor=ACTOR, unit=closed, on=day(1), reason="撤")
    with refusal("home_unit", "都没有变化"):
        people.transfer_person(actor=ACTOR, person=person, home_unit=unit, on=day(1))
    with refusal("home_unit", "已撤并"):
        people.transfer_person(actor=ACTOR, person=person, home_unit=closed, on=day(1))
    temporary = make_organization(unit)
    with refusal("home_branch", "临时党组织不接转组织关系"):
        people.transfer_person(actor=ACTOR, person=person, home_unit=unit, home_branch=temporary, on=day(1))


def test_a_person_who_is_gone() -> None:
    person = make_person()
    StatusPeriod.objects.filter(person=person).delete()
    Person.objects.filter(pk=person.pk).delete()
    with refusal(WHOLE_FORM, "已不存在"):
        people.edit_person(actor=ACTOR, person=person, changes={"name": "无"})
