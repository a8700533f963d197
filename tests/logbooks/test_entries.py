"""Entries: what is refused, what is counted, mended, approved, withdrawn and taken back."""

from __future__ import annotations

from datetime import date, time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.counting.basis import Question
from registry.counting.rollup import rollup
from registry.counting.totals.check import differences
from registry.logbooks import walls
from registry.logbooks.metrics import logbook_metrics
from registry.logbooks.models import Entry
from registry.logbooks.operations.deciding import (
    approve_entries,
    return_entries,
    step_entry,
    submit_entries,
    withdraw_entry,
)
from registry.logbooks.operations.entries import New, add_entries, add_entry, edit_entry
from registry.models import AuditEntry, Unit
from registry.operations.take_back import take_back
from registry.refusals import OperationRefused
from tests.factories import ACTOR, make_unit
from tests.logbooks.books import WALLED, make_logbook
from tests.world import World

DAY = date(2020, 2, 10)


def numbers(unit, day=date(2020, 3, 1)) -> dict[str, int]:
    """Return what each counter counts below the unit."""
    metrics = logbook_metrics().values()
    counted = rollup(unit, Question(day), children=False, metrics=metrics).total.counts
    return {metric.slug.rpartition(".")[2]: counted[metric.slug] for metric in metrics}


def enter(world: World, logbook, **more):
    """Enter one at the station."""
    given = {"place": "东门", "staff": [(world.full, "带队"), (world.auxiliary, "")], "number": 120}
    facts = {"unit": world.station, "happened_on": DAY, "values": given | more.pop("values", {}), **more}
    return add_entry(actor=ACTOR, logbook=logbook, **facts)


def test_an_entry_counts_where_and_when_it_happened(world: World) -> None:
    logbook = make_logbook(world.top)
    enter(world, logbook)
    enter(world, logbook, happened_on=date(2020, 2, 12), values={"staff": [(world.full, "")], "number": 30})
    want = {"entries": 2, "people": 2, "times": 3, "sampled": 150, "done": 0, "open": 0, "hours": 0}
    assert numbers(world.top) == numbers(world.station) == want
    assert numbers(world.right) == dict.fromkeys(want, 0)
    assert numbers(world.left, date(2020, 2, 11))["sampled"] == 120


def test_steps_are_counted_with_their_hours(world: World) -> None:
    logbook = make_logbook(world.top)
    entry = enter(world, logbook)
    step_entry(actor=ACTOR, entry=entry, step="checked", on=date(2020, 2, 11), at=time(6))
    assert (numbers(world.top)["open"], numbers(world.top)["hours"]) == (1, 30)
    with pytest.raises(OperationRefused, match="请填写文号"):
        step_entry(actor=ACTOR, entry=entry, step="closed", on=date(2020, 2, 12))
    step_entry(actor=ACTOR, entry=entry, step="closed", on=date(2020, 2, 12), document_number="1号")
    assert (numbers(world.top)["open"], numbers(world.top)["done"]) == (0, 1)
    assert numbers(world.top, date(2020, 2, 11))["open"] == 1


def test_an_edit_changes_the_numbers_and_a_withdrawal_takes_them_away(world: World) -> None:
    logbook = make_logbook(world.top)
    entry = enter(world, logbook)
    edit_entry(
        actor=ACTOR, entry=entry, changes={"number": 7, "staff": [(world.idle, "")], "unit": world.right}
    )
    assert numbers(world.right)["sampled"] == 7
    assert numbers(world.station)["people"] == 0
    withdraw_entry(actor=ACTOR, entry=entry, reason="误录")
    assert not any(numbers(world.top).values())


def test_what_needs_approval_counts_once_approved(world: World) -> None:
    logbook = make_logbook(world.top, needs_approval=True)
    entry = enter(world, logbook)
    assert numbers(world.top)["entries"] == 0
    return_entries(actor=ACTOR, entries=[entry], reason="缺照片")
    submit_entries(actor=ACTOR, entries=[entry])
    approve_entries(actor=ACTOR, entries=[entry])
    assert numbers(world.top)["people"] == 2


def test_a_thin_entry_goes_back_and_counts_again_when_mended(world: World) -> None:
    logbook = make_logbook(world.top)
    entry = enter(world, logbook)
    return_entries(actor=ACTOR, entries=[entry], reason="请补照片")
    assert numbers(world.top)["entries"] == 0
    submit_entries(actor=ACTOR, entries=[entry])
    assert numbers(world.top)["entries"] == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"place": ""}, "请填写“采样点”"),
        ({"number": 5001}, "“采样人数”不能大于 5,000,现在是 5,001。"),
        ({"number": "五百"}, "“采样人数”请填整数"),
        ({"shift": "晚"}, "“班次”没有“晚”这个选项,可选:早、中、夜。"),
        ({"nothing": 1}, "没有字段“nothing”"),
    ],
)
def test_what_is_wrong_is_said_by_field_and_nothing_is_written(world: World, values, said) -> None:
    logbook = make_logbook(world.top)
    with pytest.raises(OperationRefused, match=said):
        enter(world, logbook, values=values)
    assert not Entry.objects.exists()


def test_an_edit_and_a_new_entry_are_taken_back_with_their_numbers(world: World) -> None:
    logbook = make_logbook(world.top)
    entry = enter(world, logbook)
    before = numbers(world.top)
    edit_entry(actor=ACTOR, entry=entry, changes={"number": 7, "staff": [(world.idle, "")]})
    take_back(actor=ACTOR, entry=AuditEntry.objects.latest("pk"), reason="改错了")
    assert numbers(world.top) == before
    entry.refresh_from_db()
    assert (entry.values["number"], [each.person.name for each in entry.people.all()]) == (
        120,
        ["赵一", "钱二"],
    )
    take_back(actor=ACTOR, entry=AuditEntry.objects.get(verb="add_entry"), reason="重复了")
    assert not any(numbers(world.top).values())
    assert not differences()


def test_a_walled_entry_says_nothing_in_the_open(world: World) -> None:
    logbook = make_logbook(world.top, is_walled=True, design=WALLED)
    entry = add_entry(
        actor=ACTOR,
        logbook=logbook,
        unit=world.station,
        happened_on=DAY,
        values={"trouble": "母亲住院", "who": [(world.full, "")]},
    )
    kept = Entry.objects.get()
    assert (kept.values, kept.title, list(kept.people.all())) == ({}, "", [])
    assert "母亲" not in str(AuditEntry.objects.values_list("after", "rows"))
    assert numbers(world.top) == {"entries": 1}
    edit_entry(actor=ACTOR, entry=entry, changes={"trouble": "母亲出院"})
    entry.refresh_from_db()
    assert walls.open_for(None, entry)["trouble"] == "母亲出院"
    assert [each.person for each in walls.people_of(entry)] == [world.full]


def test_many_at_several_units_ask_no_more_than_few(world: World) -> None:
    """Each entry stands at a unit of its own, names units and organizations, and comes with a step."""
    logbook = make_logbook(world.top)
    at = [world.station, world.left, world.right, world.top]
    steps = [{"step": "checked", "reached_on": DAY, "reached_at": time(9)}]

    def cost(number: int) -> int:
        some = [
            New(
                unit,
                DAY,
                {
                    "place": "东门",
                    "staff": [(world.full, "")],
                    "with_unit": unit,
                    "branch": world.committee,
                },
                steps=steps,
            )
            for unit in at[:number]
        ]
        with CaptureQueriesContext(connection) as queries:
            rows = add_entries(actor=ACTOR, logbook=logbook, entries=some)
        assert [row.step for row in rows] == ["checked"] * number
        return len(queries)

    cost(2)  # whom nobody has named before is noted once
    assert cost(2) == cost(4)
    assert numbers(world.top)["open"] == numbers(world.top)["entries"] == 8


def test_a_unit_that_was_closed_meanwhile_takes_no_entry(world: World) -> None:
    logbook = make_logbook(world.top)
    spare = make_unit("spare", world.left, name="左检查站")
    Unit.objects.filter(pk=spare.pk).update(closed_on=date(2020, 2, 5))  # the form still has it open
    with pytest.raises(OperationRefused, match="“左检查站”在 2020-02-10 不在"):
        enter(world, logbook, unit=spare)
