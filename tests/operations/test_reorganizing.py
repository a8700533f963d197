"""Temporary branches are put together, split, followed by another kind; days before stay as they are."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from registry.approvals import submissions
from registry.audit import Actor
from registry.counting.basis import Question
from registry.counting.rollup import count_place
from registry.counting.totals.check import differences
from registry.models import Assignment, AuditEntry, Organization, Unit
from registry.operations.reorganizing import (
    merge_organization,
    reconstitute_organization,
    split_organization,
)
from registry.operations.submitting import or_submit
from registry.operations.take_back import take_back
from registry.refusals import OperationRefused
from tests.factories import (
    ACTOR,
    DAY,
    assign,
    make_campaign,
    make_organization,
    make_person,
    make_unit,
    make_user,
)
from tests.operations.checks import WHOLE_FORM, refusal, sound

pytestmark = pytest.mark.django_db
ON = DAY + timedelta(days=10)


def build_world() -> Unit:
    """Make a unit with two branches: 甲 with a secretary, two members and a group; 乙 with one of those."""
    unit, campaign = make_unit("unit"), make_campaign()
    first = make_organization(unit, code="jia", name="甲支部", campaign=campaign)
    second = make_organization(unit, code="yi", name="乙支部", campaign=campaign)
    make_organization(unit, "group", code="group", parent=first, campaign=campaign)
    for name, role in (("书", "secretary"), ("两", "member"), ("员", "member")):
        assign(first, make_person(name, unit), role=role)
    assign(second, first.assignments.get(person__name="两").person)
    return unit


@pytest.fixture
def country(world: Unit) -> Unit:
    """The unit."""
    return world


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


# --- Split ----------------------------------------------------------------------------------------


def member(name: str) -> Assignment:
    """The assignment of somebody in 甲."""
    return Assignment.objects.get(organization__code="jia", person__name=name)


def split(**facts: object) -> Organization:
    """Let 两 and 书 of 甲 go over into 丙 with the group, 两 as its secretary."""
    return split_organization(
        **{
            "actor": ACTOR,
            "organization": organization("jia"),
            "name": "丙支部",
            "on": ON,
            "members": [member("两"), member("书")],
            "secretary": member("两"),
            "groups": [organization("group")],
            "document_number": "德公党〔2020〕9号",
            "reason": "人多分设",
            **facts,
        }
    )


def placed(row: Organization) -> list[tuple[str, str, date, date | None]]:
    found = Assignment.objects.filter(organization=row).select_related("person").order_by("pk")
    return [(each.person.name, each.role, each.started_on, each.ended_on) for each in found]


def test_a_part_of_a_branch_becomes_a_branch_of_its_own(country: Unit) -> None:
    new = split()
    assert (new.kind, new.is_temporary, new.state, new.established_on) == ("branch", True, "approved", ON)
    assert (new.unit, new.campaign, new.parent) == (country, organization("jia").campaign, None)
    assert new.approval_number == "德公党〔2020〕9号"
    assert placed(new) == [("两", "secretary", ON, None), ("书", "member", ON, None)]
    assert placed(organization("jia")) == [
        ("书", "secretary", DAY, ON),
        ("两", "member", DAY, ON),
        ("员", "member", DAY, None),
    ]
    assert organization("group").parent == new
    assert organization("jia").dissolved_on is None
    assert people(country, ON - timedelta(days=1)) == (2, 3)
    assert people(country, ON) == (3, 3)
    named = AuditEntry.objects.filter(verb="split_organization").order_by("pk")
    assert [entry.object_name for entry in named] == ["甲支部", "丙支部"]
    sound()


def test_a_split_is_taken_back_as_a_whole(country: Unit) -> None:
    before = placed(organization("jia"))
    new = split()
    take_back(
        actor=ACTOR, entry=AuditEntry.objects.filter(verb="split_organization").earliest("pk"), reason="误"
    )
    assert not Organization.objects.filter(pk=new.pk).exists()
    assert placed(organization("jia")) == before
    assert organization("group").parent == organization("jia")
    assert people(country, ON) == (2, 3)
    sound()


@pytest.mark.parametrize(
    ("facts", "field", "said"),
    [
        ({"reason": ""}, "reason", "拆分原因"),
        ({"members": []}, "members", "请选择转入新支部的人员"),
        ({"members": "书两员"}, "members", "原支部无人"),
        ({"secretary": "员"}, "secretary", "须是转入新支部的人员"),
        ({"on": DAY - timedelta(days=1)}, "on", "尚未成立或已撤销"),
        ({"organization": "group", "members": []}, WHOLE_FORM, "只有临时党支部可以拆分"),
        ({"groups": ["yi"]}, "groups", "“乙支部”在 2020-02-11 不是“甲支部”的下级组织"),
        ({"name": ""}, "name", ""),
    ],
)
def test_why_a_branch_cannot_be_split(country: Unit, facts: dict[str, object], field: str, said: str) -> None:
    made: dict[str, object] = {
        "organization": lambda code: organization(code),
        "members": lambda names: [member(name) for name in names],
        "secretary": member,
        "groups": lambda codes: [organization(code) for code in codes],
    }
    given = {name: made[name](value) if name in made else value for name, value in facts.items()}  # type: ignore[operator]
    with refusal(field, said):
        split(**given)


def test_nobody_goes_into_a_new_branch_before_coming(country: Unit) -> None:
    late = assign(organization("jia"), make_person("后来", country), started_on=ON + timedelta(days=2))
    with refusal("on", "后来 在 2020-02-13 才编入,拆分日期不能早于该日"):
        split(members=[late], secretary=None)


# --- Another kind ---------------------------------------------------------------------------------


def reconstitute(**facts: object) -> Organization:
    """Let a temporary general branch follow on 甲."""
    return reconstitute_organization(
        **{
            "actor": ACTOR,
            "organization": organization("jia"),
            "kind": "general_branch",
            "name": "甲党总支",
            "on": ON,
            "document_number": "德公党〔2020〕9号",
            "reason": "党员超过五十人",
            **facts,
        }
    )


def test_a_general_branch_follows_a_branch_with_all_in_it_and_below_it(country: Unit) -> None:
    new = reconstitute()
    assert (new.kind, new.is_temporary, new.state, new.established_on) == (
        *("general_branch", True, "approved"),
        ON,
    )
    old = organization("jia")
    assert (old.dissolved_on, old.dissolution_number) == (ON, "德公党〔2020〕9号")
    assert placed(new) == [(name, role, ON, None) for name, role, _, _ in placed(old)]
    assert organization("group").parent == new
    assert organization("group").dissolved_on is None
    assert people(country, ON - timedelta(days=1)) == (2, 3), "counts by kind of earlier days stay"
    assert people(country, ON) == (1, 3)
    counts = count_place(country, Question(ON)).counts
    assert counts["temporary_general_branches"] == 1
    sound()


def test_a_change_of_kind_is_taken_back_as_a_whole(country: Unit) -> None:
    new = reconstitute()
    first = AuditEntry.objects.filter(verb="reconstitute_organization").earliest("pk")
    take_back(actor=ACTOR, entry=first, reason="误")
    assert not Organization.objects.filter(pk=new.pk).exists()
    assert organization("jia").dissolved_on is None
    assert organization("group").parent == organization("jia")
    assert people(country, ON) == (2, 3)
    sound()


@pytest.mark.parametrize(
    ("facts", "field", "said"),
    [
        ({"reason": ""}, "reason", "改设原因"),
        ({"kind": "branch"}, "kind", "现在就是临时党支部"),
        ({"kind": "group"}, "kind", "请选择改设后的类型"),
        ({"on": DAY}, "on", "请用“更正登记”"),
        ({"parent": "yi"}, "parent", "党总支不能设在党支部之下"),
        ({"parent": "group"}, "parent", "就在“甲支部”之下"),
        ({"organization": "group"}, WHOLE_FORM, "只有临时党支部、党总支、党委可以改设"),
    ],
)
def test_why_another_kind_cannot_follow(
    country: Unit, facts: dict[str, object], field: str, said: str
) -> None:
    named = ("organization", "parent")
    given = {name: organization(str(value)) if name in named else value for name, value in facts.items()}
    with refusal(field, said):
        reconstitute(**given)


def test_what_stands_below_must_be_able_to_stand_under_the_other_kind(country: Unit) -> None:
    big = make_organization(country, "committee", code="big", name="临时党委")
    make_organization(country, "general_branch", code="part", name="下级总支", parent=big)
    with refusal("kind", "下级“下级总支”是临时党总支,不能设在党总支之下,请先调整它的上级组织。"):
        reconstitute(organization=big)


# --- Approved by another person -------------------------------------------------------------------


def test_what_is_founded_is_approved_by_the_decision_that_approves_the_act(country: Unit) -> None:
    above = make_organization(country, "committee", code="above", name="局党委", is_temporary=False)
    first = make_organization(country, code="first", name="子支部", parent=above)
    rows = [assign(first, make_person(name, country)) for name in "一二"]
    clerk, approver = (make_user(role, country, role) for role in ("clerk", "approver"))
    waits = or_submit(
        split_organization,
        actor=Actor(user=clerk),
        organization=first,
        name="丑支部",
        on=ON,
        members=rows[:1],
        reason="分设",
    ).row
    assert submissions.differences(waits) == [
        ("拆分成立", "", "丑支部(临时党支部)"),
        ("拆分日期", "", "2020-02-11"),
        ("转入新支部", "", "1 人:一"),
        ("留在“子支部”", "2 人", "1 人"),
        ("请核对", "", "“丑支部”:没有指定书记(《中国共产党支部工作条例(试行)》)。"),
        ("请核对", "", "“丑支部”:编入的正式党员只有 1 人,不足 3 人。"),
    ]
    approve = {"actor": Actor(user=approver), "submission": waits, "approved_on": ON}
    with refusal("approval_number", "请填写批复文号:“丑支部”是临时党组织"):
        submissions.approve_submission(**approve)
    submissions.approve_submission(**approve, approval_number="批9号")
    new = Organization.objects.get(name="丑支部")
    assert (new.state, new.approval_number, new.approved_on) == ("approved", "批9号", ON)
    assert (new.approving_organization, new.submitted_by, new.decided_by) == (above, clerk, approver)
    assert placed(new) == [("一", "member", ON, None)]
    assert new.assignments.get().document_number == "批9号"
    entry = AuditEntry.objects.filter(verb="approve_submission").latest("pk")
    take_back(actor=Actor(user=approver), entry=entry, reason="误批")
    assert not Organization.objects.filter(name="丑支部").exists()
    waits.refresh_from_db()
    assert waits.state == "submitted"
    sound()


def test_a_merger_takes_the_number_of_its_approval(country: Unit) -> None:
    clerk, approver = (make_user(role, country, role) for role in ("clerk", "approver"))
    waits = or_submit(
        merge_organization,
        actor=Actor(user=clerk),
        organization=organization("jia"),
        into=organization("yi"),
        on=ON,
        reason="合并",
    ).row
    submissions.approve_submission(actor=Actor(user=approver), submission=waits, approval_number="批9号")
    assert organization("jia").dissolution_number == "批9号"
