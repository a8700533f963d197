"""Taking an act back: every row is as it was, and so is every count on every day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from registry.audit import Actor
from registry.counting.totals.check import differences
from registry.models import AuditEntry, Organization, Person, Unit, WorkflowState
from registry.operations import approving, assignments, campaigns, covering, organizations, people, units
from registry.operations.acts import plan_taking_back, takeable
from registry.operations.take_back import take_back
from registry.refusals import NeedsApproval, NotAllowed
from registry.search import index
from registry.trees.check import check_all
from tests.counting.recount import TABLES, Ledger, rows_of
from tests.factories import ACTOR, DAY, assign, make_organization, make_person, make_unit, make_user
from tests.operations.checks import WHOLE_FORM, facts, refusal
from tests.world import World

pytestmark = pytest.mark.django_db

ON = date(2020, 3, 1)
UNSEEN = {"changed_by_id", "version", "updated_at", "lft", "rght", "tree_id", "level"}
Act = Callable[[World], Any]


def newest() -> AuditEntry:
    return AuditEntry.objects.filter(part_of__isnull=True).order_by("-pk")[0]


def facts_of_all() -> dict[str, list[dict[str, Any]]]:
    """Every row but those of the record, without versions and intervals."""
    rows = rows_of(*TABLES)
    del rows["AuditEntry"]
    return {
        table: [{name: value for name, value in row.items() if name not in UNSEEN} for row in some]
        for table, some in rows.items()
    }


def undo(entry: AuditEntry | None = None, reason: str = "办错了") -> str:
    return take_back(actor=ACTOR, entry=entry or newest(), reason=reason)


def dissolve(world: World, organization: Organization, on: date = ON) -> AuditEntry:
    organizations.dissolve_organization(actor=ACTOR, organization=organization, on=on, reason="结束")
    return newest()


def spare(world: World) -> Unit:
    return make_unit("spare", world.left, name="左空所", kind="station")


def nothing(world: World) -> None:
    """Nothing is done before."""


def establish(world: World) -> Organization:
    return organizations.establish_organization(
        actor=ACTOR,
        unit=world.station,
        kind="branch",
        code="new",
        name="新临时党支部",
        is_temporary=True,
        established_on=ON,
        state="approved",
        parent=world.general,
        members=[organizations.Member(world.full), organizations.Member(world.auxiliary)],
    )


def submitted(world: World) -> Organization:
    return make_organization(world.left, state="submitted", code="submitted", parent=world.general)


def joint(world: World) -> Organization:
    """A joint branch at the left bureau that covers its station from the beginning."""
    return make_organization(
        world.left, "joint_branch", code="joint", is_temporary=True, covered=[world.station]
    )


def cover(world: World, *units: Unit, on: date = ON) -> None:
    organization = Organization.objects.get(code="joint")
    covering.cover_units(actor=ACTOR, organization=organization, units=units, on=on, reason="调整")


def submitted_one() -> Organization:
    return Organization.objects.get(code="submitted")


def change_status(world: World, status: str, reason: str = "") -> None:
    people.change_political_status(actor=ACTOR, person=world.auxiliary, status=status, on=ON, reason=reason)


def change_role(world: World, on: date) -> None:
    assignments.change_role(
        actor=ACTOR, assignment=placed(world, "branch", "auxiliary"), role="deputy_secretary", on=on
    )


def placed(world: World, organization: str, person: str) -> Any:
    return getattr(world, organization).assignments.get(person=getattr(world, person), is_withdrawn=False)


ACTS: dict[str, tuple[Act, Act]] = {
    "add_unit": (nothing, spare),
    "move_unit": (
        nothing,
        lambda w: units.move_unit(actor=ACTOR, unit=w.station, superior=w.right, on=ON, reason="划归"),
    ),
    "merge_unit": (
        nothing,
        lambda w: units.merge_unit(actor=ACTOR, unit=w.left, into=w.right, on=ON, reason="合并"),
    ),
    "close_unit": (
        spare,
        lambda w: units.close_unit(actor=ACTOR, unit=Unit.objects.get(code="spare"), on=ON, reason="撤销"),
    ),
    "establish_organization": (nothing, establish),
    "move_organization": (
        nothing,
        lambda w: organizations.move_organization(
            actor=ACTOR, organization=w.branch, parent=w.committee, reason="理顺"
        ),
    ),
    "transfer_organization": (
        nothing,
        lambda w: organizations.transfer_organization(
            actor=ACTOR, organization=w.branch, unit=w.right, on=ON, reason="转隶"
        ),
    ),
    "establish_organization joint": (nothing, joint),
    "cover_units": (joint, lambda w: cover(w, w.right)),
    "cover_units none": (joint, lambda w: cover(w)),
    "cover_units from the first day": (joint, lambda w: cover(w, w.right, w.top, on=DAY)),
    "merge_unit covered": (
        joint,
        lambda w: units.merge_unit(actor=ACTOR, unit=w.station, into=w.right, on=ON, reason="合并"),
    ),
    "dissolve_organization": (nothing, lambda w: dissolve(w, w.general)),
    "withdraw_organization": (
        nothing,
        lambda w: organizations.withdraw_organization(actor=ACTOR, organization=w.commando, reason="误录"),
    ),
    "approve_organization": (
        submitted,
        lambda w: approving.approve_organization(
            actor=ACTOR, organization=submitted_one(), approval_number="1号"
        ),
    ),
    "return_organization": (
        submitted,
        lambda w: approving.return_organization(actor=ACTOR, organization=submitted_one(), reason="不全"),
    ),
    "add_person": (nothing, lambda w: make_person("周五", w.left, number="999999")),
    "change_political_status": (nothing, lambda w: change_status(w, "activist")),
    "change_political_status again": (
        lambda w: change_status(w, "activist"),
        lambda w: change_status(w, "full_member", "更正"),
    ),
    "transfer_person": (
        nothing,
        lambda w: people.transfer_person(actor=ACTOR, person=w.full, home_unit=w.right, on=ON),
    ),
    "assign_person": (nothing, lambda w: assign(w.pioneers, w.idle, started_on=ON)),
    "change_role": (nothing, lambda w: change_role(w, ON)),
    "change_role on the first day": (nothing, lambda w: change_role(w, DAY)),
    "end_assignment": (
        nothing,
        lambda w: assignments.end_assignments(
            actor=ACTOR, ends=[(each, ON) for each in w.commando.assignments.all()]
        ),
    ),
    "withdraw_assignment": (
        nothing,
        lambda w: assignments.withdraw_assignment(
            actor=ACTOR, assignment=placed(w, "post", "full"), reason="误录"
        ),
    ),
    "end_campaign": (
        nothing,
        lambda w: campaigns.end_campaign(actor=ACTOR, campaign=w.campaign, on=ON, reason="结束"),
    ),
}


def by(user: Any) -> Actor:
    return Actor(user, str(user))


@pytest.mark.parametrize("name", ACTS)
def test_every_row_and_every_count_is_as_before(name: str, world: World) -> None:
    prepare, act = ACTS[name]
    prepare(world)
    before = facts_of_all()
    act(world)
    entry = newest()
    assert entry.verb == name.split()[0]
    assert facts_of_all() != before
    undo(entry)
    assert facts_of_all() == before
    undone = newest()
    assert (undone.verb, undone.undoes, undone.reason) == (entry.verb, entry, "办错了")
    assert AuditEntry.objects.filter(undoes__isnull=False).count() == 1
    assert Ledger().faults() == []
    assert list(check_all()) == []
    assert differences() == []
    assert index.differences() == []


def test_a_dissolution_says_how_much_comes_back(world: World) -> None:
    entry = dissolve(world, world.general)
    assert undo(entry) == "恢复组织 4 个、编入 4 人次"
    assert newest().after == {
        "dissolved_on": None,
        "dissolution_number": "",
        "organizations": 4,
        "assignments": 4,
    }
    assert facts(world.branch, "dissolved_on") == (None,)


def test_what_is_taken_back_once_is_not_taken_back_again_nor_is_the_taking_back(world: World) -> None:
    entry = dissolve(world, world.general)
    undo(entry)
    assert takeable(AuditEntry.objects.all()).isdisjoint({entry.pk, newest().pk})
    for again in (entry, newest()):
        with refusal(WHOLE_FORM, "已经撤回,或不能撤回"):
            undo(again)
    dissolve(world, world.general)
    undo()
    assert facts(world.branch, "dissolved_on") == (None,)


def test_a_part_of_an_act_is_not_taken_back_alone(world: World) -> None:
    entry = dissolve(world, world.general)
    part = entry.parts.get(object_id=world.branch.pk)
    with refusal(WHOLE_FORM, "不能撤回"):
        undo(part)


def test_a_reason_is_needed(world: World) -> None:
    dissolve(world, world.general)
    with refusal("reason", "请说明撤回原因"):
        undo(reason=" ")


# What stands in the way


def test_what_was_changed_since_is_named_with_what_changed_it(world: World) -> None:
    entry = dissolve(world, world.general)
    member = placed(world, "group", "auxiliary")
    assignments.end_assignment(actor=ACTOR, assignment=member, on=date(2020, 2, 25), reason="更正")
    with refusal(WHOLE_FORM, "编入“钱二 · 临时小组”此后又有“结束编入”(") as caught:
        undo(entry)
    assert "请先撤回它" in str(caught.value)
    _, (obstacle,) = plan_taking_back(entry)
    assert obstacle.row == member


def test_another_change_of_the_same_row_does_not_stand_in_the_way(world: World) -> None:
    entry = dissolve(world, world.general)
    organizations.edit_organization(actor=ACTOR, organization=world.group, changes={"note": "备注"})
    undo(entry)
    assert facts(world.group, "dissolved_on", "note") == (None, "备注")


def test_what_the_rules_would_not_have_stands_in_the_way(world: World) -> None:
    """The unit was closed meanwhile: nothing stands at it again."""
    unit = spare(world)
    organization = make_organization(unit, name="左空所临时党支部")
    entry = dissolve(world, organization)
    units.close_unit(actor=ACTOR, unit=unit, on=ON, reason="撤销")
    with refusal(WHOLE_FORM, f"“左空所临时党支部”:“左空所”已于 {ON} 撤并"):
        undo(entry)


def test_a_unit_that_was_closed_or_hosts_it_by_now_is_not_covered_again(world: World) -> None:
    unit, organization = spare(world), joint(world)
    cover(world, unit)
    cover(world, on=date(2020, 3, 5))
    entry = newest()
    organizations.transfer_organization(
        actor=ACTOR, organization=organization, unit=unit, on=date(2020, 3, 6), reason="转隶"
    )
    with refusal(WHOLE_FORM, "“左空所”是“joint号”的所在单位,不能又是覆盖单位。"):
        undo(entry)
    undo()
    units.close_unit(actor=ACTOR, unit=unit, on=date(2020, 3, 7), reason="撤销")
    with refusal(WHOLE_FORM, "“joint号”覆盖的“左空所”在此期间尚未设立或已撤并。"):
        undo(entry)


def test_a_superior_that_went_since_stands_in_the_way(world: World) -> None:
    entry = dissolve(world, world.group)
    dissolve(world, world.branch)
    with refusal(WHOLE_FORM, "“临时小组”的上级组织“左局临时党支部”已于 2020-03-01 撤销"):
        undo(entry)


def test_somebody_placed_anew_stands_in_the_way_of_an_ended_placement(world: World) -> None:
    assignments.end_assignment(actor=ACTOR, assignment=placed(world, "post", "full"), on=ON)
    entry = newest()
    assign(world.post, world.full, started_on=ON)
    with refusal(WHOLE_FORM, "同一时间已在“=先锋岗”"):
        undo(entry)


def test_a_unit_is_not_moved_back_below_what_stands_below_it_now(world: World) -> None:
    units.move_unit(actor=ACTOR, unit=world.station, superior=world.top, on=ON, reason="直管")
    entry = newest()
    units.move_unit(actor=ACTOR, unit=world.left, superior=world.station, on=ON, reason="划归")
    with refusal(WHOLE_FORM, "“左公安局”就在“左派出所”之下"):
        undo(entry)


def test_what_was_added_is_not_removed_once_something_stands_on_it(world: World) -> None:
    unit = spare(world)
    entry = newest()
    person = make_person("周五", unit)
    added = newest()
    organization = make_organization(unit, name="左空所临时党支部")
    with refusal(WHOLE_FORM, "单位“左空所”已被用到:人员“周五”。") as caught:
        undo(entry)
    assert "组织“左空所临时党支部”" in str(caught.value)
    people.edit_person(actor=ACTOR, person=person, changes={"title": "所长"})
    with refusal(WHOLE_FORM, "人员“周五”此后又有“修改人员资料”"):
        undo(added)
    organizations.withdraw_organization(actor=ACTOR, organization=organization, reason="误录")
    with refusal(WHOLE_FORM, "已被用到:人员“周五”"):
        undo(entry)


def test_what_was_added_and_edited_and_set_back_can_be_removed(world: World) -> None:
    establish(world)
    entry = newest()
    organization = Organization.objects.get(code="new")
    organizations.withdraw_organization(actor=ACTOR, organization=organization, reason="误录")
    with refusal(WHOLE_FORM, "此后又有“撤回误录的组织”"):
        undo(entry)
    undo()
    assert facts(organization, "state") == (WorkflowState.APPROVED,)
    undo(entry)
    assert not Organization.objects.filter(code="new").exists()


# Rights


def test_what_wrote_only_dated_rows_needs_the_right_and_the_approval_too(world: World) -> None:
    joint(world)
    cover(world, on=DAY)
    entry, reason = newest(), "办错了"
    for user in (make_user("right", world.right), make_user("see", world.left, "viewer")):
        with pytest.raises(NotAllowed):
            take_back(actor=by(user), entry=entry, reason=reason)
    with pytest.raises(NeedsApproval):
        take_back(actor=by(make_user("left", world.left, "clerk")), entry=entry, reason=reason)


def test_who_may_not_do_it_there_may_not_take_it_back(world: World) -> None:
    dissolve(world, world.general)
    entry, reason = newest(), "办错了"
    for user in (make_user("right", world.right), make_user("see", world.left, "viewer")):
        with pytest.raises(NotAllowed):
            take_back(actor=by(user), entry=entry, reason=reason)
    with pytest.raises(NeedsApproval):  # who may, submits it: another person approves it
        take_back(actor=by(make_user("left", world.left, "clerk")), entry=entry, reason=reason)


def test_who_may_not_place_it_where_it_goes_back_to_may_not_take_it_back(world: World) -> None:
    """A move out of sight: the bureau that has the unit now cannot send it back on its own."""
    units.move_unit(actor=ACTOR, unit=world.station, superior=world.right, on=ON, reason="划归")
    entry, right = newest(), make_user("right", world.right)
    with pytest.raises(NotAllowed):
        take_back(actor=by(right), entry=entry, reason="办错了")
    take_back(actor=by(make_user("top", world.top)), entry=entry, reason="办错了")


def test_the_number_of_a_telephone_is_never_kept_for_it(world: World) -> None:
    people.edit_person(actor=ACTOR, person=world.full, changes={"phone": "13900000009", "title": "教导员"})
    (row,) = newest().rows
    assert row[3:] == [{"title": "所长"}, {"title": "教导员"}]


def test_a_person_who_was_added_is_gone_with_the_status(world: World) -> None:
    people.add_person(actor=ACTOR, number="999999", name="周五", category="officer", home_unit=world.left)
    undo()
    assert not Person.objects.filter(number="999999").exists()
    people.add_person(actor=ACTOR, number="999999", name="周五", category="officer", home_unit=world.left)
