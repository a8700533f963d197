"""Setting an edit back from its entry in the record."""

from __future__ import annotations

from datetime import date

import pytest

from registry.audit import Actor
from registry.models import AuditEntry, Organization, Person, Unit
from registry.operations import organizations, people, undo, units
from registry.refusals import OperationRefused
from tests.factories import ACTOR, DAY, make_campaign, make_organization, make_person, make_unit, make_user
from tests.operations.checks import WHOLE_FORM, day, facts, recorded, refusal

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit() -> Unit:
    return make_unit(name="德城分局")


def newest() -> AuditEntry:
    return AuditEntry.objects.order_by("-pk")[0]


def undone(entry: AuditEntry, reason: str = "改错了") -> AuditEntry:
    undo.undo_edit(actor=ACTOR, entry=entry, reason=reason)
    return newest()


def test_a_unit_is_set_back(unit: Unit) -> None:
    units.edit_unit(actor=ACTOR, unit=unit, changes={"name": "新名", "opened_on": DAY})
    edit = newest()
    user = make_user("li", unit)
    undo.undo_edit(actor=Actor(user, "李", "10.0.0.1", "abc"), entry=edit, reason="改错了")
    assert facts(unit, "name", "opened_on") == ("德城分局", None)
    entry = newest()
    assert (entry.verb, entry.undoes, entry.reason) == ("edit_unit", edit, "改错了")
    assert (entry.user, entry.address) == (user, "10.0.0.1")
    assert (entry.before, entry.after) == (edit.after, edit.before)
    assert list(edit.undone_by.all()) == [entry]


def test_a_person_is_set_back(unit: Unit) -> None:
    person = make_person("张三", unit, joined_on=date(2010, 7, 1))
    changes = {"name": "张四", "joined_on": None}
    people.edit_person(actor=ACTOR, person=person, changes=changes, reason="更正")
    entry = undone(newest())
    assert facts(person, "name", "joined_on") == ("张三", date(2010, 7, 1))
    assert recorded("edit_person") == entry


def test_an_organization_is_set_back_with_its_dates_and_its_campaign(unit: Unit) -> None:
    old, new = make_campaign("old"), make_campaign("new", name="防汛")
    organization = make_organization(unit, campaign=old)
    changes = {"campaign": new, "established_on": day(3), "name": "新名"}
    organizations.edit_organization(actor=ACTOR, organization=organization, changes=changes, reason="更正")
    edit = newest()
    assert edit.before["campaign"] == {"pk": old.pk, "text": "疫情防控"}
    undone(edit)
    assert facts(organization, "campaign_id", "established_on") == (old.pk, DAY)
    assert organization.placements.get().started_on == DAY


def test_a_relation_is_compared_by_its_key_not_by_its_name(unit: Unit) -> None:
    campaign = make_campaign()
    organization = make_organization(unit)
    organizations.edit_organization(
        actor=ACTOR, organization=organization, changes={"campaign": campaign}, reason="补登"
    )
    edit = newest()
    type(campaign).objects.filter(pk=campaign.pk).update(name="改了名")
    undone(edit)
    assert facts(organization, "campaign_id") == (None,)


def test_what_was_set_back_can_be_set_back(unit: Unit) -> None:
    units.edit_unit(actor=ACTOR, unit=unit, changes={"name": "新名"})
    first = newest()
    second = undone(first)
    third = undone(second)
    assert facts(unit, "name") == ("新名",)
    assert (third.undoes, second.undoes) == (second, first)
    undone(first)
    assert facts(unit, "name") == ("德城分局",)


def test_refused_when_it_was_changed_again(unit: Unit) -> None:
    units.edit_unit(actor=ACTOR, unit=unit, changes={"name": "第二"})
    edit = newest()
    units.edit_unit(actor=ACTOR, unit=unit, changes={"name": "第三"})
    with refusal(WHOLE_FORM, "单位名称:当时改为“第二”,现在是“第三”"):
        undone(edit)
    assert facts(unit, "name") == ("第三",)


def test_another_fields_change_does_not_stand_in_the_way(unit: Unit) -> None:
    units.edit_unit(actor=ACTOR, unit=unit, changes={"name": "第二"})
    edit = newest()
    units.edit_unit(actor=ACTOR, unit=unit, changes={"note": "备注"})
    undone(edit)
    assert facts(unit, "name", "note") == ("德城分局", "备注")


def test_refused_without_a_reason(unit: Unit) -> None:
    units.edit_unit(actor=ACTOR, unit=unit, changes={"name": "第二"})
    with refusal("reason", "请说明还原原因"):
        undone(newest(), "  ")


def test_only_edits_are_set_back(unit: Unit) -> None:
    entry = AuditEntry.objects.get(verb="add_unit")
    assert not undo.can_undo(entry)
    with refusal(WHOLE_FORM, "只有对单位、组织、人员、编入、专项任务、来源、报道数资料的修改可以还原"):
        undone(entry)


def test_what_no_longer_can_be_is_refused_as_the_edit_would_be(unit: Unit) -> None:
    person = make_person("张三", unit, number="001")
    people.edit_person(actor=ACTOR, person=person, changes={"number": "002"})
    edit = newest()
    make_person("李四", unit, number="001")
    with refusal("number", "警号"):
        undone(edit)
    assert facts(person, "number") == ("002",)


def test_a_telephone_number_is_not_in_the_record_and_stays_as_it_is(unit: Unit) -> None:
    person = make_person("张三", unit, phone="13800000001")
    people.edit_person(actor=ACTOR, person=person, changes={"phone": "13900000002", "name": "张四"})
    edit = newest()
    assert edit.after["phone"] == "••••02"
    assert (list(undo.known(edit, edit.after)), undo.left_out(edit)) == (["name"], ["联系电话"])
    undone(edit)
    assert facts(person, "name", "phone") == ("张三", "13900000002")
    people.edit_person(actor=ACTOR, person=person, changes={"phone": "13700000003"})
    assert not undo.can_undo(newest())


def test_an_edit_between_the_look_and_the_lock_is_not_overwritten(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    units.edit_unit(actor=ACTOR, unit=unit, changes={"name": "第二"})
    edit = newest()
    read = undo._values

    def and_then_somebody_edits(row: Unit, entry: AuditEntry) -> dict[str, object]:
        values = read(row, entry)
        units.edit_unit(actor=ACTOR, unit=unit, changes={"name": "第三"})
        return values

    monkeypatch.setattr(undo, "_values", and_then_somebody_edits)
    with pytest.raises(OperationRefused, match="他人已修改"):
        undone(edit)


# Reasons


@pytest.mark.parametrize("reason", ["", "   "])
def test_what_must_give_a_reason(reason: str, unit: Unit) -> None:
    """Dissolve, withdraw, move, transfer, merge, close; and to correct what is counted already."""
    other = make_unit()
    organization, above = make_organization(unit), make_organization(unit, "committee")
    campaign = make_campaign()
    given = {"actor": ACTOR, "reason": reason}
    for attempt in (
        lambda: units.move_unit(unit=unit, superior=other, on=DAY, **given),
        lambda: units.merge_unit(unit=unit, into=other, on=DAY, **given),
        lambda: units.close_unit(unit=other, on=DAY, **given),
        lambda: organizations.move_organization(organization=organization, parent=above, **given),
        lambda: organizations.transfer_organization(organization=organization, unit=other, on=DAY, **given),
        lambda: organizations.dissolve_organization(organization=organization, on=day(5), **given),
        lambda: organizations.withdraw_organization(organization=organization, **given),
        lambda: correct(organization, reason, established_on=day(2)),
        lambda: correct(organization, reason, campaign=campaign),
    ):
        with refusal("reason", "请说明"):
            attempt()


def correct(organization: Organization, reason: str, **changes: object) -> Organization:
    return organizations.edit_organization(
        actor=ACTOR, organization=organization, changes=changes, reason=reason
    )


def test_what_needs_no_reason(unit: Unit) -> None:
    """Plain facts, and anything of what is not approved yet."""
    correct(make_organization(unit), "", name="新名", note="备注")
    correct(make_organization(unit, state="draft"), "", established_on=day(2))


def test_a_political_status_corrected_on_its_first_day_needs_a_reason(unit: Unit) -> None:
    person: Person = make_person("张三", unit, political_status="activist")
    change = people.change_political_status
    change(actor=ACTOR, person=person, status="probationary_member", on=DAY)
    with refusal("reason", "请说明更正原因"):
        change(actor=ACTOR, person=person, status="full_member", on=DAY)
    change(actor=ACTOR, person=person, status="full_member", on=DAY, reason="登记有误")
    assert recorded("change_political_status").reason == "登记有误"
