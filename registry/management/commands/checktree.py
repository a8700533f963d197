"""``manage.py checktree``: check both trees and the dated rows; ``--fix`` rebuilds intervals and triggers."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry.audit import Actor
from registry.management.soundness import Check
from registry.models.guards import missing
from registry.operations.rebuilding import rebuild_trees, restore_guards
from registry.trees.check import check_all


class Command(Check):
    help = "校验单位树和组织树(区间、层级、上下级、隶属记录、数据库触发器);有错时返回 1。"

    def add_arguments(self, parser: CommandParser) -> None:
        """The one option."""
        parser.add_argument(
            "--fix", action="store_true", help="按 parent 重建两棵树的区间,补装触发器,然后再校验一遍"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each fault on a line. Raises ``CommandError`` (exit 1) when one is left."""
        faults = rebuildable = 0
        for fault in check_all():
            faults, rebuildable = faults + 1, rebuildable + fault.rebuilds
            self.stdout.write(str(fault))
        wanting = missing()
        if options["fix"] and (rebuildable or wanting):
            actor = Actor.system("校验并修复")
            if wanting:
                restore_guards(actor=actor)
                self.stdout.write(f"已补装 {len(wanting)} 个触发器。")
            if rebuildable:
                self.stdout.write(f"已重建 {rebuild_trees(actor=actor)} 个节点的区间。")
            self.stdout.write("再次校验:")
            faults = 0
            for fault in check_all():
                faults += 1
                self.stdout.write(str(fault))
        if faults:
            hint = "" if options["fix"] or not rebuildable else ";区间类错误可用 --fix 重建"
            raise CommandError(f"发现 {faults} 处错误{hint}。")
        self.stdout.write("两棵树和各项记录均无误。")
