"""How long an import takes: people with an assignment each, new, then the same file again, then changed.

`python -m tests.with_postgres -- python -m benchmarks.imports 10000` (the number of people; 10,000 when left
out). Prints processor and wall-clock seconds and the peak of memory. It uses nothing but the entry points of
the import, so it also runs in a checkout of an older version, for a comparison on one machine.
"""

from __future__ import annotations

import io
import os
import resource
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import django
import xlsxwriter

ORGANIZATIONS = 200
DAYS = 28
FIRST = date(2020, 2, 1)


def workbook(people: int, *, is_changed: bool) -> bytes:
    """Return a workbook with new people, or with each third of them changed and placed until a day."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"constant_memory": True})
    numbers = range(0, people, 3 if is_changed else 1)
    _sheet(
        book.add_worksheet("人员"),
        ("警号", "姓名", "人员类别", "政治面貌", "所属单位代码", "职务"),
        (
            (
                f"{n:07d}",
                f"张{n % 997}",
                "民警" if n % 4 else "辅警",
                "群众" if is_changed else "正式党员",
                f"u{n % 40}",
                "所长" if is_changed else "民警",
            )
            for n in numbers
        ),
    )
    _sheet(
        book.add_worksheet("编入"),
        ("组织代码", "警号", "职责", "编入日期", "结束日期"),
        (
            (
                f"o{n % ORGANIZATIONS}",
                f"{n:07d}",
                "成员",
                (FIRST + timedelta(n % DAYS)).isoformat(),
                (FIRST + timedelta(60)).isoformat() if is_changed else None,
            )
            for n in numbers
        ),
    )
    book.close()
    return target.getvalue()


def _sheet(sheet: Any, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    for line, row in enumerate([header, *rows]):
        for column, value in enumerate(row):
            if value is not None:
                sheet.write_string(line, column, str(value))


def measure(people: int) -> None:
    """Import the three workbooks and print what each cost."""
    from registry.imports import background, operations
    from registry.imports.models import Import, ImportState
    from registry.models import Unit
    from tests.factories import ACTOR, make_organization, make_unit, make_user

    top = make_unit("top")
    units = [make_unit(f"u{n}", top) for n in range(40)]
    for n in range(ORGANIZATIONS):
        make_organization(units[n % 40], code=f"o{n}", established_on=FIRST)
    user = make_user("importer", Unit.objects.get(code="top"))
    background.SMALL_BYTES = 0  # as the worker does it: checked and written apart
    print(f"{'':10}{'check, wall (CPU)':>22}{'write, wall (CPU)':>22}{'peak':>10}")
    for name, is_changed in (("new", False), ("again", False), ("changed", True)):
        content = workbook(people, is_changed=is_changed)
        handed_in = background.hand_in(actor=ACTOR, user=user, file_name=f"{name}.xlsx", content=content)
        times = [_timed(lambda pk=handed_in.pk: background.check_now(pk, is_long=True))]
        checked = Import.objects.get(pk=handed_in.pk)
        if checked.state != ImportState.CHECKED or checked.number("wrong"):
            raise SystemExit(f"{name}: {checked.state} {checked.counts} {checked.message}")
        if checked.changes_something:
            operations.confirm_import(actor=ACTOR, import_=checked, reason="测量")
            times.append(_timed(lambda pk=handed_in.pk: background.write_now(pk, is_long=True)))
            written = Import.objects.get(pk=handed_in.pk)
            if written.state != ImportState.WRITTEN:
                raise SystemExit(f"{name}: {written.state} {written.message}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{name:10}{''.join(f'{each:>22}' for each in times):44}{peak:>7} MB", flush=True)


def _timed(do: Any) -> str:
    wall, used = time.perf_counter(), time.process_time()
    do()
    return f"{time.perf_counter() - wall:.1f} s ({time.process_time() - used:.1f} s)"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partybuild.settings")
    os.environ.setdefault("DEBUG", "0")
    os.environ.setdefault("TLS", "0")
    for key in ("SECRET_KEY", "SEAL_KEY"):
        os.environ.setdefault(key, "only-for-measuring-0123456789-abcdefghijklmnopqrstuvwxyz")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
