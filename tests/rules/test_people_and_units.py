"""Rules of people, units and campaigns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest

from registry.models import Campaign, Unit
from registry.operations import people as operations
from registry.operations import units as unit_operations
from registry.rules import campaigns, units
from registry.rules import people as rules
from registry.rules.people import Membership, StatusChange
from registry.rules.units import Addition, Closing, Leaving, Move, Opening
from tests.asking import queries
from tests.factories import ACTOR, make_campaign, make_organization, make_person, make_unit
from tests.operations.checks import day
from tests.rules.asking import short

pytestmark = pytest.mark.django_db
FUTURE = date(2999, 1, 1)
LATER = "日期 2999-01-01 晚于今天,请改为今天或更早。"


@pytest.fixture
def closed() -> Unit:
    unit = make_unit("closed", name="旧局", opened_on=day(-9))
    return unit_operations.close_unit(actor=ACTOR, unit=unit, on=day(2), reason="x")


# People


def test_where_somebody_may_belong(closed: Unit) -> None:
    unit = make_unit("unit")
    standing = make_organization(unit, is_temporary=False)
    temporary = make_organization(unit)
    team = make_organization(unit, "commando_team")
    gone = make_organization(unit, name="旧支部", is_temporary=False)
    gone.dissolved_on = day(9)
    proposals = [
        Membership(unit, standing),
        Membership(),
        Membership(closed),
        Membership(unit, temporary),
        Membership(unit, team),
        Membership(unit, gone),
    ]
    no_home = "组织关系须在常设党组织,临时党组织不接转组织关系。"
    assert short(rules.refusals(proposals)) == [
        ("home_open", "refuse", "home_unit", "“旧局”已撤并,请选择现有单位。"),
        ("home_branch_standing", "refuse", "home_branch", no_home),
        ("home_branch_standing", "refuse", "home_branch", no_home),
        ("home_branch_stands", "refuse", "home_branch", "“旧支部”已撤销或撤回,请选择现有党组织。"),
    ]


def test_status_changes() -> None:
    person = make_person(political_status="activist")
    operations.change_political_status(actor=ACTOR, person=person, status="full_member", on=day(8))
    person.refresh_from_db()
    said = [
        short(rules.status_refusals([StatusChange(person, status, on, reason)]))
        for status, on, reason in (
            ("masses", day(9), ""),
            ("masses", FUTURE, ""),
            ("king", day(9), ""),
            ("full_member", day(9), ""),
            ("masses", day(7), ""),
            ("masses", day(8), ""),
            ("masses", day(8), "误"),
        )
    ]
    assert said == [
        [],
        [("not_in_future", "refuse", "on", LATER)],
        [("status_known", "refuse", "political_status", "请选择政治面貌。")],
        [("status_changes", "refuse", "political_status", "政治面貌没有变化。")],
        [
            (
                "status_in_order",
                "refuse",
                "on",
                "现在的政治面貌始于 2020-02-09,变更日期不能早于该日。",
            )
        ],
        [
            (
                "correction_needs_reason",
                "refuse",
                "reason",
                "请说明更正原因:现在的政治面貌也始于 2020-02-09,已计入统计。",
            )
        ],
        [],
    ]


# Units


def test_additions(closed: Unit) -> None:
    proposals = [Addition(None), Addition(make_unit(), day(0)), Addition(closed), Addition(None, FUTURE)]
    assert short(units.refusals(proposals)) == [
        ("superior_open", "refuse", "superior", "“旧局”已于 2020-02-03 撤并,不能再设下级单位。"),
        ("not_in_future", "refuse", "opened_on", LATER),
    ]


def test_opening_days(closed: Unit) -> None:
    unit = make_unit("unit")
    make_organization(unit, established_on=day(4))
    proposals = [
        Opening(unit, day(4)),
        Opening(unit, None),
        Opening(unit, day(5)),
        Opening(unit, FUTURE),
        Opening(closed, day(3)),
    ]
    assert short(units.opening_refusals(proposals)) == [
        ("host_open", "refuse", "opened_on", "2020-02-05 已有组织在本单位成立,设立日期不能晚于该日。"),
        ("not_in_future", "refuse", "opened_on", LATER),
        (
            "closes_after_opening",
            "refuse",
            "opened_on",
            "本单位已于 2020-02-03 撤并,设立日期不能晚于该日。",
        ),
    ]


def test_moves(closed: Unit) -> None:
    top, other = make_unit("top"), make_unit("other")
    unit = make_unit("unit", top)
    below = make_unit("below", unit)
    unit_operations.move_unit(actor=ACTOR, unit=unit, superior=other, on=day(5), reason="x")
    for row in (top, other, unit, below):
        row.refresh_from_db()
    proposals = [
        Move([unit], top, day(6)),
        Move([below], other, FUTURE),
        Move([unit], other, day(6)),
        Move([below], closed, day(6)),
        Move([unit], below, day(6)),
        Move([other], unit, day(4)),
        Move([unit], top, day(4)),
    ]
    assert short(units.move_refusals(proposals)) == [
        ("not_in_future", "refuse", "on", LATER),
        ("superior_changes", "refuse", "superior", "“unit公安局”现在的上级单位就是“other公安局”。"),
        ("superior_open", "refuse", "superior", "“旧局”在 2020-02-07 不存在或已撤并。"),
        (
            "superior_not_below",
            "refuse",
            "superior",
            "“below公安局”就在“unit公安局”之下,不能作为它的上级。",
        ),
        (
            "superior_not_below",
            "refuse",
            "superior",
            "“unit公安局”就在“other公安局”之下,不能作为它的上级。",
        ),
        (
            "superiors_in_order",
            "refuse",
            "on",
            "“unit公安局”在 2020-02-06 已调整过上级单位,生效日期不能早于该日。",
        ),
    ]


def test_closings(closed: Unit) -> None:
    unit = make_unit("unit", opened_on=day(-5))
    make_person(unit=unit)
    make_organization(unit, name="支部", established_on=day(3))
    below = make_unit("below", unit)
    unit.refresh_from_db()
    empty = make_unit("empty")
    proposals = [
        Closing(empty, day(4)),
        Closing(unit, day(4), empty),
        Closing(unit, day(4)),
        Closing(unit, day(2)),
        Closing(unit, day(-6)),
        Closing(closed, day(4)),
        Closing(unit, day(4), unit),
        Closing(unit, day(4), below),
        Closing(unit, day(4), closed),
    ]
    found = units.closing_refusals(proposals)
    assert {proposals.index(each.subject): (each.rule, each.field, each.message) for each in found} == {
        2: (
            "closes_empty",
            "",
            "“unit公安局”还有1 个下级单位、1 个未撤销的组织、1 名人员,请先调整或改用“并入其他单位”。",
        ),
        3: ("closes_after_events", "on", "“支部”在 2020-02-04 才到本单位,日期不能早于该日。"),
        4: (
            "closes_after_opening",
            "on",
            "“unit公安局”设立于 2020-01-27,撤并日期不能早于该日。",
        ),
        5: ("not_closed", "", "“旧局”已于 2020-02-03 撤并。"),
        6: ("merged_into_another", "into", "不能并入自身。"),
        7: ("merged_into_another", "into", "“below公安局”在“unit公安局”之下,请先调整上级单位。"),
        8: ("merged_into_another", "into", "“旧局”在 2020-02-05 不存在或已撤并。"),
    }
    assert units.left_at(unit, day(4)) == Leaving(units=1, organizations=1, people=1)


# Campaigns


def test_campaigns() -> None:
    going_on = make_campaign()
    ended: Any = Campaign(started_on=day(0), ended_on=day(3))
    assert short(campaigns.start_refusals([campaigns.Start(day(0)), campaigns.Start(FUTURE)])) == [
        ("not_in_future", "refuse", "started_on", LATER)
    ]
    proposals = [
        campaigns.Ending(going_on, day(0)),
        campaigns.Ending(going_on, day(-30)),
        campaigns.Ending(going_on, FUTURE),
        campaigns.Ending(ended, day(4)),
    ]
    assert short(campaigns.end_refusals(proposals)) == [
        ("ends_after_start", "refuse", "on", "结束日期不能早于启动日期 2020-01-20。"),
        ("not_in_future", "refuse", "on", LATER),
        ("not_ended", "refuse", "", "该专项任务已于 2020-02-04 结束。"),
    ]
    assert queries(lambda: campaigns.end_refusals(proposals)) == 1


# As many questions for three as for one


ASK: list[Callable[[Sequence[Unit], Unit], Any]] = [
    lambda rows, top: units.refusals([Addition(row) for row in rows]),
    lambda rows, top: units.opening_refusals([Opening(row, day(0)) for row in rows]),
    lambda rows, top: units.move_refusals([Move(rows, top, day(0))]),
    lambda rows, top: units.move_refusals([Move([row], top, day(0)) for row in rows[:1]]),
    lambda rows, top: units.closing_refusals([Closing(row, day(0)) for row in rows]),
    lambda rows, top: rules.refusals([Membership(row, None) for row in rows]),
    lambda rows, top: rules.status_refusals(
        [StatusChange(person, "masses", day(0)) for row in rows for person in row.people_of]
    ),
]


@pytest.mark.parametrize("ask", ASK)
def test_three_ask_as_much_as_one(ask) -> None:
    old, top = make_unit("old"), make_unit("top")
    rows = [make_unit(superior=old) for _ in range(3)]
    for row in rows:
        row.refresh_from_db()
        row.people_of = [make_person(unit=row)]
    top.refresh_from_db()
    assert queries(lambda: ask(rows[:1], top)) == queries(lambda: ask(rows, top))
