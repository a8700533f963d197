"""What is done with an organization: register, edit, move, transfer, dissolve, withdraw, approve."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_safe

from registry import access
from registry.counting.metrics import METRICS, ORGANIZATION_METRICS, OrganizationMetric
from registry.counting.rollup import rollup
from registry.models import Basis, Campaign, Organization, OrganizationKind, Unit, WorkflowState
from registry.models.base import on_day
from registry.models.kinds import PARTY_KINDS
from registry.operations import organizations as operations
from registry.pages.organizations import forms
from registry.refusals import OperationRefused
from registry.web.address import Address, actor_of, address_of
from registry.web.changes import change, fingerprint, posted
from registry.web.fields import DayField

changes_something = require_http_methods(["GET", "HEAD", "POST"])
CONFIRM = "organizations/confirm.html"
FORM = "organizations/form.html"


@changes_something
def register(request: HttpRequest, code: str) -> HttpResponse:
    """Register an organization at a unit, with its secretary and members: everything or nothing."""
    unit = access.get_unit(request.user, code, "establish_organization")
    request.current_unit = unit.code  # type: ignore[attr-defined]
    address = address_of(request)
    may_approve = access.may(request.user, "approve_organization", unit)
    form = forms.RegisterForm(
        posted(request), user=request.user, unit=unit, initial=_first_values(request, unit, address)
    )
    is_draft = request.POST.get("save_as") == "draft"
    state = _first_state(may_approve=may_approve, is_draft=is_draft)
    context = {
        "unit": unit,
        "crumbs": unit_crumbs(unit, address, "登记组织"),
        "cancel_url": address.url(unit.get_absolute_url()),
        "submit_label": "登记" if may_approve else "提交审批",
        "suggested": _suggested(request, form),
    }
    return change(
        request,
        form,
        lambda: operations.establish_organization(
            actor=actor_of(request), state=state, **form.facts_to_save()
        ),
        done=lambda made: _registered(made, len(form.cleaned_data["placed"]), address),
        back=lambda made: address.url(made.get_absolute_url()),
        template="organizations/register.html",
        context=context,
        warn=form.warnings,
    )


@require_safe
def suggest(request: HttpRequest, code: str) -> HttpResponse:
    """Answer the register form's htmx: name, code and superior anew, but for what the user typed."""
    unit = access.get_unit(request.user, code, "establish_organization")
    typed = request.GET
    kind, is_temporary = _kind_of(typed.get("kind", ""), is_standing="is_standing" in typed)
    day = _day(typed.get("established_on", ""), address_of(request).as_of)
    new = forms.suggestion(request.user, unit, kind, is_temporary, day)
    proposed = {"name": new.name, "code": new.code, "parent": new.parent.code if new.parent else ""}
    initial: dict[str, Any] = {"kind": kind}
    for field, value in proposed.items():
        mine = typed.get(field, "").strip()
        untouched = mine in ("", typed.get(f"suggested_{field}", ""))
        if field == "parent" and not mine and typed.get("suggested_parent"):
            untouched = False  # taken off by hand
        initial[field] = value if untouched else mine
    form = forms.RegisterForm(user=request.user, unit=unit, initial=initial)
    return render(request, "organizations/_suggested.html", {"form": form, "suggested": proposed})


@changes_something
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """Change plain facts; the second of two people who do so at once sees both values."""
    organization, address = _at_hand(request, code, "edit_organization")
    form = forms.EditForm(posted(request), user=request.user, organization=organization)
    return _change(
        request,
        organization,
        form,
        lambda: operations.edit_organization(
            actor=actor_of(request),
            organization=organization,
            changes=form.changes(),
            version=form.cleaned_data["version"],
            reason=form.cleaned_data["reason"],
        ),
        done=lambda row: _done("已保存“%(name)s”的修改。", row, address),
        template=FORM,
        title="编辑组织",
    )


@changes_something
def move(request: HttpRequest, code: str) -> HttpResponse:
    """Put the organization under another superior on the Party line."""
    organization, address = _at_hand(request, code, "move_organization")
    form = forms.MoveForm(posted(request), user=request.user, organization=organization)
    above = organization.parent.name if organization.parent else "无"
    return _change(
        request,
        organization,
        form,
        lambda: operations.move_organization(
            actor=actor_of(request),
            organization=organization,
            parent=form.cleaned_data["parent"],
            reason=form.cleaned_data["reason"],
        ),
        done=lambda row: _done(
            "“%(name)s”的上级组织已改为%(parent)s。",
            row,
            address,
            parent=f"“{row.parent.name}”" if row.parent else "无",
        ),
        title="调整上级组织",
        sentences=[
            f"现在的上级组织:{above}。",
            "下级组织随同调整;所在单位不变。",
        ],
        submit_label="调整上级组织",
    )


@changes_something
def transfer(request: HttpRequest, code: str) -> HttpResponse:
    """Let the organization stand at another host unit from a day on."""
    organization, address = _at_hand(request, code, "transfer_organization")
    form = forms.TransferForm(posted(request), user=request.user, initial={"on": address.as_of})
    return _change(
        request,
        organization,
        form,
        lambda: operations.transfer_organization(
            actor=actor_of(request),
            organization=organization,
            unit=form.cleaned_data["unit"],
            on=form.cleaned_data["on"],
            reason=form.cleaned_data["reason"],
        ),
        done=lambda row: _done(
            "“%(name)s”自 %(on)s 起转到%(unit)s。",
            row,
            address,
            on=form.cleaned_data["on"].isoformat(),
            unit=row.unit.name,
        ),
        title="转隶到其他单位",
        sentences=[
            f"现在所在单位:{organization.unit.name}。",
            "上级组织和人员编入不变。",
        ],
        submit_label="转隶",
    )


@changes_something
def dissolve(request: HttpRequest, code: str) -> HttpResponse:
    """Dissolve with all below it, after saying what ends."""
    organization, address = _at_hand(request, code, "dissolve_organization")
    day = _day(request.POST.get("on", ""), address.as_of)
    sentences, below = _dissolution(request, organization, day)
    mark = fingerprint(sentences)
    form = forms.DissolveForm(
        posted(request), user=request.user, initial={"on": address.as_of, "planned": mark}
    )
    return _change(
        request,
        organization,
        form,
        lambda: operations.dissolve_organization(
            actor=actor_of(request),
            organization=organization,
            on=form.cleaned_data["on"],
            document_number=form.cleaned_data["document_number"],
            reason=form.cleaned_data["reason"],
        ),
        done=lambda plan: _done(
            "已撤销“%(name)s”等 %(n)d 个组织,结束 %(m)d 人次编入。",
            organization,
            address,
            n=len(plan.organizations),
            m=plan.assignments,
        ),
        title="撤销组织",
        sentences=sentences,
        below=below,
        submit_label="撤销该组织",
        warn=lambda: [] if form.cleaned_data["planned"] == mark else sentences,
    )


@changes_something
def withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """Take back an entry made by mistake."""
    organization, address = _at_hand(request, code, "withdraw_organization")
    form = forms.ReasonForm(posted(request), user=request.user)
    return _change(
        request,
        organization,
        form,
        lambda: operations.withdraw_organization(
            actor=actor_of(request),
            organization=organization,
            reason=form.cleaned_data["reason"],
        ),
        done=lambda row: _done("已撤回“%(name)s”,它不再计入任何日期的统计,记录仍保留。", row, address),
        title="撤回误录的组织",
        sentences=[
            "撤回用于录入有误:该组织从任何日期的统计中去掉,记录仍保留,不能恢复。",
            "任务结束请用“撤销”。",
        ],
        submit_label="撤回该组织",
    )


@changes_something
def submit(request: HttpRequest, code: str) -> HttpResponse:
    """Submit a draft or returned entry for approval."""
    organization, address = _at_hand(request, code, "submit_organization")
    form = forms.PlainForm(posted(request), user=request.user)
    return _change(
        request,
        organization,
        form,
        lambda: operations.submit_organization(actor=actor_of(request), organization=organization),
        done=lambda row: _done("已提交“%(name)s”,批准前不计入统计。", row, address),
        title="提交审批",
        sentences=["提交后由上级审批,批准前不计入统计。"],
        submit_label="提交审批",
    )


@changes_something
def approve(request: HttpRequest, code: str) -> HttpResponse:
    """Approve what was submitted; from now on it counts."""
    organization, address = _at_hand(request, code, "approve_organization")
    form = forms.ApproveForm(
        posted(request),
        user=request.user,
        initial={"approval_number": organization.approval_number},
    )
    return _change(
        request,
        organization,
        form,
        lambda: operations.approve_organization(
            actor=actor_of(request),
            organization=organization,
            approval_number=form.cleaned_data["approval_number"],
        ),
        done=lambda row: _done("已批准“%(name)s”,按其日期计入统计。", row, address),
        title="批准",
        sentences=[f"批准后按成立日期 {organization.established_on.isoformat()} 起计入统计。"],
        submit_label="批准",
    )


@changes_something
def send_back(request: HttpRequest, code: str) -> HttpResponse:
    """Return what was submitted, with a reason."""
    organization, address = _at_hand(request, code, "return_organization")
    form = forms.ReasonForm(posted(request), user=request.user)
    return _change(
        request,
        organization,
        form,
        lambda: operations.return_organization(
            actor=actor_of(request), organization=organization, reason=form.cleaned_data["reason"]
        ),
        done=lambda row: _done("已退回“%(name)s”。", row, address),
        title="退回",
        sentences=["退回后由录入单位修改,再次提交。"],
        submit_label="退回",
    )


def unit_crumbs(unit: Unit, address: Address, here: str) -> list[dict[str, str]]:
    """Return the path of a page about a unit."""
    return [{"name": unit.label, "url": address.url(unit.get_absolute_url())}, {"name": here}]


def _at_hand(request: HttpRequest, code: str, verb: str) -> tuple[Organization, Address]:
    organization = access.get_organization(request.user, code, verb)
    request.current_unit = organization.unit.code  # type: ignore[attr-defined]
    return organization, address_of(request)


def _change(
    request: HttpRequest,
    organization: Organization,
    form: Any,
    act: Callable[[], Any],
    *,
    done: Callable[[Any], SafeString],
    title: str,
    template: str = CONFIRM,
    warn: Callable[[], list[str]] | None = None,
    **context: Any,
) -> HttpResponse:
    """Change one organization and go back to its page, or to the unit's when it is out of reach now."""
    address = address_of(request)
    page = address.url(organization.get_absolute_url())

    def back(_result: object) -> str:
        host = Unit.objects.get(organizations__pk=organization.pk)
        return (
            page
            if access.may(request.user, access.SEE, host)
            else address.url(organization.unit.get_absolute_url())
        )

    crumbs = [
        *unit_crumbs(organization.unit, address, organization.name)[:1],
        {"name": organization.name, "url": page},
        {"name": title},
    ]
    shown = {"organization": organization, "title": title, "crumbs": crumbs, "cancel_url": page, **context}
    return change(request, form, act, done=done, back=back, template=template, context=shown, warn=warn)


def _done(said: str, organization: Organization, address: Address, /, **words: Any) -> SafeString:
    """Return the line that says what changed, with the way to the unit's page."""
    return format_html(
        '{} <a href="{}">{}</a>',
        said % {"name": organization.name, **words},
        address.url(organization.unit.get_absolute_url()),
        f"查看{organization.unit.label}",
    )


def _first_state(*, may_approve: bool, is_draft: bool) -> str:
    if is_draft:
        return WorkflowState.DRAFT.value
    return WorkflowState.APPROVED.value if may_approve else WorkflowState.SUBMITTED.value


def _kind_of(kind: str, *, is_standing: bool = False) -> tuple[str, bool]:
    if kind not in OrganizationKind.values:
        kind = OrganizationKind.BRANCH.value
    return kind, kind in PARTY_KINDS and not is_standing


def _day(text: str, otherwise: date) -> date:
    try:
        return DayField(required=False).clean(text) or otherwise
    except ValidationError:
        return otherwise


def _first_values(request: HttpRequest, unit: Unit, address: Address) -> dict[str, Any]:
    kind, is_temporary = _kind_of(request.GET.get("kind", ""))
    if request.method == "POST":
        return {"kind": kind}
    new = forms.suggestion(request.user, unit, kind, is_temporary, address.as_of)
    campaign = address.question.campaign or _only_campaign(address.as_of)
    return {
        "kind": kind,
        "established_on": address.as_of,
        "campaign": campaign.code if campaign else None,
        "name": new.name,
        "code": new.code,
        "parent": new.parent,
    }


def _only_campaign(day: date) -> Campaign | None:
    """Return the campaign that goes on, when it is the only one on the day."""
    going_on = list(Campaign.objects.filter(on_day(day))[:2])
    return going_on[0] if len(going_on) == 1 else None


def _suggested(request: HttpRequest, form: forms.RegisterForm) -> dict[str, str]:
    """Return what was last suggested, so that what the user typed can be told from it."""
    if request.method == "POST":
        return {name: request.POST.get(f"suggested_{name}", "") for name in form.suggested}
    parent = form.initial.get("parent")
    return {
        "name": form.initial.get("name", ""),
        "code": form.initial.get("code", ""),
        "parent": parent.code if parent else "",
    }


def metric_of(organization: Organization) -> OrganizationMetric:
    """Return the metric that a new organization makes grow: Party organizations together, others by kind."""
    together = METRICS["temporary_party_orgs"]
    fitting = [
        metric
        for metric in (together, *ORGANIZATION_METRICS)
        if isinstance(metric, OrganizationMetric)
        and metric.includes(organization.kind, organization.is_temporary)
    ]
    return fitting[0] if fitting else ORGANIZATION_METRICS[0]


def _registered(made: Organization, placed: int, address: Address) -> SafeString:
    """Say what was registered, and what the unit counts now."""
    unit = made.unit
    said = f"已登记“{made.name}”,编入 {placed} 人。"
    if made.state != WorkflowState.APPROVED:
        state = WorkflowState(made.state).label
        said += f"状态为“{state}”,批准前不计入统计。"
        return _done("%(said)s", made, address, said=said)
    question, day = address.question, made.established_on
    if day > question.as_of:
        question = question.on(day)
    metric = metric_of(made)
    number = rollup(unit, question, children=False).total.counts[metric.slug]
    said += f"{unit.label}{Basis(question.basis).label}{metric.label} {number} {metric.measure}。"
    url = address.url(
        reverse("unit", args=[unit.code]),
        as_of=None if question.as_of == address.today else question.as_of.isoformat(),
    )
    return format_html('{} <a href="{}">{}</a>', said, url, f"返回{unit.label}")


def _dissolution(
    request: HttpRequest, organization: Organization, day: date
) -> tuple[list[str], list[Organization]]:
    """Return what dissolving would end, in sentences, and the organizations below."""
    try:
        plan = operations.plan_dissolution(actor=actor_of(request), organization=organization, on=day)
    except OperationRefused as refusal:
        return [message for messages in refusal.message_dict.values() for message in messages], []
    below = list(plan.subordinates)
    said = f"自 {day.isoformat()} 起撤销“{organization.name}”,结束 {plan.assignments} 人次编入。"
    if not below:
        return [said, "没有下级组织。"], below
    return [said, f"同日一并撤销下级组织 {len(below)} 个。"], below
