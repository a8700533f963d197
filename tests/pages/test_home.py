"""Where somebody lands."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from registry.models import Grant
from tests.factories import DAY, make_unit, make_user

pytestmark = [pytest.mark.look, pytest.mark.django_db]


def test_to_the_unit_of_the_grant_keeping_the_address(client: Client) -> None:
    top = make_unit("top")
    below = make_unit("below", top)
    client.force_login(make_user(unit=below))
    assert client.get("/").headers["Location"] == reverse("unit", args=["below"])
    answer = client.get("/?as_of=2020-02-20&basis=new")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{reverse('unit', args=['below'])}?as_of=2020-02-20&basis=new"


def test_to_the_first_and_highest_of_several(client: Client) -> None:
    top = make_unit("top")
    first, second = make_unit("first", top), make_unit("second", top)
    user = make_user(unit=second)
    Grant.objects.create(user=user, unit=make_unit("station", first), role="viewer", started_on=DAY)
    Grant.objects.create(user=user, unit=first, role="viewer", started_on=DAY)
    client.force_login(user)
    assert client.get("/").headers["Location"] == reverse("unit", args=["first"])


def test_a_superuser_goes_to_the_largest_tree(client: Client) -> None:
    make_unit("alone")
    large = make_unit("large")
    make_unit("under", large)
    client.force_login(make_user(is_superuser=True, skips_start=True))
    assert client.get("/").headers["Location"] == reverse("unit", args=["large"])


def test_without_a_grant_it_says_what_to_do(client: Client) -> None:
    make_unit("secret", name="某某公安局")
    user = make_user()
    client.force_login(user)
    answer = client.get("/")
    assert answer.status_code == 200
    assert "请联系上级机关党委的管理员为您授权" in answer.content.decode()
    assert "某某公安局" not in answer.content.decode()
    Grant.objects.create(user=user, unit=make_unit(), role="viewer", started_on=DAY, ended_on="2020-03-01")
    assert client.get("/").status_code == 200
    client.logout()
    assert client.get("/").headers["Location"].startswith(reverse("login"))


def test_a_superuser_of_an_empty_registry(client: Client) -> None:
    client.force_login(make_user(is_superuser=True, skips_start=True))
    page = client.get("/").content.decode()
    assert "还没有单位" in page
    assert reverse("first_unit") in page
