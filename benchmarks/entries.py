"""What a million entries over a nation cost: entering one, the numbers of the root, lists by any field.

`DATABASE_URL=... python -m benchmarks.entries load 1000000` writes so many into a database that holds a
country already (`python -m benchmarks.country --scale nation`), three in five of them into one logbook with a
field of every type. `python -m benchmarks.entries measure` prints medians of whole pages and of their part in
the database, of entering and of the numbers of all logbooks, and the storage of an entry.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from statistics import median
from typing import Any

import django

BOOKS, FIRST, DAYS, RUNS = 47, date(2020, 2, 1), 700, 15
KINDS = ("慰问", "帮扶", "走访")
PLACES = ("向阳", "建设", "人民", "和平", "解放", "新华", "长江", "黄河", "民主", "光明", "东风", "红旗")
WORK = ("核酸采样", "卡口值守", "社区排查", "物资转运", "隔离点巡逻", "流调溯源", "秩序维护", "交通疏导")
DESIGN: dict[str, Any] = {
    "fields": [
        {"key": "subject", "label": "事项", "type": "text", "required": True},
        {"key": "kind", "label": "类别", "type": "choice", "choices": list(KINDS)},
        {"key": "number", "label": "数量", "type": "number"},
        {"key": "amount", "label": "金额", "type": "amount"},
        {"key": "until", "label": "完成日期", "type": "date"},
        {"key": "at", "label": "时间", "type": "time"},
        {"key": "where", "label": "到访单位", "type": "unit"},
        {"key": "paper", "label": "文号", "type": "document"},
        {"key": "staff", "label": "人员", "type": "people"},
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
_OF_VALUES = {"subject": "text", "kind": "text", "until": "text", "at": "text", "paper": "text"}


class Loading:
    """Entries at random stations and days, written past the operations, with their facts."""

    def __init__(self) -> None:
        from registry.logbooks.models import Logbook, LogbookItem, LoggedPerson
        from registry.models import Person, Unit
        from registry.models.writer import Writer

        self.pick = random.Random(1)
        self.stations = list(Unit.objects.filter(kind="station").values_list("pk", flat=True))
        self.people = list(Person.objects.order_by("pk").values_list("pk", flat=True)[:20_000])
        self.books = list(Logbook.objects.filter(code__startswith="book").order_by("pk"))
        self.items: dict[int, dict[str, int]] = {}
        for pk, book, key in LogbookItem.objects.values_list("pk", "logbook", "key"):
            self.items.setdefault(book, {})[key] = pk
        Writer(LoggedPerson, ("logbook_id", "person_id")).write(
            [(book.pk, person) for book in self.books for person in self.people]
        )
        rows = LoggedPerson.objects.values_list("pk", "logbook", "person")
        self.logged = {(book, person): pk for pk, book, person in rows.iterator(chunk_size=50_000)}

    def write(self, keys: range) -> None:
        """Write entries with these keys."""
        from registry.logbooks.models import Entry, EntryFact, EntryPerson, EntryStep
        from registry.models.writer import Writer

        entries, facts, people, steps = [], [], [], []
        for pk in keys:
            book = self.books[0] if self.pick.random() < 0.6 else self.pick.choice(self.books[1:])
            on, values, named = FIRST + timedelta(self.pick.randrange(DAYS)), self._values(pk), []
            named = self.pick.sample(self.people, 2)
            closed = on + timedelta(self.pick.randrange(20)) if self.pick.random() < 0.9 else None
            entries.append(
                (
                    pk,
                    f"e{pk}",
                    book.pk,
                    self.pick.choice(self.stations),
                    on,
                    "approved",
                    values["subject"],
                    json.dumps(values, ensure_ascii=False),
                    "done" if closed else "begun",
                )
            )
            facts += self._facts(pk, book.pk, on, closed, values, named)
            people += [(pk, "staff", person, "", place) for place, person in enumerate(named)]
            steps += [(pk, "begun", on), *([(pk, "done", closed)] if closed else [])]
        columns = ("id", "code", "logbook_id", "unit_id", "happened_on", "state", "title", "values", "step")
        Writer(Entry, columns).write(entries)
        Writer(
            EntryFact, ("entry_id", "item_id", "number", "text", "starts_on", "ends_on", "owner_id")
        ).write(facts)
        Writer(EntryPerson, ("entry_id", "field", "person_id", "role", "place")).write(people)
        Writer(EntryStep, ("entry_id", "step", "reached_on")).write(steps)

    def _values(self, pk: int) -> dict[str, Any]:
        pick = self.pick
        subject = f"{pick.choice(PLACES)}{pick.choice('街路社区')}{pick.choice(WORK)}{pick.randrange(2000)}号"
        return {
            "subject": subject,
            "kind": pick.choice(KINDS),
            "number": pick.randrange(500),
            "amount": pick.randrange(100_000),
            "until": (FIRST + timedelta(pick.randrange(DAYS))).isoformat(),
            "at": f"{pick.randrange(24):02d}:{pick.randrange(60):02d}",
            "where": pick.choice(self.stations),
            "paper": f"公政〔2020〕{pk % 9000}号",
        }

    def _facts(
        self, pk: int, book: int, on: date, closed: date | None, values: dict[str, Any], named: list[int]
    ) -> Iterator[tuple[Any, ...]]:
        of = self.items[book]
        for key, value in values.items():
            is_text = key in _OF_VALUES
            yield pk, of[key], None if is_text else value, value if is_text else "", None, None, None
        for person in named:
            yield pk, of["staff"], None, "", None, None, self.logged[book, person]
            yield pk, of["n.people"], 1, "", on, None, self.logged[book, person]
        for key, number, until in (
            ("n.entries", 1, None),
            ("n.times", 2, None),
            ("n.sum", values["number"], None),
            ("n.open", 1, closed),
        ):
            yield pk, of[key], number, "", on, until, None


def load(entries: int) -> None:
    """Make the logbooks at the root and write so many entries, and their totals."""
    from django.db import connection, transaction

    from registry.counting.totals.check import rebuild
    from registry.logbooks.metrics import FAMILIES
    from registry.logbooks.models import Entry
    from registry.logbooks.operations.logbooks import add_logbook
    from registry.models import Unit
    from registry.models.writer import reserve_ids
    from tests.factories import ACTOR

    top = Unit.objects.filter(level=0).order_by("lft").first()
    assert top is not None
    for number in range(BOOKS):
        facts: dict[str, Any] = {"code": f"book{number}", "design": DESIGN, "started_on": FIRST}
        add_logbook(actor=ACTOR, unit=top, name=f"台账{number}", needs_approval=False, **facts)
    loading, began = Loading(), time.perf_counter()
    for first in range(0, entries, 20_000):
        with transaction.atomic():
            keys = list(reserve_ids(Entry, min(20_000, entries - first)))
            loading.write(range(keys[0], keys[-1] + 1))
        print(f"  {first:,} {time.perf_counter() - began:.0f} s", flush=True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    began = time.perf_counter()
    written = rebuild(metrics=FAMILIES)
    print(f"{written:,} totals in {time.perf_counter() - began:.0f} s")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


LISTS: dict[str, dict[str, str]] = {
    "plain": {},
    "number = 77": {"f_number": "77"},
    "number 100 to 300": {"f_number": "100 至 300"},
    "amount 5,000 to 5,100": {"f_amount": "5000 至 5100"},
    "choice, a third of all": {"f_kind": KINDS[0]},
    "a day": {"f_until": "2020-03-01"},
    "time 8:00 to 8:10": {"f_at": "8:00 至 8:10"},
    "text contains 社区排查 (an eighth)": {"f_subject": "社区排查"},
    "text contains 红旗路核酸采样19": {"f_subject": "红旗路核酸采样19"},
    "text contains 1999号": {"f_subject": "1999号"},
    "text contains what is nowhere": {"f_subject": "乌鲁木齐"},
    "document contains 8999": {"f_paper": "8999"},
    "choice and number = 77": {"f_kind": KINDS[0], "f_number": "77"},
    "choice and text": {"f_kind": KINDS[1], "f_subject": "1999号"},
    "sorted by number": {"sort": "f_number"},
    "sorted by text, down": {"sort": "-f_subject"},
    "sorted by choice": {"sort": "f_kind"},
    "a choice, sorted by number": {"f_kind": KINDS[0], "sort": "f_number"},
}
"""What is asked of the list of the logbook with three in five of all entries, by a viewer of the root."""


def told(what: str, do: Callable[[int], object], runs: int = RUNS) -> None:
    """Do it so many times, after twice to warm up; print medians of all of it and of the database."""
    from django.db import connection

    whole, in_database = [], []
    for run in range(-2, runs):
        spent = [0.0]

        def timed(execute: Any, *args: Any, spent: list[float] = spent) -> Any:
            since = time.perf_counter()
            try:
                return execute(*args)
            finally:
                spent[0] += time.perf_counter() - since

        began = time.perf_counter()
        with connection.execute_wrapper(timed):
            do(run)
        if run >= 0:
            whole.append(1000 * (time.perf_counter() - began))
            in_database.append(1000 * spent[0])
    print(f"| {what} | {median(whole):.1f} | {median(in_database):.1f} |", flush=True)


def measure(only: str) -> None:
    """Print what everything takes."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    from registry.counting.basis import Question
    from registry.counting.metrics import made_metrics
    from registry.counting.rollup import kept
    from registry.logbooks.models import Logbook
    from registry.logbooks.operations.entries import add_entry
    from registry.models import Grant, Person, Unit, User
    from tests.factories import ACTOR

    settings.ALLOWED_HOSTS = ["*"]
    top = Unit.objects.filter(level=0).order_by("lft").first()
    assert top is not None
    user, is_new = User.objects.get_or_create(username="bench", defaults={"name": "测试"})
    if is_new:
        Grant.objects.create(user=user, unit=top, role="viewer", started_on=date(2019, 1, 1))
    client, day = Client(), FIRST + timedelta(DAYS + 30)
    client.force_login(user)
    print("| what | whole, ms | of it database, ms |\n| --- | ---: | ---: |")
    for name, query in LISTS.items():
        if only in name:

            def ask(_run: int, query: dict[str, str] = query, name: str = name) -> None:
                answer = client.get("/logbooks/book0/", {"as_of": day.isoformat(), **query}, secure=True)
                assert answer.status_code == 200, (name, answer.status_code)

            told(f"list: {name}", ask)
    if only:
        return
    metrics = tuple(made_metrics().values())
    told(f"all {len(metrics)} numbers of the root", lambda _: kept(top, Question(day), metrics))
    pick = random.Random(2)
    stations = list(Unit.objects.filter(kind="station")[:5000])
    staff = list(Person.objects.order_by("pk")[:20_000])
    books = list(Logbook.objects.filter(code__startswith="book").order_by("pk"))

    def enter(_run: int) -> None:
        values: dict[str, Any] = {
            "subject": f"向阳社区核酸采样{pick.randrange(2000)}号",
            "kind": KINDS[0],
            "number": 7,
            "until": FIRST,
            "staff": [(each, "") for each in pick.sample(staff, 5)],
        }
        on = FIRST + timedelta(pick.randrange(DAYS))
        add_entry(actor=ACTOR, logbook=books[0], unit=pick.choice(stations), happened_on=on, values=values)

    told("enter an entry that names 5 people", enter, 60)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM logbooks_entry")
        number = cursor.fetchone()[0]
        for table in ("entry", "entryfact", "entryperson", "entrystep"):
            cursor.execute("SELECT pg_relation_size(%s), pg_indexes_size(%s)", [f"logbooks_{table}"] * 2)
            rows, indexes = cursor.fetchone()
            print(f"| {table}: bytes an entry | {rows / number:,.0f} | {indexes / number:,.0f} (indexes) |")
        cursor.execute(
            "SELECT sum(pg_column_size(t.*)) FROM registry_total t JOIN registry_unit u ON u.id = t.unit_id"
            " WHERE t.metric LIKE 'log.%'"
        )
        print(f"| totals: bytes an entry | {cursor.fetchone()[0] / number:,.0f} | |")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partybuild.settings")
    django.setup()
    if sys.argv[1] == "load":
        load(int(sys.argv[2]))
    else:
        measure(" ".join(sys.argv[2:]))
