"""The rules as the bureau sets them, and the workday calendar: by a manager at the top, from a day on."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from registry.compliance.forms import read_days
from registry.compliance.workdays import days_said
from registry.models import AuditEntry, Holiday, RuleSetting
from registry.models.compliance import THRESHOLDS
from registry.rules.checks import CHECKS, EVERY
from tests.compliance.test_pages import counts, page
from tests.factories import logged_in
from tests.world import World

pytestmark = pytest.mark.django_db

OFF = {"is_on": "off", "since": "2020-02-15", "reason": ""}


def set_rule(client: Client, slug: str, **sent: Any) -> Any:
    return client.post(f"/compliance/rules/{slug}/set/", sent, follow=True)


def test_a_rule_is_switched_off_from_a_day_on(world: World) -> None:
    client = logged_in(world.top, "manager")
    answer = set_rule(client, "temp_branch_appointed", **OFF)
    assert "已设置“临时党组织的书记”,自 2020-02-15 起执行。" in answer.content.decode()
    assert counts(page(client, as_of="2020-02-14"))["违规"] == 3
    assert counts(page(client, as_of="2020-02-15"))["违规"] == 2
    (change,) = client.get("/compliance/rules/temp_branch_appointed/").context["changes"]
    assert (change.said, change.since) == ("停用", date(2020, 2, 15))
    assert change.by == str(answer.context["user"])
    assert AuditEntry.objects.get(verb="set_rule").unit == world.top


def test_a_violation_with_an_article_is_switched_off_only_with_a_reason(world: World) -> None:
    client = logged_in(world.top, "manager")
    sent = {**OFF, "number_least": "3"}
    refused = set_rule(client, "branch_min_full_members", **sent)
    assert "请说明停用的原因" in str(refused.context["form"].errors["reason"])
    assert not RuleSetting.objects.exists()
    set_rule(client, "branch_min_full_members", **sent | {"reason": "机构调整期间"})
    assert not RuleSetting.objects.get().is_on


def test_a_number_is_changed_and_the_default_still_shown(world: World) -> None:
    client = logged_in(world.top, "manager")
    set_rule(client, "branch_min_full_members", is_on="on", number_least="1", since="2020-02-01")
    assert RuleSetting.objects.get().thresholds == {"least": 1}
    assert counts(page(client))["违规"] == 2  # its one full member is enough now
    facts = dict(client.get("/compliance/rules/branch_min_full_members/").context["facts"])
    assert (facts["数值"], facts["默认数值"]) == ("最少 1", "最少 3")
    set_rule(client, "branch_min_full_members", is_on="on", number_least="3", since="2020-02-01")
    assert RuleSetting.objects.get().thresholds == {}  # of one day there is one setting


def test_every_number_has_a_name() -> None:
    assert {name for check in CHECKS for name in check.thresholds} - THRESHOLDS.keys() == set()


@pytest.mark.parametrize(
    ("unit", "role", "status"), [("top", "manager", 200), ("left", "manager", 403), ("top", "clerk", 403)]
)
@pytest.mark.parametrize("path", ["/compliance/rules/group_min/set/", "/compliance/workdays/set/?year=2020"])
def test_only_a_manager_at_the_top_sets_what_holds_for_everybody(
    world: World, unit: str, role: str, status: int, path: str
) -> None:
    assert logged_in(getattr(world, unit), role).get(path).status_code == status


def test_a_manager_below_is_sent_upward(world: World) -> None:
    said = logged_in(world.left, "manager").get("/compliance/rules/group_min/set/").content.decode()
    assert "需要时请联系上级单位的管理员" in said


def test_everybody_reads_the_rules(world: World) -> None:
    answer = logged_in(world.station, "viewer").get("/compliance/rules/")
    assert [row.check.slug for row in answer.context["rows"]] == [check.slug for check in EVERY]


# --- The workday calendar ---------------------------------------------------------------------------


def enter(client: Client, days: str, kind: str = "free", name: str = "春节") -> Any:
    sent = {"days": days, "kind": kind, "name": name}
    return client.post("/compliance/workdays/set/?year=2020", sent, follow=True)


def test_days_are_entered_by_a_pasted_range(world: World) -> None:
    client = logged_in(world.top, "manager")
    answer = enter(client, "1.24 至 1.30\n2020-10-01")
    assert "已登记 2020-01-24 至 2020-01-30、2020-10-01:放假。" in answer.content.decode()
    enter(client, "2020-01-19", "work", "春节调休")
    shown = client.get("/compliance/workdays/", {"year": "2020"}).context
    january = {day.day.day: day.mark for week in shown["months"][0].weeks for day in week if day}
    assert [number for number, mark in january.items() if mark == "休"] == list(range(24, 31))
    assert [number for number, mark in january.items() if mark == "班"] == [19]
    assert (
        shown["workdays"] == 262 - 5 - 1 + 1
    )  # five of the seven days, and that Thursday, were days of work
    assert AuditEntry.objects.filter(verb="set_holidays").count() == 2


def test_days_are_given_back_to_their_day_of_the_week(world: World) -> None:
    client = logged_in(world.top, "manager")
    enter(client, "2020-01-24 至 2020-01-26")
    enter(client, "2020-01-25", "work", "值班")
    enter(client, "2020-01-24", "default", "")
    assert [(each.day.day, each.is_workday) for each in Holiday.objects.all()] == [(25, True), (26, False)]


def test_the_published_days_of_a_year_are_loaded(world: World) -> None:
    client = logged_in(world.top, "manager")
    labels = [each["label"] for each in client.get("/compliance/workdays/?year=2020").context["actions"]]
    assert labels == ["载入公布的放假安排", "登记节假日和调休"]
    client.post("/compliance/workdays/load/?year=2020")
    shown = client.get("/compliance/workdays/?year=2020").context
    assert [each["label"] for each in shown["actions"]] == labels[1:]
    assert shown["stretches"][0].name == "元旦"
    assert client.get("/compliance/workdays/load/?year=1999").status_code == 404


def test_what_is_set_apart_has_a_name(world: World) -> None:
    answer = enter(logged_in(world.top, "manager"), "2020-01-24", name="")
    assert "请填写名称" in str(answer.context["form"].errors["name"])
    assert not Holiday.objects.exists()


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2020-01-24", "2020-01-24"),
        ("1月24日-1月26日", "2020-01-24 至 2020-01-26"),
        ("2020-01-24~2020-01-25,2020-01-27", "2020-01-24 至 2020-01-25、2020-01-27"),
    ],
)
def test_days_are_read_as_people_write_them(text: str, days: str) -> None:
    assert days_said(read_days(text, 2020)) == days


@pytest.mark.parametrize("text", ["春节", "2020-01-26 至 2020-01-24", "2019-01-01 至 2021-01-01"])
def test_a_line_that_is_no_day_is_named(text: str) -> None:
    with pytest.raises(ValidationError, match=text[:4]):
        read_days(text, 2020)
