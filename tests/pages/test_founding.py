"""Founding at many units in one form, and copying an organization into the register form."""

from __future__ import annotations

import pytest
from django.test import Client

from registry.models import Assignment, AuditEntry, Organization
from tests.factories import assign, make_organization, make_person, make_unit, make_user
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

FOUND = "/units/left/found/"


def build_world() -> World:
    """The world of all tests, with nine checkpoints below the left bureau."""
    made = World()
    made.posts = [
        make_unit(f"post{n}", made.left, name=f"{n}号检查站", kind="checkpoint") for n in range(1, 10)
    ]
    return made


@pytest.fixture
def manager(world: World, client: Client) -> Client:
    client.force_login(make_user("manager", world.left))
    return client


def filled(world: World, **changes) -> dict:
    """A branch with two groups at nine checkpoints."""
    return {
        "units": [post.code for post in world.posts],
        "kind": "branch",
        "pattern": "{单位}临时党支部",
        "established_on": "2020-02-10",
        "approval_number": "左党〔2020〕9号",
        "campaign": "yiqing",
        "parent": "general",
        "groups": "甲班党小组\n\n乙班党小组",
        "group_kind": "group",
        **changes,
    }


def plan(response) -> list[tuple[str, str, str]]:
    """Unit, name and superior of each organization of the preview."""
    return [
        (row.organization.unit.code, row.organization.name, row.organization.parent.name)
        for row in response.context["form"].plan
    ]


def test_a_preview_lists_everything_and_founds_nothing(world: World, manager: Client) -> None:
    before = Organization.objects.count()
    response = manager.post(FOUND, {**filled(world), "check": "1"})
    rows = plan(response)
    assert len(rows) == 27
    assert rows[:4] == [
        ("post1", "1号检查站临时党支部", "左局临时党总支"),
        ("post1", "1号检查站临时党支部甲班党小组", "1号检查站临时党支部"),
        ("post1", "1号检查站临时党支部乙班党小组", "1号检查站临时党支部"),
        ("post2", "2号检查站临时党支部", "左局临时党总支"),
    ]
    assert Organization.objects.count() == before
    # Sent without having seen the preview: it is shown first.
    asked = manager.post(FOUND, filled(world))
    assert asked.context["warnings"] == ["将一次成立 27 个组织,请核对预览后再确认。"]
    assert Organization.objects.count() == before


def test_nine_posts_are_founded_by_one_act(world: World, manager: Client) -> None:
    sent = filled(world)
    mark = manager.post(FOUND, {**sent, "check": "1"}).context["form"].mark
    entries = AuditEntry.objects.count()
    response = manager.post(FOUND, {**sent, "previewed": mark}, follow=True)
    made = Organization.objects.filter(established_on="2020-02-10", unit__code__startswith="post")
    assert made.count() == 27
    assert {(row.state, row.is_temporary, row.approval_number, row.campaign.code) for row in made} == {
        ("submitted", True, "左党〔2020〕9号", "yiqing")
    }
    branch = made.get(name="3号检查站临时党支部")
    assert [each.name for each in branch.get_children()] == [
        "3号检查站临时党支部甲班党小组",
        "3号检查站临时党支部乙班党小组",
    ]
    assert branch.parent == world.general
    assert AuditEntry.objects.count() == entries + 27
    (said,) = response.context["messages"]
    assert "已在 9 个单位成立 27 个组织" in str(said)
    assert f'<a href="/organizations/{branch.code}/">3号检查站临时党支部</a>' in str(said)


def test_what_is_refused_stands_at_its_row_and_nothing_is_founded(world: World, manager: Client) -> None:
    before = Organization.objects.count()
    response = manager.post(FOUND, filled(world, units=["post1", "post2"], parent="post", groups=""))
    form = response.context["form"]
    assert form.errors == {"__all__": ["有 2 个组织不能成立,原因见预览;改正后全部一起成立。"]}
    assert [row.refusals for row in form.plan] == [
        ["党支部不能设在党员先锋岗之下,请换一个上级组织。"],
        ["党支部不能设在党员先锋岗之下,请换一个上级组织。"],
    ]
    assert Organization.objects.count() == before


def test_names_that_are_there_are_warned_of_at_their_row(world: World, manager: Client) -> None:
    make_organization(world.posts[1], name="2号检查站临时党支部", code="there")
    response = manager.post(FOUND, {**filled(world, units=["post1", "post2"], groups=""), "check": "1"})
    assert [len(row.warnings) for row in response.context["form"].plan] == [0, 1]
    assert "已有同名组织" in response.context["form"].plan[1].warnings[0]


def test_names_and_superiors_when_nothing_is_said(world: World, manager: Client) -> None:
    sent = filled(world, units=["post1", "station"], pattern="", parent="", groups="")
    assert plan(manager.post(FOUND, {**sent, "check": "1"})) == [
        ("station", "左派出所临时党支部", "左局临时党总支"),
        ("post1", "1号检查站临时党支部", "左局临时党总支"),
    ]
    named = manager.post(FOUND, filled(world, pattern="卡口临时党支部"))
    assert named.context["form"].errors == {"pattern": ["多个单位不能同名,请在名称中写上{单位}。"]}


def test_units_outside_cannot_be_ticked_and_a_clerk_submits(world: World, client: Client) -> None:
    client.force_login(make_user("clerk", world.left, "clerk"))
    response = client.post(FOUND, filled(world, units=["post1", "right"]))
    assert list(response.context["form"].errors) == ["units"]
    sent = filled(world, units=["post1"], groups="")
    mark = client.post(FOUND, {**sent, "check": "1"}).context["form"].mark
    client.post(FOUND, {**sent, "previewed": mark})
    assert Organization.objects.get(name="1号检查站临时党支部").state == "submitted"


def test_units_are_found_by_typing_and_stay_ticked(world: World, manager: Client) -> None:
    response = manager.post(FOUND, {"check": "1", "unit_q": "派出所", "units": ["post9"]})
    assert [unit.code for unit in response.context["form"].listed_units] == ["post9", "station"]
    page = " ".join(response.content.decode().split())
    assert 'name="units" value="post9" checked>' in page
    assert 'name="units" value="station" >' in page


# --- Copying --------------------------------------------------------------------------------------


def test_a_copy_begins_with_what_the_organization_is(world: World, manager: Client) -> None:
    answer = manager.post("/organizations/branch/copy/", {"unit": "post1", "with_members": "on"})
    assert answer.url == "/units/post1/register/?copy=branch&members=1"
    form = manager.get(answer.url, {"as_of": "2020-02-20", "copy": "branch", "members": "1"}).context["form"]
    assert form["kind"].value() == "branch"
    assert form["name"].value() == "1号检查站临时党支部"
    assert form["campaign"].value() == "yiqing"
    assert form["parent"].value() == world.general
    assert [(person.name, role) for person, role in form["members"].value()] == [
        ("赵一", "secretary"),
        ("钱二", "member"),
    ]


def test_a_copy_takes_the_next_number_where_the_name_is_taken(world: World, manager: Client) -> None:
    for name in ("1号检查站临时党支部", "1号检查站第二临时党支部"):
        source = make_organization(world.posts[0], name=name)
    form = manager.get(f"/units/post1/register/?copy={source.code}").context["form"]
    assert form["name"].value() == "1号检查站第三临时党支部"


def test_a_copy_without_members_at_the_same_unit(world: World, manager: Client) -> None:
    answer = manager.post("/organizations/commando/copy/", {"unit": "left"})
    assert answer.url == "/units/left/register/?copy=commando"
    form = manager.get(answer.url).context["form"]
    assert (form["kind"].value(), form["name"].value()) == ("commando_team", "左突击队")
    assert form["members"].value() is None


def test_a_copy_is_registered_with_its_members_guests_too(world: World, manager: Client) -> None:
    guest = make_person("客", world.right)
    assign(world.branch, guest)
    page = manager.get("/units/left/register/?copy=branch&members=1&as_of=2020-02-20")
    form = page.context["form"]
    members = [(person.key, role) for person, role in form["members"].value()]
    sent = {
        "kind": "branch", "name": "左局第二临时党支部", "established_on": "2020-02-20", "parent": "general",
        "members": [key for key, _ in members], "members_role": [role for _, role in members],
    }  # fmt: skip
    warned = manager.post("/units/left/register/?copy=branch", sent)
    manager.post("/units/left/register/", {**sent, "confirmed": warned.context["confirmed"]})
    copied = Assignment.objects.filter(organization__name="左局第二临时党支部")
    assert sorted(copied.values_list("person__name", "role")) == [
        ("客", "member"),
        ("赵一", "secretary"),
        ("钱二", "member"),
    ]


def test_what_is_out_of_scope_is_not_copied(world: World, manager: Client) -> None:
    assert manager.get("/organizations/pioneers/copy/").status_code == 404
    assert manager.get("/units/left/register/?copy=pioneers").status_code == 404


def test_stations_of_one_name_say_which_unit_they_are_below(world: World, manager: Client) -> None:
    for code, superior in (("north", world.left), ("south", world.left)):
        area = make_unit(code, superior, name=f"{code}分局")
        make_unit(f"{code}-gate", area, name="城关派出所", kind="station")
    page = " ".join(manager.get(FOUND, {}).content.decode().split())
    assert page.count('城关派出所 <small class="quiet"> north分局 · ') == 1
    assert page.count('城关派出所 <small class="quiet"> south分局 · ') == 1
