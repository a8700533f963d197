"""The pages of changes that wait for approval: the list, one with old and new, and what is done with them."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access, nouns
from registry.approvals import submissions as operations
from registry.approvals.models import Submission
from registry.approvals.photos import changed_files
from registry.approvals.tables import TONES, ListedSubmission, SubmissionTable, may_decide
from registry.models.kinds import WorkflowState
from registry.rules import workflow
from registry.web import history
from registry.web.address import address_of
from registry.web.approvers import who_approves
from registry.web.changes import Job, Subject
from registry.web.columns import Column
from registry.web.deciding import DecideManyForm, DecisionForm, ReturnManyForm
from registry.web.fields import ReasonForm, ScopedForm
from registry.web.links import row_url
from registry.web.tables import show
from registry.web.ticked import Ticked, TickedSubject, back_to

MISSING = "没有这项变更申请,或不在您的管理范围内。"


@require_safe
def submissions(request: HttpRequest) -> HttpResponse:
    """What waits for the user's decision; by a filter everything in scope."""
    return show(SubmissionTable(request))


def _found(request: HttpRequest, pk: int, verb: str = access.SEE) -> Submission:
    rows = nouns.by_key("submission").with_related().filter(pk=pk)
    row = access.visible(request.user, rows).first()
    return cast(Submission, access.need(request.user, verb, row, MISSING))


@require_safe
def submission(request: HttpRequest, pk: int) -> HttpResponse:
    """One change with what is and what would be, and what may be done with it."""
    found, address = _found(request, pk), address_of(request)
    request.current_unit = found.unit.code  # type: ignore[attr-defined]
    listed = ListedSubmission(SubmissionTable(request), found)
    about = found.organization or operations.about_of(found)
    return render(
        request,
        "approvals/submission.html",
        {
            "submission": found,
            "title": f"{listed.matter}:{found.subject}",
            "state": listed.state,
            "tone": TONES[WorkflowState(found.state)],
            "differences": operations.differences(found),
            "photos": changed_files(found),
            "facts": _facts(found),
            "about": about,
            "about_url": row_url(request.user, about, address) if about is not None else "",
            "own": workflow.OWN if workflow.is_own(request.user, found) else "",
            "waits": found.state == WorkflowState.SUBMITTED,
            "approvers": who_approves(request.user, [found] * (found.state == WorkflowState.SUBMITTED)),
            "actions": _actions(request, found),
            **history.of_page(request.user, found, address),
            "crumbs": [
                {"name": "变更审批", "url": address.url(reverse("submissions"))},
                {"name": found.subject},
            ],
        },
    )


def _facts(found: Submission) -> list[tuple[str, str]]:
    """Return label and value of who submitted and who decided it."""

    def at(moment: Any) -> str:
        return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else ""

    rows = [
        ("变更原因", found.reason),
        ("提交人", f"{found.submitted_by or ''} {at(found.submitted_at)}"),
        ("审批人", f"{found.decided_by} {at(found.decided_at)}" if found.decided_by else ""),
        ("退回原因", found.return_reason),
        ("批准的党组织", str(found.approving_organization or "")),
        ("批复文号", found.approval_number),
        ("批复日期", found.approved_on.isoformat() if found.approved_on else ""),
    ]
    return [(label, value) for label, value in rows if value.strip()]


def _actions(request: HttpRequest, found: Submission) -> list[dict[str, Any]]:
    address, made = address_of(request), list[dict[str, Any]]()

    def button(verb: str, name: str, label: str, tone: str = "") -> dict[str, Any]:
        return {"label": label, "url": address.url(reverse(name, args=[found.pk])), "tone": tone}

    if workflow.is_own(request.user, found):
        if found.state in workflow.WITHDRAW.origins:
            made.append(button("withdraw_submission", "submission_withdraw", "撤回申请"))
        if found.state in workflow.SUBMIT.origins:
            made.append(button("submit_submission", "submission_submit", "再次提交", "main"))
    if may_decide(request.user, found):
        made.append(button("return_submission", "submission_return", "退回"))
        made.append(button("approve_submission", "submission_approve", "批准", "main"))
    return made


# --- One ------------------------------------------------------------------------------------------


def _around(job: Job) -> dict[str, Any]:
    row = job.row
    return {
        "submission": row,
        "differences": operations.differences(row),
        "cancel_url": job.url(row),
        "crumbs": [
            {"name": "变更审批", "url": job.address.url(reverse("submissions"))},
            {"name": row.subject, "url": job.url(row)},
            {"name": job.title},
        ],
    }


def _sentences(job: Job, *said: str) -> list[str]:
    own = workflow.is_own(job.user, job.row)
    return [*said, *([workflow.OWN] if own else [])]


_SUBMISSION = Subject("submission", _found, _around, "approvals/confirm.html")

approve = _SUBMISSION.change(
    operations.approve_submission,
    DecisionForm,
    "批准变更",
    sentences=lambda job: _sentences(job, "批准后立即按提交的内容办理,统计数随之改变。"),
    done=lambda job, row: f"已批准并办理:{nouns.label_of(row.verb)},{row.subject}。",
)
send_back = _SUBMISSION.change(
    operations.return_submission,
    ReasonForm,
    "退回变更",
    submit_label="退回",
    sentences=lambda job: _sentences(job, "退回后仍按原内容统计,由提交人修改后再次提交。"),
    done=lambda job, row: f"已退回“{row.subject}”的变更。",
)
submit_again = _SUBMISSION.change(
    operations.submit_submission,
    ScopedForm,
    "再次提交",
    sentences=lambda job: ["内容不变,再次提交审批。要改内容的,请到组织页面重新办理:表单里是上次填写的内容。"],
    done=lambda job, row: f"已再次提交“{row.subject}”的变更。",
)
withdraw = _SUBMISSION.change(
    operations.withdraw_submission,
    ReasonForm,
    "撤回变更申请",
    submit_label="撤回申请",
    sentences=lambda job: ["撤回后这项变更不再办理,组织仍是原来的内容。"],
    done=lambda job, row: f"已撤回“{row.subject}”的变更申请。",
)


# --- Many -----------------------------------------------------------------------------------------


def _line(line: Any) -> ListedSubmission:
    return ListedSubmission(line.table, line.row)


_SUBMISSIONS = TickedSubject(
    "submission",
    (
        Column(
            "组织",
            lambda line: line.row.subject,
            url=lambda line: _line(line).url,
            css="text",
            is_heading=True,
        ),
        Column("事项", lambda line: _line(line).matter),
        Column("变更内容", lambda line: _line(line).change, css="text"),
        Column("提交人", lambda line: str(line.row.submitted_by or "")),
    ),
    SubmissionTable,
    back_to("submissions"),
    lambda row: row.pk,
)


def _fits(job: Ticked, row: Submission) -> bool:
    return workflow.may_start(workflow.APPROVE, row, job.user)


approve_many = _SUBMISSIONS.change(
    "approve_submission",
    "批准变更",
    DecideManyForm,
    lambda job, actor: operations.approve_submissions(
        actor=actor, submissions=job.rows, **job.form.arguments()
    ),
    sentences=lambda job: ["批准后立即按提交的内容办理,统计数随之改变。"],
    done=lambda job, rows: f"已批准并办理 {len(rows):,} 项变更。",
    fits=_fits,
)
return_many = _SUBMISSIONS.change(
    "return_submission",
    "退回变更",
    ReturnManyForm,
    lambda job, actor: operations.return_submissions(
        actor=actor, submissions=job.rows, **job.form.arguments()
    ),
    sentences=lambda job: ["退回后仍按原内容统计,由提交人修改后再次提交。"],
    done=lambda job, rows: f"已退回 {len(rows):,} 项变更。",
    fits=_fits,
)
