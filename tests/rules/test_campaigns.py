"""Rules of campaigns: nothing begins after the end, at every door; ends and their taking back."""

from __future__ import annotations

from copy import copy
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry.models import Campaign, Organization, Unit
from registry.operations import assignments, campaigns, organizations
from registry.operations import units as unit_operations
from registry.rules import campaigns as rules
from registry.rules import units as unit_rules
from tests.factories import ACTOR, assign, make_campaign, make_organization, make_person, make_unit
from tests.operations.checks import WHOLE_FORM, day, refusal

pytestmark = pytest.mark.django_db

LAST = day(19)
END = day(20)
"""What ends on a day does not go on that day: the day before is the last."""


@pytest.fixture
def unit() -> Unit:
    return make_unit(name="德城分局")


@pytest.fixture
def over(unit: Unit) -> Campaign:
    return make_campaign(lead_unit=unit, ended_on=END)


def said(findings: list[Any]) -> list[tuple[str, str, str]]:
    return [(finding.rule, finding.field, finding.message) for finding in findings]


# The one rule, at every door


@pytest.mark.parametrize(("on", "is_refused"), [(LAST, False), (END, True), (day(40), True)])
def test_nothing_is_established_on_or_after_the_end(
    unit: Unit, over: Campaign, on: date, *, is_refused: bool
) -> None:
    if not is_refused:
        assert make_organization(unit, campaign=over, established_on=on).campaign == over
        return
    with refusal("campaign", "专项任务“疫情防控”已于 2020-02-21 结束"):
        make_organization(unit, campaign=over, established_on=on)


def test_nothing_is_brought_into_it_later_nor_moved_behind_its_end(unit: Unit, over: Campaign) -> None:
    def edit(organization: Organization, **changes: Any) -> Organization:
        return organizations.edit_organization(
            actor=ACTOR, organization=organization, changes=changes, reason="更正"
        )

    late = make_organization(unit, established_on=END)
    with refusal("campaign", "已于 2020-02-21 结束"):
        edit(late, campaign=over)
    early = edit(make_organization(unit, established_on=LAST), campaign=over)
    assert early.campaign == over
    with refusal("established_on", "已于 2020-02-21 结束"):
        edit(early, established_on=END)
    assert edit(early, note="旧组织的其他资料照常修改").note
    with refusal("campaign", "已于 2020-02-21 结束"):  # both at once, as they would be
        edit(late, campaign=over, established_on=day(30))
    assert edit(late, campaign=over, established_on=LAST).campaign == over


def test_nobody_is_placed_in_it_on_or_after_the_end(unit: Unit, over: Campaign) -> None:
    branch = make_organization(unit, campaign=over)
    placed = assign(branch, make_person(unit=unit), started_on=LAST)
    newcomer = make_person(unit=unit)
    with refusal("started_on", "不再编入人员;组织继续工作的,请先在“编辑”里改换专项任务"):
        assign(branch, newcomer, started_on=END)
    # Who is there already may change roles and leave until the organization is dissolved.
    changed = assignments.change_role(actor=ACTOR, assignment=placed, role="secretary", on=day(25))
    assignments.end_assignment(actor=ACTOR, assignment=changed, on=day(30))
    organizations.edit_organization(
        actor=ACTOR, organization=branch, changes={"campaign": None}, reason="转入日常"
    )
    assert assign(branch, newcomer, started_on=END).pk


# Ends


def test_an_end_lies_after_everything_established_in_it(unit: Unit) -> None:
    campaign = make_campaign(lead_unit=unit)
    make_organization(unit, campaign=campaign, established_on=day(10))
    withdrawn = make_organization(unit, campaign=campaign, established_on=day(15))
    organizations.withdraw_organization(actor=ACTOR, organization=withdrawn, reason="误录")
    assert said(rules.end_refusals([rules.Ending(campaign, day(10))])) == [
        (
            "nothing_later",
            "on",
            "本任务的组织最晚在 2020-02-11 成立,结束日期须晚于该日,或先更正这些组织的成立日期或专项任务。",
        )
    ]
    assert rules.end_refusals([rules.Ending(campaign, day(11))]) == []


def test_where_something_was_established_today_the_end_is_for_tomorrow(unit: Unit) -> None:
    campaign, today = make_campaign(lead_unit=unit), timezone.localdate()
    make_organization(unit, campaign=campaign, established_on=today)
    ((_rule, _field, message),) = said(rules.end_refusals([rules.Ending(campaign, today)]))
    assert f"请在 {today + timedelta(days=1)} 或以后办理" in message


def test_a_corrected_end_is_an_end_too(unit: Unit, over: Campaign) -> None:
    make_organization(unit, campaign=over, established_on=day(10))

    def correct(reason: str = "更正", **facts: Any) -> list[tuple[str, str]]:
        candidate = copy(over)
        for name, value in facts.items():
            setattr(candidate, name, value)
        found = rules.correction_refusals([rules.Correction(candidate, over, reason)])
        return [(finding.rule, finding.field) for finding in found]

    assert correct(ended_on=day(11)) == []
    assert correct(ended_on=day(10)) == [("nothing_later", "ended_on")]
    assert correct(ended_on=day(25), reason=" ") == [("correction_needs_reason", "reason")]
    assert correct(ended_on=None) == [("reopened_by_reopening", "ended_on")]
    assert correct(ended_on=date(2999, 1, 1)) == [("not_in_future", "ended_on")]
    assert correct(started_on=day(21)) == [("ends_after_start", "started_on")]
    assert correct(lead_unit=make_unit(opened_on=day(30))) == [("lead_open", "lead_unit")]
    assert correct(name="新名", reason="") == []


def test_a_campaign_that_goes_on_is_not_ended_by_an_edit(unit: Unit) -> None:
    campaign = make_campaign(lead_unit=unit)
    candidate = copy(campaign)
    candidate.ended_on = END
    assert said(rules.correction_refusals([rules.Correction(candidate, campaign, "更正")])) == [
        ("ended_by_ending", "ended_on", "请用“结束任务”办理,以便先看还有哪些组织。")
    ]


# Taking an end back


def test_an_end_is_taken_back_while_nothing_later_stands_on_it(unit: Unit, over: Campaign) -> None:
    reopening = rules.Reopening(over)
    assert rules.reopening_refusals([reopening]) == []
    assert said(rules.reopening_refusals([rules.Reopening(make_campaign("on"))])) == [
        ("has_ended", "", "该专项任务还没有结束。")
    ]
    again = make_campaign("again", started_on=day(30))
    assert said(rules.reopening_refusals([reopening])) == [
        ("name_new", "", "此后已于 2020-03-02 另行启动同名的专项任务,请先改其中一个的名称。")
    ]
    campaigns.edit_campaign(actor=ACTOR, campaign=again, changes={"name": "第二次疫情防控"})
    # Its lead unit was closed meanwhile, which it could be since nothing went on there.
    unit_operations.close_unit(actor=ACTOR, unit=unit, on=day(40), reason="撤并")
    with refusal(WHOLE_FORM, "牵头单位“德城分局”已于 2020-03-12 撤并"):
        campaigns.reopen_campaign(actor=ACTOR, campaign=over, reason="误结束")


# Lead units


def test_a_unit_that_leads_a_campaign_is_neither_closed_nor_merged(unit: Unit) -> None:
    campaign = make_campaign(lead_unit=unit)
    message = "“德城分局”牵头的专项任务“疫情防控”还没有结束,请先结束或改换牵头单位。"
    for into in (None, make_unit()):
        closing = unit_rules.Closing(unit, day(30), into)
        assert said(unit_rules.closing_refusals([closing])) == [("leads_nothing", "", message)]
    campaigns.end_campaign(actor=ACTOR, campaign=campaign, on=day(30), reason="结束")
    assert unit_rules.closing_refusals([unit_rules.Closing(unit, day(30))]) == []
    assert unit_rules.closing_refusals([unit_rules.Closing(unit, day(29))]) != []


def test_who_would_lead_is_there_on_the_day(unit: Unit) -> None:
    later = make_unit(opened_on=day(5), name="新局")
    assert said(rules.start_refusals([rules.Start(day(4), later), rules.Start(day(5), later)])) == [
        ("lead_open", "lead_unit", "“新局”在 2020-02-05 尚未设立,请改日期或换一个单位。")
    ]


def test_a_name_that_goes_on_already_is_warned_of(unit: Unit, over: Campaign) -> None:
    assert rules.name_warnings([rules.Start(day(30), unit, "疫情防控")]) == []
    make_campaign("again", started_on=day(30))
    (found,) = rules.name_warnings([rules.Start(day(40), unit, "疫情防控")])
    assert (found.field, found.message) == ("name", "已有同名的专项任务“疫情防控”,2020-03-02 启动。")
