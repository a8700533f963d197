"""Processes killed while they register an organization: it is saved with all it has, or not at all."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction

from registry.counting.totals.check import differences
from registry.models import Assignment, AuditEntry, Organization, OrganizationPlacement, Person, Unit
from registry.trees.check import check_all
from tests.factories import make_organization, make_person, make_unit

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

MEMBERS = 10
JOBS = 25
STAGES = {
    "placed, no members yet": "LOCK TABLE registry_assignment IN EXCLUSIVE MODE",
    "counted, not recorded yet": "LOCK TABLE registry_auditentry IN EXCLUSIVE MODE",
    "in the commit": "SELECT id FROM registry_unit FOR UPDATE",
}
"""Where registering waits, and the lock that it waits for (the last: the deferred checks of foreign keys)."""


class Writer:
    """A process that registers organizations (tests/writer_process.py)."""

    def __init__(self) -> None:
        database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.writer_process"],
            cwd=Path(__file__).parent.parent,
            env=os.environ | {"DATABASE_URL": database.geturl()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, code: str, unit: Unit, parent: Organization | None, people: list[Person]) -> None:
        """Have it register an organization; it answers in the order of the requests."""
        keys = [unit.pk, parent.pk if parent else 0, *(person.pk for person in people)]
        self.process.stdin.write(f"{code} {' '.join(map(str, keys))}\n")
        self.process.stdin.flush()

    def answer(self) -> list[str]:
        return self.process.stdout.readline().split()

    def kill(self) -> list[list[str]]:
        """End it with SIGKILL; return what it had answered that nobody read."""
        self.process.kill()
        self.process.stdin.close()
        left = [line.split() for line in self.process.stdout.read().splitlines()]
        self.process.stdout.close()
        self.process.wait()
        return left


@contextmanager
def writers_at_work(number: int) -> Iterator[list[Writer]]:
    started = [Writer() for _ in range(number)]
    try:
        for writer in started:
            assert writer.answer() == ["ready"]
        yield started
    finally:
        for writer in started:
            if writer.process.poll() is None:
                writer.kill()


def backends(condition: str) -> set[int]:
    """The other connections to this database for which a condition on pg_stat_activity holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            f"AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND ({condition})"
        )
        return {pid for (pid,) in cursor.fetchall()}


def wait_for(condition: str, number: int) -> set[int]:
    """Wait until the condition holds for exactly this many connections."""
    for _ in range(1500):
        found = backends(condition)
        if len(found) == number:
            return found
        time.sleep(0.01)
    raise AssertionError(f"{len(found)} connections are {condition}, not {number}")


def terminate(pids: set[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", [list(pids)])


def is_whole(code: str) -> bool:
    """Whether the organization is there with all it has; fails when it is there in part."""
    organization = Organization.objects.filter(code=code).first()
    rows = [
        Assignment.objects.filter(organization__code=code).count(),
        OrganizationPlacement.objects.filter(organization__code=code).count(),
        AuditEntry.objects.filter(verb="establish_organization", object_name=code).count(),
    ]
    assert rows == ([MEMBERS, 1, 1] if organization else [0, 0, 0]), code
    return organization is not None


def assert_sound() -> None:
    assert [str(fault) for fault in check_all()] == []
    assert differences() == []


def world() -> tuple[list[Unit], list[Organization], list[Person]]:
    top = make_unit("top")
    units = [make_unit(f"unit-{number}", top) for number in range(3)]
    parents = [make_organization(unit, "committee", is_temporary=False) for unit in units]
    for parent, unit in zip(parents, units, strict=True):
        make_organization(unit, parent=parent)
    return units, parents, [make_person(f"人{number}", top) for number in range(2 * MEMBERS)]


def test_a_writer_that_dies_halfway_leaves_nothing_behind() -> None:
    """At each stage: first the server ends the connection, then the writer is killed with -9."""
    units, parents, people = world()
    there = Organization.objects.count()
    with writers_at_work(len(STAGES)) as writers:
        for number, (stage, barrier) in enumerate(STAGES.items()):
            writer, parent = writers[number], parents[0] if number % 2 else None
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(barrier)
                writer.tell(f"cut-{number}", units[0], parent, people[:MEMBERS])
                terminate(wait_for("wait_event_type = 'Lock'", 1))
                answer = writer.answer()
            assert answer[:2] == ["lost", f"cut-{number}"], stage
            assert not is_whole(f"cut-{number}"), stage

            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(barrier)
                writer.tell(f"killed-{number}", units[0], parent, people[:MEMBERS])
                (pid,) = wait_for("wait_event_type = 'Lock'", 1)
                assert writer.kill() == []
            wait_for(f"pid = {pid}", 0)
            # Nobody hears of a commit that goes through after the writer's death, but it is whole.
            assert is_whole(f"killed-{number}") == (stage == "in the commit"), stage
            assert_sound()
    assert Organization.objects.count() == there + 1
    make_organization(units[0], parent=parents[0])  # the dead hold no lock
    assert_sound()


def test_writers_killed_at_any_moment_lose_nothing_that_they_answered() -> None:
    """Four writers in the same trees and in new ones: three killed at random, one or the other cut off."""
    units, parents, people = world()
    pick = random.Random(20200123)
    told: list[str] = []
    answers: list[list[str]] = []
    with writers_at_work(4) as writers:
        for number, writer in enumerate(writers):
            for job in range(JOBS):
                code = f"w{number}-{job}"
                parent = pick.choice([*parents, None])
                writer.tell(code, pick.choice(units), parent, pick.sample(people, MEMBERS))
                told.append(code)
        *dying, survivor = writers
        for writer in dying:
            for _ in range(pick.randint(2, 5)):
                answers.append(writer.answer())
            terminate(set(list(backends("state <> 'idle'"))[:1]))
            time.sleep(pick.random() / 50)
            answers += writer.kill()
        answers += [survivor.answer() for _ in range(JOBS)]
        survivor.tell("last", units[0], None, people[:MEMBERS])
        assert survivor.answer() == ["done", "last"]
    wait_for("TRUE", 0)
    done = {code for verb, code, *_rest in answers if verb == "done"}
    lost = {code for verb, code, *_rest in answers if verb == "lost"}
    there = {code for code in told if is_whole(code)}
    assert len(done) > 20, answers
    assert done <= there
    assert len(there - done - lost) <= len(dying), "at most what each of the killed was about"
    assert_sound()
