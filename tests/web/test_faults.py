"""Database or disk at fault: a page that says so, one line in the log, and nothing that was typed is lost."""

from __future__ import annotations

import errno
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.core.management import call_command
from django.db import InterfaceError, InternalError, OperationalError
from django.test import Client
from django.utils import timezone

from registry import housekeeping
from registry.imports.models import Import, ImportFile, ImportState
from registry.models import SentForm, Session, Unit
from registry.models.faults import Fault, fault_of, is_read_only
from tests.factories import make_user
from tests.world import World

pytestmark = pytest.mark.django_db

ADD = "/units/left/add/"
FACTS = {"name": "新城派出所", "short_name": "新城", "code": "xincheng", "kind": "station"}


class _Coded(psycopg2.OperationalError):
    """An error of the server, with its code."""

    def __init__(self, code: str) -> None:
        super().__init__("said by the server")
        self.code = code

    @property
    def pgcode(self) -> str:  # type: ignore[override]
        return self.code


def coded(code: str, kind: type[Exception] = OperationalError) -> Exception:
    error = kind("said by the server")
    error.__cause__ = _Coded(code)
    return error


FAULTS = [
    (coded("55P03"), Fault.BUSY),
    (coded("40P01"), Fault.BUSY),
    (OperationalError("database is locked"), Fault.BUSY),
    (coded("57014"), Fault.SLOW),
    (coded("53100"), Fault.FULL),
    (OperationalError("database or disk is full"), Fault.FULL),
    (OSError(errno.ENOSPC, "No space left on device"), Fault.FULL),
    (coded("25006", InternalError), Fault.READ_ONLY),
    (OperationalError("attempt to write a readonly database"), Fault.READ_ONLY),
    (coded("57P01"), Fault.DOWN),
    (coded("53300"), Fault.DOWN),
    (OperationalError('connection to server at "10.0.0.1", port 5432 failed: timeout expired'), Fault.DOWN),
    (OperationalError("server closed the connection unexpectedly"), Fault.DOWN),
    (InterfaceError("connection already closed"), Fault.DOWN),
    (OperationalError("no such table: registry_unit"), None),
    (FileNotFoundError(errno.ENOENT, "no such file"), None),
    (ValueError("a bug"), None),
]
SAID = {
    Fault.BUSY: (503, "正在写入大批数据"),
    Fault.SLOW: (503, "用时太长"),
    Fault.FULL: (507, "磁盘已满"),
    Fault.READ_ONLY: (503, "当前为只读"),
    Fault.DOWN: (503, "系统暂时无法使用"),
}


@pytest.fixture
def manager(world: World, client: Client) -> Client:
    client.force_login(make_user("wang", world.left, role="manager"))
    return client


@pytest.mark.parametrize(("error", "fault"), FAULTS, ids=lambda each: str(each)[:30])
def test_what_is_wrong_is_told_from_the_exception(error: Exception, fault: Fault | None) -> None:
    assert fault_of(error) == fault


def failing(error: Exception) -> Any:
    def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("fault", Fault)
def test_a_form_that_met_it_comes_with_what_was_typed_and_one_line_in_the_log(
    manager: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    error = next(error for error, kind in FAULTS if kind == fault)
    monkeypatch.setattr("registry.web.changes.history.way_back", failing(error))
    with caplog.at_level(logging.INFO):
        page = manager.post(ADD, FACTS | {"form_key": "k"})
    status, said = SAID[fault]
    assert page.status_code == status
    assert f"<title>\n{said}" in page.text.replace("  ", "") or said in page.text
    assert 'name="name" value="新城派出所"' in page.text
    assert "再提交一次" in page.text
    assert ("不能确定是否已保存" in page.text) == (fault == Fault.DOWN)
    assert ("没有保存" in page.text) == (fault != Fault.DOWN)
    assert not Unit.objects.filter(code="xincheng").exists()
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert record.exc_info is None
    assert len(record.getMessage()) < 200
    assert record.request.request_number == page["X-Request-Number"]  # type: ignore[attr-defined]


def test_whoever_is_to_wait_is_told_for_how_long(manager: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.pages.units.views.access.get_unit", failing(coded("55P03")))
    page = manager.get("/units/left/")
    assert (page.status_code, page["Retry-After"]) == (503, "15")


def test_a_session_that_cannot_be_read_is_no_fault_of_the_program(
    manager: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    """It happens in the middleware, outside of every view."""
    monkeypatch.setattr(
        "registry.models.session.SessionStore.load", failing(OperationalError("connection refused"))
    )
    manager.raise_request_exception = False
    page = manager.get("/units/left/")
    assert page.status_code == 503
    assert "数据库没有应答" in page.text
    assert [each for each in caplog.records if each.exc_info] == []
    # Static files are served before a session is looked at.
    order = [name.rpartition(".")[2] for name in settings.MIDDLEWARE]
    assert order.index("WhiteNoiseMiddleware") < order.index("SessionMiddleware")


def test_a_session_that_cannot_be_written_says_why(manager: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Django itself takes it for a session that ended."""
    page = manager.post(ADD, FACTS)  # the line that says so is kept in the session
    assert page.status_code == 302
    monkeypatch.setattr("registry.models.session.Session.save", failing(coded("25006", InternalError)))
    store = manager.session
    store["something"] = "new"
    with pytest.raises(InternalError):
        store.save()


def test_an_upload_without_room_for_it_says_so(manager: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    monkeypatch.setattr(
        "django.core.files.uploadhandler.MemoryFileUploadHandler.receive_data_chunk",
        failing(OSError(errno.ENOSPC, "No space left on device")),
    )
    manager.raise_request_exception = False
    page = manager.post("/imports/", {"file": SimpleUploadedFile("a.xlsx", b"x" * 100)})
    assert page.status_code == 507
    assert "上传的文件也放不下" in page.text
    assert "没有保存" in page.text


def test_reading_goes_on_with_a_line_on_top(manager: Client, settings: Any) -> None:
    assert "当前为只读" not in manager.get("/units/left/").text
    settings.READ_ONLY = True
    page = manager.get("/units/left/")
    assert page.status_code == 200
    assert "当前为只读" in page.text


def test_forms_are_refused_and_keep_what_was_typed(manager: Client, settings: Any) -> None:
    settings.READ_ONLY = True
    page = manager.post(ADD, FACTS | {"form_key": "k"})
    assert page.status_code == 503
    assert "系统当前为只读" in page.text
    assert 'value="新城派出所"' in page.text
    assert not Unit.objects.filter(code="xincheng").exists()


def test_whoever_reads_comes_in_and_goes_out(world: World, settings: Any) -> None:
    make_user("li", world.left, role="viewer")
    settings.READ_ONLY = True
    client = Client()
    sent = {"username": "li", "password": "correct horse battery"}
    assert client.post("/login/", sent).status_code == 302
    assert client.get("/units/left/").status_code == 200
    assert client.post("/logout/").status_code == 302


def test_a_session_in_use_needs_no_writing(manager: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a replica: the renewal is left out."""
    Session.objects.update(seen_at=timezone.now() - timedelta(minutes=2))
    seen_at = Session.objects.get().seen_at
    monkeypatch.setattr("registry.models.session.Session.save", failing(coded("25006", InternalError)))
    assert manager.get("/units/left/").status_code == 200
    assert Session.objects.get().seen_at == seen_at


def test_a_file_that_may_not_be_written_is_noticed(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from django.db import connection

    if connection.vendor != "sqlite":
        return
    file = tmp_path / "registry.sqlite3"
    file.touch()
    monkeypatch.setitem(connection.settings_dict, "NAME", str(file))
    assert not is_read_only()
    monkeypatch.setattr("os.access", lambda *_: False)
    assert is_read_only()


def test_what_is_old_goes_and_the_rest_stays(world: World, capsys: Any) -> None:
    user, now = make_user("wang", world.left), timezone.now()
    for key, days in (("old", 2), ("new", 0)):
        SentForm.objects.create(user=user, key=key, content="", at=now - timedelta(days=days))
        Session.objects.create(session_key=key, session_data="", expire_date=now + timedelta(1 - days))
        stuck = Import.objects.create(
            user=user,
            file_name=key,
            size=1,
            state=ImportState.WRITING,
            created_at=now - timedelta(days=20 * days),
        )
        ImportFile.objects.create(of=stuck, content=b"x")
    call_command("housekeeping")
    assert list(SentForm.objects.values_list("key", flat=True)) == ["new"]
    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]
    states = dict(Import.objects.values_list("file_name", "state"))
    assert states == {"old": ImportState.FAILED, "new": ImportState.WRITING}
    assert [each.of.file_name for each in ImportFile.objects.all()] == ["new"]
    assert "旧的导入文件:清理 1 条" in capsys.readouterr().out


def test_who_saves_something_cleans_once_an_hour(manager: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[bool] = []
    monkeypatch.setattr(housekeeping, "clean", lambda *, only_quick: done.append(only_quick))
    monkeypatch.setattr(housekeeping, "_last", [])
    manager.post(ADD, FACTS)
    manager.post(ADD, FACTS | {"name": "老城派出所", "code": "laocheng"})
    assert done == [True]


def test_one_that_fails_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = housekeeping.Cleaner("坏的", failing(ValueError("broken on purpose")))
    good = housekeeping.Cleaner("好的", lambda: 3)
    monkeypatch.setattr("registry.nouns.handed_up", lambda name: [broken, good])
    assert housekeeping.clean() == {"好的": 3}
