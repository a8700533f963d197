"""``manage.py mode``: serve as usual, read-only, or be closed for maintenance; without a restart."""

from __future__ import annotations

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.models import modes
from registry.models.modes import Mode

logger = logging.getLogger("registry.modes")


class Command(BaseCommand):
    help = (
        "切换本服务器的运行方式:normal 正常,read-only 只读,maintenance 停机维护。不写则只显示现在的。"
        "从下一个请求起生效,不用重启;有两台应用服务器的,在每一台上执行。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The mode, and what users are told."""
        parser.add_argument("mode", nargs="?", choices=[mode.word for mode in Mode])
        parser.add_argument("--said", default="", help="告诉用户的一句话,例如 预计 22:00 恢复。")

    def handle(self, *args: Any, mode: str | None, said: str, **options: Any) -> None:
        """Switch and say what holds then. Raises ``CommandError``."""
        if mode is not None:
            wanted = next(each for each in Mode if each.word == mode)
            try:
                modes.switch(wanted, said.strip()[:200])
            except OSError as error:
                raise CommandError(f"不能写入 {modes.place()}:{error}。请以运行服务的用户执行。") from None
            logger.warning("the mode was switched to %s", mode)
        found = modes.standing()
        self.stdout.write(f"{modes.LABELS[found.mode]}。{found.said}")
        if mode is not None and found.mode > wanted:
            self.stdout.write("环境变量 READ_ONLY 或 MAINTENANCE 设得更严,仍按它。改环境变量后要重启。")
