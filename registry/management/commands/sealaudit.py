"""``manage.py sealaudit``: seal every entry of the record that no seal holds yet."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from registry.audit.seals import seal_all
from registry.models import AuditSeal


class Command(BaseCommand):
    help = "封存操作记录:把尚未封存的记录按批封存,每一批含前一批的校验值。"

    def handle(self, *args: Any, **options: Any) -> None:
        """Print how many were sealed, and the newest digest, which should be kept elsewhere."""
        entries = seals = 0
        for seal in seal_all():
            entries, seals = entries + seal.count, seals + 1
        self.stdout.write(f"封存了 {entries} 条记录,{seals} 批。")
        newest = AuditSeal.objects.order_by("-number").first()
        if newest is not None:
            self.stdout.write(f"最近的封存:第 {newest.number} 号,校验值 {newest.digest}")
