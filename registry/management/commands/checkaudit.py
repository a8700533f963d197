"""``manage.py checkaudit``: check that no sealed entry was changed or removed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry.audit.seals import Proof, check_seals, not_sealed
from registry.management.soundness import Check


class Command(Check):
    help = "校验操作记录的封存:指出被改动或删除的记录和封存;有错时返回 1。"

    def add_arguments(self, parser: CommandParser) -> None:
        """The one option."""
        parser.add_argument(
            "--known", default="", metavar="校验值", help="以前另行记下的某一封存的校验值,查它是否仍在"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each fault on a line. Raises ``CommandError`` (exit 1) when there is one."""
        proof, faults = Proof(), 0
        for fault in check_seals(proof, options["known"].strip()):
            faults += 1
            self.stdout.write(str(fault))
        self.stdout.write(f"校验了 {proof.seals} 个封存、{proof.entries} 条记录;尚未封存 {not_sealed()} 条。")
        if proof.newest is not None:
            self.stdout.write(f"最近的封存:第 {proof.newest.number} 号,校验值 {proof.newest.digest}")
        if faults:
            raise CommandError(f"发现 {faults} 处问题:操作记录在封存后被改动或删除。")
        self.stdout.write("已封存的记录无改动、无删除。")
