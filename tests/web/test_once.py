"""Pressing twice does it once, and the page of a fault says whether it is saved."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from registry.models import AuditEntry, SentForm, Session, Unit
from registry.web import changes
from tests.factories import make_unit, make_user
from tests.test_concurrency import at_once
from tests.world import World

pytestmark = pytest.mark.django_db

ADD = "/units/left/add/"
FACTS = {"name": "新城派出所", "short_name": "新城", "code": "xincheng", "kind": "station"}
PASSWORD = "correct horse battery"


@pytest.fixture
def manager(world: World, client: Client) -> Client:
    client.force_login(make_user("wang", world.left, role="manager"))
    client.raise_request_exception = False
    return client


def key_of(page: Any) -> str:
    """Return the key that a page's form carries."""
    (key,) = re.findall(r'name="form_key" value="([^"]+)"', page.text)
    return str(key)


def said(page: Any) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def test_every_form_that_does_something_has_a_key() -> None:
    """Those named here only look, choose columns, log in or out, or lead to a page that asks."""
    without = {
        "accounts/login.html",
        "accounts/code.html",
        "exports/export.html",  # its file; given up twice is given up
        "pages/people/person.html",
        "imports/import.html",  # the file with the wrong rows; its other forms have one
        "parts/bar_do.html",
        "parts/columns.html",
        "parts/export.html",
        "parts/print_too_long.html",
        "parts/prints.html",
        "parts/top.html",
        "reports/sheets.html",
    }
    folder, found = Path("templates"), set()
    for file in folder.rglob("*.html"):
        text = file.read_text()
        if text.count("{% csrf_token %}") != text.count("{% form_key %}"):
            found.add(str(file.relative_to(folder)))
    assert found == without


def test_a_second_press_leads_to_what_the_first_one_did(manager: Client) -> None:
    sent = FACTS | {"form_key": key_of(manager.get(ADD))}
    assert manager.post(ADD, sent).status_code == 302
    again = manager.post(ADD, sent, follow=True)
    assert again.redirect_chain[-1][0] == "/units/xincheng/"
    # The first answer never came, so its line stands here too.
    assert any("没有重复办理" in line and "新城派出所" in line for line in said(again))
    assert Unit.objects.filter(name="新城派出所").count() == 1
    assert AuditEntry.objects.filter(verb="add_unit", actor="wang").count() == 1


def test_a_key_is_free_until_something_was_done(manager: Client) -> None:
    key = key_of(manager.get(ADD))
    refused = manager.post(ADD, FACTS | {"name": "", "form_key": key})
    assert key_of(refused) == key
    assert not SentForm.objects.exists()
    manager.post(ADD, FACTS | {"form_key": key})
    assert Unit.objects.filter(code="xincheng").exists()
    assert SentForm.objects.get().address == "/units/xincheng/"


def test_what_the_operation_refuses_leaves_the_key_free(manager: Client) -> None:
    key = key_of(manager.get(ADD))
    assert "form_key" in manager.post(ADD, FACTS | {"code": "left", "form_key": key}).text
    assert not SentForm.objects.exists()


def test_the_same_form_with_other_facts_is_not_done_and_says_so(manager: Client) -> None:
    sent = FACTS | {"form_key": key_of(manager.get(ADD))}
    manager.post(ADD, sent)
    manager.get("/")
    other = manager.post(ADD, sent | {"name": "老城派出所", "code": "laocheng"}, follow=True)
    assert other.context["form"]["name"].value() == "老城派出所"
    assert key_of(other) != sent["form_key"]
    assert any("没有保存" in line for line in said(other))
    assert not Unit.objects.filter(code="laocheng").exists()
    manager.post(ADD, sent | {"name": "老城派出所", "code": "laocheng", "form_key": key_of(other)})
    assert Unit.objects.filter(code="laocheng").exists()


def test_another_user_with_the_same_key_is_somebody_else(world: World, manager: Client) -> None:
    sent = FACTS | {"form_key": "the-same"}
    manager.post(ADD, sent)
    other = Client()
    other.force_login(make_user("li", world.left, role="manager"))
    other.post(ADD, sent | {"name": "老城派出所", "code": "laocheng"})
    assert Unit.objects.filter(code="laocheng").exists()


def test_what_was_done_before_the_login_ended_is_not_filled_in_again(manager: Client) -> None:
    sent = FACTS | {"form_key": key_of(manager.get(ADD))}
    manager.post(ADD, sent)
    Session.objects.all().delete()
    page = manager.post(ADD, sent)
    kept = {name: page.context[name] for name in ("next", "kept")}
    manager.post("/login/", {"username": "wang", "password": PASSWORD, **kept})
    form = manager.get(ADD)
    assert form.context["form"]["name"].value() is None
    assert any("没有重复办理" in line and "/units/xincheng/" in line for line in said(form))


def lose_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the session end, and hold something new, between the act and the answer."""
    real = changes.once

    def then_gone(request: Any, *rest: Any) -> Any:
        answer = real(request, *rest)
        request.session["something"] = "new"
        Session.objects.all().delete()
        return answer

    monkeypatch.setattr(changes, "once", then_gone)


def test_after_a_session_that_could_not_be_saved_the_page_says_saved(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = FACTS | {"form_key": key_of(manager.get(ADD))}
    lose_the_session(monkeypatch)
    page = manager.post(ADD, sent)
    assert page.status_code == 400
    assert Unit.objects.filter(code="xincheng").exists()
    assert "已经保存" in page.text
    assert 'href="/units/xincheng/"' in page.text
    assert "没有作任何改动" not in page.text
    assert "登录刚刚结束" in page.text


def test_a_session_that_is_only_renewed_never_stands_in_the_way(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    Session.objects.update(seen_at=timezone.now() - timedelta(minutes=2))
    real = changes.once

    def then_gone(request: Any, *rest: Any) -> Any:
        answer = real(request, *rest)
        Session.objects.all().delete()
        return answer

    monkeypatch.setattr(changes, "once", then_gone)
    assert manager.post(ADD, FACTS).status_code == 302


def broken(*_: object, **__: object) -> Any:
    raise RuntimeError("broken on purpose")


def test_a_page_that_cannot_say_what_it_did_did_nothing(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = FACTS | {"form_key": key_of(manager.get(ADD))}
    monkeypatch.setattr("registry.web.changes.history.way_back", broken)
    page = manager.post(ADD, sent)
    assert page.status_code == 500
    assert "没有保存" in page.text
    assert f'name="form_key" value="{sent["form_key"]}"' in page.text  # sent again with the same key
    assert not Unit.objects.filter(code="xincheng").exists()
    monkeypatch.undo()
    manager.raise_request_exception = True
    assert manager.post(ADD, sent).status_code == 302


def test_a_fault_after_the_commit_says_saved(manager: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = FACTS | {"form_key": key_of(manager.get(ADD))}
    monkeypatch.setattr("registry.web.changes.messages.add_message", broken)
    page = manager.post(ADD, sent)
    assert page.status_code == 500
    assert "已经保存" in page.text
    assert "再提交一次" not in page.text
    assert Unit.objects.filter(code="xincheng").exists()


def test_where_the_database_cannot_be_asked_a_second_press_decides(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = FACTS | {"form_key": key_of(manager.get(ADD))}

    def gone(*_: object, **__: object) -> Any:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("registry.web.changes.messages.add_message", gone)
    page = manager.post(ADD, sent)
    assert page.status_code == 503
    assert "不能确定是否已保存:请再按一次,不会重复办理" in page.text
    monkeypatch.undo()
    assert manager.post(ADD, sent)["Location"] == "/units/xincheng/"
    assert Unit.objects.filter(name="新城派出所").count() == 1


def test_a_form_in_the_answer_has_a_key_of_its_own(manager: Client) -> None:
    """The key of the second step is shown in the answer to the password, with the form for the first code."""
    url = "/account/second-step/"
    sent = {"password": PASSWORD, "form_key": key_of(manager.get(url))}
    answer = manager.post(url, sent)
    assert 'name="code"' in answer.text
    assert key_of(answer) != sent["form_key"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_moment_do_it_once() -> None:
    """The second one waits for the first, as each browser tab has a connection of its own."""
    user = make_user("wang", make_unit("left"), role="manager")
    both = [Client(), Client()]
    for client in both:
        client.force_login(user)
    sent = FACTS | {"form_key": "the-same"}
    answers = at_once([lambda client=client: client.post(ADD, sent) for client in both])
    assert [answer["Location"] for answer in answers] == ["/units/xincheng/"] * 2
    assert Unit.objects.filter(code="xincheng").count() == 1
    assert AuditEntry.objects.filter(verb="add_unit", actor="wang").count() == 1
