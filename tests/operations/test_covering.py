"""Joint branches: the units that they cover beside their host, from which day, and what goes with that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from registry.approvals import submissions
from registry.audit import Actor
from registry.counting.basis import Question
from registry.counting.rollup import rollup
from registry.models import CoveredUnit, Organization, RuleSetting, Unit
from registry.operations import covering, organizations, units
from registry.operations.submitting import or_submit
from registry.refusals import OperationRefused
from registry.rules.covering import covered_on, covering_on
from tests.factories import ACTOR, DAY, make_organization, make_unit, make_user
from tests.operations.checks import WHOLE_FORM, day, recorded, refusal, sound
from tests.world import World

pytestmark = pytest.mark.django_db
ON = day(10)


def build_world() -> World:
    """The world of all tests, with a joint branch at the left bureau that covers its station."""
    made = World()
    made.joint = joint_at(made.left, covered=[made.station], code="joint", name="左局临时联合党支部")
    return made


def joint_at(unit: Unit, **facts: Any) -> Organization:
    return make_organization(unit, "joint_branch", **{"is_temporary": True, **facts})


def cover(world: World, *covered: Unit, on: date = ON, by: Actor = ACTOR) -> Organization:
    return covering.cover_units(actor=by, organization=world.joint, units=covered, on=on, reason="合署")


def spells(organization: Organization) -> list[tuple[str, date, date | None]]:
    rows = CoveredUnit.objects.filter(organization=organization).order_by("started_on", "unit__lft")
    return list(rows.values_list("unit__code", "started_on", "ended_on"))


def names(organization: Organization, on: date) -> list[str]:
    organization.refresh_from_db()
    return [unit.code for unit in covered_on([organization], on).get(organization.pk, [])]


# From which day


def test_it_covers_from_its_founding_on_and_the_record_says_which_units(world: World) -> None:
    made = joint_at(world.left, covered=[world.right, world.station])
    assert spells(made) == [("station", DAY, None), ("right", DAY, None)]
    assert recorded("establish_organization").after["covered"] == "左派出所、右公安局"
    sound()


def test_other_units_are_covered_from_a_day_on_and_earlier_days_keep_theirs(world: World) -> None:
    cover(world, world.right)
    assert spells(world.joint) == [("station", DAY, ON), ("right", ON, None)]
    assert [names(world.joint, each) for each in (day(9), ON)] == [["station"], ["right"]]
    entry = recorded("cover_units")
    assert (entry.before, entry.after) == ({"covered": "左派出所"}, {"covered": "右公安局"})
    assert (entry.effective_on, entry.reason) == (ON, "合署")


def test_on_the_same_day_it_is_mended(world: World) -> None:
    cover(world, world.right)
    cover(world, world.station, world.top)
    assert spells(world.joint) == [("station", DAY, None), ("top", ON, None)]
    cover(world, world.right, on=day(20))
    with refusal("on", "覆盖单位在 2020-02-21 变更过,变更日期不能早于该日"):
        cover(world, world.station, on=day(19))


def test_the_same_units_again_change_nothing(world: World) -> None:
    version = world.joint.version
    assert cover(world, world.station).version == version
    assert spells(world.joint) == [("station", DAY, None)]


def test_no_number_changes_at_the_unit_that_is_covered(world: World) -> None:
    def numbers() -> list[dict[str, int]]:
        places = (world.top, world.left, world.right, world.station)
        return [rollup(each, Question(as_of=day(11))).total.counts for each in places]

    before = numbers()
    cover(world, world.right)
    assert numbers() == before
    sound()


def test_the_units_of_its_first_and_last_day_are_said_outside_its_life(world: World) -> None:
    cover(world, world.right)
    organizations.dissolve_organization(actor=ACTOR, organization=world.joint, on=day(20), reason="结束")
    assert [names(world.joint, each) for each in (day(-5), day(30))] == [["station"], ["right"]]
    assert covering_on(world.right, day(30)) == []
    assert covering_on(world.right, day(19)) == [world.joint]


# What is refused


@pytest.mark.parametrize(
    ("covered", "said"),
    [
        (lambda w: [w.left], "“左公安局”是所在单位,不用再填为覆盖单位。"),
        (lambda w: [closed(w)], "“旧所”已于 2020-02-05 撤并,请选择现有单位。"),
        (
            lambda w: [late(w)],
            "“新所”在 2020-02-11 尚未设立。",
        ),
        (lambda w: many(w, 5), "连同所在单位共 6 个单位,联合党支部最多覆盖 5 个,请去掉 1 个。"),
    ],
)
def test_what_cannot_be_covered(world: World, covered: Any, said: str) -> None:
    there = covered(world)
    with refusal("units", said):
        cover(world, *there)


def closed(world: World) -> Unit:
    unit = make_unit("old", world.left, name="旧所")
    return units.close_unit(actor=ACTOR, unit=unit, on=day(4), reason="撤销")


def late(world: World) -> Unit:
    return make_unit("late", world.left, name="新所", opened_on=day(20))


def many(world: World, number: int) -> Sequence[Unit]:
    return [make_unit("", world.left) for _ in range(number)]


def test_five_units_in_all_are_enough_unless_the_bureau_says_another_number(world: World) -> None:
    some = many(world, 5)
    cover(world, *some[:4])
    RuleSetting.objects.create(slug="joint_branch", since=DAY, is_on=True, thresholds={"most": 6})
    cover(world, *some)
    assert len(names(world.joint, ON)) == 5


def test_only_joint_branches_cover_other_units(world: World) -> None:
    with refusal("units", "只有联合党支部覆盖其他单位"):
        covering.cover_units(
            actor=ACTOR, organization=world.branch, units=[world.right], on=ON, reason="合署"
        )
    with refusal("covered", "请把组织类型改为联合党支部,或去掉覆盖单位。"):
        make_organization(world.left, covered=[world.right])


@pytest.mark.parametrize(
    ("on", "said"),
    [
        (day(-1), "该组织成立于 2020-02-01"),
        (day(20), "该组织已于 2020-02-21 撤销。"),
        (date(2099, 1, 1), "晚于今天"),
    ],
)
def test_a_day_outside_its_life(world: World, on: date, said: str) -> None:
    organizations.dissolve_organization(actor=ACTOR, organization=world.joint, on=day(20), reason="结束")
    with refusal("on", said):
        cover(world, world.right, on=on)


def test_a_reason_is_needed(world: World) -> None:
    with refusal("reason", "请说明变更原因"):
        covering.cover_units(actor=ACTOR, organization=world.joint, units=[], on=ON, reason=" ")


# Other acts


def test_it_is_not_transferred_to_a_unit_that_it_covers(world: World) -> None:
    def transfer() -> None:
        organizations.transfer_organization(
            actor=ACTOR, organization=world.joint, unit=world.station, on=ON, reason="转"
        )

    with refusal("unit", "“左派出所”是它的覆盖单位,请先用“变更覆盖单位”去掉(自 2020-02-11 起)。"):
        transfer()
    cover(world)
    transfer()
    cover(world, world.left, on=day(11))
    sound()


def test_a_correction_must_go_with_what_is_covered(world: World) -> None:
    def correct(**changes: Any) -> None:
        organizations.edit_organization(
            actor=ACTOR, organization=world.joint, changes=changes, reason="登记有误"
        )

    with refusal("kind", "它还覆盖“左派出所”,请先用“变更覆盖单位”去掉,再改组织类型。"):
        correct(kind="branch")
    with refusal("unit", "“左派出所”是它的覆盖单位"):
        correct(unit=world.station)
    correct(established_on=day(-3))
    assert spells(world.joint) == [("station", day(-3), None)]
    cover(world, world.right)
    with refusal("established_on", "覆盖单位在 2020-02-11 变更过,成立日期须早于该日。"):
        correct(established_on=ON)
    correct(established_on=day(9))
    assert spells(world.joint) == [("station", day(9), ON), ("right", ON, None)]


def test_a_unit_that_is_covered_is_not_closed(world: World) -> None:
    spare = make_unit("spare", world.left, name="左空所")
    cover(world, spare)
    with refusal(WHOLE_FORM, "“左空所”由联合党支部“左局临时联合党支部”覆盖,请先变更它的覆盖单位。"):
        units.close_unit(actor=ACTOR, unit=spare, on=day(15), reason="撤销")
    cover(world, on=day(12))
    units.close_unit(actor=ACTOR, unit=spare, on=day(15), reason="撤销")


def test_a_merged_unit_is_covered_where_it_goes(world: World) -> None:
    there = joint_at(world.right, covered=[world.station])
    units.merge_unit(actor=ACTOR, unit=world.station, into=world.right, on=ON, reason="合并")
    assert spells(world.joint) == [("station", DAY, ON), ("right", ON, None)]
    assert spells(there) == [("station", DAY, ON)], "it stands there"
    sound()


def test_a_host_that_is_merged_into_a_covered_unit_is_covered_no_more(world: World) -> None:
    cover(world, world.station, world.right, on=DAY)
    units.merge_unit(actor=ACTOR, unit=world.left, into=world.right, on=ON, reason="合并")
    assert sorted(spells(world.joint)) == [("right", DAY, ON), ("station", DAY, None)]
    assert names(world.joint, day(11)) == ["station"]
    sound()


# Approval


def test_other_units_of_an_approved_branch_wait_for_another_person(world: World) -> None:
    clerk, approver = make_user("clerk", world.top, "clerk"), make_user("approver", world.top, "approver")
    waits = or_submit(
        covering.cover_units,
        actor=Actor(clerk, "clerk"),
        organization=world.joint,
        units=[world.right],
        on=ON,
        reason="合署",
    ).row
    assert submissions.differences(waits) == [
        ("覆盖单位", "左派出所", "右公安局"),
        ("变更日期", "", "2020-02-11"),
    ]
    assert spells(world.joint) == [("station", DAY, None)]
    submissions.approve_submissions(actor=Actor(approver, "approver"), submissions=[waits])
    assert spells(world.joint) == [("station", DAY, ON), ("right", ON, None)]


def test_who_approves_a_change_is_told_when_the_units_are_others_by_now(world: World) -> None:
    clerk, approver = make_user("clerk", world.top, "clerk"), make_user("approver", world.top, "approver")
    waits = or_submit(
        organizations.edit_organization,
        actor=Actor(clerk, "clerk"),
        organization=world.joint,
        changes={"campaign": world.campaign},
        reason="漏填",
    ).row
    cover(world, world.right)
    with pytest.raises(OperationRefused, match="的覆盖单位已变动"):
        submissions.approve_submissions(actor=Actor(approver, "approver"), submissions=[waits])
