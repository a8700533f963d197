"""The history on the pages: an act is one line, with what it did alike once, and older ones are folded."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from registry.models import AuditEntry
from registry.operations import assignments, units
from registry.web import history
from tests.asking import queries_again
from tests.factories import ACTOR, DAY, assign, logged_in, make_people, place_newcomers
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]


def page(world: World, role: str = "manager") -> Any:
    return logged_in(world.top, role).get(reverse("organization", args=["branch"]))


def said(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_many_placed_by_one_act_are_one_line_that_opens_their_names(world: World) -> None:
    place_newcomers(world.branch, 12)
    response = page(world)
    event = response.context["events"][0]
    assert event.what == "编入 12 人"
    assert event.changes == ("职责:成员", "编入日期:2020-02-01")
    (part,) = event.parts
    assert [each.what for each in part.events] == [f"新{at:02}" for at in range(12)]
    assert {each.changes for each in part.events} == {()}
    assert "<summary>逐个列出</summary>" in said(response)
    assert event.undo_url
    assert event.undo_word == "撤回这次操作"


def test_what_differs_stands_beside_its_name(world: World) -> None:
    one, other = make_people(2, world.left)
    assignments.assign_people(
        actor=ACTOR,
        organization=world.commando,
        members=[(one, "deputy_leader"), (other, "member")],
        started_on=DAY,
    )
    response = logged_in(world.top).get(reverse("organization", args=["commando"]))
    event = response.context["events"][0]
    assert (event.what, event.changes) == ("编入 2 人", ("编入日期:2020-02-01",))
    assert [(each.what, each.changes) for each in event.parts[0].events] == [
        ("新00", ("职责:副职负责人",)),
        ("新01", ("职责:成员",)),
    ]


def test_an_act_with_several_verbs_is_one_line(world: World) -> None:
    """A new secretary relieves the old one: the change of role and the placement are one act."""
    (new,) = make_people(1, world.left)
    old = world.branch.assignments.get(role="secretary")
    assignments.assign_people(
        actor=ACTOR,
        organization=world.branch,
        members=[(new, "secretary")],
        relieve=[old],
        started_on=DAY.replace(day=20),
    )
    event = page(world).context["events"][0]
    assert event.what == "调整职责:赵一"
    assert [(part.what, [each.what for each in part.events]) for part in event.parts] == [("", ["编入:新00"])]


def test_more_than_can_be_listed_is_counted_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_ALIKE", 5)
    place_newcomers(world.branch, 12)
    response = page(world)
    event = response.context["events"][0]
    assert event.what == "编入 12 人"
    assert (len(event.parts[0].events), event.parts[0].more) == (5, 7)
    assert "另有 7 条" in said(response)


@pytest.mark.parametrize("kept", [10, 60])
def test_beyond_eight_acts_the_older_ones_are_folded(
    world: World, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "LIMIT", kept)
    for at in range(11):
        units.edit_unit(actor=ACTOR, unit=world.station, changes={"note": f"备注{at}"})
    response = logged_in(world.top).get(reverse("unit", args=["station"]))
    first, _summary, rest = said(response).partition("<summary>更早的")
    assert ("备注10" in first, "→ 备注3" in first, "→ 备注2" in first) == (True, True, False)
    assert rest.startswith(f" {min(kept, 12) - 8} 条</summary>")
    assert ("本页只列最近 10 次操作" in rest) == (kept == 10)


def test_few_acts_are_not_folded(world: World) -> None:
    assert "更早的" not in said(page(world))


def test_as_many_queries_for_many_parts_as_for_few(world: World) -> None:
    client, url = logged_in(world.top), reverse("organization", args=["branch"])
    place_newcomers(world.branch, 2)
    few = queries_again(lambda: client.get(url))
    place_newcomers(world.branch, 9)
    assert queries_again(lambda: client.get(url)) == few


def test_who_changed_it_is_one_click_away(world: World) -> None:
    """From the page of a unit, an organization or a person to all that is recorded of it."""
    assign(world.branch, *make_people(1, world.left))
    client = logged_in(world.top, "auditor")
    for row in (world.left, world.branch, world.full):
        response = client.get(row.get_absolute_url())
        assert response.context["events"][0].entry.actor == "测试"  # the newest stand there at once
        record = client.get(response.context["record_url"])
        assert f'href="{response.context["record_url"]}"' in response.content.decode().replace("&amp;", "&")
        assert {each.event.entry.actor for each in record.context["rows"]} == {"测试"}


def test_an_edit_with_parts_is_taken_back_as_an_act_in_the_record_as_on_its_page(world: World) -> None:
    """An edit of several rows is not set back field by field."""
    people = make_people(2, world.left)
    placed = [assign(world.branch, person) for person in people]
    assignments.edit_assignments(
        actor=ACTOR, changes=[(row, {"document_number": "左任2号"}) for row in placed], reason="补文号"
    )
    head = AuditEntry.objects.filter(verb="edit_assignment", part_of=None).get()
    client = logged_in(world.top)
    on_page = client.get(reverse("organization", args=["branch"])).context["events"][0]
    in_record = next(
        row for row in client.get(reverse("record")).context["rows"] if row.event.entry.pk == head.pk
    )
    assert on_page.entry.pk == head.pk
    assert on_page.undo_word == in_record.event.undo_word == "撤回这次操作"
