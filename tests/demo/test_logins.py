"""The demo without DEBUG: the data, and no login whose password is printed anywhere."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.http import HttpRequest

from registry.models import Organization, User

pytestmark = pytest.mark.django_db


def demo(*arguments: str) -> str:
    out = io.StringIO()
    call_command("demo", *arguments, stdout=out)
    return out.getvalue()


def test_without_debug_there_are_no_logins(settings: Any) -> None:
    settings.DEBUG = False
    said = demo("--if-empty")
    assert "已载入演示数据" in said
    assert "createsuperuser" in said
    assert not User.objects.exists()
    assert Organization.objects.filter(is_sample=True).exists()


def test_a_login_left_from_debugging_opens_nothing_without_it(settings: Any, client: Any) -> None:
    settings.DEBUG = True
    demo()
    sent = {"username": "luru", "password": "demo-luru-2020"}
    assert client.post("/login/", sent).status_code == 302
    assert client.get("/account/").status_code == 200
    settings.DEBUG = False
    assert client.get("/account/").status_code == 302
    assert client.post("/login/", sent).status_code == 200
    assert User.objects.get(username="luru").is_active


def test_somebody_elses_login_of_the_same_name_is_left_alone(settings: Any) -> None:
    settings.DEBUG = False
    User.objects.create_superuser("admin", password="a password of their own")
    demo("--if-empty")
    assert authenticate(HttpRequest(), username="admin", password="a password of their own") is not None
