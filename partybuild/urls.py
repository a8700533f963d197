"""The addresses of the whole site; the registry's own are in `registry.urls`."""

from django.urls import include, path

from registry.admin import site

urlpatterns = [
    path("", include("registry.urls")),
    path("admin/", site.urls),
]

handler400 = "registry.web.errors.bad_request"
handler403 = "registry.web.errors.permission_denied"
handler404 = "registry.web.errors.page_not_found"
handler500 = "registry.web.errors.server_error"
