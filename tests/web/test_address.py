"""The day on which a page stands when its address names none, and how links then name days."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from registry.models import Campaign
from registry.web import address as addresses
from registry.web.address import Address, Opening
from tests.factories import make_campaign, make_unit, make_user

pytestmark = [pytest.mark.look, pytest.mark.django_db]

ENDED, LAST = date(2020, 4, 9), date(2020, 4, 8)


@pytest.fixture
def over() -> Campaign:
    return make_campaign(ended_on=ENDED)


def opened(client: Client, **query: str) -> Address:
    """The address of a page as it was read."""
    answer = client.get("/organizations/", query)
    assert answer.status_code == 200
    found: Address = answer.context["table"].address
    return found


@pytest.fixture
def user(client: Client) -> Client:
    client.force_login(make_user(unit=make_unit("top")))
    return client


def test_today_without_a_campaign_and_in_one_that_goes_on(user: Client) -> None:
    make_campaign()
    for query in ({}, {"campaign": "yiqing"}):
        found = opened(user, **query)
        assert found.as_of == found.opens_on == timezone.localdate()
        assert not found.names_day
        assert "as_of" not in found.keep


def test_a_campaign_that_is_over_opens_on_its_last_day(user: Client, over: Campaign) -> None:
    found = opened(user, campaign="yiqing")
    assert found.as_of == LAST
    assert found.keep == "campaign=yiqing", "its links stand on the same day by themselves"
    today = timezone.localdate().isoformat()
    assert found.said_today == today
    asked = opened(user, campaign="yiqing", as_of=today)
    assert asked.as_of == timezone.localdate()
    assert asked.keep == f"campaign=yiqing&as_of={today}"
    assert opened(user, campaign="yiqing", as_of=ENDED.isoformat()).as_of == ENDED


def test_a_campaign_whose_end_is_still_to_come_opens_on_today(user: Client) -> None:
    make_campaign(ended_on=timezone.localdate())
    assert opened(user, campaign="yiqing").as_of == date.fromordinal(timezone.localdate().toordinal() - 1)
    Campaign.objects.update(ended_on=date(2999, 1, 1))
    assert opened(user, campaign="yiqing").as_of == timezone.localdate()


def test_a_link_to_another_campaign_names_the_day(user: Client, over: Campaign) -> None:
    found = opened(user, campaign="yiqing")
    assert parse_qs(found.query(campaign=None)) == {"as_of": [LAST.isoformat()]}
    assert parse_qs(urlsplit(found.url("/x/", campaign="other")).query)["as_of"] == [LAST.isoformat()]


def test_an_app_may_hand_up_the_day_on_which_an_installation_opens(user: Client, monkeypatch: Any) -> None:
    day = date(2020, 2, 28)
    monkeypatch.setattr(addresses, "_opening", lambda campaigns: Opening(day, "演练"))
    found = opened(user)
    assert (found.as_of, found.keep, found.said_today) == (day, "", timezone.localdate().isoformat())
    wrong = opened(user, as_of="2020-02-31")
    assert wrong.as_of == timezone.localdate(), "a bad address shows today, and says so"
    assert "as_of=" in wrong.keep


def test_the_page_of_a_campaign_that_is_over_counts_what_stands_today(user: Client, over: Campaign) -> None:
    """It counts what is still to be dissolved: its links name today, though it opens on its last day."""
    today = timezone.localdate().isoformat()
    page = user.get("/campaigns/yiqing/").context
    assert page["organizations_url"] == f"/organizations/?campaign=yiqing&as_of={today}"


def test_the_date_field_leaves_the_day_out_that_holds_anyway(user: Client, over: Campaign) -> None:
    page = user.get("/organizations/", {"campaign": "yiqing"}).content.decode()
    assert f'data-default="{LAST.isoformat()}"' in page
