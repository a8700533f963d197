"""What is done with a campaign: start, edit, take back the end; it is closed by ``registry.closings``."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from registry import access
from registry.models import Campaign
from registry.operations import campaigns as operations
from registry.pages.campaigns import forms
from registry.web.address import actor_of, address_of
from registry.web.changes import Job, Subject, change, changes_something, posted
from registry.web.fields import ReasonForm

FORM = "pages/campaigns/form.html"


@changes_something
def start(request: HttpRequest) -> HttpResponse:
    """Start a campaign at a unit where the user may."""
    access.need_somewhere(request.user, "start_campaign")
    address = address_of(request)
    lead_unit = access.only_unit(request.user, "start_campaign")
    initial = {"lead_unit": lead_unit, "started_on": address.as_of}
    form = forms.StartForm(posted(request), user=request.user, initial=initial)
    all_url = address.url(reverse("campaigns"))
    return change(
        request,
        form,
        lambda: operations.start_campaign(actor=actor_of(request), **form.arguments()),
        done=lambda made: format_html(
            "已启动“{}”。在单位页登记组织时选用它,也可先在页面上方选定。", made.name
        ),
        back=lambda made: address.url(made.get_absolute_url()),
        template=FORM,
        context={
            "title": "启动专项任务",
            "submit_label": "启动",
            "cancel_url": all_url,
            "crumbs": [{"name": "专项任务", "url": all_url}, {"name": "启动专项任务"}],
        },
        warn=form.warnings,
    )


def _at_hand(request: HttpRequest, code: str, verb: str) -> Campaign:
    campaign: Campaign = access.get_row(request.user, "campaign", code, verb)
    return campaign


def _around(job: Job) -> dict[str, Any]:
    page = job.url(job.row)
    crumbs = [
        {"name": "专项任务", "url": job.address.url(reverse("campaigns"))},
        {"name": job.row.name, "url": page},
        {"name": job.title},
    ]
    return {"campaign": job.row, "crumbs": crumbs, "cancel_url": page}


_CAMPAIGN = Subject("campaign", _at_hand, _around, "pages/campaigns/confirm.html")


edit = _CAMPAIGN.change(
    operations.edit_campaign,
    forms.EditForm,
    "修改专项任务",
    submit_label="保存",
    done=lambda job, row: f"已保存“{row.name}”的修改。",
    template=FORM,
)
reopen = _CAMPAIGN.change(
    operations.reopen_campaign,
    ReasonForm,
    "恢复专项任务",
    sentences=lambda job: [
        f"撤回 {job.row.ended_on} 的结束:本任务继续进行,可以再在其中成立组织、编入人员。"
        if job.row.ended_on
        else "该专项任务还没有结束。"
    ],
    done=lambda job, row: f"已恢复“{row.name}”,任务继续进行。",
)
