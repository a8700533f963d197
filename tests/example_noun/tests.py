"""A noun declared once has everything: list, page, form, import, file, search, record, access, count."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import openpyxl
import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from registry import nouns
from registry.audit import Actor
from registry.counting.basis import Question, counted_rows
from registry.counting.metrics import METRICS
from registry.counting.rollup import rollup
from registry.counting.series import courses
from registry.imports import background as importing
from registry.imports.models import Import, ImportState
from registry.models import AuditEntry
from registry.operations import units
from registry.operations.base import _in_chinese
from registry.refusals import EditConflict, NotAllowed, OperationRefused
from registry.search import index
from tests.example_noun import operations
from tests.example_noun.models import Vehicle
from tests.factories import ACTOR, make_unit, make_user

pytestmark = pytest.mark.django_db

FEBRUARY, MARCH = date(2020, 2, 1), date(2020, 3, 1)
HEADERS = ("号牌", "名称", "单位代码", "启用日期", "备注")


class VehicleWorld:
    """A bureau with a station and two vehicles, another bureau with one, and their users."""

    def __init__(self) -> None:
        self.top = make_unit("top", name="省公安厅", kind="department")
        self.here = make_unit("here", self.top, name="左公安局")
        self.station = make_unit("station", self.here, name="左派出所", kind="station")
        self.there = make_unit("there", self.top, name="右公安局")
        self.command = self.add("鲁N1001警", "指挥车", self.here)
        self.patrol = self.add("鲁N1002警", "巡逻车", self.station, MARCH)
        self.stranger = self.add("鲁A2001警", "宣传车", self.there)
        self.users = {
            role: make_user(f"here-{role}", self.here, role)
            for role in ("viewer", "clerk", "approver", "manager", "auditor")
        }
        self.outsider = make_user("outsider", self.there, "manager")
        for unit in (self.top, self.here, self.station, self.there):
            unit.refresh_from_db()

    @staticmethod
    def add(code: str, name: str, unit: Any, on: date = FEBRUARY) -> Vehicle:
        return operations.add_vehicle(actor=ACTOR, code=code, name=name, unit=unit, started_on=on)

    def browser(self, role: str = "manager") -> Client:
        client = Client()
        client.force_login(self.users[role])
        return client


build_world = VehicleWorld


def codes(page: str) -> list[str]:
    """The plates of the list, in its order."""
    return re.findall(r'<th scope="row"[^>]*>\s*<a [^>]*>([^<]+)</a>', page)


def listed(client: Client, **query: str) -> list[str]:
    return codes(client.get(reverse("vehicles"), query).content.decode())


# --- List, file, page -----------------------------------------------------------------------------


def test_the_list_has_scope_sort_filter_and_chip(world: VehicleWorld) -> None:
    client = world.browser()
    assert listed(client) == ["鲁N1001警", "鲁N1002警"]
    assert listed(client, sort="-started") == ["鲁N1002警", "鲁N1001警"]
    assert listed(client, unit="station") == ["鲁N1002警"]
    assert listed(client, unit="here", own="1") == ["鲁N1001警"]
    assert listed(client, q="xunluo") == ["鲁N1002警"]
    page = client.get(reverse("vehicles"), {"retired": "no", "unit": "here"}).content.decode()
    assert "状态:在用" in page
    assert "单位:左公安局" in page
    assert reverse("vehicle_add", args=["here"]) in page
    assert 'aria-sort="ascending"' in page
    assert "sort=-code" in page
    assert listed(client, retired="yes") == []


def test_the_list_is_in_the_navigation(world: VehicleWorld) -> None:
    assert (
        f'href="{reverse("vehicles")}"' in world.browser().get(reverse("home"), follow=True).content.decode()
    )


def test_the_file_holds_the_list_and_is_recorded(world: VehicleWorld) -> None:
    answer = world.browser().post(reverse("vehicles_export"), {"format": "xlsx"})
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(answer))).active
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    head = next(row for row in rows if row[0] == "号牌")
    assert {"号牌", "名称", "单位", "单位代码", "启用日期", "停用日期", "备注"} == set(filter(None, head))
    found = [row[0] for row in rows[rows.index(head) + 1 :] if row[0] and "警" in str(row[0])]
    assert found == ["鲁N1001警", "鲁N1002警"]
    assert AuditEntry.objects.get(verb="export").after["rows"] == 2


def test_the_page_shows_facts_history_and_what_may_be_done(world: VehicleWorld) -> None:
    url = reverse("vehicle", args=["鲁N1001警"])
    page = world.browser().get(url).content.decode()
    for text in ("指挥车", "左公安局", "2020-02-01", "登记车辆", "修改资料", "停用"):
        assert text in page
    assert reverse("vehicle_edit", args=["鲁N1001警"]) in page
    for_reading = world.browser("viewer").get(url).content.decode()
    assert "指挥车" in for_reading
    assert reverse("vehicle_edit", args=["鲁N1001警"]) not in for_reading


# --- Forms, and setting back ----------------------------------------------------------------------


def test_the_form_adds_and_a_refusal_stands_at_its_field(world: VehicleWorld) -> None:
    client, url = world.browser("clerk"), reverse("vehicle_add", args=["station"])
    facts = {"code": "鲁N1003警", "name": "救护车", "started_on": "2099-01-01"}
    form = client.post(url, facts).context["form"]
    assert "晚于今天" in form.errors["started_on"][0]
    form = client.post(url, facts | {"code": "N1", "started_on": "2020-02-01"}).context["form"]
    assert "号牌写成" in form.errors["code"][0]
    form = client.post(url, facts | {"code": "鲁N1001警", "started_on": "2020-02-01"}).context["form"]
    assert list(form.errors) == ["code"]
    answer = client.post(url, facts | {"started_on": "2020-02-01"}, follow=True)
    assert "已登记“救护车”" in answer.content.decode()
    assert Vehicle.objects.get(code="鲁N1003警").unit == world.station


def test_an_edit_is_recorded_and_set_back(world: VehicleWorld) -> None:
    client, url = world.browser("clerk"), reverse("vehicle_edit", args=["鲁N1001警"])
    facts = {"name": "通信车", "started_on": "2020-02-10", "note": "", "version": world.command.version}
    assert client.post(url, facts).status_code == 302
    assert "他人已修改" in client.post(url, facts | {"name": "别的车"}).content.decode()
    page = client.get(reverse("vehicle", args=["鲁N1001警"])).content.decode()
    assert "名称:指挥车 → 通信车" in page
    assert "启用日期:2020-02-01 → 2020-02-10" in page
    entry = AuditEntry.objects.get(verb="edit_vehicle")
    undo = reverse("record_undo", args=[entry.pk])
    assert undo in page
    assert "指挥车" in client.get(undo).content.decode()
    assert client.post(undo, {"reason": "改错了"}).status_code == 302
    world.command.refresh_from_db()
    assert (world.command.name, world.command.started_on) == ("指挥车", FEBRUARY)
    assert "还原:修改车辆资料" in client.get(reverse("vehicle", args=["鲁N1001警"])).content.decode()


def test_an_old_version_is_refused(world: VehicleWorld) -> None:
    operations.edit_vehicle(actor=ACTOR, vehicle=world.command, changes={"name": "通信车"}, version=1)
    with pytest.raises(EditConflict):
        operations.edit_vehicle(actor=ACTOR, vehicle=world.command, changes={"name": "x"}, version=1)


def test_the_record_names_it_in_chinese(world: VehicleWorld) -> None:
    client = world.browser()
    url = reverse("vehicle_retire", args=["鲁N1001警"])
    assert "不能早于启用日期" in client.post(url, {"on": "2020-01-01", "reason": "报废"}).content.decode()
    assert client.post(url, {"on": "2020-03-02", "reason": "报废"}).status_code == 302
    page = client.get(reverse("record"), {"verb": "retire_vehicle"}).content.decode()
    for text in ("停用车辆", "指挥车", "停用日期:空 → 2020-03-02", "使用天数:30", "报废"):
        assert text in page
    assert f'href="{reverse("vehicle", args=["鲁N1001警"])}"' in page
    assert re.search(r'<option value="add_vehicle"\s*>登记车辆</option>', page)
    assert "retire_vehicle<" not in page
    about = client.get(reverse("record"), {"object": f"vehicle-{world.command.pk}"}).content.decode()
    assert "车辆:指挥车" in about


# --- Import ---------------------------------------------------------------------------------------


def hand_in(world: VehicleWorld, content: bytes, name: str = "车辆.xlsx") -> Import:
    user = world.users["manager"]
    made = importing.hand_in(actor=Actor(user, "经办人"), user=user, file_name=name, content=content)
    made.refresh_from_db()
    return made


def book(*rows: tuple[Any, ...]) -> bytes:
    workbook = openpyxl.Workbook()
    workbook.active.title = "车辆"
    for row in (HEADERS, *rows):
        workbook.active.append(list(row))
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


def test_a_workbook_is_previewed_and_written_by_the_operations(world: VehicleWorld) -> None:
    right = (
        ("鲁N1001警", "通信车", "", "", ""),
        ("鲁N1002警", "巡逻车", "station", MARCH, ""),
        ("鲁N3001警", "救护车", "here", FEBRUARY, "新购"),
        ("鲁N3002警", "警犬车", "station", FEBRUARY, ""),
    )
    wrong = (
        ("鲁N3003警", "囚车", "there", FEBRUARY, ""),
        ("鲁N3004警", "囚车", "here", timezone.localdate() + timedelta(days=1), ""),
        ("3005", "囚车", "here", FEBRUARY, ""),
        ("鲁N3006警", "", "here", FEBRUARY, ""),
        ("鲁A2001警", "囚车", "here", FEBRUARY, ""),
        ("鲁N1001警", "重复", "", "", ""),
    )
    made = hand_in(world, book(*right, *wrong))
    assert made.counts == {"vehicles": {"changed": 1, "unchanged": 1, "new": 2, "wrong": 6}}
    said = ["".join(each["message"] for each in line.problems) for line in made.lines.filter(verdict="wrong")]
    for part, message in zip(
        ("管理范围", "晚于今天", "号牌写成", "名称", "不能使用", "重复"), said, strict=True
    ):
        assert part in message
    url = made.get_absolute_url()  # opens on what is wrong
    assert "名称" in world.browser().get(url).content.decode()
    assert "通信车" in world.browser().get(url, {"verdict": "all"}).content.decode()

    made = hand_in(world, book(*right))
    importing.confirm(actor=Actor(world.users["manager"], "经办人"), import_=made, reason="")
    made.refresh_from_db()
    assert made.state == ImportState.WRITTEN, made.message
    world.command.refresh_from_db()
    assert world.command.name == "通信车"
    assert Vehicle.objects.get(code="鲁N3001警").note == "新购"
    assert AuditEntry.objects.filter(verb="add_vehicle", reason__contains="导入“车辆.xlsx”").count() == 2
    assert counted(world, world.here, MARCH) == 4
    assert index.differences() == []
    sound()


def test_what_goes_out_is_read_back_without_a_change(world: VehicleWorld) -> None:
    for suffix in ("xlsx", "csv"):
        answer = world.browser().post(reverse("vehicles_export"), {"format": suffix})
        made = hand_in(world, b"".join(answer), f"车辆.{suffix}")
        assert made.counts == {"vehicles": {"unchanged": 2}}, (suffix, made.message)


def test_its_template_is_handed_out(world: VehicleWorld) -> None:
    answer = world.browser().get(reverse("import_template", args=["vehicles"]))
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content))["车辆"]
    assert [cell.value for cell in sheet[2]][:4] == ["号牌 *", "名称 *", "单位代码 *", "启用日期 *"]


# --- Search and pickers ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["指挥", "zhihui", "zhc", "鲁N1001"])
def test_search_finds_it(world: VehicleWorld, text: str) -> None:
    client, url = world.browser("viewer"), reverse("vehicle", args=["鲁N1001警"])
    for name in ("search", "search_now"):
        page = client.get(reverse(name), {"q": text}).content.decode()
        assert f'href="{url}"' in page, name
    picked = client.get(reverse("pick_vehicles"), {"q": text}).content.decode()
    assert "指挥车" in picked
    stranger = client.get(reverse("search"), {"q": "宣传车"}).content.decode()
    assert reverse("vehicle", args=["鲁A2001警"]) not in stranger
    assert "没有与“宣传车”相符的单位、组织、人员、台账、台账条目或车辆" in stranger


def test_the_search_index_follows(world: VehicleWorld) -> None:
    operations.edit_vehicle(actor=ACTOR, vehicle=world.command, changes={"name": "通信车"})
    assert index.differences() == []
    index.rebuild()
    assert index.differences() == []


# --- Access ---------------------------------------------------------------------------------------

ADDRESSES = (
    ("vehicle", "鲁N1001警"),
    ("vehicle_edit", "鲁N1001警"),
    ("vehicle_retire", "鲁N1001警"),
    ("vehicle_add", "here"),
)


@pytest.mark.parametrize(("name", "code"), ADDRESSES)
def test_what_is_outside_does_not_exist(world: VehicleWorld, name: str, code: str) -> None:
    client = Client()
    url = reverse(name, args=[code])
    assert client.get(url).status_code == 302, "nobody is asked to log in"
    client.force_login(world.outsider)
    methods = (client.get,) if name == "vehicle" else (client.get, client.post)
    assert {method(url).status_code for method in methods} == {404}


def test_lists_and_files_outside_hold_nothing(world: VehicleWorld) -> None:
    client = Client()
    client.force_login(world.outsider)
    assert listed(client) == ["鲁A2001警"]
    assert listed(client, metric="vehicles", as_of="2020-03-01") == ["鲁A2001警"]
    for query in ({"unit": "here"}, {"metric": "frontline_people"}):
        assert client.get(reverse("vehicles"), query).status_code == 404
    answer = client.post(reverse("vehicles_export"), {"format": "csv"})
    assert "鲁N" not in b"".join(answer).decode("utf-8-sig")


ATTEMPTS: dict[str, Callable[[Actor, VehicleWorld], Any]] = {
    "add_vehicle": lambda by, world: operations.add_vehicle(
        actor=by, code="鲁N9001警", name="新车", unit=world.here, started_on=FEBRUARY
    ),
    "edit_vehicle": lambda by, world: operations.edit_vehicle(
        actor=by, vehicle=world.command, changes={"note": "新"}
    ),
    "retire_vehicle": lambda by, world: operations.retire_vehicle(
        actor=by, vehicle=world.command, on=MARCH, reason="报废"
    ),
}


@pytest.mark.parametrize("verb", ATTEMPTS)
def test_each_operation_asks_for_the_right(world: VehicleWorld, verb: str) -> None:
    assert {each.slug for each in nouns.by_key("vehicle").verbs} == set(ATTEMPTS)
    before = AuditEntry.objects.count()
    refused = [world.outsider]
    refused += [user for role, user in world.users.items() if role not in nouns.verb(verb).roles]
    assert len(refused) > 3
    for user in refused:
        with pytest.raises(NotAllowed):
            ATTEMPTS[verb](Actor(user, "某人"), world)
    assert AuditEntry.objects.count() == before
    ATTEMPTS[verb](Actor(world.users["manager"], "某人"), world)
    assert AuditEntry.objects.count() == before + 1


# --- Numbers --------------------------------------------------------------------------------------


def counted(world: VehicleWorld, unit: Any, day: date, basis: str = "current") -> int:
    number = rollup(unit, Question(day, basis)).total.counts["vehicles"]
    rows = counted_rows(METRICS["vehicles"], Question(day, basis), unit)
    assert rows.count() == number, "the number and its list differ"
    return number


def sound() -> None:
    """The recount from the rows says the same as the totals; else the command fails."""
    call_command("checkcounts", stdout=io.StringIO())


def test_it_is_counted_for_the_unit_above_on_a_day(world: VehicleWorld) -> None:
    days = [date(2020, 1, 31), FEBRUARY, MARCH]
    assert [counted(world, world.top, day) for day in days] == [0, 2, 3]
    assert [counted(world, world.here, day) for day in days] == [0, 1, 2]
    sound()
    operations.retire_vehicle(actor=ACTOR, vehicle=world.command, on=MARCH, reason="报废")
    operations.edit_vehicle(actor=ACTOR, vehicle=world.patrol, changes={"started_on": date(2020, 3, 2)})
    days = [FEBRUARY, MARCH, date(2020, 3, 2)]
    assert [counted(world, world.here, day) for day in days] == [1, 0, 1]
    assert counted(world, world.here, date(2020, 3, 2), "cumulative") == 2
    sound()
    found = courses(
        world.here,
        [METRICS["vehicles"]],
        FEBRUARY,
        date(2020, 3, 2),
        Question(date(2020, 3, 2)),
        ("current",),
    )
    (course,) = found.values()
    assert [number for _day, number in course][-3:] == [1, 0, 1]


def test_the_page_of_a_number_lists_its_rows(world: VehicleWorld) -> None:
    client = world.browser()
    query = {"metric": "vehicles", "unit": "here", "as_of": "2020-02-20"}
    page = client.get(reverse("vehicles"), query).content.decode()
    assert codes(page) == ["鲁N1001警"]
    assert "指标:在用车辆" in page


def test_what_cannot_be_is_refused(world: VehicleWorld) -> None:
    with pytest.raises(OperationRefused):
        operations.retire_vehicle(actor=ACTOR, vehicle=world.command, on=MARCH, reason=" ")
    operations.retire_vehicle(actor=ACTOR, vehicle=world.command, on=MARCH, reason="报废")
    with pytest.raises(OperationRefused, match="已于"):
        operations.retire_vehicle(actor=ACTOR, vehicle=world.command, on=MARCH, reason="报废")


def test_a_unit_with_vehicles_is_not_closed(world: VehicleWorld) -> None:
    closing = {"actor": ACTOR, "unit": world.station, "on": date(2020, 4, 1), "reason": "撤并"}
    for close in (units.close_unit, partial(units.merge_unit, into=world.there)):
        with pytest.raises(OperationRefused, match="1 辆在用车辆"):
            close(**closing)
    operations.retire_vehicle(actor=ACTOR, vehicle=world.patrol, on=date(2020, 4, 1), reason="撤并")
    units.close_unit(**closing)
    with pytest.raises(OperationRefused, match="已撤并"):
        world.add("鲁N1005警", "新车", world.station)


def test_a_plate_taken_at_the_same_moment_is_refused_in_chinese(world: VehicleWorld) -> None:
    """Past the check: the database alone notices, and its error names the field."""
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        Vehicle.objects.create(code="鲁N1001警", name="x", unit=world.here, started_on=FEBRUARY)
    refused: Any = _in_chinese(error.value)
    assert refused.message_dict == {"code": ["该号牌刚刚被占用,请换一个。"]}


def test_the_csv_of_the_list_begins_with_who_took_it_out(world: VehicleWorld) -> None:
    answer = world.browser().post(reverse("vehicles_export"), {"format": "csv"})
    lines = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    assert any("导出人" in cell for line in lines for cell in line)
