"""Pages of the end of service and of joining two entries; who has left in lists."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from registry.models import Assignment, AuditEntry, Person
from registry.operations import leaving, people
from tests.factories import ACTOR, make_person, make_user
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

LIST = reverse("people")


@pytest.fixture
def manager(client: Client, world: World) -> Client:
    client.force_login(make_user(unit=world.top))
    return client


def names(client: Client, **query: str) -> list[str]:
    return [row.person.name for row in client.get(LIST, query).context["rows"]]


def retire(person: Person) -> None:
    leaving.end_service(actor=ACTOR, person=person, leaving="retired", on=date(2020, 3, 5), reason="到龄")


def test_the_end_is_registered_after_it_was_seen_what_ends(manager: Client, world: World) -> None:
    url = reverse("person_leave", args=[world.full.key])
    said = manager.get(url, {"as_of": "2020-03-05"}).context["sentences"]
    assert said[0] == "自 2020-03-05 起赵一不再在职,结束编入 3 人次;此前各日的统计不变。"
    assert said[1:] == [
        "“左局临时党支部”书记(2020-02-01 编入),书记将空缺。",
        "“=先锋岗”成员(2020-02-01 编入)。",
        "“左突击队”成员(2020-02-10 编入)。",
    ]
    data: dict[str, Any] = {"leaving": "retired", "on": "2020-03-04", "reason": "到龄"}
    again = manager.post(url, data)
    assert "自 2020-03-04 起" in again.context["warnings"][0], "another day than was shown is shown first"
    response = manager.post(url, data | {"confirmed": again.context["confirmed"]}, follow=True)
    assert "赵一 已于 2020-03-04 退休" in response.content.decode()
    assert not Assignment.objects.as_of(date(2020, 3, 4)).filter(person=world.full).exists()
    page = manager.get(reverse("person", args=[world.full.key])).content.decode()
    assert "退休 · 到龄" in page
    assert "恢复在职" in page


def test_it_is_taken_back_on_the_page(manager: Client, world: World) -> None:
    retire(world.full)
    response = manager.post(reverse("person_restore", args=[world.full.key]), {"reason": "登记错人"})
    assert response.status_code == 302
    world.full.refresh_from_db()
    assert world.full.left_on is None
    assert Assignment.objects.as_of(date(2020, 3, 5)).filter(person=world.full).count() == 3


def test_lists_show_who_serves_on_the_day(manager: Client, world: World) -> None:
    retire(world.full)
    everybody = ["李四", "孙三", "钱二", "赵一"]
    day = "2020-03-05"
    assert sorted(names(manager, as_of="2020-03-04")) == sorted(everybody)
    assert "赵一" not in names(manager, as_of=day)
    assert names(manager, as_of=day, service="left") == ["赵一"]
    assert sorted(names(manager, as_of=day, service="all")) == sorted(everybody)
    chips = manager.get(LIST, {"as_of": day, "service": "left"}).content.decode()
    assert "在职情况:已离职" in chips


def test_people_of_a_branch_on_a_day(manager: Client, world: World) -> None:
    assert names(manager, branch="home") == ["赵一"]
    people.transfer_person(
        actor=ACTOR, person=world.full, home_unit=world.right, on=date(2020, 3, 1), reason="调动"
    )
    assert names(manager, branch="home", as_of="2020-02-29") == ["赵一"]
    assert names(manager, branch="home", as_of="2020-03-01") == []
    response = manager.get(LIST, {"branch": "nowhere"})
    assert "没有代码为“nowhere”的组织" in response.content.decode()


def test_the_page_of_a_day_shows_the_home_of_that_day(manager: Client, world: World) -> None:
    people.transfer_person(
        actor=ACTOR, person=world.full, home_unit=world.right, on=date(2020, 3, 1), reason="调动"
    )
    url = reverse("person", args=[world.full.key])
    homes = [manager.get(url, {"as_of": on}).context["home"] for on in ("2020-02-29", "2020-03-01")]
    assert [(home.unit.code, home.branch and home.branch.code) for home in homes] == [
        ("left", "home"),
        ("right", None),
    ]


# Two entries


def test_two_entries_are_seen_side_by_side_and_joined(manager: Client, world: World) -> None:
    twin = make_person("赵壹", world.right, number="009001", title="教导员")
    url = reverse("person_merge", args=[world.full.key])
    assert "下一步" in manager.get(url).content.decode()
    query = f"{url}?other={twin.key}"
    response = manager.get(query)
    facts = {fact.label: (fact.mine, fact.theirs) for fact in response.context["grid"].rows}
    assert facts["姓名"] == ("赵一", "赵壹")
    assert facts["职务"] == ("所长", "教导员")
    fields = [name for name in response.context["form"].fields if name.startswith("take_")]
    assert fields == ["take_name", "take_home_unit", "take_title", "take_phone"]
    missing = manager.post(query, {"reason": "重复登记"})
    assert "is_certain" in missing.context["form"].errors
    sent = {"reason": "重复登记", "is_certain": "on", "take_title": "other"}
    after = manager.post(query, sent, follow=True).content.decode()
    assert "已合并" in after
    assert "009001" in after, "the page names the entry that was joined"
    world.full.refresh_from_db()
    assert (world.full.name, world.full.title) == ("赵一", "教导员")
    found = manager.get(reverse("person", args=["009001"])).context["person"]
    assert found.pk == world.full.pk
    assert "赵壹" not in names(manager)
    assert AuditEntry.objects.filter(verb="merge_person").count() == 2


def test_the_days_of_joining_are_corrected_with_a_reason(manager: Client, world: World) -> None:
    url = reverse("person_edit", args=[world.full.key])
    world.full.refresh_from_db()
    sent = {
        "name": "赵一",
        "number": "001001",
        "category": "officer",
        "version": world.full.version,
        "joined_on": "2020-07-01",
    }
    assert "reason" in manager.post(url, sent).context["form"].errors
    assert manager.post(url, sent | {"reason": "查档"}).status_code == 302
    page = manager.get(reverse("person", args=[world.full.key]), {"as_of": "2020-02-20"})
    assert page.context["status"] == "未登记"
    assert "按预备期一年推算" in page.content.decode()
