"""Addresses of exports that a worker makes."""

from django.urls import path

from registry.exports import views as exports

urlpatterns = [
    path("exports/", exports.exports, name="exports"),
    path("exports/<int:pk>/", exports.export_page, name="export"),
    path("exports/<int:pk>/progress/", exports.export_progress, name="export_progress"),
    path("exports/<int:pk>/file/", exports.export_file, name="export_file"),
    path("exports/<int:pk>/cancel/", exports.export_cancel, name="export_cancel"),
]
