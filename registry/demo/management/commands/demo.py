"""``manage.py demo``: load the demo into an empty registry, and print its logins."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.demo.load import ACTOR, is_empty, load_demo
from registry.demo.logins import LOGINS, Login, close_logins, open_logins, usable_logins

_NOUNS = {
    "units": "单位",
    "organizations": "组织",
    "people": "人员",
    "assignments": "编入",
    "entries": "台账条目",
}


class Command(BaseCommand):
    help = "载入演示数据:五篇公开报道所载的单位、组织和数字,以及补足到报道总数的演示行(标注“演示”)。"

    def add_arguments(self, parser: CommandParser) -> None:
        """The one option."""
        parser.add_argument("--if-empty", action="store_true", help="库中已有数据时什么也不做,不报错")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, or say why not; then print the logins."""
        if is_new := is_empty():
            self._load()
        elif options["if_empty"]:
            self.stdout.write("库中已有数据,保留不变。")
        else:
            raise CommandError("库中已有数据,没有载入演示数据,也没有改动任何内容。请换一个空库。")
        if settings.DEBUG:
            self._print_logins(LOGINS if is_new else usable_logins())
        else:
            self._close_logins()

    def _load(self) -> None:
        begin = time.monotonic()
        numbers = load_demo()
        if settings.DEBUG:
            open_logins(ACTOR)
        summary = "、".join(f"{label} {numbers[noun]}" for noun, label in _NOUNS.items())
        self.stdout.write(f"已载入演示数据:{summary}(用时 {time.monotonic() - begin:.1f} 秒)。")

    def _print_logins(self, logins: Sequence[Login]) -> None:
        if logins:
            self.stdout.write("演示账号(用户名 / 密码):")
        for login in logins:
            self.stdout.write(f"  {login.username:<8} / {login.password:<18} {login.what}")

    def _close_logins(self) -> None:
        for login in close_logins(ACTOR):
            self.stdout.write(f"DEBUG 已关闭:演示账号 {login.username} 的密码是公开的,已停用该账号。")
        self.stdout.write("DEBUG 已关闭,不建演示账号。请用 manage.py createsuperuser 建立第一个账号。")
