"""The table of approvals, and the page that is drawn from it."""

from pathlib import Path

import pytest

from registry.models import Organization, WorkflowState
from registry.rules import workflow
from registry.rules.workflow import ACTS, Act
from tests.factories import make_user

PAGE = Path(__file__).resolve().parents[2] / "docs" / "approvals.md"


def drawing() -> str:
    """Return the states and acts of the table as the page has them: a diagram, and a table of the acts."""
    states = [f"    {state.value}: {state.label}" for state in WorkflowState]
    arrows = [
        f"    {origin.value if origin else '[*]'} --> {act.to.value}: {act.label}({act.side})"
        for act in ACTS
        for origin in act.origins or (None,)
    ]
    rows = [f"| {' | '.join(cells(act))} |" for act in ACTS]
    return "\n".join(
        [
            *("```mermaid", "stateDiagram-v2", *states, *arrows, "```", ""),
            "| act | from | to | whose | needs | two people |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
        ]
    )


def cells(act: Act) -> tuple[str, ...]:
    origins = "、".join(str(state.label) for state in act.origins) or "(新)"
    needs = "、".join(act.needs) or "—"
    two = "不是提交人,也不是最后修改人" if act.by_another else "—"
    return f"`{act.slug}` {act.label}", origins, str(act.to.label), act.side.value, needs, two


def test_the_page_is_the_table() -> None:
    assert drawing() in PAGE.read_text(), f"docs/approvals.md has another table than this:\n{drawing()}"


@pytest.mark.parametrize(
    ("before", "after", "is_known"),
    [
        (None, "draft", True),
        (None, "submitted", True),
        (None, "approved", True),  # founded by an act that another person approved
        ("draft", "approved", False),
        ("submitted", "approved", True),
        ("approved", "submitted", True),  # the approval was taken back
        ("returned", "approved", False),
        ("withdrawn", "withdrawn", True),
    ],
)
def test_which_states_follow_each_other(before: str | None, after: str, is_known: bool) -> None:
    assert workflow.leads(before, after) is is_known


@pytest.mark.django_db
def test_who_submitted_or_last_changed_it_does_not_decide() -> None:
    clerk, mender, approver = (make_user(name) for name in ("clerk", "mender", "approver"))
    row = Organization(name="支部", state="submitted", submitted_by=clerk, changed_by=mender)
    said = {
        user.username: [
            each.message for each in workflow.refusals([workflow.Step(row, workflow.APPROVE, user)])
        ]
        for user in (clerk, mender, approver)
    }
    own = ["“支部”由您提交或最后修改,须由另一人批准。"]
    assert said == {"clerk": own, "mender": own, "approver": []}
