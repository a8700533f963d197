"""What a million entries over a nation cost: entering one, the numbers of the root, lists by any field.

`DATABASE_URL=... python -m benchmarks.entries load 1000000` writes so many into a database that holds a
country already (`python -m benchmarks.country --scale nation`), three in five of them into one logbook with a
field of every type. `python -m benchmarks.entries measure` prints medians of whole pages and of their part in
the database, of entering and of the numbers of all logbooks, and the storage of an entry.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import django

from benchmarks import logbooks
from benchmarks.measure import timed

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
    "steps": logbooks.DESIGN["steps"],
    "counters": logbooks.DESIGN["counters"],
}
MADE = """
CREATE TEMP TABLE station AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id
  FROM registry_unit WHERE kind = 'station';
CREATE TEMP TABLE staff AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id FROM
    (SELECT id FROM registry_person ORDER BY id LIMIT 20000) named;
CREATE TEMP TABLE book AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id FROM logbooks_logbook;
INSERT INTO logbooks_loggedperson (logbook_id, person_id) SELECT book.id, staff.id FROM book, staff;
CREATE TEMP TABLE made AS SELECT id, book, unit, day, day + lag AS closed, on_time, first, second,
    jsonb_build_object('subject', subject, 'kind', kind, 'number', number, 'amount', amount, 'until', until,
        'at', at, 'where', elsewhere, 'paper', paper) AS kept
FROM (SELECT g AS id, b.id AS book, u.id AS unit, w.id AS elsewhere, p.id AS first, q.id AS second,
    DATE '2020-02-01' + floor(random() * 700)::int AS day, floor(random() * 20)::int AS lag,
    random() < 0.9 AS on_time,
    (%(places)s::text[])[1 + floor(random() * 12)] || (%(kinds_of_place)s::text[])[1 + floor(random() * 3)]
        || (%(work)s::text[])[1 + floor(random() * 8)] || floor(random() * 2000) || '号' AS subject,
    (%(kinds)s::text[])[1 + floor(random() * 3)] AS kind, floor(random() * 500)::int AS number,
    floor(random() * 10000000)::int AS amount,
    (DATE '2020-02-01' + floor(random() * 700)::int)::text AS until,
    lpad(floor(random() * 24)::text, 2, '0') || ':' || lpad(floor(random() * 60)::text, 2, '0') AS at,
    '公政〔2020〕' || g %% 9000 || '号' AS paper
  FROM (SELECT g, CASE WHEN random() < 0.6 THEN 0 ELSE 1 + floor(random() * 46) END AS book,
      floor(random() * (SELECT count(*) FROM station)) AS unit,
      floor(random() * (SELECT count(*) FROM station)) AS place,
      floor(random() * 10000) AS first, 10000 + floor(random() * 10000) AS second
      FROM generate_series(1, %(entries)s) g) drawn
  JOIN book b ON b.n = drawn.book JOIN station u ON u.n = drawn.unit JOIN station w ON w.n = drawn.place
  JOIN staff p ON p.n = drawn.first JOIN staff q ON q.n = drawn.second) each;
INSERT INTO logbooks_entry (id, version, is_sample, created_at, updated_at, state, approval_number,
    return_reason, code, edition, happened_on, title, "values", step, unit_id, logbook_id)
  SELECT id, 1, false, now(), now(), 'approved', '', '', 'e' || id, 1, day, kept ->> 'subject', kept,
    CASE WHEN on_time THEN 'done' ELSE 'begun' END, unit, book FROM made;
INSERT INTO logbooks_entryperson (entry_id, field, person_id, role, place)
  SELECT id, 'staff', first, '', 0 FROM made UNION ALL SELECT id, 'staff', second, '', 1 FROM made;
INSERT INTO logbooks_entrystep (entry_id, step, reached_on, decided_by, document_number, note)
  SELECT id, 'begun', day, '', '', '' FROM made
  UNION ALL SELECT id, 'done', closed, '', '', '' FROM made WHERE on_time;
INSERT INTO logbooks_entryfact (entry_id, item_id, number, text, starts_on, ends_on, owner_id)
  SELECT made.id, item.id, fact.number, coalesce(fact.text, ''), fact.since, fact.until, logged.id
  FROM made CROSS JOIN LATERAL (VALUES
    ('subject', NULL::bigint, kept ->> 'subject', NULL::date, NULL::date, NULL::bigint),
    ('kind', NULL, kept ->> 'kind', NULL, NULL, NULL), ('until', NULL, kept ->> 'until', NULL, NULL, NULL),
    ('at', NULL, kept ->> 'at', NULL, NULL, NULL), ('paper', NULL, kept ->> 'paper', NULL, NULL, NULL),
    ('number', (kept ->> 'number')::bigint, NULL, NULL, NULL, NULL),
    ('amount', (kept ->> 'amount')::bigint, NULL, NULL, NULL, NULL),
    ('where', (kept ->> 'where')::bigint, NULL, NULL, NULL, NULL),
    ('staff', NULL, NULL, NULL, NULL, first), ('staff', NULL, NULL, NULL, NULL, second),
    ('n.entries', 1, NULL, day, NULL, NULL), ('n.times', 2, NULL, day, NULL, NULL),
    ('n.sum', (kept ->> 'number')::bigint, NULL, day, NULL, NULL),
    ('n.open', 1, NULL, day, CASE WHEN on_time THEN closed END, NULL),
    ('n.people', 1, NULL, day, NULL, first), ('n.people', 1, NULL, day, NULL, second)
  ) fact(key, number, text, since, until, person)
  JOIN logbooks_logbookitem item ON item.logbook_id = made.book AND item.key = fact.key
  LEFT JOIN logbooks_loggedperson logged ON logged.logbook_id = made.book AND logged.person_id = fact.person;
"""
"""Entries at random stations and days, with all that is worked out of them."""


def load(entries: int) -> None:
    """Make the logbooks at the root and write so many entries, and their totals."""
    from django.db import connection, transaction

    from registry.counting.totals.check import rebuild
    from registry.logbooks.metrics import FAMILIES
    from registry.models import Unit

    top = Unit.objects.filter(level=0).order_by("lft").first()
    assert top is not None
    logbooks.make_logbooks(top, BOOKS, DESIGN)
    began = time.perf_counter()
    given = {
        **{"places": list(PLACES), "kinds_of_place": ["街", "路", "社区"]},
        **{"work": list(WORK), "kinds": list(KINDS), "entries": entries},
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # the keys are right as they are made
        cursor.execute("SET LOCAL maintenance_work_mem = '1GB'")
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'logbooks_entr%'"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        )
        indexes = cursor.fetchall()
        for name, _made in indexes:
            cursor.execute(f"DROP INDEX {name}")
        for statement in MADE.strip().split(";\n"):
            cursor.execute(statement.rstrip(";"), given if "%(" in statement else None)
            print(f"  {statement[:40]!r} {time.perf_counter() - began:.0f} s", flush=True)
        for _name, made in indexes:
            cursor.execute(made)
        print(f"  indexes {time.perf_counter() - began:.0f} s", flush=True)
        for table in ("entry", "entryfact"):
            cursor.execute(
                f"SELECT setval('logbooks_{table}_id_seq', (SELECT max(id) FROM logbooks_{table}))"
            )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    began = time.perf_counter()
    with transaction.atomic():
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
"""The pages that are measured: the largest logbook (three in five of all entries), filtered and sorted."""


def told(what: str, do: Callable[[], object], runs: int = RUNS) -> None:
    """Do it so many times and print medians of all of it and of the database."""
    _result, timing = timed(do, runs=runs)
    print(f"| {what} | {timing.milliseconds:.1f} | {timing.database_milliseconds or 0:.1f} |", flush=True)


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
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"  # no collected files are needed
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}
    top = Unit.objects.filter(level=0).order_by("lft").first()
    assert top is not None
    user, is_new = User.objects.get_or_create(username="bench")
    if is_new:
        Grant.objects.create(user=user, unit=top, role="viewer", started_on=date(2019, 1, 1))
    client, day = Client(), FIRST + timedelta(DAYS + 30)
    client.force_login(user)
    print("| what | whole, ms | of it database, ms |\n| --- | ---: | ---: |")
    for name, query in LISTS.items():
        if only in name:

            def ask(query: dict[str, str] = query, name: str = name) -> None:
                answer = client.get("/logbooks/book0/", {"as_of": day.isoformat(), **query}, secure=True)
                assert answer.status_code == 200, (name, answer.status_code)

            told(f"list: {name}", ask)
    if only:
        return
    metrics = tuple(made_metrics().values())
    told(f"all {len(metrics)} numbers of the root", lambda: kept(top, Question(day), metrics))
    pick = random.Random(2)
    stations = list(Unit.objects.filter(kind="station")[:5000])
    staff = list(Person.objects.order_by("pk")[:20_000])
    books = list(Logbook.objects.filter(code__startswith="book").order_by("pk"))

    def enter() -> None:
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
        print(f"| totals: bytes an entry | {(cursor.fetchone()[0] or 0) / number:,.0f} | |")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partybuild.settings")
    django.setup()
    if sys.argv[1] == "load":
        load(int(sys.argv[2]))
    else:
        measure(" ".join(sys.argv[2:]))
