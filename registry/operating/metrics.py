"""What Prometheus reads from ``/metrics``: few measurements, named by its conventions.

Requests are counted by every process in a file of its own in STATE_DIR (``gunicorn.conf.py``), and added up
when they are read. The files are named by the place of the process among its siblings, not by its number:
processes that are made anew go on in them, so they neither become many nor begin at zero. The rest is looked
up when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

from registry.models import modes
from registry.operating import health
from registry.operating.layout import installed_version
from registry.operating.replica import REPLICA
from registry.work import beats, queue

_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")

if settings.METRICS_DIR is not None:
    _counting: Any = values.MultiProcessValue
    values.ValueClass = _counting(process_identifier=lambda: settings.WORKER_PLACE)

_own = CollectorRegistry()
_REQUESTS = Counter(
    "registry_http_requests", "Requests that were answered, by class of status.", ["status"], registry=_own
)
_SECONDS = Histogram(
    "registry_http_request_duration_seconds",
    "Time until an answer was ready.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=_own,
)
for _status in ("2xx", "3xx", "4xx", "5xx"):
    _REQUESTS.labels(_status)


def note_request(status: int, seconds: float) -> None:
    """Count a request that was answered."""
    _REQUESTS.labels(f"{status // 100}xx").inc()
    _SECONDS.observe(seconds)


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the measurements to who asks from METRICS_FROM; nobody else learns that the address is there."""
    if not _may_read(request):
        return HttpResponseNotFound()
    if settings.METRICS_DIR is None:
        requests = _own
    else:
        requests = CollectorRegistry()
        MultiProcessCollector(requests, path=str(settings.METRICS_DIR))  # type: ignore[no-untyped-call]
    state = CollectorRegistry()
    state.register(_State())
    content = generate_latest(requests) + generate_latest(state)
    return HttpResponse(content, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _may_read(request: HttpRequest) -> bool:
    """Whether the asking machine is allowed. What an unnamed proxy hands on seems to be from here."""
    if not settings.TRUSTED_PROXIES and any(request.META.get(name) for name in _FORWARDED):
        return False
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in network for network in settings.METRICS_FROM)


class _State:
    """Looks up how it is."""

    def collect(self) -> Iterator[Metric]:
        """Yield each measurement; what is not known (never sealed, no worker ever) has none."""
        build = GaugeMetricFamily("registry_build_info", "The version that runs.", labels=["version"])
        build.add_metric([installed_version() or "unknown"], 1)
        yield build
        yield GaugeMetricFamily(
            "registry_mode", "0 as usual, 1 read-only, 2 maintenance.", value=modes.standing().mode
        )
        disk = GaugeMetricFamily("registry_disk_free_bytes", "Room on each disk.", labels=["place"])
        for places, free in health.disks().items():
            disk.add_metric(["+".join(places)], free)
        yield disk
        is_up = True
        try:
            yield from list(self._of_the_database())
        except DatabaseError:
            is_up = False
        yield GaugeMetricFamily("registry_database_up", "Whether the database answers.", value=is_up)

    def _of_the_database(self) -> Iterator[Metric]:
        load = queue.load()
        tasks = GaugeMetricFamily("registry_queue_tasks", "Tasks for the workers.", labels=["state"])
        tasks.add_metric(["running"], load.at_work)
        tasks.add_metric(["waiting"], load.waiting)
        yield tasks
        oldest = queue.oldest_waiting()
        waited = (timezone.now() - oldest).total_seconds() if oldest else 0
        yield GaugeMetricFamily(
            "registry_queue_oldest_age_seconds", "For how long the oldest task waits.", value=max(waited, 0)
        )
        yield from _age("worker_heartbeat", "Since a worker gave the last sign of life.", beats.last_sign())
        if settings.DATABASE_REPLICA:
            standing = REPLICA.standing()
            lag = standing.lag
            yield GaugeMetricFamily(
                "registry_replica_up", "Whether the replica answers.", value=standing.is_up
            )
            if lag is not None:
                yield GaugeMetricFamily(
                    "registry_replica_lag_seconds", "How old the replica is.", value=lag.total_seconds()
                )
        yield from _age(
            "last_backup", "Since the last backup that was proven was made.", health.last_proven_at()
        )
        yield from _age("last_seal", "Since the record of operations was sealed.", health.last_seal())


def _age(name: str, about: str, at: datetime | None) -> Iterator[Metric]:
    if at is not None:
        age = max((timezone.now() - at).total_seconds(), 0)
        yield GaugeMetricFamily(f"registry_{name}_age_seconds", about, value=age)
