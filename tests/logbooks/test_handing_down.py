"""A logbook that is handed down to chosen units: others do not see it, and its numbers still roll up."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from registry import access
from registry.counting.totals.check import differences
from registry.importers.layouts import layouts_seen
from registry.logbooks.models import Logbook
from registry.logbooks.operations.entries import add_entry
from registry.logbooks.operations.logbooks import add_fields, edit_logbook
from registry.logbooks.pages.books import used_at
from registry.models import AuditEntry
from registry.operations.take_back import take_back
from registry.refusals import OperationRefused
from registry.web.metrics import find_metrics
from tests.factories import ACTOR, make_user
from tests.logbooks.books import DESIGN, make_logbook, sent_design
from tests.logbooks.test_entries import numbers
from tests.world import World

pytestmark = pytest.mark.django_db
DAY = date(2020, 2, 10)


@pytest.fixture
def book(world: World) -> Logbook:
    """One of the department, for the left bureau and its station."""
    return make_logbook(world.top, handed=[world.left])


def enter(book: Logbook, unit: Any, world: World) -> Any:
    values = {"place": "东门", "staff": [(world.full, "")], "number": 5}
    return add_entry(actor=ACTOR, logbook=book, unit=unit, happened_on=DAY, values=values)


def test_it_is_used_where_it_is_handed_down_and_counts_above(world: World, book: Logbook) -> None:
    for unit in (world.station, world.left, world.top):
        enter(book, unit, world)
    with pytest.raises(OperationRefused, match="右公安局”不在其中"):
        enter(book, world.right, world)
    assert [numbers(unit)["entries"] for unit in (world.top, world.left, world.right)] == [3, 2, 0]
    assert [bool(used_at(unit, DAY)) for unit in (world.top, world.left, world.station, world.right)] == [
        True, True, True, False,
    ]  # fmt: skip
    assert not differences()


def test_who_is_elsewhere_does_not_see_it(world: World, book: Logbook) -> None:
    users = {
        unit.code: make_user(unit.code, unit, "manager") for unit in (world.top, world.left, world.right)
    }
    users["station"] = make_user("station", world.station, "clerk")
    seen = {
        code: (
            access.visible(user, Logbook.objects.all()).exists(),
            bool(find_metrics(user, "支援次数")),
            f"log-{book.code}" in layouts_seen(user),
        )
        for code, user in users.items()
    }
    assert seen == {**dict.fromkeys(("top", "left", "station"), (True,) * 3), "right": (False,) * 3}
    client = Client()
    client.force_login(users["right"])
    for path in ("", "enter/", "design/"):
        assert client.get(f"/logbooks/sampling/{path}").status_code == 404
    assert "核酸采样支援" not in client.get("/logbooks/").content.decode()
    assert "/logbooks/sampling/" not in client.get("/search/?q=核酸采样支援").content.decode()
    with pytest.raises(OperationRefused, match="不在其中"):
        add_fields(actor=ACTOR, logbook=book, unit=world.right, fields=[])


def test_it_is_there_once_however_many_units_it_is_handed_down_to(world: World) -> None:
    book = make_logbook(world.top, handed=[world.left, world.right])
    assert [used_at(unit, DAY) for unit in (world.top, world.station)] == [[book], [book]]
    user = make_user("zuo", world.left, "clerk")
    assert list(access.visible(user, Logbook.objects.all())) == [book]


def test_a_manager_chooses_the_units_on_the_page_and_can_take_it_back(
    world: World, book: Logbook, client: Client
) -> None:
    enter(book, world.station, world)
    client.force_login(make_user("guanli", world.top, "manager"))
    form = client.get("/logbooks/sampling/edit/").context["form"]
    sent = sent_design(DESIGN, handed="right", version=str(book.version), do="save")
    answer = client.post("/logbooks/sampling/edit/", sent)
    assert answer.context["form"].errors["handed"] == ["“左派出所”已有条目,请把它或它的上级也选上。"]
    sent["handed"] = ["right", "station"]
    assert client.post("/logbooks/sampling/edit/", sent).status_code == 302
    assert {unit.code for unit in book.handed.all()} == {"right", "station"}
    entry = AuditEntry.objects.filter(verb="edit_logbook").latest("pk")
    assert (entry.before["handed"], entry.after["handed"]) == ("左公安局", "右公安局、左派出所")
    assert form["handed"].value() == [world.left]
    assert "右公安局、左派出所" in client.get("/logbooks/sampling/design/").content.decode()
    take_back(actor=ACTOR, entry=entry, reason="误操作")
    assert [unit.code for unit in book.handed.all()] == ["left"]


def test_only_units_below_are_chosen(world: World, book: Logbook) -> None:
    own = make_logbook(world.left, name="本局台账", code="own")
    with pytest.raises(OperationRefused, match="“右公安局”不是“左公安局”的下级"):
        edit_logbook(actor=ACTOR, logbook=own, changes={}, handed=[world.right])
