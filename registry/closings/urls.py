"""Addresses of the closing of a campaign."""

from django.urls import path

from registry.closings import tables, views
from registry.web.tables import export

urlpatterns = [
    path("campaigns/<slug:code>/close/", views.close, name="campaign_close"),
    path("campaigns/<slug:code>/close/settle/", views.settle, name="campaign_close_settle"),
    path("campaigns/<slug:code>/close/reopen/", views.reopen, name="campaign_close_reopen"),
    path("campaigns/<slug:code>/close/cancel/", views.cancel, name="campaign_close_cancel"),
    path("campaigns/<slug:code>/close/progress/", views.progress, name="campaign_close_progress"),
    path(
        "campaigns/<slug:code>/close/organizations/", views.organizations, name="campaign_close_organizations"
    ),
    path("campaigns/<slug:code>/close/assignments/", views.assignments, name="campaign_close_assignments"),
    path("campaigns/<slug:code>/close/homes/", views.homes, name="campaign_close_homes"),
    path(
        "export/closings/<slug:code>/organizations/",
        export(tables.ClosingOrganizations),
        name="closing_organizations_export",
    ),
    path(
        "export/closings/<slug:code>/assignments/",
        export(tables.ClosingAssignments),
        name="closing_assignments_export",
    ),
    path("export/closings/<slug:code>/homes/", export(tables.ClosingHomes), name="closing_homes_export"),
]
