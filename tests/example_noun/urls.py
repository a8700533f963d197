"""The addresses of the pages of vehicles."""

from django.urls import path

from registry.web.tables import export
from tests.example_noun import views
from tests.example_noun.tables import VehicleTable

urlpatterns = [
    path("vehicles/", views.vehicles, name="vehicles"),
    path("export/vehicles/", export(VehicleTable), name="vehicles_export"),
    path("units/<slug:code>/vehicles/add/", views.add, name="vehicle_add"),
    path("vehicles/<str:code>/", views.vehicle, name="vehicle"),
    path("vehicles/<str:code>/edit/", views.edit, name="vehicle_edit"),
    path("vehicles/<str:code>/retire/", views.retire, name="vehicle_retire"),
]
