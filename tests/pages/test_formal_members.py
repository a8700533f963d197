"""A standing branch shows and counts its members by home branch, on any day."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from registry.operations import people
from tests.factories import ACTOR, assign, make_person, make_user
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

PAGE = reverse("organization", args=["home"])


@pytest.fixture
def viewer(client: Client, world: World) -> Client:
    client.force_login(make_user(unit=world.top, role="manager"))
    return client


def shown(client: Client, on: str, **query: str) -> tuple[int, list[str]]:
    formal = client.get(PAGE, {"as_of": on, **query}).context["formal"]
    rows = client.get(formal.url).context["rows"]
    assert len(rows) == formal.number, "the number is the number of rows behind it"
    return formal.number, [person.name for person in formal.people]


def test_its_members_are_those_of_the_day(viewer: Client, world: World) -> None:
    make_person("周五", world.station, number="001005", home_branch=world.home, joined_on=date(2020, 2, 10))
    make_person("吴六", world.left, number="001006", home_branch=world.home, political_status="masses")
    people.transfer_person(
        actor=ACTOR, person=world.full, home_unit=world.right, on=date(2020, 3, 1), reason="调动"
    )
    assert shown(viewer, "2020-02-09") == (1, ["赵一"])
    assert shown(viewer, "2020-02-10") == (2, ["赵一", "周五"])
    assert shown(viewer, "2020-03-01") == (1, ["周五"])
    assert shown(viewer, "2020-03-01", campaign=world.campaign.code, basis="cumulative") == (1, ["周五"])


def test_a_temporary_branch_has_no_formal_members(viewer: Client, world: World) -> None:
    assert viewer.get(reverse("organization", args=["branch"])).context["formal"] is None
    assign(world.home, world.auxiliary)
    assert shown(viewer, "2020-02-20") == (1, ["赵一"]), "and who is only placed in a standing one is none"


def test_the_party_line_counts_and_lists_them(viewer: Client, world: World) -> None:
    lines = viewer.get(reverse("organization", args=["committee"])).context["line_counts"]
    (line,) = (line for line in lines if line.label == "党员(组织关系)")
    assert line.value == 1
    table = viewer.get(line.url).context
    assert [row.person.name for row in table["rows"]] == ["赵一"]
    assert "不是本人所属单位" not in viewer.get(line.url).content.decode()


def test_they_are_handed_on_as_a_file(viewer: Client, world: World) -> None:
    response = viewer.post(f"{reverse('people_export')}?branch=home&metric=formal_members")
    book = load_workbook(BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]
    cells = [str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row if cell.value]
    assert "赵一" in cells
    assert "李四" not in cells
    assert any("组织关系所在支部:左局党支部" in cell for cell in cells)


def test_people_of_other_bureaus_are_counted_only_for_who_sees_them(client: Client, world: World) -> None:
    make_person("外一", world.right, number="001007", home_branch=world.home)
    for unit, number in ((world.left, 1), (world.top, 2)):
        client.force_login(make_user(unit=unit))
        assert shown(client, "2020-02-20")[0] == number


def test_as_many_queries_with_one_as_with_three(viewer: Client, world: World) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            viewer.get(PAGE)
        return len(captured)

    viewer.get(PAGE)
    one = cost()
    for number in range(2):
        make_person("某", world.left, home_branch=world.home, number=f"00200{number}")
    assert cost() == one
