"""``manage.py rollup``: what it prints, as a table and as JSON, and what it says to a bad argument."""

from __future__ import annotations

import io
import json
import unicodedata
from datetime import date
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from registry.counting.metrics import METRICS
from registry.operations.organizations import dissolve_organization
from tests.factories import ACTOR, assign, make_campaign, make_organization, make_person, make_unit

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rollup", *arguments, stdout=out)
    return out.getvalue()


def as_json(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("--format", "json", *arguments))
    return found


@pytest.fixture(autouse=True)
def registry() -> None:
    """city(county, district): a branch of 1 February in the county, ended on the 10th, one in the city."""
    city = make_unit("city", name="德州市公安局")
    county, _ = make_unit("county", city, name="甲县公安局"), make_unit("district", city, name="乙区分局")
    campaign = make_campaign("yiqing")
    branch = make_organization(county, campaign=campaign)
    assign(branch, make_person(unit=county))
    make_organization(city, "pioneer_team", established_on=date(2020, 2, 5))
    dissolve_organization(actor=ACTOR, organization=branch, on=date(2020, 2, 10), reason="测试")


def test_json_has_every_metric_in_order_and_the_question() -> None:
    found = as_json("--unit", "city", "--as-of", "2020-02-05")
    assert list(found) == ["unit", "as_of", "basis", "since", "campaign", "counts", "children"]
    assert [found[key] for key in ("unit", "as_of", "basis", "since", "campaign", "children")] == [
        "city",
        "2020-02-05",
        "current",
        None,
        None,
        [],
    ]
    assert list(found["counts"]) == list(METRICS)
    assert {slug: n for slug, n in found["counts"].items() if n} == {
        "temporary_branches": 1,
        "temporary_party_orgs": 1,
        "pioneer_teams": 1,
        "pioneer_and_commando_teams": 1,
        "frontline_people": 1,
        "frontline_assignments": 1,
        "frontline_party_members": 1,
        "formal_members": 1,
    }


def test_json_of_the_children() -> None:
    found = as_json("--unit", "city", "--as-of", "2020-02-05", "--children")
    assert [(child["unit"], child["name"]) for child in found["children"]] == [
        ("county", "甲县公安局"),
        ("district", "乙区分局"),
    ]
    assert [child["counts"]["temporary_branches"] for child in found["children"]] == [1, 0]


@pytest.mark.parametrize(
    ("arguments", "branches", "since"),
    [
        (["--as-of", "2020-02-09"], 1, None),
        (["--as-of", "2020-02-10"], 0, None),
        (["--as-of", "2020-02-10", "--basis", "cumulative"], 1, None),
        (["--as-of", "2020-02-10", "--basis", "ended"], 1, "2020-02-10"),
        (["--as-of", "2020-02-11", "--basis", "ended"], 0, "2020-02-11"),
        (["--as-of", "2020-02-11", "--basis", "ended", "--since", "2020-02-01"], 1, "2020-02-01"),
        (["--as-of", "2020-02-01", "--basis", "new"], 1, "2020-02-01"),
        (["--as-of", "2020-02-05", "--basis", "new", "--since", "2020-02-02"], 0, "2020-02-02"),
        (["--as-of", "2020-02-05", "--campaign", "yiqing"], 1, None),
    ],
)
def test_day_basis_period_and_campaign(arguments: list[str], branches: int, since: str | None) -> None:
    found = as_json("--unit", "city", *arguments)
    assert (found["counts"]["temporary_branches"], found["since"]) == (branches, since)


def test_the_campaign_leaves_out_the_others() -> None:
    found = as_json("--unit", "city", "--as-of", "2020-02-05", "--campaign", "yiqing")
    assert found["campaign"] == "yiqing"
    assert found["counts"]["pioneer_teams"] == 0


def test_today_is_the_default() -> None:
    found = as_json("--unit", "city")
    assert found["as_of"] == timezone.localdate().isoformat()
    assert found["counts"]["pioneer_teams"] == 1


def width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def test_the_table_lines_up_although_chinese_characters_are_two_wide() -> None:
    lines = run("--unit", "city", "--as-of", "2020-02-05").splitlines()
    assert lines[0] == "德州市公安局 · 现有 · 截至 2020-02-05"
    cells = [line for line in lines[3:] if line.strip()]
    assert len(cells) == len(METRICS)
    assert len({width(line[: line.index(slug)]) for line, slug in zip(cells, METRICS, strict=True)}) == 1
    branch = next(line for line in cells if " temporary_branches " in line)
    assert branch.split() == ["临时党支部", "temporary_branches", "1", "个"]


def test_the_table_of_children_has_a_total() -> None:
    lines = run("--unit", "city", "--as-of", "2020-02-05", "--children").splitlines()[2:]
    assert [line.split()[0] for line in lines] == [
        "单位",
        "甲县公安局",
        "乙区分局",
        "德州市公安局(含下级)",
    ]
    assert len({width(line) for line in lines}) == 1
    assert len(lines[1].split()) == 1 + len(METRICS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--unit", "nowhere"], r"--unit.*nowhere"),
        (["--unit", "city", "--as-of", "2020-02-30"], r"--as-of.*2020-02-30"),
        (["--unit", "city", "--as-of", "2月29日"], r"--as-of.*2020-02-03"),
        (["--unit", "city", "--basis", "all"], r"--basis.*all.*cumulative"),
        (["--unit", "city", "--basis", "new", "--since", "soon"], r"--since.*soon"),
        (["--unit", "city", "--since", "2020-02-01"], r"--since.*只用于"),
        (
            ["--unit", "city", "--basis", "new", "--as-of", "2020-02-01", "--since", "2020-02-02"],
            r"--since.*晚于",
        ),
        (["--unit", "city", "--campaign", "nothing"], r"--campaign.*nothing"),
        (["--unit", "city", "--format", "xml"], r"--format.*xml"),
    ],
)
def test_a_bad_argument_is_named_in_chinese(arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(*arguments)
