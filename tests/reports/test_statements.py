"""A file says on its face what its page says: what is left out, what is not approved."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from registry.models import Unit
from registry.operations import units
from registry.reports.filed_sheets import READY
from tests.factories import ACTOR, make_organization, make_unit, make_user

pytestmark = [pytest.mark.look, pytest.mark.django_db]

DAY = "2020-02-09"
LEFT = "2020-02-09 属于德州市公安局的单位中,有 1 个单位现已不在您的管理范围,未计入。"
PENDING = "另有待审批、未计入的:"


@pytest.fixture
def bureau(client: Client) -> Unit:
    """A bureau that a station has left, and that holds a branch that is not approved."""
    department = make_unit("department")
    bureau, other = make_unit("dezhou", department, name="德州市公安局"), make_unit("jinan", department)
    station = make_unit("station", bureau, name="建设街派出所")
    make_organization(station)
    make_organization(bureau, name="常在临时党支部")
    make_organization(bureau, name="待批临时党支部", state="draft")
    units.move_unit(actor=ACTOR, unit=station, superior=other, on=date(2020, 2, 10), reason="划转")
    client.force_login(make_user(unit=bureau))
    return bureau


def lines_of(client: Client, url: str, **query: str) -> list[str]:
    query = {"as_of": DAY, **query}
    path = url + "?" + "&".join(f"{key}={value}" for key, value in query.items())
    answer = client.post(path, {"format": "csv"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return [cell for row in csv.reader(io.StringIO(text)) for cell in row]


@pytest.mark.parametrize("slug", list(READY))
def test_every_sheet_says_what_it_leaves_out(client: Client, bureau: Unit, slug: str) -> None:
    said = lines_of(client, reverse("unit_sheet", args=[bureau.code, slug]))
    assert LEFT in said
    facts = next(line for line in said if line.startswith("填报单位:"))
    assert "截至日期:2020年2月9日" in facts
    assert "口径:现有" in facts
    assert "专项任务:全部" in facts


def test_a_sheet_says_what_is_not_approved(client: Client, bureau: Unit) -> None:
    url = reverse("unit_sheet", args=[bureau.code, "temporary-organizations"])
    assert [line for line in lines_of(client, url) if line.startswith(PENDING)] == [
        f"{PENDING}临时党组织 1。"
    ]


@pytest.mark.parametrize("name", ["organizations", "people", "assignments", "units"])
def test_the_file_of_a_list_says_what_its_page_says(client: Client, bureau: Unit, name: str) -> None:
    said = lines_of(client, reverse(f"{name}_export"), unit=bureau.code)
    assert any("属于德州市公安局" in line and "有 1 个单位现已不在您的管理范围" in line for line in said)
    if name == "units":  # which have no page of their own
        return
    page = client.get(reverse(name), {"unit": bureau.code, "as_of": DAY}).content.decode()
    assert "有 1 个单位现已不在您的管理范围" in page


def test_the_file_of_the_units_below_says_both(client: Client, bureau: Unit) -> None:
    said = lines_of(client, reverse("unit_table_export", args=[bureau.code]))
    assert LEFT in said
    assert any(line.startswith(PENDING) for line in said)


def test_nothing_is_said_where_nothing_is_left_out(client: Client, bureau: Unit) -> None:
    said = lines_of(client, reverse("unit_sheet", args=[bureau.code, "frontline"]), as_of="2020-02-10")
    assert not any("管理范围" in line for line in said)
