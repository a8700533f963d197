"""``manage.py checkcounts``: recount from the rows and compare with the totals."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry.audit import Actor
from registry.counting.totals.check import differences
from registry.counting.totals.fold import fold_counts
from registry.management.arguments import find_unit
from registry.management.soundness import Check
from registry.operations.rebuilding import rebuild_counts

MOST = 50
ACTOR = Actor.system("重建统计数")


class Command(Check):
    help = "按原始记录重新计数,与统计数逐项核对;有出入时返回 1。"

    def add_arguments(self, parser: CommandParser) -> None:
        """The two options."""
        parser.add_argument("--fix", action="store_true", help="按原始记录重建有出入的统计数,然后再核对一遍")
        parser.add_argument("--unit", metavar="CODE", help="只核对这一个单位")
        parser.add_argument("--fold", action="store_true", help="先把零散的变动归并成逐日累计数")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each difference on a line. Raises ``CommandError`` (exit 1) when one is left."""
        units = [find_unit("--unit", options["unit"]).pk] if options["unit"] else None
        if options["fold"]:
            self.stdout.write(f"已归并 {fold_counts()} 行变动。")
        found = differences(units, MOST)
        if found:
            self.stdout.write("统计数应加减的数(原始记录减统计数):")
        for line in found:
            self.stdout.write(line)
        if found and options["fix"]:
            self.stdout.write(f"已重建 {rebuild_counts(actor=ACTOR, units=units)} 行统计数,再次核对:")
            found = differences(units, MOST)
            for line in found:
                self.stdout.write(line)
        if found:
            more = "以上" if len(found) == MOST else ""
            raise CommandError(f"统计数与原始记录有 {len(found)} 处{more}出入。")
        self.stdout.write("统计数与原始记录完全一致。")
