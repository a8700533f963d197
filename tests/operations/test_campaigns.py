"""Campaigns: start, edit, set back, end, take back the end; what the record says of each."""

from __future__ import annotations

import pytest

from registry.models import Campaign, Unit
from registry.operations import campaigns, undo
from registry.refusals import EditConflict
from tests.factories import ACTOR, make_campaign, make_unit
from tests.operations.checks import WHOLE_FORM, day, facts, recorded, refusal

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit() -> Unit:
    return make_unit(name="德城分局")


@pytest.fixture
def campaign(unit: Unit) -> Campaign:
    return make_campaign(lead_unit=unit)


def test_it_starts_with_a_code_of_its_name(unit: Unit) -> None:
    made = campaigns.start_campaign(actor=ACTOR, name="防汛救灾", started_on=day(0), lead_unit=unit)
    assert (made.code, made.ended_on, made.label) == ("fangxunjiuzai", None, "防汛救灾")
    entry = recorded("start_campaign")
    assert (entry.unit, entry.effective_on) == (unit, day(0))
    again = campaigns.start_campaign(actor=ACTOR, name="防汛救灾", started_on=day(1), lead_unit=unit)
    assert again.code == "fangxunjiuzai-2"


def test_an_edit_is_recorded_and_set_back(unit: Unit, campaign: Campaign) -> None:
    other = make_unit(name="市局")
    changes = {"name": "疫情防控阻击战", "started_on": day(-20), "lead_unit": other}
    edited = campaigns.edit_campaign(actor=ACTOR, campaign=campaign, changes=changes, version=1)
    assert (edited.version, edited.lead_unit) == (2, other)
    entry = recorded("edit_campaign")
    assert entry.before == {
        "name": "疫情防控",
        "started_on": "2020-01-20",
        "lead_unit": {"pk": unit.pk, "text": "德城分局"},
    }
    undo.undo_edit(actor=ACTOR, entry=entry, reason="改错了")
    assert facts(campaign, "name", "lead_unit_id") == ("疫情防控", unit.pk)
    assert recorded("edit_campaign").undoes == entry
    with pytest.raises(EditConflict, match="任务名称"):
        campaigns.edit_campaign(actor=ACTOR, campaign=campaign, changes={"name": "又一个"}, version=1)


def test_it_ends_and_the_end_is_taken_back(unit: Unit, campaign: Campaign) -> None:
    with refusal("reason", "请说明结束原因"):
        campaigns.end_campaign(actor=ACTOR, campaign=campaign, on=day(20), reason=" ")
    ended = campaigns.end_campaign(actor=ACTOR, campaign=campaign, on=day(20), reason="响应终止")
    assert (ended.ended_on, ended.label) == (day(20), "疫情防控(2020-02-21 结束)")
    assert [ended.is_over_on(day(19)), ended.is_over_on(day(20))] == [False, True]
    entry = recorded("end_campaign")
    assert (entry.unit, entry.effective_on, entry.reason) == (unit, day(20), "响应终止")
    with refusal(WHOLE_FORM, "已于 2020-02-21 结束"):
        campaigns.end_campaign(actor=ACTOR, campaign=campaign, on=day(21), reason="再次")
    with refusal("reason", "请说明恢复原因"):
        campaigns.reopen_campaign(actor=ACTOR, campaign=campaign, reason="")
    assert campaigns.reopen_campaign(actor=ACTOR, campaign=campaign, reason="误结束").ended_on is None
    assert recorded("reopen_campaign").before == {"ended_on": "2020-02-21"}


def test_a_corrected_end_is_recorded_and_set_back(campaign: Campaign) -> None:
    campaigns.end_campaign(actor=ACTOR, campaign=campaign, on=day(20), reason="结束")
    campaigns.edit_campaign(actor=ACTOR, campaign=campaign, changes={"ended_on": day(25)}, reason="更正")
    entry = recorded("edit_campaign")
    undo.undo_edit(actor=ACTOR, entry=entry, reason="改错了")
    assert facts(campaign, "ended_on") == (day(20),)
