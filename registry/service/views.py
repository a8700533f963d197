"""The pages of service records: the overview, the lists, one record, the receipts."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from registry import access
from registry.audit import Actor
from registry.models import Campaign, Person, Unit
from registry.nouns.person import PERSON
from registry.service import forms, operations, pages, reminders, served
from registry.service.groups import BranchTable, OrganizationTable
from registry.service.models import Receipt
from registry.service.panels import reminding_unit
from registry.service.place import campaign_of, crumbs, of_campaign
from registry.service.records import Record, records_of
from registry.service.served import homes_of
from registry.service.tables import OpinionTable, RecordTable, ServiceTable
from registry.web.address import address_of
from registry.web.changes import Job, Subject
from registry.web.columns import Column, noun_column
from registry.web.drill import unit_of
from registry.web.links import person_url
from registry.web.lists import with_query
from registry.web.tables import show
from registry.web.ticked import Ticked, TickedSubject


@require_safe
@of_campaign
def service(request: HttpRequest) -> HttpResponse:
    """How it stands with opinions and receipts in a campaign, by unit."""
    address, campaign, unit = address_of(request), campaign_of(request), unit_of(request)
    top, lines, total = pages.overview(request.user, address, campaign, unit)
    if top is None and len(lines) == 1:  # where anything goes on at one unit only, by the units below it
        top, lines, total = pages.overview(request.user, address, campaign, lines[0].unit)
    request.current_unit = top.code if top else ""  # type: ignore[attr-defined]
    above = top.parent if top is not None else None
    up = above if above is not None and access.may(request.user, access.SEE, above) else None
    kept = {"unit": top.code if top else None}
    return render(
        request,
        "service/service.html",
        {
            "title": f"{campaign.name}服务记录",
            "subtitle": f"{top.name}及下级单位" if top else "管理范围内全部单位",
            "crumbs": crumbs(address),
            "heads": [head for _count, _which, head, _page, _state in pages.COLUMNS],
            "lines": lines,
            "total": total,
            "up": up,
            "up_url": address.url(reverse("service"), unit=up.code) if up else "",
            "links": [
                (words, address.url(reverse(name), **kept))
                for name, words in (
                    ("service_organizations", "各组织的鉴定写了多少"),
                    ("service_branches", "各支部签收了多少"),
                )
            ],
            "day": address.as_of,
            "campaign": campaign,
            "actions": _reminding(request, top or reminding_unit(request.user, campaign)),
        },
    )


def _reminding(request: HttpRequest, unit: Unit | None) -> list[dict[str, Any]]:
    """Return the button that reminds the unit, for who may."""
    if unit is None or not access.may(request.user, "remind_receipts", unit):
        return []
    url = address_of(request).url(reverse("service_remind", args=[unit.code]))
    return [{"label": "催办签收…", "tone": "", "url": url}]


def _list(table: type[ServiceTable]) -> Any:
    """Return the view of a list."""

    @require_safe
    @of_campaign
    def view(request: HttpRequest) -> HttpResponseBase:
        """Show the list."""
        return show(table(request))

    return view


people, branches, opinions, organizations = map(
    _list, (RecordTable, BranchTable, OpinionTable, OrganizationTable)
)


@require_safe
@of_campaign
def record(request: HttpRequest, number: str) -> HttpResponse:
    """What one person did in the campaign, with the opinions and the receipt."""
    person, address = pages.person_of(request, number), address_of(request)
    found = pages.record_of(request, person)
    request.current_unit = person.home_unit.code if found.is_whole else ""  # type: ignore[attr-defined]
    tone, state = found.state
    return render(
        request,
        "service/record.html",
        {
            "title": f"{person.name}的服务记录",
            "subtitle": f"{found.campaign.name} · 编号 {found.number}",
            "tag": state,
            "tag_tone": tone,
            "record": found,
            "number": access.shown_number(request.user, person),
            "person_url": person_url(request.user, person, address)
            if access.visible(request.user, Person.objects.filter(pk=person.pk)).exists()
            else "",
            "crumbs": crumbs(address, ("人员", address.url(reverse("service_people"))), (person.name, "")),
            "actions": _actions(request, found),
            "writing": _writing_urls(request, found),
            "day": address.as_of,
        },
    )


def _actions(request: HttpRequest, found: Record) -> list[dict[str, Any]]:
    """Return the buttons: the papers, and the receipt once the service is over."""
    person, address = found.person, address_of(request)
    kinds = (("records", "服务记录(A4,带回执)"), ("certificates", "纪念证书"))
    prints = [
        {"label": words, "url": address.url(reverse("service_papers"), kind=kind, person=person.key)}
        for kind, words in kinds
    ]
    actions: list[dict[str, Any]] = [{"label": "打印", "prints": prints}]
    may_sign = any(access.may(request.user, "sign_receipt", unit) for unit in homes_of(person))
    if not found.is_whole or not may_sign:
        return actions
    if found.receipt is not None:
        url = person_url(request.user, person, address, "person_service_return")
        actions.append({"label": "退回签收…", "tone": "", "url": url})
    elif not found.is_open:
        url = person_url(request.user, person, address, "person_service_sign")
        actions.append({"label": "签收", "tone": "main", "url": url})
    return actions


def _writing_urls(request: HttpRequest, found: Record) -> list[tuple[str, str]]:
    """Return each organization that owes an opinion and may be written for here, with the page."""
    if found.receipt is not None:
        return []
    address, scope = address_of(request), access.spans(request.user, "write_opinion")
    return [
        (
            organization.name,
            address.url(reverse("organization_opinions", args=[organization.code]), person=found.person.key),
        )
        for organization in found.organizations
        if organization.is_temporary and access.inside(organization.unit, scope)
    ]


# --- Receipts -------------------------------------------------------------------------------------


def _find(request: HttpRequest, key: str, verb: str) -> Person:
    campaign_of(request)
    return pages.person_of(request, key, verb)


def _around(job: Job) -> dict[str, Any]:
    url = person_url(job.user, job.row, job.address, "person_service")
    way = (job.row.name, url), (job.title, "")
    return {"crumbs": crumbs(job.address, *way), "cancel_url": url, "person": job.row}


def _days(job: Job) -> list[str]:
    found = pages.record_of(job.request, job.row)
    written = f"鉴定 {len(found.opinions)} 份" if found.opinions else "还没有鉴定,签收后不能再写"
    return [
        f"{job.row.name}在“{found.campaign.name}”中服务 {found.days} 天,{written}。",
        "签收后鉴定不能再改;要改,先退回签收。",
    ]


_PERSON = Subject("person", _find, _around, "service/confirm.html")


def _sign_one(*, actor: Actor, person: Person, campaign: Campaign, on: date) -> list[Receipt]:
    return operations.sign_receipts(actor=actor, campaign=campaign, people=[person], on=on)


def _return_one(*, actor: Actor, person: Person, campaign: Campaign, reason: str) -> list[Receipt]:
    return operations.return_receipts(actor=actor, campaign=campaign, people=[person], reason=reason)


sign = _PERSON.change(
    _sign_one,
    forms.SignForm,
    "签收服务记录",
    submit_label="签收",
    verb="sign_receipt",
    sentences=_days,
    initial=lambda job: {"campaign": campaign_of(job.request)},
    done=lambda job, rows: f"已签收{job.row.name}的服务记录。",
)
give_back = _PERSON.change(
    _return_one,
    forms.ReturnForm,
    "退回签收",
    verb="return_receipt",
    sentences=lambda job: ["退回后鉴定和编入可以更正,更正后再签收。"],
    initial=lambda job: {"campaign": campaign_of(job.request)},
    done=lambda job, rows: f"已退回{job.row.name}的签收。",
)


# --- Reminders ------------------------------------------------------------------------------------


def _unit(request: HttpRequest, code: str, verb: str) -> Unit:
    campaign_of(request)
    return access.get_unit(request.user, code, verb)


def _around_unit(job: Job) -> dict[str, Any]:
    campaign = campaign_of(job.request)
    back = job.address.url(reverse("service_branches"), unit=job.row.code, waiting="1")
    return {
        "campaign": campaign,
        "crumbs": crumbs(job.address, ("按支部", back), (job.title, "")),
        "cancel_url": back,
    }


def _waiting(job: Job) -> list[str]:
    campaign, unit = campaign_of(job.request), job.row
    waiting = served.waiting_at(campaign, unit).order_by()
    numbers = waiting.aggregate(records=Count("pk"), branches=Count("home_branch", distinct=True))
    reached = [each for each in reminders.of_campaign(campaign) if reminders.times([each], unit)]
    before = f"{reminders.said(reached)}。" if reached else ""
    return [
        f"{unit.name}及下级单位有 {numbers['branches']:,} 个支部、"
        f"{numbers['records']:,} 份服务记录待签收。{before}",
        "催办列在这些单位录入员的“我的待办”里,连同期限;用邮件提醒的,当天的邮件里说有几件被催办。",
    ]


remind = Subject("unit", _unit, _around_unit, "pages/campaigns/confirm.html").change(
    operations.remind_receipts,
    forms.RemindForm,
    "催办签收",
    submit_label="催办",
    sentences=_waiting,
    initial=lambda job: {
        "campaign": campaign_of(job.request),
        "due_on": timezone.localdate() + reminders.USUAL,
    },
    done=lambda job, row: (
        f"已催办{job.row.name}及下级单位 {row.receipts:,} 份待签收的服务记录,期限 {row.due_on}。"
    ),
)


def _list_url(request: HttpRequest) -> str:
    return with_query(request, reverse("service_people"))


_PEOPLE = TickedSubject(
    "person",
    (
        noun_column(PERSON, "name", value="person.name", is_heading=True),
        noun_column(PERSON, "number", value=lambda row: access.shown_number(row.table.user, row.person)),
        Column("所属单位", "person.home_unit.label"),
        Column("组织关系所在支部", "person.home_branch.name", css="text"),
    ),
    RecordTable,
    _list_url,
    lambda person: (person.home_unit.tree_id, person.home_unit.lft, person.order_key, person.pk),
    in_parts=True,
)


def _said(job: Ticked) -> list[str]:
    """Return what will be signed, with how many have no opinion."""
    campaign = campaign_of(job.request)
    records = records_of(job.user, campaign, job.rows, job.address.as_of)
    without = [record.person.name for record in records if not record.opinions]
    names = f"{'、'.join(without[:5])}{'等' if len(without) > 5 else ''}"
    more = [f"其中 {len(without):,} 人还没有鉴定({names}),签收后不能再写。"] if without else []
    return [f"签收 {len(records):,} 人在“{campaign.name}”中的服务记录。", *more]


sign_many = _PEOPLE.change(
    "sign_receipt",
    "签收服务记录",
    forms.SignTickedForm,
    lambda job, actor: operations.sign_receipts(
        actor=actor, campaign=campaign_of(job.request), people=job.rows, on=job.sent["on"]
    ),
    sentences=_said,
    done=lambda job, rows: f"已签收 {len(rows):,} 人的服务记录。",
)
return_many = _PEOPLE.change(
    "return_receipt",
    "退回签收",
    forms.ReturnTickedForm,
    lambda job, actor: operations.return_receipts(
        actor=actor, campaign=campaign_of(job.request), people=job.rows, reason=job.sent["reason"]
    ),
    sentences=lambda job: [f"退回 {len(job.rows):,} 人的签收,退回后鉴定和编入可以更正。"],
    done=lambda job, rows: f"已退回 {len(rows):,} 人的签收。",
)
