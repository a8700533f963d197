"""The demo without DEBUG: the data, and no login whose password is printed anywhere."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.http import HttpRequest

from registry.models import Organization, User

pytestmark = [pytest.mark.look, pytest.mark.django_db]  # the demo on both: test_demo


def demo(*arguments: str) -> str:
    out = io.StringIO()
    call_command("demo", *arguments, stdout=out)
    return out.getvalue()


def test_without_debug_there_are_no_logins_but_those_of_others(settings: Any) -> None:
    settings.DEBUG = False
    User.objects.create_superuser("admin", password="a password of their own")
    said = demo("--if-empty")
    assert "已载入演示数据" in said
    assert "createsuperuser" in said
    assert [user.username for user in User.objects.all()] == ["admin"]
    assert Organization.objects.filter(is_sample=True).exists()
    assert authenticate(HttpRequest(), username="admin", password="a password of their own") is not None
