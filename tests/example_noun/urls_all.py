"""The addresses of the project, and one line more."""

from django.urls import include, path

from partybuild.urls import handler400, handler403, handler404, handler500
from partybuild.urls import urlpatterns as known

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [
    *known,
    path("", include("tests.example_noun.urls")),
]
