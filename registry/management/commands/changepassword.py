"""``manage.py changepassword``: a one-time password for a user, set and recorded as on a page."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.accounts.operations import set_one_time_password
from registry.accounts.passwords import ONE_TIME_DAYS
from registry.management.arguments import command_actor
from registry.models import User
from registry.refusals import OperationRefused


class Command(BaseCommand):
    help = "给用户设一次性密码(登录后须修改),结束其全部登录,记入操作记录。管理员都进不去时用。"

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the name of the user."""
        parser.add_argument("username", help="用户名")

    def handle(self, *args: Any, **options: Any) -> None:
        """Set a one-time password and print it. Raises ``CommandError``, which says why it cannot be done."""
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"没有用户“{options['username']}”。")
        try:
            password = set_one_time_password(
                actor=command_actor("改密码命令"), user=user, reason="在服务器上用命令设置"
            )
        except OperationRefused as refusal:
            raise CommandError("".join(refusal.messages)) from None
        self.stdout.write(
            f"{user.username} 的一次性密码:{password}\n"
            f"只显示这一次,请在 {ONE_TIME_DAYS} 天内登录并修改;已记入操作记录。"
        )
