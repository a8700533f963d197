"""Reads settings from the environment and refuses what it cannot read, naming the variable.

A variable that is set to nothing counts as not set. No other module reads `os.environ`.
"""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}
_HOST = re.compile(r"\*|\.?[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]", re.IGNORECASE)
_HOST_PORT = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?", re.IGNORECASE)
_POSTGRES = {"postgres", "postgresql"}
_MIN_SECRET_LENGTH = 50
_MIN_SECRET_DISTINCT = 5
_MIN_KEY_LENGTH = 32
_SESSION = "-c jit=off -c random_page_cost=1.1 -c plan_cache_mode=force_generic_plan"
"""For many short queries on solid-state disks: compiling a plan costs more than it saves, and an index is
cheaper than PostgreSQL's defaults assume; what is prepared is planned once. `?options=` in the address
overrides it."""


_SECRET = re.compile(r"(KEY|PASSWORD|SECRET|TOKEN)$")
_given: dict[str, str] = {}
"""The variables that are set, by name."""

_SQLITE_WAIT = 1
"""Seconds that somebody waits for the one who writes. A page's writing is over within it; who meets an import
is told so at once instead of waiting for its end."""


class BadVariable(ImproperlyConfigured):
    """A variable that the registry cannot start with."""


def refuse(name: str, problem: str) -> BadVariable:
    """Return the error to raise for variable `name`; `problem` must not repeat a secret."""
    return BadVariable(f"Environment variable {name}: {problem}")


def text(name: str, default: str = "") -> str:
    """Return the variable without blanks around it."""
    value = os.environ.get(name, "").strip()
    if value:
        _given[name] = value
    return value or default


def without_secrets() -> dict[str, str]:
    """Return the variables that were given, each secret left out: for a backup."""
    return {name: _without_secret(name, value) for name, value in sorted(_given.items())}


def _without_secret(name: str, value: str) -> str:
    if _SECRET.search(name):
        return ""
    if "://" not in value:
        return value
    value = re.sub(r"(://[^/?#@]*?):[^/?#]*@", r"\1@", value)
    return re.sub(r"([?&](?:ssl)?password=)[^&]*", r"\1", value)


def boolean(name: str, default: bool) -> bool:
    """Read 1, true, yes, on or 0, false, no, off."""
    value = text(name).lower()
    if not value:
        return default
    if value in _YES:
        return True
    if value in _NO:
        return False
    raise refuse(name, f"{value!r} is neither yes nor no; write 1 or 0.")


def integer(name: str, default: int, least: int, most: int) -> int:
    """Read a whole number from `least` to `most`."""
    value = text(name)
    if not value:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise refuse(name, f"{value!r} is not a whole number from {least} to {most}.")
    return int(value)


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """Read one of the allowed words, in any case."""
    value = text(name, default).upper()
    if value not in allowed:
        raise refuse(name, f"{value!r} is not one of {', '.join(allowed)}.")
    return value


def hosts(name: str, default: list[str]) -> list[str]:
    """Read host names separated by commas, without scheme and port, for ALLOWED_HOSTS."""
    value = text(name)
    if not value:
        return default
    names = [host.strip() for host in value.split(",") if host.strip()]
    for host in names:
        if not _HOST.fullmatch(host):
            raise refuse(name, f"{host!r} is not a host name; write names without scheme or port.")
    if not names:
        raise refuse(name, "names no host.")
    return names


def origins(name: str) -> list[str]:
    """Read origins separated by commas, each with its scheme, for CSRF_TRUSTED_ORIGINS."""
    listed = [origin.strip() for origin in text(name).split(",") if origin.strip()]
    for origin in listed:
        try:
            parts = urlsplit(origin)
        except ValueError:
            raise refuse(name, f"{origin!r} cannot be read.") from None
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
            raise refuse(name, f"{origin!r} is not an origin; write https://host or https://host:port.")
    return listed


def addresses(name: str) -> list[str]:
    """Read mail addresses separated by commas."""
    listed = [address.strip() for address in text(name).split(",") if address.strip()]
    for address in listed:
        if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", address):
            raise refuse(
                name, f"{address!r} is not a mail address; write name@host, without a name before it."
            )
    return listed


def networks(name: str, default: str = "") -> list[IPv4Network | IPv6Network]:
    """Read addresses and networks separated by commas: 127.0.0.1, 10.1.0.0/16."""
    listed = []
    for word in text(name, default).split(","):
        if word.strip():
            try:
                listed.append(ip_network(word.strip()))
            except ValueError:
                raise refuse(name, f"{word.strip()!r} is neither an address nor a network.") from None
    return listed


def directory(name: str) -> Path | None:
    """Read the name of an existing folder, or None."""
    value = text(name)
    if not value:
        return None
    place = Path(value)
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise refuse(name, f"the folder {value!r} does not exist or cannot be written to.")
    return place.resolve()


def secret(name: str, *, debug: bool, debug_default: str) -> str:
    """Read a long random text; it may be missing only while debugging."""
    value = text(name)
    if debug:
        return value or debug_default
    if not value:
        raise refuse(name, "is required when DEBUG is off.")
    if len(value) < _MIN_SECRET_LENGTH or len(set(value)) < _MIN_SECRET_DISTINCT:
        raise refuse(name, f"is too weak; give at least {_MIN_SECRET_LENGTH} random characters.")
    return value


def keys(name: str, *, debug: bool, debug_default: str, required: bool = True) -> list[str]:
    """Read long random texts separated by commas, from the variable or the file that NAME_FILE names."""
    value, file = text(name), text(f"{name}_FILE")
    if file:
        if value:
            raise refuse(f"{name}_FILE", f"give it or {name}, not both.")
        try:
            value = ",".join(Path(file).read_text("utf-8").split())
        except (OSError, UnicodeDecodeError) as error:
            raise refuse(f"{name}_FILE", f"the file {file!r} cannot be read: {error}.") from None
    found = [key.strip() for key in value.split(",") if key.strip()]
    if debug:
        return found or [debug_default]
    if not found and not required:
        return []
    if not found:
        raise refuse(name, f"or {name}_FILE is required when DEBUG is off.")
    if any(len(key) < _MIN_KEY_LENGTH or len(set(key)) < _MIN_SECRET_DISTINCT for key in found):
        raise refuse(name, f"is too weak; give at least {_MIN_KEY_LENGTH} random characters.")
    return found


def absolute(name: str) -> Path | None:
    """Read the name of a file or folder from the root on, or None; it need not be there yet."""
    value = text(name)
    if value and not Path(value).is_absolute():
        raise refuse(name, f"{value!r} must begin with /.")
    return Path(value) if value else None


def replica(name: str, *, primary: dict[str, Any], lock_wait: int) -> dict[str, Any] | None:
    """Read the address of a PostgreSQL server that follows the primary; None where there is none."""
    if not text(name):
        return None
    if text(name).partition("://")[0] not in _POSTGRES or primary["ENGINE"] != "partybuild.postgresql":
        raise refuse(name, "is for PostgreSQL only, as is what it follows.")
    return _postgres(name, text(name), lock_wait, "prefer-standby")


def _postgres(name: str, url: str, lock_wait: int, wanted: str) -> dict[str, Any]:
    """Read the address of a server, or of several: libpq then takes the first that is as ``wanted``."""
    head, at, rest = url.rpartition("@")
    places, slash, tail = rest.partition("/") if at else ("", "", "")
    if several := "," in places:
        hosts = [_HOST_PORT.fullmatch(place) for place in places.split(",")]
        if not all(hosts):
            raise refuse(name, "names several hosts, of which one cannot be read: host:port,host:port.")
        url = f"{head}@several{slash}{tail}"
    try:
        parsed = dj_database_url.parse(
            url, engine="partybuild.postgresql", conn_max_age=60, conn_health_checks=True
        )
    except ValueError as error:
        raise refuse(name, f"cannot be read: {error}") from None
    if not parsed.get("NAME"):
        raise refuse(name, "names no database: postgres://user:password@host:port/database.")
    database: dict[str, Any] = dict(parsed)
    if several:
        database["HOST"] = ",".join(each[1] for each in hosts if each)
        database["PORT"] = ",".join(each[2] or "5432" for each in hosts if each)
    options = database.get("OPTIONS", {})
    if several or "," in str(options.get("host", "")):
        options = {"target_session_attrs": wanted, **options}
    database["OPTIONS"] = {"options": f"{_SESSION} -c lock_timeout={lock_wait}s", **options}
    return database


def database(name: str, *, default_file: Path, base: Path, lock_wait: int) -> dict[str, Any]:
    """Read a database URL: `sqlite:///file`, `sqlite:////absolute/file` or `postgres://...`.

    `postgres://user:password@one:5432,other:5432/name` goes to whichever of the two takes writes.

    Nobody waits for a lock longer than `lock_wait` seconds, unless he says otherwise (`registry/locks.py`).
    SQLite takes its write lock when a transaction begins (otherwise one of two writers that both read first
    fails instead of waiting), and keeps a write-ahead log, so that readers never wait.
    """
    url = text(name)
    scheme = url.partition("://")[0] if "://" in url else ""
    if url and scheme not in _POSTGRES | {"sqlite"}:
        raise refuse(name, "must begin with sqlite:// or postgres://.")
    if scheme in _POSTGRES:
        return _postgres(name, url, lock_wait, "read-write")

    place = _sqlite_place(name, url, default_file, base)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": place,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "timeout": _SQLITE_WAIT,
            "cached_statements": 1000,  # thirty long ones a page: of 128 none is left the next time
        },
    }


def _sqlite_place(name: str, url: str, default_file: Path, base: Path) -> str:
    if not url:
        default_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return str(default_file)
    if url in {"sqlite://:memory:", "sqlite://"}:
        return ":memory:"
    try:
        parsed = dj_database_url.parse(url)
    except ValueError as error:
        raise refuse(name, f"cannot be read: {error}") from None
    if parsed.get("HOST") or not parsed.get("NAME") or parsed.get("OPTIONS"):
        raise refuse(
            name, "takes a file only: sqlite:///file (from the project's folder) or sqlite:////file."
        )
    if parsed["NAME"] == ":memory:":
        return ":memory:"
    place = base / parsed["NAME"]
    if not place.parent.is_dir():
        raise refuse(name, f"the folder {str(place.parent)!r} does not exist.")
    return str(place)
