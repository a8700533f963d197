"""``manage.py searchindex``: compare the search index with the rows, or rebuild it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.search.index import differences, rebuild

MOST = 50


class Command(BaseCommand):
    help = "核对搜索索引与单位、组织、人员的名称;有出入时返回 1。升级 pypinyin 之后请用 --rebuild 重建。"

    def add_arguments(self, parser: CommandParser) -> None:
        """The one option."""
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--check", action="store_true", help="只核对(不加参数时也是如此)")
        what.add_argument("--rebuild", action="store_true", help="按现有名称重建整个索引,然后核对一遍")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each difference on a line. Raises ``CommandError`` (exit 1) when there is one."""
        if options["rebuild"]:
            self.stdout.write(f"已重建搜索索引,共 {rebuild()} 个检索词。")
        wrong = differences(MOST)
        for line in wrong:
            self.stdout.write(line)
        if wrong:
            more = "以上" if len(wrong) == MOST else ""
            raise CommandError(f"搜索索引有 {len(wrong)} 处{more}出入,可用 --rebuild 重建。")
        self.stdout.write("搜索索引与现有名称完全一致。")
