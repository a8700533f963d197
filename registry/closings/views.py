"""The page on which a campaign is closed and reopened, how far that is, and the lists behind its numbers."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access
from registry.closings import operations
from registry.closings.extent import Extent
from registry.closings.forms import CloseForm, DayForm, ReturnForm
from registry.closings.models import UNDER_WAY, Closing, ClosingState
from registry.closings.page import Consequences, panel_of, preview, sentences
from registry.closings.rules import reopening_refusals
from registry.closings.tables import (
    ClosingAssignments,
    ClosingHomes,
    ClosingOrganizations,
    day_of,
    last_closing,
)
from registry.models import Campaign
from registry.web.address import address_of
from registry.web.changes import Job, Subject, changes_something
from registry.web.fields import ReasonForm, ScopedForm
from registry.web.tables import show


def _campaign(request: HttpRequest, code: str, verb: str) -> Campaign:
    campaign: Campaign = access.get_row(request.user, "campaign", code, verb)
    return campaign


def _closing(request: HttpRequest, code: str, verb: str) -> Closing:
    """Return the newest closing of a campaign that the user may do this with."""
    closing = last_closing(_campaign(request, code, verb))
    if closing is None:
        raise Http404("该专项任务没有办理过结束。")
    return closing


def _crumbs(job: Job, campaign: Campaign) -> dict[str, Any]:
    page = job.url(campaign)
    crumbs = [
        {"name": "专项任务", "url": job.address.url(reverse("campaigns"))},
        {"name": campaign.name, "url": page},
        {"name": job.title},
    ]
    return {"campaign": campaign, "crumbs": crumbs, "cancel_url": page}


def _extent(job: Job) -> Extent:
    """Return what is ended on the day of the page; worked out once for each request."""
    known: Extent | None = getattr(job, "extent", None)
    if known is None:
        known = Extent(job.row, day_of(job.request, job.address), job.user)
        job.extent = known  # type: ignore[attr-defined]
    return known


_CAMPAIGN = Subject("campaign", _campaign, lambda job: _crumbs(job, job.row), "closings/close.html")
_CLOSING = Subject(
    "closing", _closing, lambda job: _crumbs(job, job.row.campaign), "pages/campaigns/confirm.html"
)


def _preview(job: Job) -> dict[str, Any]:
    extent = _extent(job)
    day_form = DayForm(user=job.user, initial={"on": extent.on}, auto_id="day_%s")
    return {**preview(extent, job.address), "day_form": day_form, "day": extent.on}


def _closed(job: Job, closing: Closing) -> str:
    if closing.state != ClosingState.CLOSED:
        return f"已提交结束“{closing.campaign.name}”,由后台办理;办完之前,各页仍是结束前的数。"
    last = closing.last_day
    assert last is not None
    return (
        f"“{closing.campaign.name}”自 {closing.on} 起结束:撤销组织 {closing.organizations:,} 个,"
        f"结束编入 {closing.assignments:,} 人次。{last.month}月{last.day}日 24:00 前可以在本页整体恢复。"
    )


_close = _CAMPAIGN.change(
    operations.close_campaign,
    CloseForm,
    "结束专项任务",
    submit_label="全部结束",
    sentences=lambda job: sentences(_extent(job)),
    initial=lambda job: {"on": _extent(job).on},
    context=_preview,
    done=_closed,
)


@changes_something
def close(request: HttpRequest, code: str) -> HttpResponse:
    """Every consequence of closing the campaign on a day, and the act; once it is closed, to its page."""
    campaign = _campaign(request, code, "close_campaign")
    closing = last_closing(campaign)
    if campaign.ended_on is not None or (closing is not None and closing.state in UNDER_WAY):
        return HttpResponseRedirect(address_of(request).url(campaign.get_absolute_url()))
    return _close(request, code=code)


settle = _CAMPAIGN.change(
    operations.settle_pending,
    ReturnForm,
    "退回全部待审批的事项",
    submit_label="全部退回",
    verb="close_campaign",
    sentences=lambda job: [
        f"“{job.row.name}”中{_waiting(job)}全部退回:新组织不计入统计,变更不办理。",
        "草稿和您自己提交的不能由您退回,改为撤回。要批准其中一些的,请先在名单中批准。",
    ],
    initial=lambda job: {"on": _extent(job).on},
    context=lambda job: {"cancel_url": _page_of(job)},
    done=lambda job, numbers: f"已退回 {numbers[0]:,} 件待审批的事项,撤回 {numbers[1]:,} 件。",
    template="pages/campaigns/confirm.html",
    back=lambda job, numbers: _page_of(job),
)


def _waiting(job: Job) -> str:
    """Say how much waits for a decision."""
    waits = Consequences(_extent(job), job.address).waiting()
    return "、".join(f"{each.label} {each.number:,} {each.measure}" for each in waits) or "没有待审批的事项,"


def _page_of(job: Job) -> str:
    on = _extent(job).on.isoformat()
    return job.address.url(reverse("campaign_close", args=[job.row.code]), on=on)


def _back(job: Job) -> list[str]:
    closing: Closing = job.row
    if not closing.may_be_reopened:
        return ["整体恢复的期限已过,或已经恢复;请按平常的办法办理。"]
    said = [
        f"恢复“{closing.campaign.name}”:撤销的组织 {closing.organizations:,} 个全部恢复,"
        f"结束的编入 {closing.assignments:,} 人次全部恢复,和结束之前一样。"
    ]
    return said + [finding.message for finding in reopening_refusals(closing)]


reopen = _CLOSING.change(
    operations.reopen_closing,
    ReasonForm,
    "恢复任务和组织",
    submit_label="全部恢复",
    sentences=_back,
    done=lambda job, closing: (
        f"已恢复“{closing.campaign.name}”:组织 {closing.organizations:,} 个、"
        f"编入 {closing.assignments:,} 人次都和结束之前一样。"
        if closing.state == ClosingState.REOPENED
        else f"已提交恢复“{closing.campaign.name}”,由后台办理。"
    ),
)
cancel = _CLOSING.change(
    operations.cancel_closing,
    ScopedForm,
    "取消办理",
    submit_label="取消办理",
    sentences=lambda job: ["还没有办完的就此作罢,什么都不改变。"],
    done=lambda job, closing: "已取消,什么都没有改变。",
)


@require_safe
def progress(request: HttpRequest, code: str) -> HttpResponse:
    """Answer htmx how far it is; when it is done, have the whole page loaded again."""
    campaign: Campaign = access.get_row(request.user, "campaign", code)
    panel = panel_of(request.user, campaign, address_of(request))
    if panel is None:
        raise Http404("该专项任务没有办理过结束。")
    context = {"closing": panel.closing, "closing_panel": panel}
    response = render(request, "closings/_progress.html", context)
    if not panel.closing.is_under_way:
        response.headers["HX-Refresh"] = "true"
    return response


@require_safe
def organizations(request: HttpRequest, code: str) -> HttpResponse:
    """The organizations that are dissolved, or pending."""
    return show(ClosingOrganizations(request, code))


@require_safe
def assignments(request: HttpRequest, code: str) -> HttpResponse:
    """The assignments that end."""
    return show(ClosingAssignments(request, code))


@require_safe
def homes(request: HttpRequest, code: str) -> HttpResponse:
    """The home branches of who served."""
    return show(ClosingHomes(request, code))
