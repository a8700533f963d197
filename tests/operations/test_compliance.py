"""What a bureau decides about the checks: settings, exceptions, the calendar of working days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from registry.audit import Actor
from registry.models import AuditEntry, Holiday, Organization, RuleException, RuleSetting, Unit
from registry.operations import compliance
from registry.operations.take_back import take_back
from registry.refusals import NotAllowed, OperationRefused
from registry.rules import workdays
from registry.rules.checks import breaches
from tests.factories import ACTOR, make_organization, make_unit, make_user

pytestmark = pytest.mark.django_db
START, END = date(2020, 2, 10), date(2020, 3, 10)
SLUG = "temp_branch_appointed"


@pytest.fixture
def top() -> Unit:
    return make_unit("top", name="德州市公安局")


@pytest.fixture
def branch(top: Unit) -> Organization:
    return make_organization(top, name="德城分局临时党支部")


def refused(act: Callable[..., Any], **given: Any) -> dict[str, list[str]]:
    """What the operation says when it refuses."""
    with pytest.raises(OperationRefused) as refusal:
        act(actor=ACTOR, **given)
    return refusal.value.message_dict


def granted(branch: Organization, **facts: Any) -> RuleException:
    given: dict[str, Any] = {
        "slug": SLUG,
        "document_number": "德公党〔2020〕9号",
        "reason": "书记在途",
        "started_on": START,
        "ended_on": END,
    }
    return compliance.grant_exception(actor=ACTOR, organization=branch, **(given | facts))


def test_a_setting_holds_from_its_day_and_keeps_only_what_differs(top: Unit) -> None:
    slug = "committee_size"
    compliance.set_rule(actor=ACTOR, slug=slug, is_on=True, since=START, thresholds={"full": 9, "least": 3})
    compliance.set_rule(actor=ACTOR, slug=slug, is_on=False, since=END)
    kept = RuleSetting.objects.values_list("is_on", "thresholds", "since")
    assert list(kept) == [(True, {"full": 9}, START), (False, {}, END)]
    entry = AuditEntry.objects.filter(verb="set_rule").order_by("pk").first()
    assert entry is not None
    assert (entry.object_name, entry.unit_id) == ("支部委员会人数", top.pk)
    assert entry.after == {"is_on": True, "since": "2020-02-10", "full": 9, "least": 3, "most": 7}


def test_a_setting_of_the_same_day_is_replaced(top: Unit) -> None:
    for least in (4, 5):
        compliance.set_rule(
            actor=ACTOR, slug="group_min", is_on=True, since=START, thresholds={"least": least}
        )
    assert list(RuleSetting.objects.values_list("thresholds", flat=True)) == [{"least": 5}]
    assert AuditEntry.objects.filter(verb="set_rule").count() == 2


@pytest.mark.parametrize(
    ("slug", "thresholds", "said"),
    [
        ("nothing", {}, {"slug": ["没有这条规则。"]}),
        ("group_min", {"weight": 1}, {"__all__": ["规则“党小组人数”没有数值“weight”。"]}),
        ("group_min", {"least": 0}, {"least": ["请填 1 到 1,000 之间的整数。"]}),
        ("group_min", {"least": 1001}, {"least": ["请填 1 到 1,000 之间的整数。"]}),
    ],
)
def test_a_setting_that_cannot_be_meant(
    top: Unit, slug: str, thresholds: dict[str, int], said: dict[str, list[str]]
) -> None:
    assert said == refused(compliance.set_rule, slug=slug, is_on=True, since=START, thresholds=thresholds)
    assert not RuleSetting.objects.exists()


def test_only_who_manages_the_whole_registry_sets_rules_and_days(top: Unit) -> None:
    below = make_unit("below", top)
    days = [(date(2020, 1, 1), False, "元旦")]
    acts = (
        lambda by: compliance.set_rule(actor=by, slug=SLUG, is_on=False, since=START),
        lambda by: compliance.set_holidays(actor=by, days=days),
        lambda by: compliance.remove_holidays(actor=by, days=[day for day, _, _ in days]),
    )
    for act in acts:
        for role, unit in (("manager", below), ("approver", top), ("clerk", top)):
            with pytest.raises(NotAllowed):
                act(Actor(user=make_user(unit=unit, role=role)))
        act(Actor(user=make_user(unit=top, role="manager")))
    assert RuleSetting.objects.count() == 1


def test_an_approver_grants_an_exception_and_the_record_of_the_organization_says_so(
    top: Unit, branch: Organization
) -> None:
    user = make_user(unit=top, role="approver")
    row = compliance.grant_exception(
        actor=Actor(user=user),
        organization=branch,
        slug=SLUG,
        document_number=" 德公党〔2020〕9号 ",
        reason="书记在途",
        started_on=START,
        ended_on=END,
    )
    assert (row.document_number, row.granted_by) == ("德公党〔2020〕9号", user)
    [breach] = breaches(Organization.objects.all(), START, slugs=[SLUG])
    assert breach.excepted == row
    entry = AuditEntry.objects.get(verb="grant_exception")
    assert (entry.object_name, entry.reason) == (f"临时党组织的书记 · {branch.name}", "书记在途")
    assert entry.after["organization"]["text"] == branch.name


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"slug": "nothing"}, "slug"),
        ({"document_number": " "}, "document_number"),
        ({"reason": " "}, "reason"),
        ({"ended_on": START}, "ended_on"),
    ],
)
def test_an_exception_has_document_reason_and_end(
    branch: Organization, facts: dict[str, Any], field: str
) -> None:
    with pytest.raises(OperationRefused) as refusal:
        granted(branch, **facts)
    assert list(refusal.value.message_dict) == [field]
    assert not RuleException.objects.exists()


def test_there_is_one_exception_at_a_time(branch: Organization) -> None:
    granted(branch)
    with pytest.raises(OperationRefused) as refusal:
        granted(branch, started_on=date(2020, 3, 9), ended_on=date(2020, 4, 1))
    assert refusal.value.message_dict == {
        "started_on": ["2020-02-10 至 2020-03-10 已有例外(德公党〔2020〕9号),请改换日期,或先结束它。"]
    }
    granted(branch, started_on=END, ended_on=date(2020, 4, 1))
    granted(branch, slug="temp_branch_approved")


def test_an_exception_is_ended_earlier_with_a_reason_and_the_end_is_taken_back(
    branch: Organization,
) -> None:
    row, day = granted(branch), date(2020, 2, 20)
    for on, reason, field in ((END, "回来了", "on"), (day, "", "reason")):
        said = refused(compliance.end_exception, exception=row, on=on, reason=reason)
        assert list(said) == [field]
    compliance.end_exception(actor=ACTOR, exception=row, on=day, reason="书记已到")
    row.refresh_from_db()
    assert row.ended_on == day
    entry = AuditEntry.objects.get(verb="end_exception")
    assert (entry.before, entry.after) == ({"ended_on": "2020-03-10"}, {"ended_on": "2020-02-20"})
    take_back(actor=ACTOR, entry=entry, reason="误办")
    row.refresh_from_db()
    assert row.ended_on == END
    take_back(actor=ACTOR, entry=AuditEntry.objects.get(verb="grant_exception"), reason="误办")
    assert not RuleException.objects.exists()


def test_days_are_entered_changed_and_removed(top: Unit) -> None:
    saturday = date(2020, 2, 8)
    assert compliance.set_holidays(actor=ACTOR, days=[(saturday, True, "调休")]) == 1
    assert workdays.workdays_between(date(2020, 2, 3), date(2020, 2, 10)) == 6
    assert compliance.set_holidays(actor=ACTOR, days=[(saturday, True, "调休")]) == 0, "nothing changed"
    assert compliance.set_holidays(actor=ACTOR, days=[(saturday, True, "补班")]) == 1
    assert compliance.remove_holidays(actor=ACTOR, days=[saturday]) == 1
    assert workdays.workdays_between(date(2020, 2, 3), date(2020, 2, 10)) == 5
    said = [(entry.verb, entry.object_name) for entry in AuditEntry.objects.filter(unit=top).order_by("pk")]
    assert said[-3:] == [
        ("set_holidays", "2020-02-08 调休"),
        ("set_holidays", "2020-02-08 补班"),
        ("remove_holidays", "2020-02-08 补班"),
    ]


def test_a_weekday_needs_no_entry_to_be_a_working_day(top: Unit) -> None:
    said = refused(compliance.set_holidays, days=[(date(2020, 2, 7), True, "上班")])
    assert said == {"is_workday": ["2020-02-07 不是周末,本来就上班,不用登记;已登记为放假的请删除。"]}
    said = refused(compliance.set_holidays, days=[(date(2020, 2, 7), False, " ")])
    assert list(said) == ["name"]


def test_the_published_holidays_are_loaded_once(top: Unit) -> None:
    assert compliance.published_years() == list(range(2020, 2027))
    number = compliance.load_holidays(actor=ACTOR)
    assert number == Holiday.objects.count() == 254
    assert compliance.load_holidays(actor=ACTOR) == 0
    entry = AuditEntry.objects.get(verb="set_holidays")
    assert entry.object_name == "2020-01-01 元旦 等 254 天"
