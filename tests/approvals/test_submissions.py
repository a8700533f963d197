"""What is approved is frozen: a change is submitted with old and new, and counts once another approves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from registry import access
from registry.approvals import submissions
from registry.approvals.models import Submission
from registry.audit import Actor
from registry.models import Assignment, AuditEntry, Organization, User
from registry.operations import assignments
from registry.operations import organizations as operations
from registry.operations.submitting import Submitted, or_submit
from registry.operations.take_back import take_back
from registry.operations.undo import undo_edit
from registry.refusals import NeedsApproval
from tests.factories import ACTOR, assign, make_person, make_user
from tests.operations.checks import WHOLE_FORM, facts, refusal, sound
from tests.world import World

pytestmark = pytest.mark.django_db
ON = date(2020, 2, 20)


@pytest.fixture
def clerk(world: World) -> User:
    return make_user("clerk", world.top, "clerk")


@pytest.fixture
def approver(world: World) -> User:
    return make_user("approver", world.top, "approver")


def by(user: User) -> Actor:
    return Actor(user=user, name=str(user))


def submit(user: User, act: Callable[..., Any], **given: Any) -> Submission:
    """Submit what needs approval; it must not have been done at once."""
    waits = or_submit(act, actor=by(user), **given)
    assert isinstance(waits, Submitted), waits
    row: Submission = waits.row
    return row


def transfer(user: User, world: World) -> Submission:
    return submit(
        user,
        operations.transfer_organization,
        organization=world.branch,
        unit=world.right,
        on=ON,
        reason="换防",
    )


def approve(user: User, *rows: Submission, **given: Any) -> list[Submission]:
    return submissions.approve_submissions(actor=by(user), submissions=rows, **given)


CHANGES: dict[str, tuple[Callable[..., Any], Callable[[World], dict[str, Any]], list[tuple[str, ...]]]] = {
    "a corrected day": (
        operations.edit_organization,
        lambda w: {"changes": {"established_on": date(2020, 1, 30)}, "reason": "笔误"},
        [("成立日期", "2020-02-01", "2020-01-30")],
    ),
    "another kind": (
        operations.edit_organization,
        lambda w: {"changes": {"kind": "joint_branch"}, "reason": "联合组建"},
        [("组织类型", "党支部", "联合党支部")],
    ),
    "another superior": (
        operations.move_organization,
        lambda w: {"parent": w.committee, "reason": "理顺"},
        [("上级组织", "左局临时党总支", "厅党委")],
    ),
    "a transfer": (
        operations.transfer_organization,
        lambda w: {"unit": w.right, "on": ON, "reason": "换防"},
        [("所在单位", "左公安局", "右公安局"), ("转隶日期", "", "2020-02-20")],
    ),
    "a dissolution": (
        operations.dissolve_organization,
        lambda w: {"on": ON, "document_number": "撤1号", "reason": "结束"},
        [
            ("撤销日期", "", "2020-02-20"),
            ("撤销文号", "", "撤1号"),
            ("左局临时党支部", "", "结束编入 4 人次,一并撤销下级 2 个"),
        ],
    ),
    "another number": (
        operations.edit_organization,
        lambda w: {"changes": {"approval_number": "左党〔2020〕8号"}},
        [("批复文号", "左党〔2020〕1号", "左党〔2020〕8号")],
    ),
    "another secretary": (
        assignments.assign_person,
        lambda w: {"person": w.idle, "role": "secretary", "started_on": ON, "relieve": [w.secretary()]},
        [("左局临时党支部 书记", "赵一", "李四(2020-02-20 起)")],
    ),
}


def secretary(world: World) -> Assignment:
    return Assignment.objects.get(organization=world.branch, role="secretary")


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_approved_changes_only_when_another_person_approves_it(
    name: str, world: World, clerk: User, approver: User
) -> None:
    act, given, told = CHANGES[name]
    world.secretary = lambda: secretary(world)  # type: ignore[attr-defined]
    before = state_of(world)
    waits = submit(clerk, act, organization=world.branch, **given(world))
    assert state_of(world) == before, "the old one counts"
    assert submissions.differences(waits) == told
    superuser = make_user("root", is_superuser=True)
    Submission.objects.filter(pk=waits.pk).update(submitted_by=superuser)
    with refusal(WHOLE_FORM, "由您提交或最后修改,须由另一人批准"):
        approve(superuser, waits)
    Submission.objects.filter(pk=waits.pk).update(submitted_by=clerk)
    approve(approver, waits, approval_number="批1号")
    assert state_of(world) != before
    assert facts(waits, "state", "decided_by", "approval_number", "approving_organization") == (
        *("approved", approver, "批1号"),
        world.committee,
    )
    sound()


def state_of(world: World) -> list[Any]:
    rows = Organization.objects.order_by("pk").values_list(
        *("kind", "unit", "parent", "established_on", "dissolved_on", "approval_number", "state")
    )
    placed = Assignment.objects.order_by("pk").values_list("person", "role", "started_on", "ended_on")
    return [*rows, *placed]


def test_a_wording_fix_is_done_at_once(world: World, clerk: User) -> None:
    changes = {"name": "左局疫情防控临时党支部", "aliases": "左支", "honour_title": "先锋", "note": "改名"}
    or_submit(operations.edit_organization, actor=by(clerk), organization=world.branch, changes=changes)
    assert facts(world.branch, *changes) == tuple(changes.values())
    assert not Submission.objects.exists()


def test_what_is_not_approved_yet_is_edited_at_once(world: World, clerk: User) -> None:
    Organization.objects.filter(pk=world.commando.pk).update(state="submitted")
    changes = {"established_on": date(2020, 1, 30)}
    or_submit(operations.edit_organization, actor=by(clerk), organization=world.commando, changes=changes)
    assert facts(world.commando, "established_on") == (date(2020, 1, 30),)


def test_members_come_and_go_without_approval(world: World, clerk: User) -> None:
    person = make_person("周五", world.left)
    made = or_submit(
        assignments.assign_person,
        actor=by(clerk),
        organization=world.branch,
        person=person,
        started_on=ON,
    )
    assert made.pk


def test_a_wording_fix_meanwhile_does_not_stand_in_the_way(world: World, clerk: User, approver: User) -> None:
    waits = transfer(clerk, world)
    operations.edit_organization(actor=ACTOR, organization=world.branch, changes={"note": "改"})
    approve(approver, waits)
    assert facts(world.branch, "unit") == (world.right,)


@pytest.mark.parametrize("what", ["members", "day"])
def test_a_row_that_changed_meanwhile_is_refused_with_words(
    what: str, world: World, clerk: User, approver: User
) -> None:
    waits = transfer(clerk, world)
    if what == "members":
        assign(world.branch, make_person("周五", world.left))
    else:
        changes = {"established_on": date(2020, 1, 30)}
        operations.edit_organization(actor=ACTOR, organization=world.branch, changes=changes, reason="笔误")
    label = {"members": "编入人员", "day": "成立日期"}[what]
    with refusal(WHOLE_FORM, f"提交之后“左局临时党支部”的{label}已变动"):
        approve(approver, waits)


def test_what_the_rules_would_not_have_by_now_is_refused_in_their_words(
    world: World, clerk: User, approver: User
) -> None:
    waits = transfer(clerk, world)
    world.right.closed_on = date(2020, 2, 10)
    world.right.save()
    with refusal(WHOLE_FORM, "转隶到其他单位现在不能办理:“右公安局”已于 2020-02-10 撤并"):
        approve(approver, waits)


def test_returned_mended_and_approved(world: World, clerk: User, approver: User) -> None:
    waits = transfer(clerk, world)
    submissions.return_submission(actor=by(approver), submission=waits, reason="单位不对")
    assert facts(waits, "state", "return_reason") == ("returned", "单位不对")
    assert list(submissions.own(clerk)) == [waits]
    again = submit(
        clerk,
        operations.transfer_organization,
        organization=world.branch,
        unit=world.station,
        on=ON,
        reason="换防",
    )
    assert again == waits, "the new one takes its place"
    approve(approver, again)
    assert facts(world.branch, "unit") == (world.station,)


def test_the_same_is_not_submitted_twice(world: World, clerk: User) -> None:
    transfer(clerk, world)
    with refusal(WHOLE_FORM, "已经提交,正在等待审批"):
        transfer(clerk, world)


def test_only_who_submitted_it_withdraws_it(world: World, clerk: User, approver: User) -> None:
    waits = transfer(clerk, world)
    other = make_user("other", world.top, "clerk")
    with refusal(WHOLE_FORM, "请由本人办理"):
        submissions.withdraw_submission(actor=by(other), submission=waits, reason="不要了")
    submissions.withdraw_submission(actor=by(clerk), submission=waits, reason="不要了")
    with refusal(WHOLE_FORM, "现在是“已撤回”"):
        approve(approver, waits)


def test_many_are_approved_all_or_none(world: World, clerk: User, approver: User) -> None:
    first = transfer(clerk, world)
    second = submit(
        clerk, operations.dissolve_organization, organization=world.commando, on=ON, reason="结束"
    )
    assign(world.commando, make_person("周五", world.left))
    with refusal(WHOLE_FORM, "“左突击队”的编入人员已变动"):
        approve(approver, first, second)
    approve(approver, first)
    assert [each.pk for each in submissions.waiting_for(approver)] == [second.pk]


def test_who_submitted_it_must_still_have_the_right(world: World, clerk: User, approver: User) -> None:
    waits = transfer(clerk, world)
    clerk.grants.update(ended_on=date(2020, 3, 1))
    access.forget_grants(clerk)
    with refusal(WHOLE_FORM, "没有“转隶到其他单位”的权限"):
        approve(approver, waits)


def test_an_approval_is_one_act_that_who_decided_it_takes_back(
    world: World, clerk: User, approver: User
) -> None:
    manager = make_user("manager", world.top, "manager")
    waits = submit(
        clerk,
        operations.move_organization,
        organization=world.branch,
        parent=world.committee,
        reason="理顺",
    )
    approve(manager, waits)
    entry = AuditEntry.objects.get(verb="approve_submission")
    assert entry.user == manager
    assert entry.after["submitter"] == "clerk"
    assert list(entry.parts.values_list("verb", "user__username")) == [("move_organization", "manager")]
    other = make_user("other", world.top, "manager")
    with pytest.raises(NeedsApproval):
        take_back(actor=by(other), entry=entry, reason="不妥")
    take_back(actor=by(manager), entry=entry, reason="点错了")
    assert facts(world.branch, "parent") == (world.general,)
    assert facts(waits, "state") == ("submitted",)
    sound()


def test_nor_is_it_changed_by_setting_an_edit_back_or_taking_back_alone(world: World, approver: User) -> None:
    manager = make_user("manager", world.top, "manager")
    changes = {"established_on": date(2020, 1, 30)}
    operations.edit_organization(actor=ACTOR, organization=world.branch, changes=changes, reason="笔误")
    edited = AuditEntry.objects.latest("pk")
    waits = submit(manager, undo_edit, entry=edited, reason="没写错")
    assert facts(world.branch, "established_on") == (date(2020, 1, 30),)
    approve(approver, waits)
    assert facts(world.branch, "established_on") == (date(2020, 2, 1),)
    operations.transfer_organization(
        actor=ACTOR, organization=world.branch, unit=world.right, on=ON, reason="换防"
    )
    moved = AuditEntry.objects.filter(verb="transfer_organization").latest("pk")
    back = submit(manager, take_back, entry=moved, reason="没换")
    assert facts(world.branch, "unit") == (world.right,)
    approve(approver, back)
    assert facts(world.branch, "unit") == (world.left,)
    sound()


def test_a_decision_about_the_whole_needs_no_second_one(world: World) -> None:
    """A campaign that is closed is one act with its own preview (``Actor.decides``)."""
    manager = make_user("manager", world.top, "manager")
    actor = replace(by(manager), decides=True)
    operations.dissolve_organization(actor=actor, organization=world.branch, on=ON, reason="任务结束")
    assert facts(world.branch, "dissolved_on") == (ON,)
