"""Correcting what was registered wrong from the beginning: kind, temporary or standing, host, superior."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from registry.audit import Actor
from registry.models import AuditEntry, Organization
from registry.operations import assignments, organizations, people, undo
from registry.refusals import NotAllowed
from tests.counting.recount import Ledger
from tests.factories import ACTOR, DAY, make_organization, make_user
from tests.operations.checks import facts, recorded, refusal, sound
from tests.world import World

pytestmark = pytest.mark.django_db


def correct(row: Organization, reason: str = "登记有误", **changes: Any) -> Organization:
    return organizations.edit_organization(actor=ACTOR, organization=row, changes=changes, reason=reason)


def number(world: World, slug: str, unit: str = "left") -> int:
    total = Ledger().count("current", date(2020, 2, 20))[0]
    return total[getattr(world, unit).pk][slug]


def test_another_kind_is_counted_from_the_first_day(world: World) -> None:
    before = number(world, "temporary_branches"), number(world, "temporary_general_branches")
    row = make_organization(world.left, name="左局第二临时党支部")
    assert number(world, "temporary_branches") == before[0] + 1
    correct(row, kind="general_branch")
    assert number(world, "temporary_branches") == before[0]
    assert number(world, "temporary_general_branches") == before[1] + 1
    entry = recorded("edit_organization")
    assert (entry.before, entry.after) == ({"kind": "branch"}, {"kind": "general_branch"})
    correct(row, is_temporary=False)
    assert number(world, "temporary_general_branches") == before[1]
    sound()


def test_the_kind_of_what_counts_needs_a_reason_that_of_a_draft_none(world: World) -> None:
    with refusal("reason", "请说明更正原因"):
        correct(world.commando, "", kind="pioneer_team")
    correct(make_organization(world.left, state="draft"), "", kind="general_branch", unit=world.station)


def test_the_superior_the_subordinates_and_the_roles_have_their_say(world: World) -> None:
    with refusal("parent", "党委不能设在党总支之下"):
        correct(world.branch, kind="committee")
    with refusal("kind", "下级“左局临时党支部”是临时党支部,不能设在党支部之下"):
        correct(world.general, kind="branch")
    lone = make_organization(world.left, name="左局第二临时党支部")
    with refusal("is_temporary", "不能登记为临时党组织"):
        correct(lone, kind="commando_team")
    assignments.assign_person(
        actor=ACTOR, organization=lone, person=world.full, role="secretary", started_on=DAY
    )
    with refusal("kind", "突击队没有“书记”,请先调整 赵一 的职责"):
        correct(lone, kind="commando_team", is_temporary=False)
    with refusal("is_temporary", "有 1 人的组织关系在本组织"):
        correct(world.home, is_temporary=True)


def test_a_host_that_was_another_from_the_beginning(world: World) -> None:
    before = number(world, "commando_teams"), number(world, "commando_teams", "right")
    correct(world.commando, unit=world.right, established_on=date(2020, 2, 1))
    assert number(world, "commando_teams") == before[0] - 1
    assert number(world, "commando_teams", "right") == before[1] + 1
    assert [stay.unit for stay in world.commando.placements.all()] == [world.right]
    sound()


def test_after_a_transfer_the_transfer_is_to_be_taken_back_first(world: World) -> None:
    organizations.transfer_organization(
        actor=ACTOR, organization=world.commando, unit=world.right, on=date(2020, 3, 1), reason="转隶"
    )
    with refusal("unit", "在 2020-03-01 转隶过"):
        correct(world.commando, unit=world.station)


def test_a_host_that_was_not_there_yet(world: World) -> None:
    type(world.right).objects.filter(pk=world.right.pk).update(opened_on=date(2020, 3, 1))
    with refusal("unit", "“右公安局”在 2020-02-01 尚未设立"):
        correct(world.commando, unit=world.right)


def test_another_superior_comes_with_all_below(world: World) -> None:
    correct(world.branch, parent=world.committee)
    assert facts(world.branch, "parent_id", "parent_inferred") == (world.committee.pk, False)
    world.group.refresh_from_db()
    assert [row.code for row in world.group.get_ancestors()] == ["committee", "branch"]
    with refusal("parent", "“临时小组”就在“左局临时党支部”之下"):
        correct(world.branch, parent=world.group)
    sound()


def test_kind_host_and_superior_are_set_back_like_any_edit(world: World) -> None:
    row = make_organization(world.left, parent=world.general)
    correct(row, kind="general_branch", parent=world.committee, unit=world.station)
    entry = AuditEntry.objects.latest("pk")
    assert undo.can_undo(entry)
    undo.undo_edit(actor=ACTOR, entry=entry, reason="没有错")
    assert facts(row, "kind", "parent_id", "unit_id") == ("branch", world.general.pk, world.left.pk)
    sound()


def test_who_may_not_edit_at_the_other_unit_may_not_send_it_there(world: World) -> None:
    clerk = make_user("clerk", world.left, "clerk")
    with pytest.raises(NotAllowed):
        organizations.edit_organization(
            actor=Actor(clerk, "clerk"),
            organization=world.commando,
            changes={"unit": world.right},
            reason="登记有误",
        )


def test_home_branches_stay_standing(world: World) -> None:
    people.transfer_person(
        actor=ACTOR, person=world.full, home_unit=world.left, on=date(2020, 3, 1), reason="转出"
    )
    correct(world.home, is_temporary=True)
    sound()
