"""``manage.py health``: how it is, as the page 系统状态 says; for timers and who looks on the server."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from registry.operating import health
from registry.operating.health import BAD, OK


class Command(BaseCommand):
    help = "说明系统各项是否正常,以及怎么办。有问题时退出码为 1。"

    def add_arguments(self, parser: CommandParser) -> None:
        """Which lines, and whether to mail."""
        parser.add_argument("--quiet", action="store_true", help="只说不正常的")
        parser.add_argument("--tell", action="store_true", help="有问题的写入日志,设置了邮件的发给管理员")

    def handle(self, *args: Any, quiet: bool, tell: bool, **options: Any) -> None:
        """Say it; exit 1 when something is bad."""
        lines = health.tell() if tell else health.everything()
        for line in lines:
            if line.state == OK and quiet:
                continue
            self.stdout.write(f"{line.mark} {line.label}:{line.said}")
            if line.todo:
                self.stdout.write(f"    {line.todo}")
        if any(line.state == BAD for line in lines):
            sys.exit(1)
