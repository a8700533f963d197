"""Joint branches on pages: founded with the units that they cover, named where they stand and at those."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from registry.models import CoveredUnit, Organization
from registry.pages.organizations.tables import OrganizationTable
from tests.factories import DAY, approve_all, logged_in, make_organization, make_user
from tests.lists import rows_of
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]
FEBRUARY = {"as_of": "2020-02-20"}
ONCE = "只计入所在单位,不重复统计"


def build_world() -> World:
    made = World()
    made.joint = make_organization(
        made.right,
        "joint_branch",
        code="joint",
        name="右局临时联合党支部",
        is_temporary=True,
        covered=[made.station],
    )
    return made


def page(client: Client, url: str, **asked: str) -> str:
    response = client.get(url, {**FEBRUARY, **asked})
    assert response.status_code == 200
    return "".join(response.content.decode().split())


def founding(**more: object) -> dict[str, object]:
    return {
        "kind": "joint_branch",
        "name": "左局临时联合党支部",
        "established_on": "2020-02-03",
        "parent": "general",
        **more,
    }


def test_the_form_asks_for_the_units_of_a_joint_branch_only(world: World) -> None:
    client = logged_in(world.top)
    assert 'name="covered_text"' not in page(client, "/units/left/register/", kind="branch")
    assert 'name="covered_text"' in page(client, "/units/left/register/", kind="joint_branch")
    suggested = page(client, "/units/left/register/suggest/", kind="joint_branch", covered="station")
    assert 'name="covered"value="station"' in suggested
    assert "左局临时联合党支部" in suggested


def test_it_is_founded_with_the_units_named(world: World) -> None:
    client = logged_in(world.top)
    sent = founding(covered=["station", "right"], save_as="")
    warned = client.post("/units/left/register/", sent)
    assert "联合党支部还没有填覆盖单位" not in warned.content.decode()
    confirmed = warned.context["confirmed"]
    assert client.post("/units/left/register/", {**sent, "confirmed": confirmed}).status_code == 302
    made = Organization.objects.get(name="左局临时联合党支部")
    rows = CoveredUnit.objects.filter(organization=made).order_by("unit__lft")
    assert list(rows.values_list("unit__code", "started_on")) == [
        ("station", date(2020, 2, 3)),
        ("right", date(2020, 2, 3)),
    ]


def test_a_joint_branch_without_units_is_asked_for_them(world: World) -> None:
    answer = logged_in(world.top).post("/units/left/register/", founding()).content.decode()
    assert "联合党支部还没有填覆盖单位:现在填,或登记后用“变更覆盖单位”补填。" in answer
    assert 'name="covered_text"' in answer


@pytest.mark.parametrize("kind", ["joint_branch", "branch"])
def test_what_is_wrong_stands_at_the_field(world: World, kind: str) -> None:
    response = logged_in(world.top).post("/units/left/register/", founding(kind=kind, covered=["left"]))
    (said,) = response.context["form"].errors["covered"]
    assert ("是所在单位" in said) == (kind == "joint_branch")
    assert 'name="covered_text"' in response.content.decode()


def test_its_page_says_what_it_covers_and_that_it_counts_once(world: World) -> None:
    shown = page(logged_in(world.top), "/organizations/joint/")
    assert f'左派出所</a><spanclass="quietsmall">{ONCE}</span>' in shown
    assert "临时联合党支部" in shown
    assert "覆盖左派出所" in shown
    assert "变更覆盖单位" in shown
    assert "变更覆盖单位" not in page(logged_in(world.top), "/organizations/branch/")


def test_the_page_of_a_covered_unit_names_it(world: World) -> None:
    said = '本单位由<ahref="/organizations/joint/?as_of=2020-02-20">右局临时联合党支部</a>(设在右局)覆盖;'
    shown = page(logged_in(world.top), "/units/station/")
    assert said in shown
    assert "不在本单位重复统计。" in shown
    assert "联合党支部</b>" not in page(logged_in(world.top), "/units/right/")


def test_who_sees_the_covered_unit_only_reads_the_name(world: World) -> None:
    client = logged_in(world.left, "viewer")
    assert "本单位由右局临时联合党支部(设在右局)覆盖;" in page(client, "/units/station/")
    assert client.get("/organizations/joint/", FEBRUARY).status_code == 404


def test_who_sees_the_host_only_reads_the_name_of_the_covered_unit(world: World) -> None:
    client = logged_in(world.right, "viewer")
    assert f'<dd>左派出所<spanclass="quietsmall">{ONCE}' in page(client, "/organizations/joint/")
    assert client.get("/units/station/", FEBRUARY).status_code == 404


def test_the_ledger_has_the_column_and_finds_the_kind(world: World) -> None:
    (line,) = rows_of(OrganizationTable, make_user(unit=world.top), kind="joint_branch", **FEBRUARY)
    assert line == world.joint
    answer = logged_in(world.top).post("/export/organizations/?kind=joint_branch", {"format": "csv"})
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    header, row = (line.split(",") for line in lines if "组织名称" in line or "临时联合党支部" in line)
    assert row[header.index("覆盖单位")] == "左派出所"


def test_other_units_are_named_from_a_day_on(world: World) -> None:
    client = logged_in(world.top)
    url = "/organizations/joint/cover/"
    form = client.get(url, FEBRUARY)
    assert "所在单位:右公安局;现在覆盖:左派出所。" in form.content.decode()
    sent = {"units": ["left"], "on": "2020-02-20", "reason": "合署", "seen": form.context["seen"]}
    assert client.post(url, sent).status_code == 302
    approve_all()
    rows = CoveredUnit.objects.order_by("started_on").values_list("unit__code", "started_on", "ended_on")
    assert list(rows) == [("station", DAY, date(2020, 2, 20)), ("left", date(2020, 2, 20), None)]
    shown = page(client, "/organizations/joint/")
    assert "不再覆盖左派出所" in shown
    assert "覆盖左公安局" in shown
