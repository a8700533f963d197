"""Addresses of ready sheets, reconciliation and sources."""

from django.urls import path

from registry.reports import reconciliation
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
    path("sources/<int:number>/", reconciliation.source, name="source"),
]
