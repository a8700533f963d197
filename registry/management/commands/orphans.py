"""`manage.py orphans`: files on disk that no row names, rows whose file is gone, uploads never saved."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry.files import keeping
from registry.management.soundness import Check

SHOWN = 20


class Command(Check):
    help = "查找盘上多余或缺少的照片和附件、过期没有保存的上传;有而未清理的返回 1。"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do with them."""
        parser.add_argument(
            "--delete", action="store_true", help="清理盘上多余的文件和过期的上传;缺少的只列出,请从备份恢复"
        )
        parser.add_argument("--content", action="store_true", help="同时读出每个文件,与登记的校验值比对")

    def handle(self, *args: Any, **options: Any) -> None:
        """Find, say, and remove where that is asked for."""
        found = keeping.find(also_content=options["content"])
        for what, some in (
            ("盘上有、登记里没有的文件", [str(path) for path in found.without_row]),
            ("登记里有、盘上没有的照片或附件", [self._named(file) for file in found.without_file]),
            ("与登记的校验值不符的照片或附件", [self._named(file) for file in found.changed]),
            ("过期未保存或已删除的照片或附件", [self._named(file) for file in found.unclaimed]),
        ):
            self.stdout.write(f"{what}:{len(some):,} 个")
            for each in some[:SHOWN]:
                self.stdout.write(f"  {each}")
            if len(some) > SHOWN:
                self.stdout.write(f"  另有 {len(some) - SHOWN:,} 个")
        left = found.number
        if options["delete"]:
            removed = keeping.remove(found)
            left -= removed
            self.stdout.write(f"已清理 {removed:,} 个。")
        if left:
            hint = "" if options["delete"] else ";多余和过期的可用 --delete 清理"
            raise CommandError(f"还有 {left:,} 个{hint}。")
        self.stdout.write("照片和附件无误。")

    @staticmethod
    def _named(file: Any) -> str:
        return f"{file.pk} {file.name}({file.key})"
