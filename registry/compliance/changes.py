"""What is done: grant an exception and end it, set a rule, enter days of the calendar."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from registry import access
from registry.compliance.forms import (
    ARRANGEMENTS,
    DEFAULT,
    FREE,
    OFF,
    ON,
    WORK,
    DaysForm,
    EndExceptionForm,
    ExceptionForm,
    RuleForm,
)
from registry.compliance.rules import check_of
from registry.compliance.workdays import days_said, year_of
from registry.models import Organization, RuleException
from registry.operations import compliance as operations
from registry.rules.checks import BY_SLUG, Settings
from registry.web.address import actor_of, address_of
from registry.web.changes import Job, Subject, change, changes_something, posted
from registry.web.fields import ScopedForm
from registry.web.text import cleaned

FORM = "parts/form_page.html"


# --- Exceptions -----------------------------------------------------------------------------------


def _organization(request: HttpRequest, code: str, verb: str) -> Organization:
    return access.get_organization(request.user, code, verb)


def _exception(request: HttpRequest, pk: int, verb: str) -> RuleException:
    exception: RuleException = access.get_row(request.user, "ruleexception", str(pk), verb)
    return exception


def _card_url(job: Job, organization: Organization) -> str:
    return f"{job.url(organization)}#compliance"


def _around(job: Job, organization: Organization) -> dict[str, Any]:
    crumbs = [
        {"name": "组织台账", "url": job.address.url(reverse("organizations"))},
        {"name": organization.name, "url": job.url(organization)},
        {"name": job.title},
    ]
    return {"crumbs": crumbs, "subtitle": organization.name, "cancel_url": _card_url(job, organization)}


_ORGANIZATION = Subject("organization", _organization, lambda job: _around(job, job.row), FORM)
_EXCEPTION = Subject("exception", _exception, lambda job: _around(job, job.row.organization), FORM)

grant = _ORGANIZATION.change(
    operations.grant_exception,
    ExceptionForm,
    "批准例外",
    submit_label="批准",
    initial=lambda job: {
        "slug": cleaned(job.request.GET.get("rule", "")),
        "started_on": job.address.as_of,
    },
    sentences=lambda job: ["例外在有效期内不计入违规、提醒和提示,单独列出;到期自动失效。"],
    done=lambda job, row: f"已批准例外:{BY_SLUG[row.slug].label},{row.ended_on} 起失效。",
)
end = _EXCEPTION.change(
    operations.end_exception,
    EndExceptionForm,
    "提前结束例外",
    submit_label="结束该例外",
    sentences=lambda job: [
        f"“{BY_SLUG[job.row.slug].label}”的例外({job.row.document_number})原定 {job.row.ended_on} 起失效。"
    ],
    done=lambda job, row: f"例外自 {row.ended_on} 起失效。",
)


# --- Rules and days, which hold for everybody -------------------------------------------------------


@changes_something
def set_rule(request: HttpRequest, slug: str) -> HttpResponse:
    """Switch a rule on or off, or give it other numbers, from a day on."""
    check = check_of(slug)
    access.need_at_the_top(request.user, "set_rule")
    address = address_of(request)
    settings, today = Settings.read(), address.today
    held = settings.on(slug, today)
    initial = {
        "is_on": ON if settings.is_on(check, today) else OFF,
        "since": today,
        "thresholds": settings.thresholds(check, today),
    }
    form = RuleForm(posted(request), user=request.user, row=check, initial=initial)
    page = address.url(reverse("rule", args=[slug]))
    return change(
        request,
        form,
        lambda: operations.set_rule(actor=actor_of(request), slug=slug, **form.arguments()),
        done=lambda made: f"已设置“{check.label}”,自 {made.since} 起执行。",
        back=page,
        template=FORM,
        context={
            "title": "修改设置",
            "subtitle": check.label,
            "sentences": ["设置对全部单位生效,自起用日期起执行;以前日期的检查仍按以前的设置。"],
            "cancel_url": page,
            "crumbs": [
                {"name": "规则", "url": address.url(reverse("rules"))},
                {"name": check.label, "url": page},
                {"name": "修改设置"},
            ],
        },
        on=[held] if held else [],
    )


@changes_something
def set_workdays(request: HttpRequest) -> HttpResponse:
    """Enter days that are free or of work, one or a pasted range."""
    access.need_at_the_top(request.user, "set_holidays")
    address = address_of(request)
    year = year_of(request, address)
    initial = {"days": cleaned(request.GET.get("days", "")), "kind": FREE}
    form = DaysForm(posted(request), user=request.user, initial=initial, year=year)
    page = address.url(reverse("workdays"), year=str(year))

    def act() -> list[date]:
        sent, actor = form.cleaned_data, actor_of(request)
        days: list[date] = sent["days"]
        if sent["kind"] == DEFAULT:
            operations.remove_holidays(actor=actor, days=days)
        else:
            entered = [(day, sent["kind"] == WORK, sent["name"]) for day in days]
            operations.set_holidays(actor=actor, days=entered)
        return days

    return change(
        request,
        form,
        act,
        done=lambda days: f"已登记 {days_said(days)}:{ARRANGEMENTS[form.cleaned_data['kind']]}。",
        back=lambda days: address.url(reverse("workdays"), year=str(min(days).year)),
        template=FORM,
        context={
            "title": "登记节假日和调休",
            "submit_label": "登记",
            "sentences": ["登记对全部单位生效;已登记过的日期以这次的为准。"],
            "cancel_url": page,
            "crumbs": [{"name": "工作日历", "url": page}, {"name": "登记节假日和调休"}],
        },
    )


@changes_something
def load_workdays(request: HttpRequest) -> HttpResponse:
    """Enter the published holidays of a year, which come along with the registry."""
    access.need_at_the_top(request.user, "set_holidays")
    address = address_of(request)
    year = year_of(request, address)
    if year not in operations.published_years():
        raise Http404(f"没有随系统提供 {year} 年的放假安排。")
    days = [day for day, _works, _name in operations.read_holidays(year)]
    page = address.url(reverse("workdays"), year=str(year))
    form = ScopedForm(posted(request), user=request.user)
    return change(
        request,
        form,
        lambda: operations.load_holidays(actor=actor_of(request), years=[year]),
        done=lambda number: f"已载入 {year} 年的放假安排,登记或更新 {number} 天。",
        back=page,
        template=FORM,
        context={
            "title": f"载入 {year} 年放假安排",
            "submit_label": "载入",
            "sentences": [
                f"国务院办公厅公布的 {year} 年放假和调休,共 {len(days)} 天,对全部单位生效。",
                "其中已登记过的日期以公布的为准,其余登记不变。",
            ],
            "cancel_url": page,
            "crumbs": [{"name": "工作日历", "url": page}, {"name": "载入放假安排"}],
        },
    )
