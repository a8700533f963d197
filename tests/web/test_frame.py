"""The frame of every page: campaign and date are offered where they act, and kept everywhere."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import make_campaign, make_organization, make_unit, make_user

pytestmark = [pytest.mark.look, pytest.mark.django_db]

CHOICE = '<form class="picks"'
ASKED = "campaign=xinguan&as_of=2020-02-20"


@pytest.fixture
def manager(client: Client) -> Client:
    unit = make_unit("bureau")
    make_organization(unit, code="branch")
    make_campaign("xinguan")
    client.force_login(make_user("manager", unit=unit))
    return client


def test_a_form_that_came_back_asks_before_it_is_left(manager: Client) -> None:
    """Also where nothing is wrong yet: the preview, and people found or pasted without scripts."""
    for path in ("/units/bureau/found/", "/organizations/branch/members/add/", "/units/bureau/add/"):
        assert "data-unsent" not in manager.get(path).content.decode()
        assert "data-unsent" in manager.post(path, {"check": "1"}).content.decode()
    assert "data-unsent" not in manager.get("/organizations/?q=局").content.decode()


@pytest.mark.parametrize(
    "path",
    ["/units/bureau/", "/organizations/", "/organizations/branch/", "/people/", "/campaigns/", "/tree/"],
)
def test_campaign_and_date_are_offered_where_they_act(manager: Client, path: str) -> None:
    assert CHOICE in manager.get(f"{path}?{ASKED}").content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/account/",
        "/account/password/",
        "/users/",
        "/users/add/",
        "/record/",
        "/imports/",
        "/sources/",
        "/reconciliation/",
        "/search/?q=局",
        "/units/bureau/register/",
        "/units/bureau/found/",
        "/organizations/branch/members/add/",
        "/no/such/page/",
    ],
)
def test_elsewhere_they_are_not_offered_but_every_link_keeps_them(manager: Client, path: str) -> None:
    page = manager.get(f"{path}{'&' if '?' in path else '?'}{ASKED}").content.decode()
    assert CHOICE not in page
    assert f'href="/people/?{ASKED}"'.replace("&", "&amp;") in page
