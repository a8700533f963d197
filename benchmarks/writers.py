"""Eight writers at once, each its own process: organizations a second, all together.

Beside it stands what MPTT needs in one tree: an advisory lock taken first.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from django.db import OperationalError, connection, transaction

from benchmarks import trees
from benchmarks.measure import percentile
from benchmarks.sites import a_day, found, sites
from benchmarks.table import Table
from registry.models import Assignment, Organization

WRITERS = 8
SECONDS = 10.0
SITES = 150
"""How many places each writer uses in turn."""
_LOCK = 7999
COLUMNS = {
    "rate": "a second",
    "done": "founded",
    "median": "median, ms",
    "p95": "95th percentile, ms",
    "deadlocks": "deadlocks",
    "errors": "errors",
}


def measure() -> list[Table]:
    """Write across the country, then into one tree; nothing may be lost."""
    table = Table("writers", f"{WRITERS} concurrent writers, {SECONDS:.0f} s", COLUMNS, ratio="rate")
    table.note = "Each founding has 10 members; a writer is a process with a connection of its own."
    mark = f"bench-{secrets.token_hex(4)}"
    told = _at_once("registry", mark)
    _add(table, "registry: establish_organization", told, "across the country")
    written = Organization.objects.filter(code__startswith=f"{mark}-")
    placed = Assignment.objects.filter(organization__in=written).count()
    if (written.count(), placed) != (told["done"], 10 * told["done"]):
        raise AssertionError(f"{told['done']} founded, {written.count()} are there with {placed} members")
    shape = trees.shape_of(Organization).in_one_tree()
    trees.make_nodes(shape)
    try:
        told = _at_once("one-tree", str(len(shape.parents)))
    finally:
        trees.drop()
    _add(table, "django-mptt, one tree, advisory lock first", told, "bare nodes with members")
    return [table]


def _at_once(way: str, mark: str) -> dict[str, Any]:
    """Start the writers together and add up their results."""
    before = _deadlocks()
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.run", "writer", way, mark, str(number)],
            env=os.environ.copy(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(WRITERS)
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None
            if writer.stdout.readline() != "ready\n":
                raise RuntimeError("a writer could not start")
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        answers = [json.loads(writer.communicate(timeout=300)[0]) for writer in writers]
    finally:
        for writer in writers:
            if writer.poll() is None:
                writer.kill()
            writer.wait()
    times = [each for answer in answers for each in answer["times"]]
    seconds = max(answer["seconds"] for answer in answers)
    errors = [each for answer in answers for each in answer["errors"]]
    return {
        "done": len(times),
        "rate": len(times) / seconds,
        "median": 1000 * percentile(times, 50) if times else None,
        "p95": 1000 * percentile(times, 95) if times else None,
        "deadlocks": _deadlocks() - before,
        "errors": len(errors),
        "said": sorted(set(errors)),
    }


def _deadlocks() -> int:
    time.sleep(1.5)  # backends report with a delay
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def _add(table: Table, way: str, told: dict[str, Any], note: str) -> None:
    said = f"; {'; '.join(told['said'])}" if told["said"] else ""
    table.add(way, note + said, **{key: told[key] for key in COLUMNS})


def writer(way: str, mark: str, number: int) -> dict[str, Any]:
    """Run one writer: prepare, wait for the start, write until the time is over."""
    step = _registry_writer(mark, number) if way == "registry" else _one_tree_writer(int(mark), number)
    assert sys.__stdout__ is not None
    print("ready", file=sys.__stdout__, flush=True)
    sys.stdin.readline()
    times, errors = [], []
    begin, count = time.perf_counter(), 0
    while time.perf_counter() - begin < SECONDS:
        started = time.perf_counter()
        try:
            step(count)
        except OperationalError as error:
            errors.append(str(error).splitlines()[0])
        else:
            times.append(time.perf_counter() - started)
        count += 1
    return {"times": times, "errors": errors, "seconds": time.perf_counter() - begin}


def _registry_writer(mark: str, number: int) -> Callable[[int], Any]:
    places, chosen = sites(SITES, 100 + number), random.Random(number)
    return lambda i: found(places[i % SITES], f"{mark}-{number}-{i}", a_day(chosen))


def _one_tree_writer(nodes: int, number: int) -> Callable[[int], Any]:
    chosen = random.Random(number)

    def step(_count: int) -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [_LOCK])
            trees.mptt_insert(chosen.randrange(1, nodes + 1))

    connection.ensure_connection()
    return step
