"""The walk of the browser tests: every page that somebody can open, each as one who may read it.

The pages come from the access table (``tests/test_access_table.py``), so a new address is walked over
without being asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, Response

from registry.models import User
from tests.test_access_table import TABLE, Row
from tests.two_bureaus import ROLES, TwoBureaus

READERS = ("manager", "auditor", "approver", "clerk", "viewer")
"""Who opens a page: the first of these who may."""
FILES = ("import_template", "file_shown")
"""The addresses that answer with a file."""


@dataclass(frozen=True)
class Stop:
    """A page of the walk."""

    name: str
    """The name of its address."""
    path: str
    """The address with its query."""
    who: str
    """The role at 甲 that opens it; "": somebody without a login; "root": the administrator."""
    status: int = 200


def stops(world: TwoBureaus) -> list[Stop]:
    """Return the pages to open, those of one reader together."""
    found = {
        stop.path: stop
        for name, rows in TABLE.items()
        for row in rows
        if not name.startswith("admin:") and name not in FILES and (stop := _stop(world, name, row))
    }
    more = [Stop("nowhere", "/nowhere/", "manager", 404)]
    more += [Stop(name, reverse(name), "root") for name in ("first_unit", "system")]
    return sorted([*found.values(), *more], key=lambda stop: ("", *READERS, "root").index(stop.who))


def _stop(world: TwoBureaus, name: str, row: Row) -> Stop | None:
    answers = row.get.partition("|")[0].split()
    readers = [role for role in READERS if answers[ROLES.index(role) + 1].startswith("200")]
    if not readers and answers[0] != "200":
        return None
    path = reverse(name, args=row.args(world.here))
    return Stop(name, f"{path}?{row.query}" if row.query else path, readers[0] if readers else "")


def walk(page: Page, address: str, world: TwoBureaus) -> Iterator[Stop]:
    """Open one page after the other in ``page`` and yield it; what is only part of a page is left out."""
    who: str | None = None
    for stop in stops(world):
        if stop.who != who:
            who = stop.who
            log_in(page, address, user_of(world, who))
        response = page.goto(f"{address}{stop.path}")
        assert isinstance(response, Response)
        assert response.status == stop.status, f"{stop.path} answers {response.status} to {who or 'nobody'}"
        if page.evaluate("document.doctype !== null"):
            yield stop


def user_of(world: TwoBureaus, who: str) -> User | None:
    """Return who opens a page."""
    if not who:
        return None
    return world.superuser if who == "root" else world.here.users[who]


def log_in(page: Page, address: str, user: User | None) -> None:
    """Give the browser somebody's session without the form; None: log out."""
    page.context.clear_cookies()
    if user is None:
        return
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])
