"""``manage.py checkaudit``: check that the record is whole and unchanged, and note what was proven."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from registry.audit.proving import Proof, check_record, keep, wanting
from registry.audit.seals import not_sealed
from registry.management.soundness import Check


class Command(Check):
    help = (
        "校验操作记录:封存、密钥、库外另存、触发器;指出被改动、删除、倒填的记录,被伪造、重做的封存,"
        "以及被截去的末尾;有错时返回 1。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The one option."""
        parser.add_argument(
            "--known", default="", metavar="校验值", help="以前另行记下的某一封存的校验值,查它是否仍在"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each fault on a line. Raises ``CommandError`` (exit 1) when there is one."""
        proof = Proof()
        for fault in check_record(proof, options["known"].strip()):
            self.stdout.write(str(fault))
        self.stdout.write(f"校验了 {proof.seals} 个封存、{proof.entries} 条记录;尚未封存 {not_sealed()} 条。")
        if proof.newest is not None:
            self.stdout.write(f"最近的封存:第 {proof.newest.number} 号,校验值 {proof.newest.digest}")
        if proof.since is not None:
            at = timezone.localtime(proof.since.made_at)
            self.stdout.write(f"自 {at:%Y-%m-%d %H:%M}(第 {proof.since.number} 号封存)起可以证明。")
        try:
            keep(proof)
        except DatabaseError as error:  # read-only, or another's file
            self.stdout.write(f"这次校验没有记下:{error}")
        for sentence in wanting():
            self.stdout.write(f"注意:{sentence}。")
        if proof.faults:
            raise CommandError(f"发现 {proof.faults} 处问题:操作记录不完整,或被改动、删除、伪造。")
        self.stdout.write("已封存的记录无改动、无删除。")
