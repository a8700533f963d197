"""Managers make logbooks on a page: lines added and moved without writing, saved with every type of field."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from registry.logbooks.design import Design, FieldType, Way, read
from registry.logbooks.models import AddedFields, Logbook
from registry.logbooks.operations.entries import add_entry
from registry.logbooks.operations.logbooks import edit_logbook
from registry.logbooks.operations.parts import design_at
from registry.refusals import OperationRefused
from tests.factories import ACTOR, make_user
from tests.logbooks.books import DESIGN, make_logbook, sent_design
from tests.world import World


@pytest.fixture
def manager(world: World, client: Client) -> Client:
    """A browser in which a manager of the whole country is logged in."""
    client.force_login(make_user("guanli", world.top, "manager"))
    return client


def test_a_logbook_with_every_type_of_field_is_made_on_the_page(world: World, manager: Client) -> None:
    every = {
        **DESIGN,
        "fields": [
            *DESIGN["fields"],
            {"key": "shots", "label": "照片", "type": "photos", "upper": 9},
            {"key": "paper", "label": "附件", "type": "file"},
            {"key": "why", "label": "夜班原因", "type": "text", "when": "shift", "among": ["夜"]},
            {"key": "who", "label": "批准人", "type": "text", "when": "why", "always": True},
            {"key": "positive", "label": "阳性", "type": "number", "at_most": "number"},
            {
                "key": "back",
                "label": "返回日期",
                "type": "date",
                "at_least": "happened_on",
                "at_most": "next",
            },
        ],
        "counters": [
            *DESIGN["counters"],
            {"key": "nights", "label": "夜班", "way": "entries", "when": "shift", "among": ["夜", "中"]},
            {"key": "not_closed", "label": "未办结", "way": "open", "step": "reported", "until": ["closed"]},
            {"key": "mean", "label": "平均花费", "way": "average", "field": "cost", "measure": "元"},
            {
                "key": "pace",
                "label": "平均用时",
                "way": "average_hours",
                "since": "reported",
                "step": "closed",
            },
        ],
    }
    assert {each["type"] for each in every["fields"]} == set(FieldType.values)
    assert {each["way"] for each in every["counters"]} == set(Way.values)
    answer = manager.post(reverse("logbook_add", args=["top"]), sent_design(every, do="start"))
    assert answer.status_code == 302, answer.context["form"].errors
    logbook = Logbook.objects.get()
    assert logbook.made == read(every)
    assert (logbook.started_on, logbook.edition, logbook.code) == (
        date(2020, 1, 1),
        1,
        "hesuancaiyangzhiyuan",
    )


@pytest.mark.parametrize(
    ("button", "labels"),
    [
        ("add:fields", ["采样点", "班次", ""]),
        ("down:fields:0", ["班次", "采样点"]),
        ("up:fields:0", ["采样点", "班次"]),
        ("drop:fields:1", ["采样点"]),
        ("drop:fields:7", ["采样点", "班次"]),
        ("look", ["采样点", "班次"]),
    ],
)
def test_the_buttons_of_lines_write_nothing(
    world: World, manager: Client, button: str, labels: list[str]
) -> None:
    two = {"fields": [DESIGN["fields"][0], DESIGN["fields"][2]]}
    answer = manager.post(reverse("logbook_add", args=["top"]), sent_design(two, do=button))
    assert answer.status_code == 200
    lines = answer.context["form"].sets["fields"]
    assert [line["label"].value() or "" for line in lines] == labels
    assert len({line["key"].value() for line in lines}) == len(labels)
    assert not Logbook.objects.exists()


def test_what_is_wrong_is_said_at_its_line_and_nothing_is_lost(world: World, manager: Client) -> None:
    wrong = {
        "fields": [
            {"key": "place", "label": "采样点", "type": "text"},
            {"key": "shift", "label": "班次", "type": "choice"},
        ],
        "counters": [{"key": "all", "label": "人数", "way": "people"}],
    }
    answer = manager.post(reverse("logbook_add", args=["top"]), sent_design(wrong, do="start"))
    form = answer.context["form"]
    assert form.sets["fields"][1].errors == {"choices": ["字段“班次”至少要有两个选项。"]}
    assert form.sets["counters"][0].errors == {"field": ["指标“人数”没有人员字段可计。"]} or form.errors
    assert form.sets["fields"][0]["label"].value() == "采样点"
    assert not Logbook.objects.exists()


def test_a_field_with_values_keeps_its_type_and_may_only_be_ended(world: World) -> None:
    logbook = make_logbook(world.top)
    staff = [(world.full, "")]
    values = {"place": "东门", "staff": staff, "shift": "早"}
    add_entry(actor=ACTOR, logbook=logbook, unit=world.left, happened_on=date(2020, 2, 1), values=values)

    def changed(**fields: dict[str, Any]) -> dict[str, Any]:
        made = [{**each, **fields.get(each["key"], {})} for each in DESIGN["fields"]]
        return {**DESIGN, "fields": [each for each in made if not each.get("gone")]}

    for change, said in (
        ({"place": {"type": "number"}}, "字段“采样点”已有数据,类型不能改"),
        ({"shift": {"choices": ["早", "晚"]}}, "选项“中”不能去掉"),
        ({"place": {"gone": True}}, "字段“采样点”已有数据,不能删去"),
    ):
        with pytest.raises(OperationRefused, match=said):
            edit_logbook(actor=ACTOR, logbook=logbook, changes={}, design=changed(**change))
    edit_logbook(
        actor=ACTOR,
        logbook=logbook,
        changes={},
        design=changed(place={"ended": True}, number={"gone": True}) | {"counters": []},
    )
    logbook.refresh_from_db()
    assert (logbook.edition, logbook.made.by_key["place"].ended) == (2, True)


def test_a_bureau_adds_its_own_fields_for_itself_and_below(world: World, manager: Client) -> None:
    logbook = make_logbook(world.top)
    url = reverse("logbook_fields", args=[logbook.code, "left"])
    own = {"fields": [{"key": "f1", "label": "分局采样车", "type": "text"}]}
    answer = manager.post(url, sent_design(own, do="save"))
    assert answer.status_code == 302, answer.context["form"].errors
    assert AddedFields.objects.get().unit == world.left
    labels = [each.label for each in design_at(logbook, world.station).fields]
    assert labels[-1] == "分局采样车"
    assert [each.label for each in design_at(logbook, world.right).fields] == labels[:-1]


def test_shipped_ones_are_taken_into_use_many_at_once(world: World, manager: Client) -> None:
    url = reverse("logbooks_shipped", args=["top"])
    answer = manager.post(url, {"started_on": "2020-01-20", "codes": ["oath", "care_visit"]})
    assert answer.status_code == 302, answer.context["form"].errors
    assert set(Logbook.objects.values_list("shipped", "started_on")) == {
        ("oath", date(2020, 1, 20)),
        ("care_visit", date(2020, 1, 20)),
    }
    assert isinstance(Logbook.objects.get(shipped="oath").made, Design)
    none = manager.post(url, {"started_on": "2020-01-20"})
    assert none.context["form"].non_field_errors() == ["请勾选要启用的台账。"]


def test_a_logbook_is_ended_and_taken_up_again(world: World, manager: Client) -> None:
    logbook = make_logbook(world.top)
    manager.post(reverse("logbook_end", args=[logbook.code]), {"on": "2020-03-01", "reason": "任务结束"})
    logbook.refresh_from_db()
    assert logbook.ended_on == date(2020, 3, 1)
    with pytest.raises(OperationRefused, match="已于 2020-03-01 停用"):
        add_entry(
            actor=ACTOR,
            logbook=logbook,
            unit=world.left,
            happened_on=date(2020, 3, 2),
            values={"place": "东门"},
        )
    manager.post(reverse("logbook_start", args=[logbook.code]), {"on": "2020-03-01"})
    logbook.refresh_from_db()
    assert logbook.ended_on is None
