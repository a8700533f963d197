"""Nobody approves, withdraws or ends what they did not see: every act carries what its page showed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from registry.models import Grant, Organization, User
from registry.operations import seen
from registry.operations.base import write
from registry.web import changes
from tests.factories import assign, make_organization, make_person, make_unit, make_user
from tests.test_access_table import READ_ONLY, TABLE, Row
from tests.two_bureaus import TwoBureaus
from tests.world import World

pytestmark = pytest.mark.django_db

ON_NOTHING_SHOWN = {
    # something new
    *("campaign_start", "organization_register", "organizations_found", "source_add", "user_add", "imports"),
    "entry_add",
    # somebody who is found by number and name, and of whom nothing is shown
    "person_borrow",
    # first passwords, for those who are asked again whether they never logged in
    "user_slips",
    # one's own account and the list's columns
    *("login", "logout", "account_password", "account_end_sessions", "account_columns"),
    "account_mail",
    # many texts, each with the version that its page showed
    "organization_opinions",
    # what was handed in, by its owner: judged again when it is written
    *("import_write", "import_cancel", "import_recheck"),
    # a file that the registry made for its user, who can have it made again
    "export_cancel",
    # files, and the telephone number, which is only looked at
    "person_reveal",
}
"""The acts without a version; a new act is not one of them unless it says why."""
TAKEN_BACK = {"record_undo"}
"""Whatever changed since stands in the way of taking an act back (``operations.acts.obstacles``)."""


def changing() -> Iterator[tuple[str, Row]]:
    """Yield the addresses at which a manager of the bureau changes something."""
    for name, rows in TABLE.items():
        for row in rows:
            is_file = row.get == READ_ONLY and "200+" in row.post
            if row.post.split("|")[0].split()[4] in ("302+", "200+") and not is_file:
                yield name, row


def hidden(page: str, name: str) -> list[str]:
    return re.findall(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)


def other(mark: str) -> str:
    """Return a mark of a row whose first field held something else."""
    first, dot, rest = mark.partition(".")
    name, dash, digest = first.rpartition("-")
    return f"{name}{dash}{'0' * len(digest)}{dot}{rest}"


def test_every_declared_act_is_on_what_was_seen(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    world = TwoBureaus()
    client.force_login(world.here.users["manager"])
    without, unmet = set(), {}
    for name, row in changing():
        url, data = reverse(name, args=row.args(world.here)), dict(row.data(world.here))
        url = f"{url}?{row.query}" if row.query else url
        point = transaction.savepoint()
        if "rows" in data:
            first = client.post(url, {"row": data["rows"]}).content.decode()
            (rows,) = re.findall(r'name="rows" value="([^"]*)"', first)
            data["rows"], stale = rows, re.sub(r":\w+", ":000000000000", rows)
            refused = client.post(url, {**data, "rows": stale})
        else:
            answer = client.get(url)
            page = answer.content.decode() if answer.status_code == 200 else ""
            marks = hidden(page, "seen")
            if not marks:
                if "version" not in data or not re.search(r'name="version"', page):
                    without.add(name)
                transaction.savepoint_rollback(point)
                continue
            data["seen"] = marks
            refused = client.post(url, {**data, "seen": [other(mark) for mark in marks]})
        assert refused.status_code == 200, name
        assert "已被他人修改" in refused.content.decode(), name
        if "confirmed" in data or name.startswith("assignments_"):
            warned = client.post(url, data)
            confirmed = (warned.context or {}).get("confirmed") if warned.status_code == 200 else None
            if confirmed:
                data["confirmed"] = confirmed
            elif warned.status_code == 302:
                transaction.savepoint_rollback(point)
                point = transaction.savepoint()
        done = client.post(url, data)
        assert done.status_code == 302 or "密码" in done.content.decode(), (name, done.content.decode())
        if said := [each.getMessage() for each in caplog.records if each.name == seen.logger.name]:
            unmet[name] = said
        caplog.clear()
        transaction.savepoint_rollback(point)
    assert without - ON_NOTHING_SHOWN - TAKEN_BACK == set()
    assert unmet == {}, "their operations never read the row under the locks"


def submitted(world: World, name: str = "新支部") -> Organization:
    return make_organization(world.left, "commando_team", name=name, state="submitted")


@pytest.fixture
def approver(world: World, client: Client) -> Client:
    client.force_login(make_user("approver", world.left, role="approver"))
    return client


def approval(client: Client, organization: Organization) -> tuple[str, dict[str, Any]]:
    url = reverse("organization_approve", args=[organization.code])
    return url, {"seen": hidden(client.get(url).text, "seen")}


def test_an_approver_approves_only_what_was_on_the_page(world: World, approver: Client) -> None:
    organization = submitted(world)
    url, sent = approval(approver, organization)
    write(organization, {"name": "另一个支部", "established_on": date(2020, 1, 3)})
    page = approver.post(url, sent)
    organization.refresh_from_db()
    assert organization.state == "submitted"
    assert "名称现在是“另一个支部”" in page.text
    assert "成立日期现在是“2020-01-03”" in page.text
    # The page that came back shows what is there now: it may be decided on.
    assert approver.post(url, {"seen": hidden(page.text, "seen")}).status_code == 302
    organization.refresh_from_db()
    assert organization.state == "approved"


def test_nor_with_other_people_in_it(world: World, approver: Client) -> None:
    organization = submitted(world)
    url, sent = approval(approver, organization)
    assign(organization, make_person("丁", world.left))
    assert "编入人员有变动" in approver.post(url, sent).text


def test_what_changes_under_the_very_press_is_noticed_under_the_locks(
    world: World, approver: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = submitted(world)
    url, sent = approval(approver, organization)
    real, pressed = changes._done, []

    def later(*args: Any) -> Any:
        if not pressed:
            pressed.append(1)
            write(Organization.objects.get(pk=organization.pk), {"name": "另一个支部"})
        return real(*args)

    monkeypatch.setattr(changes, "_done", later)
    page = approver.post(url, sent)
    assert "名称现在是“另一个支部”" in page.text
    organization.refresh_from_db()
    assert organization.state == "submitted"


def test_of_many_ticked_only_those_that_changed_are_left_out_and_named(
    world: World, approver: Client
) -> None:
    one, two = submitted(world, "甲支部"), submitted(world, "乙支部")
    url = reverse("organizations_approve")
    page = approver.post(url, {"row": [one.pk, two.pk]})
    (rows,) = re.findall(r'name="rows" value="([^"]*)"', page.text)
    write(two, {"name": "丙支部"})
    answer = approver.post(url, {"rows": rows}, follow=True)
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.state, two.state) == ("approved", "submitted")
    assert "“丙支部”已被他人修改,没有办理" in answer.text


def test_where_all_ticked_ones_changed_the_page_comes_back(world: World, approver: Client) -> None:
    one = submitted(world, "甲支部")
    url = reverse("organizations_approve")
    (rows,) = re.findall(r'name="rows" value="([^"]*)"', approver.post(url, {"row": one.pk}).text)
    write(one, {"name": "丙支部"})
    page = approver.post(url, {"rows": rows})
    assert "“丙支部”已被他人修改" in page.text
    (rows,) = re.findall(r'name="rows" value="([^"]*)"', page.text)
    assert approver.post(url, {"rows": rows}).status_code == 302


def test_a_user_is_disabled_only_with_the_grants_that_were_seen(client: Client) -> None:
    unit = make_unit("top")
    client.force_login(make_user("boss", unit, role="manager"))
    somebody: User = make_user("somebody", unit, role="clerk")
    url = reverse("user_disable", args=[somebody.pk])
    sent = {"seen": hidden(client.get(url).text, "seen"), "reason": "离职"}
    Grant.objects.create(user=somebody, unit=unit, role="approver", started_on=date(2020, 1, 1))
    assert "授权有变动" in client.post(url, sent).text
    somebody.refresh_from_db()
    assert somebody.is_active


def test_a_mark_does_not_give_a_telephone_number_away(world: World) -> None:
    """It depends on the server's key, so trying all numbers does not help."""
    person = make_person("丁", world.left)
    with pytest.MonkeyPatch.context() as patch:
        mark = seen.marks([person])
        patch.setattr("django.conf.settings.SECRET_KEY", "another" * 10)
        assert seen.marks([person]) != mark
