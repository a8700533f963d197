"""The pages of what one manager proposed and another confirms."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry.accounts import proposals as waiting
from registry.accounts.tables import require_manager
from registry.accounts.users import proposal_lines, show_password
from registry.models import Proposal, User
from registry.web.address import address_of
from registry.web.changes import Job, Subject
from registry.web.fields import ReasonForm, ScopedForm


@require_safe
def proposals(request: HttpRequest) -> HttpResponse:
    """What waits for a second manager where the user manages."""
    require_manager(request.user)
    return render(
        request,
        "accounts/users/proposals.html",
        {"lines": proposal_lines(request), "crumbs": _crumbs(request), "days": waiting.DAYS},
    )


def _crumbs(request: HttpRequest) -> list[dict[str, str]]:
    users = address_of(request).url(reverse("users"))
    return [{"name": "用户", "url": users}, {"name": "待确认", "url": ""}]


def _found(request: HttpRequest, pk: int, verb: str) -> Proposal:
    """Return a proposal that waits where the user manages; to confirm it, one of somebody else."""
    require_manager(request.user)
    found = waiting.seen(request.user).filter(pk=pk).first()
    is_own = found is not None and request.user.pk == found.user_id
    if (
        found is None
        or is_own
        or (verb == "confirm_proposal" and not waiting.may_confirm(request.user, found))
    ):
        raise Http404("没有这件待确认的事项:可能已经办理或过期,或须由另一位管理员办理。")
    return found


def _around(job: Job) -> dict[str, Any]:
    return {
        "account": job.row.user or User(username=job.row.facts.get("username", "")),
        "crumbs": _crumbs(job.request),
        "cancel_url": job.address.url(reverse("proposals")),
    }


def _confirmed(job: Job, result: Any) -> str | HttpResponse:
    """Go back to the list, or show the second half of a password."""
    if isinstance(result, tuple):
        return show_password(job.request, *result, is_new=True, is_half=True)
    if isinstance(result, str):
        return show_password(job.request, job.row.user, result, is_half=True)
    return job.address.url(reverse("proposals"))


_PROPOSAL = Subject("proposal", _found, _around, "accounts/users/confirm.html")

confirm = _PROPOSAL.change(
    waiting.confirm_proposal,
    ScopedForm,
    "确认账号事项",
    submit_label="确认并办理",
    sentences=lambda job: [
        f"{waiting.described([job.row])[0]}。",
        f"由“{job.row.proposed_by}”于 {job.row.proposed_at.astimezone():%Y-%m-%d %H:%M} 提出。",
        "请先向提出人和本人核实;确认后立即生效,记录中写明提出人和确认人。",
    ],
    done=lambda job, result: f"已确认并办理:{waiting.described([job.row])[0]}。",
    back=_confirmed,
)
drop = _PROPOSAL.change(
    waiting.drop_proposal,
    ReasonForm,
    "撤下账号事项",
    submit_label="撤下",
    sentences=lambda job: [f"{waiting.described([job.row])[0]}。", "撤下后这件事不再办理,可以重新提出。"],
    done=lambda job, result: "已撤下,没有办理。",
)
