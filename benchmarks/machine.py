"""What was measured on: nothing that names a machine or a folder."""

from __future__ import annotations

import os
import platform
from datetime import date

import psutil


def processor() -> str:
    """Return the processor's model, where the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as information:
            for line in information:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


def description() -> dict[str, str]:
    """Return what the figures depend on."""
    import django
    import gunicorn
    import mptt

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "date": date.today().isoformat(),  # noqa: DTZ011 (the machine's own day)
        "cores": str(cores),
        "processor": processor(),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "Python": platform.python_version(),
        "Django": django.get_version(),
        "django-mptt": mptt.__version__,
        "gunicorn": gunicorn.__version__,
    }


SETTINGS = ("shared_buffers", "work_mem", "fsync", "synchronous_commit", "full_page_writes", "jit")


def of_database() -> str:
    """Return the version of the database in use and what of its settings matters."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute("SELECT sqlite_version()")
            return f"SQLite {cursor.fetchone()[0]}"
        cursor.execute("SHOW server_version")
        said = [f"PostgreSQL {cursor.fetchone()[0].split()[0]}"]
        for name in SETTINGS:
            cursor.execute(f"SHOW {name}")
            said.append(f"{name} {cursor.fetchone()[0]}")
    return ", ".join(said)


def of_data() -> dict[str, int]:
    """Return how many rows there are of what is counted."""
    from registry.models import Assignment, Organization, Person, Total, TotalChange, Unit

    return {
        "units": Unit.objects.count(),
        "organizations": Organization.objects.count(),
        "people": Person.objects.count(),
        "assignments": Assignment.objects.count(),
        "totals": Total.objects.count(),
        "total changes not folded": TotalChange.objects.count(),
    }
