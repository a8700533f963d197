"""The addresses of logbooks and their entries."""

from django.urls import path

from registry.logbooks import design_views

urlpatterns = [
    path("units/<slug:code>/logbooks/add/", design_views.add, name="logbook_add"),
    path("units/<slug:code>/logbooks/shipped/", design_views.take_shipped, name="logbooks_shipped"),
    path("logbooks/<slug:code>/design/", design_views.design, name="logbook_design"),
    path("logbooks/<slug:code>/edit/", design_views.edit, name="logbook_edit"),
    path("logbooks/<slug:code>/end/", design_views.end, name="logbook_end"),
    path("logbooks/<slug:code>/start/", design_views.start, name="logbook_start"),
    path("logbooks/<slug:code>/fields/<slug:unit_code>/", design_views.own_fields, name="logbook_fields"),
]
