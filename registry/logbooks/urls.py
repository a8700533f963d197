"""Addresses of logbooks and their entries."""

from django.urls import path

from registry.logbooks.pages import (
    album,
    changes,
    checked,
    entering,
    idle,
    making,
    overview,
    page,
    placing,
    ticked,
    views,
)
from registry.web.tables import export

urlpatterns = [
    path("logbooks/", overview.logbooks, name="logbooks"),
    path("album/", album.album, name="album"),
    path("logbooks/<slug:code>/", views.logbook, name="logbook"),
    path("units/<slug:code>/logbooks/add/", making.add, name="logbook_add"),
    path("units/<slug:code>/logbooks/shipped/", making.take_shipped, name="logbooks_shipped"),
    path("logbooks/<slug:code>/design/", making.design, name="logbook_design"),
    path("logbooks/<slug:code>/edit/", making.edit, name="logbook_edit"),
    path("logbooks/<slug:code>/end/", making.end, name="logbook_end"),
    path("logbooks/<slug:code>/start/", making.start, name="logbook_start"),
    path("logbooks/<slug:code>/fields/<slug:unit_code>/", making.own_fields, name="logbook_fields"),
    path("logbooks/<slug:code>/enter/", entering.add, name="entry_add"),
    path("logbooks/<slug:code>/idle/", idle.idle, name="entries_idle"),
    path("export/logbooks/<slug:code>/", views.export, name="entries_export"),
    path("export/logbooks/<slug:code>/idle/", idle.export, name="entries_idle_export"),
    path("entries/checked/", checked.checked, name="entries_checked"),
    path("export/entries/checked/", export(checked.CheckedTable), name="entries_checked_export"),
    path("entries/counted/", views.counted, name="entries_counted"),
    path("entries/<slug:code>/", page.entry, name="entry"),
    path("entries/<slug:code>/edit/", changes.edit, name="entry_edit"),
    path("entries/<slug:code>/step/", changes.step, name="entry_step"),
    path("entries/<slug:code>/place/", placing.place, name="entry_place"),
    path("entries/<slug:code>/submit/", changes.submit, name="entry_submit"),
    path("entries/<slug:code>/approve/", changes.approve, name="entry_approve"),
    path("entries/<slug:code>/return/", changes.send_back, name="entry_return"),
    path("entries/<slug:code>/withdraw/", changes.withdraw, name="entry_withdraw"),
    path("many/entries/submit/", ticked.submit, name="entries_submit"),
    path("many/entries/approve/", ticked.approve, name="entries_approve"),
    path("many/entries/return/", ticked.send_back, name="entries_return"),
    path("many/entries/withdraw/", ticked.withdraw, name="entries_withdraw"),
]
