"""The list of changes that wait for approval, or were one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from registry import access, nouns
from registry.approvals import submissions as operations
from registry.approvals.models import Submission
from registry.models.kinds import WorkflowState
from registry.rules import workflow
from registry.spreadsheets.sheets import Kind
from registry.web.address import campaigns_of
from registry.web.columns import Column, tag_cell, tick_column
from registry.web.filters import ChoiceFilter, TextFilter
from registry.web.lists import Shown
from registry.web.tables import Act, Table

TONES = {
    WorkflowState.SUBMITTED: "warn",
    WorkflowState.APPROVED: "ok",
    WorkflowState.RETURNED: "bad",
    WorkflowState.WITHDRAWN: "plain",
    WorkflowState.DRAFT: "warn",
}


@dataclass(frozen=True)
class ListedSubmission:
    """One submission of the list."""

    table: Any
    submission: Submission

    @property
    def url(self) -> str:
        """Its page."""
        return str(self.table.address.url(self.submission.get_absolute_url()))

    @property
    def pk(self) -> int:
        """Its key, for the box that ticks it."""
        return self.submission.pk

    @property
    def matter(self) -> str:
        """What would be done."""
        return nouns.label_of(self.submission.verb)

    @property
    def change(self) -> str:
        """What would change, in words."""
        told = operations.differences(self.submission)
        return ";".join(f"{label}:{old or '空'} → {new or '空'}" for label, old, new in told)

    @property
    def state(self) -> str:
        """The state, in words."""
        return str(WorkflowState(self.submission.state).label)

    @property
    def tone(self) -> str:
        """The tone of the state."""
        return TONES[WorkflowState(self.submission.state)]


def _in_state(table: SubmissionTable, rows: Any, state: str) -> Any:
    if state == "mine":
        return rows.filter(submitted_by=table.user.pk)
    return rows if state == "all" else rows.filter(state=state)


def _named(table: SubmissionTable, rows: Any, text: str) -> Any:
    return rows.filter(Q(subject__icontains=text) | Q(reason__icontains=text))


def _campaigns(table: SubmissionTable) -> list[tuple[str, str]]:
    return [(each.code, each.label) for each in campaigns_of(table.request)]


def _of_campaign(table: SubmissionTable, rows: Any, code: str) -> Any:
    (campaign,) = (each for each in campaigns_of(table.request) if each.code == code)
    return rows.filter(pk__in=operations.of_campaign(campaign).order_by().values("pk"))


_ALONG = ("unit", "submitted_by")


def _submissions() -> QuerySet[Submission]:
    return Submission.objects.select_related(*_ALONG)


class SubmissionTable(Table[ListedSubmission]):
    """What may be decided on, unless another state is asked for; the oldest first."""

    title = "变更审批"
    file = "submissions_export"
    unit_word = "项"
    nothing = "没有等待您审批的变更。"
    nothing_found = "没有符合筛选条件的变更申请。"
    is_dated = False
    default_sort = "submitted"
    acts = (
        Act("approve_submission", "submissions_approve", "批准"),
        Act("return_submission", "submissions_return", "退回"),
    )
    columns: Sequence[Column[ListedSubmission]] = (
        tick_column("pk"),
        Column("组织", "submission.subject", url="url", css="text", is_heading=True),
        Column("事项", "matter"),
        Column("变更内容", "change", css="text"),
        Column("原因", "submission.reason", css="text", rank=2),
        Column("单位", "submission.unit.label", rank=3),
        Column("提交人", lambda line: str(line.submission.submitted_by or "")),
        Column(
            "提交时间", "submission.submitted_at", Kind.TIME, key="submitted", sort=("submitted_at", "pk")
        ),
        Column("状态", "state", cell=tag_cell),
    )
    filters = (
        ChoiceFilter(
            "state",
            "范围",
            _in_state,
            choices=(
                ("", "等我审批"),
                ("mine", "我提交的"),
                *((state.value, str(state.label)) for state in WorkflowState if state != WorkflowState.DRAFT),
                ("all", "全部"),
            ),
            anything=None,
        ),
        ChoiceFilter("of", "专项任务", _of_campaign, "{}", choices=_campaigns),
        TextFilter("q", "组织或原因", _named),
    )

    def every(self) -> QuerySet[Submission]:
        """Return those in scope; without a filter those that the user may decide on."""
        rows = access.visible(self.user, Submission.objects.all())
        return rows if self.wanted["state"] else operations.waiting_for(self.user).order_by()

    def detailed(self, rows: Any) -> Any:
        """Return the rows with their units and people."""
        return rows.select_related(*_ALONG)

    def page_rows(self) -> Shown:
        """Return where the rows of one page are read by their keys."""
        return Shown(_submissions)

    def lines(self, found: list[Any]) -> Sequence[ListedSubmission]:
        """Return them as the page shows them."""
        return [ListedSubmission(self, row) for row in found]


def may_decide(user: access.AnyUser, submission: Submission) -> bool:
    """Whether the user may approve or return it: by right, by its state, and as another person."""
    may = access.may(user, "approve_submission", submission)
    return may and workflow.may_start(workflow.APPROVE, submission, user)
