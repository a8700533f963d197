"""``manage.py checkrules``: how far a unit with all below it keeps what the regulations ask, on a day."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from registry.management.arguments import aligned, find_unit, read_day
from registry.models import Unit
from registry.models.hierarchy import roots
from registry.rules.checks import BY_SLUG, Level, breaching, count_breaches, organizations_at

_NAMED = 3


@dataclass
class Line:
    """What is said of one rule."""

    slug: str
    label: str
    level: str
    citation: str
    breaches: int
    excepted: int
    organizations: list[str]


class Command(BaseCommand):
    help = "规范检查:各项规则在一个单位(含全部下级)有多少违规、提醒和提示。有违规时返回 1。"

    def add_arguments(self, parser: CommandParser) -> None:
        """Unit, day, format, how many names."""
        parser.add_argument("--unit", help="单位代码或名称,默认全部单位")
        parser.add_argument("--as-of", help="截至日期 YYYY-MM-DD,默认今天")
        parser.add_argument("--format", default="table", help="输出格式:table 或 json")
        parser.add_argument(
            "--names", type=int, default=_NAMED, help=f"每项规则列出前几个组织的名称,默认 {_NAMED}"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check and print. Raises ``CommandError`` (exit 1) when there are violations."""
        if options["format"] not in ("table", "json"):
            raise CommandError(f"--format:“{options['format']}”不是 table 或 json。")
        units = [find_unit("--unit", options["unit"])] if options["unit"] else roots()
        day = read_day("--as-of", options["as_of"]) or timezone.localdate()
        lines = _lines(units, day, max(0, options["names"]))
        if options["format"] == "json":
            self.stdout.write(_as_json(units, day, lines))
        else:
            self.stdout.write(_as_table(units, day, lines))
        violations = sum(line.breaches for line in lines if line.level == Level.VIOLATION)
        if violations:
            raise CommandError(f"有 {violations:,} 处违规。")


def _lines(units: list[Unit], day: date, names: int) -> list[Line]:
    """Return a line for each rule that speaks on the day, in their order."""
    lines: dict[str, Line] = {}
    for unit in units:
        for slug, number in count_breaches(unit, day, children=False).numbers.items():
            check, line = BY_SLUG[slug], lines.get(slug)
            if line is None:
                edition = check.edition_on(day)
                citation = edition.citation if edition else ""
                line = lines[slug] = Line(slug, check.label, check.level, citation, 0, 0, [])
            line.breaches += number.breaches
            line.excepted += number.excepted
            left = names - len(line.organizations)
            if number.breaches and left > 0:
                found = breaching(organizations_at(unit, day), day, slug).order_by("order_key", "pk")
                line.organizations += found.values_list("name", flat=True)[:left]
    return list(lines.values())


def _as_json(units: list[Unit], day: date, lines: list[Line]) -> str:
    said = {
        "units": [unit.code for unit in units],
        "as_of": day.isoformat(),
        "rules": list(map(asdict, lines)),
    }
    return json.dumps(said, ensure_ascii=False, indent=2)


def _as_table(units: list[Unit], day: date, lines: list[Line]) -> str:
    where = "、".join(unit.name for unit in units) or "没有单位"
    rows = [["程度", "规则", "数", "例外", "依据", "组织"]]
    for line in lines:
        names = "、".join(line.organizations)
        if line.breaches > len(line.organizations) > 0:
            names += " 等"
        numbers = [f"{line.breaches:,}", f"{line.excepted:,}"]
        rows.append([Level(line.level).label, line.label, *numbers, line.citation or "惯例", names])
    return "\n".join([f"{where} · 规范检查 · 截至 {day}", "", *aligned(rows, right={2, 3})])
