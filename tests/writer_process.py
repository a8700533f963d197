"""Registers organizations in a process of its own, which a test can kill.

Run by tests/test_kill.py as `python -m tests.writer_process`. A line in is the code of the new organization
and the keys of its unit, its superior (0: none) and its members; a line out is `done CODE`, or
`lost CODE ERROR`.
"""

import sys

import django


def main() -> None:
    django.setup()
    from django.db import Error, close_old_connections, connection

    from registry.audit import Actor
    from registry.models import Organization, Person, Unit
    from registry.operations.organizations import Member, establish_organization
    from tests.factories import DAY

    connection.ensure_connection()
    print("ready", flush=True)
    for line in sys.stdin:
        code, unit, parent, *members = line.split()
        close_old_connections()
        try:
            establish_organization(
                actor=Actor.system("writer"),
                unit=Unit.objects.get(pk=unit),
                kind="branch",
                name=code,
                code=code,
                is_temporary=True,
                established_on=DAY,
                state="approved",
                parent=Organization.objects.filter(pk=parent).first(),
                members=[Member(person) for person in Person.objects.filter(pk__in=members)],
            )
        except Error as error:
            print("lost", code, type(error).__name__, flush=True)
        else:
            print("done", code, flush=True)


if __name__ == "__main__":
    main()
