"""What is done with an organization: register, edit, move, transfer, dissolve, withdraw, approve."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from registry import access
from registry.models import Organization, OrganizationKind, Unit, WorkflowState
from registry.models.kinds import PARTY_KINDS
from registry.operations import approving, seen
from registry.operations import covering as covering_operations
from registry.operations import organizations as operations
from registry.pages.organizations import forms
from registry.pages.organizations.copying import copied
from registry.refusals import OperationRefused
from registry.rules import covering, workflow
from registry.rules import organizations as rules
from registry.rules.findings import warnings
from registry.web.address import Address, actor_of, address_of
from registry.web.campaigns import campaign_of
from registry.web.changes import Job, Subject, change, changes_something, posted
from registry.web.deciding import DecisionForm
from registry.web.fields import ReasonForm, ScopedForm, typed_day_or
from registry.web.links import way_to


@changes_something
def register(request: HttpRequest, code: str) -> HttpResponse:
    """Register an organization at a unit, with its secretary and members: everything or nothing."""
    unit = access.get_unit(request.user, code, "establish_organization")
    request.current_unit = unit.code  # type: ignore[attr-defined]
    address = address_of(request)
    form = forms.RegisterForm(
        posted(request), user=request.user, unit=unit, initial=_first_values(request, unit, address)
    )
    entered = workflow.DRAW_UP if request.POST.get("save_as") == "draft" else workflow.ENTER
    context = {
        "unit": unit,
        "crumbs": [{"name": unit.label, "url": address.url(unit.get_absolute_url())}, {"name": "登记组织"}],
        "cancel_url": address.url(unit.get_absolute_url()),
        "submit_label": "提交审批",
        "suggested": _suggested(request, form),
    }
    return change(
        request,
        form,
        lambda: operations.establish_organization(
            actor=actor_of(request), state=entered.to.value, **form.arguments()
        ),
        done=lambda made: _registered(made, len(form.cleaned_data["people"]), address),
        back=lambda made: address.url(made.get_absolute_url()),
        template="pages/organizations/register.html",
        context=context,
        warn=form.warnings,
    )


@require_safe
def suggest(request: HttpRequest, code: str) -> HttpResponse:
    """Answer the register form's htmx: name and superior anew, but for what the user typed."""
    unit = access.get_unit(request.user, code, "establish_organization")
    typed = request.GET
    kind, is_temporary = _kind_of(typed.get("kind", ""), is_standing="is_standing" in typed)
    day = typed_day_or(typed.get("established_on", ""), address_of(request).as_of)
    proposed = _in_text(forms.suggestion(request.user, unit, kind, is_temporary, day))
    initial: dict[str, Any] = {"kind": kind}
    for field, value in proposed.items():
        mine = typed.get(field, "").strip()
        untouched = mine in ("", typed.get(f"suggested_{field}", ""))
        if field == "parent" and not mine and typed.get("suggested_parent"):
            untouched = False  # taken off by hand
        initial[field] = value if untouched else mine
    initial["covered"] = typed.getlist("covered")
    form = forms.RegisterForm(user=request.user, unit=unit, initial=initial)
    return render(request, "pages/organizations/_suggested.html", {"form": form, "suggested": proposed})


def _at_hand(request: HttpRequest, code: str, verb: str) -> Organization:
    organization = access.get_organization(request.user, code, verb)
    request.current_unit = organization.unit.code  # type: ignore[attr-defined]
    request.current_organization = organization.code  # type: ignore[attr-defined]
    return organization


def approved_first(job: Job) -> list[str]:
    """Say before anything is typed that another person has to approve it."""
    is_approved = job.row.state == WorkflowState.APPROVED
    return ["该组织已批准:提交后须由另一人批准,批准前仍按原内容统计。"] if is_approved else []


def _around(job: Job) -> dict[str, Any]:
    organization, url = job.row, job.url(job.row)
    crumbs = [
        {"name": organization.unit.label, "url": job.url(organization.unit)},
        {"name": organization.name, "url": url},
        {"name": job.title},
    ]
    return {"organization": organization, "crumbs": crumbs, "cancel_url": url}


def _to_unit(job: Job, result: object) -> SafeString:
    """Return the way to the unit where it stands now."""
    return way_to(job.address, (result if isinstance(result, Organization) else job.row).unit)


def _back(job: Job, _result: object) -> str:
    """Return its page, or the unit's when it is out of reach now."""
    host = Unit.objects.get(organizations__pk=job.row.pk)
    return job.url(job.row if access.may(job.request.user, access.SEE, host) else job.row.unit)


def _dissolution(job: Job) -> dict[str, Any]:
    """Return what dissolving would end, in sentences, and the organizations below."""
    day = typed_day_or(job.request.POST.get("on", ""), job.address.as_of)
    try:
        plan = operations.plan_dissolution(actor=actor_of(job.request), organization=job.row, on=day)
    except OperationRefused as refusal:
        return {"sentences": refusal.messages}
    below = list(plan.subordinates)
    also = f"同日一并撤销下级组织 {len(below):,} 个。" if below else "没有下级组织。"
    said = f"自 {day.isoformat()} 起撤销“{job.row.name}”,结束 {plan.assignments:,} 人次编入。"
    return {"sentences": [said, also, *approved_first(job)], "below": below}


def _covered_now(job: Job) -> list[Unit]:
    return covering.covered_on([job.row], job.address.today).get(job.row.pk, [])


def _covered(job: Job) -> str:
    return "、".join(unit.name for unit in _covered_now(job))


def _covers_from(job: Job) -> date:
    """What is not approved yet is most often mended from the beginning."""
    is_approved = job.row.state == WorkflowState.APPROVED
    return job.address.as_of if is_approved else job.row.established_on


def _move_warnings(job: Job) -> list[str]:
    return warnings(rules.move_findings([rules.Move(job.row, job.sent["parent"])]))


def _own_sentences(job: Job) -> list[str]:
    """Say before anything is typed that another person has to decide."""
    return [workflow.OWN] if workflow.is_own(job.user, job.row) else []


ORGANIZATION = Subject("organization", _at_hand, _around, "pages/organizations/confirm.html", _to_unit, _back)
"""How pages change an organization."""

edit = ORGANIZATION.change(
    operations.edit_organization,
    forms.EditForm,
    "编辑组织",
    warn=lambda job: job.form.warnings(),
    submit_label="保存",
    done=lambda job, row: f"已保存“{row.name}”的修改。",
    template="pages/organizations/form.html",
)
correct = ORGANIZATION.change(
    operations.edit_organization,
    forms.CorrectForm,
    "更正登记",
    warn=lambda job: job.form.warnings(),
    submit_label="更正",
    sentences=lambda job: [
        "登记时就错了的类型、所在单位、上级组织和成立日期在这里更正,自成立之日起的统计随之改变。",
        "后来才变的,请用“转隶到其他单位”“调整上级组织”办理,之前日期的统计不变。",
        *approved_first(job),
    ],
    done=lambda job, row: f"已更正“{row.name}”的登记,统计数随之改变。",
)
move = ORGANIZATION.change(
    operations.move_organization,
    forms.MoveForm,
    "调整上级组织",
    sentences=lambda job: [
        f"现在的上级组织:{job.row.parent.name if job.row.parent else '无'}。",
        "下级组织随同调整;所在单位不变。",
        *approved_first(job),
    ],
    warn=_move_warnings,
    done=lambda job, row: f"“{row.name}”的上级组织已改为{f'“{row.parent.name}”' if row.parent else '无'}。",
)
transfer = ORGANIZATION.change(
    operations.transfer_organization,
    forms.TransferForm,
    "转隶到其他单位",
    submit_label="转隶",
    sentences=lambda job: [
        f"现在所在单位:{job.row.unit.name}。",
        "上级组织和人员编入不变。",
        *approved_first(job),
    ],
    done=lambda job, row: f"“{row.name}”自 {job.sent['on']} 起转到{row.unit.name}。",
)
cover = ORGANIZATION.change(
    covering_operations.cover_units,
    forms.CoverForm,
    "变更覆盖单位",
    sentences=lambda job: [
        f"所在单位:{job.row.unit.name};现在覆盖:{_covered(job) or '没有其他单位'}。",
        "组织和人员只计入所在单位,覆盖单位不重复统计,统计数不变。",
        *approved_first(job),
    ],
    initial=lambda job: {"units": _covered_now(job), "on": _covers_from(job)},
    done=lambda job, row: f"“{row.name}”自 {job.sent['on']} 起的覆盖单位已变更。",
    beside=(seen.COVERED,),
)
dissolve = ORGANIZATION.change(
    operations.dissolve_organization,
    forms.DissolveForm,
    "撤销组织",
    submit_label="撤销该组织",
    context=_dissolution,
    done=lambda job, extent: (
        f"已撤销“{job.row.name}”等 {len(extent.organizations):,} 个组织,"
        f"结束 {extent.assignments:,} 人次编入。"
    ),
    beside=(seen.MEMBERS,),
)
withdraw = ORGANIZATION.change(
    operations.withdraw_organization,
    ReasonForm,
    "撤回误录的组织",
    submit_label="撤回该组织",
    sentences=lambda job: [
        "撤回用于录入有误:该组织从任何日期的统计中去掉,记录仍保留,不能恢复。",
        "任务结束请用“撤销”。",
        *approved_first(job),
    ],
    done=lambda job, row: f"已撤回“{row.name}”,它不再计入任何日期的统计,记录仍保留。",
    beside=(seen.MEMBERS,),
)
submit = ORGANIZATION.change(
    approving.submit_organization,
    ScopedForm,
    "提交审批",
    sentences=lambda job: ["提交后由上级审批,批准前不计入统计。"],
    done=lambda job, row: f"已提交“{row.name}”,批准前不计入统计。",
    beside=(seen.MEMBERS,),
)
approve = ORGANIZATION.change(
    approving.approve_organization,
    DecisionForm,
    "批准",
    sentences=lambda job: [f"批准后按成立日期 {job.row.established_on} 起计入统计。", *_own_sentences(job)],
    done=lambda job, row: f"已批准“{row.name}”,按其日期计入统计。",
    beside=(seen.MEMBERS,),
)
send_back = ORGANIZATION.change(
    approving.return_organization,
    ReasonForm,
    "退回",
    sentences=lambda job: ["退回后由录入单位修改,再次提交。", *_own_sentences(job)],
    done=lambda job, row: f"已退回“{row.name}”。",
    beside=(seen.MEMBERS,),
)


def _kind_of(kind: str, *, is_standing: bool = False) -> tuple[str, bool]:
    if kind not in OrganizationKind.values:
        kind = OrganizationKind.BRANCH.value
    return kind, kind in PARTY_KINDS and not is_standing


def _first_values(request: HttpRequest, unit: Unit, address: Address) -> dict[str, Any]:
    kind, is_temporary = _kind_of(request.GET.get("kind", ""))
    if request.method == "POST":
        return {"kind": kind}
    campaign = campaign_of(request.user, address)
    return {
        "kind": kind,
        "established_on": address.as_of,
        "campaign": campaign.code if campaign else None,
        **forms.suggestion(request.user, unit, kind, is_temporary, address.as_of),
        **copied(request, unit, address.as_of),
    }


def _in_text(proposed: Mapping[str, Any]) -> dict[str, str]:
    """Return name and superior as the form sends them."""
    parent = proposed.get("parent")
    code = parent.code if parent else ""
    return {"name": proposed.get("name", ""), "parent": code}


def _suggested(request: HttpRequest, form: forms.RegisterForm) -> dict[str, str]:
    """Return what was last suggested, so that what the user typed can be told from it."""
    if request.method == "POST":
        return {name: request.POST.get(f"suggested_{name}", "") for name in form.suggested}
    return _in_text(form.initial)


def _registered(made: Organization, placed: int, address: Address) -> SafeString:
    """Say what was registered, and that it does not count yet."""
    state = WorkflowState(made.state).label
    said = f"已登记“{made.name}”,编入 {placed} 人。状态为“{state}”,批准前不计入统计。"
    return format_html("{}{}", said, way_to(address, made.unit))
