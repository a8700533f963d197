"""The line by mail when something waits: once a day, to who wants it, and only with a mail server."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client

from registry.models import User
from registry.pages.desk.mail import send
from tests.factories import make_organization, make_user
from tests.world import World

pytestmark = pytest.mark.django_db


def build_world() -> World:
    """The world of all tests; two approvers, and something that waits for them."""
    made = World()
    made.wanting = make_user("wanting", made.left, "approver", email="a@example.org")
    made.other = make_user("other", made.left, "approver", email="b@example.org")
    make_organization(made.left, name="等待审批的临时党支部", state="submitted")
    return made


def test_once_a_day_to_who_wants_it_and_without_names(world: World, settings: Any, client: Client) -> None:
    client.force_login(world.wanting)
    client.post("/account/mail/", {"email": "a@example.org", "wants_mail": "on"})
    assert (send(), mail.outbox) == (0, [])  # no mail server
    settings.EMAIL_HOST = "mail.example.org"
    assert "邮件提醒" in client.get("/account/").content.decode()
    assert (send(), send()) == (1, 0)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["a@example.org"], "战时党建组织登记系统:1 件待办")
    assert "临时党支部" not in sent.body
    User.objects.filter(pk=world.wanting.pk).update(mailed_on="2020-02-01")
    assert send() == 1
    client.post("/account/mail/", {"email": "a@example.org"})
    User.objects.filter(pk=world.wanting.pk).update(mailed_on=None)
    assert send() == 0


class Down(BaseEmailBackend):
    """A mail server that does not answer."""

    def send_messages(self, email_messages: Any) -> int:
        raise ConnectionRefusedError("no answer")


def test_what_could_not_be_sent_is_tried_again_the_same_day(world: World, settings: Any) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    User.objects.filter(pk=world.wanting.pk).update(wants_mail=True, mailed_on=None)
    usual, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{__name__}.Down"
    assert send() == 0
    settings.EMAIL_BACKEND = usual
    assert send() == 1


def test_what_somebody_reminded_of_is_said_too(world: World, settings: Any, monkeypatch: Any) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    User.objects.filter(pk=world.wanting.pk).update(wants_mail=True, mailed_on=None)
    monkeypatch.setattr("registry.service.panels.reminded", lambda user: 12)
    assert send() == 1
    (sent,) = mail.outbox
    assert sent.subject == "战时党建组织登记系统:1 件待办,12 件被催办"
    assert sent.body.startswith("您有 1 件待办,另有 12 件被催办,请登录系统")
