"""The one table of how things are approved: states, the acts between them, whose act each is, two people.

Everything that is approved goes by it (``registry.models.approvable``); ``docs/approvals.md`` draws it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from registry.access import AnyUser
from registry.models import User
from registry.models.approvable import Approvable
from registry.models.kinds import WorkflowState
from registry.rules.findings import Wrong, for_each

T = TypeVar("T", bound=Model)
DRAFT, SUBMITTED, APPROVED = WorkflowState.DRAFT, WorkflowState.SUBMITTED, WorkflowState.APPROVED
RETURNED, WITHDRAWN = WorkflowState.RETURNED, WorkflowState.WITHDRAWN


class Side(StrEnum):
    """Whose act it is."""

    ENTERING = "录入方"
    DECIDING = "审批方"


@dataclass(frozen=True, slots=True)
class Act:
    """An act of the approval: from which states it starts (none: the row is new), and to which it leads.

    ``needs`` says what it takes. ``by_another``: never the act of who submitted or last changed the row.
    """

    slug: str
    label: str
    origins: tuple[WorkflowState, ...]
    to: WorkflowState
    side: Side
    needs: tuple[str, ...] = ()
    by_another: bool = False


DRAW_UP = Act("draw_up", "登记为草稿", (), DRAFT, Side.ENTERING)
ENTER = Act("enter", "登记并提交", (), SUBMITTED, Side.ENTERING)
SUBMIT = Act("submit", "提交审批", (DRAFT, RETURNED), SUBMITTED, Side.ENTERING)
APPROVE = Act(
    "approve",
    "批准",
    (SUBMITTED,),
    APPROVED,
    Side.DECIDING,
    needs=("批准的党组织", "批复文号", "批复日期"),
    by_another=True,
)
RETURN = Act("return", "退回", (SUBMITTED,), RETURNED, Side.DECIDING, needs=("退回原因",), by_another=True)
WITHDRAW = Act(
    "withdraw", "撤回", (DRAFT, SUBMITTED, RETURNED), WITHDRAWN, Side.ENTERING, needs=("撤回原因",)
)
CHANGE = Act(
    "change",
    "变更已批准的内容",
    (APPROVED,),
    APPROVED,
    Side.DECIDING,
    needs=("录入方提交变更前后的对照",),
    by_another=True,
)
REVOKE = Act(
    "revoke",
    "撤回已批准的误录",
    (APPROVED,),
    WITHDRAWN,
    Side.DECIDING,
    needs=("录入方提交撤回原因",),
    by_another=True,
)
FOUND = Act(
    "found", "随批准的拆分或改设成立", (), APPROVED, Side.DECIDING, needs=APPROVE.needs, by_another=True
)
ACTS = (DRAW_UP, ENTER, SUBMIT, APPROVE, RETURN, WITHDRAW, CHANGE, REVOKE, FOUND)
"""In the order of the drawing. Whatever was done can be taken back as a whole, too: then backwards."""

RECORD = Act("record", "登记", (), APPROVED, Side.ENTERING)
COMPLETE = Act("complete", "补齐草稿或退回的内容", (DRAFT, RETURNED), APPROVED, Side.ENTERING)
SEND_BACK = Act(
    "send_back", "退回补正", (APPROVED,), RETURNED, Side.DECIDING, needs=("退回原因",), by_another=True
)
UNAPPROVED_ACTS = (RECORD, COMPLETE, SEND_BACK)
"""What is there besides where a manager has said of a logbook that its entries need no approval."""


OWN = "由您提交或最后修改,须由另一人审批。"
"""Said to who is one of the two people before anything is tried."""


def leads(before: str | None, after: str) -> bool:
    """Whether the table knows an act from one state (None: the row is new) to the other, or back."""
    ways = {(origin, act.to) for act in ACTS for origin in act.origins or (None,)}
    return before == after or (before, after) in ways or (after, before) in ways


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """An act with one row, by a user (None: a command)."""

    row: Approvable
    act: Act
    user: User | None = None


@for_each
def refusals(step: Step) -> Wrong:
    """Check that the row is where the act starts, and that nobody decides on their own submission."""
    state, act = WorkflowState(step.row.state), step.act
    if state not in act.origins:
        yield "state_allows", "", f"“{step.row}”现在是“{state.label}”,不能这样操作。"
    if act.by_another and is_own(step.user, step.row):
        yield "two_people", "", f"“{step.row}”由您提交或最后修改,须由另一人{act.label}。"


def is_own(user: AnyUser | None, row: Approvable) -> bool:
    """Whether the user submitted or last changed the row, and so never decides on it."""
    return user is not None and user.pk is not None and user.pk in (row.submitted_by_id, row.changed_by_id)


def may_start(act: Act, row: Approvable, user: AnyUser) -> bool:
    """Whether the act may be done with the row as far as its state and the two people are concerned."""
    return row.state in act.origins and not (act.by_another and is_own(user, row))


def decidable(rows: QuerySet[T], user: AnyUser) -> QuerySet[T]:
    """Return those of ``rows`` that wait for a decision which is not ``user``'s own submission or change."""
    own = Q(submitted_by=user.pk or 0) | Q(changed_by=user.pk or 0)
    return rows.filter(state=SUBMITTED).exclude(own)


def values(act: Act, user: User | None, now: Any) -> dict[str, Any]:
    """Return what an act by ``user`` writes to a row: the state to which it leads, who did it, and when."""
    by: dict[str, Any] = {"state": act.to.value}
    if act.side is Side.DECIDING:
        by |= {"decided_by": user, "decided_at": now}
    elif act.to == SUBMITTED:
        by |= {"submitted_by": user, "submitted_at": now}
    return by


def entered(row: Approvable, user: User | None, now: Any) -> None:
    """Note on a new row who entered it, and submitted it where it is."""
    row.changed_by = user
    if row.state == SUBMITTED:
        row.submitted_by, row.submitted_at = user, now


NOT_TOLD = frozenset(("submitted_by", "submitted_at", "changed_by_id", "decided_by", "decided_at"))
"""What entries of the record leave out: they say themselves who did it, and when."""


def told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that an entry of the record holds."""
    return {name: value for name, value in values.items() if name not in NOT_TOLD}
