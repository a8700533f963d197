"""Addresses of changes that wait for approval."""

from django.urls import path

from registry.approvals import views
from registry.approvals.tables import SubmissionTable
from registry.web.tables import export

urlpatterns = [
    path("approvals/", views.submissions, name="submissions"),
    path("approvals/<int:pk>/", views.submission, name="submission"),
    path("approvals/<int:pk>/approve/", views.approve, name="submission_approve"),
    path("approvals/<int:pk>/return/", views.send_back, name="submission_return"),
    path("approvals/<int:pk>/submit/", views.submit_again, name="submission_submit"),
    path("approvals/<int:pk>/withdraw/", views.withdraw, name="submission_withdraw"),
    path("export/approvals/", export(SubmissionTable), name="submissions_export"),
    path("many/approvals/approve/", views.approve_many, name="submissions_approve"),
    path("many/approvals/return/", views.return_many, name="submissions_return"),
]
