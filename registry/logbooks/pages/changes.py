"""What is done with one entry: mend, take a step, submit, approve, return, withdraw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from registry import access
from registry.audit import Actor
from registry.files import album
from registry.files.receiving import take_in
from registry.logbooks import steps, walls
from registry.logbooks.design import OF_FILES, Step
from registry.logbooks.models import Entry
from registry.logbooks.operations import deciding, entries
from registry.logbooks.operations.kept import people_of, python_values
from registry.logbooks.operations.parts import design_at
from registry.logbooks.pages.forms import PREFIX, EntryForm, StepForm, initial_of
from registry.logbooks.rules import FIXED
from registry.models import WorkflowState
from registry.operations.submitting import returned
from registry.rules import workflow
from registry.rules.findings import warnings
from registry.web.address import actor_of, address_of
from registry.web.changes import Job, Subject, change, changes_something, posted
from registry.web.deciding import DecisionForm
from registry.web.fields import ReasonForm, ScopedForm


def at_hand(request: HttpRequest, code: str, verb: str) -> Entry:
    """Return an entry for who may do the verb; its unit is the one of the page."""
    found: Entry = access.get_row(request.user, "entry", code, verb)
    request.current_unit = found.unit.code  # type: ignore[attr-defined]
    return found


def around(job: Job) -> dict[str, Any]:
    """Return what a page about an entry shows beside its form."""
    row, url = job.row, job.url(job.row)
    return {
        "entry": row,
        "cancel_url": url,
        "crumbs": [
            {"name": "工作台账", "url": job.address.url(reverse("logbooks"))},
            {"name": row.logbook.name, "url": job.url(row.logbook)},
            {"name": str(row), "url": url},
            {"name": job.title},
        ],
    }


_ENTRY = Subject("entry", at_hand, around, "logbooks/confirm.html")


def _sentences(job: Job, *said: str) -> list[str]:
    own = job.row.logbook.needs_approval and workflow.is_own(job.user, job.row)
    return [*said, *([workflow.OWN] if own else [])]


def _approved_first(row: Entry) -> list[str]:
    """Say before anything is typed that another person has to approve it."""
    is_approved = row.state == WorkflowState.APPROVED and row.logbook.needs_approval
    return ["这一条已批准:提交后须由另一人批准,批准前仍按原内容统计。"] if is_approved else []


class EntryDecisionForm(DecisionForm):
    """The document of the approval of an entry."""

    def about(self, row: Any) -> Any:
        """Return the organization that it is about, if any."""
        return row.organization


def submit_entry(*, actor: Actor, entry: Entry) -> Entry:
    """Submit one draft or what came back."""
    return deciding.submit_entries(actor=actor, entries=[entry])[0]


def approve_entry(*, actor: Actor, entry: Entry, **given: Any) -> Entry:
    """Approve one entry."""
    return deciding.approve_entries(actor=actor, entries=[entry], **given)[0]


def return_entry(*, actor: Actor, entry: Entry, reason: str) -> Entry:
    """Send one entry back."""
    return deciding.return_entries(actor=actor, entries=[entry], reason=reason)[0]


def _submitted(row: Entry) -> str:
    if row.logbook.needs_approval:
        return f"已提交“{row}”,批准前不计入统计。"
    return f"已提交“{row}”,计入统计。"


submit = _ENTRY.change(
    submit_entry,
    ScopedForm,
    "提交",
    sentences=lambda job: [
        "提交后由上级审批,批准前不计入统计。" if job.row.logbook.needs_approval else "提交后计入统计。"
    ],
    done=lambda job, row: _submitted(row),
)
approve = _ENTRY.change(
    approve_entry,
    EntryDecisionForm,
    "批准",
    sentences=lambda job: _sentences(job, f"批准后按 {job.row.happened_on} 计入统计。"),
    done=lambda job, row: f"已批准“{row}”,按其日期计入统计。",
)
send_back = _ENTRY.change(
    return_entry,
    ReasonForm,
    "退回",
    sentences=lambda job: _sentences(job, "退回后不计入统计,由录入单位修改,再次提交。"),
    done=lambda job, row: f"已退回“{row}”。",
)
withdraw = _ENTRY.change(
    deciding.withdraw_entry,
    ReasonForm,
    "撤回这一条",
    submit_label="撤回",
    sentences=lambda job: [
        "撤回用于录入有误:这一条从任何日期的统计中去掉,记录仍保留。",
        *_approved_first(job.row),
    ],
    done=lambda job, row: f"已撤回“{row}”,它不再计入任何日期的统计。",
)


# --- A step -----------------------------------------------------------------------------------------


def _step_of(request: HttpRequest, row: Entry) -> Step:
    key = request.POST.get("step") or request.GET.get("step", "")
    found = design_at(row.logbook, row.unit).step_by_key.get(key)
    if found is None:
        raise Http404("本台账没有这个步骤。")
    return found


@changes_something
def step(request: HttpRequest, code: str) -> HttpResponse:
    """Take an entry to the step that the address names, on a day; later than its hours is warned about."""
    row = at_hand(request, code, "step_entry")
    to, address = _step_of(request, row), address_of(request)
    form = StepForm(
        posted(request), user=request.user, row=row, initial={"step": to.key, "on": address.as_of}
    )
    form.need(to)
    reached = list(row.steps.all())

    def late() -> Sequence[str]:
        sent = form.cleaned_data
        design = design_at(row.logbook, row.unit)
        return warnings(steps.step_hints([steps.Stepping(row, design, to, reached, sent["on"], sent["at"])]))

    job = Job(request, row, to.label)
    hours = [f"应在上一步后 {to.hours} 小时内。"] if to.hours is not None else []
    last = [f"上一步:{each.reached_on:%Y-%m-%d}。" for each in reached[-1:]]
    return change(
        request,
        form,
        lambda: deciding.step_entry(actor=actor_of(request), entry=row, **form.arguments()),
        done=lambda made: f"“{made}”已办理“{to.label}”。",
        back=job.url(row),
        template="logbooks/confirm.html",
        context={**around(job), "title": to.label, "submit_label": to.label, "sentences": [*last, *hours]},
        warn=late,
        on=[row],
    )


# --- Mending ----------------------------------------------------------------------------------------


@changes_something
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """Change what an entry says: of an approved one it is submitted for another person to approve."""
    row = at_hand(request, code, "edit_entry")
    if not walls.may_read(request.user, row):
        messages.warning(request, "这是限阅台账,内容由经办人修改。")
        return HttpResponseRedirect(address_of(request).url(row.get_absolute_url()))
    people = people_of(request.user, row)
    if request.method == "POST":
        take_in(request)
    data = posted(request)
    design = design_at(row.logbook, row.unit)
    values = python_values(row, design, people)
    held = {
        f"{PREFIX}{each.key}": album.files_of(row, each.key) for each in design.asked if each.type in OF_FILES
    }
    initial = {
        "happened_on": row.happened_on,
        "unit": row.unit,
        "organization": row.organization,
        "person": row.person,
        "campaign": row.campaign.code if row.campaign is not None else None,
        "campaign_row": row.campaign,
        **initial_of(values, design),
        **held,
    }
    if back := returned(request.user, "edit_entry", row):
        initial |= {**initial_of(back.filled, design), **{k: v for k, v in back.filled.items() if k in FIXED}}
        campaign = initial["campaign"]
        initial["campaign"] = getattr(campaign, "code", campaign)
    form = EntryForm(
        data, user=request.user, row=row, logbook=row.logbook, design=design, is_new=False, initial=initial
    )
    job = Job(request, row, "修改")
    return change(
        request,
        form,
        lambda: entries.edit_entry(actor=actor_of(request), entry=row, **form.arguments()),
        done=lambda made: f"已保存“{made}”的修改。",
        back=job.url(row),
        template="logbooks/edit.html",
        context={
            **around(job),
            "title": "修改",
            "submit_label": "保存",
            "sentences": _approved_first(row),
            "returned": back,
        },
    )
