"""What every test stands on: settings, database, markers, hypothesis profiles.

`pytest` alone runs on SQLite; a DATABASE_URL in the environment decides otherwise (`make test` runs both).
"""

import gc
import os
import pickle
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings

# Before Django reads them: the settings of a real installation, on plain http. What the machine's own
# environment says about the registry must not change what the tests say, but for the database.
for _name in (
    "ADMINS",
    "ALLOWED_HOSTS",
    "APPROVAL_DAYS",
    "BACKUP_DIR",
    "BACKUP_PROOF_URL",
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_REPLICA_URL",
    "EMAIL_HOST",
    "FILES_DIR",
    "LOG_DAYS",
    "LOG_DIR",
    "LOCK_WAIT_SECONDS",
    "LOG_FORMAT",
    "LOG_LEVEL",
    "LOG_MB",
    "LOG_REQUESTS",
    "MAINTENANCE",
    "METRICS_FROM",
    "PASSWORD_DAYS",
    "PG_BIN",
    "PORT",
    "READ_ONLY",
    "REPLICA_SECONDS",
    "SLOW_PAGE_MS",
    "SLOW_QUERY_MS",
    "STATE_DIR",
    "SEAL_COPY",
    "SEAL_KEY_FILE",
    "WALL_KEY_FILE",
    "SESSION_IDLE_MINUTES",
    "TRUSTED_PROXIES",
):
    os.environ.pop(_name, None)
os.environ.update(
    DJANGO_SETTINGS_MODULE="partybuild.settings",
    DEBUG="0",
    TLS="0",
    SECRET_KEY="for-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz",
    SEAL_KEY="for-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz",
    WALL_KEY="for-tests-only-walled-0123456789-abcdefghijklmnop",
)

hypothesis_settings.register_profile(
    "default",
    max_examples=20,
    deadline=None,
    # In CI a run says the same as the run before it; elsewhere each run tries something new.
    derandomize=os.environ.get("CI") == "true",
    # There a failure is said as it was met: making it smaller may take minutes.
    phases=[phase for phase in Phase if os.environ.get("CI") != "true" or phase != Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
hypothesis_settings.register_profile(
    "long",
    parent=hypothesis_settings.get_profile("default"),
    max_examples=500,
    derandomize=False,
)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "default")


def chromium() -> str | None:
    """The browser's path on this machine, if it has one."""
    # First the one without windows: it lays out, paints and prints the same for a fifth less of the work.
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


SLOW = (
    "test_widths",
    "test_attacks",
    "test_properties",
    "test_access_table",
    "test_demo",
    "test_logins",
    "test_language",
    "test_axe",
    "test_images",
    "test_register",
    "test_imports",
    "test_writing",
    "test_hostile",
    "test_seen",
    "test_exports",
    "test_moves",
    "test_bulk",
    "test_concurrency",
    "test_kill",
)
"""Files that take long: the workers end together when these are not left for last."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-database",
        action="store_true",
        help="leave out what says the same on each database: tests that use none, or only look at pages",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the settings quick, before Django is set up (pytest-django does that after this hook)."""
    from django.conf import settings

    _let_tests_empty_the_record()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.FILES_DIR = Path(tempfile.mkdtemp(prefix="registry-files-"))
    settings.LOG_REQUESTS = False  # a line for each of a hundred thousand requests; its tests switch it on
    settings.STATE_DIR = Path(tempfile.mkdtemp(prefix="registry-state-"))
    # Static files come from where they are written: the copy of `make install` would be read by each client.
    settings.STATIC_ROOT = None
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the photos, files and state of the run."""
    from django.conf import settings

    shutil.rmtree(settings.FILES_DIR, ignore_errors=True)
    shutil.rmtree(settings.STATE_DIR, ignore_errors=True)


def _let_tests_empty_the_record() -> None:
    """The guards of the record refuse to empty it, so they step aside for a flush; in use nothing does this.

    Only tables that have rows are emptied, and those in which Django notes the models stay as they are:
    it would write them anew after each test.
    """
    from django.core.management.commands import flush
    from django.db import connections, transaction

    def handle(self: flush.Command, **options: Any) -> None:
        from registry.models.guards import APPEND_ONLY

        connection = connections[options["database"]]
        tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
        tables -= {"django_content_type", "auth_permission"}
        asked = " UNION ALL ".join(
            f"SELECT '{each}' WHERE EXISTS (SELECT 1 FROM {each})" for each in sorted(tables)
        )
        is_postgres, guards = connection.vendor == "postgresql", []
        with transaction.atomic(options["database"]), connection.cursor() as cursor:
            cursor.execute(asked)
            full = [name for (name,) in cursor.fetchall()]
            if is_postgres:
                cursor.execute("SET LOCAL session_replication_role = replica")
            else:
                cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
                guards = [row for row in cursor.fetchall() if row[1] in APPEND_ONLY.values()]
            for name, _table, _sql in guards:
                cursor.execute(f"DROP TRIGGER {name}")
            for name in full:
                cursor.execute(f"DELETE FROM {name}")
            for _name, _table, sql in guards:
                cursor.execute(sql)

    flush.Command.handle = handle


def _order(items: list[pytest.Item]) -> Any:
    """The key to sort by: slow files first; in each file those first who need an empty database."""
    files = list(dict.fromkeys(item.path for item in items))
    files.sort(key=lambda path: SLOW.index(path.stem) if path.stem in SLOW else len(SLOW))
    places = {path: place for place, path in enumerate(files)}
    return lambda item: (places[item.path], "world" in getattr(item, "fixturenames", ()))


def _uses_database(item: pytest.Item) -> bool:
    """Whether a test's answer may depend on the database (pytest-django refuses it to most that do not)."""
    needed = item.get_closest_marker("postgres") or item.get_closest_marker("both")
    is_browser = item.path.parent.name == "e2e"  # the chaos run sends forms to PostgreSQL
    if (item.get_closest_marker("look") or is_browser) and not needed:
        return False
    fixtures = getattr(item, "fixturenames", ())
    asked = {"db", "transactional_db", "live_server", "django_db_setup"}.intersection(fixtures)
    return bool(asked or item.get_closest_marker("django_db"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what this machine or this database cannot run, and say why; begin with the slow files."""
    from django.db import connection

    if config.getoption("--only-database"):
        config.hook.pytest_deselected(items=[item for item in items if not _uses_database(item)])
        items[:] = [item for item in items if _uses_database(item)]
    no_postgres = pytest.mark.skip(reason="needs PostgreSQL: python -m tests.with_postgres -- pytest ...")
    no_browser = pytest.mark.skip(reason="needs Chromium: apt-get install chromium-headless-shell")
    # In CI a missing browser is a fault, not a reason to skip: the `browser` fixture then fails.
    items.sort(key=_order(items))
    may_skip_browser = chromium() is None and os.environ.get("CI") != "true"
    for item in items:
        if item.path.parent.name == "e2e":
            item.add_marker("browser")
        if item.get_closest_marker("postgres") and connection.vendor != "postgresql":
            item.add_marker(no_postgres)
        if item.get_closest_marker("browser") and may_skip_browser:
            item.add_marker(no_browser)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is loaded by now stays to the end: a tenth of the time would go into looking for garbage in it."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Test on SQLite in a file, as it is used: in memory, a live server's threads share one connection."""
    from django.db import connections

    database = connections["default"].settings_dict
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
        # Nothing here outlives the run, so nothing needs to reach the disk.
        database["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> None:
    """Tables made from the models alone have no guards: a migration makes those."""
    from registry.models import guards

    if request.config.getoption("nomigrations"):
        with django_db_blocker.unblock():
            guards.install()


@pytest.fixture(scope="module", autouse=True)
def swept(request: pytest.FixtureRequest, django_db_blocker: Any) -> None:
    """Sweep out the rows that the tests before have left dead in PostgreSQL, before each file.

    A test's rows are rolled back, which leaves them in the tables for everybody to read over: after two
    thousand tests a test of three seconds took minutes.
    """
    from django.db import connection

    if connection.vendor != "postgresql":
        return
    request.getfixturevalue("django_db_setup")
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_stat_user_tables WHERE n_dead_tup > 500")
        for (name,) in cursor.fetchall():
            cursor.execute(f"VACUUM {name}")


@pytest.fixture(scope="session", autouse=True)
def no_hurry() -> Iterator[None]:
    """What a page makes at once is not left to the worker because the machine is slow just then."""
    from registry.imports import background
    from registry.web import making

    with pytest.MonkeyPatch.context() as patch:
        for module in (background, making):
            patch.setattr(module, "SECONDS", 60.0)
        yield


@pytest.fixture(scope="module")
def world_of_the_file(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any
) -> Iterator[Any]:
    """Build the world once for all tests of a file: what its `build_world` returns, else the World of all."""
    from django.db import transaction

    from tests.world import World

    with django_db_blocker.unblock(), transaction.atomic():
        yield pickle.dumps(getattr(request.module, "build_world", World)())
        transaction.set_rollback(True)


@pytest.fixture
def world(world_of_the_file: bytes, db: None) -> Any:
    """The world of the file, as new for each test: rows are rolled back, and the objects are copies."""
    return pickle.loads(world_of_the_file)  # sooner done than a deepcopy


Convert = Callable[[Path, str], Path]


@pytest.fixture(scope="session")
def office_profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LibreOffice's settings, made at its first start; one for each worker, as a second office would wait."""
    return tmp_path_factory.mktemp("office")


@pytest.fixture
def convert(tmp_path: Path, office_profile: Path) -> Convert:
    """Have LibreOffice open a file and save it in another format; returns the new file."""
    office = shutil.which("soffice")
    if office is None:
        if os.environ.get("CI") == "true":
            pytest.fail("LibreOffice is missing in CI: apt-get install libreoffice-calc")
        pytest.skip("needs LibreOffice: apt-get install --no-install-recommends libreoffice-calc")

    def run(path: Path, to: str) -> Path:
        target = tmp_path / "converted"
        subprocess.run(
            [
                office,
                f"-env:UserInstallation={office_profile.as_uri()}",
                "--headless",
                "--convert-to",
                to,
                "--outdir",
                str(target),
                str(path),
            ],
            check=True,
            capture_output=True,
            timeout=180,
        )
        return target / f"{path.stem}.{to.partition(':')[0]}"

    return run
