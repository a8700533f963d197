"""The list of people, its drill-down, and a person's page."""

from __future__ import annotations

import html
import re
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.counting.basis import Question
from registry.counting.metrics import PEOPLE_METRICS
from registry.counting.rollup import count_place, rollup
from registry.models import Basis
from registry.operations import assignments, organizations, people, units
from registry.pages.people.assignments import AssignmentTable
from registry.pages.people.tables import PeopleTable
from tests.factories import (
    ACTOR,
    assign,
    make_organization,
    make_person,
    make_unit,
    make_user,
)
from tests.lists import rows_of

pytestmark = [pytest.mark.look, pytest.mark.django_db]

LIST = "/people/"
AS_OF = {"as_of": "2020-02-20"}


def listed(client: Client, url: str, **query: str) -> list[str]:
    """Return the numbers of the people on a page."""
    response = client.get(url, query)
    assert response.status_code == 200
    assert response.context["page_obj"].paginator.count == len(response.context["rows"])
    return [row.person.number for row in response.context["rows"]]


def test_lists_the_people_of_the_scope_with_status_of_the_day_and_placements(client, world):
    client.force_login(make_user(unit=world.top))
    response = client.get(LIST, {"as_of": "2020-02-11"})
    page = response.content.decode()
    rows = {row.person.name: row for row in response.context["rows"]}
    assert rows["孙三"].status == "入党积极分子"
    assert {placed.organization.name for placed in rows["赵一"].placed} == {
        "左局临时党支部",
        "=先锋岗",
        "左突击队",
    }
    assert reverse("person", args=[world.full.number]) + "?as_of=2020-02-11" in page
    later = client.get(LIST, {"as_of": "2020-03-01"})
    rows = {row.person.name: row for row in later.context["rows"]}
    assert rows["孙三"].status == "预备党员"
    assert not rows["李四"].placed


def test_filters_narrow_and_come_back_as_chips(client, world):
    client.force_login(make_user(unit=world.top))
    assert listed(client, LIST, unit="left") == [world.auxiliary.number, world.full.number]
    assert listed(client, LIST, unit="left", own="1") == [world.full.number]
    assert listed(client, LIST, category="auxiliary") == [world.auxiliary.number]
    assert listed(client, LIST, status="activist", as_of="2020-02-11") == [world.rising.number]
    assert listed(client, LIST, status="activist", as_of="2020-03-01") == []
    assert listed(client, LIST, q="赵") == [world.full.number]
    assert listed(client, LIST, q=world.idle.number) == [world.idle.number]
    assert listed(client, LIST, assigned="no", **AS_OF) == [world.idle.number]
    assert world.idle.number not in listed(client, LIST, assigned="yes", **AS_OF)
    response = client.get(LIST, {"unit": "left", "category": "auxiliary", **AS_OF})
    labels = [chip["label"] for chip in response.context["chips"]]
    assert labels == ["所属单位:左公安局", "人员类别:辅警"]
    assert response.context["chips"][0]["remove_url"] == "/people/?category=auxiliary&as_of=2020-02-20"
    assert "左公安局" in response.content.decode()


def test_typed_unit_without_scripts_and_unknown_choices(client, world):
    client.force_login(make_user(unit=world.top))
    assert listed(client, LIST, unit_text="左公安局") == [world.auxiliary.number, world.full.number]
    assert len(listed(client, LIST, category="nonsense", status="x", assigned="y", sort="z")) == 4
    for query in (
        {"unit_text": "没有这个"},
        {"unit": "nowhere"},
        {"metric": "nonsense"},
        {"metric": "pioneer_posts"},
        {"party_line": "nothing"},
        {"unit": "a\x00b"},
    ):
        assert client.get(LIST, query).status_code == 404
    assert client.get(LIST, {"q": "a\x00b"}).status_code == 200


@pytest.mark.both
@pytest.mark.parametrize("sort", ["name", "number", "category", "status", "unit", "branch"])
def test_sorts_both_ways(client, world, sort):
    client.force_login(make_user(unit=world.top))
    up, down = listed(client, LIST, sort=sort), listed(client, LIST, sort=f"-{sort}")
    assert len(up) == 4
    assert up == down[::-1]


@pytest.mark.parametrize("basis", Basis.values)
@pytest.mark.parametrize("day", [date(2020, 2, 12), date(2020, 2, 15)])
def test_the_list_is_as_long_as_the_number(world, basis, day):
    viewer = make_user(unit=world.top)
    since = date(2020, 2, 10) if basis in ("new", "ended") else None
    for campaign in (None, world.campaign):
        question = Question(day, basis, since, campaign)
        asked = {"as_of": day.isoformat(), "basis": basis}
        asked |= {"since": since.isoformat()} if since else {}
        asked |= {"campaign": campaign.code} if campaign else {}
        line = {"party_line": world.branch.code}
        numbers = [(line, count_place(world.branch, question).counts)]
        for unit in (world.top, world.left):
            counted = rollup(unit, question, children=False)
            numbers.append(({"unit": unit.code}, counted.total.counts))
            numbers.append(({"unit": unit.code, "own": "1"}, counted.own.counts))
        for place, counts in numbers:
            for metric in PEOPLE_METRICS:
                table = PeopleTable if metric.distinct else AssignmentTable
                rows = rows_of(table, viewer, **asked, **place, metric=metric.slug)
                assert len(rows) == counts[metric.slug]


def test_a_drill_down_says_where_the_unit_is_meant_and_keeps_the_question(client, world):
    client.force_login(make_user(unit=world.top))
    response = client.get(LIST, {"unit": "right", "metric": "frontline_people", "as_of": "2020-02-11"})
    page = response.content.decode()
    assert "编入的组织当日所在的单位" in page
    assert [chip["label"] for chip in response.context["chips"]] == ["指标:一线人员", "编入单位:右公安局"]
    assert '<input type="hidden" name="metric" value="frontline_people">' in page


def test_earlier_days_keep_the_hierarchy_of_the_day(client, world):
    client.force_login(make_user(unit=world.top))
    query = {"unit": "left", "metric": "frontline_people", "as_of": "2020-02-11"}
    at_the_station = make_person("周五", world.station)
    assign(world.group, at_the_station)
    before = listed(client, LIST, **query)
    assert at_the_station.number in before
    units.move_unit(
        actor=ACTOR, unit=world.station, superior=world.right, on=date(2020, 2, 18), reason="测试"
    )
    assert listed(client, LIST, **query) == before
    query["as_of"] = "2020-02-18"
    assert listed(client, LIST, **query) == ["001002", "001003", "001001"]


def test_totals_are_those_of_the_whole_list(client, world):
    client.force_login(make_user(unit=world.top))
    totals = client.get(LIST, AS_OF).context["totals"]
    assert [(key, number) for key, _label, number in totals["category"]] == [("officer", 3), ("auxiliary", 1)]
    assert [(key, number) for key, _label, number in totals["status"]] == [
        ("full_member", 2),
        ("activist", 1),
        ("masses", 1),
    ]


def test_the_line_of_totals_names_each_category_and_status(client, world):
    client.force_login(make_user(unit=world.top))
    page = client.get(LIST, AS_OF).content.decode()
    line = page[page.index("按类别:") : page.index("</footer>")]
    said = re.findall(r"(\w+)\s*<a class=\"count\" href=\"([^\"]+)\">(\d+)</a>", line)
    assert [(label, number) for label, _url, number in said] == [
        ("民警", "3"),
        ("辅警", "1"),
        ("正式党员", "2"),
        ("入党积极分子", "1"),
        ("群众", "1"),
    ]
    for label, url, number in said:
        rows = client.get(html.unescape(f"{LIST}{url}")).context["page_obj"].paginator.count
        assert rows == int(number), label


def test_pages_keep_the_filter(client, world):
    for number in range(60):
        make_person(f"人{number}", world.left)
    client.force_login(make_user(unit=world.top))
    response = client.get(LIST, {"unit": "left", "page": "2"})
    assert len(response.context["rows"]) == 12
    assert "unit=left" in response.content.decode()


def test_out_of_scope_people_are_not_there(client, world):
    assign(world.pioneers, world.full, started_on=date(2020, 2, 10))
    client.force_login(make_user(unit=world.right))
    numbers = listed(client, LIST)
    # The team stands at the right bureau, so its member of the left bureau is seen; others are not.
    assert numbers == [world.idle.number, world.rising.number, world.full.number]
    assert client.get(LIST, {"unit": "left"}).status_code == 404
    assert client.get(LIST, {"unit": "left", "metric": "frontline_people"}).status_code == 404
    assert client.get(LIST, {"party_line": world.branch.code}).status_code == 404
    assert client.get(reverse("person", args=[world.auxiliary.number])).status_code == 404
    page = client.get(LIST, AS_OF).content.decode()
    assert "钱二" not in page
    assert f'href="{reverse("organization", args=[world.branch.code])}' not in page
    assert client.get("/assignments/", {"unit": "left"}).status_code == 404


def test_nobody_without_a_grant_sees_anybody(client, world):
    client.force_login(make_user())
    assert listed(client, LIST) == []
    assert client.get(reverse("person", args=[world.full.number])).status_code == 404


@pytest.mark.parametrize("extra", [{}, {"unit": "top", "metric": "frontline_people"}])
def test_the_list_asks_as_much_of_the_database_for_one_row_as_for_three(client, extra):
    top = make_unit("top")
    branch = make_organization(top)
    assign(branch, make_person("甲", top))
    client.force_login(make_user(unit=top))
    client.get(LIST, AS_OF | extra)
    with CaptureQueriesContext(connection) as one:
        assert len(client.get(LIST, AS_OF | extra).context["rows"]) == 1
    for name in ("乙", "丙"):
        other = make_organization(make_unit(superior=top), kind="pioneer_post")
        person = make_person(name, other.unit)
        assign(other, person)
        assign(branch, person)
    with CaptureQueriesContext(connection) as three:
        assert len(client.get(LIST, AS_OF | extra).context["rows"]) == 3
    assert len(three) == len(one)


def test_a_person_shows_formal_membership_beside_placements(client, world):
    standing = make_organization(world.left, is_temporary=False, name="左局机关党支部")
    people.transfer_person(
        actor=ACTOR,
        person=world.rising,
        home_unit=world.right,
        home_branch=standing,
        on=date(2020, 2, 1),
        reason="调动",
    )
    client.force_login(make_user(unit=world.top))
    for row in world.rising.assignments.all():
        assignments.end_assignment(actor=ACTOR, assignment=row, on=date(2020, 2, 15))
    assign(world.group, world.rising, started_on=date(2020, 2, 15))
    response = client.get(reverse("person", args=[world.rising.number]), {"as_of": "2020-02-14"})
    page = response.content.decode()
    assert "左局机关党支部" in page
    assert [placed.organization.pk for placed in response.context["now"]] == [
        world.commando.pk,
        world.pioneers.pk,
    ]
    assert [placed.organization.pk for placed in response.context["other"]] == [world.group.pk]
    assert [period.status for period in response.context["statuses"]] == ["activist", "probationary_member"]
    said = [(event.what, set(event.changes)) for event in response.context["events"]]
    assert ("变更政治面貌", {"政治面貌:入党积极分子 → 预备党员", "入党日期:空 → 2020-03-01"}) in said
    assert any(what == "调整所属单位和组织关系" for what, _changes in said)
    assert any(what == "编入:左突击队" for what, _changes in said)
    after = client.get(reverse("person", args=[world.rising.number]), AS_OF)
    assert [placed.organization.pk for placed in after.context["now"]] == [world.group.pk]


def test_the_buttons_of_a_person_follow_the_rights(client, world):
    assign(world.pioneers, world.full, started_on=date(2020, 2, 10))
    url = reverse("person", args=[world.full.key])
    for unit, role, expected in (
        (world.left, "clerk", ["办理", "修改资料", "变更政治面貌", "调整组织关系", "编入组织"]),
        (world.left, "viewer", []),
        (world.right, "clerk", ["编入组织"]),
    ):
        client.force_login(make_user(unit=unit, role=role))
        response = client.get(url, AS_OF)
        assert [action["label"] for action in response.context["actions"]] == expected
    # Seen from the right bureau because of the team there: the home unit is named, not linked.
    page = response.content.decode()
    assert "左公安局" in page
    assert f'href="{reverse("unit", args=["left"])}' not in page
    # Only the placement at the right bureau can be changed from there.
    assert response.context["may_change"] == {
        placed.assignment.pk
        for placed in response.context["now"]
        if placed.organization.pk == world.pioneers.pk
    }


def test_a_person_page_asks_as_much_of_the_database_for_one_placement_as_for_three(client, world):
    person = make_person("周五", world.left)
    assign(world.branch, person)
    client.force_login(make_user(unit=world.top))
    url = reverse("person", args=[person.number])
    client.get(url, AS_OF)
    with CaptureQueriesContext(connection) as one:
        client.get(url, AS_OF)
    assign(world.group, person)
    assign(world.commando, person)
    with CaptureQueriesContext(connection) as three:
        assert len(client.get(url, AS_OF).context["now"]) == 3
    assert len(three) == len(one)


def test_what_is_unapproved_is_labelled(client, world):
    draft = make_organization(world.left, name="未批支部", state="draft")
    assign(draft, world.idle)
    client.force_login(make_user(unit=world.top))
    page = client.get(LIST, {**AS_OF, "q": "李四"}).content.decode()
    assert "未批支部" in page
    assert "待审批" in page
    organizations.withdraw_organization(actor=ACTOR, organization=draft, reason="误录")
    response = client.get(reverse("person", args=[world.idle.number]), AS_OF)
    assert not response.context["now"]


def test_only_reading(client, world):
    client.force_login(make_user(unit=world.top))
    assert client.post(LIST).status_code == 405
    assert client.post(reverse("person", args=[world.full.number])).status_code == 405
