"""Organizations: establish, edit, move on the Party line, transfer, dissolve, withdraw, the workflow."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from registry.audit import plain
from registry.models import Assignment, AuditEntry, Organization, OrganizationPlacement, Unit
from registry.models.unit import MAX_DEPTH
from registry.operations import approving, assignments, organizations, units
from registry.operations.organizations import Member
from registry.refusals import EditConflict
from registry.rules.dissolutions import Extent
from tests.counting.recount import Ledger
from tests.factories import ACTOR, DAY, assign, make_campaign, make_organization, make_person, make_unit
from tests.operations.checks import WHOLE_FORM, day, facts, recorded, refusal

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit() -> Unit:
    return make_unit("unit")


def close(unit: Unit, on: int = 10) -> Unit:
    return units.close_unit(actor=ACTOR, unit=unit, on=day(on), reason="撤销建制")


def dissolve(organization: Organization, on: int = 10, **given: Any) -> Extent:
    return organizations.dissolve_organization(
        actor=ACTOR, organization=organization, on=day(on), **{"reason": "任务结束", **given}
    )


def edit(
    organization: Organization, with_members: bool = False, with_below: bool = False, **changes: Any
) -> Organization:
    return organizations.edit_organization(
        actor=ACTOR,
        organization=organization,
        changes=changes,
        with_members=with_members,
        with_below=with_below,
        reason="更正",
    )


def move(organization: Organization, parent: Organization | None) -> Organization:
    return organizations.move_organization(
        actor=ACTOR, organization=organization, parent=parent, reason="测试"
    )


def transfer(organization: Organization, unit: Unit, on: int = 10) -> Organization:
    return organizations.transfer_organization(
        actor=ACTOR, organization=organization, unit=unit, on=day(on), reason="支援"
    )


def withdraw(organization: Organization) -> Organization:
    return organizations.withdraw_organization(actor=ACTOR, organization=organization, reason="误录")


def hosts(organization: Organization) -> list[tuple[str, date, date | None]]:
    rows = organization.placements.order_by("started_on")
    return [(row.unit.code, row.started_on, row.ended_on) for row in rows]


# Establish


def test_establish_with_members(unit: Unit) -> None:
    parent = make_organization(unit, "committee", is_temporary=False)
    people = [make_person(name, unit) for name in ("甲", "乙")]
    organization = make_organization(
        unit,
        "branch",
        code="new",
        parent=parent,
        approval_number="德公党〔2020〕1号",
        members=(Member(person, role) for person, role in zip(people, ["secretary", "member"], strict=True)),
    )
    assert (organization.parent_id, organization.state) == (parent.pk, "approved")
    assert hosts(organization) == [("unit", DAY, None)]
    rows = Assignment.objects.filter(organization=organization).order_by("pk")
    assert [(row.person, row.role, row.started_on, row.document_number) for row in rows] == [
        (people[0], "secretary", DAY, "德公党〔2020〕1号"),
        (people[1], "member", DAY, "德公党〔2020〕1号"),
    ]
    entry = recorded("establish_organization")
    assert (entry.object_id, entry.unit_id, entry.effective_on) == (organization.pk, unit.pk, DAY)
    assert (entry.after["members"], entry.after["kind"], entry.after["code"]) == (2, "branch", "new")


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"code": "taken"}, "code", "已"),
        ({"code": "不行"}, "code", "小写字母"),
        ({"name": ""}, "name", ""),
        ({"kind": "club"}, "kind", "请选择组织类型"),
        ({"kind": "commando_team", "is_temporary": True}, "is_temporary", "不能登记为临时党组织"),
        ({"established_on": day(30_000)}, "established_on", "晚于今天"),
        ({"established_on": day(-11)}, "unit", "在 2020-01-21 尚未设立"),
        ({"state": "lost"}, "state", ""),
    ],
)
def test_establish_refused(given: dict[str, Any], field: str, said: str) -> None:
    unit = make_unit(opened_on=day(-10))
    make_organization(unit, code="taken")
    with refusal(field, said):
        make_organization(unit, **{"is_temporary": True, "code": "new", **given})


def test_establish_refused_at_a_closed_unit(unit: Unit) -> None:
    close(unit)
    with refusal("unit", "已于 2020-02-11 撤并"):
        make_organization(unit)


def test_establish_refused_under_a_superior_that_cannot_hold_it(unit: Unit) -> None:
    group = make_organization(unit, "group")
    late = make_organization(unit, "committee", established_on=day(2))
    gone, mistake = make_organization(unit, "committee"), make_organization(unit, "committee")
    dissolve(gone)
    withdraw(mistake)
    for parent, field, said in (
        (group, "parent", "党支部不能设在党小组之下"),
        (late, "established_on", "成立于 2020-02-03,成立日期不能早于它"),
        (gone, "parent", "已于 2020-02-11 撤销"),
        (mistake, "parent", "已撤回"),
    ):
        with refusal(field, said):
            make_organization(unit, "branch", parent=parent)


def test_establish_is_all_or_nothing(unit: Unit) -> None:
    person = make_person("张三", unit, number="001")
    with refusal("members", "张三(••••)重复出现"):
        make_organization(unit, members=[Member(person), Member(person, "secretary")])
    with refusal("members", "职责“king”不存在"):
        make_organization(unit, members=[Member(person, "king")])


def test_a_tree_has_so_many_levels_and_no_more(unit: Unit) -> None:
    parent = make_organization(unit, "committee")
    for _ in range(MAX_DEPTH - 1):
        parent = make_organization(unit, "committee", parent=parent)
    alone = make_organization(unit, "committee")
    with refusal("parent", f"不能超过 {MAX_DEPTH} 级"):
        make_organization(unit, "branch", parent=parent)
    with refusal("parent", f"不能超过 {MAX_DEPTH} 级"):
        move(alone, parent)


# Edit


def test_edit(unit: Unit) -> None:
    organization, campaign = make_organization(unit, name="旧名"), make_campaign()
    edited = edit(organization, name="新名", campaign=campaign, code="no")
    assert facts(organization, "name", "campaign_id", "unit_id", "version") == (
        "新名",
        campaign.pk,
        unit.pk,
        2,
    )
    assert edited.version == 2
    entry = recorded("edit_organization")
    assert entry.before == {"name": "旧名", "campaign": None}
    campaign = {"pk": organization.campaign_id, "text": "疫情防控"}
    assert entry.after == {"name": "新名", "campaign": campaign}
    number = AuditEntry.objects.count()
    edit(organization, name="新名")
    assert AuditEntry.objects.count() == number


def test_the_second_of_two_edits_is_told_both_values(unit: Unit) -> None:
    organization = make_organization(unit, name="旧名")
    edit(organization, name="甲")
    with refusal(WHOLE_FORM, "组织名称:现在是“甲”,您填的是“乙”") as told:
        organizations.edit_organization(
            actor=ACTOR,
            organization=organization,
            changes={"name": "乙", "note": "", "established_on": DAY},
            version=1,
        )
    assert isinstance(told.value, EditConflict)
    assert told.value.differences == {"name": ("甲", "乙")}


def test_an_edited_day_of_establishment_moves_the_placement(unit: Unit) -> None:
    organization, other = make_organization(unit), make_unit("other")
    edit(organization, established_on=day(-3))
    assert hosts(organization) == [("unit", day(-3), None)]
    transfer(organization, other)
    edit(organization, established_on=day(9))
    assert hosts(organization) == [("unit", day(9), day(10)), ("other", day(10), None)]
    with refusal("established_on", "在 2020-02-11 已转隶"):
        edit(organization, established_on=day(10))
    recorded("edit_organization")


def test_an_edited_day_of_establishment_in_the_life_of_a_host_that_is_closed_now() -> None:
    unit, other = make_unit("unit", opened_on=day(-10)), make_unit("other")
    organization = make_organization(unit)
    transfer(organization, other, 5)
    close(unit)
    edit(organization, established_on=day(1))
    assert recorded("edit_organization").after == {"established_on": "2020-02-02"}
    with refusal("established_on", "在 2020-01-21 尚未设立"):
        edit(organization, established_on=day(-11))


def test_edited_days_refused(unit: Unit) -> None:
    parent = make_organization(unit, "general_branch")
    make_organization(unit, "branch", parent=parent, name="下级", established_on=day(2))
    organization = make_organization(unit)
    assign(organization, make_person(unit=unit), started_on=day(1))
    with refusal("established_on", "有 1 人次的编入日期早于 2020-02-03"):
        edit(organization, established_on=day(2))
    with refusal("established_on", "下级“下级”成立于 2020-02-03,早于该日"):
        edit(parent, established_on=day(3))
    with refusal("established_on", "晚于今天"):
        edit(organization, established_on=day(30_000))
    with refusal("dissolved_on", "请用“撤销”办理"):
        edit(organization, dissolved_on=day(3))
    with refusal("name", ""):
        edit(organization, name="")


def test_branches_older_than_their_superior_do_not_stand_in_the_way(unit: Unit) -> None:
    """A general branch founded above branches that were there before."""
    general = make_organization(unit, "general_branch", established_on=day(5))
    move(make_organization(unit, "branch"), general)
    edit(general, established_on=day(6))
    recorded("edit_organization")


@pytest.mark.parametrize("to", [-2, 3])
def test_what_began_on_the_day_of_founding_moves_along(unit: Unit, to: int) -> None:
    """The founding was entered wrong: host, members and subordinates of that day follow, in one operation."""
    branch = make_organization(unit, name="支部")
    group = make_organization(unit, "group", parent=branch)
    later = make_organization(unit, "group", parent=branch, established_on=day(5))
    first, second = (assign(each, make_person(unit=unit)) for each in (branch, group))
    late = assign(branch, make_person(unit=unit), started_on=day(4))
    edit(branch, with_members=True, with_below=True, established_on=day(to))
    assert facts(branch, "established_on") == facts(group, "established_on") == (day(to),)
    assert facts(first, "started_on") == facts(second, "started_on") == (day(to),)
    assert facts(late, "started_on") == (day(4),)
    assert facts(later, "established_on") == (day(5),)
    starts = OrganizationPlacement.objects.filter(organization__in=[branch, group])
    assert set(starts.values_list("started_on", flat=True)) == {day(to)}
    verbs = AuditEntry.objects.filter(reason="更正").values_list("verb", flat=True)
    assert sorted(verbs) == ["edit_assignment"] * 2 + ["edit_organization"] * 2
    assert Ledger().faults() == []


def test_only_what_is_asked_for_moves_along(unit: Unit) -> None:
    branch = make_organization(unit, name="支部")
    group = make_organization(unit, "group", name="小组", parent=branch)
    member, other = (assign(each, make_person(unit=unit)) for each in (branch, group))
    edit(branch, with_members=True, established_on=day(-1))
    assert facts(member, "started_on") == (day(-1),)
    assert facts(other, "started_on") == facts(group, "established_on") == (DAY,)
    with refusal("established_on", "有 1 人次的编入日期早于 2020-02-03"):
        edit(branch, with_below=True, established_on=day(2))


def test_an_edited_day_of_dissolution(unit: Unit) -> None:
    other = make_unit("other")
    parent = make_organization(unit, "general_branch")
    organization = make_organization(unit, "branch", parent=parent)
    assignment = assign(organization, make_person(unit=unit))
    transfer(organization, other, 3)
    assignments.end_assignment(actor=ACTOR, assignment=assignment, on=day(5))
    dissolve(parent)
    with refusal("dissolved_on", "上级组织"):
        edit(organization, dissolved_on=None)
    with refusal("dissolved_on", "上级组织"):
        edit(organization, dissolved_on=day(11))
    with refusal("dissolved_on", "有 1 人次在 2020-02-05 之后"):
        edit(organization, dissolved_on=day(4))
    with refusal("dissolved_on", "下级组织在该日之后仍在"):
        edit(parent, dissolved_on=day(9))
    with refusal("dissolved_on", "晚于今天"):
        edit(parent, dissolved_on=day(30_000))
    edit(organization, dissolved_on=day(6))
    edit(parent, dissolved_on=day(9))
    assignments.withdraw_assignment(actor=ACTOR, assignment=assignment, reason="误录")
    with refusal("dissolved_on", "在 2020-02-04 转隶"):
        edit(organization, dissolved_on=day(2))
    with refusal("dissolved_on", "不能早于成立日期"):
        edit(organization, dissolved_on=day(-1))
    edit(parent, dissolved_on=None)
    edit(organization, dissolved_on=None)
    assert recorded("edit_organization").before == {"dissolved_on": "2020-02-07"}


def test_a_dissolution_is_not_taken_back_at_a_closed_unit(unit: Unit) -> None:
    organization = make_organization(unit)
    dissolve(organization, 5)
    close(unit)
    with refusal("dissolved_on", "已于 2020-02-11 撤并"):
        edit(organization, dissolved_on=None)
    with refusal("dissolved_on", "已于 2020-02-11 撤并"):
        edit(organization, dissolved_on=day(11))
    edit(organization, dissolved_on=day(10))
    recorded("edit_organization")


# Move on the Party line


def test_move_with_all_below(unit: Unit) -> None:
    old, new = make_organization(unit, "committee"), make_organization(unit, "committee")
    general = make_organization(unit, "general_branch", parent=old)
    make_organization(unit, "branch", parent=general, code="below")
    move(general, new)
    new.refresh_from_db()
    assert [each.kind for each in new.get_descendants()] == ["general_branch", "branch"]
    entry = recorded("move_organization")
    assert (entry.before, entry.after) == ({"parent": plain(old)}, {"parent": plain(new)})
    move(general, None)
    assert recorded("move_organization").after == {"parent": None}


def test_move_refused(unit: Unit) -> None:
    top = make_organization(unit, "committee")
    below = make_organization(unit, "committee", parent=top)
    branch = make_organization(unit, "branch", parent=below)
    gone, mistake, other = (make_organization(unit, "committee") for _ in range(3))
    dissolve(gone)
    withdraw(mistake)
    with refusal("parent", "上级组织没有变化"):
        move(below, top)
    with refusal("parent", "不能作为它的上级"):
        move(top, below)
    with refusal("parent", "不能作为它的上级"):
        move(top, top)
    with refusal("parent", "党委不能设在党支部之下"):
        move(other, branch)
    with refusal("parent", "已于 2020-02-11 撤销"):
        move(below, gone)
    with refusal("parent", "已撤回"):
        move(below, mistake)


# Transfer


def test_transfer_keeps_the_past(unit: Unit) -> None:
    organization, other, third = make_organization(unit), make_unit("other"), make_unit("third")
    transfer(organization, other)
    assert facts(organization, "unit_id") == (other.pk,)
    entry = recorded("transfer_organization")
    assert (entry.before, entry.after) == ({"unit": plain(unit)}, {"unit": plain(other)})
    assert (entry.effective_on, entry.unit_id, entry.reason) == (day(10), other.pk, "支援")
    transfer(organization, third)
    assert hosts(organization) == [("unit", DAY, day(10)), ("third", day(10), None)]


def test_transfer_refused(unit: Unit) -> None:
    organization, other = make_organization(unit), make_unit("other", opened_on=day(5))
    closed, third = close(make_unit("closed")), make_unit("third")
    with refusal("unit", "现在就在"):
        transfer(organization, unit)
    with refusal("unit", "在 2020-02-05 尚未设立"):
        transfer(organization, other, 4)
    with refusal("unit", "已于 2020-02-11 撤并"):
        transfer(organization, closed, 5)
    with refusal("on", "自 2020-02-01 起在现单位"):
        transfer(organization, third, -1)
    with refusal("on", "晚于今天"):
        transfer(organization, other, 30_000)
    transfer(organization, other)
    with refusal("on", "自 2020-02-11 起在现单位"):
        transfer(organization, third, 9)
    dissolve(organization, 12)
    with refusal("on", "已于 2020-02-13 撤销"):
        transfer(organization, third, 12)
    mistake = make_organization(unit)
    withdraw(mistake)
    with refusal(WHOLE_FORM, "已撤回,不能转隶"):
        transfer(mistake, third)


# Dissolve


def test_dissolve_ends_assignments_and_what_is_below(unit: Unit) -> None:
    branch = make_organization(unit, "branch")
    group = make_organization(unit, "group", parent=branch)
    before = make_organization(unit, "group", parent=branch)
    dissolve(before, 3)
    mistake = make_organization(unit, "group", parent=branch)
    withdraw(mistake)
    standing = [assign(each, make_person(unit=unit)) for each in (branch, group)]
    ended = assign(branch, make_person(unit=unit), ended_on=day(4))
    plan = organizations.plan_dissolution(actor=ACTOR, organization=branch, on=day(10))
    assert (plan.organizations, plan.subordinates, plan.assignments) == ((branch, group), (group,), 2)

    done = dissolve(branch, document_number="撤〔2020〕2号", reason="任务完成")

    assert (done.organizations, done.assignments) == (plan.organizations, plan.assignments)
    for each in (branch, group):
        assert facts(each, "dissolved_on", "dissolution_number") == (day(10), "撤〔2020〕2号")
    assert facts(before, "dissolved_on") == (day(3),)
    assert facts(mistake, "dissolved_on") == (None,)
    assert [facts(each, "ended_on") for each in (*standing, ended)] == [(day(10),), (day(10),), (day(4),)]
    recorded("dissolve_organization")
    entries = AuditEntry.objects.filter(verb="dissolve_organization").order_by("-pk")[:2]
    assert [entry.object_id for entry in entries] == [group.pk, branch.pk]
    assert (entries[1].after["organizations"], entries[1].after["assignments"]) == (2, 2)
    assert entries[0].after["with"] == plain(branch)
    assert {entry.effective_on for entry in entries} == {day(10)}


def test_dissolve_refused(unit: Unit) -> None:
    branch = make_organization(unit, "branch", name="支部")
    with refusal("on", "“支部”成立于 2020-02-01"):
        dissolve(branch, -1)
    with refusal("on", "晚于今天"):
        dissolve(branch, 30_000)
    make_organization(unit, "group", parent=branch, name="小组", established_on=day(2))
    with refusal("on", "“小组”成立于 2020-02-03"):
        dissolve(branch, 1)
    assign(branch, make_person("王五", unit), started_on=day(4))
    with refusal("on", "王五 在 2020-02-05 才编入“支部”"):
        dissolve(branch, 3)
    transfer(branch, make_unit("other"), 6)
    with refusal("on", "“支部”在 2020-02-07 转隶"):
        dissolve(branch, 5)
    dissolve(branch, 6)
    with refusal(WHOLE_FORM, "已于 2020-02-07 撤销"):
        dissolve(branch, 7)
    mistake = make_organization(unit)
    withdraw(mistake)
    with refusal(WHOLE_FORM, "已撤回,不能撤销"):
        dissolve(mistake)


# Withdraw, and the workflow


def test_withdraw(unit: Unit) -> None:
    organization = make_organization(unit)
    withdraw(organization)
    assert facts(organization, "state") == ("withdrawn",)
    entry = recorded("withdraw_organization")
    assert (entry.before, entry.after, entry.reason) == (
        {"state": "approved"},
        {"state": "withdrawn"},
        "误录",
    )
    with refusal(WHOLE_FORM, "已经撤回"):
        withdraw(organization)


def test_withdraw_refused(unit: Unit) -> None:
    branch = make_organization(unit, "branch")
    group = make_organization(unit, "group", parent=branch, name="小组")
    with refusal(WHOLE_FORM, "小组等 1 个组织"):
        withdraw(branch)
    with refusal("reason", "请说明撤回原因"):
        organizations.withdraw_organization(actor=ACTOR, organization=group, reason=" ")
    withdraw(group)
    withdraw(branch)


def test_the_way_to_approval(unit: Unit) -> None:
    organization = make_organization(unit, state="draft")
    submit = lambda: approving.submit_organization(actor=ACTOR, organization=organization)  # noqa: E731
    submit()
    assert facts(organization, "state") == ("submitted",)
    with refusal(WHOLE_FORM, "现在是“待审批”"):
        submit()
    with refusal("reason", "请说明退回原因"):
        approving.return_organization(actor=ACTOR, organization=organization, reason="")
    approving.return_organization(actor=ACTOR, organization=organization, reason="缺批复")
    assert (recorded("return_organization").reason, facts(organization, "state")) == ("缺批复", ("returned",))
    with refusal(WHOLE_FORM, "现在是“已退回”"):
        approving.approve_organization(actor=ACTOR, organization=organization)
    submit()
    approving.approve_organization(actor=ACTOR, organization=organization, approval_number="3号")
    assert facts(organization, "state", "approval_number") == ("approved", "3号")
    assert recorded("approve_organization").after == {
        "state": "approved",
        "approval_number": "3号",
        "approving_organization": None,
        "approved_on": timezone.localdate().isoformat(),
    }
    with refusal(WHOLE_FORM, "现在是“已批准”"):
        approving.approve_organization(actor=ACTOR, organization=organization)
    with refusal(WHOLE_FORM, "现在是“已批准”"):
        approving.return_organization(actor=ACTOR, organization=organization, reason="晚了")
