"""Rules of assignments: what is refused, what is warned of, and how little they ask."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from registry import access
from registry.models import Assignment, Organization, Person, Unit, User
from registry.operations import organizations, people
from registry.rules import placements
from registry.rules.placements import Ending, Placement, RoleChange
from tests.asking import queries
from tests.factories import ACTOR, DAY, assign, make_organization, make_person, make_unit, make_user
from tests.operations.checks import day
from tests.rules.asking import short
from tests.rules.checks.building import people as fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit() -> Unit:
    return make_unit("unit")


@pytest.fixture
def clerk(unit: Unit) -> User:
    user = make_user("clerk", unit=unit, role="clerk")
    access.roles_held(user)  # read once for a request
    return user


@pytest.fixture
def branch(unit: Unit) -> Organization:
    return make_organization(unit, name="支部")


def placed(person: Person, branch: Organization, role: str = "member", **days: Any) -> Placement:
    return Placement(person, branch, role, **{"started_on": day(5), **days})


# Refusals


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"started_on": day(-1)},
            ("placement_within_life", "refuse", "started_on", "编入日期不能早于组织成立日期 2020-02-01。"),
        ),
        (
            {"started_on": date(2999, 1, 1)},
            ("not_in_future", "refuse", "started_on", "日期 2999-01-01 晚于今天,请改为今天或更早。"),
        ),
        ({"ended_on": day(4)}, ("ends_after_start", "refuse", "ended_on", "结束日期不能早于编入日期。")),
        ({"role": "king"}, ("role_known", "refuse", "role", "张三 的职责“king”不存在。")),
    ],
)
def test_what_cannot_be(unit: Unit, branch: Organization, given: dict[str, Any], said: tuple) -> None:
    proposal = placed(make_person("张三", unit), branch, **given)
    [finding] = placements.refusals([proposal])
    assert short([finding]) == [said]
    assert finding.subject is proposal


def test_only_within_the_life_of_the_organization(unit: Unit, branch: Organization) -> None:
    person = make_person("张三", unit)
    organizations.dissolve_organization(actor=ACTOR, organization=branch, on=day(10), reason="测试")
    branch.refresh_from_db()
    message = "“支部”已于 2020-02-11 撤销,编入须在该日前结束。"
    assert short(placements.refusals([placed(person, branch), placed(person, branch, ended_on=day(10))])) == [
        ("placement_within_life", "refuse", "started_on", message)
    ]
    mistake = make_organization(unit, name="误")
    mistake = organizations.withdraw_organization(actor=ACTOR, organization=mistake, reason="误录")
    assert short(placements.refusals([placed(person, mistake)])) == [
        ("placement_not_withdrawn", "refuse", "", "“误”已撤回,不能编入人员。")
    ]


def test_nobody_is_in_one_organization_twice_on_a_day(unit: Unit, branch: Organization) -> None:
    one, two = make_person("张三", unit, number="001"), make_person("李四", unit, number="002")
    there = assign(branch, one, started_on=day(5), ended_on=day(10))
    before, after = {"started_on": day(0), "ended_on": day(5)}, {"started_on": day(10)}
    fine = [placed(one, branch, **before), placed(one, branch, **after), placed(two, branch)]
    assert placements.refusals(fine) == []
    inside = placed(one, branch, started_on=day(9))
    assert short(placements.refusals([inside])) == [
        ("placed_once", "refuse", "person", "张三(••••) 同一时间已在“支部”。")
    ]
    assert placements.refusals([placed(one, branch, started_on=day(9), replaces=there)]) == []
    again = placed(two, branch)
    later = placed(two, branch, started_on=day(20))
    found = placements.refusals([placed(two, branch), again, later])
    assert [(each.message, each.subject) for each in found] == [
        ("李四(••••)重复出现。", again),
        ("李四(••••) 同一时间已在“支部”。", later),
    ]


def test_people_and_organizations_that_are_only_planned() -> None:
    branch = Organization(code="new", name="新支部", kind="branch", established_on=DAY)
    one, two = (Person(number=number, name="新人") for number in ("1", "2"))
    assert placements.refusals([placed(one, branch), placed(two, branch)]) == []
    [finding] = placements.refusals([placed(one, branch), placed(one, branch, started_on=day(7))])
    assert finding.rule == "placed_once"


def test_role_changes(unit: Unit, branch: Organization) -> None:
    there = assign(branch, make_person("张三", unit), started_on=day(2), ended_on=day(9))
    said = [
        short(placements.role_refusals([RoleChange(there, role, on)]))
        for role, on in (
            ("leader", day(2)),
            ("leader", date(2999, 1, 1)),
            ("king", day(3)),
            ("member", day(3)),
            ("leader", day(1)),
            ("leader", day(9)),
        )
    ]
    outside = [("role_within_placement", "refuse", "on", "日期须在编入期间之内。")]
    assert said == [
        [],
        [("not_in_future", "refuse", "on", "日期 2999-01-01 晚于今天,请改为今天或更早。")],
        [("role_known", "refuse", "role", "请选择职责。")],
        [("role_changes", "refuse", "role", "职责没有变化。")],
        outside,
        outside,
    ]


def test_ends(unit: Unit, branch: Organization) -> None:
    there = assign(branch, make_person("张三", unit), started_on=day(2))

    def said(on: date, reason: str = "") -> list[tuple[str, str, str, str]]:
        return short(placements.end_refusals([Ending(there, on, reason)]))

    assert said(day(2)) == []
    assert said(day(1)) == [("ends_after_start", "refuse", "on", "结束日期不能早于编入日期 2020-02-03。")]
    there.ended_on = day(10)
    assert said(day(10)) == [("not_ended", "refuse", "", "张三 的编入已于 2020-02-11 结束。")]
    assert said(day(9)) == [
        (
            "correction_needs_reason",
            "refuse",
            "reason",
            "请说明更正原因:该编入已登记于 2020-02-11 结束。",
        )
    ]
    assert said(day(9), "误") == []
    there.is_withdrawn = True
    assert said(day(9)) == [("placement_valid", "refuse", "", "该编入已撤回。")]


# Warnings


def test_a_secretary_is_a_full_member_and_the_only_one(unit: Unit, branch: Organization, clerk: User) -> None:
    assign(branch, make_person("甲", unit), role="secretary")
    person = make_person("乙", unit, number="000123", political_status="masses")
    full = "书记 乙(000123)在 2020-02-06 的政治面貌是“群众”,不是正式党员(《中国共产党支部工作条例(试行)》)。"
    expected = [
        ("secretary_full_member", "warn", "role", full),
        ("one_secretary", "warn", "role", "“支部”已有书记 甲。"),
    ]
    assert short(placements.findings([placed(person, branch, "secretary")], clerk)) == expected
    member = assign(branch, person, started_on=day(2))
    assert short(placements.role_findings([RoleChange(member, "secretary", day(5))], clerk)) == expected
    assert placements.findings([placed(make_person("丙", unit), branch)], clerk) == []


def test_what_is_refused_is_not_warned_of(unit: Unit, branch: Organization, clerk: User) -> None:
    person = make_person("乙", unit, political_status="masses")
    [finding] = placements.findings([placed(person, branch, "secretary", started_on=day(-1))], clerk)
    assert finding.rule == "placement_within_life"


def test_the_political_status_of_the_day_decides(unit: Unit, branch: Organization, clerk: User) -> None:
    person = make_person("乙", unit, political_status="activist")
    people.change_political_status(actor=ACTOR, person=person, status="full_member", on=day(8))
    early = placed(person, branch, "secretary")
    late = placed(person, branch, "secretary", started_on=day(8))
    assert [each.rule for each in placements.findings([early], clerk)] == ["secretary_full_member"]
    assert placements.findings([late], clerk) == []
    planned = placed(Person(number="9", name="新", political_status="masses"), branch, "secretary")
    [finding] = placements.findings([planned], clerk)
    assert "书记 新(9)" in finding.message


def test_who_ends_or_changes_in_the_same_set_is_secretary_no_more(
    unit: Unit, branch: Organization, clerk: User
) -> None:
    old = assign(branch, make_person("甲", unit, political_status="masses"), role="secretary")
    new = placed(make_person("乙", unit), branch, "secretary")
    assert [each.rule for each in placements.findings([new], clerk)] == ["one_secretary"]
    ended = placed(old.person, branch, "secretary", started_on=DAY, ended_on=day(5), replaces=old)
    assert placements.findings([ended, new], clerk) == []
    late = placed(old.person, branch, "secretary", started_on=DAY, ended_on=day(6), replaces=old)
    assert [each.rule for each in placements.findings([late, new], clerk)] == ["one_secretary"]
    member = placed(old.person, branch, "member", started_on=DAY, replaces=old)
    assert placements.findings([member, new], clerk) == []


def test_two_secretaries_in_one_set(unit: Unit, branch: Organization, clerk: User) -> None:
    one, two = (placed(make_person(name, unit), branch, "secretary") for name in ("甲", "乙"))
    assert short(placements.findings([one, two], clerk)) == [
        ("one_secretary", "warn", "role", "“支部”同时编入了多名书记:甲、乙。")
    ]
    first = placed(one.person, branch, "secretary", ended_on=day(8))
    second = placed(two.person, branch, "secretary", started_on=day(8))
    assert placements.findings([first, second], clerk) == []


def test_a_whole_list_of_secretaries_stays_short(unit: Unit, branch: Organization, clerk: User) -> None:
    heads = [placed(make_person(f"人{i}", unit), branch, "secretary") for i in range(6)]
    messages = [each.message for each in placements.findings(heads, clerk)]
    assert messages[0] == "“支部”同时编入了多名书记:人0、人1。"
    assert messages[-1] == "“支部”同时编入了多名书记:人0、人1、人2、人5。"


def test_a_formation_has_no_secretary(unit: Unit, clerk: User) -> None:
    team = make_organization(unit, "commando_team")
    person = make_person("乙", unit, political_status="masses")
    assert placements.findings([placed(person, team, "secretary")], clerk) == []


def test_a_secretary_elsewhere_is_named_only_within_the_scope(branch: Organization, clerk: User) -> None:
    elsewhere = make_organization(make_unit("elsewhere"), name="外支部")
    guest, own = make_person("客", make_unit("home")), make_person("主", branch.unit)
    for person in (guest, own):
        assign(elsewhere, person, role="secretary")
    proposals = [placed(person, branch, "secretary", ended_on=day(6)) for person in (guest,)]
    assert placements.findings(proposals, clerk) == []
    assert short(placements.findings([placed(own, branch, "secretary")], clerk)) == [
        ("secretary_elsewhere", "warn", "person", "主 当日已任“外支部”书记。")
    ]
    admin = make_user("admin", is_superuser=True)
    assert [each.rule for each in placements.findings(proposals, admin)] == ["secretary_elsewhere"]


def test_a_number_is_masked_for_who_may_not_see_it(branch: Organization, clerk: User) -> None:
    guest = make_person("客", make_unit("home"), number="000123", political_status="masses")
    [finding] = placements.findings([placed(guest, branch, "secretary")], clerk)
    assert "客(••••)" in finding.message


# As many questions for three as for one


def three(unit: Unit) -> list[Placement]:
    """Three who are warned of for everything that a secretary can be warned of."""
    proposals = []
    for _ in range(3):
        branch, person = make_organization(unit), make_person(unit=unit, political_status="masses")
        assign(branch, make_person(unit=unit), role="secretary")
        assign(make_organization(unit), person, role="secretary")
        proposals.append(placed(person, branch, "secretary"))
    return [
        Placement(Person.objects.get(pk=each.person.pk), each.organization, each.role, each.started_on)
        for each in proposals
    ]


def test_three_placements_ask_as_much_as_one(unit: Unit, clerk: User) -> None:
    fresh = three(unit)
    single = three(unit)[:1]
    one = queries(lambda: placements.findings(single, clerk))
    assert queries(lambda: placements.findings(fresh, clerk)) == one
    assert len(placements.findings(fresh, clerk)) == 9
    assert queries(lambda: placements.refusals(fresh)) == queries(lambda: placements.refusals(fresh[:1])) == 1


def test_three_changes_ask_as_much_as_one(unit: Unit, branch: Organization, clerk: User) -> None:
    rows = [assign(branch, make_person(unit=unit)) for _ in range(6)]

    def read(some: list[Assignment]) -> list[Assignment]:
        known = Assignment.objects.filter(pk__in=[row.pk for row in some])
        return list(known.select_related("person__home_unit", "organization__unit"))

    changes = [
        [RoleChange(row, "secretary", day(3)) for row in some] for some in (read(rows[:1]), read(rows[:3]))
    ]
    one, many = (queries(lambda some=some: placements.role_findings(some, clerk)) for some in changes)
    assert one == many
    for some in changes:
        assert queries(lambda some=some: placements.role_refusals(some)) == 0
    ends = [Ending(row, day(3)) for row in read(rows[:3])]
    assert queries(lambda: placements.end_refusals(ends)) == 0


def test_who_makes_a_branch_too_large_is_said_once(unit: Unit, branch: Organization, clerk: User) -> None:
    """The checks speak of what a placement brings about, not of what was so before."""
    fill(50, unit, placed=branch)
    first, second = (placed(make_person(name, unit), branch) for name in ("甲", "乙"))
    said = "党员 52 人,超过 50 人,应调整为党总支或分设党支部(《中国共产党支部工作条例(试行)》第四条)。"
    assert short(placements.findings([first, second], clerk)) == [
        ("branch_max_members", "warn", "members", said)
    ]
    over = assign(branch, first.person, started_on=day(2))
    assert placements.findings([second], clerk) == [], "it is too large already"
    change = RoleChange(over, "leader", day(5))
    assert placements.role_findings([change], clerk) == [], "as many as before"


def test_a_committee_out_of_proportion_is_said_when_somebody_is_appointed(
    unit: Unit, branch: Organization, clerk: User
) -> None:
    fill(6, unit, placed=branch)
    [finding] = placements.findings([placed(make_person("甲", unit), branch, "secretary")], clerk)
    assert (finding.rule, finding.field) == ("committee_size", "members")
