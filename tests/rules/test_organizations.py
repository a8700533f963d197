"""Rules of organizations: founding, correcting, moving, transferring, withdrawing, dissolving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from datetime import date
from typing import Any

import pytest

from registry import access
from registry.models import Organization, Person, Unit, User
from registry.operations import organizations as operations
from registry.operations import units
from registry.rules import organizations as rules
from registry.rules.dissolutions import Dissolution, extents
from registry.rules.findings import Finding
from registry.rules.organizations import Correction, Establishment, Move, Transfer, Withdrawal
from tests.asking import queries
from tests.factories import (
    ACTOR,
    DAY,
    assign,
    make_campaign,
    make_organization,
    make_person,
    make_unit,
    make_user,
)
from tests.operations.checks import day
from tests.rules.asking import short

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit() -> Unit:
    return make_unit("unit", short_name="分局")


@pytest.fixture
def clerk(unit: Unit) -> User:
    user = make_user("clerk", unit=unit, role="clerk")
    access.roles_held(user)  # read once for a request
    return user


def founded(unit: Unit, **facts: Any) -> Establishment:
    return Establishment(**{"kind": "branch", "unit": unit, "established_on": day(5), "name": "新", **facts})


# Founding


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"established_on": date(2999, 1, 1)},
            ("not_in_future", "refuse", "established_on", "日期 2999-01-01 晚于今天,请改为今天或更早。"),
        ),
        (
            {"dissolved_on": day(4)},
            ("ends_after_start", "refuse", "dissolved_on", "撤销日期不能早于成立日期。"),
        ),
        (
            {"kind": "commando_team", "is_temporary": True},
            (
                "formation_not_temporary",
                "refuse",
                "is_temporary",
                "只有党组织分临时和常设,先锋岗、突击队等不能登记为临时党组织。",
            ),
        ),
        ({"kind": "king"}, ("kind_known", "refuse", "kind", "请选择组织类型。")),
    ],
)
def test_what_cannot_be_founded(unit: Unit, given: dict[str, Any], said: tuple) -> None:
    proposal = founded(unit, **given)
    [finding] = rules.refusals([founded(unit), proposal])
    assert short([finding]) == [said]
    assert finding.subject is proposal


def test_a_unit_and_a_superior_that_stand_as_long(unit: Unit) -> None:
    later = make_unit("later", opened_on=day(6), name="后设局")
    closed = units.close_unit(actor=ACTOR, unit=make_unit("closed", name="旧局"), on=day(2), reason="x")
    committee = make_organization(unit, "committee", name="党委", established_on=day(6))
    gone = make_organization(unit, "committee", name="旧党委")
    operations.dissolve_organization(actor=ACTOR, organization=gone, on=day(8), reason="x")
    gone.refresh_from_db()
    proposals = [
        founded(later),
        founded(closed),
        founded(unit, parent=committee),
        founded(unit, parent=gone),
        founded(unit, parent=gone, dissolved_on=day(8)),
    ]
    assert short(rules.refusals(proposals)) == [
        ("host_open", "refuse", "unit", "“后设局”在 2020-02-06 尚未设立。"),
        ("host_open", "refuse", "unit", "“旧局”已于 2020-02-03 撤并,请选择现有单位。"),
        (
            "superior_stands",
            "refuse",
            "established_on",
            "上级组织“党委”成立于 2020-02-07,成立日期不能早于它。",
        ),
        ("superior_stands", "refuse", "parent", "“旧党委”已于 2020-02-09 撤销,请换一个上级组织。"),
    ]
    operations.withdraw_organization(actor=ACTOR, organization=committee, reason="x")
    committee.refresh_from_db()
    [finding] = rules.refusals([founded(unit, parent=committee)])
    assert finding.message == "“党委”已撤回,请换一个上级组织。"


def test_warnings_of_a_founding(unit: Unit, clerk: User) -> None:
    make_organization(unit, name="新", code="earlier")
    weak = make_person("弱", unit, number="000123", political_status="masses")
    full = make_person("强", unit)
    proposal = founded(unit, members=[(weak, "secretary"), (full, "member")])
    assert short(rules.findings([proposal], clerk)) == [
        (
            "name_new_at_unit",
            "warn",
            "name",
            "分局已有同名组织“新”(earlier,2020-02-01 成立)。",
        ),
        (
            "secretary_full_member",
            "warn",
            "role",
            "书记 弱(000123)在 2020-02-06 的政治面貌是“群众”,不是正式党员。",
        ),
        (
            "branch_min_full_members",
            "warn",
            "members",
            "正式党员只有 1 人,不足 3 人,应与邻近单位成立联合党支部"
            "(《中国共产党支部工作条例(试行)》第四条)。",
        ),
    ]
    assert short(rules.findings([founded(unit, name="队", kind="commando_team")], clerk)) == [
        ("has_a_head", "warn", "members", "没有指定负责人。")
    ]
    assert [each.rule for each in rules.findings([founded(unit, name="空")], clerk)] == [
        "has_a_head",
        "branch_min_full_members",
    ]
    below = founded(unit, kind="committee", parent=make_organization(unit), name="新")
    assert short(rules.findings([below], clerk)) == [
        ("kind_under_superior", "refuse", "parent", "党委不能设在党支部之下,请换一个上级组织。")
    ]


# Correcting


def corrected(organization: Organization, reason: str = "", **facts: Any) -> Correction:
    candidate = copy(organization)
    for name, value in facts.items():
        setattr(candidate, name, value)
    return Correction(candidate, organization, reason)


def test_a_correction_of_what_is_counted_needs_a_reason(unit: Unit) -> None:
    branch, draft = make_organization(unit), make_organization(unit, state="draft")
    campaign = make_campaign()
    reason = "请说明更正原因:该组织已批准,所改的内容已计入统计。"
    expected = [("correction_needs_reason", "refuse", "reason", reason)]
    for facts in ({"established_on": day(1)}, {"campaign": campaign}):
        assert short(rules.correction_refusals([corrected(branch, **facts)])) == expected
        assert rules.correction_refusals([corrected(branch, "误", **facts)]) == []
        assert rules.correction_refusals([corrected(draft, **facts)]) == []
    assert rules.correction_refusals([corrected(branch, name="新名")]) == []


def test_a_corrected_life_leaves_nobody_out(unit: Unit) -> None:
    committee = make_organization(unit, "committee", name="党委")
    branch = make_organization(unit, name="支部", parent=committee)
    assign(branch, make_person(unit=unit), started_on=day(3))
    make_organization(unit, "group", name="小组", parent=branch, established_on=day(2))

    def said(organization: Organization, **facts: Any) -> list[tuple[str, str, str, str]]:
        organization.refresh_from_db()
        return short(rules.correction_refusals([corrected(organization, "误", **facts)]))

    assert said(branch, established_on=day(4)) == [
        (
            "placement_within_life",
            "refuse",
            "established_on",
            "有 1 人次的编入日期早于 2020-02-05,请先更正这些编入。",
        )
    ]
    assert said(branch, established_on=day(3)) == [
        ("superior_stands", "refuse", "established_on", "下级“小组”成立于 2020-02-03,早于该日。")
    ]
    assert said(branch, dissolved_on=day(4)) == [
        (
            "dissolved_by_dissolution",
            "refuse",
            "dissolved_on",
            "请用“撤销”办理,以便同时结束人员编入和下级组织。",
        )
    ]
    operations.dissolve_organization(actor=ACTOR, organization=committee, on=day(10), reason="x")
    assert said(committee, dissolved_on=day(-1))[0][0] == "ends_after_start"
    assert said(branch, dissolved_on=day(9)) == [
        (
            "placement_within_life",
            "refuse",
            "dissolved_on",
            "有 1 人次在 2020-02-10 之后仍在本组织,请先结束这些编入。",
        )
    ]
    assert said(branch, dissolved_on=None) == [
        ("superior_stands", "refuse", "dissolved_on", "上级组织“党委”已于 2020-02-11 撤销。")
    ]
    assert said(committee, dissolved_on=day(9)) == [
        ("superior_stands", "refuse", "dissolved_on", "下级组织在该日之后仍在,请先撤销或调整它们。")
    ]


def test_a_corrected_life_fits_the_hosts(unit: Unit) -> None:
    branch, later = make_organization(unit, name="支部"), make_unit("later")
    operations.transfer_organization(actor=ACTOR, organization=branch, unit=later, on=day(5), reason="x")
    branch.refresh_from_db()
    assert short(rules.correction_refusals([corrected(branch, "误", established_on=day(5))])) == [
        (
            "transfer_within_life",
            "refuse",
            "established_on",
            "该组织在 2020-02-06 已转隶,成立日期须早于该日。",
        )
    ]
    young = make_organization(make_unit("young", name="新局", opened_on=DAY))
    assert short(rules.correction_refusals([corrected(young, "误", established_on=day(-1))])) == [
        ("host_open", "refuse", "established_on", "“新局”在 2020-01-31 尚未设立或已撤并。")
    ]


# Moving, transferring, withdrawing, dissolving


def test_moves(unit: Unit) -> None:
    committee = make_organization(unit, "committee", name="党委")
    general = make_organization(unit, "general_branch", name="总支", parent=committee)
    branch = make_organization(unit, name="支部", parent=general)
    for row in (committee, general, branch):
        row.refresh_from_db()
    proposals = [
        Move(branch, committee),
        Move(branch, general),
        Move(general, branch),
        Move(make_organization(unit, "commando_team"), None),
        Move(committee, make_organization(unit)),
    ]
    assert short(rules.move_refusals(proposals)) == [
        ("superior_changes", "refuse", "parent", "上级组织没有变化。"),
        ("superior_not_below", "refuse", "parent", "“支部”就在“总支”之下,不能作为它的上级。"),
        ("superior_changes", "refuse", "parent", "上级组织没有变化。"),
        ("kind_under_superior", "refuse", "parent", "党委不能设在党支部之下,请换一个上级组织。"),
    ]


def test_transfers(unit: Unit) -> None:
    branch = make_organization(unit, name="支部")
    later = make_unit("later", name="后设局", opened_on=day(6))
    mistake = operations.withdraw_organization(
        actor=ACTOR, organization=make_organization(unit), reason="误录"
    )
    proposals = [
        Transfer(branch, later, day(6)),
        Transfer(branch, unit, day(6)),
        Transfer(branch, later, day(5)),
        Transfer(mistake, later, day(6)),
        Transfer(branch, make_unit(), day(-1)),
    ]
    assert short(rules.transfer_refusals(proposals)) == [
        ("host_changes", "refuse", "unit", "该组织现在就在“unit公安局”。"),
        ("host_open", "refuse", "unit", "“后设局”在 2020-02-06 尚未设立。"),
        ("organization_valid", "refuse", "", "该组织已撤回,不能转隶。"),
        ("transfers_in_order", "refuse", "on", "“支部”自 2020-02-01 起在现单位,生效日期不能早于该日。"),
    ]


def test_withdrawals_name_nothing_out_of_scope(unit: Unit) -> None:
    committee = make_organization(unit, "committee")
    make_organization(unit, name="支部", parent=committee)
    proposal = Withdrawal(committee, "误录")
    assert short(rules.withdrawal_refusals([proposal])) == [
        ("subordinates_withdrawn", "refuse", "", "下级还有支部等 1 个组织,请先撤回或调整它们。")
    ]
    [finding] = rules.withdrawal_refusals([proposal], lambda row: False)
    assert finding.message == "下级组织中有不在您管理范围内的,请先由其所在单位撤回,或由上级单位办理。"
    assert [each.rule for each in rules.withdrawal_refusals([Withdrawal(committee, "")])] == [
        "withdrawal_needs_reason"
    ]


def test_dissolutions_say_what_ends(unit: Unit) -> None:
    committee = make_organization(unit, "committee", name="党委")
    branch = make_organization(unit, name="支部", parent=committee)
    for start in (2, 4):
        assign(branch, make_person("张三", unit), started_on=day(start))
    assign(branch, make_person("早退", unit), ended_on=day(3))
    alone = make_organization(unit, name="独")
    for row in (committee, branch, alone):
        row.refresh_from_db()
    whole, part, other = (Dissolution(row, day(4)) for row in (committee, branch, alone))
    found, refused = extents([whole, part, other])
    assert refused == []
    assert [(each.organizations, each.assignments) for each in found.values()] == [
        ((committee, branch), 2),
        ((branch,), 2),
        ((alone,), 0),
    ]
    early = Dissolution(committee, day(3))
    found, refused = extents([early, other])
    assert list(found) == [other]
    assert short(refused) == [
        (
            "placement_within_life",
            "refuse",
            "on",
            "张三 在 2020-02-05 才编入“支部”,撤销日期不能早于该日。",
        )
    ]
    found, refused = extents([whole, other], lambda row: row != branch)
    assert list(found) == [other]
    assert [each.rule for each in refused] == ["subordinates_in_scope"]
    assert "支部" not in refused[0].message
    assert [each.message for each in extents([Dissolution(committee, day(-1))])[1]] == [
        "“党委”成立于 2020-02-01,撤销日期不能早于该日。"
    ]


# As many questions for three as for one


@pytest.fixture
def three(unit: Unit) -> list[Organization]:
    """Three branches with members, a transfer and a subordinate each."""
    rows, other = [], make_unit("other")
    for _ in range(3):
        branch = make_organization(unit, parent=make_organization(unit, "committee"))
        make_organization(unit, "group", parent=branch)
        assign(branch, make_person(unit=unit))
        operations.transfer_organization(actor=ACTOR, organization=branch, unit=other, on=day(5), reason="x")
        rows.append(branch.pk)
    return list(Organization.objects.filter(pk__in=rows).select_related("unit", "parent"))


ASK: list[Callable[[Sequence[Organization], Unit, User], list[Finding]]] = [
    lambda rows, unit, user: rules.findings([founded(unit) for _ in rows], user),
    lambda rows, unit, user: rules.correction_refusals(
        [corrected(row, established_on=day(-1)) for row in rows]
    ),
    lambda rows, unit, user: rules.move_refusals([Move(row, row.parent) for row in rows]),
    lambda rows, unit, user: rules.transfer_refusals([Transfer(row, unit, day(9)) for row in rows]),
    lambda rows, unit, user: rules.withdrawal_refusals([Withdrawal(row, "x") for row in rows]),
    lambda rows, unit, user: extents([Dissolution(row, day(3)) for row in rows])[1],
    lambda rows, unit, user: extents([Dissolution(row, day(9)) for row in rows])[1],
]


@pytest.mark.parametrize("ask", ASK)
def test_three_ask_as_much_as_one(ask, three: list[Organization], unit: Unit, clerk: User) -> None:
    assert queries(lambda: ask(three[:1], unit, clerk)) == queries(lambda: ask(three, unit, clerk))


def test_three_foundings_with_members_ask_as_much_as_one(unit: Unit, clerk: User) -> None:
    def proposals(number: int) -> list[Establishment]:
        people = [make_person(unit=unit) for _ in range(number)]
        for person in people:
            assign(make_organization(unit), person, role="secretary")
        fresh = Person.objects.in_bulk([person.pk for person in people])
        return [founded(unit, members=[(person, "secretary")]) for person in fresh.values()]

    one, many = proposals(1), proposals(3)
    assert queries(lambda: rules.findings(one, clerk)) == queries(lambda: rules.findings(many, clerk))
    assert len(rules.findings(many, clerk)) == 6
    assert queries(lambda: rules.refusals(many)) == 0
