"""Put the pages under load: fifty readers and four writers, logged in by the form, through gunicorn.

Everything stays on this machine, is limited in time and ends by itself. First everybody asks as fast as the
server answers, then with pauses as people do; then until each worker has served a thousand pages, to see
whether its memory stays flat.
"""

from __future__ import annotations

import os
import random
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
from django.conf import settings

from benchmarks.browser import Browser, Unexpected, hidden
from benchmarks.measure import percentile
from benchmarks.reading import busiest_day, the_root
from benchmarks.sites import Site, a_day, sites
from benchmarks.table import Table
from benchmarks.users import make_users
from registry.models import Assignment, GrantRole, Organization, Person, Unit, WorkflowState

READERS, WRITERS, LOGINS = 50, 4, 10
FLAT_OUT, CALM = 60.0, 30.0
PAUSE = 5.0
"""Seconds between two pages of a reader with pauses."""
PAGES_FOR_MEMORY = 1000
LONGEST = 180.0
"""The most seconds of reading to measure the memory."""
COLUMNS = {
    "rate": "a second",
    "number": "in all",
    "median": "median, ms",
    "p95": "95th percentile, ms",
    "errors": "errors",
}


@dataclass
class Done:
    """The requests and answers of all threads together."""

    times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    """From the first question to the last answer."""

    @contextmanager
    def one(self) -> Iterator[None]:
        """Time one answer, or keep its error."""
        begin = time.perf_counter()
        try:
            yield
        except (Unexpected, OSError) as error:
            self.errors.append(f"{type(error).__name__}: {error}")
        except Exception as error:  # http.client's own, too: any of them is an error of the server's
            self.errors.append(repr(error))
        else:
            self.times.append(time.perf_counter() - begin)


def measure() -> list[Table]:
    """Start the server and the users, and count; every organization answered as registered must exist."""
    addresses = some_addresses()
    places = _some_sites()
    users, password = make_users(
        [
            *((the_root(), GrantRole.VIEWER) for _ in range(LOGINS)),
            *((place[0].parent.unit, GrantRole.MANAGER) for place in places),
        ]
    )
    mark = f"bench-{secrets.token_hex(4)}"
    with gunicorn() as (port, process):
        readers = [Reader(port, addresses, seed) for seed in range(READERS)]
        writers = [Writer(port, place, f"{mark}-{i}") for i, place in enumerate(places)]
        for number, each in enumerate((*readers, *writers)):
            name = users[number % LOGINS if number < READERS else LOGINS + number - READERS].username
            each.browser.log_in(name, password)
        warm, _ = together(readers, writers, seconds=5)
        memory = _memory(process)
        read, written = together(readers, writers, seconds=FLAT_OUT)
        calm, calm_written = together(readers, writers, seconds=CALM, pause=PAUSE)
        pages = len(read.times) + len(calm.times)
        wanted = PAGES_FOR_MEMORY * settings.WEB_WORKERS
        more = Done()
        begin = time.perf_counter()
        while pages + len(more.times) < wanted and time.perf_counter() - begin < LONGEST:
            again, _ = together(readers, [], seconds=5)
            more.times += again.times
            more.errors += again.errors
        pages += len(more.times)
        after = _memory(process)
    made = sum(writer.founded for writer in writers)
    kept = Organization.objects.filter(code__startswith=f"{mark}-")
    placed = Assignment.objects.filter(organization__in=kept).count()
    if (kept.count(), placed) != (made, 10 * made):
        raise AssertionError(f"{made} were answered as founded, {kept.count()} are there, {placed} members")
    workers, threads = settings.WEB_WORKERS, settings.WEB_THREADS
    said = f"{READERS} readers and {WRITERS} writers, {workers} workers of {threads} threads, as shipped"
    table = Table("load", f"Under load: {said}", COLUMNS)
    table.note = (
        "Readers ask unit pages of all levels and days, lists, organizations and people; writers fill in the "
        "form with ten members: the form, the sending, and the sending again after a warning. Database, "
        "server and readers share the machine's cores."
    )
    for name, done in (
        ("pages read, everybody as fast as answered", read),
        ("organizations registered meanwhile", written),
        (f"pages read, each reader pausing {PAUSE:.0f} s", calm),
        ("organizations registered meanwhile, with pauses", calm_written),
    ):
        _add(table, name, done)
    wrong = [*warm.errors, *read.errors, *written.errors, *calm.errors, *calm_written.errors, *more.errors]
    if wrong:
        table.note += f" Errors: {'; '.join(sorted(set(wrong))[:5])}"
    return [table, _memory_table(memory, after, pages)]


def _add(table: Table, name: str, done: Done) -> None:
    table.add(
        name,
        rate=len(done.times) / done.seconds,
        number=len(done.times),
        median=1000 * percentile(done.times, 50) if done.times else None,
        p95=1000 * percentile(done.times, 95) if done.times else None,
        errors=len(done.errors),
    )


def _memory_table(before: dict[int, float], after: dict[int, float], pages: int) -> Table:
    table = Table("load", "Memory of a worker", {"before": "MB before", "after": "MB after", "more": "more"})
    table.note = f"{pages:,} pages between the two, by {len(before)} workers, after some to warm."
    if pages < PAGES_FOR_MEMORY * settings.WEB_WORKERS:
        table.note += f" Fewer than the {PAGES_FOR_MEMORY:,} for each worker: the time was over."
    for number, (pid, size) in enumerate(before.items(), 1):
        if pid not in after:
            raise AssertionError("a worker ended on the way")
        table.add(f"worker {number}", before=size, after=after[pid], more=after[pid] - size)
    return table


# --- Users -----------------------------------------------------------------------------------------


class Reader:
    """A viewer of the whole country who opens pages."""

    def __init__(self, port: int, addresses: list[list[str]], seed: int) -> None:
        self.browser, self.addresses, self.chosen = Browser(port), addresses, random.Random(seed)

    def step(self, done: Done) -> None:
        """Open one page; every second one is of a unit."""
        url = self.chosen.choice(self.chosen.choice(self.addresses))
        with done.one():
            self.browser.get(url)


class Writer:
    """A manager who registers organizations."""

    def __init__(self, port: int, places: list[Site], mark: str) -> None:
        self.browser, self.places, self.mark = Browser(port), places, mark
        self.chosen = random.Random(mark)
        self.number = self.founded = 0

    def step(self, done: Done) -> None:
        """Open the form, fill it in and send it, twice if it warns."""
        self.number += 1
        site = self.chosen.choice(self.places)
        with done.one():
            url = f"/units/{site.unit.code}/register/"
            fields = self._filled(site)
            page = self.browser.get(url)
            for _ in range(2):
                page = self.browser.send(url, [*hidden(page), *fields])
                if not page:
                    self.founded += 1
                    return
            raise Unexpected(f"{url} came back")

    def _filled(self, site: Site) -> list[tuple[str, str]]:
        head, *members = site.people
        return [
            ("kind", "branch"),
            ("name", f"{site.unit.label}第{self.number}临时党支部"),
            ("code", f"{self.mark}-{self.number}"),
            ("parent", site.parent.code),
            ("established_on", a_day(self.chosen).isoformat()),
            ("secretary", head.key),
            *(("members", person.key) for person in members),
            *(("members_role", "member") for _ in members),
        ]


def together(
    readers: list[Reader], writers: list[Writer], *, seconds: float, pause: float = 0.0
) -> tuple[Done, Done]:
    """Run all users for so many seconds; return what was read and what was written."""
    read, written = Done(), Done()
    begin = time.perf_counter()
    end = begin + seconds

    def go_on(step: Callable[[Done], None], done: Done, chosen: random.Random) -> None:
        if pause:
            time.sleep(chosen.uniform(0, pause))
        while time.perf_counter() < end:
            step(done)
            if pause:
                time.sleep(min(chosen.uniform(0.5, 1.5) * pause, max(0.0, end - time.perf_counter())))

    threads = [
        threading.Thread(target=go_on, args=(each.step, done, each.chosen))
        for several, done in ((readers, read), (writers, written))
        for each in several
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read.seconds = written.seconds = time.perf_counter() - begin
    return read, written


def some_addresses() -> list[list[str]]:
    """Return the addresses that readers open, in groups of equal weight: half of them pages of units."""
    chosen, busy = random.Random(5), busiest_day()
    root = the_root()
    days = [f"as_of={busy}", "as_of=2020-07-10", "as_of=2021-12-01", f"as_of={busy}&basis=cumulative"]
    high = list(Unit.objects.filter(level__in=(1, 2)).order_by("pk")[:100])
    low = _drawn(Unit.objects.filter(level__gte=3), chosen)
    organizations = _drawn(Organization.objects.filter(state=WorkflowState.APPROVED), chosen)
    people = [f"/people/{key}/" for key in _drawn(Person.objects.all(), chosen, "key")]
    return [
        [f"{root.get_absolute_url()}?{day}" for day in days],
        [f"{unit.get_absolute_url()}?{day}" for unit in high for day in days],
        [f"/units/{code}/?{day}" for code in low for day in days],
        [f"/organizations/?unit={unit.code}&{days[0]}" for unit in (root, *high)],
        [f"/organizations/{code}/?{day}" for code in organizations for day in days[:2]],
        people,
    ]


def _drawn(rows: Any, chosen: random.Random, column: str = "code", number: int = 200) -> list[str]:
    """Return a column of some rows, sampled over the whole table."""
    pks = list(rows.order_by("pk").values_list("pk", flat=True))
    some = chosen.sample(pks, min(number, len(pks)))
    return list(rows.filter(pk__in=some).order_by("pk").values_list(column, flat=True))


def _some_sites() -> list[list[Site]]:
    """Return places below one committee for each writer."""
    by_committee: dict[int, list[Site]] = {}
    for site in sites(400, 11, around=2 * WRITERS):
        by_committee.setdefault(site.parent.pk, []).append(site)
    return list(by_committee.values())[:WRITERS]


# --- The server ------------------------------------------------------------------------------------


@contextmanager
def gunicorn() -> Iterator[tuple[int, psutil.Process]]:
    """Serve as it is shipped (gunicorn.conf.py) on a free port of this machine.

    Raises ``AssertionError`` when its log has a fault.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "partybuild.wsgi"],
            cwd=settings.BASE_DIR,
            env=os.environ | {"DEBUG": "0", "TLS": "0", "ALLOWED_HOSTS": "127.0.0.1", "PORT": str(port)},
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(port, server)
            yield port, psutil.Process(server.pid)
        finally:
            server.terminate()
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        log.seek(0)
        faults = [line for line in log if "Traceback" in line or "[ERROR]" in line]
        if faults:
            raise AssertionError(f"the server's log has {len(faults)} faults: {faults[0].strip()}")


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        if server.poll() is not None:
            raise RuntimeError("the server did not start")
        time.sleep(0.2)
    raise RuntimeError("the server does not answer")


def _memory(server: psutil.Process) -> dict[int, float]:
    """Return the resident megabytes of each worker."""
    return {child.pid: child.memory_info().rss / 2**20 for child in server.children()}
