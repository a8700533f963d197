"""Whole pages: the time from the request to the last byte, with Django's test client."""

from __future__ import annotations

from collections.abc import Iterator

from django.test import Client
from django.utils import timezone

from benchmarks.measure import Timing, one_run
from benchmarks.reading import busiest_day, the_root
from benchmarks.table import Table
from benchmarks.users import make_users
from registry.models import GrantRole, Organization, Unit, WorkflowState

COLUMNS = {
    "whole": "median, ms",
    "p95": "95th percentile, ms",
    "database": "of it database, ms",
    "queries": "queries",
    "size": "kB",
}
RUNS = 40


def addresses() -> Iterator[tuple[str, str]]:
    """Yield the pages: units from the root down, lists, an organization, the tree."""
    root, busy = the_root(), busiest_day()
    for said, query in (
        ("the busiest day", f"as_of={busy}"),
        ("today", f"as_of={timezone.localdate()}"),
        ("all there ever was", f"as_of={timezone.localdate()}&basis=cumulative"),
    ):
        yield f"unit page of the root, {said}", f"{root.get_absolute_url()}?{query}"
    unit = root
    for level in ("a province", "a city", "a county", "a station"):
        below = Unit.objects.filter(parent=unit, closed_on=None).order_by("-rght", "pk")
        unit = max(below, key=lambda each: each.rght - each.lft, default=unit)
        yield f"unit page of {level}", f"{unit.get_absolute_url()}?as_of={busy}"
    yield "organizations below the root, first page", f"/organizations/?unit={root.code}&as_of={busy}"
    yield "assignments below the root, first page", f"/assignments/?unit={root.code}&as_of={busy}"
    yield "the tree, open at the root", f"/tree/?unit={root.code}&as_of={busy}"
    organization = Organization.objects.filter(state=WorkflowState.APPROVED, level__gt=0).order_by("pk")[0]
    yield "page of an organization", f"{organization.get_absolute_url()}?as_of={busy}"


def measure() -> list[Table]:
    """Measure each page as a viewer of the whole country sees it."""
    users, _password = make_users([(the_root(), GrantRole.VIEWER)])
    client = Client(SERVER_NAME="localhost")
    client.force_login(users[0])
    table = Table("pages", "Whole pages, server time", COLUMNS, ratio="whole")
    table.note = f"A viewer of the root; medians of up to {RUNS} pages after 2 to warm."
    for said, url in addresses():
        timing, size = asked(client, url)
        table.add(
            said,
            whole=timing.milliseconds,
            p95=timing.p95_milliseconds,
            database=timing.database_milliseconds,
            queries=timing.queries[-1],
            size=round(size / 1000),
        )
    return [table]


def asked(client: Client, url: str, seconds: float = 10.0) -> tuple[Timing, int]:
    """Return the times of a page and its size in bytes. Raises ``AssertionError`` when it is not a page."""
    timing, size = Timing(), 0
    for number in range(RUNS + 2):
        run = Timing()
        with one_run(run):
            response = client.get(url)
        if response.status_code != 200:
            raise AssertionError(
                f"{url}: status {response.status_code} {response.headers.get('Location', '')}"
            )
        size = len(response.content)
        if number >= 2:
            timing.add(run.whole[0], run.database[0], run.queries[0])
        if sum(timing.whole) > seconds:
            break
    return timing, size
