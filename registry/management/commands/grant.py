"""``manage.py grant``: give a user a role at a unit, as for the first manager, or end it.

This is how a bureau with a single manager and nobody above appoints its auditor; the record says that it
was a command.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from registry.accounts.grants import end_grant, grant_role
from registry.management.arguments import command_actor, find_unit, read_day
from registry.models import Grant, GrantRole, Unit, User
from registry.refusals import OperationRefused
from registry.rules.separation import not_over


class Command(BaseCommand):
    help = "给用户在某单位(含下级)授予角色,或结束其授权(--end)。用户和单位须已存在。记入操作记录。"

    def add_arguments(self, parser: CommandParser) -> None:
        """User, unit, role, and the days."""
        parser.add_argument("user", metavar="USER", help="用户名")
        parser.add_argument("unit", metavar="UNIT", help="单位代码或名称")
        parser.add_argument("role", metavar="ROLE", help=f"角色:{_roles()}")
        parser.add_argument("--from", dest="started_on", metavar="日期", help="开始日期,默认今天")
        parser.add_argument("--to", dest="ended_on", metavar="日期", help="到期日期(自该日起失效),默认长期")
        parser.add_argument("--end", metavar="原因", help="结束这项授权,写明原因")

    def handle(self, *args: Any, **options: Any) -> None:
        """Grant, or say in Chinese why not."""
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(
                f"没有用户“{options['user']}”。请先用 manage.py createsuperuser 或用户页面建立。"
            )
        unit = find_unit("UNIT", options["unit"])
        if options["role"] not in GrantRole.values:
            raise CommandError(f"没有角色“{options['role']}”。可用:{_roles()}。")
        try:
            if options["end"] is not None:
                self._end(user, unit, options["role"], options["end"])
                return
            grant = grant_role(
                actor=command_actor("授权命令"),
                user=user,
                unit=unit,
                role=options["role"],
                started_on=read_day("--from", options["started_on"]) or timezone.localdate(),
                ended_on=read_day("--to", options["ended_on"]),
            )
        except OperationRefused as refusal:
            raise CommandError("".join(refusal.messages)) from None
        until = f"至 {grant.ended_on:%Y-%m-%d}" if grant.ended_on else "长期"
        self.stdout.write(
            f"已授予 {user.username} 在{unit.name}的“{grant.get_role_display()}”角色,"
            f"自 {grant.started_on:%Y-%m-%d},{until}。"
        )

    def _end(self, user: User, unit: Unit, role: str, reason: str) -> None:
        held = Grant.objects.filter(not_over(), user=user, unit=unit, role=role).first()
        if held is None:
            raise CommandError(f"{user.username} 在{unit.name}没有“{GrantRole(role).label}”授权。")
        end_grant(actor=command_actor("授权命令"), grant=held, reason=reason)
        self.stdout.write(f"已结束 {user.username} 在{unit.name}的“{GrantRole(role).label}”授权。")


def _roles() -> str:
    return "、".join(f"{role.value}({role.label})" for role in GrantRole)
