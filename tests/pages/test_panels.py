"""What a capability adds to the pages of units and organizations by the lists of its ``AppConfig``."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.http import HttpRequest
from django.test import Client

from tests.factories import make_user
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.look]


def says_name(request: HttpRequest, row: Any) -> tuple[str, dict[str, Any]]:
    return "parts/empty.html", {"sentence": row.name}


def says_nothing(request: HttpRequest, row: Any) -> None:
    return None


@pytest.mark.parametrize(
    ("panels", "path", "name"),
    [
        ("unit_panels", "/units/left/", "左公安局"),
        ("organization_panels", "/organizations/branch/", "左局临时党支部"),
    ],
)
def test_a_page_draws_what_is_handed_up_for_it(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch, panels: str, path: str, name: str
) -> None:
    config = apps.get_app_config("reports")
    names = tuple(f"{__name__}.{made.__name__}" for made in (says_name, says_nothing))
    monkeypatch.setattr(config, panels, names, raising=False)
    client.force_login(make_user("viewer", world.top, "viewer"))
    answer = client.get(path)
    drawn = [(template, shown.get("sentence")) for template, shown in answer.context["panels"]]
    assert ("parts/empty.html", name) in drawn
