"""Addresses of service records; the campaign is the one of the page."""

from django.urls import path

from registry.service import views
from registry.service.groups import BranchTable, OrganizationTable
from registry.service.papers import papers
from registry.service.tables import OpinionTable, RecordTable
from registry.service.writing import write
from registry.web.tables import export

urlpatterns = [
    path("service/", views.service, name="service"),
    path("service/people/", views.people, name="service_people"),
    path("service/people/sign/", views.sign_many, name="service_sign"),
    path("service/people/return/", views.return_many, name="service_return"),
    path("service/branches/", views.branches, name="service_branches"),
    path("service/opinions/", views.opinions, name="service_opinions"),
    path("service/organizations/", views.organizations, name="service_organizations"),
    path("service/remind/<slug:code>/", views.remind, name="service_remind"),
    path("service/papers/", papers, name="service_papers"),
    path("export/service/people/", export(RecordTable), name="service_people_export"),
    path("export/service/branches/", export(BranchTable), name="service_branches_export"),
    path("export/service/opinions/", export(OpinionTable), name="service_opinions_export"),
    path("export/service/organizations/", export(OrganizationTable), name="service_organizations_export"),
    path("people/<str:number>/service/", views.record, name="person_service"),
    path("people/<str:number>/service/sign/", views.sign, name="person_service_sign"),
    path("people/<str:number>/service/return/", views.give_back, name="person_service_return"),
    path("organizations/<slug:code>/opinions/", write, name="organization_opinions"),
]
