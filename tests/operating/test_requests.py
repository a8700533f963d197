"""The log of requests: a line of JSON for each, slow ones, slow queries, size; mail to administrators."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.http import HttpRequest
from django.test import Client

from partybuild import env, logs
from partybuild.logs import DailyFiles, JsonLines, MailAdministrators
from registry.operating import slow
from registry.operating.requests import Tally
from tests.factories import make_person, make_user
from tests.world import World

pytestmark = pytest.mark.django_db


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    kept = [record for record in caplog.records if record.name in ("registry.requests", "registry.slow")]
    for record in kept:
        record.request_number = record.request.request_number  # type: ignore[attr-defined]  # as the filter does
    return [json.loads(JsonLines().format(record)) for record in kept]


def test_each_request_is_a_line_with_its_number_and_names_nobody(
    world: World, client: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.LOG_REQUESTS = True
    person = make_person("张三", world.left)
    user = make_user("wang", world.left, role="manager")
    client.force_login(user)
    with caplog.at_level(logging.INFO):
        page = client.get(f"/people/{person.number}/?q=张三")
        missing = client.get("/nothing/here/")
        client.get("/healthz")
    (first, second) = lines(caplog)
    assert first.pop("ms") >= first.pop("query_ms") >= 0
    assert first.pop("queries") > 5
    assert first.pop("at").endswith("+00:00")
    assert "张三" not in first.pop("message")
    assert first == {
        "level": "INFO",
        "logger": "registry.requests",
        "request": page["X-Request-Number"],
        "method": "GET",
        "route": "people/<str:number>/",
        "status": 200,
        "user": user.pk,
    }
    assert (second["route"], second["status"], second["request"]) == ("-", 404, missing["X-Request-Number"])


def test_a_slow_request_is_a_warning_and_stands_on_the_page_of_the_system(
    client: Client, settings: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    settings.STATE_DIR, settings.SLOW_PAGE_MS = tmp_path, 0
    with caplog.at_level(logging.INFO):
        page = client.get("/login/")
    (line,) = lines(caplog)
    assert (line["level"], line["route"]) == ("WARNING", "login/")
    assert [(each.route, each.last_number) for each in slow.pages()] == [("login/", page["X-Request-Number"])]


def test_a_slow_query_is_logged_without_what_it_was_given(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SLOW_QUERY_MS = 0
    request = HttpRequest()
    request.request_number = "ab12"  # type: ignore[attr-defined]
    tally = Tally(request)
    with connection.execute_wrapper(tally), connection.cursor() as cursor:
        cursor.execute("SELECT %s", ["110101"])
    (line,) = lines(caplog)
    assert line["message"].endswith("ms: SELECT %s")
    assert tally.number == 1


# --- Files ----------------------------------------------------------------------------------------


def written(handler: logging.Handler, text: str) -> None:
    handler.handle(logging.LogRecord("test", logging.INFO, __file__, 1, text, (), None))


def test_a_long_day_goes_on_in_other_files_and_the_oldest_go_when_all_are_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "PART", 100)
    yesterday, before = (date.today() - timedelta(days=days) for days in (1, 2))  # noqa: DTZ011
    for day in (yesterday, before):
        (tmp_path / f"registry-{day}.log").write_bytes(b"x" * 600_000)
    handler, other = DailyFiles(tmp_path, 180, megabytes=1), DailyFiles(tmp_path, 180, megabytes=1)
    for number in range(6):
        written(handler if number % 2 else other, f"{number}" * 50)
    for each in (handler, other):
        each.close()
    today = f"registry-{date.today()}"  # noqa: DTZ011
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == sorted([f"registry-{yesterday}.log", f"{today}.log", f"{today}.2.log", f"{today}.3.log"])
    whole = "".join((tmp_path / name).read_text() for name in names if name.startswith(today))
    assert sorted(whole.split()) == [f"{number}" * 50 for number in range(6)]


# --- Mail -----------------------------------------------------------------------------------------


def fault(handler: logging.Handler, message: str, *args: Any, **extra: Any) -> None:
    record = logging.LogRecord("registry.faults", logging.ERROR, __file__, 1, message, args, None)
    record.__dict__.update(extra)
    handler.handle(record)
    for thread in threading.enumerate():
        if thread.name == "mail":
            thread.join(5)


def test_the_same_fault_is_mailed_once_in_an_hour_whichever_process_meets_it(
    settings: Any, tmp_path: Path
) -> None:
    settings.ADMINS = [("admin@example.test", "admin@example.test")]
    one, other = MailAdministrators(tmp_path), MailAdministrators(tmp_path)
    fault(one, "%s: %s", "disk_full", "磁盘已满", same="disk_full")
    fault(other, "%s: %s", "disk_full", "还剩一点", same="disk_full")
    fault(other, "%s: %s", "worker_silent", "没有运行", same="worker_silent")
    assert [message.subject for message in mail.outbox] == [
        "[战时党建组织登记系统] 系统故障:disk_full",
        "[战时党建组织登记系统] 系统故障:worker_silent",
    ]
    assert "磁盘已满" in mail.outbox[0].body
    for stamp in (tmp_path / "mailed").iterdir():
        os.utime(stamp, (0, time.time() - 3601))
    fault(one, "%s: %s", "disk_full", "磁盘已满", same="disk_full")
    assert len(mail.outbox) == 3


def test_the_addresses_of_administrators_are_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMINS", "wang@bureau.example, li@bureau.example")
    assert env.addresses("ADMINS") == ["wang@bureau.example", "li@bureau.example"]
    monkeypatch.setenv("ADMINS", "王 <wang@bureau.example>")
    with pytest.raises(env.BadVariable, match="ADMINS"):
        env.addresses("ADMINS")


def test_a_mail_tells_nothing_of_what_was_asked_for(settings: Any, tmp_path: Path) -> None:
    settings.ADMINS = [("admin@example.test", "admin@example.test")]
    handler = MailAdministrators(tmp_path)
    fault(
        handler, "Internal Server Error: %s", "/people/012345/", request=HttpRequest(), request_number="ab12"
    )
    (message,) = mail.outbox
    assert "012345" not in message.subject + message.body
    assert "请求编号:ab12" in message.body
