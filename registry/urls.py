"""All addresses: one line for each app."""

from django.urls import include, path

urlpatterns = [
    # Asked first: the pages that are opened most.
    path("", include("registry.pages.urls")),
    path("", include("registry.accounts.urls")),
    path("", include("registry.approvals.urls")),
    path("", include("registry.imports.urls")),
    path("", include("registry.closings.urls")),
    path("", include("registry.exports.urls")),
    path("", include("registry.reports.urls")),
    path("", include("registry.logbooks.urls")),
    path("", include("registry.service.urls")),
    path("", include("registry.compliance.urls")),
    path("", include("registry.files.urls")),
    path("", include("registry.operating.urls")),
]
