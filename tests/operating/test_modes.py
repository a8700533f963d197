"""Read-only and closed for maintenance: by the environment or `manage.py mode`, from the next request on."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from registry.audit import Actor
from registry.housekeeping import clean
from registry.models import Unit, modes
from registry.models.modes import Mode
from registry.operations.units import add_unit
from registry.refusals import OperationRefused
from registry.work.worker import Worker
from tests.factories import make_user
from tests.world import World

pytestmark = pytest.mark.django_db

FACTS = {"name": "新城派出所", "short_name": "新城", "code": "xincheng", "kind": "station"}


@pytest.fixture(autouse=True)
def state(settings: Any, tmp_path: Path) -> Path:
    settings.STATE_DIR = tmp_path / "state"
    return tmp_path / "state"


def switch(*arguments: str) -> str:
    said = io.StringIO()
    call_command("mode", *arguments, stdout=said)
    return said.getvalue()


def test_no_operation_writes_whoever_calls_it(world: World) -> None:
    switch("read-only")
    with pytest.raises(OperationRefused, match="系统当前为只读"):
        add_unit(actor=Actor.system("命令"), superior=world.left, **FACTS)
    switch("normal")
    assert add_unit(actor=Actor.system("命令"), superior=world.left, **FACTS).code == "xincheng"


def test_pages_are_read_with_a_bar_that_says_until_when(world: World, client: Client) -> None:
    client.force_login(make_user("wang", world.left, role="manager"))
    assert switch("read-only", "--said", "预计 22:00 恢复。") == "只读。预计 22:00 恢复。\n"
    page = client.get("/units/left/")
    assert page.status_code == 200
    assert "不能登记和修改。预计 22:00 恢复。" in page.text
    refused = client.post("/units/left/add/", FACTS | {"form_key": "k"})
    assert refused.status_code == 503
    assert 'value="新城派出所"' in refused.text
    assert not Unit.objects.filter(code="xincheng").exists()
    switch("normal")
    assert "不能登记和修改" not in client.get("/units/left/").text


def test_a_worker_leaves_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(interval=0.05)
    switch("read-only")

    def sleep(_seconds: float) -> None:
        worker.running = False

    monkeypatch.setattr("registry.work.worker.time.sleep", sleep)
    monkeypatch.setattr(worker, "step", lambda: pytest.fail("a task was taken"))
    worker.run()


def test_nothing_is_cleaned_away_meanwhile() -> None:
    assert len(clean()) > 3
    switch("read-only")
    assert clean() == {}


def test_during_maintenance_every_page_says_so_and_machines_are_answered(
    client: Client, django_assert_num_queries: Any
) -> None:
    client.force_login(make_user("wang"))
    switch("maintenance", "--said", "预计 22:00 恢复。")
    with django_assert_num_queries(0):
        pages = [client.get("/"), client.get("/login/"), client.post("/login/", {"username": "wang"})]
        assert client.get("/healthz").status_code == 200
    for page in pages:
        assert (page.status_code, page["Retry-After"]) == (503, "300")
        assert "停机维护" in page.text
        assert "预计 22:00 恢复。" in page.text
        assert page["Content-Security-Policy"]
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["wrong"][0]) == (503, "maintenance")
    assert switch("normal") == "正常。\n"
    assert client.get("/login/").status_code == 302


@pytest.mark.parametrize(
    ("name", "mode", "switched", "holds"),
    [
        ("READ_ONLY", Mode.READ_ONLY, "normal", "只读"),
        ("READ_ONLY", Mode.READ_ONLY, "maintenance", "停机维护"),
        ("MAINTENANCE", Mode.MAINTENANCE, "read-only", "停机维护"),
    ],
)
def test_the_stricter_of_environment_and_switch_holds(
    settings: Any, name: str, mode: Mode, switched: str, holds: str
) -> None:
    setattr(settings, name, True)
    assert modes.standing().mode == mode
    said = switch(switched)
    assert said.startswith(holds)
    assert ("环境变量" in said) == (switched != "maintenance")


def test_a_switch_that_cannot_be_read_counts_as_read_only(state: Path) -> None:
    state.mkdir()
    modes.place().write_text("{")
    assert modes.standing().mode == Mode.READ_ONLY
