"""``manage.py check --deploy``: what a bureau forgot, besides what Django looks at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import DatabaseError, connection

from registry.operating import health
from registry.operating.writing import sqlite_file


def _forgotten(code: str, said: str, todo: str) -> CheckMessage:
    return Warning(said, hint=todo, id=f"registry.{code}")


@register(Tags.security, deploy=True)
def look_at_settings(**_options: Any) -> list[CheckMessage]:
    """Return what the settings lack for serving a bureau."""
    return list(_settings())


def _settings() -> Iterator[CheckMessage]:
    if not settings.WALL_KEYS:
        yield _forgotten(
            "wall_key", "没有设置 WALL_KEY,限阅台账不能使用。", "设置 32 位以上的随机字符,另存于备份以外。"
        )
    secrets = [settings.SECRET_KEY, *settings.SEAL_KEYS, *settings.WALL_KEYS]
    if len(set(secrets)) < len(secrets):
        yield _forgotten("same_keys", "SECRET_KEY、SEAL_KEY、WALL_KEY 中有相同的。", "各用各的随机字符。")
    for name, place in _places().items():
        if Path(settings.BASE_DIR) in place.parents:
            yield _forgotten(
                "inside_program",
                f"{name} 在程序的文件夹里({place}),升级换文件夹时会留在旧版本中。",
                f"把 {name} 设为程序以外的文件夹,例如 /var/lib/registry 下面。",
            )
    for name, said in (
        ("BACKUP_DIR", "定期整理不会自动备份"),
        ("LOG_DIR", "日志只在系统日志里,须自行保证保存 180 天以上"),
        ("SEAL_COPY", "封存的摘要没有存到数据库以外,整个记录被重做时看不出来"),
        ("TRUSTED_PROXIES", "所有登录看起来都来自同一个地址"),
    ):
        if not getattr(settings, name):
            yield _forgotten(name.lower(), f"没有设置 {name}:{said}。", "说明见 README.md 的设置一节。")
    if "*" in settings.ALLOWED_HOSTS:
        yield _forgotten("any_host", "ALLOWED_HOSTS 是 *,什么主机名都接受。", "写明用户使用的主机名和地址。")


def _places() -> dict[str, Path]:
    """Return where data are, by the setting that says so."""
    places = {"FILES_DIR": Path(settings.FILES_DIR), "STATE_DIR": Path(settings.STATE_DIR)}
    if connection.vendor == "sqlite" and sqlite_file().is_absolute():
        places["DATABASE_URL"] = sqlite_file()
    return places


@register(deploy=True)
def look_at_the_server(**_options: Any) -> list[CheckMessage]:
    """Return what the page 系统状态 would show as not well, once there are tables."""
    try:
        if not connection.introspection.table_names():
            return [_forgotten("no_tables", "数据库里还没有表。", "执行 manage.py migrate。")]
        return [*_roles(), *_lines()]
    except DatabaseError as error:
        return [_forgotten("database_down", f"数据库没有应答:{error}", "查看数据库服务是否在运行。")]


def _lines() -> Iterator[CheckMessage]:
    for line in health.everything():
        if line.state != health.OK:
            yield _forgotten(line.wrong or line.code, f"{line.label}:{line.said}", line.todo)


def _roles() -> Iterator[CheckMessage]:
    """On PostgreSQL who serves must not own the tables: an owner can switch the guards off."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(tableowner, 'MEMBER') FROM pg_tables WHERE tablename = 'registry_auditentry'"
        )
        found = cursor.fetchone()
    if found and found[0]:
        yield _forgotten(
            "owner_serves",
            "系统用数据表的所有者连接数据库,可以绕过操作记录的保护。",
            "按 deploy/roles.sql 分开所有者和服务用户,DATABASE_URL 写服务用户。",
        )
