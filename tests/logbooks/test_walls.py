"""A walled logbook tried by every role, by every way in which an entry is shown, found, counted or kept.

What it says is for its helper and the approvers alone, on its own page alone; nowhere is it in the open.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from registry.approvals.models import Submission
from registry.audit import Actor
from registry.logbooks.models import Entry, EntryFact, EntryPerson, EntryTerm, Logbook
from registry.logbooks.operations.deciding import approve_entries, step_entry
from registry.logbooks.operations.entries import add_entry, edit_entry
from registry.models import User
from registry.operations.submitting import or_submit
from tests.factories import ACTOR, make_user
from tests.logbooks.books import make_logbook
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.look]
SECRET, LATER = "母亲住院欠费三万", "父亲又失业了"
DAY = date(2020, 2, 10)
DESIGN: dict[str, Any] = {
    "fields": [
        {"key": "kind", "label": "类别", "type": "choice", "choices": ["家人患病隐情", "其他隐情"]},
        {"key": "trouble", "label": "困难", "type": "text", "required": True},
        {"key": "money", "label": "金额", "type": "amount"},
        {"key": "who", "label": "当事人", "type": "person"},
    ],
    "steps": [{"key": "learnt", "label": "了解"}, {"key": "solved", "label": "解决"}],
    "counters": [
        {"key": "entries", "label": "困难数", "way": "entries", "measure": "件"},
        {"key": "open", "label": "未解决", "way": "open", "step": "learnt", "measure": "件"},
        {"key": "pace", "label": "平均用时", "way": "average_hours", "since": "learnt", "step": "solved"},
    ],
}
VALUES = {"kind": "家人患病隐情", "trouble": SECRET, "money": 31415}
TELLING = (SECRET, LATER, "家人患病隐情", "31,415", "31415", "3141500")
"""What must not be said; whom it is about is looked for where nobody else would be named."""
ROLES = ("clerk", "viewer", "approver", "manager", "auditor")


@pytest.fixture
def helper(world: World) -> User:
    return make_user("jingban", world.station, "clerk")


@pytest.fixture
def entry(world: World, helper: User) -> Entry:
    """What the clerk of the station keeps of somebody, approved, and an edit that waits for approval."""
    book: Logbook = make_logbook(
        world.top, name="困难帮扶", code="care", is_walled=True, needs_approval=True, design=DESIGN
    )
    actor = Actor(helper, "经办人")
    values = {**VALUES, "who": [(world.auxiliary, "")]}
    made = add_entry(actor=actor, logbook=book, unit=world.station, happened_on=DAY, values=values)
    approve_entries(actor=ACTOR, entries=[made], approval_number="1号")
    made = Entry.objects.get(pk=made.pk)
    edit_entry(actor=actor, entry=made, changes={"trouble": LATER})
    or_submit(
        edit_entry,
        actor=actor,
        entry=Entry.objects.get(pk=made.pk),
        changes={"happened_on": date(2020, 2, 9)},
    )
    step_entry(actor=actor, entry=made, step="solved", on=date(2020, 2, 12), note="已联系")
    return Entry.objects.get(pk=made.pk)


DATED = "as_of=2020-03-01"
WIDE = (
    f"/logbooks/?{DATED}&unit=station",
    f"/units/station/?{DATED}",
    f"/album/?unit=station&{DATED}",
    f"/compare/?metric=log.care.entries&unit=station&{DATED}",
    f"/entries/checked/?{DATED}",
    "/desk/",
)
"""Pages that show numbers of many logbooks: asked for by two, since they cost most."""


def pages(role: str) -> Iterator[tuple[str, str]]:
    """Yield how and where everything that shows entries is asked for."""
    for path in (
        f"/logbooks/care/?{DATED}&state=all",
        f"/logbooks/care/?{DATED}&f_trouble=住院&f_kind=家人患病隐情&sort=f_money&q=住院",
        f"/entries/counted/?metric=log.care.pace&{DATED}",
        "/search/?q=住院",
        "/approvals/",
        "/record/",
        *(WIDE if role in ("viewer", "manager") else ()),
    ):
        yield "get", path
    yield "post", f"/export/logbooks/care/?{DATED}&state=all&format=csv"
    for submission in Submission.objects.all():
        yield "get", submission.get_absolute_url()


def said(client: Client, how: str, path: str) -> str:
    """Return what a page says, but for what was asked."""
    answer = getattr(client, how)(path)
    if answer.status_code != 200:
        return ""
    text = (b"".join(answer) if answer.streaming else answer.content).decode("utf-8", "replace")
    return text.replace("住院", "") if "q=" in path else text


APPROVERS = ("approver", "manager")
"""Who may approve entries (``nouns/verbs.py``)."""
WHO = [*(("station", role) for role in ROLES), ("right", "approver")]


def test_no_role_reads_it_but_on_its_page_its_helper_and_approvers(
    world: World, entry: Entry, helper: User
) -> None:
    users = {(at, role): make_user(f"{at}-{role}", getattr(world, at), role) for at, role in WHO}
    for (at, role), user in {**users, ("station", "helper"): helper}.items():
        client = Client()
        client.force_login(user)
        told = [path for how, path in pages(role) if any(each in said(client, how, path) for each in TELLING)]
        told = [path for path in told if "f_kind" not in path]  # where it was asked for
        assert told == [], (at, role, told)
        its_page = said(client, "get", entry.get_absolute_url())
        may_read = role == "helper" or (role in APPROVERS and at != "right")
        assert (LATER in its_page, "钱二" in its_page) == (may_read, may_read), (at, role)
        edit = said(client, "get", f"{entry.get_absolute_url()}edit/")
        assert (LATER in edit) == (role in ("helper", "manager")), (at, role)


def test_the_filters_and_sorts_of_its_content_do_not_exist(world: World, entry: Entry) -> None:
    client = Client()
    client.force_login(make_user("guanli", world.top, "manager"))
    page = client.get("/logbooks/care/?as_of=2020-03-01&f_kind=其他隐情&f_trouble=没有&sort=f_money")
    assert [row.entry for row in page.context["rows"]] == [entry], "as if nothing had been asked"
    assert not [each.name for each in page.context["table"].filters if each.name.startswith("f_")]


def test_the_database_holds_nothing_of_it_in_the_open(world: World, entry: Entry) -> None:
    """What a backup or a copy of the file holds is what the tables hold."""
    assert (EntryPerson.objects.count(), EntryTerm.objects.filter(entry=entry).count()) == (0, 0)
    assert set(EntryFact.objects.values_list("text", flat=True)) == {""}
    assert entry.sealed is not None
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            held = json.dumps(
                [[_plain(cell) for cell in row] for row in cursor.fetchall()], ensure_ascii=False
            )
            # The choices of a design are no content; numbers may stand in any key.
            words = TELLING[:2] if table == "logbooks_logbook" else TELLING[:3]
            assert [word for word in words if word in held] == [], table
    assert Submission.objects.count() == 1


def _plain(cell: Any) -> Any:
    if isinstance(cell, bytes | memoryview):
        return bytes(cell).decode("utf-8", "replace")
    return cell if isinstance(cell, str | int | float | type(None)) else str(cell)
