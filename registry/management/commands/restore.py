"""``manage.py restore``: a backup into an empty place, with a proof afterwards."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from registry import audit
from registry.management.arguments import command_actor
from registry.operating.restoring import restore_backup


class Command(BaseCommand):
    help = (
        "把一份备份恢复到空的数据库(DATABASE_URL)和空的照片文件夹(FILES_DIR),然后逐项校验;"
        "已有数据的地方一概不动。"
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The backup."""
        parser.add_argument(
            "backup", metavar="备份", help="备份的文件夹,例如 /srv/backup/registry-20200223-021500"
        )
        parser.add_argument("--proof", action="store_true", help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore and prove. Raises ``CommandError`` (exit 1) with what was refused or is not clean."""
        backup = Path(options["backup"]).absolute()
        manifest = restore_backup(backup, self.stdout.write, is_proof=options["proof"])
        if options["proof"]:
            return
        audit.record_event(
            command_actor("恢复备份"), "restore_backup", subject=manifest.name, after={"file": str(backup)}
        )
        self.stdout.write(
            f"已恢复,校验全部通过。数据截止 {timezone.localtime(manifest.at):%Y-%m-%d %H:%M:%S},"
            "此后的登记不在其中;所有用户须重新登录。PostgreSQL 还须再运行一次 deploy/roles.sql。"
        )
