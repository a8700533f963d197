"""Many entries at once, ticked in a list: submit, approve, return, withdraw."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from registry.logbooks.operations import deciding
from registry.logbooks.pages.books import state_word
from registry.logbooks.pages.page import return_act, submit_act
from registry.logbooks.pages.tables import EntryTable
from registry.models import WorkflowState
from registry.rules import workflow
from registry.web.columns import Column
from registry.web.deciding import DecideManyForm, ReturnManyForm
from registry.web.lists import with_query
from registry.web.ticked import Ticked, TickedForm, TickedSubject


def _back(request: HttpRequest) -> str:
    """Return the list of the logbook as it was."""
    code = request.GET.get("logbook", "")
    return with_query(request, reverse("logbook", args=[code]) if code else reverse("logbooks"), logbook=None)


_ENTRIES = TickedSubject(
    "entry",
    (
        Column("日期", "row.happened_on"),
        Column(
            "条目",
            lambda line: str(line.row),
            url=lambda line: line.table.address.url(line.row.get_absolute_url()),
            is_sample="row.is_sample",
            is_heading=True,
            css="text",
        ),
        Column("台账", "row.logbook.name"),
        Column("单位", "row.unit.label"),
        Column("状态", lambda line: state_word(line.row.logbook, line.row.state)),
    ),
    EntryTable,
    _back,
    lambda row: (row.happened_on, row.pk),
)


def _who(job: Ticked) -> str:
    number = len(job.rows)
    return f"“{job.rows[0]}”等 {number:,} 条" if number > 1 else f"“{job.rows[0]}”"


def _may_withdraw(job: Ticked, row: Any) -> bool:
    """Whether it can be withdrawn at once: what another person has to approve is done on its page."""
    act = workflow.REVOKE if row.state == WorkflowState.APPROVED else workflow.WITHDRAW
    return row.state in act.origins and not (act is workflow.REVOKE and row.logbook.needs_approval)


submit = _ENTRIES.change(
    "submit_entry",
    "提交",
    TickedForm,
    lambda job, actor: deciding.submit_entries(actor=actor, entries=job.rows),
    sentences=lambda job: ["须审批的台账批准前不计入统计,其余提交后即计入。"],
    done=lambda job, rows: f"已提交{_who(job)}。",
    fits=lambda job, row: workflow.may_start(submit_act(row), row, job.user),
)
approve = _ENTRIES.change(
    "approve_entry",
    "批准",
    DecideManyForm,
    lambda job, actor: deciding.approve_entries(actor=actor, entries=job.rows, **job.form.arguments()),
    sentences=lambda job: ["批准后按各自的日期计入统计。"],
    done=lambda job, rows: f"已批准{_who(job)},按其日期计入统计。",
    fits=lambda job, row: workflow.may_start(workflow.APPROVE, row, job.user),
)
send_back = _ENTRIES.change(
    "return_entry",
    "退回",
    ReturnManyForm,
    lambda job, actor: deciding.return_entries(actor=actor, entries=job.rows, **job.form.arguments()),
    sentences=lambda job: ["退回后不计入统计,由录入单位修改,再次提交。"],
    done=lambda job, rows: f"已退回{_who(job)}。",
    fits=lambda job, row: workflow.may_start(return_act(row), row, job.user),
)
withdraw = _ENTRIES.change(
    "withdraw_entry",
    "撤回",
    ReturnManyForm,
    lambda job, actor: deciding.withdraw_entries(actor=actor, entries=job.rows, **job.form.arguments()),
    sentences=lambda job: [
        "撤回用于录入有误:从任何日期的统计中去掉,记录仍保留。已批准的请在各条的页面上提交撤回。"
    ],
    done=lambda job, rows: f"已撤回{_who(job)}。",
    fits=_may_withdraw,
)
