"""/metrics: few measurements, right under several processes, for who may read it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from registry.operating import health
from registry.work.models import Worker
from tests.test_settings import SECRET, run

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    *("registry_build_info", "registry_database_up", "registry_disk_free_bytes", "registry_mode"),
    *("registry_http_requests_total", "registry_http_request_duration_seconds", "registry_queue_tasks"),
    *("registry_queue_oldest_age_seconds", "registry_last_backup_age_seconds"),
}


@pytest.mark.django_db
def test_what_is_measured(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "last_proven_at", timezone.now)
    Worker.objects.create(name="one", host="here", process=1)
    client.get("/login/")
    said = client.get("/metrics").text
    names = {re.sub(r"_(bucket|count|sum)$", "", name) for name in re.findall(r"^(registry\w+)", said, re.M)}
    assert names - {"registry_worker_heartbeat_age_seconds", "registry_http_requests_created"} >= NAMES
    assert re.search(r'^registry_http_requests_total\{status="2xx"\} [1-9]', said, re.M)
    assert "\nregistry_database_up 1.0\n" in said
    assert re.search(r"^registry_last_backup_age_seconds \d", said, re.M)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "headers", "trusted", "status"),
    [
        ("127.0.0.1", {}, "", 200),
        ("10.1.2.3", {}, "", 404),
        ("", {}, "", 404),  # a socket
        ("127.0.0.1", {"x-forwarded-for": "10.1.2.3"}, "", 404),  # a proxy that is not named
        ("127.0.0.1", {"x-forwarded-for": "10.1.2.3"}, "127.0.0.1/32", 404),
    ],
)
def test_only_from_addresses_that_may_is_it_there(
    client: Client, settings: Any, address: str, headers: dict[str, str], trusted: str, status: int
) -> None:
    from ipaddress import ip_network

    settings.TRUSTED_PROXIES = [ip_network(trusted)] if trusted else []
    answer = client.get("/metrics", headers=headers, REMOTE_ADDR=address)
    assert (answer.status_code, bool(answer.content)) == (status, status == 200)


COUNTING = """
import os, sys, django
django.setup()
for place, statuses in (("0", (200, 404)), ("1", (200, 200)), ("0", (404,))):
    if os.fork() == 0:  # the third is made anew in the place of the first
        os.environ["WORKER_PLACE"] = place
        from django.conf import settings
        settings.WORKER_PLACE = int(place)
        from registry.operating import metrics
        for status in statuses:
            metrics.note_request(status, 0.2)
        os._exit(0)
    os.wait()
from django.test import RequestFactory
from registry.operating import metrics
print(metrics.metrics(RequestFactory().get("/metrics")).content.decode())
"""


def test_the_processes_of_a_server_are_added_up_and_go_on_when_one_is_made_anew(tmp_path: Path) -> None:
    counts = tmp_path / "metrics-1"
    counts.mkdir()
    done = run(
        ["-c", COUNTING],
        {"SECRET_KEY": SECRET, "DATABASE_URL": "sqlite://:memory:", "PROMETHEUS_MULTIPROC_DIR": str(counts)},
    )
    assert done.returncode == 0, done.stderr
    numbers = dict(re.findall(r'^registry_http_requests_total\{status="(.)xx"\} (\d+)', done.stdout, re.M))
    assert numbers == {"2": "3", "3": "0", "4": "2", "5": "0"}
    assert "registry_http_request_duration_seconds_count 5.0" in done.stdout
    assert "registry_database_up 0.0" in done.stdout  # it has no tables
    assert len(list(counts.iterdir())) == 4


def test_gunicorn_gives_a_new_process_the_place_of_the_one_that_ended() -> None:
    hooks: dict[str, Any] = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    server = SimpleNamespace(WORKERS={})
    for pid, expected in ((11, 0), (12, 1), (13, 2)):
        worker = SimpleNamespace()
        hooks["pre_fork"](server, worker)
        assert worker.place == expected
        server.WORKERS[pid] = worker
    del server.WORKERS[12]
    hooks["pre_fork"](server, worker := SimpleNamespace())
    assert worker.place == 1
