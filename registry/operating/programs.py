"""PostgreSQL's own programs, found and run for the database in use; a database for the time of a proof."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from psycopg2.extensions import make_dsn

_PLACES = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "usr/local/pgsql/bin")
_SAID = 2_000
"""So many characters of what a program said at last are shown."""


def server_major() -> int:
    """Return the major version of the database's server; 0 on SQLite."""
    return int(connection.pg_version) // 10_000 if connection.vendor == "postgresql" else 0  # type: ignore[attr-defined]


def program(name: str, least: int) -> Path:
    """Return the oldest installed program that is not older than the server. Raises ``CommandError``."""
    majors = sorted((major, path) for path in _installed(name) if (major := _major(path)))
    for major, path in majors:
        if major >= least:
            return path
    have = f",本机只有 {majors[-1][0]} 版" if majors else ""
    raise CommandError(
        f"找不到 PostgreSQL 的程序 {name}(须不低于服务器的 {least} 版){have}。请安装 {least} 版的 PostgreSQL "
        "客户端(Debian、Ubuntu:postgresql-client;openEuler、麒麟:postgresql),或用环境变量 PG_BIN "
        "指明它所在的文件夹。"
    )


def _installed(name: str) -> list[Path]:
    if settings.PG_BIN is not None:
        found = [settings.PG_BIN / name]
    else:
        on_path = shutil.which(name)
        found = [Path(on_path)] if on_path else []
        found += [folder / name for pattern in _PLACES for folder in Path("/").glob(pattern)]
    return [path for path in found if os.access(path, os.X_OK)]


@cache
def _major(path: Path) -> int:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return 0
    found = re.search(r"\) (\d+)", said)
    return int(found[1]) if found else 0


def run(path: Path, *arguments: str) -> None:
    """Run a program for the database of the settings; the password is in its environment only.

    Raises ``CommandError`` with what it said.
    """
    params: dict[str, Any] = dict(connection.get_connection_params())
    for name in ("cursor_factory", "client_encoding", "options"):
        params.pop(name, None)
    password = params.pop("password", "")
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    _run([str(path), *arguments, "--dbname", make_dsn(**params)], environment=environment)


def _run(command: list[str], account: str | None = None, environment: dict[str, str] | None = None) -> None:
    """Run a command, as another user where ``account`` says so. What it leaves behind is not waited for."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        done = subprocess.run(
            command,
            env=environment,
            user=account,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
        out.seek(0)
        said = out.read().strip()[-_SAID:]
    if done.returncode:
        raise CommandError(f"{Path(command[0]).name} 没有成功(返回 {done.returncode})。它的说明:{said}")


@contextmanager
def database_for_proof() -> Iterator[str]:
    """Yield the address of an empty database that is gone afterwards. Raises ``CommandError``.

    It is made on the server of ``BACKUP_PROOF_URL`` under a name of its own, and only that one is dropped;
    without it on a server that runs only meanwhile, from the programs of this machine.
    """
    if settings.BACKUP_PROOF_URL:
        with _on_server(settings.BACKUP_PROOF_URL) as url:
            yield url
    else:
        with _own_server(server_major()) as url:
            yield url


@contextmanager
def _on_server(url: str) -> Iterator[str]:
    name = f"registry_proof_{uuid4().hex[:12]}"
    try:
        server = psycopg2.connect(url)
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    except psycopg2.Error as error:
        raise CommandError(
            f"不能在 BACKUP_PROOF_URL 的服务器上建立校验用的库:{error}。"
            "那个用户须有 CREATEDB 权限(ALTER ROLE … CREATEDB)。"
        ) from error
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        with server.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.close()


def _account() -> str | None:
    """Return the user who runs a server of our own: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise CommandError(
            "校验备份要临时启动一个 PostgreSQL,它不能由 root 运行。请以运行登记系统的用户执行本命令"
            "(sudo -u registry …),或设置 BACKUP_PROOF_URL。"
        ) from None


@contextmanager
def _own_server(major: int) -> Iterator[str]:
    account = _account()
    try:
        initdb, pg_ctl = program("initdb", major), program("pg_ctl", major)
    except CommandError as error:
        raise CommandError(
            f"{error} 校验备份要在本机临时启动一个 PostgreSQL;本机没有服务器程序时,"
            "请设置 BACKUP_PROOF_URL(一个可以建库的用户)。"
        ) from None
    with tempfile.TemporaryDirectory(prefix="registry-proof-") as place:
        data = Path(place) / "data"
        if account:
            shutil.chown(place, account)
        _run(
            [str(initdb), "-D", str(data), "-U", "registry_proof", "-A", "trust", "-E", "UTF8", "--no-sync"],
            account,
        )
        with (data / "postgresql.conf").open("a") as file:
            file.write(f"listen_addresses = ''\nunix_socket_directories = '{place}'\nfsync = off\n")
        server = [str(pg_ctl), "-D", str(data), "-w", "-s"]
        _run([*server, "-l", f"{place}/log", "start"], account)
        try:
            yield f"postgresql://registry_proof:@/postgres?host={place}"
        finally:
            _run([*server, "-m", "immediate", "stop"], account)
