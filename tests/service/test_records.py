"""What a service record says: days, opinions, receipts; and who may write, read and sign."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry.audit import Actor
from registry.models import AuditEntry
from registry.operations import assignments, campaigns, leaving, merging, people, take_back
from registry.refusals import OperationRefused
from registry.service import operations, panels, served
from registry.service.models import Opinion, Receipt, Reminder
from registry.service.records import Record, days_of, records_of
from registry.service.rules import Writing
from tests.factories import ACTOR, assign, logged_in, make_organization, make_person, make_unit, make_user
from tests.world import World

pytestmark = pytest.mark.django_db
DAY = date(2020, 3, 1)


def build_world() -> World:
    """The small country; 左突击队 and 右局临时党支部 are of the campaign, too."""
    world = World()
    world.commando.campaign = world.campaign
    world.commando.save()
    world.guests = make_organization(  # type: ignore[attr-defined]
        world.right, code="guests", name="右局临时党支部", campaign=world.campaign, parent=world.committee
    )
    return world


def record_of(world: World, person: Any, day: date = DAY, user: Any = None) -> Record:
    (record,) = records_of(user, world.campaign, [person], day)
    return record


def write(
    world: World, person: Any, text: str = "表现突出。", by: Actor = ACTOR, **more: Any
) -> list[Opinion]:
    organization = more.pop("organization", world.branch)
    writings = [Writing(person, text, **more)]
    return operations.write_opinions(actor=by, organization=organization, writings=writings)


def sign(world: World, *people: Any, by: Actor = ACTOR, on: date = DAY) -> list[Receipt]:
    return operations.sign_receipts(actor=by, campaign=world.campaign, people=people, on=on)


def give_back(world: World, *people: Any, by: Actor = ACTOR) -> list[Receipt]:
    return operations.return_receipts(actor=by, campaign=world.campaign, people=people, reason="鉴定有误")


# Days


def test_the_day_of_the_end_is_not_a_day_of_service(world: World) -> None:
    record = record_of(world, world.idle)
    assert [(each.role, each.started_on, each.ended_on, each.days) for each in record.spells] == [
        ("成员", date(2020, 2, 1), date(2020, 2, 15), 14)
    ]
    assert (record.first_day, record.last_day, record.is_open) == (date(2020, 2, 1), date(2020, 2, 14), False)


def test_what_goes_on_is_counted_up_to_the_day_with_it(world: World) -> None:
    record = record_of(world, world.auxiliary, date(2020, 2, 10))
    assert (record.days, record.is_open, record.spells[0].ended_on) == (10, True, None)


def test_days_in_several_organizations_at_once_are_counted_once(world: World) -> None:
    record = record_of(world, world.full)  # in the branch from the 1st, in the commando team from the 10th
    assert [each.days for each in record.spells] == [30, 21]
    assert record.days == 30


def test_a_transfer_neither_loses_nor_doubles_a_day(world: World) -> None:
    placed = world.auxiliary.assignments.get(organization=world.branch)
    assignments.transfer_assignments(
        actor=ACTOR, assignments=[placed], organization=world.guests, on=date(2020, 2, 20)
    )
    record = record_of(world, world.auxiliary)
    assert [(each.organization.name, each.days) for each in record.spells] == [
        ("左局临时党支部", 19),
        ("右局临时党支部", 11),
    ]
    assert record.days == 30


def test_a_new_role_is_a_line_of_its_own_with_its_days(world: World) -> None:
    placed = world.auxiliary.assignments.get(organization=world.branch)
    assignments.change_role(actor=ACTOR, assignment=placed, role="leader", on=date(2020, 2, 11))
    assert [(each.role, each.days) for each in record_of(world, world.auxiliary).spells] == [
        ("成员", 10),
        ("负责人", 20),
    ]


def test_a_gap_is_no_service() -> None:
    first, second = (date(2020, 2, 1), date(2020, 2, 5)), (date(2020, 2, 10), date(2020, 2, 12))
    assert days_of([second, first]) == 6
    assert days_of([first, (date(2020, 2, 3), date(2020, 2, 7))]) == 6
    assert days_of([first, (date(2020, 2, 2), date(2020, 2, 3))]) == 4
    assert days_of([]) == 0


def test_nothing_counts_after_the_campaign_s_end(world: World) -> None:
    campaigns.end_campaign(actor=ACTOR, campaign=world.campaign, on=date(2020, 2, 11), reason="结束")
    world.campaign.refresh_from_db()
    record = record_of(world, world.auxiliary)
    assert (record.days, record.is_open) == (10, False)


def test_withdrawn_and_unapproved_service_is_none(world: World) -> None:
    draft = make_organization(world.left, code="draft", campaign=world.campaign, state="draft")
    somebody = make_person("周五", world.left)
    mistaken = assign(world.branch, somebody)
    assign(draft, somebody)
    assignments.withdraw_assignment(actor=ACTOR, assignment=mistaken, reason="误录")
    assert record_of(world, somebody).spells == []
    assert somebody not in served.people(world.campaign, DAY)


# Opinions


def owing(world: World) -> list[tuple[str, str]]:
    rows = served.owed(world.campaign, DAY).filter(served.NOT_WRITTEN)
    return sorted(rows.values_list("organization__name", "person__name"))


def test_each_member_of_a_temporary_party_organization_is_owed_one_opinion(world: World) -> None:
    placed = world.auxiliary.assignments.get(organization=world.branch)
    assignments.change_role(actor=ACTOR, assignment=placed, role="leader", on=date(2020, 2, 11))
    assert owing(world) == [("左局临时党支部", name) for name in ("李四", "赵一", "钱二")]


def test_who_is_in_the_branch_and_its_group_is_judged_by_the_branch(world: World) -> None:
    world.group.campaign = world.campaign
    world.group.save()
    alone = make_person("吴六", world.station)
    assign(world.group, alone)
    assert ("临时小组", "吴六") in owing(world)
    assert ("临时小组", "钱二") not in owing(world)


def test_an_opinion_is_recorded_with_who_wrote_it_and_can_be_rewritten(world: World) -> None:
    clerk = make_user(unit=world.left, role="clerk", display_name="文书")
    (opinion,) = write(world, world.full, by=Actor(user=clerk, name="文书"))
    assert (opinion.written_by, opinion.text) == ("文书", "表现突出。")
    assert ("左局临时党支部", "赵一") not in owing(world)
    (again,) = write(world, world.full, "表现很好。", version=1)
    assert (again.pk, again.version) == (opinion.pk, 2)
    entry = AuditEntry.objects.filter(verb="write_opinion").latest("pk")
    assert (entry.before, entry.after["text"]) == ({"text": "表现突出。"}, "表现很好。")
    assert write(world, world.full, "表现很好。", version=2) == []


def test_who_did_not_see_what_another_wrote_is_told(world: World) -> None:
    write(world, world.full)
    with pytest.raises(OperationRefused) as refused:
        write(world, world.full, "我也写了。")
    (field,) = refused.value.message_dict
    assert field == f"text_{world.full.pk}"
    assert "表现突出。" in str(refused.value.message_dict[field])


@pytest.mark.parametrize(
    ("place", "who", "said"),
    [
        ("general", "full", "只有专项任务中的临时党组织写表现鉴定"),
        ("commando", "full", "只有专项任务中的临时党组织写表现鉴定"),
        ("branch", "rising", "不是本组织在该任务中的成员"),
    ],
)
def test_nobody_else_is_judged(world: World, place: str, who: str, said: str) -> None:
    with pytest.raises(OperationRefused, match=said):
        write(world, getattr(world, who), organization=getattr(world, place))


def test_an_opinion_can_be_written_after_the_closing_until_the_home_branch_has_signed(world: World) -> None:
    campaigns.end_campaign(actor=ACTOR, campaign=world.campaign, on=DAY, reason="结束")
    world.campaign.refresh_from_db()
    write(world, world.full)
    sign(world, world.full)
    with pytest.raises(OperationRefused, match="请对方先退回签收"):
        write(world, world.full, "改一改。", version=1)
    give_back(world, world.full)
    write(world, world.full, "改一改。", version=1)
    sign(world, world.full)
    assert Receipt.objects.filter(person=world.full).count() == 2


def test_an_opinion_that_is_signed_for_is_not_taken_back(world: World) -> None:
    write(world, world.idle)
    entry = AuditEntry.objects.filter(verb="write_opinion").latest("pk")
    sign(world, world.idle)
    with pytest.raises(OperationRefused, match="先退回签收"):
        take_back.take_back(actor=ACTOR, entry=entry, reason="误写")
    give_back(world, world.idle)
    take_back.take_back(actor=ACTOR, entry=entry, reason="误写")
    assert not Opinion.objects.exists()


def test_two_entries_of_a_person_bring_their_opinions_together(world: World) -> None:
    twin = make_person("赵一", world.left)
    assign(world.branch, twin)
    write(world, world.full)
    write(world, twin, "另一份。")
    merging.merge_person(actor=ACTOR, person=world.full, other=twin, reason="同一人")
    assert [each.text for each in record_of(world, world.full).opinions] == ["表现突出。", "另一份。"]


# Receipts


def test_a_receipt_says_who_signed_when_and_for_how_many_days(world: World) -> None:
    (receipt,) = sign(world, world.idle)
    assert (receipt.unit, receipt.branch, receipt.days) == (world.right, None, 14)
    entry = AuditEntry.objects.get(verb="sign_receipt")
    assert (entry.unit, entry.after["days"], entry.after["person"]["text"]) == (world.right, 14, "李四")


def test_many_are_signed_for_at_once_or_none(world: World) -> None:
    with pytest.raises(OperationRefused, match="钱二到 2020-03-01 还在服务"):
        sign(world, world.idle, world.auxiliary)
    assert not Receipt.objects.exists()


def test_what_is_signed_is_not_signed_again(world: World) -> None:
    sign(world, world.idle)
    with pytest.raises(OperationRefused, match="已于 2020-03-01 由测试签收"):
        sign(world, world.idle)
    with pytest.raises(OperationRefused, match="没有签收,不用退回"):
        give_back(world, world.full)


def test_a_correction_after_the_receipt_is_seen(world: World) -> None:
    sign(world, world.idle)
    assert record_of(world, world.idle).state == ("ok", "已签收")
    placed = world.idle.assignments.get()
    assignments.edit_assignment(
        actor=ACTOR, assignment=placed, changes={"ended_on": date(2020, 2, 13)}, reason="登记有误"
    )
    record = record_of(world, world.idle)
    assert (record.days, record.receipt and record.receipt.days) == (12, 14)
    assert record.state == ("warn", "签收后有变动")


def test_a_taken_back_receipt_waits_again(world: World) -> None:
    sign(world, world.idle)
    entry = AuditEntry.objects.get(verb="sign_receipt")
    take_back.take_back(actor=ACTOR, entry=entry, reason="误签")
    assert world.idle in served.people(world.campaign, DAY).filter(served.NOT_SIGNED)


def test_the_record_goes_to_the_branch_of_today(world: World) -> None:
    people.transfer_person(
        actor=ACTOR, person=world.idle, home_unit=world.left, home_branch=world.home, on=date(2020, 2, 20)
    )
    (receipt,) = sign(world, world.idle)
    assert (receipt.unit, receipt.branch) == (world.left, world.home)


def test_who_has_left_the_service_has_a_record_all_the_same(world: World) -> None:
    leaving.end_service(
        actor=ACTOR, person=world.idle, leaving="retired", on=date(2020, 2, 25), reason="到龄"
    )
    assert sign(world, world.idle)[0].days == 14


# Who may


def test_only_the_home_unit_signs_and_only_the_organization_s_unit_writes(world: World) -> None:
    left, right = (
        Actor(user=make_user(unit=unit, role="clerk"), name="文书") for unit in (world.left, world.right)
    )
    with pytest.raises(OperationRefused, match="权限"):
        sign(world, world.idle, by=left)  # idle served at the left bureau and belongs to the right one
    with pytest.raises(OperationRefused, match="权限"):
        write(world, world.idle, by=right)
    write(world, world.idle, by=left)
    sign(world, world.idle, by=right)


def test_a_joint_branch_elsewhere_signs_for_its_member(world: World) -> None:
    somebody = make_person("郑七", world.right, home_branch=world.home)
    assign(world.commando, somebody, ended_on=date(2020, 2, 5))
    clerk = make_user(unit=world.left, role="clerk")
    (receipt,) = sign(world, somebody, by=Actor(user=clerk, name="文书"))
    assert receipt.unit == world.left


@pytest.mark.parametrize("role", ["viewer", "approver", "auditor"])
def test_who_only_reads_neither_writes_nor_signs(world: World, role: str) -> None:
    reader = Actor(user=make_user(unit=world.top, role=role), name="某人")
    for act in (write, sign, give_back):
        with pytest.raises(OperationRefused, match="权限"):
            act(world, world.idle, by=reader)


def test_who_sees_a_guest_only_sees_what_was_done_in_the_scope(world: World) -> None:
    assign(world.guests, world.full, started_on=date(2020, 2, 20))
    write(world, world.full)
    write(world, world.full, "在右局。", organization=world.guests)
    host = record_of(world, world.full, user=make_user(unit=world.right))
    assert [each.organization.name for each in host.spells] == ["右局临时党支部"]
    assert [each.text for each in host.opinions] == ["在右局。"]
    assert (host.days, host.is_whole) == (11, False)
    home = record_of(world, world.full, user=make_user(unit=world.left))
    assert (len(home.opinions), home.is_whole) == (2, True)


# What is handed up


def test_a_campaign_that_is_over_says_what_is_written_and_signed(world: World) -> None:
    campaigns.end_campaign(actor=ACTOR, campaign=world.campaign, on=DAY, reason="结束")
    world.campaign.refresh_from_db()
    write(world, world.full)
    sign(world, world.idle)
    boss = make_user(unit=world.top)
    lines = {line.label: line.number for line in panels.lines_of(world.campaign, DAY, boss)}
    assert lines == {"服务记录": 4, "收到记录的支部": 3, "未写鉴定": 1, "已签收": 1, "未签收": 3}


def test_a_closing_shows_the_opinions_that_are_not_written_and_is_not_stopped_by_them(world: World) -> None:
    write(world, world.full)
    page = logged_in(world.top).get("/campaigns/yiqing/close/", {"on": "2020-03-01"}).context
    assert page["heads"][-1][0] == "未写鉴定"
    assert [line.numbers[-1][0] for line in page["lines"] if line.numbers[-1][0]] == [2]
    assert page["obstacles"] == []


def test_the_desk_of_the_home_unit_and_of_the_organization_s_unit_have_what_waits(world: World) -> None:
    world.campaign.lead_unit = world.top
    world.campaign.save()
    left, right = (make_user(unit=unit, role="clerk") for unit in (world.left, world.right))
    assert [tuple(line)[:2] for line in panels.waiting_receipts(right)] == [("服务记录待签收:疫情防控", 1)]
    assert panels.waiting_receipts(left) == []  # they all serve
    assert [tuple(line)[:2] for line in panels.waiting_opinions(left)] == [("鉴定待写:疫情防控", 1)]
    assert panels.waiting_opinions(make_user(unit=world.left, role="viewer")) == []


def test_a_unit_without_anybody_has_no_line(world: World) -> None:
    empty = make_unit("empty", world.top)
    assert panels.waiting_receipts(make_user(unit=empty, role="clerk")) == []


# Reminders


def remind(world: World, unit: Any, by: Actor = ACTOR, **more: Any) -> Reminder:
    given = {"due_on": timezone.localdate() + timedelta(days=7), **more}
    return operations.remind_receipts(actor=by, campaign=world.campaign, unit=unit, **given)


def test_a_reminder_reaches_who_owes_at_the_unit_and_below_until_everything_is_signed(world: World) -> None:
    campaigns.end_campaign(actor=ACTOR, campaign=world.campaign, on=DAY, reason="结束")
    clerk, elsewhere = make_user(unit=world.left, role="clerk"), make_user(unit=world.right, role="clerk")
    (line,) = panels.waiting_receipts(clerk)
    assert (line.said, line.by, panels.reminded(clerk)) == ("", None, 0)
    manager = Actor(make_user(unit=world.top), "厅管理员")
    remind(world, world.left, manager)
    assert panels.reminded(elsewhere) == 0
    sent = remind(world, world.top, manager, note="请抓紧")
    (line,) = panels.waiting_receipts(clerk)
    today = timezone.localdate()
    assert line.said == f"已催 2 次,最近 {today.month}月{today.day}日:请抓紧"
    assert (line.by, line.is_late, line.number) == (sent.due_on, False, 2)
    assert (panels.reminded(clerk), panels.reminded(elsewhere)) == (2, 2)
    entry = AuditEntry.objects.filter(verb="remind_receipts").latest("pk")
    take_back.take_back(actor=manager, entry=entry, reason="误催")
    assert panels.waiting_receipts(clerk)[0].said.startswith("已催 1 次")
    Reminder.objects.update(due_on=today - timedelta(days=1))
    assert panels.waiting_receipts(clerk)[0].is_late
    Reminder.objects.update(due_on=today - timedelta(days=31))
    assert panels.reminded(clerk) == 0
    sign(world, world.full, world.auxiliary, on=today)
    assert panels.waiting_receipts(clerk) == []


def test_nobody_is_reminded_of_nothing_or_too_late(world: World) -> None:
    with pytest.raises(OperationRefused, match="没有待签收的服务记录"):
        remind(world, world.left)  # they are all still serving
    campaigns.end_campaign(actor=ACTOR, campaign=world.campaign, on=DAY, reason="结束")
    with pytest.raises(OperationRefused, match="已过,请改为今天或以后"):
        remind(world, world.left, due_on=date(2020, 3, 1))
