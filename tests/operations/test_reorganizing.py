"""One temporary branch is put into another: people and groups go over, days before stay as they are."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from registry.counting.basis import Question
from registry.counting.rollup import count_place
from registry.counting.totals.check import differences
from registry.models import Assignment, AuditEntry, Organization, Unit
from registry.operations.reorganizing import merge_organization
from registry.operations.take_back import take_back
from registry.refusals import OperationRefused
from tests.factories import ACTOR, DAY, assign, make_campaign, make_organization, make_person, make_unit

pytestmark = pytest.mark.django_db
ON = DAY + timedelta(days=10)


@pytest.fixture
def country() -> Unit:
    """A unit with two branches: 甲 with a secretary, two members and a group; 乙 with one of the members."""
    unit, campaign = make_unit("unit"), make_campaign()
    first = make_organization(unit, code="jia", name="甲支部", campaign=campaign)
    second = make_organization(unit, code="yi", name="乙支部", campaign=campaign)
    make_organization(unit, "group", code="group", parent=first, campaign=campaign)
    for name, role in (("书", "secretary"), ("两", "member"), ("员", "member")):
        assign(first, make_person(name, unit), role=role)
    assign(second, first.assignments.get(person__name="两").person)
    return unit


def organization(code: str) -> Organization:
    return Organization.objects.get(code=code)


def merge(**facts: object):
    return merge_organization(
        **{
            "actor": ACTOR,
            "organization": organization("jia"),
            "into": organization("yi"),
            "on": ON,
            "reason": "任务合并",
            "document_number": "德公党〔2020〕9号",
            **facts,
        }
    )


def people(unit: Unit, on: date) -> tuple[int, int]:
    """Return the branches and the people at the unit on the day."""
    counts = count_place(unit, Question(on)).counts
    return counts["temporary_branches"], counts["frontline_people"]


def test_people_and_groups_go_over_on_the_day_and_the_branch_is_dissolved(country: Unit) -> None:
    made = merge()
    assert (made.people, made.organizations) == (2, 1), "who is in both stays"
    assert organization("jia").dissolved_on == ON
    assert organization("jia").dissolution_number == "德公党〔2020〕9号"
    assert organization("group").parent == organization("yi")
    assert organization("group").dissolved_on is None
    there = Assignment.objects.filter(organization__code="yi").order_by("person__name")
    assert [(row.person.name, row.role, row.started_on) for row in there] == [
        ("两", "member", DAY),
        ("书", "member", ON),
        ("员", "member", ON),
    ]
    assert people(country, ON - timedelta(days=1)) == (2, 3)
    assert people(country, ON) == (1, 3)
    assert differences() == []
    named = AuditEntry.objects.filter(verb="merge_organization").order_by("pk")
    assert [entry.object_name for entry in named] == ["甲支部", "乙支部"]


def test_a_merger_is_taken_back_as_a_whole(country: Unit) -> None:
    merge()
    first = AuditEntry.objects.filter(verb="merge_organization").earliest("pk")
    take_back(actor=ACTOR, entry=first, reason="误操作")
    assert organization("jia").dissolved_on is None
    assert organization("group").parent == organization("jia")
    assert people(country, ON) == (2, 3)
    assert Assignment.objects.filter(organization__code="yi").count() == 1
    assert differences() == []


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"into": "jia"}, "不能并入自身,请选择另一个支部。"),
        ({"into": "group"}, "不是临时党支部"),
        ({"on": DAY - timedelta(days=1)}, "尚未成立或已撤销"),
        ({"reason": ""}, "合并原因"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_changes(
    country: Unit, facts: dict[str, object], said: str
) -> None:
    given = {**facts, **({"into": organization(str(facts["into"]))} if "into" in facts else {})}
    with pytest.raises(OperationRefused) as refused:
        merge(**given)
    assert said in "".join(refused.value.messages)
    assert organization("jia").dissolved_on is None


def test_nobody_goes_over_before_coming(country: Unit) -> None:
    assign(organization("jia"), make_person("后来", country), started_on=ON + timedelta(days=2))
    with pytest.raises(OperationRefused, match="后来 在 2020-02-13 才编入"):
        merge()
