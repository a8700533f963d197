"""What the regulations find in entries: recruitment and awards, on their page and as a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from registry.logbooks.checking import breaches_of
from registry.logbooks.models import Entry, Logbook
from registry.logbooks.operations.entries import New, add_entries, edit_entry
from registry.logbooks.operations.logbooks import copy_shipped
from registry.models import RuleSetting
from registry.operations.base import fresh
from registry.rules.checks import ENTRY_CHECKS
from tests.asking import queries, queries_again
from tests.factories import ACTOR, make_user
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.look]
SINCE, TODAY = date(2010, 1, 1), date(2026, 11, 1)
DONE = {
    "applied": "2026-06-01", "talked": "2026-06-20", "activist": "2026-07-01", "candidate": "2027-07-02",
    "reviewed": "2027-07-10", "trained": "2027-07-20", "pre_reviewed": "2027-08-01", "met": "2027-08-20",
    "approved": "2027-10-01", "sworn": "2027-10-15", "asked": "2028-08-01", "full": "2028-08-21",
}  # fmt: skip
"""A recruitment as the rules of 2026 ask for it."""


def book(world: World, code: str) -> Logbook:
    (made,) = copy_shipped(actor=ACTOR, unit=world.top, codes=[code], started_on=SINCE)
    return made


def recruit(world: World, steps: Mapping[str, str | None], code: str = "recruitment", **values: Any) -> Entry:
    """Enter the recruitment of somebody who came so far."""
    full = {
        "way": "一般发展", "branch": world.home, "introducers": [(world.full, ""), (world.second, "")],
        "publicity_from": date(2027, 7, 5), "publicity_to": date(2027, 7, 9), "training_hours": 24,
        "voters_due": 9, "voters_present": 7, "voters_for": 6,
    }  # fmt: skip
    given = {key: value for key, value in {**full, **values}.items() if value is not None}
    if code == "recruitment_2014":
        given = {key: value for key, value in given.items() if not key.startswith("publicity")}
    reached = [
        {"step": key, "reached_on": date.fromisoformat(day), "decided_by": "党委", "note": "无"}
        for key, day in {**DONE, **steps}.items()
        if day
    ]
    first = date.fromisoformat(str({**DONE, **steps}["applied"]))
    new = New(world.left, min(first, timezone.localdate()), given, person=world.rising, steps=reached)
    return add_entries(actor=ACTOR, logbook=book(world, code), entries=[new])[0]


def award(world: World, logbook: Logbook, kind: str, day: str, **more: Any) -> Entry:
    """Enter an award that was approved on a day after nine days of publicity."""
    steps = {"reported": day, "shown": more.pop("shown", None), "approved": day}
    reached = [{"step": key, "reached_on": date.fromisoformat(on)} for key, on in steps.items() if on]
    people = more.pop("people", [world.full])
    values = {"subject": "守卡点", "kind": kind, "people": [(each, "") for each in people], **more}
    new = New(world.left, date.fromisoformat(day), values, steps=reached)
    (row,) = add_entries(actor=ACTOR, logbook=logbook, entries=[new])
    row.state = "approved"
    row.save(update_fields=["state"])
    return row


def found(rows: Sequence[Entry], today: date = date(2029, 1, 1)) -> list[str]:
    """Return the slugs of what is wrong."""
    return [each.slug.removeprefix("entry_") for each in breaches_of(rows, today)]


@pytest.fixture
def second(world: World) -> None:
    world.second = world.idle
    world.idle.statuses.update(status="full_member")


def test_a_recruitment_by_the_book_breaks_nothing(world: World, second: None) -> None:
    assert found([recruit(world, {})]) == []


def test_a_recruitment_is_called_by_whom_it_is_about(world: World, second: None) -> None:
    """Not by the introducers whom it names, also when it is found to be about somebody else."""
    row = recruit(world, {})
    assert row.title == f"一般发展 · {world.rising.name}"
    edit_entry(actor=ACTOR, entry=row, changes={"person": world.idle})
    assert fresh(row).title == f"一般发展 · {world.idle.name}"


@pytest.mark.parametrize(
    ("steps", "values", "slugs"),
    [
        ({"talked": "2026-07-02"}, {}, ["join_talk"]),
        ({"talked": None}, {}, ["join_talk"]),
        ({"talked": None}, {"way": "火线发展", "basis": "组电〔2026〕1号"}, []),
        ({"candidate": "2027-06-30"}, {}, ["join_year"]),
        ({}, {"publicity_to": date(2027, 7, 8)}, ["join_publicity"]),
        ({}, {"publicity_from": None, "publicity_to": None}, ["join_publicity"]),
        ({}, {"training_hours": 23}, ["join_training"]),
        ({"met": "2027-09-02"}, {}, ["join_meeting_late", "join_term"]),
        ({"approved": "2027-11-21", "sworn": "2027-11-30"}, {}, ["join_approval"]),
        ({"approved": "2028-02-21", "sworn": "2028-02-25"}, {}, ["join_approval_late"]),
        ({"sworn": None}, {}, ["join_oath"]),
        ({"full": "2028-08-19"}, {}, ["join_term"]),
        ({}, {"voters_present": 4, "voters_for": 4}, ["join_meeting", "join_meeting"]),
    ],
)
def test_each_step_is_judged_by_its_rule(
    world: World, second: None, steps: dict[str, str | None], values: dict[str, Any], slugs: list[str]
) -> None:
    assert found([recruit(world, steps, **values)]) == slugs


def test_introducers_are_two_full_members_and_a_temporary_branch_needs_a_document(
    world: World, second: None
) -> None:
    row = recruit(world, {}, introducers=[(world.auxiliary, "")], branch=world.branch)
    said = [each.message for each in breaches_of([row], date(2029, 1, 1))]
    document = "《中国共产党发展党员工作细则(2026年)》"
    assert said == [
        f"入党介绍人 1 名,应为两名正式党员({document}第十四条)。",
        f"介绍人钱二在 2027-08-20 不是正式党员({document}第十四条)。",
        f"“左局临时党支部”是临时党组织,接收预备党员没有登记依据文号({document}第二十二条)。",
    ]


def test_what_was_done_in_2020_is_judged_by_the_edition_of_then(world: World, second: None) -> None:
    old = {key: f"{int(day[:4]) - 7}{day[4:]}" for key, day in DONE.items()}
    row = recruit(world, {**old, "talked": "2019-07-02"}, "recruitment_2014")
    (only,) = breaches_of([row], date(2029, 1, 1))
    assert only.message == "递交申请书后超过一个月才派人谈话(《中国共产党发展党员工作细则(2014年)》)。"


def test_awards_are_judged_by_whom_by_kind_and_by_time(world: World) -> None:
    logbook = book(world, "commendation")
    document = "《公安机关人民警察奖励条令》"
    first = award(world, logbook, "三等功", "2020-02-20", shown="2020-02-11", level="市级")
    low = award(
        world, logbook, "二等功", "2020-03-20", shown="2020-03-12", level="市级", people=[world.auxiliary]
    )
    again = award(world, logbook, "嘉奖", "2021-02-19", level="市级")
    late = award(world, logbook, "嘉奖", "2021-02-20", level="县级", delegated="授权1号", people=[world.idle])
    praised = award(world, logbook, "通报表扬", "2020-04-01", level="县级", people=[world.auxiliary])
    assert found([first, late, praised]) == []
    assert [each.message for each in breaches_of([low, again], TODAY)] == [
        f"钱二是辅警,“二等功”授予在编民警;辅警请记入辅警表彰({document}第七条)。",
        f"“二等功”由市级机关批准,应由省级以上批准,也没有授权文号({document}第十三至十六条)。",
        f"“二等功”公示 6 个工作日,不足7个({document})。",
        f"赵一在 2020-02-20 已有同等或更高的奖励,不满一年({document}第十一条)。",
    ]


def test_it_is_shown_on_the_entry_on_the_page_of_rules_and_as_a_list(world: World, client: Client) -> None:
    logbook = book(world, "commendation")
    row = award(world, logbook, "嘉奖", "2020-02-20", level="县级")
    client.force_login(make_user("zuo", world.left, "viewer"))
    assert "应由市级以上批准" in client.get(f"{row.get_absolute_url()}?as_of=2020-03-01").content.decode()
    page = client.get("/compliance/?as_of=2020-03-01&unit=left")
    (line,) = dict(page.context["panels"])["logbooks/_checks.html"]["lines"]
    assert (line["label"], line["number"]) == ("批准机关级别", 1)
    rows = client.get(line["url"]).context["rows"]
    assert [(each.entry, each.level) for each in rows] == [(row, "提醒")]
    one = queries_again(lambda: client.get(line["url"]))
    for day in ("2020-02-21", "2020-02-22"):
        award(world, logbook, "嘉奖", day, level="县级", people=[world.idle])
    assert queries(lambda: client.get(line["url"])) == one
    other = Client()
    other.force_login(make_user("you", world.right, "viewer"))
    assert other.get("/entries/checked/?as_of=2020-03-01").context["rows"] == []


def test_a_check_is_switched_off_like_any_other(world: World) -> None:
    row = award(world, book(world, "commendation"), "嘉奖", "2020-02-20", level="县级")
    RuleSetting.objects.create(slug="entry_award_authority", since=date(2020, 1, 1), is_on=False)
    assert found([row]) == []
    assert {check.slug for check in ENTRY_CHECKS} >= {"entry_award_authority"}
