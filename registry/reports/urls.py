"""Addresses of ready sheets, reconciliation and sources."""

from django.urls import path

from registry.reports import changes, reconciliation
from registry.reports import views as filing
from registry.reports.tables import FigureTable, SourceTable
from registry.web.tables import export

urlpatterns = [
    path("units/<slug:code>/sheets/", filing.sheets, name="unit_sheets"),
    path("units/<slug:code>/sheets/<slug:slug>/", filing.sheet, name="unit_sheet"),
    # what articles report
    path("reconciliation/", reconciliation.reconciliation, name="reconciliation"),
    path("export/reconciliation/", export(FigureTable), name="reconciliation_export"),
    path("export/sources/", export(SourceTable), name="sources_export"),
    path("sources/", reconciliation.sources, name="sources"),
    path("sources/add/", changes.add, name="source_add"),
    path("sources/<int:number>/", reconciliation.source, name="source"),
    path("sources/<int:number>/edit/", changes.edit, name="source_edit"),
    path("sources/<int:number>/withdraw/", changes.withdraw, name="source_withdraw"),
    path("sources/<int:number>/restore/", changes.restore, name="source_restore"),
    path("sources/<int:number>/figures/add/", changes.add_figure, name="figure_add"),
    path("figures/<int:pk>/edit/", changes.edit_figure, name="figure_edit"),
    path("figures/<int:pk>/withdraw/", changes.withdraw_figure, name="figure_withdraw"),
    path("figures/<int:pk>/restore/", changes.restore_figure, name="figure_restore"),
]
