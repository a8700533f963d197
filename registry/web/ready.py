"""``/readyz``: whether this server may be sent requests, for whoever stands in front of it."""

from __future__ import annotations

from functools import cache

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from registry.models import guards


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Return what stands and what does not: 200 when all of it does, else 503. It says nothing else."""
    try:
        stands = {"database": True, "migrations": _migrated(), "guards": not guards.missing()}
    except DatabaseError:
        stands = {"database": False}
    return JsonResponse(stands, status=200 if all(stands.values()) else 503)


def _migrated() -> bool:
    """Whether every migration of this code was applied."""
    return _written() <= set(MigrationRecorder(connection).applied_migrations())


@cache
def _written() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)
