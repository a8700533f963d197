"""Whatever a mix of users does: no state outside the table, no own approval, nothing approved changes alone.

Also: what is not approved counts nowhere. The acts are drawn at random; what the rules refuse is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from registry import access
from registry.approvals import submissions
from registry.approvals.models import Submission
from registry.audit import Actor
from registry.models import Assignment, AuditEntry, Organization, User
from registry.operations import approving, assignments, reorganizing
from registry.operations import organizations as operations
from registry.operations.submitting import or_submit
from registry.operations.take_back import take_back
from registry.operations.undo import undo_edit
from registry.refusals import OperationRefused
from registry.rules import workflow
from registry.rules.organizations import FROZEN
from tests.factories import make_user
from tests.operations.checks import sound
from tests.world import World

pytestmark = pytest.mark.django_db
FIRST = date(2020, 2, 1)
ROLES = ("clerk", "approver", "manager", "manager", "superuser")
DECIDING = {"approve_organization", "approve_submission"}

Act = Callable[[Actor, int, int], Any]


def pick(model: Any, at: int) -> Any:
    rows = model.objects.order_by("pk")
    return rows[at % max(rows.count(), 1)]


def organization(at: int) -> Organization:
    row: Organization = pick(Organization, at)
    return row


def latest(at: int) -> AuditEntry:
    """One of the newest acts of users."""
    row: AuditEntry = AuditEntry.objects.filter(user__isnull=False, part_of=None).order_by("-pk")[at % 4]
    return row


def establish(by: Actor, a: int, b: int) -> Any:
    above = organization(b)
    return operations.establish_organization(
        actor=by, unit=above.unit, kind="branch", is_temporary=True, parent=above, name=f"新{a}支部",
        established_on=FIRST + timedelta(b % 5), state=("draft", "submitted", "approved")[a % 3],
    )  # fmt: skip


ACTS: dict[str, Act] = {
    "establish": establish,
    "correct": lambda by, a, b: operations.edit_organization(
        actor=by,
        organization=organization(a),
        changes={"established_on": FIRST - timedelta(b % 9), "note": str(b)},
        reason="更正",
    ),
    "reword": lambda by, a, b: operations.edit_organization(
        actor=by, organization=organization(a), changes={"name": f"改{b}支部"}
    ),
    "renumber": lambda by, a, b: operations.edit_organization(
        actor=by, organization=organization(a), changes={"approval_number": f"{b}号"}
    ),
    "transfer": lambda by, a, b: operations.transfer_organization(
        actor=by,
        organization=organization(a),
        unit=organization(b).unit,
        on=FIRST + timedelta(9),
        reason="转",
    ),
    "move": lambda by, a, b: operations.move_organization(
        actor=by, organization=organization(a), parent=organization(b), reason="理顺"
    ),
    "dissolve": lambda by, a, b: operations.dissolve_organization(
        actor=by, organization=organization(a), on=FIRST + timedelta(20), reason="结束"
    ),
    "merge": lambda by, a, b: reorganizing.merge_organization(
        actor=by,
        organization=organization(a),
        into=organization(b),
        on=FIRST + timedelta(15),
        reason="合并",
    ),
    "split": lambda by, a, b: reorganizing.split_organization(
        actor=by,
        organization=pick(Assignment, a).organization,
        name=f"分{b}支部",
        on=FIRST + timedelta(10 + b % 5),
        members=[pick(Assignment, a)],
        reason="拆分",
    ),
    "change kind": lambda by, a, b: reorganizing.reconstitute_organization(
        actor=by,
        organization=organization(a),
        kind=("general_branch", "committee", "branch")[b % 3],
        name=f"改设{b}",
        parent=pick(Organization, 0),
        on=FIRST + timedelta(10 + b % 5),
        reason="改设",
    ),
    "withdraw": lambda by, a, b: operations.withdraw_organization(
        actor=by, organization=organization(a), reason="误录"
    ),
    "appoint": lambda by, a, b: assignments.change_role(
        actor=by, assignment=pick(Assignment, a), role="secretary", on=FIRST + timedelta(b % 12)
    ),
    "submit": lambda by, a, b: approving.submit_organization(actor=by, organization=organization(-a)),
    "approve": lambda by, a, b: approving.approve_organizations(
        actor=by, organizations=[organization(-a - 1)], approval_number="1号"
    ),
    "return": lambda by, a, b: approving.return_organization(
        actor=by, organization=organization(-a - 1), reason="不全"
    ),
    "carry out": lambda by, a, b: submissions.approve_submission(
        actor=by, submission=pick(Submission, a), approval_number=("", "批1号")[b % 2]
    ),
    "send back": lambda by, a, b: submissions.return_submission(
        actor=by, submission=pick(Submission, a), reason="不妥"
    ),
    "give up": lambda by, a, b: submissions.withdraw_submission(
        actor=by, submission=pick(Submission, a), reason="不要"
    ),
    "submit again": lambda by, a, b: submissions.submit_submission(actor=by, submission=pick(Submission, a)),
    "take back": lambda by, a, b: take_back(actor=by, entry=latest(a), reason="撤回"),
    "set back": lambda by, a, b: undo_edit(actor=by, entry=latest(a), reason="还原"),
}


def states() -> dict[tuple[str, int], Any]:
    """Each row's state, who submitted and changed it, and its frozen facts."""
    rows: list[Any] = [*Organization.objects.all(), *Submission.objects.all()]
    names = [Organization._meta.get_field(name).attname for name in FROZEN]
    return {
        (row._meta.model_name, row.pk): (
            row.state,
            {row.submitted_by_id, row.changed_by_id},
            [getattr(row, name) for name in names] if isinstance(row, Organization) else None,
        )
        for row in rows
    }


def check(before: dict[Any, Any], after: dict[Any, Any], user: User, entries: list[AuditEntry]) -> None:
    """Look at what one act of ``user`` did."""
    verbs = {entry.verb for entry in entries}
    for key in before.keys() | after.keys():
        was, own, frozen = before.get(key, (None, set(), None))
        now, _, facts = after.get(key, (None, set(), None))
        if now is not None:
            assert workflow.leads(was, now), (key, was, now)
        if was is None and now == "approved":
            assert verbs & DECIDING, "what an act founds is approved with it"
            assert user.pk not in after[key][1], "nobody decides on their own"
        if was == "submitted" and now in ("approved", "returned"):
            assert user.pk not in own, "nobody decides on their own"
        if was == "approved" and key[0] == "organization" and (now != was or facts != frozen):
            assert verbs & DECIDING or any(entry.undoes and entry.undoes.user == user for entry in entries)
    for key in before.keys() | after.keys():
        if key[0] == "submission" and before.get(key, " ")[0] == "submitted" and key in after:
            submission = after[key]
            assert submission[0] != "approved" or user.pk not in before[key][1]


@settings(max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(sorted(ACTS)), st.integers(0, 40), st.integers(0, 40)),
        min_size=10,
        max_size=18,
    )
)
def test_no_sequence_of_acts_goes_round_the_approval(
    world: World, acts: list[tuple[int, str, int, int]]
) -> None:
    with transaction.atomic():
        users = [
            make_user(f"user{at}", is_superuser=True)
            if role == "superuser"
            else make_user(f"user{at}", world.top, role)
            for at, role in enumerate(ROLES)
        ]
        for who, name, a, b in acts:
            user = users[who]
            access.forget_grants(user)
            before, newest = states(), AuditEntry.objects.latest("pk").pk
            try:
                run(name, user, a, b)
            except (OperationRefused, Submission.DoesNotExist, IndexError):
                assert states() == before
            check(before, states(), user, list(AuditEntry.objects.filter(pk__gt=newest)))
        sound()
        transaction.set_rollback(True)


def run(name: str, user: User, a: int, b: int) -> None:
    """Do an act as a page would: what needs approval is submitted."""
    with transaction.atomic():
        or_submit(lambda **given: ACTS[name](given["actor"], a, b), actor=Actor(user=user))
