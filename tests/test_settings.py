"""A start with a bad environment fails and names the variable; a good one is followed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SECRET = "k7Q2-a-long-text-that-nobody-could-guess-9fX3-zR81-pL5w"
PRINT = """
import json, sys
from django.conf import settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""


def run(command: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run Python in the project's folder with no other variables than these, and a key for seals."""
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "partybuild.settings",
        "SEAL_KEY": SECRET,
        **variables,
    }
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def start(*names: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of its own and print those named."""
    return run(["-c", PRINT, *(names or ("DEBUG",))], variables)


def loaded(*names: str, **variables: str) -> dict[str, object]:
    done = start(*names, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "maybe"),
        ("TLS", "2"),
        ("ALLOWED_HOSTS", "https://registry.example"),
        ("ALLOWED_HOSTS", "registry.example:8000"),
        ("ALLOWED_HOSTS", "good.example, bad host"),
        ("ALLOWED_HOSTS", ","),
        ("CSRF_TRUSTED_ORIGINS", "registry.example"),
        ("CSRF_TRUSTED_ORIGINS", "https://[registry.example"),
        ("DATABASE_URL", "mysql://root@localhost/registry"),
        ("DATABASE_URL", "registry.sqlite3"),
        ("DATABASE_URL", "postgres://localhost"),
        ("DATABASE_URL", "postgres://localhost:port/registry"),
        ("DATABASE_URL", "sqlite://registry.sqlite3"),
        ("DATABASE_URL", "sqlite:////no/such/folder/registry.sqlite3"),
        ("SESSION_IDLE_MINUTES", "0"),
        ("SESSION_IDLE_MINUTES", "-5"),
        ("SESSION_IDLE_MINUTES", "soon"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_bad_value_stops_the_start_and_is_named(name: str, value: str) -> None:
    done = start(**({"DEBUG": "1"} | {name: value}))
    assert done.returncode != 0
    assert f"BadVariable: Environment variable {name}: " in done.stderr


def test_the_command_line_says_it_in_one_line() -> None:
    done = run(["manage.py", "migrate"], {"DEBUG": "maybe"})
    assert done.returncode == 1
    assert done.stderr.startswith("Environment variable DEBUG: 'maybe' ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("secret", ["", "short", "a" * 60])
def test_without_debug_a_strong_secret_key_is_required(secret: str) -> None:
    done = start(SECRET_KEY=secret)
    assert done.returncode != 0
    last_line = done.stderr.strip().splitlines()[-1]
    assert "Environment variable SECRET_KEY: " in last_line
    assert not secret or secret not in last_line


@pytest.mark.parametrize("key", ["", "short", "a" * 60, f"{SECRET},short"])
def test_without_debug_a_strong_key_for_seals_is_required(key: str) -> None:
    done = start(SECRET_KEY=SECRET, SEAL_KEY=key)
    assert done.returncode != 0
    last_line = done.stderr.strip().splitlines()[-1]
    assert "Environment variable SEAL_KEY: " in last_line
    assert not key or key not in last_line


def test_the_keys_for_seals_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{SECRET}\n{SECRET}-old\n")
    file = str(tmp_path / "keys")
    both = {"SEAL_KEYS": [SECRET, f"{SECRET}-old"]}
    assert loaded("SEAL_KEYS", SECRET_KEY=SECRET, SEAL_KEY=f"{SECRET},{SECRET}-old") == both
    assert loaded("SEAL_KEYS", SECRET_KEY=SECRET, SEAL_KEY="", SEAL_KEY_FILE=file) == both
    for wrong in ({"SEAL_KEY_FILE": file}, {"SEAL_KEY": "", "SEAL_KEY_FILE": "/no/such/file"}):
        done = start(SECRET_KEY=SECRET, **wrong)
        assert "BadVariable: Environment variable SEAL_KEY_FILE: " in done.stderr
    assert "must begin with /" in start(SECRET_KEY=SECRET, SEAL_COPY="copies").stderr


def test_a_password_in_a_bad_database_url_is_not_repeated() -> None:
    done = start(DEBUG="1", DATABASE_URL="postgres://someone:swordfish@localhost:port/registry")
    assert done.returncode != 0
    assert "swordfish" not in done.stderr


def test_what_is_empty_counts_as_not_set() -> None:
    assert loaded("DEBUG", "PORT", DEBUG="", PORT="", SECRET_KEY=SECRET) == {"DEBUG": False, "PORT": 8000}


def test_without_debug_cookies_go_over_https_unless_tls_is_off() -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS")
    assert loaded(*names, SECRET_KEY=SECRET) == dict(zip(names, (True, True, 31_536_000), strict=True))
    assert loaded(*names, SECRET_KEY=SECRET, TLS="0") == dict(zip(names, (False, False, 0), strict=True))
    assert loaded(*names, DEBUG="1") == dict(zip(names, (False, False, 0), strict=True))


def test_the_database_comes_from_its_url() -> None:
    postgres = loaded("DATABASES", DEBUG="1", DATABASE_URL="postgres://a:b%40c@db.example:5433/party")
    database = postgres["DATABASES"]["default"]
    assert database["ENGINE"] == "partybuild.postgresql"
    assert (database["USER"], database["PASSWORD"], database["NAME"]) == ("a", "b@c", "party")
    assert (database["HOST"], str(database["PORT"])) == ("db.example", "5433")
    assert (database["CONN_MAX_AGE"], database["CONN_HEALTH_CHECKS"]) == (60, True)
    session = "-c jit=off -c random_page_cost=1.1 -c plan_cache_mode=force_generic_plan"
    assert database["OPTIONS"] == {"options": f"{session} -c lock_timeout=5s"}
    own = loaded("DATABASES", DEBUG="1", DATABASE_URL="postgres://a@db/party?options=-c%20jit=on")
    assert own["DATABASES"]["default"]["OPTIONS"] == {"options": "-c jit=on"}


def test_sqlite_is_the_default_and_queues_its_writers() -> None:
    database = loaded("DATABASES", DEBUG="1")["DATABASES"]["default"]
    assert database["NAME"] == str(ROOT / "var" / "registry.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    named = loaded("DATABASES", DEBUG="1", DATABASE_URL="sqlite:///other.sqlite3")["DATABASES"]["default"]
    assert named["NAME"] == str(ROOT / "other.sqlite3")
    assert named["OPTIONS"] == database["OPTIONS"]


@pytest.mark.django_db
def test_the_database_in_use_is_set_up_as_meant() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            answers = [
                cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "foreign_keys")
            ]
            assert answers == ["wal", 1]
        else:
            cursor.execute("SHOW server_version_num")
            assert int(cursor.fetchone()[0]) >= 140_000


def test_a_backup_keeps_the_settings_without_any_secret() -> None:
    kept = loaded(
        "SETTINGS_WITHOUT_SECRETS",
        SECRET_KEY=SECRET,
        WALL_KEY=SECRET,
        ALLOWED_HOSTS="registry.example",
        EMAIL_HOST_PASSWORD="Geheim-1",
        PASSWORD_DAYS="30",
        DATABASE_URL="postgres://serving:Geheim-2@10.0.0.1:5432/registry?sslmode=require&sslpassword=Geheim-3",
    )["SETTINGS_WITHOUT_SECRETS"]
    assert kept == {
        "ALLOWED_HOSTS": "registry.example",
        "DATABASE_URL": "postgres://serving@10.0.0.1:5432/registry?sslmode=require&sslpassword=",
        "EMAIL_HOST_PASSWORD": "",
        "PASSWORD_DAYS": "30",
        "SEAL_KEY": "",
        "SECRET_KEY": "",
        "WALL_KEY": "",
    }
