"""``manage.py work``: a worker for what takes longer than a page may."""

from __future__ import annotations

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from registry.work.worker import Worker


class Command(BaseCommand):
    help = "后台处理程序:处理大的导入和导出,并做定期的整理。数据库重启后自动重新连接。"

    def add_arguments(self, parser: CommandParser) -> None:
        """``--batch`` is for scripts and tests."""
        parser.add_argument("--batch", action="store_true", help="处理完所有等待的任务后退出")
        parser.add_argument("--interval", type=float, default=1.0, help="没有任务时,隔几秒再看")

    def handle(self, *args: Any, batch: bool, interval: float, verbosity: int, **options: Any) -> None:
        """Work until a signal ends it: the first lets the task at work end, the second does not."""
        if verbosity == 0:
            logging.getLogger("django_tasks").setLevel(logging.WARNING)
        worker = Worker(interval=max(interval, 0.05), batch=batch)
        worker.configure_signals()
        worker.run()
