"""The sheets that offices hand upward: the page that offers them, and each as a file."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from registry import access
from registry.counting.metrics import METRICS
from registry.counting.rollup import rollup
from registry.models import Unit
from registry.reports.filed_sheets import READY, Filing
from registry.web.address import actor_of, address_of
from registry.web.exports import answer
from registry.web.links import rows_behind
from registry.web.paper import is_print
from registry.web.statement import statement_at


@require_safe
def sheets(request: HttpRequest, code: str) -> HttpResponse:
    """Offer every sheet for the unit with all below it, on the day of the address."""
    unit = access.get_unit(request.user, code)
    request.current_unit = unit.code  # type: ignore[attr-defined]
    address = address_of(request)
    filing = Filing(unit, address.question.current(), request.user, "")
    found = rollup(unit, filing.question)
    lines = [
        {
            "ready": ready,
            "counts": [
                {
                    "label": METRICS[slug].label,
                    "value": found.total.counts[slug],
                    "measure": METRICS[slug].measure,
                    "url": rows_behind(address, unit.code, slug, basis=None, since=None),
                }
                for slug in ready.metrics
            ]
            or [{"label": "直接下级", "value": len(found.children), "measure": "个单位", "url": ""}],
            "url": address.url(reverse("unit_sheet", args=[unit.code, ready.slug])),
        }
        for ready in READY.values()
    ]
    lists = [
        (label, address.url(reverse(name), unit=unit.code, basis=None, since=None))
        for label, name in (("组织", "organizations"), ("人员", "people"), ("编入", "assignments"))
    ]
    return render(
        request,
        "reports/sheets.html",
        {
            "unit": unit,
            "question": filing.question,
            "statement": statement_at(unit, filing.question, found.total, ()),
            "lines": lines,
            "lists": lists,
            "units_url": address.url(reverse("units_export"), unit=unit.code),
            "may_have_phones": _may_have_phones(request, unit),
            "crumbs": [
                {"name": unit.label, "url": address.url(unit.get_absolute_url())},
                {"name": "上报表格", "url": ""},
            ],
        },
    )


@require_POST
def sheet(request: HttpRequest, code: str, slug: str) -> HttpResponseBase:
    """Answer with one sheet, and record that it was taken out; telephones only when they were asked for."""
    unit = access.get_unit(request.user, code)
    ready = READY.get(slug)
    if ready is None:
        raise Http404(f"没有名为“{slug}”的上报表格。")
    with_phones = ready.has_people and request.POST.get("phones") == "1" and _may_have_phones(request, unit)
    question = address_of(request).question
    author, on_paper = actor_of(request).name, is_print(request)
    filing = Filing(unit, question.current(), request.user, author, with_phones, on_paper)
    filters = [f"截至 {question.as_of.isoformat()}"]
    if question.campaign:
        filters.append(f"专项任务:{question.campaign.label}")
    if with_phones:
        filters.append("含联系电话")
    return answer(
        request,
        [ready.build(filing)],
        name=f"{unit.label}{ready.title}-{question.as_of.isoformat()}",
        unit=unit,
        filters=filters,
    )


def _may_have_phones(request: HttpRequest, unit: Unit) -> bool:
    """Whether telephones may be written in full: for who opens them on the pages, too."""
    return access.may(request.user, access.PERSONAL, unit)
