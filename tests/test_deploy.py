"""A production start: Django's own deployment checks, what browsers are told, what is not taken in."""

from __future__ import annotations

import io
import json
import logging
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client
from django.utils import timezone

from partybuild.logs import DailyFiles
from registry.models import User
from tests.factories import make_unit, make_user
from tests.test_settings import SECRET, loaded, run

HOST = {"SECRET_KEY": SECRET, "ALLOWED_HOSTS": "registry.example", "DATABASE_URL": "sqlite://:memory:"}


def test_djangos_deployment_checks_find_nothing() -> None:
    done = run(["manage.py", "check", "--deploy"], HOST)
    assert done.returncode == 0, done.stderr
    # What is ours to say of a bare environment: tests/operating/test_checks.py.
    assert set(re.findall(r"^\?: \((\w+)\.", done.stderr, re.MULTILINE)) == {"registry"}
    # Silenced is one check only: preloading of HSTS, which is for names of the public internet.
    assert loaded("SILENCED_SYSTEM_CHECKS", **HOST) == {"SILENCED_SYSTEM_CHECKS": ["security.W021"]}


def test_the_checks_do_find_something_without_tls() -> None:
    done = run(["manage.py", "check", "--deploy", "--fail-level", "WARNING"], {**HOST, "TLS": "0"})
    assert done.returncode == 1
    assert "security.W012" in done.stderr  # cookies that are not secure


def test_over_tls_cookies_are_bound_to_the_host() -> None:
    names = (
        "SESSION_COOKIE_NAME",
        "CSRF_COOKIE_NAME",
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    )
    assert list(loaded(*names, **HOST).values()) == ["__Host-sessionid", "__Host-csrftoken", True, True]
    assert list(loaded(*names, **HOST, TLS="0").values()) == ["sessionid", "csrftoken", False, False]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUSTED_PROXIES", "proxy.example"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("PASSWORD_DAYS", "-1"),
        ("LOG_DAYS", "30"),
        ("LOG_DIR", "/no/such/folder"),
    ],
)
def test_a_bad_security_setting_stops_the_start(name: str, value: str) -> None:
    done = run(["-c", "from django.conf import settings; settings.DEBUG"], {"DEBUG": "1", name: value})
    assert done.returncode != 0
    assert f"BadVariable: Environment variable {name}: " in done.stderr


def test_the_defaults_of_security() -> None:
    names = ("SESSION_IDLE_MINUTES", "PASSWORD_DAYS", "LOG_DAYS", "TRUSTED_PROXIES", "AXES_FAILURE_LIMIT")
    assert list(loaded(*names, **HOST).values()) == [30, 90, 400, [], 5]


def test_the_tests_that_the_documentation_names_exist() -> None:
    root = Path(__file__).resolve().parent.parent
    named = set(
        re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (root / "docs" / "security.md").read_text("utf-8"))
    )
    assert len(named) > 40
    texts = {file: (root / file).read_text("utf-8") for file, _name in named}
    missing = sorted(f"{file}::{name}" for file, name in named if f"\ndef {name}(" not in texts[file])
    assert not missing


# --- What browsers are told --------------------------------------------------------------------------


@pytest.fixture
def inside(client: Client, db: None) -> Client:
    client.force_login(make_user("zhangsan", make_unit("bureau")))
    return client


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/units/bureau/", 200),
        ("/account/", 200),
        ("/tree/side/", 200),
        ("/units/nowhere/", 404),
        ("/logout/", 405),
    ],
)
def test_every_page_says_what_browsers_may_do_with_it(inside: Client, address: str, status: int) -> None:
    response = inside.get(address)
    assert response.status_code == status
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in response.headers["Permissions-Policy"]
    assert response.headers["Cache-Control"] == "no-store, private"
    assert "Server" not in response.headers


def test_a_visitor_gets_the_same(client: Client, db: None) -> None:
    for address in ("/login/", "/"):
        response = client.get(address)
        assert response.headers["Cache-Control"] == "no-store, private"
        assert "Content-Security-Policy" in response.headers


def test_over_tls_browsers_stay_there(inside: Client, settings: Any) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_SSL_REDIRECT = True
    again = Client()
    assert again.get("/login/").url == "https://testserver/login/"
    said = again.get("/login/", secure=True).headers["Strict-Transport-Security"]
    assert said.startswith("max-age=31536000")


def test_cookies_are_for_the_server_only(client: Client, db: None) -> None:
    make_user("zhangsan", make_unit("bureau"))
    client.get("/login/")
    client.post("/login/", {"username": "zhangsan", "password": "correct horse battery"})
    for name in (project.SESSION_COOKIE_NAME, project.CSRF_COOKIE_NAME):
        cookie = client.cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert not cookie["domain"]


# --- What is not taken in --------------------------------------------------------------------------


def test_a_body_too_large_is_refused_before_it_is_read(inside: Client) -> None:
    response = inside.post(
        "/units/bureau/edit/", {"name": "x"}, CONTENT_LENGTH=str(project.MAX_BODY_BYTES + 1)
    )
    assert response.status_code == 413
    assert "内容过大" in response.content.decode()
    assert response.headers["X-Request-Number"] in response.content.decode()
    assert "Content-Security-Policy" in response.headers


def test_a_form_too_large_or_with_too_many_fields_is_refused(inside: Client) -> None:
    large = inside.post("/units/bureau/edit/", {"name": "x" * (project.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)})
    assert large.status_code == 413
    body = "name=" + "x" * project.DATA_UPLOAD_MAX_MEMORY_SIZE
    plain = inside.post("/units/bureau/edit/", body, content_type="application/x-www-form-urlencoded")
    assert plain.status_code == 413
    assert "内容过大" in plain.content.decode()
    many = "&".join(f"f{number}=1" for number in range(project.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1))
    refused = inside.post("/units/bureau/edit/", many, content_type="application/x-www-form-urlencoded")
    assert refused.status_code == 400


def test_a_host_that_is_not_ours_is_refused(inside: Client) -> None:
    response = inside.get("/units/bureau/", headers={"host": "evil.example"})
    assert response.status_code == 400
    assert "evil" not in response.content.decode()


def test_a_form_without_its_token_changes_nothing(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("zhangsan", make_unit("bureau")))
    before = User.objects.get(username="zhangsan").password
    sent = {
        "old_password": "correct horse battery",
        "new_password": "Xin-Ganlan-2020",
        "again": "Xin-Ganlan-2020",
    }
    response = client.post("/account/password/", sent)
    assert response.status_code == 403
    assert "表单已失效" in response.content.decode()
    assert User.objects.get(username="zhangsan").password == before


# --- The log ---------------------------------------------------------------------------------------


def test_the_log_has_a_file_for_each_day_and_keeps_them_long_enough(tmp_path: Path) -> None:
    today = timezone.localdate()
    old, kept = today - timedelta(days=181), today - timedelta(days=180)
    for day in (old, kept):
        (tmp_path / f"registry-{day.isoformat()}.log").write_text("x")
    (tmp_path / "other.log").write_text("x")
    handler = DailyFiles(tmp_path, 180)
    record = logging.LogRecord("test", logging.INFO, __file__, 1, "一行", (), None)
    handler.handle(record)
    handler.handle(record)
    day = timezone.localdate()
    handler.close()
    assert (tmp_path / f"registry-{day.isoformat()}.log").read_text(encoding="utf-8") == "一行\n一行\n"
    names = {file.name for file in tmp_path.iterdir()}
    assert names >= {f"registry-{kept.isoformat()}.log", "other.log"}
    assert f"registry-{old.isoformat()}.log" not in names


def test_with_a_folder_the_log_goes_there_too(tmp_path: Path) -> None:
    done = run(
        ["-c", "import django, logging; django.setup(); logging.getLogger('x').warning('hello')"],
        {**HOST, "LOG_DIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    files = list(tmp_path.iterdir())
    assert len(files) == 1
    assert re.fullmatch(r"registry-\d{4}-\d\d-\d\d\.log", files[0].name)
    line = json.loads(files[0].read_text(encoding="utf-8"))
    assert (line["level"], line["logger"], line["request"], line["message"]) == ("WARNING", "x", "-", "hello")
    assert "hello" in done.stderr


def test_a_password_is_never_in_the_log(client: Client, db: None) -> None:
    make_user("zhangsan", make_unit("bureau"))
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        for _number in range(6):
            client.post("/login/", {"username": "Typed-Secret-1", "password": "Very-Secret-2"})
    finally:
        logger.removeHandler(handler)
    assert "Secret" not in stream.getvalue()
