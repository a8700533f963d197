"""Addresses of what says how the registry is."""

from django.urls import path

from registry.operating import front, metrics, page

urlpatterns = [
    path("healthz", front.healthz, name="healthz"),
    path("readyz", front.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("system/", page.system, name="system"),
]
