"""Measures what the numbers of logbooks add to founding an organization, entering an entry and reading.

`python -m tests.with_postgres -- python -m benchmarks.logbooks 300000` (entries; 20,000 when left out). It
loads a province of 1,021 units, founds organizations with ten members, makes 300 numbers of 60 logbooks with
so many entries past the operations, founds again, enters entries, and reads all the numbers of the root.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import django

from benchmarks.measure import timed

if TYPE_CHECKING:
    from registry.models import Unit

BOOKS, RUNS, FIRST = 60, 60, date(2020, 2, 1)
WAYS = ("entries", "people", "times", "sum", "open")
DESIGN: dict[str, Any] = {
    "fields": [
        {"key": "staff", "label": "人员", "type": "people"},
        {"key": "number", "label": "数量", "type": "number"},
    ],
    "steps": [{"key": "begun", "label": "登记"}, {"key": "done", "label": "办结"}],
    "counters": [
        {"key": "entries", "label": "次数", "way": "entries"},
        {"key": "people", "label": "人数", "way": "people", "field": "staff"},
        {"key": "times", "label": "人次", "way": "times", "field": "staff"},
        {"key": "sum", "label": "数量", "way": "sum", "field": "number"},
        {"key": "open", "label": "待办结", "way": "open", "step": "begun"},
    ],
}


def told(what: str, do: Callable[[], object], runs: int = RUNS) -> float:
    """Do it so many times, after once to warm up; print and return the median."""
    _result, timing = timed(do, runs=runs)
    print(f"  {what:60}{timing.milliseconds:8.1f} ms", flush=True)
    return timing.milliseconds


def make_logbooks(top: Unit, number: int, design: dict[str, Any]) -> None:
    """Make so many logbooks at a unit, which all below it use."""
    from registry.logbooks.operations.logbooks import add_logbook
    from tests.factories import ACTOR

    for each in range(number):
        facts: dict[str, Any] = {"code": f"book{each}", "design": design, "started_on": FIRST}
        add_logbook(actor=ACTOR, unit=top, name=f"台账{each}", needs_approval=False, **facts)


def load(entries: int) -> None:
    """Write entries of each logbook at random stations and days, and their rows, past the operations."""
    from django.db import connection

    from registry.counting.totals.check import rebuild
    from registry.logbooks.metrics import FAMILIES
    from registry.logbooks.models import Entry, EntryFact, LogbookItem, LoggedPerson
    from registry.models import Person, Unit
    from registry.models.writer import Writer, reserve_ids

    pick = random.Random(1)
    stations = list(Unit.objects.filter(kind="station").values_list("pk", flat=True))
    people = list(Person.objects.values_list("pk", flat=True)[:2000])
    items: dict[int, dict[str, int]] = {}
    for pk, book, key in LogbookItem.objects.values_list("pk", "logbook", "key"):
        items.setdefault(book, {})[key.removeprefix("n.")] = pk
    owners = [(book, person) for book in items for person in people]
    Writer(LoggedPerson, ("logbook_id", "person_id")).write(owners)
    logged = {
        (book, person): pk for pk, book, person in LoggedPerson.objects.values_list("pk", "logbook", "person")
    }
    books, rows, facts = list(items), [], []
    for pk in reserve_ids(Entry, entries):
        book, on = pick.choice(books), FIRST + timedelta(pick.randrange(700))
        ends = on + timedelta(pick.randrange(20)) if pick.random() < 0.9 else None
        rows.append((pk, f"e{pk}", book, pick.choice(stations), on, "approved", "{}"))
        named, of = pick.sample(people, 2), items[book]
        for key, number, until in (
            ("entries", 1, None),
            ("times", 2, None),
            ("sum", pick.randrange(500), None),
            ("open", 1, ends),
        ):
            facts.append((pk, of[key], number, on, until, None))
        facts += [(pk, of["people"], 1, on, None, logged[book, person]) for person in named]
    columns = ("id", "code", "logbook_id", "unit_id", "happened_on", "state", "values")
    Writer(Entry, columns).write(rows)
    Writer(EntryFact, ("entry_id", "item_id", "number", "starts_on", "ends_on", "owner_id")).write(facts)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    began = time.perf_counter()
    written = rebuild(metrics=FAMILIES)
    print(
        f"{entries:,} entries, {len(facts):,} rows, {written:,} totals in {time.perf_counter() - began:.0f} s"
    )


def main() -> None:
    """Load, and measure before there are numbers and after."""
    from django.db import connection, transaction

    from benchmarks import closing
    from registry.counting.basis import Question
    from registry.counting.metrics import made_metrics
    from registry.counting.rollup import kept, rollup
    from registry.counting.series import courses
    from registry.counting.totals.check import differences
    from registry.logbooks.models import Logbook
    from registry.logbooks.operations.entries import add_entry
    from registry.models import Person, Unit
    from registry.models.hierarchy import remembering
    from registry.operations.organizations import Member, establish_organization
    from tests.factories import ACTOR

    entries = int(next((each for each in sys.argv[1:] if each.isdigit()), "20000"))
    closing.load(2000, "n")
    top = Unit.objects.get(code="ntop")
    stations = list(Unit.objects.filter(kind="station"))
    staff = list(Person.objects.order_by("pk")[:5000])
    pick, codes = random.Random(2), iter(range(10**9))

    def found() -> None:
        establish_organization(
            actor=ACTOR,
            unit=pick.choice(stations),
            kind="branch",
            name="临时党支部",
            code=f"new{next(codes)}",
            is_temporary=True,
            established_on=FIRST,
            state="approved",
            members=[Member(person, "member") for person in pick.sample(staff, 10)],
        )

    before = told("found an organization with 10 members, no logbooks", found)
    make_logbooks(top, BOOKS, DESIGN)
    with transaction.atomic():
        load(entries)
    made = tuple(made_metrics().values())
    after = told(f"found an organization, {len(made)} numbers of {BOOKS} logbooks", found)
    print(f"  {'ratio':60}{after / before:8.2f}")
    books = list(Logbook.objects.order_by("pk"))

    def enter() -> None:
        add_entry(
            actor=ACTOR,
            logbook=pick.choice(books),
            unit=pick.choice(stations),
            happened_on=FIRST + timedelta(pick.randrange(700)),
            values={"staff": [(each, "") for each in pick.sample(staff[:2000], 5)], "number": 7},
        )

    told("enter an entry that names 5 people", enter)
    top.refresh_from_db()
    day = Question(FIRST + timedelta(400))
    told(f"all {len(made)} numbers of the root", lambda: kept(top, day, made))
    told("six of them, with what is not approved", lambda: rollup(top, day, children=False, metrics=made[:6]))
    told("six, of the root and its 20 children", lambda: rollup(top, day, metrics=made[:6]), 20)
    span = (FIRST, FIRST + timedelta(700))
    told("one for each of 700 days", lambda: courses(top, made[:1], *span, day, ["current"]))

    def know() -> None:
        with remembering():
            made_metrics()

    told("ask which numbers there are", know)
    began = time.perf_counter()
    with connection.cursor():
        wrong = differences()
    print(f"  checkcounts: {len(wrong)} differences, {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partybuild.settings")
    os.environ.setdefault("DEBUG", "0")
    os.environ.setdefault("TLS", "0")
    for key in ("SECRET_KEY", "SEAL_KEY"):
        os.environ.setdefault(key, "only-for-measuring-0123456789-abcdefghijklmnopqrstuvwxyz")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    main()
