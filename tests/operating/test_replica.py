"""Pages that only read come from a second server; own writes are seen at once, and its end is not noticed."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client

from partybuild import env
from registry.models import Unit, User
from registry.operating import health
from registry.operating.replica import REPLICA, OnThePrimary, ReplicaMiddleware, number_of, written_up_to
from tests.factories import make_unit, make_user
from tests.two_servers import SENDER, Server, cut_off

FACTS = {"short_name": "新城", "kind": "station"}
MARK = 'id="as-of"'
"""Stands on a page that was read from the replica."""


@pytest.fixture
def standby(transactional_db: None, settings: Any) -> Iterator[Server]:
    """A server that follows the one of the tests; pages read from it."""
    params = connection.get_connection_params()
    folder = Path(tempfile.mkdtemp(prefix="standby-"))
    server = Server(folder, "second")
    if server._user:
        folder.chmod(0o755)
        shutil.chown(folder, server._user)
    try:
        server.follow(f"host={params['host']} port={params.get('port') or 5432}")
        options = {
            name: value for name, value in connection.settings_dict["OPTIONS"].items() if name != "host"
        }
        place = {"HOST": "127.0.0.1", "PORT": str(server.port), "OPTIONS": options}
        settings.DATABASE_REPLICA = connection.settings_dict | place
        REPLICA.__init__()  # type: ignore[misc]
        REPLICA.serves = True
        yield server
    finally:
        REPLICA.__init__()  # type: ignore[misc]
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def browser(name: str, unit: Unit) -> Client:
    client = Client()
    client.force_login(make_user(name, unit, role="manager"))
    return client


def until_replayed() -> None:
    """Wait until the standby has everything that is there now; others may go on writing."""
    end, now = time.monotonic() + 10, written_up_to()
    while not ((standing := REPLICA.standing()).is_near and standing.position >= now):
        assert time.monotonic() < end
        time.sleep(0.05)
        REPLICA._looked_at = 0.0
    REPLICA._looked_at = 0.0


@pytest.mark.postgres
def test_a_page_comes_from_the_replica_and_own_writes_are_seen_at_once(standby: Server) -> None:
    top = make_unit("top")
    mine, other = browser("wang", top), browser("li", top)
    until_replayed()
    assert MARK in mine.get("/units/top/").text
    with connection.cursor() as cursor:
        cursor.execute(SENDER)
        (sender,) = cursor.fetchone()
    with cut_off(sender):
        saved = mine.post("/units/top/add/", FACTS | {"name": "新城派出所", "code": "xincheng"})
        assert saved.status_code == 302
        page = mine.get("/units/top/")
        assert "新城" in page.text
        assert MARK not in page.text
        late = other.get("/units/top/")
        assert "新城" not in late.text
        assert MARK in late.text
        assert other.get("/units/xincheng/").status_code == 200  # it is not there yet: the primary has it
    until_replayed()
    page = mine.get("/units/top/")
    assert "新城" in page.text
    assert MARK in page.text

    # What is said of the servers is not asked of the replica.
    known = REPLICA.standing()
    with REPLICA.read():
        assert REPLICA.standing(at_least=1 << 60) == known
    mine.force_login(User.objects.create_superuser("root", "x"))
    page = mine.get("/system/")
    assert "在同步" in page.text
    assert "连接的是备用数据库" not in page.text
    assert MARK not in page.text

    # What would be written there is written on the primary, from then on at once.
    middleware, asked = ReplicaMiddleware(lambda request: HttpResponse()), []

    def writes(request: HttpRequest) -> HttpResponse:
        asked.append(getattr(request, "replica_as_of", None))
        Unit.objects.filter(code="top").update(short_name="改")
        return HttpResponse()

    request: Any = HttpRequest()
    request.method, request.user = "GET", make_user("zhao", top)
    request.resolver_match = type("Match", (), {"route": "writes/"})
    until_replayed()
    assert [middleware.process_view(request, writes, (), {}) for _ in range(2)] == [None, None]
    assert len(asked) == 1
    assert asked[0] is not None
    assert Unit.objects.get(code="top").short_name != "改"
    until_replayed()
    with pytest.raises(OnThePrimary), REPLICA.read():
        Unit.objects.filter(code="top").update(short_name="改")

    assert [line.wrong for line in health._look((health._replica,))] == [""]
    standby.kill()
    page = mine.get("/units/top/")
    assert page.status_code == 200
    assert MARK not in page.text
    assert [line.wrong for line in health._look((health._replica,))] == ["replica_down"]


def test_positions_are_compared_as_numbers() -> None:
    assert number_of("0/FFFFFFFF") < number_of("1/0") < number_of("A/0") < number_of("10/0")


# --- Addresses ------------------------------------------------------------------------------------


def database(monkeypatch: pytest.MonkeyPatch, url: str) -> dict[str, Any]:
    monkeypatch.setenv("DATABASE_URL", url)
    return env.database("DATABASE_URL", default_file=Path("x"), base=Path("/"), lock_wait=5)


def test_an_address_with_several_hosts_goes_to_the_one_that_takes_writes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "postgres://registry:p%40ss@one.example:5432,[fd00::2]:5433,three/registry?sslmode=require"
    found = database(monkeypatch, url)
    assert (found["HOST"], found["PORT"]) == ("one.example,[fd00::2],three", "5432,5433,5432")
    assert (found["USER"], found["PASSWORD"], found["NAME"]) == ("registry", "p@ss", "registry")
    assert found["OPTIONS"]["target_session_attrs"] == "read-write"
    assert found["OPTIONS"]["sslmode"] == "require"
    assert "target_session_attrs" not in database(monkeypatch, "postgres://u:p@one/registry")["OPTIONS"]
    with pytest.raises(env.BadVariable, match="several hosts"):
        database(monkeypatch, "postgres://u:p@one,tw o:x/registry")


def test_a_replica_is_for_postgresql_only(monkeypatch: pytest.MonkeyPatch) -> None:
    postgres = database(monkeypatch, "postgres://u:p@one/registry")
    sqlite = database(monkeypatch, "sqlite://:memory:")
    for url, primary in (("postgres://u:p@two/registry", sqlite), ("sqlite://:memory:", postgres)):
        monkeypatch.setenv("DATABASE_REPLICA_URL", url)
        with pytest.raises(env.BadVariable, match="DATABASE_REPLICA_URL"):
            env.replica("DATABASE_REPLICA_URL", primary=primary, lock_wait=5)
    monkeypatch.setenv("DATABASE_REPLICA_URL", "postgres://u:p@two/registry")
    found = env.replica("DATABASE_REPLICA_URL", primary=postgres, lock_wait=5)
    assert found is not None
    assert found["HOST"] == "two"
