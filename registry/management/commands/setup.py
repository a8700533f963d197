"""``manage.py setup``: begin an empty registry with its first unit and its first manager."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from registry.accounts.operations import begun_refused, set_up
from registry.accounts.passwords import ONE_TIME_DAYS
from registry.audit import Actor
from registry.models import UnitKind
from registry.refusals import OperationRefused
from registry.rules.units import REGION_CODE

PASSWORD = "SETUP_PASSWORD"
"""The environment variable that may hold the manager's first password."""

_FLAGS = {
    "name": "--unit",
    "short_name": "--short-name",
    "kind": "--kind",
    "region_code": "--region",
    "username": "--account",
    "display_name": "--name",
    "password": PASSWORD,
}
"""The argument that gives each fact, to be named in a refusal."""


class Command(BaseCommand):
    help = (
        "在空库中建立登记系统:首个单位(本机关)和首位管理员。没有给出的内容逐项询问;单位名称留空时"
        "只建系统管理员,登录后在页面上登记首个单位。一次性密码只显示这一次;也可以放在环境变量 "
        f"{PASSWORD} 中,或用 --password-stdin 从标准输入读取。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The unit, the manager, the password."""
        parser.add_argument("--unit", help="首个单位的全称,例如 德州市公安局")
        parser.add_argument("--short-name", help="首个单位的简称")
        parser.add_argument("--kind", help=f"单位类型:{_kinds()}")
        parser.add_argument("--region", help="行政区划代码,六位数字,可以不填")
        parser.add_argument("--account", help="首位管理员的用户名")
        parser.add_argument("--name", help="首位管理员的姓名")
        parser.add_argument("--password-stdin", action="store_true", help="从标准输入读取首个密码")
        parser.add_argument("--no-input", action="store_true", help="不询问,缺什么就报错")

    def handle(self, *args: Any, **options: Any) -> None:
        """Set up the registry. Raises ``CommandError``, which says why it cannot be done."""
        _need_tables()
        try:
            begun_refused()
            unit, manager = self._facts(options)
            password = sys.stdin.readline().strip() if options["password_stdin"] else ""
            password = password or os.environ.get(PASSWORD, "")
            user, first = set_up(actor=Actor.system("初始设置"), unit=unit, password=password, **manager)
        except OperationRefused as refusal:
            raise CommandError(_said(refusal)) from None
        where = f"{unit['name']}的管理员" if unit else "系统管理员"
        self.stdout.write(f"已建立登记系统。{user.display_name}({user.username})是{where}。")
        if not password:
            self.stdout.write(f"一次性密码:{first}")
        self.stdout.write(
            f"请在 {ONE_TIME_DAYS} 天内登录并修改密码;密码不再显示。登录后按“开始使用”的四步办理。"
        )

    def _facts(self, options: dict[str, Any]) -> tuple[dict[str, str] | None, dict[str, str]]:
        """Return the facts of the unit (None: none) and of the manager; ask for what was not given."""
        may_ask = not (options["no_input"] or options["password_stdin"])

        def fact(flag: str, question: str, check: Callable[[str], str], default: str | None = None) -> str:
            given = options[flag.removeprefix("--").replace("-", "_")]
            if given is not None:
                return check(given)
            if may_ask:
                return self._ask(question, check, default)
            if default is None:
                raise CommandError(f"请给出 {flag}({question})。")
            return default

        unit = None
        name = fact("--unit", "首个单位的全称(留空则登录后再登记)", str.strip, "")
        if name:
            unit = {
                "name": name,
                "short_name": fact("--short-name", "单位简称(可以不填)", str.strip, ""),
                "kind": fact("--kind", f"单位类型:{_kinds()}", _kind, UnitKind.BUREAU.value),
                "region_code": fact("--region", "行政区划代码(六位数字,可以不填)", _region, ""),
            }
        manager = {
            "username": fact("--account", "首位管理员的用户名(字母、数字)", _needed),
            "display_name": fact("--name", "首位管理员的姓名", _needed),
        }
        return unit, manager

    def _ask(self, question: str, check: Callable[[str], str], default: str | None) -> str:
        """Ask until the answer is right."""
        shown = f"{question} [{_label(default)}]:" if default else f"{question}:"
        while True:
            try:
                answer = input(shown).strip()
            except EOFError:
                raise CommandError("没有读到回答。不便逐项询问时,请用命令行参数给出,见 --help。") from None
            try:
                return check(answer) if answer or default is None else default
            except CommandError as error:
                self.stderr.write(str(error))


def _need_tables() -> None:
    """Refuse while tables are missing or old."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError("数据库的表还没有建立或不是最新的,请先运行 manage.py migrate。")


def _needed(text: str) -> str:
    if not text.strip():
        raise CommandError("这一项不能留空。")
    return text.strip()


def _kind(text: str) -> str:
    for kind in UnitKind:
        if text.strip() in (kind.value, kind.label):
            return kind.value
    raise CommandError(f"没有单位类型“{text}”。可用:{_kinds()}。")


def _region(text: str) -> str:
    if text.strip() and not re.match(REGION_CODE, text.strip()):
        raise CommandError(f"行政区划代码“{text}”不是六位数字。")
    return text.strip()


def _kinds() -> str:
    return "、".join(str(kind.label) for kind in UnitKind)


def _label(value: str) -> str:
    return str(UnitKind(value).label) if value in UnitKind.values else value


def _said(refusal: OperationRefused) -> str:
    """Return the messages, each with the argument that it is about."""
    return " ".join(
        f"{_FLAGS[field]}:{message}" if field in _FLAGS else message
        for field, messages in refusal.message_dict.items()
        for message in messages
    )
