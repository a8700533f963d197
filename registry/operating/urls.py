"""Addresses of what says how the registry is."""

from django.urls import path

from registry.operating import front, page

urlpatterns = [
    path("healthz", front.healthz, name="healthz"),
    path("readyz", front.readyz, name="readyz"),
    path("system/", page.system, name="system"),
]
