"""One person under two entries who are joined: logbooks name, and count, one."""

from __future__ import annotations

import pytest

from registry.counting.totals.check import differences
from registry.logbooks.models import Entry, LoggedPerson
from registry.logbooks.operations.logbooks import add_fields
from registry.models import AuditEntry
from registry.operations.acts import Act
from registry.operations.merging import merge_person
from registry.operations.take_back import may_take_back
from tests.factories import ACTOR, make_person, make_user
from tests.logbooks.books import make_logbook
from tests.logbooks.test_entries import DAY, enter, numbers
from tests.world import World


@pytest.fixture
def twin(world: World):
    """The same person as 赵一, entered once more."""
    return make_person("赵一", world.left, number="001099")


def test_who_was_named_under_both_entries_counts_once(world: World, twin) -> None:
    logbook = make_logbook(world.top)
    enter(world, logbook, values={"staff": [(world.full, ""), (twin, "")]})
    enter(world, logbook, values={"staff": [(twin, "带队")]})
    assert (numbers(world.top)["people"], numbers(world.top)["times"]) == (2, 3)
    merge_person(actor=ACTOR, person=world.full, other=twin, reason="重复登记")
    assert numbers(world.top)["people"] == 1
    assert [[each.person for each in row.people.all()] for row in Entry.objects.order_by("pk")] == [
        [world.full],
        [world.full],
    ]
    assert LoggedPerson.objects.get().person == world.full
    assert not differences()


def test_who_was_named_under_the_other_entry_only_is_named_now(world: World, twin) -> None:
    logbook = make_logbook(world.top)
    enter(world, logbook, values={"staff": [(twin, "")]})
    merge_person(actor=ACTOR, person=world.full, other=twin, reason="重复登记")
    assert (numbers(world.top, DAY)["people"], LoggedPerson.objects.get().person) == (1, world.full)
    assert not differences()


def test_added_fields_are_taken_back_by_a_manager_of_the_unit_only(world: World) -> None:
    logbook = make_logbook(world.top)
    fields = [{"key": "u1_f1", "label": "采样车", "type": "text"}]
    add_fields(actor=ACTOR, logbook=logbook, unit=world.left, fields=fields)
    act = Act(AuditEntry.objects.get(verb="edit_logbook_fields"))
    assert may_take_back(make_user("zuo", world.left, "manager"), act)
    assert not may_take_back(make_user("you", world.right, "manager"), act)
    assert not may_take_back(make_user("kan", world.left, "viewer"), act)
