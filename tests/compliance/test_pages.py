"""What breaks the rules at a unit and at an organization: each number is that of its list.

In the small country on 20 February 2020 there are three violations (the general branch has neither document
nor secretary, the standing branch one full member), a warning (the group has no leader) and three hints.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from registry import nouns
from registry.compliance.card import WAYS
from registry.models import RuleException
from registry.operations import compliance
from registry.rules.checks import CHECKS
from tests.asking import queries
from tests.factories import ACTOR, logged_in, make_organization
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.look]

DAY = "2020-02-20"
LIST = "/compliance/breaches/"


def page(client: Client, **query: str) -> Any:
    return client.get("/compliance/", {"as_of": DAY, **query})


def counts(answer: Any) -> dict[str, int]:
    return {each.label: each.value for each in answer.context["every"]}


def links(answer: Any) -> list[Any]:
    """Every number of the page that leads to a list."""
    shown = answer.context
    rules = [count for line in shown["rules"] for count in (line.number, line.excepted)]
    own = shown["own"].counts if shown["own"] else []
    every = [*shown["every"], *rules, *(each for line in shown["units"] for each in line.counts), *own]
    return [each for each in every if each.url]


def grant(organization: Any, slug: str = "temp_branch_approved", **facts: Any) -> RuleException:
    return compliance.grant_exception(
        actor=ACTOR,
        organization=organization,
        slug=slug,
        **{
            "document_number": "厅党〔2020〕9号",
            "reason": "先成立后报批",
            "started_on": date(2020, 2, 10),
            "ended_on": date(2020, 3, 1),
            **facts,
        },
    )


def test_a_unit_shows_what_is_wrong_by_rule_and_by_unit(world: World) -> None:
    answer = page(logged_in(world.top, "viewer"))
    assert counts(answer) == {"违规": 3, "提醒": 1, "提示": 3, "例外": 0}
    assert {line.check.slug: line.number.value for line in answer.context["rules"]} == {
        "temp_branch_approved": 1,
        "temp_branch_appointed": 1,
        "branch_min_full_members": 1,
        "group_leader": 1,
        "temp_branch_min_full_members": 1,
        "temp_general_branch_size": 1,
        "group_min": 1,
    }
    (left,) = answer.context["units"]
    assert (left.name, [each.value for each in left.counts]) == ("左局", [3, 1, 3, 0])
    said = answer.content.decode()
    assert "《中国共产党支部工作条例(试行)》第四条" in said  # number and content were read
    assert "《中国共产党支部工作条例(试行)》第八条" not in said  # only the content was
    assert "未查到公开条文,只作提示" in said


@pytest.mark.both
def test_every_number_is_that_of_its_list(world: World) -> None:
    grant(world.general)
    client = logged_in(world.top, "viewer")
    for query in ({"unit": "top"}, {"unit": "left"}, {"unit": "left", "campaign": "yiqing"}):
        for each in (found := links(page(client, **query))):
            assert client.get(each.url).context["page_obj"].paginator.count == each.value, each.url
        assert found


@pytest.mark.both
def test_the_campaign_and_the_day_are_kept(world: World) -> None:
    client = logged_in(world.top, "viewer")
    assert counts(page(client, campaign="yiqing")) == {"违规": 0, "提醒": 0, "提示": 1, "例外": 0}
    (hint,) = links(page(client, campaign="yiqing"))[:1]
    assert "campaign=yiqing" in hint.url
    assert "as_of=2020-02-20" in hint.url
    assert counts(page(client, as_of="2020-01-10"))["违规"] == 0  # before anything was founded


def test_where_nothing_is_wrong_the_page_says_so(world: World) -> None:
    client = logged_in(world.right, "viewer")
    assert "2020-02-20 没有发现违规,也没有提醒和提示。" in page(client).content.decode()
    assert "没有发现违规" in client.get(LIST, {"as_of": DAY}).content.decode()


def test_a_list_is_narrowed_by_rule_level_and_exception(world: World) -> None:
    grant(world.general)
    client = logged_in(world.top, "viewer")

    def listed(**query: str) -> list[tuple[str, str]]:
        rows = client.get(LIST, {"as_of": DAY, **query}).context["rows"]
        return [(row.organization.code, row.breach.check.slug) for row in rows]

    assert listed(rule="group_leader") == [("group", "group_leader")]
    assert listed(level="violation", excepted="no") == [
        ("general", "temp_branch_appointed"),
        ("home", "branch_min_full_members"),
    ]
    assert listed(excepted="yes") == [("general", "temp_branch_approved")]
    assert listed(level="warning", unit="right") == []
    assert len(listed(sort="organization")) == len(listed(sort="-rule")) == 7


def test_a_list_asks_as_many_queries_for_three_rows_as_for_one(world: World) -> None:
    client = logged_in(world.top, "viewer")

    def ask() -> None:
        rows = client.get(LIST, {"as_of": DAY, "rule": "temp_branch_approved"}).context["rows"]
        number.append(len(rows))

    number: list[int] = []
    first = queries(ask)
    for at in range(2):
        make_organization(world.right, code=f"more-{at}")
    assert (queries(ask), number) == (first, [1, 3])


def test_a_line_of_the_page_of_a_unit_says_what_is_wrong_and_leads_here(world: World) -> None:
    """It keeps its place while its numbers are asked for: nothing moves under a click."""
    client = logged_in(world.top, "viewer")

    def said(url: str) -> str:
        page = client.get(url, {"as_of": DAY}).content.decode()
        (line,) = re.findall(r'<p class="line[^>]*>\s*<b>规范检查</b>.*?</p>', page, re.DOTALL)
        assert f'href="/compliance/?as_of={DAY}&amp;unit=' in line
        return " ".join(line.split())

    assert 'hx-get="/units/left/compliance/?as_of=' in said("/units/left/")
    assert "查看违规和提醒" in said("/units/left/")
    assert "3 违规 · 1 提醒" in said("/units/left/compliance/")
    assert "没有发现违规和提醒" in said("/units/right/compliance/")
    assert "hx-get" not in said("/units/right/compliance/")


# --- The card of an organization ------------------------------------------------------------------


def card(client: Client, code: str, **query: str) -> Any:
    url = f"/organizations/{code}/compliance/"
    return client.get(url, {"as_of": DAY, **query}, headers={"HX-Request": "true"}).context["panel"]


def test_an_organization_shows_its_own_breaches_and_how_to_mend_them(world: World) -> None:
    (found,) = [
        line
        for line in card(logged_in(world.left, "manager"), "general")["breaches"]
        if line.breach.check.slug == "temp_branch_appointed"
    ]
    assert [way["label"] for way in found.ways] == ["指定书记"]
    assert found.except_url.startswith("/organizations/general/except/?")
    (seen, *_others) = card(logged_in(world.left, "viewer"), "general")["breaches"]
    assert (seen.ways, seen.except_url) == ([], "")
    assert "2020-02-20 没有发现违规" in card(logged_in(world.top, "viewer"), "committee")["nothing_wrong"]


def test_the_page_of_an_organization_asks_for_its_card(world: World) -> None:
    client = logged_in(world.left, "viewer")
    assert (
        'hx-get="/organizations/general/compliance/' in client.get("/organizations/general/").content.decode()
    )
    assert "/compliance/" not in client.get("/organizations/commando/").content.decode().partition("<main")[2]
    alone = client.get("/organizations/general/compliance/", {"as_of": DAY}).content.decode()
    assert "<title>" in alone  # without scripts the link leads to a page of its own
    assert "没有指定书记" in alone


def test_each_rule_has_a_way_to_mend_it() -> None:
    assert {check.slug for check in CHECKS} == WAYS.keys()
    for verb, address, _label in (way for ways in WAYS.values() for way in ways):
        assert nouns.verb(verb).roles
        assert reverse(address, args=["x"])


def test_an_exception_is_counted_apart_and_lapses_on_its_day(world: World) -> None:
    grant(world.general)
    client = logged_in(world.top, "viewer")
    in_force = {"违规": 2, "提醒": 1, "提示": 3, "例外": 1}
    assert counts(page(client, as_of="2020-02-29")) == in_force
    assert counts(page(client, as_of="2020-03-01"))["例外"] == 0
    assert counts(page(client, as_of="2020-03-01"))["违规"] == 3
    (line,) = card(client, "general")["exceptions"]
    assert line.state == "在效"
    (line,) = card(client, "general", as_of="2020-03-01")["exceptions"]
    assert line.state == "已失效"
