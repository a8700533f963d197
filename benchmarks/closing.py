"""How long closing a campaign takes, and reopening it: organizations with ten people each, in one campaign.

`python -m tests.with_postgres -- python -m benchmarks.closing 2000 20000` (the numbers of organizations;
2,000 when left out). Prints wall-clock and processor seconds of the preview, the closing and the reopening as
the worker does them, how long a user who founds something outside the campaign waited meanwhile, and the peak
of memory.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import django

BUREAUS, STATIONS, MEMBERS = 20, 50, 10
FIRST, END = date(2020, 2, 1), date(2020, 3, 31)


def load(organizations: int, mark: str) -> None:
    """Load units, a campaign's organizations under a standing committee of each bureau, and members."""
    from django.db import connection

    from registry.models import Campaign, Unit
    from registry.operations.bulk import bulk_load
    from registry.operations.bulk_rows import AssignmentRow, Load, OrganizationRow, PersonRow, UnitRow
    from tests.factories import ACTOR

    top = f"{mark}top"
    units = [UnitRow(top, "省公安厅", "department")]
    for b in range(BUREAUS):
        units.append(UnitRow(f"{mark}b{b}", f"第{b}公安局", "bureau", parent=top))
        units += [
            UnitRow(f"{mark}b{b}s{s}", f"第{b}局{s}所", "station", parent=f"{mark}b{b}")
            for s in range(STATIONS)
        ]
    committees = [
        OrganizationRow(f"{mark}c{b}", f"第{b}局党委", "committee", f"{mark}b{b}", FIRST, state="approved")
        for b in range(BUREAUS)
    ]
    rows = [
        OrganizationRow(
            f"{mark}o{n}",
            f"临时党支部{n}",
            "branch",
            f"{mark}b{n % BUREAUS}s{n % STATIONS}",
            FIRST,
            parent=f"{mark}c{n % BUREAUS}",
            campaign=f"{mark}yiqing",
            is_temporary=True,
            state="approved",
        )
        for n in range(organizations)
    ]
    people = [
        PersonRow(
            f"{mark}{n:08d}", f"张{n % 997}", "officer", f"{mark}b{n % BUREAUS}s{n % STATIONS}", "full_member"
        )
        for n in range(MEMBERS * organizations)
    ]
    placed = [
        AssignmentRow(f"{mark}{n:08d}", f"{mark}o{n % organizations}", FIRST) for n in range(len(people))
    ]
    bulk_load(actor=ACTOR, load=Load(units=units), at=top)
    lead = Unit.objects.get(code=top)
    Campaign.objects.create(code=f"{mark}yiqing", name=f"疫情防控{mark}", started_on=FIRST, lead_unit=lead)
    bulk_load(
        actor=ACTOR, load=Load(organizations=[*committees, *rows], people=people, assignments=placed), at=top
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # which a server does by itself


def act(mark: str) -> None:
    """Look at the consequences, close, and reopen; print what each cost."""
    from registry.audit import Actor
    from registry.closings import background, operations
    from registry.closings.extent import Extent
    from registry.closings.models import Closing, ClosingState
    from registry.closings.page import preview
    from registry.counting.basis import Question
    from registry.models import Campaign, Unit
    from registry.web.address import Address
    from tests.factories import make_user

    campaign = Campaign.objects.select_related("lead_unit").get(code=f"{mark}yiqing")
    user = make_user(f"{mark}closer", Unit.objects.get(code=f"{mark}top"))
    actor, address = Actor(user, "管理员"), Address(Question(END), END)
    operations.LARGE = 0  # as the worker does it
    _timed("preview", lambda: preview(Extent(campaign, END, user), address))
    closing = operations.close_campaign(
        actor=actor, campaign=campaign, on=END, document_number="党〔2020〕31号", reason="响应终止"
    )
    with _beside(mark):
        _timed("closing", lambda: background.carry(closing.pk))
    closing = Closing.objects.get(pk=closing.pk)
    if closing.state != ClosingState.CLOSED:
        raise SystemExit(closing.message)
    operations.reopen_closing(actor=actor, closing=closing, reason="测量")
    with _beside(mark):
        _timed("reopening", lambda: background.carry(closing.pk))
    closing = Closing.objects.get(pk=closing.pk)
    if closing.state != ClosingState.REOPENED:
        raise SystemExit(closing.message)


def _timed(name: str, do: Callable[[], object]) -> None:
    wall, used = time.perf_counter(), time.process_time()
    do()
    wall, used = time.perf_counter() - wall, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"  {name:10}{wall:8.1f} s{used:8.1f} s of Python{peak:7} MB", flush=True)


@contextmanager
def _beside(mark: str) -> Iterator[None]:
    """Found organizations outside the campaign in another thread meanwhile, and print the longest wait."""
    from django.db import connection

    from registry.models import Unit
    from tests.factories import make_organization

    waits, is_over = [0.0], threading.Event()

    def found() -> None:
        unit = Unit.objects.get(code=f"{mark}b0")
        while not is_over.wait(0.2):
            began = time.perf_counter()
            make_organization(unit, established_on=END, code=f"{mark}beside{time.time_ns()}")
            waits.append(time.perf_counter() - began)
        connection.close()

    somebody = threading.Thread(target=found)
    somebody.start()
    try:
        yield
    finally:
        is_over.set()
        somebody.join()
    print(f"  {'beside it':10}{max(waits):8.1f} s at most, of {len(waits) - 1} foundings", flush=True)


def main() -> None:
    """Load each size and measure it in a process of its own, whose memory is that of the acts alone."""
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()] or [2000]
    for number in numbers:
        mark = f"n{number}-"
        began = time.perf_counter()
        load(number, mark)
        print(f"{number:,} organizations (loaded in {time.perf_counter() - began:.0f} s)", flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks.closing", "act", mark], check=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partybuild.settings")
    os.environ.setdefault("DEBUG", "0")
    os.environ.setdefault("TLS", "0")
    for key in ("SECRET_KEY", "SEAL_KEY"):
        os.environ.setdefault(key, "only-for-measuring-0123456789-abcdefghijklmnopqrstuvwxyz")
    django.setup()
    if sys.argv[1:2] == ["act"]:
        act(sys.argv[2])
    else:
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        main()
