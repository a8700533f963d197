"""Forms never lose what was filled in: an ended login, an old page, an error, a warning."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from registry.models import Organization, Session, Unit
from registry.web.kept import RESTORED
from tests.factories import make_user
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

ADD = "/units/left/add/"
FACTS = {"name": "新城派出所", "short_name": "新城", "code": "xincheng", "kind": "station"}
PASSWORD = "correct horse battery"


@pytest.fixture
def manager(world: World, client: Client) -> Client:
    client.force_login(make_user("wang", world.left, role="manager"))
    return client


def log_in(client: Client, page: Any, **instead: str) -> Any:
    """Log in on the page that was shown, with all its hidden fields."""
    shown = {name: page.context[name] for name in ("next", "kept")}
    return client.post("/login/", {"username": "wang", "password": PASSWORD, **shown, **instead})


def end_all_sessions() -> None:
    Session.objects.all().delete()


def test_a_form_sent_after_the_login_ended_comes_back_filled(manager: Client) -> None:
    end_all_sessions()
    page = manager.post(ADD, FACTS)
    assert "登录已过期" in page.text
    assert not Unit.objects.filter(code="xincheng").exists()

    answer = log_in(manager, page)
    assert answer.headers["Location"] == ADD
    form = manager.get(ADD)
    assert form.context["form"]["name"].value() == "新城派出所"
    assert form.context["form"]["code"].value() == "xincheng"
    assert [str(message) for message in form.context["messages"]] == [RESTORED]
    assert not Unit.objects.filter(code="xincheng").exists()  # saved by nobody but the user

    assert manager.get(ADD).context["form"]["name"].value() is None  # shown once


def test_so_does_one_whose_session_was_idle_too_long(manager: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(minutes=1))
    page = manager.post(ADD, FACTS)
    log_in(manager, page)
    assert manager.get(ADD).context["form"]["short_name"].value() == "新城"


def test_a_wrong_password_in_between_loses_nothing(manager: Client) -> None:
    end_all_sessions()
    page = manager.post(ADD, FACTS)
    page = log_in(manager, page, password="wrong")
    log_in(manager, page)
    assert manager.get(ADD).context["form"]["name"].value() == "新城派出所"


def test_what_was_changed_on_the_way_through_the_login_is_not_taken(manager: Client) -> None:
    end_all_sessions()
    page = manager.post(ADD, FACTS)
    log_in(manager, page, kept=page.context["kept"][:-3] + "abc")
    assert manager.get(ADD).context["form"]["name"].value() is None


def test_passwords_are_never_kept(manager: Client) -> None:
    end_all_sessions()
    answer = manager.post("/account/password/", {"old_password": "one", "new_password1": "two"})
    assert answer.status_code == 302  # to the login, with nothing


def test_a_page_from_before_the_last_login_comes_back_filled(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("wang", world.left, role="manager"))
    answer = client.post(ADD, FACTS, headers={"origin": "http://testserver"})
    assert answer.headers["Location"] == ADD
    assert client.get(ADD).context["form"]["name"].value() == "新城派出所"


def test_a_form_of_another_site_is_refused_and_forgotten(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("wang", world.left, role="manager"))
    answer = client.post(ADD, FACTS, headers={"origin": "http://elsewhere.example"})
    assert answer.status_code == 403
    assert client.get(ADD).context["form"]["name"].value() is None


def test_a_page_that_is_filled_in_has_no_pickers_of_campaign_and_date(manager: Client) -> None:
    form = manager.get(f"{ADD}?as_of=2020-02-20").text
    assert 'name="as_of"' not in form.partition("<main")[0].partition('role="search"')[0]
    assert "2020-02-20" in form.partition("<main")[0]
    assert 'name="as_of"' in manager.get("/units/left/").text.partition('role="search"')[0]


def test_all_errors_are_said_at_once_and_before_any_warning(world: World, client: Client) -> None:
    """A wrong day, a code that is taken, and a name that would be warned about: first what is wrong."""
    client.force_login(make_user("wang", world.top, role="manager"))
    tomorrow = timezone.localdate() + timedelta(days=1)
    sent = {
        "kind": "general_branch",
        "name": world.general.name,
        "code": world.branch.code,
        "parent": world.home.code,
        "established_on": "2020-02-10",
        "approval_number": "左公党〔2020〕6号",
    }
    register = "/units/left/register/"
    page = client.post(register, sent)
    assert set(page.context["form"].errors) == {"code", "parent"}
    assert "warnings" not in page.context

    # Only the operation knows that the code is taken; the name would be warned about.
    page = client.post(register, {**sent, "parent": world.committee.code})
    assert set(page.context["form"].errors) == {"code"}
    assert "warnings" not in page.context

    page = client.post(register, {**sent, "established_on": tomorrow.isoformat(), "name": ""})
    assert {"established_on", "name"} <= set(page.context["form"].errors)

    before = Organization.objects.count()
    page = client.post(register, {**sent, "code": "right-code", "parent": world.committee.code})
    assert not page.context["form"].errors
    assert "已有同名组织" in page.context["warnings"][0]
    assert Organization.objects.count() == before
    saved = client.post(
        register,
        {
            **sent,
            "code": "right-code",
            "parent": world.committee.code,
            "confirmed": page.context["confirmed"],
        },
    )
    assert saved.status_code == 302
    assert Organization.objects.count() == before + 1
