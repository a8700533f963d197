"""Queries and server time of every page, for a national and a county user; the memory of a worker.

    DATABASE_URL=... python -m benchmarks.every_page [--day 2020-03-10] [--repeat 15] [--only TEXT]
    DATABASE_URL=... python -m benchmarks.every_page --linked 500
    DATABASE_URL=... python -m benchmarks.every_page --memory 1000

The database was filled by ``python -m benchmarks.country``, or is the demo's. Two users (bench-national,
bench-county) without password are added. ``--linked`` follows that many links from the page and the desk of
the root, so that no page is forgotten, and prints the slowest, in times of a unit's page. ``--memory`` reads
that many pages and prints the memory of the process: it should stay flat after the first hundred, in which
caches fill.
"""

# ruff: noqa: E402 - Django is set up before what needs it is imported
from __future__ import annotations

import argparse
import gc
import os
import re
import statistics
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

os.environ.update(
    DEBUG="0",
    TLS="0",
    LOG_LEVEL="CRITICAL",
    ALLOWED_HOSTS="testserver",
    DJANGO_SETTINGS_MODULE="partybuild.settings",
    SECRET_KEY="for-benchmarks-only-0123456789-abcdefghijklmnopqrstuvwxyz",
    SEAL_KEY="for-benchmarks-only-0123456789-abcdefghijklmnopqrstuvwxyz",
)

import django
from django.conf import settings

settings.STORAGES = settings.STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
django.setup()

from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone

from registry.models import Assignment, Grant, Organization, Person, Unit, User

MOST_OF_A_KIND = 6
LINK = re.compile(r'(?:href|hx-get|data-url)="(/(?!static/)[^"#]*)')


def _user(name: str, unit: Unit) -> User:
    user, made = User.objects.get_or_create(username=f"bench-{name}")
    if made:
        user.set_unusable_password()
        user.save()
    for role in ("manager", "auditor"):
        if not Grant.objects.filter(user=user, unit=unit, role=role).exists():
            Grant.objects.create(user=user, unit=unit, role=role, started_on=timezone.localdate())
    return user


def _places() -> tuple[Unit, Unit, Unit]:
    """Return the largest root, a unit in the middle of the tree, and one below that."""
    root = max(Unit.objects.filter(parent__isnull=True), key=lambda unit: unit.rght)
    inner = Unit.objects.filter(tree_id=root.tree_id, rght__gt=F("lft") + 1, lft__gte=root.rght // 2)
    county = inner.order_by("-level", "lft").first() or root
    leaf = Unit.objects.filter(parent=county).order_by("lft").first() or county
    return root, county, leaf


def _pages(top: Unit, county: Unit, leaf: Unit, day: str) -> Iterator[tuple[str, str]]:
    """Yield the name and address of every page."""

    def url(name: str, *args: Any, **query: str) -> str:
        asked = "&".join(f"{key}={value}" for key, value in {"as_of": day, **query}.items() if value)
        return f"{reverse(name, args=args)}?{asked}"

    for basis in ("", "cumulative", "new", "ended"):
        yield f"unit {basis or 'current'}", url("unit", top.code, basis=basis)
    yield "unit today", reverse("unit", args=[top.code])
    yield "unit, a county", url("unit", county.code)
    yield "unit, a station", url("unit", leaf.code)
    yield "tree beside the page", url("tree_side", unit=top.code)
    yield "tree beside the page, a county", url("tree_side", unit=county.code)
    yield "tree", url("tree", unit=top.code)
    yield "tree, below a unit", url("tree_unit", top.code)
    for sort in ("", "name", "kind", "-members", "established", "dissolved", "state"):
        yield f"organizations {sort}", url("organizations", sort=sort)
    for query in (
        {"page": "100"},
        {"basis": "cumulative"},
        {"basis": "new"},
        {"metric": "temporary_party_orgs", "unit": top.code},
        {"kind": "branch", "nature": "temporary"},
        {"state": "pending"},
        {"q": "先锋"},
    ):
        yield f"organizations {_words(query)}", url("organizations", **query)
    for query in (
        {},
        {"page": "100"},
        {"sort": "name"},
        {"sort": "unit"},
        {"unit": top.code},
        {"category": "auxiliary"},
        {"status": "full_member"},
        {"assigned": "yes"},
        {"assigned": "no"},
        {"q": "王伟"},
        {"metric": "frontline_people", "unit": top.code},
        {"metric": "frontline_party_members", "unit": top.code},
    ):
        yield f"people {_words(query)}", url("people", **query)
    for query in ({}, {"sort": "person"}, {"sort": "role"}, {"basis": "cumulative"}, {"q": "王伟"}):
        yield f"assignments {_words(query)}", url("assignments", **query)
    here = Organization.objects.filter(unit__tree_id=county.tree_id)
    here = here.filter(unit__lft__range=(county.lft, county.rght), state="approved", kind="branch")
    organization = here.order_by("pk").first()
    if organization is not None:
        yield "organization", url("organization", organization.code)
        placed = Assignment.objects.filter(organization=organization).select_related("person").first()
        person: Person | None = placed.person if placed else None
        if person is not None:
            yield "person", url("person", person.key)
    for name in ("reconciliation", "sources", "record", "users", "user_add", "account"):
        yield name, url(name)
    for name in ("unit_edit", "unit_move", "organization_register", "person_add"):
        yield name, url(name, county.code)


def _words(query: dict[str, str]) -> str:
    return " ".join(f"{key}={value}" for key, value in query.items() if key != "unit" or len(query) == 1)


def _read(client: Client, url: str) -> float:
    """Read a page and return the milliseconds it took."""
    start = time.perf_counter()
    answer = client.get(url)
    elapsed = (time.perf_counter() - start) * 1000
    if answer.status_code != 200:
        raise SystemExit(f"{url}: {answer.status_code}")
    return elapsed


def measure(day: str, repeat: int, only: str) -> None:
    """Print the table: for each page its queries, the median and the 95th percentile of the server's time."""
    root, county, leaf = _places()
    print(f"{'who':10}{'page':48}{'queries':>8}{'median ms':>11}{'p95 ms':>9}")
    for who, top in (("national", root), ("county", county)):
        client = Client()
        client.force_login(_user(who, top), backend="registry.accounts.lockout.Backend")
        for name, url in _pages(top, county, leaf, day):
            if only not in name:
                continue
            _read(client, url)
            with CaptureQueriesContext(connection) as captured:
                _read(client, url)
                queries = len(captured)
            times = sorted(_read(client, url) for _ in range(repeat))
            late = times[min(len(times) - 1, int(len(times) * 0.95))]
            print(f"{who:10}{name:48}{queries:8}{statistics.median(times):11.1f}{late:9.1f}", flush=True)


def linked(day: str, number: int) -> None:
    """Print the slowest of so many pages that are reached by links; of each kind of page a few."""
    root, _county, _leaf = _places()
    client = Client()
    client.force_login(_user("national", root), backend="registry.accounts.lockout.Backend")
    own = f"{root.get_absolute_url()}?as_of={day}"
    waiting, known = deque([own, f"{reverse('desk')}?as_of={day}"]), {own}
    found: dict[str, list[tuple[float, str]]] = defaultdict(list)
    while waiting and number:
        url = waiting.popleft()
        try:
            name = resolve(url.partition("?")[0]).view_name
        except Resolver404:
            continue
        if len(found[name]) == MOST_OF_A_KIND or name == "logout":
            continue
        client.get(url)  # to warm
        start = time.perf_counter()
        answer = client.get(url, follow=True)
        found[name].append(((time.perf_counter() - start) * 1000, url))
        number -= 1
        if not answer.streaming and "html" in answer.headers["Content-Type"]:
            links = {unescape(link) for link in LINK.findall(answer.content.decode())} - known
            known |= links
            waiting.extend(sorted(links))
    unit = statistics.median(taken for taken, _url in found["unit"])
    print(f"{'page':32}{'median ms':>11}{'times a unit':>14}  the slowest")
    pages = [
        (statistics.median(taken for taken, _url in each), max(each), name) for name, each in found.items()
    ]
    for median, (_taken, url), name in sorted(pages, reverse=True)[:40]:
        print(f"{name:32}{median:11.1f}{median / unit:14.1f}  {url[:100]}")


def memory(day: str, number: int) -> None:
    """Read ``number`` pages of all kinds in turn and print the resident memory at intervals."""
    root, county, leaf = _places()
    client = Client()
    client.force_login(_user("national", root), backend="registry.accounts.lockout.Backend")
    urls = [url for _name, url in _pages(county, county, leaf, day)]
    for at in range(1, number + 1):
        _read(client, urls[at % len(urls)])
        if at in (1, 10) or at % 100 == 0:
            gc.collect()
            print(f"{at:6} pages {_resident() / 1024:8.1f} MB", flush=True)


def _resident() -> int:
    """Return the memory of this process in KiB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise SystemExit("the memory is read from /proc, which this machine does not have")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--day", default="2020-03-10")
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--only", default="")
    parser.add_argument("--linked", type=int, metavar="PAGES")
    parser.add_argument("--memory", type=int, metavar="PAGES")
    asked = parser.parse_args()
    if asked.linked:
        linked(asked.day, asked.linked)
    elif asked.memory:
        memory(asked.day, asked.memory)
    else:
        measure(asked.day, asked.repeat, asked.only)


if __name__ == "__main__":
    main()
