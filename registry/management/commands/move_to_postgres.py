"""``manage.py move_to_postgres``: from the SQLite file of a trial to the PostgreSQL of ``DATABASE_URL``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from registry import audit
from registry.management.arguments import command_actor
from registry.operating.moving import move_to_postgres


class Command(BaseCommand):
    help = (
        "把 SQLite 库文件里的全部数据迁移到 DATABASE_URL 指明的空的 PostgreSQL 库,编号、封存、触发器不变,"
        "逐项校验通过才算数;登记系统须先停止。旧文件改名保留。"
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The file."""
        parser.add_argument("file", metavar="旧库文件", help="例如 /var/lib/registry/registry.sqlite3")

    def handle(self, *args: Any, **options: Any) -> None:
        """Move it. Raises ``CommandError`` (exit 1); then nothing was moved."""
        file, begun = Path(options["file"]).absolute(), time.monotonic()
        rows = move_to_postgres(file, self.stdout.write)
        audit.record_event(
            command_actor("迁移数据库"), "move_database", subject=file.name, after={"rows": rows}
        )
        self.stdout.write(
            f"已迁移 {rows:,} 行,校验全部通过,用时 {time.monotonic() - begun:.0f} 秒。"
            f"旧库已改名为 {file}.moved。"
            "请把 DATABASE_URL 改为新库,运行 deploy/roles.sql,再启动登记系统;所有用户须重新登录。"
        )
