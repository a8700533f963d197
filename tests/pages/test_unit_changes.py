"""What is done with units through the pages: add, edit, move, merge, close."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from registry.models import AuditEntry, Grant, Organization, Person, Unit, User
from registry.operations import units
from tests.factories import ACTOR, make_person, make_unit, make_user
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

ACTIONS = ("add", "edit", "move", "merge", "close")


@pytest.fixture
def login(client: Client):
    def as_role(unit: Unit, role: str = "manager") -> Client:
        client.force_login(make_user(unit=unit, role=role))
        return client

    return as_role


def errors(response) -> dict[str, list[str]]:
    assert response.status_code == 200
    return {field: list(said) for field, said in response.context["form"].errors.items()}


def said(client: Client) -> str:
    return " ".join(str(message) for message in client.get("/organizations/").context["messages"])


def everything() -> list:
    return [
        list(Unit.objects.order_by("pk").values()),
        AuditEntry.objects.count(),
        list(Organization.objects.order_by("pk").values_list("unit_id", flat=True)),
    ]


def test_add_below(world: World, login) -> None:
    client = login(world.left)
    data = {"name": "新派出所", "code": "xin-pcs", "kind": "station", "region_code": "371402"}
    response = client.post("/units/left/add/?as_of=2020-02-20", data)
    made = Unit.objects.get(code="xin-pcs")
    assert response.url == "/units/xin-pcs/?as_of=2020-02-20"
    assert (made.parent, made.kind, made.region_code) == (world.left, "station", "371402")
    assert "已在左局下增设“新派出所”" in said(client)


def test_a_unit_needs_no_code(world: World, login) -> None:
    login(world.top).post("/units/right/add/", {"name": "新派出所", "kind": "station"})
    assert Unit.objects.get(name="新派出所").code == "xinpaichusuo"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "left"}, "code"),
        ({"code": "Bad Code"}, "code"),
        ({"name": ""}, "name"),
        ({"kind": "castle"}, "kind"),
        ({"region_code": "37x"}, "region_code"),
        ({"opened_on": "2999-01-01"}, "opened_on"),
    ],
)
def test_add_says_what_is_wrong(world: World, login, changes, field) -> None:
    before = everything()
    data = {"name": "新派出所", "code": "xin-pcs", "kind": "station", "note": "我的备注", **changes}
    response = login(world.left).post("/units/left/add/", data)
    assert field in errors(response)
    assert "我的备注" in response.content.decode()
    assert everything() == before


def test_edit_and_the_second_of_two_edits(world: World, login) -> None:
    client = login(world.left)
    form = client.get("/units/left/edit/").context["form"]
    data = {
        "version": form["version"].value(),
        "name": "左城分局",
        "kind": "sub_bureau",
        "short_name": "左城",
    }
    assert client.post("/units/left/edit/", data).url == "/units/left/"
    row = Unit.objects.get(code="left")
    assert (row.name, row.short_name, row.kind) == ("左城分局", "左城", "sub_bureau")
    units.edit_unit(actor=ACTOR, unit=row, changes={"name": "他人的名"})
    response = client.post("/units/left/edit/", {**data, "name": "我的名", "version": row.version})
    text = errors(response)["__all__"][0]
    assert "他人的名" in text
    assert "我的名" in text
    assert Unit.objects.get(code="left").name == "他人的名"
    again = {**data, "name": "我的名", "version": response.context["form"]["version"].value()}
    assert client.post("/units/left/edit/", again).status_code == 302
    assert Unit.objects.get(code="left").name == "我的名"


def test_move(world: World, login) -> None:
    client = login(world.top)
    data = {"superior": "right", "on": "2020-03-01", "reason": "机构调整"}
    assert client.post("/units/station/move/", data).status_code == 302
    assert Unit.objects.get(code="station").parent == world.right
    assert "自 2020-03-01 起划归右公安局" in said(client)
    response = client.post("/units/left/move/", {"superior": "left", "on": "2020-03-01", "reason": "调整"})
    assert "superior" in errors(response)
    assert "reason" in errors(client.post("/units/station/move/", {"superior": "left", "on": "2020-03-01"}))
    response = client.post(
        "/units/right/move/", {"superior": "station", "on": "2020-03-02", "reason": "调整"}
    )
    assert "superior" in errors(response)
    assert "on" in errors(
        client.post("/units/station/move/", {"superior": "left", "on": "2020-02-01", "reason": "调整"})
    )


def test_move_and_merge_need_management_at_both(world: World, login) -> None:
    client = login(world.left)
    user = User.objects.get(pk=client.session["_auth_user_id"])
    before = everything()
    for role in (None, "viewer", "clerk", "approver"):
        if role:
            Grant.objects.create(user=user, unit=world.right, role=role, started_on=date(2020, 1, 1))
        moved = client.post(
            "/units/station/move/", {"superior": "right", "on": "2020-03-01", "reason": "调整"}
        )
        assert set(errors(moved)) == {"superior"}
        merged = client.post("/units/station/merge/", {"into": "right", "on": "2020-03-01", "reason": "并"})
        assert set(errors(merged)) == {"into"}
        assert role or "右公安局" not in moved.content.decode()
    assert everything() == before


def test_merging_says_how_much_goes_over(world: World, login) -> None:
    client = login(world.top)
    page = client.get("/units/left/merge/?as_of=2020-03-01")
    text = page.content.decode()
    assert "下级单位 1 个、未撤销的组织 4 个、人员 1 名" in text
    data = {
        "into": "right",
        "on": "2020-03-01",
        "reason": "合并",
        "planned": page.context["form"]["planned"].value(),
    }
    assert client.post("/units/left/merge/?as_of=2020-03-01", data).status_code == 302
    left = Unit.objects.get(code="left")
    assert (left.closed_on, left.merged_into) == (date(2020, 3, 1), world.right)
    assert Unit.objects.get(code="station").parent == world.right
    assert Organization.objects.get(pk=world.branch.pk).unit == world.right
    assert Person.objects.get(pk=world.full.pk).home_unit == world.right


def test_merging_asks_again_when_something_else_would_go_over(world: World, login) -> None:
    client = login(world.top)
    url = "/units/left/merge/?as_of=2020-03-01"
    planned = client.get(url).context["form"]["planned"].value()
    make_person("钱二", world.left)
    data = {"into": "right", "on": "2020-03-01", "reason": "合并", "planned": planned}
    response = client.post(url, data)
    assert "人员 2 名" in response.context["warnings"][0]
    assert Unit.objects.get(code="left").closed_on is None
    assert client.post(url, {**data, "confirmed": response.context["confirmed"]}).status_code == 302


def test_close_only_what_is_empty(world: World, login) -> None:
    make_unit("empty", world.left, kind="station")
    client = login(world.top)
    response = client.post("/units/left/close/", {"on": "2020-03-01", "reason": "撤"})
    assert "2 个下级单位" in errors(response)["__all__"][0]
    assert "reason" in errors(client.post("/units/empty/close/", {"on": "2020-03-01"}))
    assert client.post("/units/empty/close/", {"on": "2020-03-01", "reason": "撤"}).status_code == 302
    assert Unit.objects.get(code="empty").closed_on == date(2020, 3, 1)


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_is_not_found_elsewhere_and_refused_to_other_roles(world: World, login, action) -> None:
    elsewhere = make_unit("elsewhere", name="别处公安局")
    before = everything()
    data = {"name": "x", "code": "x", "kind": "station", "superior": "right", "into": "right"}
    data |= {"on": "2020-03-01", "reason": "x"}
    for unit, role in (
        (world.right, "manager"),
        (elsewhere, "manager"),
        (world.left, "viewer"),
        (world.left, "clerk"),
        (world.left, "approver"),
        (world.left, "auditor"),
    ):
        client = login(unit, role)
        status = 403 if unit == world.left else 404
        assert client.get(f"/units/left/{action}/").status_code == status
        assert client.post(f"/units/left/{action}/", data).status_code == status
    assert everything() == before


@pytest.mark.parametrize("action", ACTIONS)
def test_reading_a_form_writes_nothing(world: World, login, action) -> None:
    before = everything()
    assert login(world.left).get(f"/units/left/{action}/").status_code == 200
    assert everything() == before
