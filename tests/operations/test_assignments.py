"""Assignments: assign one or many, change the role, end one or many, withdraw."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from registry.counting.basis import Question
from registry.counting.rollup import rollup
from registry.models import Assignment, AuditEntry, Organization, Person, Unit
from registry.operations import assignments, organizations
from registry.operations.undo import undo_edit
from registry.refusals import EditConflict
from tests.factories import ACTOR, DAY, assign, make_organization, make_person, make_unit
from tests.operations.checks import WHOLE_FORM, day, facts, recorded, refusal

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit() -> Unit:
    return make_unit()


@pytest.fixture
def organization(unit: Unit) -> Organization:
    return make_organization(unit, name="支部")


@pytest.fixture
def person(unit: Unit) -> Person:
    return make_person("张三", unit, number="001")


def counted(unit: Unit, on: date) -> int:
    """How many assignments count at the unit on a day."""
    return rollup(unit, Question(as_of=on)).total.counts["frontline_assignments"]


def end(assignment: Assignment, on: int = 10, **given: Any) -> Assignment:
    return assignments.end_assignment(actor=ACTOR, assignment=assignment, on=day(on), **given)


def change_role(assignment: Assignment, role: str, on: int = 5, **given: Any) -> Assignment:
    return assignments.change_role(actor=ACTOR, assignment=assignment, role=role, on=day(on), **given)


def withdraw(assignment: Assignment) -> Assignment:
    return assignments.withdraw_assignment(actor=ACTOR, assignment=assignment, reason="误录")


# Assign


def test_assign_leaves_the_formal_membership(unit: Unit, organization: Organization, person: Person) -> None:
    assignment = assign(organization, person, role="secretary", document_number="1号")
    assert facts(assignment, "role", "started_on", "ended_on", "document_number") == (
        "secretary",
        DAY,
        None,
        "1号",
    )
    assert facts(person, "home_unit_id", "home_branch_id") == (unit.pk, None)
    entry = recorded("assign_person")
    assert (entry.object_id, entry.unit_id, entry.effective_on) == (assignment.pk, unit.pk, DAY)
    assert (entry.after["person"], entry.after["organization"], entry.after["role"]) == (
        {"pk": person.pk, "text": "张三"},
        {"pk": organization.pk, "text": "支部"},
        "secretary",
    )


def test_assign_many(unit: Unit, organization: Organization) -> None:
    people = [make_person(unit=unit) for _ in range(3)]
    placed = assignments.assign_people(
        actor=ACTOR,
        organization=organization,
        members=((person, "member") for person in people),  # type: ignore[arg-type]
        started_on=DAY,
    )
    assert [each.person for each in placed] == people
    assert AuditEntry.objects.filter(verb="assign_person").count() == 3
    recorded("assign_person")


def test_assign_many_is_all_or_none(unit: Unit, organization: Organization, person: Person) -> None:
    assign(organization, person)
    other = make_person("李四", unit)
    with refusal("members", "张三(••••) 同一时间已在“支部”"):
        assignments.assign_people(
            actor=ACTOR,
            organization=organization,
            members=[(other, "member"), (person, "member")],
            started_on=day(1),
        )


def test_several_at_a_time_are_normal(unit: Unit, organization: Organization, person: Person) -> None:
    assign(organization, person)
    assign(make_organization(unit, "commando_team"), person)
    assert Assignment.objects.filter(person=person, ended_on__isnull=True).count() == 2


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"started_on": day(-1)}, "started_on", "不能早于组织成立日期 2020-02-01"),
        ({"started_on": day(30_000)}, "started_on", "晚于今天"),
        ({"started_on": day(5), "ended_on": day(4)}, "ended_on", "不能早于编入日期"),
        ({"role": "king"}, "members", "职责“king”不存在"),
    ],
)
def test_assign_refused(
    organization: Organization, person: Person, given: dict[str, Any], field: str, said: str
) -> None:
    with refusal(field, said):
        assign(organization, person, **given)


def test_assign_nobody(organization: Organization, person: Person) -> None:
    with refusal("members", "至少选择一人"):
        assignments.assign_people(actor=ACTOR, organization=organization, members=[], started_on=DAY)
    with refusal("members", "重复出现"):
        assignments.assign_people(
            actor=ACTOR,
            organization=organization,
            members=[(person, "member"), (person, "secretary")],
            started_on=DAY,
        )


def test_assign_refused_in_what_was_dissolved_or_withdrawn(
    unit: Unit, organization: Organization, person: Person
) -> None:
    organizations.dissolve_organization(actor=ACTOR, organization=organization, on=day(10), reason="测试")
    with refusal("started_on", "已于 2020-02-11 撤销"):
        assign(organization, person)
    with refusal("started_on", "已于 2020-02-11 撤销"):
        assign(organization, person, ended_on=day(11))
    assign(organization, person, ended_on=day(10))
    mistake = make_organization(unit)
    organizations.withdraw_organization(actor=ACTOR, organization=mistake, reason="误")
    with refusal(WHOLE_FORM, "已撤回,不能编入"):
        assign(mistake, person)


@pytest.mark.parametrize(
    ("start", "end", "is_free"), [(0, 5, True), (10, None, True), (0, 6, False), (9, 12, False)]
)
def test_again_in_the_same_organization(
    organization: Organization, person: Person, start: int, end: int | None, is_free: bool
) -> None:
    assign(organization, person, started_on=day(5), ended_on=day(10))
    given = {"started_on": day(start), "ended_on": day(end) if end else None}
    if is_free:
        assign(organization, person, **given)
        recorded("assign_person")
    else:
        with refusal("members", "同一时间已在"):
            assign(organization, person, **given)


# Change the role


def test_change_role_ends_one_and_begins_the_next(organization: Organization, person: Person) -> None:
    first = assign(organization, person, ended_on=day(20), document_number="1号")
    second = change_role(first, "secretary", document_number="2号")
    assert facts(first, "role", "started_on", "ended_on") == ("member", DAY, day(5))
    assert facts(second, "role", "started_on", "ended_on", "document_number") == (
        "secretary",
        day(5),
        day(20),
        "2号",
    )
    entry = recorded("change_role")
    assert (entry.object_id, entry.before, entry.after["role"]) == (
        second.pk,
        {"role": "member"},
        "secretary",
    )
    assert entry.effective_on == day(5)


def test_change_role_on_the_first_day_corrects_it(organization: Organization, person: Person) -> None:
    first = assign(organization, person, document_number="1号")
    assert change_role(first, "leader", 0) == first
    assert facts(first, "role", "ended_on", "document_number") == ("leader", None, "1号")
    assert Assignment.objects.count() == 1
    recorded("change_role")


def test_change_role_refused(organization: Organization, person: Person) -> None:
    assignment = assign(organization, person, started_on=day(2), ended_on=day(9))
    with refusal("role", "没有变化"):
        change_role(assignment, "member")
    with refusal("role", "请选择职责"):
        change_role(assignment, "king")
    for on in (1, 9):
        with refusal("on", "须在编入期间之内"):
            change_role(assignment, "leader", on)
    with refusal("on", "晚于今天"):
        change_role(assignment, "leader", 30_000)
    change_role(assignment, "leader", 2)
    with refusal(WHOLE_FORM, "职责:现在是“负责人”,您填的是“书记”") as told:
        change_role(assignment, "secretary", 2, version=1)
    assert isinstance(told.value, EditConflict)
    withdraw(assignment)
    with refusal(WHOLE_FORM, "已撤回"):
        change_role(assignment, "member")


# End


def test_end(unit: Unit, organization: Organization, person: Person) -> None:
    assignment = assign(organization, person)
    end(assignment, reason="归队")
    assert facts(assignment, "ended_on", "version") == (day(10), 2)
    entry = recorded("end_assignment")
    assert entry.before == {"ended_on": None}
    assert (entry.after["ended_on"], entry.after["person"]["text"]) == ("2020-02-11", "张三")
    assert (entry.effective_on, entry.reason, entry.unit_id) == (day(10), "归队", unit.pk)


def test_end_refused(organization: Organization, person: Person) -> None:
    assignment = assign(organization, person, started_on=day(2))
    with refusal("on", "不能早于编入日期 2020-02-03"):
        end(assignment, 1)
    with refusal("on", "晚于今天"):
        end(assignment, 30_000)
    end(assignment)
    with refusal(WHOLE_FORM, "张三 的编入已于 2020-02-11 结束"):
        end(assignment, 10)
    with refusal(WHOLE_FORM, "结束日期:现在是“2020-02-11”,您填的是“2020-02-10”"):
        end(assignment, 9, version=1)
    withdraw(assignment)
    with refusal(WHOLE_FORM, "已撤回"):
        end(assignment, 5)


def test_end_many_is_all_or_none(unit: Unit, organization: Organization) -> None:
    rows = [assign(organization, make_person(unit=unit)) for _ in range(3)]
    end(rows[1], 4)
    with refusal(WHOLE_FORM, "已于 2020-02-05 结束"):
        assignments.end_assignments(actor=ACTOR, ends=[(row, day(10)) for row in rows])
    ended = assignments.end_assignments(actor=ACTOR, ends=[(row, day(10)) for row in (rows[0], rows[2])])
    assert [each.ended_on for each in ended] == [day(10)] * 2
    assert AuditEntry.objects.filter(verb="end_assignment").count() == 3
    recorded("end_assignment")


# Correct


def correct(row: Assignment, also: Any = (), reason: str = "笔误", **changes: Any) -> Assignment:
    return assignments.edit_assignment(actor=ACTOR, assignment=row, changes=changes, also=also, reason=reason)


def test_correct_the_first_day_and_the_counts_follow(organization: Organization, person: Person) -> None:
    row = assign(organization, person, started_on=day(5))
    assert counted(organization.unit, day(3)) == 0
    correct(row, started_on=day(2), document_number="2号")
    assert facts(row, "started_on", "ended_on", "document_number") == (day(2), None, "2号")
    assert [counted(organization.unit, day(number)) for number in (1, 2, 3)] == [0, 1, 1]
    entry = recorded("edit_assignment")
    assert entry.before == {"started_on": "2020-02-06", "document_number": ""}
    assert (entry.after["started_on"], entry.after["person"]["text"]) == ("2020-02-03", "张三")
    assert (entry.reason, entry.effective_on) == ("笔误", day(2))


def test_correct_those_who_began_on_the_same_day_too(unit: Unit, organization: Organization) -> None:
    first, *others = [assign(organization, make_person(unit=unit), started_on=day(5)) for _ in range(13)]
    late = assign(organization, make_person(unit=unit), started_on=day(6))
    correct(first, also=others, started_on=day(1))
    assert {facts(row, "started_on") for row in (first, *others)} == {(day(1),)}
    assert facts(late, "started_on") == (day(6),)
    assert counted(unit, day(1)) == 13
    assert AuditEntry.objects.filter(verb="edit_assignment").count() == 13
    recorded("edit_assignment")


def test_correct_many_each_its_own_way_or_none(
    organization: Organization, unit: Unit, person: Person
) -> None:
    first = assign(organization, person, ended_on=day(5))
    second = assign(organization, person, started_on=day(5), role="secretary")
    moved = [(first, {"ended_on": day(7)}), (second, {"started_on": day(7)})]
    assignments.edit_assignments(actor=ACTOR, changes=moved, reason="改任日期有误")
    assert (facts(first, "ended_on"), facts(second, "started_on")) == ((day(7),), (day(7),))
    moved = [(first, {"ended_on": day(3)}), (second, {"started_on": day(3)})]
    assignments.edit_assignments(actor=ACTOR, changes=moved, reason="改任日期有误")
    assert (facts(first, "ended_on"), facts(second, "started_on")) == ((day(3),), (day(3),))
    with refusal("started_on", "同一时间已在“支部”"):
        assignments.edit_assignments(
            actor=ACTOR,
            changes=[(first, {"document_number": "1号"}), (second, {"started_on": day(2)})],
            reason="笔误",
        )


def test_correct_refused(organization: Organization, unit: Unit, person: Person) -> None:
    row = assign(organization, person, started_on=day(5))
    with refusal("reason", "请说明更正原因"):
        correct(row, reason=" ", started_on=day(4))
    with refusal("started_on", "编入日期不能早于组织成立日期 2020-02-01"):
        correct(row, started_on=day(-1))
    with refusal("started_on", "晚于今天"):
        correct(row, started_on=day(30_000))
    with refusal("ended_on", "尚未结束,请用“结束编入”办理"):
        correct(row, ended_on=day(9))
    correct(row, reason="", document_number="3号")  # counts nowhere else: no reason
    organizations.dissolve_organization(actor=ACTOR, organization=organization, on=day(10), reason="测试")
    with refusal("started_on", "已于 2020-02-11 撤销,编入须在该日前结束"):
        correct(row, ended_on=day(11))
    with refusal("ended_on", "结束日期不能早于编入日期"):
        correct(row, ended_on=day(4))
    correct(row, ended_on=day(9))
    with refusal(WHOLE_FORM, "结束日期:现在是“2020-02-10”,您填的是“2020-02-09”") as told:
        assignments.edit_assignment(
            actor=ACTOR, assignment=row, changes={"ended_on": day(8)}, version=1, reason="笔误"
        )
    assert isinstance(told.value, EditConflict)
    withdraw(row)
    with refusal(WHOLE_FORM, "已撤回"):
        correct(row, started_on=day(4))


def test_a_correction_is_set_back(organization: Organization, person: Person) -> None:
    row = assign(organization, person, started_on=day(5))
    correct(row, started_on=day(2))
    undo_edit(actor=ACTOR, entry=recorded("edit_assignment"), reason="没有错")
    assert facts(row, "started_on") == (day(5),)
    assert counted(organization.unit, day(3)) == 0
    assert recorded("edit_assignment").undoes is not None


# Withdraw


def test_withdraw(organization: Organization, person: Person) -> None:
    assignment = assign(organization, person)
    with refusal("reason", "请说明撤回原因"):
        assignments.withdraw_assignment(actor=ACTOR, assignment=assignment, reason="  ")
    withdraw(assignment)
    assert facts(assignment, "is_withdrawn", "ended_on") == (True, None)
    assert recorded("withdraw_assignment").reason == "误录"
    with refusal(WHOLE_FORM, "已撤回"):
        withdraw(assignment)
    assign(organization, person)


def test_withdraw_many_or_none(unit: Unit, organization: Organization) -> None:
    rows = [assign(organization, make_person(unit=unit)) for _ in range(3)]
    withdraw(rows[1])
    with refusal(WHOLE_FORM, "已撤回"):
        assignments.withdraw_assignments(actor=ACTOR, assignments=rows, reason="误录")
    assignments.withdraw_assignments(actor=ACTOR, assignments=rows[::2], reason="误录")
    assert counted(unit, DAY) == 0
    recorded("withdraw_assignment")
