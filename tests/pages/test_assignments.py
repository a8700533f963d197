"""The list of assignments: the rows behind a number of person-times."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.operations import assignments, organizations
from tests.factories import ACTOR, assign, make_organization, make_person, make_unit, make_user

pytestmark = [pytest.mark.look, pytest.mark.django_db]

LIST = "/assignments/"
AS_OF = {"as_of": "2020-02-20"}


@pytest.fixture
def top():
    return make_unit("top")


def listed(client, **query):
    response = client.get(LIST, {**AS_OF, **query})
    assert response.status_code == 200
    return [
        (row.assignment.person.name, row.assignment.get_role_display()) for row in response.context["rows"]
    ]


def test_one_person_in_two_organizations_is_two_person_times(client, top):
    branch, team = make_organization(top), make_organization(top, kind="commando_team")
    person = make_person("赵一", top)
    assign(branch, person, role="secretary", document_number="党发1号")
    assign(team, person)
    client.force_login(make_user(unit=top))
    assert sorted(listed(client)) == [("赵一", "书记"), ("赵一", "成员")]
    assert listed(client, metric="team_members") == [("赵一", "成员")]
    assert listed(client, role="secretary") == [("赵一", "书记")]
    assert listed(client, q="没有") == []
    assert len(listed(client, q=person.number)) == 2
    response = client.get(LIST, {**AS_OF, "unit": "top"})
    assert response.context["people"] == 1
    assert "党发1号" in response.content.decode()
    assert response.context["chips"][0]["label"] == "编入单位:top公安局"


def test_standing_organizations_and_withdrawn_rows_are_not_frontline(client, top):
    standing = make_organization(top, is_temporary=False)
    person = make_person("赵一", top)
    assign(standing, person)
    mistake = assign(make_organization(top), person)
    assignments.withdraw_assignment(actor=ACTOR, assignment=mistake, reason="误录")
    client.force_login(make_user(unit=top))
    assert listed(client) == []
    assert "没有编入记录" in client.get(LIST, AS_OF).content.decode()


def test_the_unit_is_that_of_the_day(client, top):
    left, right = make_unit("left", top), make_unit("right", top)
    branch = make_organization(left)
    assign(branch, make_person("赵一", left))
    organizations.transfer_organization(
        actor=ACTOR, organization=branch, unit=right, on=date(2020, 2, 10), reason="测试"
    )
    client.force_login(make_user(unit=top))
    for day, code in (("2020-02-09", "left"), ("2020-02-10", "right")):
        rows = client.get(LIST, {"as_of": day}).context["rows"]
        assert [row.unit.code for row in rows] == [code]
        assert listed(client, as_of=day, unit=code)
    # Seen today from the left bureau alone: the day's row is there, what is elsewhere now is not linked.
    client.force_login(make_user(unit=left))
    (row,) = client.get(LIST, {"as_of": "2020-02-09"}).context["rows"]
    assert row.organization_url == ""
    assert listed(client, as_of="2020-02-10") == []


@pytest.mark.both
@pytest.mark.parametrize("sort", ["person", "number", "organization", "unit", "role", "started", "ended"])
def test_sorts_both_ways(client, top, sort):
    branch = make_organization(top)
    for name, role, day in (("甲", "member", 3), ("乙", "secretary", 2), ("丙", "deputy_secretary", 4)):
        assign(branch, make_person(name, top), role=role, started_on=date(2020, 2, day))
    client.force_login(make_user(unit=top))
    up, down = listed(client, sort=sort), listed(client, sort=f"-{sort}")
    assert len(up) == 3
    assert up == down[::-1]
    if sort == "role":
        assert [role for _name, role in up] == ["书记", "副书记", "成员"]


def test_out_of_scope_is_not_there(client, top):
    left, right = make_unit("left", top), make_unit("right", top)
    assign(make_organization(left), make_person("赵一", left))
    client.force_login(make_user(unit=right))
    assert listed(client) == []
    assert client.get(LIST, {"unit": "left"}).status_code == 404
    client.force_login(make_user())
    assert listed(client) == []


def test_as_many_queries_for_one_row_as_for_three(client, top):
    assign(make_organization(top), make_person("甲", top))
    client.force_login(make_user(unit=top))
    client.get(LIST, AS_OF)
    with CaptureQueriesContext(connection) as one:
        assert len(listed(client)) == 1
    for name in ("乙", "丙"):
        unit = make_unit(superior=top)
        assign(make_organization(unit), make_person(name, unit))
    with CaptureQueriesContext(connection) as three:
        assert len(listed(client)) == 3
    assert len(three) == len(one)


# Correcting one


@pytest.fixture
def clerk(client, top):
    client.force_login(make_user("clerk", unit=top, role="clerk"))
    return client


def said(response):
    return " ".join(str(message) for message in response.context["messages"])


def test_the_day_is_corrected_for_all_who_began_on_it(clerk, top):
    branch = make_organization(top, name="支部")
    first, *others = [assign(branch, make_person(name, top)) for name in "甲乙丙"]
    late = assign(branch, make_person("丁", top), started_on=date(2020, 2, 3))
    url = f"/assignments/{first.pk}/edit/"
    form = clerk.get(url).context["form"]
    assert form.fields["everyone"].label == "同日编入的其他 2 人也一并更正"
    assert set(form.fields["also"].queryset) == set(others)
    assert "ended_on" not in form.fields
    sent = {"started_on": "2020-02-02", "version": "1", "everyone": "on"}
    assert list(clerk.post(url, sent).context["form"].errors) == ["reason"]
    response = clerk.post(url, {**sent, "reason": "笔误"}, follow=True)
    assert "已更正 甲等 3 人在 支部 的编入,编入日期为 2020-02-02。" in said(response)
    for row in (first, *others, late):
        row.refresh_from_db()
    assert [row.started_on.day for row in (first, *others, late)] == [2, 2, 2, 3]


def test_a_correction_is_set_back_from_the_page(clerk, top):
    branch = make_organization(top, name="支部")
    first, other = [assign(branch, make_person(name, top)) for name in "甲乙"]
    url = f"/assignments/{first.pk}/edit/"
    clerk.post(url, {"started_on": "2020-02-02", "version": "1", "also": [other.pk], "reason": "笔误"})
    page = clerk.get(branch.get_absolute_url())
    undo = next(event.undo_url for event in page.context["events"] if event.entry.object_id == first.pk)
    assert "甲 · 支部" in clerk.get(undo).content.decode()
    response = clerk.post(undo, {"reason": "没有错"}, follow=True)
    assert "已撤回“更正编入”:恢复编入 2 人次。" in said(response)
    first.refresh_from_db()
    other.refresh_from_db()
    assert (first.started_on.day, other.started_on.day) == (1, 1)
