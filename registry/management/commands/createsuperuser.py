"""``manage.py createsuperuser``: an administrator, made and recorded as on a page."""

from __future__ import annotations

import getpass
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.accounts.operations import add_administrator
from registry.management.arguments import command_actor
from registry.refusals import OperationRefused

PASSWORD = "DJANGO_SUPERUSER_PASSWORD"
"""The environment variable that may hold the first password."""


class Command(BaseCommand):
    help = (
        "建立系统管理员账号(可以登记首个单位、给所有单位授权),记入操作记录。首个密码从环境变量 "
        f"{PASSWORD} 读取或当场输入,登录后须修改。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the name of the account and of the person."""
        parser.add_argument("--username", help="用户名(字母、数字)")
        parser.add_argument("--name", default="", help="姓名")
        parser.add_argument("--no-input", "--noinput", action="store_true", help="不询问,缺什么就报错")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the account. Raises ``CommandError``, which says why it cannot be done."""
        username, password = options["username"] or "", os.environ.get(PASSWORD, "")
        if not options["no_input"]:
            username = username or input("用户名:").strip()
            password = password or getpass.getpass("首个密码:")
        if not username or not password:
            raise CommandError(f"请给出 --username,并把首个密码放在环境变量 {PASSWORD} 中。")
        try:
            user = add_administrator(
                actor=command_actor("建立管理员命令"),
                username=username,
                display_name=options["name"],
                password=password,
            )
        except OperationRefused as refusal:
            raise CommandError("".join(refusal.messages)) from None
        self.stdout.write(f"已建立系统管理员 {user.username},已记入操作记录。首次登录须修改密码。")
