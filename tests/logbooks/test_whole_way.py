"""A logbook of every type goes the whole way: made, entered, counted, exported, imported again."""

from __future__ import annotations

from django.test import Client

from registry.imports import background as importing
from registry.imports.models import ImportState
from registry.logbooks.models import Entry, Logbook
from registry.models import User
from tests.factories import ACTOR, make_user
from tests.logbooks.books import DESIGN, sent_design
from tests.logbooks.test_entries import numbers
from tests.logbooks.test_importing import said
from tests.world import World


def test_made_entered_counted_exported_and_imported_again(world: World, client: Client) -> None:
    client.force_login(make_user("guanli", world.top, "manager"))
    assert client.post("/units/top/logbooks/add/", sent_design(DESIGN, do="start")).status_code == 302
    logbook = Logbook.objects.get()
    entered = {
        "happened_on": "2020-02-10",
        "unit": "station",
        "v_place": "东门",
        "v_staff": [world.full.key, world.auxiliary.key],
        "v_staff_role": ["带队", ""],
        "v_shift": "早",
        "v_number": "120",
        "v_cost": "500",
        "v_next": "2020-02-20",
        "v_begun": "8:30",
        "v_notes": "无",
        "v_contact": world.full.key,
        "v_with_unit": "left",
        "v_branch": "branch",
        "v_order": "左发〔2020〕3号",
    }
    answer = client.post(f"/logbooks/{logbook.code}/enter/?unit=station", entered)
    assert answer.status_code == 302, answer.context["form"].errors
    counted = {"entries": 1, "people": 2, "times": 2, "sampled": 120, "done": 0, "open": 0, "hours": 0}
    assert numbers(world.top) == counted
    file = client.post(f"/export/logbooks/{logbook.code}/?unit=top&as_of=2020-03-01", {"format": "xlsx"})
    content = b"".join(file) if file.streaming else file.content
    user = User.objects.get(username="guanli")
    again = importing.hand_in(actor=ACTOR, user=user, file_name="导出.xlsx", content=content)
    again.refresh_from_db()
    assert said(again) == []
    assert again.counts, again.message
    assert (again.number("new"), again.number("changed")) == (0, 0)
    Entry.objects.all().update(values={**Entry.objects.get().values, "number": 7})
    mended = importing.hand_in(actor=ACTOR, user=user, file_name="导出.xlsx", content=content)
    importing.confirm(actor=ACTOR, import_=mended, reason="按表更正")
    mended.refresh_from_db()
    assert mended.state == ImportState.WRITTEN, mended.message
    assert Entry.objects.get().values["number"] == 120
    assert numbers(world.top) == counted
