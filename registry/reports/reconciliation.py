"""Pages of what articles report, beside what the registry counts."""

from __future__ import annotations

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access
from registry.counting.reconciliation import reconcile
from registry.models import Organization, Person, Source
from registry.models.base import in_spans
from registry.reports.tables import FigureTable, ListedFigure, SourceTable, published_days, summed_up
from registry.web.address import address_of
from registry.web.columns import Grid
from registry.web.tables import show

DATE_BASES = {
    "stated": "文中注明",
    "not stated": "文中未注明",
    "inferred from title prefix": "据标题推断",
}


@require_safe
def reconciliation(request: HttpRequest) -> HttpResponse:
    """Every figure reported of a unit's subtree, beside the registered count on its own basis and day."""
    table = FigureTable(request)
    place = table.unit.name if table.unit else table.place
    return show(table, "reports/reconciliation/list.html", subtitle=place, summary=table.summary())


@require_safe
def sources(request: HttpRequest) -> HttpResponse:
    """The published articles, each with the number of its figures in the user's scope."""
    return show(SourceTable(request), subtitle="已公开的报道和简报,登记数与其中的数字核对")


@require_safe
def source(request: HttpRequest, number: int) -> HttpResponse:
    """One article: its facts, its figures with verdicts, the organizations and people it names."""
    found = Source.objects.filter(number=number).first()
    if found is None:
        raise Http404(f"没有编号为“{number}”的来源。")
    address = address_of(request)
    scope = access.spans(request.user)
    figures = found.figures.select_related("source", "unit", "organization").order_by("code")
    mine = figures.filter(in_spans(scope, "unit__") | Q(unit__isnull=True))
    compared = reconcile(mine, address.question.scope)
    organizations = access.visible(request.user, Organization.objects.filter(source=found, is_sample=False))
    people = access.visible(request.user, Person.objects.filter(source=found, is_sample=False))
    columns = [column for column in FigureTable.columns if column.key != "source"]
    return render(
        request,
        "reports/sources/source.html",
        {
            "source": found,
            "days": published_days(found),
            "date_basis": DATE_BASES.get(found.date_basis, found.date_basis),
            "crumbs": [
                {"name": "来源", "url": address.url(reverse("sources"))},
                {"name": f"来源 {found.number}", "url": ""},
            ],
            "grid": Grid(columns, [ListedFigure(address, row) for row in compared]),
            "lines": compared,
            "out_of_scope": found.figures.count() - len(compared),
            "summary": summed_up(compared),
            "organizations": [
                (row, address.url(row.get_absolute_url()))
                for row in organizations.select_related("unit").order_by(
                    "unit__tree_id", "unit__lft", "order_key"
                )
            ],
            "people": [
                (row, address.url(row.get_absolute_url()))
                for row in people.select_related("home_unit").order_by("order_key", "pk")
            ],
        },
    )
