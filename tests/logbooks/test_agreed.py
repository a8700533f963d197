"""What logbooks agree on: one live entry of each, units that wait for an entry, people placed by one act."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from registry.counting.totals.check import differences
from registry.logbooks.design import Placing, Single, Watch
from registry.logbooks.models import Entry, Logbook
from registry.logbooks.operations.deciding import step_entry, withdraw_entry
from registry.logbooks.operations.entries import New, add_entries, add_entry, edit_entry
from registry.logbooks.operations.logbooks import copy_shipped
from registry.logbooks.operations.placing import place_chosen
from registry.logbooks.pages.idle import IdleTable
from registry.models import Assignment, AuditEntry
from registry.operations.take_back import take_back
from registry.refusals import OperationRefused
from tests.asking import queries_again
from tests.factories import ACTOR, make_organization, make_user
from tests.lists import rows_of
from tests.logbooks.books import DESIGN, make_logbook, sent_design
from tests.logbooks.test_importing import hand_in, said
from tests.world import World

FIRST, DAY = date(2020, 1, 1), date(2020, 2, 10)


def shipped_book(world: World, code: str) -> Logbook:
    """Take a shipped logbook into use at the top."""
    return copy_shipped(actor=ACTOR, unit=world.top, codes=[code], started_on=FIRST)[0]


# --- One live entry of each -----------------------------------------------------------------------


def brand(world: World, book: Logbook, name: str = "红帆", organization: Any = None, **more: Any) -> Entry:
    """Enter the brand of a branch."""
    return add_entry(
        actor=ACTOR,
        logbook=book,
        unit=world.left,
        happened_on=DAY,
        values={"name": name},
        organization=organization or world.branch,
        **more,
    )


def refused(act: Any) -> list[str]:
    """Return why something is refused, at the organization."""
    with pytest.raises(OperationRefused) as refusal:
        act()
    return list(refusal.value.message_dict["organization"])


def test_a_branch_has_one_live_brand_and_the_refusal_says_which(world: World) -> None:
    book = shipped_book(world, "brand")
    other = make_organization(world.left, name="第二支部")
    first = brand(world, book)
    want = (
        "“左局临时党支部”在“党建品牌”中只能有一条,已有 2020-02-10 登记的“红帆”,请修改那一条,或先办理“停用”。"
    )
    assert refused(lambda: brand(world, book, "蓝盾", is_draft=True)) == [want]
    second = brand(world, book, "蓝盾", other)
    edited = lambda: edit_entry(actor=ACTOR, entry=second, changes={"organization": world.branch})  # noqa: E731
    assert refused(edited) == [want]
    step_entry(actor=ACTOR, entry=first, step="made", on=DAY, decided_by="局党委")
    step_entry(actor=ACTOR, entry=first, step="ended", on=DAY)
    assert brand(world, book, "新帆").pk, "the old one is out of use"
    new = [New(world.left, DAY, {"name": name}, make_organization(world.left)) for name in "甲乙"]
    new.append(New(world.left, DAY, {"name": "丙"}, new[0].organization))
    assert "本次所填的另一条" in refused(lambda: add_entries(actor=ACTOR, logbook=book, entries=new))[0]


def test_what_was_withdrawn_comes_not_back_beside_another_one(world: World) -> None:
    book = shipped_book(world, "work_method")
    enter = {"actor": ACTOR, "logbook": book, "unit": world.left, "happened_on": DAY}
    values = {"name": "三步法", "content": "一看二问三记"}
    first = add_entry(**enter, organization=world.branch, values=values)
    withdraw_entry(actor=ACTOR, entry=first, reason="误录")
    act = AuditEntry.objects.latest("pk")
    add_entry(**enter, organization=world.branch, values=values | {"name": "四步法"})
    with pytest.raises(OperationRefused, match="四步法"):
        take_back(actor=ACTOR, entry=act, reason="误撤")


def test_an_import_says_row_by_row_what_stands(world: World) -> None:
    design = {
        "fields": [{"key": "place", "label": "品牌", "type": "text", "required": True}],
        "counters": [{"key": "entries", "label": "品牌", "way": "entries"}],
        "single": {"until": ""},
    }
    book = make_logbook(world.top, about="organization", design=design)
    other, third = (make_organization(world.left, code=code) for code in ("second", "third"))
    add_entry(
        actor=ACTOR,
        logbook=book,
        unit=world.left,
        happened_on=DAY,
        values={"place": "红帆"},
        organization=world.branch,
    )
    head = ("日期", "单位", "组织代码", "品牌")
    alike = hand_in(world, [("2020-02-11", "左公安局", each, "同名") for each in ("second", "third")], head)
    assert [line.verdict for line in alike.lines.order_by("pk")] == ["new", "new"], "two branches, two brands"
    rows = [("2020-02-11", "左公安局", each.code, f"{each.code}牌") for each in (world.branch, other, third)]
    found = said(hand_in(world, [*rows, ("2020-02-12", "左公安局", "second", "又一个")], head))
    assert [each.partition("只能有一条")[2] for each in found] == [
        ",已有 2020-02-10 登记的“红帆”,请修改那一条,或先撤回它。",
        ",已有“核酸采样支援”第 3 行,请修改那一条,或先撤回它。",
    ]


# --- Units that wait ------------------------------------------------------------------------------


def leads(world: World, book: Logbook, area: Any, **more: Any) -> Entry:
    """Enter that somebody answers for a unit."""
    facts = {"unit": world.top, "happened_on": date(2020, 2, 1), "person": world.full, **more}
    return add_entry(actor=ACTOR, logbook=book, values={"area": area, "duty": "包保"}, **facts)


def visited(world: World, book: Logbook, unit: Any, on: int) -> None:
    """Enter a visit to a unit."""
    values = {"content": "看望", "leader": [(world.full, "")]}
    add_entry(actor=ACTOR, logbook=book, unit=unit, happened_on=date(2020, 2, on), values=values)


def waiting(world: World, book: Logbook, on: int, **asked: str) -> list[tuple[Any, ...]]:
    """Return last day and day since when it waits of each unit, by the leader who answers for it."""
    rows = rows_of(
        lambda request: IdleTable(request, book.code),
        make_user(unit=world.top),
        as_of=f"2020-02-{on:02}",
        **asked,
    )
    return sorted((row.person.name, row.last_on, row.idle_since) for row in rows)


def test_units_without_a_visit_for_n_days(client: Client, world: World) -> None:
    areas, visits = shipped_book(world, "leader_area"), shipped_book(world, "area_visit")
    leads(world, areas, world.left)
    ends = leads(world, areas, world.right, person=world.rising)
    visited(world, visits, world.station, 5)
    first, fifth = date(2020, 2, 1), date(2020, 2, 5)
    left, right = (world.full.name, fifth, fifth), (world.rising.name, None, first)
    assert waiting(world, areas, 7) == [], "the seventh day is not over"
    assert waiting(world, areas, 8) == [right]
    assert waiting(world, areas, 12) == [right, left], "who stands below the unit was visited there, too"
    assert waiting(world, areas, 12, idle="10") == [right]
    step_entry(actor=ACTOR, entry=ends, step="ended", on=date(2020, 2, 12))
    assert waiting(world, areas, 11, idle="6") == [right, left]
    assert waiting(world, areas, 12) == [left], "nobody answers for that one any more"
    client.force_login(make_user(unit=world.top))
    page = client.get(reverse("logbook", args=[areas.code]), {"as_of": "2020-02-12"}).content.decode()
    assert "7 天没有包保走访的单位" in page
    page = client.get(reverse("entries_idle", args=[areas.code]), {"as_of": "2020-02-12"}).content.decode()
    for words in ("7 天没有包保走访的单位", "左公安局", "2020-02-05", "最近一次包保走访"):
        assert words in page
    asked = lambda: client.get(reverse("entries_idle", args=[areas.code]), {"as_of": "2020-02-12"})  # noqa: E731
    one = queries_again(asked)
    for unit in (world.station, world.right):
        leads(world, areas, unit)
    assert queries_again(asked) == one


# --- People placed by one act ---------------------------------------------------------------------


def test_volunteers_are_placed_by_one_act_and_that_is_taken_back(world: World) -> None:
    book = shipped_book(world, "volunteers")
    people = [world.full, world.auxiliary]
    entry = add_entry(
        actor=ACTOR,
        logbook=book,
        unit=world.left,
        happened_on=DAY,
        values={"task": "站岗", "offered": [(each, "") for each in people]},
    )
    step_entry(actor=ACTOR, entry=entry, step="chosen", on=DAY, decided_by="局党委")
    team = make_organization(world.left, "commando_team")
    with pytest.raises(OperationRefused, match="没有报名"):
        place_chosen(actor=ACTOR, entry=entry, people=[world.idle], organization=team, on=DAY)
    place_chosen(actor=ACTOR, entry=entry, people=people[:1], organization=team, on=DAY)
    entry.refresh_from_db()
    placed = Assignment.objects.filter(organization=team, is_withdrawn=False)
    assert [(row.person, row.started_on) for row in placed] == [(world.full, DAY)]
    assert (entry.step, entry.values["team"]) == ("placed", team.pk)
    assert [each.person for each in entry.people.filter(field="chosen")] == [world.full]
    assert differences() == []
    first = AuditEntry.objects.filter(verb="edit_entry").latest("pk")
    take_back(actor=ACTOR, entry=first, reason="选错了")
    entry.refresh_from_db()
    assert (entry.step, list(placed.all())) == ("chosen", [])
    assert differences() == []


# --- On the page of a design ----------------------------------------------------------------------


def test_what_is_agreed_is_chosen_on_the_page_and_stays_with_the_logbook(
    client: Client, world: World
) -> None:
    client.force_login(make_user(unit=world.top, role="manager"))
    book = make_logbook(world.top)
    shipped_book(world, "area_visit")
    url = reverse("logbook_edit", args=[book.code])
    agreed = {
        "agreed-there": "1",
        "agreed-single": "on",
        "agreed-single_until": "closed",
        "agreed-watch_field": "with_unit",
        "agreed-watch_by": "area_visit",
        "agreed-watch_days": "10",
        "agreed-placing_offered": "staff",
        "agreed-placing_chosen": "staff",
        "agreed-placing_into": "branch",
        "agreed-placing_step": "checked",
    }
    page = client.post(url, sent_design(DESIGN, do="save", version=str(book.version), **agreed), follow=True)
    book.refresh_from_db()
    assert book.made.agreed == {
        "single": Single("closed"),
        "watch": Watch("with_unit", "area_visit", 10),
        "placing": Placing("staff", "staff", "branch", "checked"),
    }
    said_ = page.content.decode()
    assert "“协作单位”10 天没有“包保走访”的,在条目页列出。" in said_
    assert "每个登记对象只有一条有效条目,到“办结”后可以另记。" in said_
    wrong = agreed | {"agreed-watch_days": "0", "agreed-watch_by": "", "agreed-placing_step": ""}
    page = client.post(url, sent_design(DESIGN, do="save", version=str(book.version), **wrong))
    errors = "".join(map(str, page.context["form"].non_field_errors()))
    for words in ("走访登记在哪本台账", "天数请填 1 至 366", "编入请选一个步骤"):
        assert words in errors
