"""``manage.py sealaudit``: seal what no seal holds yet of the record, and note the newest seal outside."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from registry import locks
from registry.audit.copies import place, write_copy
from registry.audit.seals import newest, seal_all

PATIENCE = 60.0
"""Seconds to wait for whoever else seals, or on SQLite writes."""


class Command(BaseCommand):
    help = (
        "封存操作记录:把尚未封存的记录按批封存,每一批含前一批的校验值;"
        "设置了 SEAL_COPY 时把最近的校验值另存到库外。"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print how many were sealed, and the newest digest. Raises ``CommandError`` without its copy."""
        entries = seals = 0
        try:
            with locks.patient(PATIENCE):
                for seal in seal_all():
                    entries, seals = entries + seal.count, seals + 1
        except OperationalError as error:
            if not isinstance(error, locks.Busy) and not locks.is_busy(error):
                raise
            self.stdout.write(f"封存了 {entries} 条记录,{seals} 批。")
            raise CommandError("正在写入大批数据,其余的没有等到,请稍后再运行。") from error
        self.stdout.write(f"封存了 {entries} 条记录,{seals} 批。")
        last = newest()
        if last is not None:
            self.stdout.write(f"最近的封存:第 {last.number} 号,校验值 {last.digest}")
        try:
            if write_copy() is not None:
                self.stdout.write(f"已另存到 {place()}。")
        except OSError as error:
            raise CommandError(
                f"没有能另存到 {place()}:{error.strerror}。记录已经封存,请修好后再运行。"
            ) from error
