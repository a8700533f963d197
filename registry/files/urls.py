"""Addresses of photos and files."""

from django.urls import path

from registry.files import views

urlpatterns = [
    path("files/", views.file_upload, name="file_upload"),
    path("files/<int:pk>/", views.file_page, name="file"),
    path("files/<int:pk>/caption/", views.caption, name="file_caption"),
    path("files/<int:pk>/remove/", views.remove, name="file_remove"),
    path("files/<int:pk>/restore/", views.restore, name="file_restore"),
    path("files/<int:pk>/<slug:size>/", views.file_shown, name="file_shown"),
]
