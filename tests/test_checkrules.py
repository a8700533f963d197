"""``manage.py checkrules``: breaches by rule, as a table and as JSON."""

from __future__ import annotations

import io
import json
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from registry.models import Organization, RuleException, Unit
from tests.factories import make_organization, make_unit
from tests.rules.checks.building import people

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, str]:
    """What it prints, and with which words it fails."""
    out = io.StringIO()
    try:
        call_command("checkrules", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def committee_of(unit: Unit) -> Organization:
    """The committee that approves."""
    return make_organization(unit, "committee", is_temporary=False)


@pytest.fixture
def top() -> Unit:
    top = make_unit("top", name="德州市公安局")
    below = make_unit("below", top)
    approved = {"parent": committee_of(top), "approval_number": "1号"}
    for name in ("甲支部", "乙支部", "丙支部", "丁支部"):
        make_organization(below, name=name, **approved)
    RuleException.objects.create(
        slug="temp_branch_appointed",
        organization=make_organization(top, name="戊支部", **approved),
        document_number="2号",
        reason="在途",
        started_on=date(2020, 2, 1),
        ended_on=date(2020, 3, 1),
    )
    return top


def test_the_table_names_the_first_and_the_exit_says_that_there_are_violations(top: Unit) -> None:
    said, failed = run("--as-of", "2020-02-20")
    lines = [line.split() for line in said.splitlines()]
    assert lines[0] == ["德州市公安局", "·", "规范检查", "·", "截至", "2020-02-20"]
    [line] = [line for line in lines if "临时党组织的书记" in line]
    assert line == [
        *("违规", "临时党组织的书记", "4", "1", "《中国共产党支部工作条例(试行)》"),
        *("丙支部、丁支部、甲支部", "等"),
    ]
    assert failed == "有 4 处违规。"


def test_json_of_a_unit_on_a_day(top: Unit) -> None:
    said, failed = run("--unit", "below", "--as-of", "2020-02-20", "--format", "json", "--names", "1")
    found = json.loads(said)
    assert (found["units"], found["as_of"]) == (["below"], "2020-02-20")
    [rule] = [each for each in found["rules"] if each["slug"] == "temp_branch_appointed"]
    assert rule == {
        "slug": "temp_branch_appointed",
        "label": "临时党组织的书记",
        "level": "violation",
        "citation": "《中国共产党支部工作条例(试行)》",
        "breaches": 4,
        "excepted": 0,
        "organizations": ["丙支部"],
    }
    assert failed == "有 4 处违规。"


def test_warnings_and_hints_are_no_failure() -> None:
    unit = make_unit()
    branch = make_organization(unit, parent=committee_of(unit), approval_number="1号")
    people(1, unit, placed=branch, role="secretary")
    said, failed = run("--as-of", "2020-02-20")
    assert "临时党支部正式党员人数" in said
    assert failed == ""


def test_a_bad_argument_is_named(top: Unit) -> None:
    assert run("--format", "xml")[1] == "--format:“xml”不是 table 或 json。"
    assert run("--unit", "none")[1] == "--unit:没有代码或名称为“none”的单位。"
