"""The first login of an empty registry: four steps instead of empty tables, gone when they are done."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from registry.models import AuditEntry, Unit, User
from tests.factories import make_campaign, make_person, make_unit, make_user

pytestmark = [pytest.mark.look, pytest.mark.django_db]

START = "/start/"


def steps(client: Client) -> list[tuple[bool, bool, list[str]]]:
    """Return of each step whether it is done, whether it is next, and its buttons."""
    response = client.get(START)
    assert response.status_code == 200
    return [
        (each.is_done, each.is_next, [button["label"] for button in each.buttons])
        for each in response.context["steps"]
    ]


UNITS = ["导入单位", "逐个添加"]
PEOPLE = ["导入人员", "逐个登记"]
CAMPAIGN = ["启动专项任务"]


def test_an_administrator_begins_with_the_first_unit_on_the_page(client: Client) -> None:
    client.force_login(make_user(is_superuser=True))
    assert client.get("/", follow=True).redirect_chain == [(START, 302)]
    assert steps(client) == [(False, True, []), (False, False, []), (False, False, []), (False, False, [])]
    assert 'action="/start/unit/"' in client.get(START).content.decode()
    sent = {"name": "德州市公安局", "kind": "bureau", "region_code": "371400"}
    response = client.post("/start/unit/", sent, follow=True)
    assert response.redirect_chain[-1] == (START, 302)
    assert "已登记“德州市公安局”" in response.content.decode()
    unit = Unit.objects.get()
    assert (unit.code, unit.parent, unit.region_code) == ("dezhoushi-gonganju", None, "371400")
    assert AuditEntry.objects.values_list("verb", "object_name").get() == ("add_unit", "德州市公安局")
    assert steps(client) == [
        (True, False, []),
        (False, True, UNITS),
        (False, False, PEOPLE),
        (False, False, CAMPAIGN),
    ]


def test_each_step_is_done_by_what_the_database_holds(client: Client) -> None:
    root = make_unit("root")
    client.force_login(make_user(unit=root, role="manager"))
    buttons = [[], UNITS, PEOPLE, CAMPAIGN]

    def seen(*done: int, following: int) -> list[tuple[bool, bool, list[str]]]:
        return [(at in done, at == following, buttons[at]) for at in range(4)]

    assert steps(client) == seen(0, following=1)
    make_unit("below", root)
    assert steps(client) == seen(0, 1, following=2)
    make_person(unit=root)
    assert steps(client) == seen(0, 1, 2, following=3)
    assert client.get("/").headers["Location"] == START
    make_campaign()
    assert client.get(START).headers["Location"] == "/"
    assert client.get("/").headers["Location"] == reverse("unit", args=["root"])


def test_the_buttons_lead_to_pages_that_do_it(client: Client) -> None:
    client.force_login(make_user(unit=make_unit("root"), role="manager"))
    page = client.get(START).content.decode()
    for url in ("/imports/", "/units/root/add/", "/units/root/people/add/", reverse("campaign_start")):
        assert f'href="{url}"' in page
        assert client.get(url).status_code == 200


def test_a_manager_may_skip_it(client: Client) -> None:
    root = make_unit("root")
    user, other = make_user(unit=root, role="manager"), make_user(unit=root, role="manager")
    client.force_login(user)
    assert client.post("/start/skip/").headers["Location"] == "/"
    assert client.get("/").headers["Location"] == reverse("unit", args=["root"])
    assert AuditEntry.objects.filter(verb="skip_start", user=user).count() == 1
    client.force_login(other)
    assert client.get("/").headers["Location"] == START


@pytest.mark.parametrize(("role", "below"), [("clerk", False), ("viewer", False), ("manager", True)])
def test_others_land_at_their_unit_and_find_no_such_page(client: Client, role: str, below: bool) -> None:
    root = make_unit("root")
    unit = make_unit("below", root) if below else root
    client.force_login(make_user(unit=unit, role=role))
    assert client.get("/").headers["Location"] == reverse("unit", args=[unit.code])
    assert client.get(START).status_code == 404
    assert client.post("/start/skip/").status_code == 404
    assert not User.objects.filter(skips_start=True).exists()


def test_a_unit_without_one_above_it_is_for_administrators(client: Client) -> None:
    client.force_login(make_user(unit=make_unit("root"), role="manager"))
    before: Any = (Unit.objects.count(), AuditEntry.objects.count())
    assert client.post("/start/unit/", {"name": "另一局", "kind": "bureau"}).status_code == 404
    assert before == (Unit.objects.count(), AuditEntry.objects.count())


def test_what_is_wrong_with_the_first_unit_is_said_at_its_field(client: Client) -> None:
    client.force_login(make_user(is_superuser=True))
    response = client.post(
        "/start/unit/", {"name": "", "kind": "bureau", "region_code": "37", "note": "本局"}
    )
    assert set(response.context["form"].errors) == {"name", "region_code"}
    assert "本局" in response.content.decode()
    late = {"name": "德州市公安局", "kind": "bureau", "opened_on": date(2999, 1, 1)}
    assert set(client.post("/start/unit/", late).context["form"].errors) == {"opened_on"}
    assert not Unit.objects.exists()


def test_the_login_of_an_installation_says_nothing_of_a_demo(client: Client) -> None:
    assert "演示" not in client.get("/login/").content.decode()
    client.force_login(make_user(is_superuser=True))
    assert "演示" not in client.get(START).content.decode()
    assert "演示" not in client.get("/record/").content.decode()
    assert "演示" not in client.get("/admin/registry/unit/").content.decode()
