"""Addresses of imports."""

from django.urls import path

from registry.imports import views as imports

urlpatterns = [
    # Excel in
    path("imports/", imports.imports, name="imports"),
    path("imports/templates/<slug:slug>/", imports.import_template, name="import_template"),
    path("imports/<int:pk>/", imports.import_page, name="import"),
    path("imports/<int:pk>/progress/", imports.import_progress, name="import_progress"),
    path("imports/<int:pk>/write/", imports.import_write, name="import_write"),
    path("imports/<int:pk>/cancel/", imports.import_cancel, name="import_cancel"),
    path("imports/<int:pk>/recheck/", imports.import_recheck, name="import_recheck"),
    path("imports/<int:pk>/undo/", imports.import_undo, name="import_undo"),
    path("imports/<int:pk>/mistakes/", imports.import_mistakes, name="import_mistakes"),
]
