"""Approving by two people: never one's own, one or many at once, with who decided it, by which document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from registry.audit import Actor
from registry.models import Organization, User
from registry.operations import approving, assignments
from registry.operations import organizations as operations
from registry.operations.take_back import take_back
from registry.rules import workflow
from tests.factories import make_person, make_user
from tests.operations.checks import WHOLE_FORM, facts, refusal
from tests.world import World

pytestmark = pytest.mark.django_db
NUMBER = "左党〔2020〕9号"


@pytest.fixture
def people(world: World) -> list[User]:
    """Three people with every right at the bureau: a clerk's work and an approver's are theirs alike."""
    superuser = make_user("root", is_superuser=True)
    return [make_user("first", world.left, "manager"), make_user("second", world.left, "manager"), superuser]


def submitted(by: User, world: World, **given: Any) -> Organization:
    """A temporary branch of the left bureau, under its general branch, submitted by a user."""
    return operations.establish_organization(
        actor=Actor(user=by),
        **{
            "unit": world.left,
            "kind": "branch",
            "is_temporary": True,
            "parent": world.general,
            "name": "新临时党支部",
            "established_on": date(2020, 2, 1),
            "state": "submitted",
            **given,
        },
    )


def approve(by: User, rows: Sequence[Organization], **given: Any) -> list[Organization]:
    return approving.approve_organizations(
        actor=Actor(user=by), organizations=rows, **{"approval_number": NUMBER, **given}
    )


def test_nobody_decides_on_what_they_submitted_whatever_their_roles(world: World, people: list[User]) -> None:
    first, second, root = people
    row = submitted(first, world)
    with refusal(WHOLE_FORM, "由您提交或最后修改,须由另一人批准"):
        approve(first, [row])
    with refusal(WHOLE_FORM, "由您提交或最后修改,须由另一人退回"):
        approving.return_organization(actor=Actor(user=first), organization=row, reason="改主意了")
    of_root = submitted(root, world, name="总部临时党支部")
    with refusal(WHOLE_FORM, "由您提交或最后修改"):
        approve(root, [row, of_root])
    approve(second, [row, of_root])
    assert facts(row, "state", "submitted_by", "decided_by") == ("approved", first, second)


def test_nor_what_they_last_changed(world: World, people: list[User]) -> None:
    first, second, root = people
    row = submitted(first, world)
    operations.edit_organization(
        actor=Actor(user=second), organization=row, changes={"established_on": date(2020, 2, 5)}
    )
    with refusal(WHOLE_FORM, "由您提交或最后修改"):
        approve(second, [row])
    waits = {user.username: list(workflow.decidable(Organization.objects.all(), user)) for user in people}
    assert waits == {"first": [], "second": [], "root": [row]}
    approve(root, [row])
    assert facts(row, "state") == ("approved",)


def test_an_approval_says_who_decided_it_by_which_document_and_when(world: World, people: list[User]) -> None:
    """The nearest committee above unless another is chosen; own numbers and days stay."""
    first, second, _ = people
    plain = submitted(first, world)
    own = submitted(
        first, world, name="自有文号临时党支部", approval_number="旧1号", approved_on=date(2020, 2, 2)
    )
    team = submitted(first, world, name="新突击队", kind="commando_team", is_temporary=False, parent=None)
    approve(second, [plain, own, team], approved_on=date(2020, 2, 4))
    told = ("approving_organization", "approval_number", "approved_on")
    assert facts(plain, *told) == (world.committee, NUMBER, date(2020, 2, 4))
    assert facts(own, *told) == (world.committee, "旧1号", date(2020, 2, 2))
    assert facts(team, *told) == (None, NUMBER, date(2020, 2, 4))


def test_one_approved_alone_takes_what_is_given(world: World, people: list[User]) -> None:
    first, second, _ = people
    row = submitted(first, world, approval_number="错1号")
    approving.approve_organization(
        actor=Actor(user=second),
        organization=row,
        approval_number=NUMBER,
        approving_organization=world.general,
    )
    assert facts(row, "approving_organization", "approval_number", "approved_on") == (
        world.general,
        NUMBER,
        timezone.localdate(),
    )


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"approval_number": ""}, "approval_number", "请填写批复文号"),
        ({"approving_organization": "commando"}, "approving_organization", "请选择党委、党总支或党支部"),
        ({"approved_on": date(2019, 12, 1)}, "approving_organization", "未成立或已撤销"),
    ],
)
def test_a_temporary_party_organization_is_approved_by_a_party_organization(
    world: World, people: list[User], given: dict[str, Any], field: str, said: str
) -> None:
    """支部工作条例(试行) 第八条: on the approval of the superior, with a document."""
    row = submitted(people[0], world)
    given = {"approving_organization": "general", **given}
    given["approving_organization"] = getattr(world, given["approving_organization"])
    with refusal(field, said):
        approve(people[1], [row], **given)


def test_one_without_a_superior_needs_the_organization_that_approves_it_named(
    world: World, people: list[User]
) -> None:
    row = submitted(people[0], world, parent=None)
    with refusal("approving_organization", "请选择批准成立“新临时党支部”的党组织"):
        approve(people[1], [row])
    approve(people[1], [row], approving_organization=world.committee)
    assert facts(row, "approving_organization") == (world.committee,)


def test_many_are_returned_with_one_reason_all_or_none(world: World, people: list[User]) -> None:
    first, second, _ = people
    rows = [submitted(first, world, name=f"{at}临时党支部") for at in range(3)]
    approve(second, rows[:1])
    with refusal(WHOLE_FORM, "“0临时党支部”现在是“已批准”"):
        approving.return_organizations(actor=Actor(user=second), organizations=rows, reason="名称不规范")
    approving.return_organizations(actor=Actor(user=second), organizations=rows[1:], reason="名称不规范")
    assert [facts(row, "state", "return_reason") for row in rows[1:]] == [("returned", "名称不规范")] * 2


def test_an_approval_taken_back_waits_again_for_another(world: World, people: list[User]) -> None:
    from registry.models import AuditEntry

    first, second, _ = people
    row = submitted(first, world)
    approve(second, [row])
    entry = AuditEntry.objects.get(verb="approve_organization")
    take_back(actor=Actor(user=second), entry=entry, reason="文号写错")
    assert facts(row, "state", "approval_number", "approving_organization", "approved_on") == (
        "submitted", "", None, None,
    )  # fmt: skip
    with refusal(WHOLE_FORM, "由您提交或最后修改"):
        approve(first, [row])
    approve(second, [row], approval_number="左党〔2020〕10号")


def test_nor_whose_members_they_last_changed(world: World, people: list[User]) -> None:
    first, second, _root = people
    row = submitted(first, world)
    placed = assignments.assign_person(
        actor=Actor(user=second),
        organization=row,
        person=make_person("新来", world.left),
        started_on=date(2020, 2, 1),
    )
    with refusal(WHOLE_FORM, "由您提交或最后修改,须由另一人批准"):
        approve(second, [row])
    assignments.end_assignment(actor=Actor(user=first), assignment=placed, on=date(2020, 2, 20))
    approve(second, [row])
    assignments.withdraw_assignment(actor=Actor(user=second), assignment=placed, reason="误录")
    assert facts(row, "changed_by") == (first,)  # what is approved is frozen, its members are not
