"""`manage.py housekeeping`: everything that is due; a part that fails is told, and the rest is done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from registry import nouns
from registry.housekeeping import clean
from registry.operating import keeping

logger = logging.getLogger(__name__)
_OF_WORKERS = "housekeeping"
"""The chore of workers that is this command."""


class Command(BaseCommand):
    help = (
        "办理一切到期的整理:清理过期的会话、表单、导入导出文件和未保存的照片,发待办邮件,封存记录,"
        "核对照片和附件;设置了 BACKUP_DIR 而最近的备份超过 26 小时的,再做一份并校验。"
        "某一项没有完成会说明,不影响其余各项。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What the worker leaves to the timer."""
        parser.add_argument("--short", action="store_true", help="只做清理和封存(后台处理程序每小时这样做)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do all of it. Raises ``CommandError`` (exit 1) at the end when a part failed."""
        for name, number in clean().items():
            self.stdout.write(f"{name}:清理 {number:,} 条")
        failed = [name for name, do in self._parts(is_short=options["short"]) if not self._is_done(name, do)]
        if failed:
            raise CommandError(f"没有完成:{'、'.join(failed)}。说明见上;其余各项已完成。")

    def _parts(self, *, is_short: bool) -> Iterator[tuple[str, Callable[[], object]]]:
        if not is_short:
            for chore in nouns.handed_up("chores"):
                if chore.name != _OF_WORKERS:
                    yield chore.name, chore.do
        yield "封存操作记录", lambda: self._call("sealaudit")
        if not is_short:
            yield "核对照片和附件", lambda: self._call("orphans")
            if keeping.is_due():
                yield "备份", lambda: self._call("backup", "--prove")

    def _call(self, *command: str) -> None:
        call_command(*command, stdout=self.stdout, stderr=self.stderr)

    def _is_done(self, name: str, do: Callable[[], object]) -> bool:
        try:
            do()
        except (CommandError, Error, OSError) as error:
            self.stderr.write(f"{name}:没有完成。{error}")
        except Exception:
            logger.exception("housekeeping: %s failed", name)
            self.stderr.write(f"{name}:没有完成,原因见日志。")
        else:
            return True
        return False
