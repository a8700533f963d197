"""Exports that take long: left to the worker, made with the rights of then, fetched, gone after a day."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from openpyxl import load_workbook

from registry.exports import making, operations
from registry.exports.models import Export, ExportPart, ExportState
from registry.models import AuditEntry, Grant, Person, Unit, User
from registry.web import making as limits
from registry.work import queue
from registry.work.worker import Worker
from tests.asking import queries_again
from tests.factories import make_person, make_unit, make_user
from tests.work.test_queue import living

pytestmark = pytest.mark.django_db

PEOPLE = 4


@pytest.fixture(autouse=True)
def two_rows_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SMALL_ROWS", 2)


@pytest.fixture
def unit() -> Unit:
    unit = make_unit("ju")
    for number in range(PEOPLE):
        make_person(f"人{'甲乙丙丁'[number]}", unit, number=f"90000{number}")
    return unit


@pytest.fixture
def user(unit: Unit) -> User:
    return make_user("viewer", unit, "viewer")


@pytest.fixture
def viewer(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def ask(browser: Client, kind: str = "csv", query: str = "unit=ju") -> Any:
    return browser.post(f"{reverse('people_export')}?{query}", {"format": kind})


def asked(browser: Client, kind: str = "csv") -> Export:
    response = ask(browser, kind)
    made = Export.objects.latest("pk")
    assert (response.status_code, response["Location"].split("?")[0]) == (302, made.get_absolute_url())
    return made


def work() -> None:
    worker = Worker(batch=True)
    while worker.step():
        pass


def fetch(browser: Client, export: Export) -> Any:
    return browser.post(reverse("export_file", args=[export.pk]))


def content(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def entries(verb: str) -> int:
    return AuditEntry.objects.filter(verb=verb).count()


def page(browser: Client, export: Export) -> str:
    found: HttpResponse = browser.get(export.get_absolute_url())
    return found.content.decode()


def test_the_list_asks_the_same_number_of_queries_with_more_that_wait(viewer: Client) -> None:
    asked(viewer)
    one = queries_again(lambda: viewer.get(reverse("exports")))
    for _ in range(3):
        asked(viewer)
    three = queries_again(lambda: viewer.get(reverse("exports")))
    page = viewer.get(reverse("exports")).content.decode()
    assert (three, page.count("等待生成")) == (one, 4)


def test_a_short_list_is_answered_at_once(viewer: Client, unit: Unit) -> None:
    Person.objects.exclude(number="900000").update(home_unit=make_unit("elsewhere"))
    response = ask(viewer)
    assert response.status_code == 200
    assert "人甲" in content(response).decode("utf-8-sig")
    assert not Export.objects.exists()


def test_a_long_one_is_asked_for_made_and_fetched_and_all_of_it_recorded(viewer: Client, user: User) -> None:
    made = asked(viewer)
    assert (made.state, made.total, entries("ask_export"), entries("export")) == ("waiting", PEOPLE, 1, 0)
    assert "后台处理程序没有运行" in page(viewer, made)
    with living():
        assert "马上开始" in page(viewer, made)
    assert reverse("export_progress", args=[made.pk]) in page(viewer, made)

    work()
    made.refresh_from_db()
    assert (made.state, made.rows) == (ExportState.READY, PEOPLE)
    assert entries("export") == 0  # nothing went out yet
    assert viewer.get(reverse("export_progress", args=[made.pk])).headers["HX-Refresh"] == "true"
    assert "下载文件" in page(viewer, made)

    response = fetch(viewer, made)
    assert response.status_code == 200
    text = content(response).decode("utf-8-sig")
    assert int(response["Content-Length"]) == made.size == len(text.encode("utf-8-sig"))
    assert [line for line in csv.reader(io.StringIO(text)) if line[0].startswith("人")] or "人甲" in text
    assert all(f"人{name}" in text for name in "甲乙丙丁")
    assert f"导出人:{user}" in text
    assert "900001" not in text  # a viewer sees numbers masked, from the worker, too
    entry = AuditEntry.objects.get(verb="export")
    assert (entry.user, entry.after["rows"], entry.after["file"]) == (user, PEOPLE, made.file_name)


def test_a_workbook_and_a_print_are_made_so_too(viewer: Client) -> None:
    book, paper = asked(viewer, "xlsx"), asked(viewer, "print")
    work()
    sheet = load_workbook(io.BytesIO(content(fetch(viewer, book)))).active
    assert {"人甲", "人丁"} <= {cell.value for row in sheet.iter_rows() for cell in row}
    shown = fetch(viewer, paper).content.decode()
    assert "人甲" in shown
    assert "人丁" in shown
    assert "data-print" in shown
    assert shown.count('<article class="a4') == 1
    assert entries("print") == 1


def test_rows_that_take_too_long_go_to_the_worker_however_few(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SMALL_ROWS", 1_000)
    monkeypatch.setattr(limits, "SECONDS", 0.0)
    assert asked(viewer).total == 0  # nobody counted
    work()
    assert Export.objects.get().rows == PEOPLE


def test_it_is_made_with_the_rights_of_then(viewer: Client, user: User) -> None:
    made = asked(viewer)
    Grant.objects.filter(user=user).update(unit=make_unit("elsewhere"))
    work()
    made.refresh_from_db()
    assert made.state == ExportState.FAILED
    assert "没有权限" in made.message
    assert not ExportPart.objects.exists()


def test_an_account_that_was_disabled_gets_nothing(viewer: Client, user: User) -> None:
    made = asked(viewer)
    User.objects.filter(pk=user.pk).update(is_active=False)
    work()
    made.refresh_from_db()
    assert made.state == ExportState.FAILED


def test_it_is_handed_out_only_with_the_rights_with_which_it_was_made(viewer: Client, user: User) -> None:
    made = asked(viewer)
    work()
    Grant.objects.filter(user=user).update(role="auditor")
    response = viewer.post(reverse("export_file", args=[made.pk]), follow=True)
    assert "您的权限有变化" in response.content.decode()
    made.refresh_from_db()
    assert made.state == ExportState.CANCELLED
    assert not ExportPart.objects.exists()
    assert entries("export") == 0


def test_it_is_its_users_alone(viewer: Client, unit: Unit) -> None:
    made = asked(viewer)
    work()
    other = Client()
    other.force_login(make_user("boss", unit, "manager"))
    assert other.get(made.get_absolute_url()).status_code == 404
    assert fetch(other, made).status_code == 404


def test_after_a_day_it_is_gone(viewer: Client) -> None:
    made = asked(viewer)
    work()
    Export.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    response = viewer.post(reverse("export_file", args=[made.pk]), follow=True)
    assert "文件已过期" in response.content.decode()
    operations.forget_old()
    made.refresh_from_db()
    assert made.state == ExportState.EXPIRED
    assert not ExportPart.objects.exists()


@pytest.mark.parametrize(
    ("sent", "leads_to"),
    [("/people/?unit=ju&amp;sort=name", "/people/?unit=ju&amp;sort=name"), ("//evil.example/", "/")],
)
@pytest.mark.parametrize("state", [ExportState.FAILED, ExportState.CANCELLED, ExportState.EXPIRED])
def test_where_there_is_no_file_it_leads_back_to_the_list(
    viewer: Client, state: str, sent: str, leads_to: str
) -> None:
    viewer.post(f"{reverse('people_export')}?unit=ju", {"format": "csv", "back": sent.replace("&amp;", "&")})
    made = Export.objects.get()
    Export.objects.update(state=state)
    said = " ".join(page(viewer, made).split())
    assert f'<a class="btn main" href="{leads_to}">回到原来的页面</a>' in said
    assert "取消这次导出" not in said


def test_it_is_cancelled_before_and_while_it_is_made(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first = asked(viewer)
    viewer.post(reverse("export_cancel", args=[first.pk]))
    assert not DBTaskResult.objects.exists()

    second = asked(viewer)
    ask_again = making._asked_again

    def cancelled(export: Export, *args: Any) -> Any:
        Export.objects.filter(pk=export.pk).update(state=ExportState.CANCELLED)
        return ask_again(export, *args)

    monkeypatch.setattr(making, "_asked_again", cancelled)
    work()
    second.refresh_from_db()
    assert second.state == ExportState.CANCELLED
    assert not ExportPart.objects.exists()


def test_what_a_killed_worker_began_is_begun_anew(viewer: Client) -> None:
    made = asked(viewer)
    attempt = operations.claim(made.pk)
    ExportPart.objects.create(of=made, place=0, attempt=attempt, content=b"half")
    DBTaskResult.objects.get().claim("gone")
    work()
    made.refresh_from_db()
    assert made.state == ExportState.READY
    assert b"half" not in content(fetch(viewer, made))
    assert not operations.finish(made.pk, attempt)  # who comes back ends nothing


def test_too_many_at_once_are_refused_in_words(viewer: Client) -> None:
    for _ in range(queue.MOST_OF_ONE):
        asked(viewer)
    response = ask(viewer)
    assert response.status_code == 429
    assert "您已有 5 项导入或导出" in response.content.decode()
    assert Export.objects.count() == queue.MOST_OF_ONE


def test_too_much_kept_is_refused_in_words(viewer: Client, settings: Any) -> None:
    settings.EXPORTS_OF_USER_MB = 0
    asked(viewer)
    work()
    response = ask(viewer)
    assert response.status_code == 429
    assert re.search(r"超过上限 0 MB。请在“我的导出”里删除不再需要的", response.content.decode())


def test_too_many_rows_are_refused_in_words(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_ROWS_OF_A_FILE", 3)
    made = asked(viewer)
    work()
    assert "超过 3 行,请加上筛选条件" in page(viewer, made)
