"""The addresses of the whole site; the registry's own are in `registry.urls`."""

from django.urls import include, path

from registry.admin import site

urlpatterns = [
    path("", include("registry.urls")),
    path("admin/", site.urls),
]

handler400 = "registry.views.errors.bad_request"
handler403 = "registry.views.errors.permission_denied"
handler404 = "registry.views.errors.page_not_found"
handler500 = "registry.views.errors.server_error"
