"""Workbooks of entries: the template, rows that are added and changed, what is wrong row by row."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from django.test import Client
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from registry.counting.totals.check import differences
from registry.imports import background as importing
from registry.imports.models import Import, ImportState
from registry.imports.template import columns_to_fill, template
from registry.logbooks.models import Entry
from registry.logbooks.sheets import layouts
from registry.models import User
from tests.factories import ACTOR, make_user
from tests.logbooks.books import make_logbook
from tests.logbooks.test_entries import numbers
from tests.world import World

HEAD = (
    "条目编号",
    "日期",
    "单位",
    "采样点",
    "支援人员",
    "班次",
    "采样人数",
    "花费",
    "开始时间",
    "协作单位",
    "联系人",
)


def hand_in(world: World, rows: Sequence[Sequence[Any]], head: Sequence[str] = HEAD) -> Import:
    """Hand a workbook in as a clerk of the left bureau."""
    book = Workbook()
    sheet = book.active
    sheet.title = "核酸采样支援"
    for row in (head, *rows):
        sheet.append(list(row))
    target = io.BytesIO()
    book.save(target)
    user = User.objects.filter(username="luru").first() or make_user("luru", world.left, "clerk")
    made = importing.hand_in(actor=ACTOR, user=user, file_name="二月.xlsx", content=target.getvalue())
    made.refresh_from_db()
    return made


def said(made: Import) -> list[str]:
    """Return what is wrong, row by row."""
    return [problem["message"] for line in made.lines.order_by("pk") for problem in line.problems]


def test_rows_are_added_and_the_same_sheet_adds_nothing_twice(world: World) -> None:
    make_logbook(world.top)
    rows = [
        (
            "",
            "2020-02-10",
            "左派出所",
            "东门",
            "赵一(带队)、钱二 001002",
            "早",
            120,
            500,
            "8:30",
            "左局",
            "001001",
        ),
        ("", "2020-02-11", "左公安局", "西门", "赵一", "", "", "", "", "", ""),
    ]
    made = hand_in(world, rows)
    assert said(made) == []
    importing.confirm(actor=ACTOR, import_=made, reason="补录")
    made.refresh_from_db()
    assert made.state == ImportState.WRITTEN, made.message
    assert numbers(world.left) == {
        "entries": 2, "people": 2, "times": 3, "sampled": 120, "done": 0, "open": 0, "hours": 0,
    }  # fmt: skip
    first = Entry.objects.order_by("pk")[0]
    assert first.values == {
        "place": "东门", "shift": "早", "number": 120, "cost": 500_00, "begun": "08:30",
        "with_unit": world.left.pk,
    }  # fmt: skip
    assert [(each.field, each.person, each.role) for each in first.people.all()] == [
        ("contact", world.full, ""),
        ("staff", world.full, "带队"),
        ("staff", world.auxiliary, ""),
    ]
    again = hand_in(world, rows)
    assert (said(again), Entry.objects.count()) == ([], 2)
    assert not differences()


def test_a_row_with_a_number_changes_its_entry(world: World) -> None:
    make_logbook(world.top)
    importing.confirm(
        actor=ACTOR,
        import_=hand_in(world, [("", "2020-02-10", "左派出所", "东门", "赵一", "早", 120, "", "", "", "")]),
        reason="补录",
    )
    entry = Entry.objects.get()
    made = hand_in(world, [(entry.code, "2020-02-12", "左派出所", "北门", "", "", 7, "", "", "", "")])
    assert said(made) == []
    importing.confirm(actor=ACTOR, import_=made, reason="更正")
    entry.refresh_from_db()
    assert (entry.values["place"], entry.values["number"], entry.happened_on.day) == ("北门", 7, 12)
    assert numbers(world.left)["sampled"] == 7


def test_what_is_wrong_is_said_row_by_row(world: World) -> None:
    make_logbook(world.top)
    made = hand_in(
        world,
        [
            ("", "2020-02-10", "右公安局", "东门", "赵一", "", "", "", "", "", ""),
            ("", "2020-02-10", "左派出所", "", "没有这人", "晚", "五百", "", "25点", "", ""),
            ("abc", "2020-02-10", "左派出所", "东门", "赵一", "", "", "", "", "", ""),
            ("", "2019-02-10", "左派出所", "东门", "赵一", "", 6000, "", "", "", ""),
        ],
    )
    assert said(made) == [
        "没有名称为“右公安局”的单位,或不在您的管理范围内。",
        "“班次”不能填“晚”,请从这些里选:早、中、夜",
        "“采样人数”请填整数,不能填“五百”",
        "没有找到“没有这人”,请写警号,或核对姓名和管理范围。",
        "“开始时间”请写成 8:30 这样。",
        "没有编号为“abc”的条目,或不在您的管理范围内;新增请把编号留空。",
        "“核酸采样支援”这一天还没有启用。",
        "“采样人数”不能大于 5,000,现在是 6,000。",
    ]
    assert not Entry.objects.exists()


def test_the_template_asks_for_what_the_form_asks(world: World, client: Client) -> None:
    make_logbook(world.top)
    (layout,) = layouts()
    book = load_workbook(io.BytesIO(template(layout)))
    heads = [str(cell.value).removesuffix(" *") for cell in book["核酸采样支援"][2]]
    assert heads == [each.header for each in columns_to_fill(layout)]
    assert {"采样点", "支援人员", "班次", "采样人数", "花费", "下次日期"} <= set(heads)
    client.force_login(make_user("mobanren", world.left, "clerk"))
    assert client.get(reverse("import_template", args=["log-sampling"])).status_code == 200
