"""How many files and functions of the registry three journeys pass: a registration, a unit page, an import.

``python -m benchmarks.journeys`` on a database that holds the demo (``manage.py demo``). Nothing is timed:
the number of files says how far a reader must walk to follow one piece of data. Compare two checkouts.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import django
from openpyxl import Workbook

ROOT = Path(__file__).resolve().parent.parent / "registry"


class Walk:
    """The files and functions of ``registry/`` that were entered, and how often the file changed."""

    def __init__(self) -> None:
        self.functions: set[tuple[str, str]] = set()
        self.moves = 0
        self._last = ""

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Note a call (for ``sys.setprofile``)."""
        name = frame.f_code.co_filename
        if event != "call" or not name.startswith(str(ROOT)) or frame.f_code.co_name == "<module>":
            return
        self.functions.add((name, frame.f_code.co_qualname))
        self.moves += name != self._last
        self._last = name

    @property
    def files(self) -> set[str]:
        """The files entered."""
        return {name for name, _function in self.functions}


def walked(act: Callable[[], Any]) -> Walk:
    """Return what ``act`` passes; it is done once before, so that caches are filled."""
    walk = Walk()
    sys.setprofile(walk)
    try:
        act()
    finally:
        sys.setprofile(None)
    return walk


def main() -> None:
    """Print a line for each journey."""
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.db import connection, transaction
    from django.test import Client
    from django.test.utils import CaptureQueriesContext, setup_test_environment
    from django.urls import reverse

    from registry.models import Assignment, Organization, Unit, User

    setup_test_environment()
    unit = Unit.objects.get(name="德州市公安局德城分局")
    client = Client()

    def register(code: str) -> None:
        data = {
            "kind": "branch-temporary",
            "established_on": "2020-02-20",
            "name": f"德城分局临时党支部{code}",
            "code": code,
            "submit": "draft",
        }
        url = reverse("organization_register", args=[unit.code])
        page = client.get(url).context["form"]
        data["kind"] = next(
            value
            for _group, choices in page.fields["kind"].choices
            for value, label in (choices if isinstance(choices, list) else [(_group, choices)])
            if "临时党支部" in str(label)
        )
        answer = client.post(url, data)
        if answer.status_code == 200:  # warnings are confirmed once
            answer = client.post(url, data | {"confirmed": answer.context["confirmed"]})
        assert Organization.objects.filter(code=code).exists(), answer.content.decode()[:2000]

    def look() -> None:
        assert client.get(reverse("unit", args=[unit.code]) + "?as_of=2020-02-20").status_code == 200

    def bring(number: str) -> None:
        book = Workbook()
        book.remove(book.active)
        for title, header, row in (
            (
                "单位",
                ["单位代码", "单位名称", "单位类型", "上级单位代码"],
                [number, "新派出所", "派出所", unit.code],
            ),
            (
                "组织",
                ["组织代码", "组织名称", "组织类型", "是否临时", "所在单位代码", "成立日期"],
                [f"{number}-zhibu", "新临时党支部", "党支部", "是", unit.code, "2020-02-20"],
            ),
            ("人员", ["警号", "姓名", "人员类别", "所属单位代码"], [number, "张新人", "民警", unit.code]),
            (
                "编入",
                ["组织代码", "警号", "职责", "编入日期"],
                [f"{number}-zhibu", number, "书记", "2020-02-20"],
            ),
        ):
            sheet = book.create_sheet(title)
            sheet.append(header)
            sheet.append(row)
        file = io.BytesIO()
        book.save(file)
        upload = SimpleUploadedFile("rows.xlsx", file.getvalue())
        page = client.post(reverse("imports"), {"file": upload}).url
        client.get(page)
        client.post(f"{page.partition('?')[0]}write/", {"reason": "导入"})
        client.get(page)
        assert Assignment.objects.filter(person__number=number).exists(), client.get(page).content.decode()[
            :9000
        ]

    with transaction.atomic():
        client.force_login(User.objects.create_superuser("journeys", password=os.urandom(12).hex()))
        for name, act in (
            ("registering a branch", register),
            ("the page of a unit", lambda _: look()),
            ("importing one row of each noun", bring),
        ):
            act("journey-1")
            with CaptureQueriesContext(connection) as queries:
                walk = walked(lambda act=act: act("journey-2"))  # type: ignore[misc]
            print(
                f"{name}: {len(walk.files)} files, {len(walk.functions)} functions, "
                f"{walk.moves} moves between files, {len(queries)} queries"
            )
        transaction.set_rollback(True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partybuild.settings")
    django.setup()
    main()
