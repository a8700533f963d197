"""Pages of what articles report, beside what the registry counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from registry import access
from registry.counting.reconciliation import Comparison, Verdict, reconcile
from registry.models import Figure, Organization, Person, Source
from registry.models.base import in_spans
from registry.models.hierarchy import Span
from registry.reports.tables import FigureTable, ListedFigure, SourceTable, published_days, summed_up
from registry.web import history
from registry.web.address import Address, address_of
from registry.web.columns import Column, Grid
from registry.web.links import buttons, linked
from registry.web.tables import show


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


_SOURCE_MENU = (
    ("edit_source", "source_edit", "修改"),
    ("withdraw_source", "source_withdraw", "撤回来源"),
    ("add_figure", "figure_add", "登记报道数", "main"),
)


@require_safe
def source(request: HttpRequest, number: int) -> HttpResponse:
    """One article: its facts, its figures with verdicts, the organizations and people it names."""
    user, address = request.user, address_of(request)
    found: Source = access.get_row(user, "source", str(number))
    scope = access.spans(user)
    figures = found.figures.select_related("source", "unit", "organization").order_by("code")
    mine = figures.filter(in_spans(scope, "unit__") | Q(unit__isnull=True))
    compared = reconcile((row for row in mine if not row.is_withdrawn), address.question.scope)
    may_edit = access.may(user, "edit_figure", found)
    organizations = access.visible(user, Organization.objects.filter(source=found, is_sample=False))
    people = access.visible(user, Person.objects.filter(source=found, is_sample=False))
    wanted = [each for each in FigureTable.columns if each.key != "source"]
    columns = [*wanted, Column("办理", cell="reports/sources/cells/do.html", css="no-print nowrap")]
    menu = [("restore_source", "source_restore", "恢复来源")] if found.is_withdrawn else _SOURCE_MENU
    shows_record = access.may(user, access.SEE, found)
    return render(
        request,
        "reports/sources/source.html",
        {
            "source": found,
            "tag": "已撤回" if found.is_withdrawn else "",
            "facts": _facts(found, address, scope),
            "crumbs": [
                {"name": "来源", "url": address.url(reverse("sources"))},
                {"name": f"来源 {found.number}", "url": ""},
            ],
            "actions": buttons(user, found, address, *menu),
            "grid": Grid(
                columns if may_edit and not found.is_withdrawn else wanted,
                [ListedFigure(address, row, may_edit) for row in compared],
            ),
            "lines": compared,
            "withdrawn": [ListedFigure(address, row, may_edit) for row in _withdrawn(mine)],
            "out_of_scope": figures.count() - len(mine),
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
            "shows_record": shows_record,
            **(history.of_page(user, found, address, names="figure") if shows_record else {}),
        },
    )


def _withdrawn(figures: Iterable[Figure]) -> list[Comparison]:
    """Return the figures that were withdrawn, which are compared with nothing."""
    return [
        Comparison(row, None, row.day, None, Verdict.REPORTED_ONLY, "") for row in figures if row.is_withdrawn
    ]


def _facts(source: Source, address: Address, scope: Sequence[Span]) -> list[tuple[str, str | SafeString]]:
    """Return what is registered of an article, with a dash for what is not known."""
    basis = source.get_date_basis_display()
    found: list[tuple[str, str | SafeString]] = [
        ("编号", str(source.number)),
        ("发布单位", source.publisher or "–"),
        ("发布日期", f"{published_days(source)}({basis})" if basis else published_days(source)),
        ("地区", source.region or "–"),
        ("报送单位", source.reporting_organ or "–"),
    ]
    if source.unit is not None:
        found.append(("登记单位", linked(address, source.unit, scope)))
    return found
