"""Exceptions: an approver grants one and ends it early, by pages; it is listed, recorded and taken back."""

from __future__ import annotations

from datetime import date

import pytest

from registry.models import AuditEntry, RuleException
from registry.operations import compliance, take_back
from registry.refusals import OperationRefused
from tests.asking import queries
from tests.compliance.test_pages import grant
from tests.factories import ACTOR, logged_in, make_organization
from tests.world import World

pytestmark = pytest.mark.django_db

SENT = {
    "slug": "temp_branch_approved",
    "document_number": "厅党〔2020〕9号",
    "reason": "先成立后报批",
    "started_on": "2020-02-10",
    "ended_on": "2020-03-01",
}
GRANT = "/organizations/general/except/?rule=temp_branch_approved&as_of=2020-02-20"


def test_an_approver_grants_one_from_the_breach(world: World) -> None:
    client = logged_in(world.left, "approver")
    opened = client.get(GRANT)
    assert opened.context["form"]["slug"].value() == "temp_branch_approved"
    answer = client.post(GRANT, SENT, follow=True)
    made = RuleException.objects.get()
    assert (made.organization.code, made.ended_on) == ("general", date(2020, 3, 1))
    assert str(made.granted_by) == str(answer.context["user"])
    assert "已批准例外:临时党组织的批准,2020-03-01 起失效。" in answer.content.decode()
    entry = AuditEntry.objects.get(verb="grant_exception")
    assert (entry.unit.code, entry.reason) == ("left", "先成立后报批")
    assert "批准例外" in client.get("/organizations/general/").content.decode()  # in its record, too


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"ended_on": "2020-02-10"}, "ended_on", "结束日期须晚于开始日期"),
        ({"document_number": ""}, "document_number", "这个字段是必填项"),
        ({"reason": ""}, "reason", "这个字段是必填项"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    world: World, change: dict[str, str], field: str, said: str
) -> None:
    form = logged_in(world.left, "approver").post(GRANT, SENT | change).context["form"]
    assert said in str(form.errors[field])
    assert form["reason"].value() == (SENT | change)["reason"]
    assert not RuleException.objects.exists()


def test_two_exceptions_of_one_rule_do_not_overlap(world: World) -> None:
    grant(world.general)
    with pytest.raises(OperationRefused, match="已有例外"):
        grant(world.general, started_on=date(2020, 2, 29), ended_on=date(2020, 4, 1))
    grant(world.general, started_on=date(2020, 3, 1), ended_on=date(2020, 4, 1))
    grant(world.branch)
    assert RuleException.objects.count() == 3


def test_one_is_ended_early_and_the_end_is_taken_back(world: World) -> None:
    made = grant(world.general)
    client = logged_in(world.left, "approver")
    url = f"/compliance/exceptions/{made.pk}/end/"
    late = client.post(url, {"on": "2020-03-01", "reason": "已补批"}).context["form"]
    assert "请填期间内的日期" in str(late.errors["on"])
    client.post(url, {"on": "2020-02-20", "reason": "已补批"})
    made.refresh_from_db()
    assert made.ended_on == date(2020, 2, 20)
    entry = AuditEntry.objects.get(verb="end_exception")
    take_back.take_back(actor=ACTOR, entry=entry, reason="误办")
    made.refresh_from_db()
    assert made.ended_on == date(2020, 3, 1)


def test_a_grant_is_taken_back_by_who_may_grant_there(world: World) -> None:
    grant(world.general)
    entry = AuditEntry.objects.get(verb="grant_exception")
    url = f"/record/{entry.pk}/undo/"
    outside = logged_in(world.right, "manager")
    assert outside.post(url, {"reason": "误批"}).status_code == 404
    assert RuleException.objects.exists()
    assert logged_in(world.left, "manager").post(url, {"reason": "误批"}).status_code == 302
    assert not RuleException.objects.exists()


def test_the_list_has_those_of_the_unit_by_their_state(world: World) -> None:
    grant(world.general)
    grant(world.branch, started_on=date(2020, 3, 5), ended_on=date(2020, 4, 1))
    client = logged_in(world.top, "approver")

    def listed(**query: str) -> list[tuple[str, str]]:
        rows = client.get("/compliance/exceptions/", {"as_of": "2020-02-20", **query}).context["rows"]
        return [(row.exception.organization.code, row.state) for row in rows]

    assert listed() == [("branch", "未生效"), ("general", "在效")]
    assert listed(state="now") == [("general", "在效")]
    assert listed(state="lapsed", as_of="2020-03-01") == [("general", "已失效")]
    assert listed(unit="right") == []


def test_the_list_asks_as_many_queries_for_three_rows_as_for_one(world: World) -> None:
    grant(world.general)
    client = logged_in(world.top, "approver")

    def ask() -> None:
        client.get("/compliance/exceptions/")

    first = queries(ask)
    for _at in range(2):
        grant(make_organization(world.left))
    assert queries(ask) == first


def test_nobody_grants_one_for_a_rule_that_is_not_there(world: World) -> None:
    with pytest.raises(OperationRefused, match="请选择规则"):
        compliance.grant_exception(
            actor=ACTOR,
            organization=world.general,
            slug="nonsense",
            document_number="1号",
            reason="误",
            started_on=date(2020, 2, 1),
            ended_on=date(2020, 3, 1),
        )
